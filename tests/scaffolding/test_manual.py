"""`init --from-manual`: specs and scripts of a folder that was run by hand."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.values import Expression
from pipeline.scaffolding.manual.shell import calls
from tests.repository.files import ROOT
from tests.scaffolding.support import ACCOUNT, files, init, loaded

FOLDER = ROOT / "tests" / "fixtures" / "manual"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the manual's folder, to change."""
    return Path(shutil.copytree(FOLDER, tmp_path / "old" / "infrastructure"))


def carried(folder: Path, tmp_path: Path) -> tuple[Path, Any]:
    root = tmp_path / "new"
    done = init(str(root), "--from-manual", str(folder))
    assert done.code == 0, done.err
    return root, done.json


def test_the_manual_as_it_stands_becomes_a_valid_service(folder: Path, tmp_path: Path) -> None:
    root, document = carried(folder, tmp_path)
    found = loaded(root)
    assert found.errors == ()
    assert set(document["files"]) == files(root)
    (environment,) = found.environments.values()
    assert (environment.name, environment.service, environment.account) == ("production", "new-service", ACCOUNT)
    assert environment.values["DOMAIN"] == "new-service.com"
    by_type: dict[str, int] = {}
    for resource in found.desired["production"]:
        by_type[resource.type] = by_type.get(resource.type, 0) + 1
    assert {key: by_type[key] for key in ("dynamodb.table", "lambda.function", "s3.bucket", "apigatewayv2.api")} == {
        "dynamodb.table": 4,
        "lambda.function": 6,
        "s3.bucket": 1,
        "apigatewayv2.api": 1,
    }


def test_scripts_become_roles_routes_and_private_buckets(folder: Path, tmp_path: Path) -> None:
    root, _ = carried(folder, tmp_path)
    desired = loaded(root).desired["production"].by_address
    role = desired["iam.role/new-service-lambda-role"].properties
    assert "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess" in role["managed_policies"]
    assert list(role["policies"]) == ["BedrockAccess"]
    routes = desired["apigatewayv2.api/new-service-websocket-api"].properties["routes"]
    assert {"$connect", "$disconnect", "$default"} == set(routes)
    assert desired["s3.bucket/new-service-frontend"].properties["public"] is False
    functions = [r for r in desired.values() if r.type == "lambda.function"]
    assert all(
        isinstance(f.properties["role"], Expression) and f.properties["runtime"] != "python3.9" for f in functions
    )


def test_what_was_not_carried_over_is_named_with_its_line(folder: Path, tmp_path: Path) -> None:
    _, document = carried(folder, tmp_path)
    left = "\n".join(document["left"])
    scripts = {path.name: path.read_text().splitlines() for path in (folder / "scripts").iterdir()}
    for script, call in (
        ("07-setup-cloudfront.sh", "create-distribution"),
        ("08-setup-cognito.sh", "create-user-pool-client"),
        ("09-setup-route53.sh", "create-hosted-zone"),
        ("10-setup-bedrock.sh", "create-guardrail"),
        ("11-setup-monitoring.sh", "put-metric-alarm"),
    ):
        line = next(n for n, text in enumerate(scripts[script], start=1) if f" {call} " in text)
        assert f"scripts/{script}:{line}: aws " in left, call
    assert "index user-index" in left
    assert "public bucket" in left
    assert "aws/cloudwatch/dashboard.json:1: no spec names this document" in left


def test_code_beside_the_folder_comes_along(folder: Path, tmp_path: Path) -> None:
    backend = folder.parent / "backend"
    (backend / "handlers").mkdir(parents=True)
    (backend / "lib").mkdir()
    (backend / "handlers" / "conversation_api.py").write_text("def handler(event, context):\n    return 1\n")
    (backend / "lib" / "words.py").write_text("WORDS = ()\n")
    (backend / "requirements.txt").write_text("")
    root, document = carried(folder, tmp_path)
    assert (root / "backend" / "handlers" / "conversation_api.py").read_text().endswith("return 1\n")
    assert "conversation-api was not found" not in "\n".join(document["left"])
    assert "prompt-crud was not found" in "\n".join(document["left"])
    assert loaded(root).project.code.include == ("handlers", "lib")
    assert loaded(root).errors == ()


def test_another_service_with_environments_of_its_own(tmp_path: Path) -> None:
    old = tmp_path / "old"
    texts = {
        "config.json": '{"service_name": "till", "region": "eu-west-1"}',
        "environments/dev.env": "SERVICE_NAME=till\nENVIRONMENT=dev\nAWS_REGION=eu-west-1\nLIMIT=1\n",
        "environments/live.env": "SERVICE_NAME=till\nENVIRONMENT=live\nAWS_REGION=eu-west-1\nLIMIT=2\n",
        "aws/things/all.yaml": "functions:\n  - name: ${SERVICE_NAME}-sell\n    runtime: python3.13\n",
        "scripts/all.sh": "aws sqs create-queue --queue-name till-jobs\n",
    }
    for path, text in texts.items():
        (old / path).parent.mkdir(parents=True, exist_ok=True)
        (old / path).write_text(text)
    root, document = carried(old, tmp_path)
    assert set(loaded(root).environments) == {"dev", "live"}
    assert "scripts/all.sh:1: aws sqs create-queue is not carried over; declare it: queues" in document["left"]
    assert "lambda.function/till-sell" in loaded(root).desired["live"].by_address


def test_what_is_wrong_with_the_specs_is_told_too(folder: Path, tmp_path: Path) -> None:
    tables = folder / "aws" / "dynamodb" / "tables.yaml"
    tables.write_text(tables.read_text().replace("partition_key: prompt_id", "partition_kee: prompt_id"))
    _, document = carried(folder, tmp_path)
    assert [
        note for note in document["left"] if "partition_kee" in note and note.startswith("aws/dynamodb/tables.yaml:")
    ]


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    assert init(str(tmp_path / "new"), "--from-manual", str(tmp_path / "old")).code == 2
    assert init(str(tmp_path / "new"), "--from-manual", str(tmp_path / "nowhere")).code == 2
    (tmp_path / "old" / "aws").mkdir()
    (tmp_path / "old" / "aws" / "x.yaml").write_text("tables: []\n")
    (tmp_path / "old" / "config.json").write_text("no JSON")
    assert init(str(tmp_path / "new"), "--from-manual", str(tmp_path / "old")).code == 2
    assert not (tmp_path / "new").exists()


def test_calls_are_read_out_of_shell() -> None:
    text = """\
# aws ec2 run-instances
NAMES=("a-b" "c")
for N in "${NAMES[@]}"; do
  aws lambda create-function --function-name ${S}-${N} \\
    --handler handlers.${N//-/_}.handler || \\
  aws lambda update-function-code --function-name ${S}-${N}
done
ID=$(aws apigateway create-resource --rest-api-id $API \\
  --path-part orders --query 'id' --output text)
aws s3api put-object --body "two
lines" --key x; echo done
"""
    found = calls(text, "x.sh")
    assert [(c.line, c.operation) for c in found] == [
        (4, "create-function"),
        (4, "create-function"),
        (6, "update-function-code"),
        (6, "update-function-code"),
        (8, "create-resource"),
        (10, "put-object"),
    ]
    assert [c.get("function-name") for c in found[:2]] == ["${S}-a-b", "${S}-c"]
    assert (found[4].into, found[4].get("rest-api-id"), found[4].get("path-part")) == ("ID", "${API}", "orders")
    assert (found[5].get("body"), found[5].get("key")) == ("two\nlines", "x")


@pytest.mark.parametrize("option", [("--region", "eu-west-1"), ("--environments", "dev"), ("--account", ACCOUNT)])
def test_what_the_folder_says_is_no_option(folder: Path, tmp_path: Path, option: tuple[str, str]) -> None:
    done = init(str(tmp_path / "new"), "--from-manual", str(folder), *option)
    assert done.code == 2
    assert f"{option[0]} beside --from-manual" in done.err
    assert not (tmp_path / "new").exists()


def test_a_folder_without_a_name_takes_that_of_its_environments_or_the_one_that_is_given(
    folder: Path, tmp_path: Path
) -> None:
    file = folder / "environments" / "production.env"
    (folder / "config.json").unlink()
    done = init(str(tmp_path / "one"), "--from-manual", str(folder))
    assert done.code == 0, done.err
    assert (tmp_path / "one/README.md").read_text().startswith("# new-service")
    other = init(str(tmp_path / "two"), "--from-manual", str(folder), "--service", "orders")
    assert "environments/production.env:1: SERVICE_NAME stays new-service, not orders" in other.json["left"]
    file.write_text(file.read_text().replace("SERVICE_NAME=new-service", ""))
    nameless = init(str(tmp_path / "three"), "--from-manual", str(folder))
    assert nameless.code == 2
    assert "--service NAME" in nameless.err
    assert init(str(tmp_path / "three"), "--from-manual", str(folder), "--service", "orders").code == 0
    assert "SERVICE_NAME=orders" in (tmp_path / "three/environments/production.env").read_text()


def test_secrets_of_the_folder_stay_there(folder: Path, tmp_path: Path) -> None:
    file = folder / "environments" / "production.env"
    lines = file.read_text().count("\n")
    file.write_text(f"{file.read_text()}DB_PASSWORD='hunter2'\nKEY=AKIAIOSFODNN7EXAMPLE\nAPI_TOKEN=ssm:/orders/token\n")
    root, document = carried(folder, tmp_path)
    written = (root / "environments/production.env").read_text()
    assert "hunter2" not in written
    assert "AKIA" not in written
    assert "API_TOKEN=ssm:/orders/token" in written
    told = [one for one in document["left"] if "seems to be a secret" in one]
    assert [one.partition(": ")[0] for one in told] == [f"environments/production.env:{lines + n}" for n in (1, 2)]
    assert "hunter2" not in str(document)
