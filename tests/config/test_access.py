"""What `access` names in other resources, and the boundary that pipeline.yaml sets for all roles."""

from pathlib import Path

import pytest

from pipeline.config.loading import load
from pipeline.resources.registry import registry
from tests.config.support import DEV, ENV, HANDLER, TODAY, Files, told, write

BASE: Files = {
    "pipeline.yaml": "environments:\n  dev: dev\n",
    ENV: DEV,
    "backend/handlers/orders.py": HANDLER,
    "aws/dynamodb/tables.yaml": """\
tables:
  - name: orders
    partition_key: id
    attributes: {day: S}
    indexes: [{name: by-day, partition_key: day}]
""",
}


def functions(access: str, more: str = "") -> Files:
    text = f"functions:\n  - name: orders\n    runtime: python3.13\n    access: [{access}]\n{more}"
    return {**BASE, "aws/lambda/functions.yaml": text, "backend/handlers/other.py": HANDLER}


OTHER = "  - name: other\n    runtime: python3.13\n    alias: blue\n"


@pytest.mark.parametrize(
    ("access", "message"),
    [
        ("{table: orders, allow: read}", None),
        ("{table: ordres, allow: read}", 'there is no dynamodb.table/ordres: did you mean "orders"?'),
        ("{table: orders, index: by-dya, allow: read}",
         'dynamodb.table/orders has no index by-dya: did you mean "by-day"?'),
        ("{table: orders, index: by-day, allow: read}", None),
        ("{stream: orders, allow: read}", "dynamodb.table/orders has no stream"),
        ("{function: other, allow: invoke}", "lambda.function/other has no alias live: its alias is blue"),
        ("{function: other, alias: blue, allow: invoke}", None),
        ("{table: orders, allow: reed}", "table has no level reed"),
    ],
)  # fmt: skip
def test_what_access_names_has_to_be_there(tmp_path: Path, access: str, message: str | None) -> None:
    found = told(load(write(tmp_path, functions(access, OTHER)), ["dev"], registry(), TODAY))
    if message is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith("aws/lambda/functions.yaml:4:")
        assert message in found[0]


@pytest.mark.parametrize(
    ("policy", "arn"),
    [
        ("edge", "arn:aws:iam::123456789012:policy/edge"),
        ("arn:aws:iam::aws:policy/PowerUserAccess", "arn:aws:iam::aws:policy/PowerUserAccess"),
    ],
)
def test_the_boundary_of_pipeline_yaml_is_on_every_role_that_names_none(tmp_path: Path, policy: str, arn: str) -> None:
    files = dict(functions("{table: orders, allow: read}", OTHER))
    files["pipeline.yaml"] = f"environments:\n  dev: dev\niam:\n  permissions_boundary: {policy}\n"
    files["aws/iam/roles.yaml"] = "roles:\n  - name: a\n  - name: b\n    permissions_boundary: own\n"
    result = load(write(tmp_path, files), ["dev"], registry(), TODAY)
    roles = {r.name: r.properties["permissions_boundary"] for r in result.desired["dev"] if r.type == "iam.role"}
    assert roles.pop("b") == "arn:aws:iam::123456789012:policy/own"
    assert len(roles) == 3
    assert set(roles.values()) == {arn}


def test_a_boundary_that_is_no_policy_is_bad_input(tmp_path: Path) -> None:
    files = {**BASE, "pipeline.yaml": "environments:\n  dev: dev\niam:\n  permissions_boundary: a b\n"}
    (found,) = told(load(write(tmp_path, files), ["dev"], registry(), TODAY))
    assert found.startswith("pipeline.yaml:4:")
