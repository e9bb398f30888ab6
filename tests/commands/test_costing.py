"""What `cost --apply` writes: the best option of each table into the entry that declares it."""

from pathlib import Path

import yaml

from pipeline.commands.costing import write
from pipeline.model.cost import Advice, Option
from pipeline.model.resource import Resource, Source

SPEC = "tables:\n- name: a\n  partition_key: id\n- name: b\n  partition_key: id\n- name: c\n  partition_key: id\n"


def better(name: str, line: int) -> tuple[Resource, Advice]:
    best = Option("fixed", 1.0, "", {"billing_mode": "PROVISIONED", "read_capacity": line, "write_capacity": 1})
    table = Resource("dynamodb.table", name, {}, source=Source("tables.yaml", line, 3))
    return table, Advice(table.address, (Option("on demand", 9.0, "", {}), best), best, "saves")


def test_several_tables_of_one_file_are_each_changed_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "tables.yaml").write_text(SPEC)
    edits = write(tmp_path, [better("a", 2), better("c", 6), better("b", 4)])
    assert [edit.problem for edit in edits] == [None] * 3
    found = yaml.safe_load((tmp_path / "tables.yaml").read_text())["tables"]
    assert {table["name"]: table["read_capacity"] for table in found} == {"a": 2, "b": 4, "c": 6}
