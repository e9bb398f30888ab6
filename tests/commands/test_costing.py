"""What `cost --apply` writes: the best option of each table into the entry that declares it."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline.commands.costing import write
from pipeline.model.cost import Advice, Edit, Option
from pipeline.model.resource import Resource, Source

SPEC = "tables:\n- name: a\n  partition_key: id\n- name: b\n  partition_key: id\n- name: c\n  partition_key: id\n"


def better(name: str, line: int) -> tuple[Resource, Advice]:
    best = Option("fixed", 1.0, "", {"billing_mode": "PROVISIONED", "read_capacity": line, "write_capacity": 1})
    table = Resource("dynamodb.table", name, {}, source=Source("tables.yaml", line, 3))
    return table, Advice(table.address, (Option("on demand", 9.0, "", {}), best), best, "saves")


def test_several_tables_of_one_file_are_each_changed_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "tables.yaml").write_text(SPEC)
    edits = write(tmp_path, [better("a", 2), better("c", 6), better("b", 4)], "environments/dev.env")
    assert [(edit.problem, edit.for_all) for edit in edits] == [(None, True)] * 3
    found = yaml.safe_load((tmp_path / "tables.yaml").read_text())["tables"]
    assert {table["name"]: table["read_capacity"] for table in found} == {"a": 2, "b": 4, "c": 6}


def service(root: Path, *settings: str, more: str = "") -> Path:
    """A table with settings, in a service with one environment; the environment's file."""
    lines = "".join(f"  {setting}\n" for setting in settings)
    (root / "aws").mkdir()
    (root / "environments").mkdir()
    (root / "aws" / "tables.yaml").write_text(f"tables:\n- name: a\n{lines}{more}")
    file = root / "environments" / "dev.env"
    file.write_text("# capacity\nREADS=7  # since May\nAWS_REGION=us-east-1\n")
    return file


def written(root: Path) -> Edit:
    table, advice = better("a", 2)
    table = replace(table, source=Source("aws/tables.yaml", 2, 3))
    (edit,) = write(root, [(table, advice)], "environments/dev.env")
    return edit


def test_what_one_environment_says_is_written_into_its_file(tmp_path: Path) -> None:
    file = service(tmp_path, "billing_mode: PROVISIONED", "read_capacity: ${READS}", "write_capacity: ${WRITES}")
    before = (tmp_path / "aws" / "tables.yaml").read_text()
    edit = written(tmp_path)
    assert (edit.file, edit.problem, edit.for_all) == ("environments/dev.env", None, False)
    assert file.read_text() == "# capacity\nREADS=2\nAWS_REGION=us-east-1\nWRITES=1\n"
    assert (tmp_path / "aws" / "tables.yaml").read_text() == before


@pytest.mark.parametrize(
    ("settings", "more", "why"),
    [
        (("billing_mode: ${BILLING}",), "", "read_capacity, write_capacity would change for every environment"),
        (
            ("billing_mode: PROVISIONED", "read_capacity: ${READS}", "write_capacity: 1"),
            "- name: b\n  read_capacity: ${READS}\n",
            "is in other places, too",
        ),
    ],
)
def test_what_is_not_of_one_environment_alone_is_left_as_it_is(
    tmp_path: Path, settings: tuple[str, ...], more: str, why: str
) -> None:
    file = service(tmp_path, *settings, more=more)
    before = file.read_text()
    assert why in str(written(tmp_path).problem)
    assert file.read_text() == before
