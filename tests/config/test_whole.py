"""Whole services with the types of the package: the manual's files, the sample, and one that is wrong throughout."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.config.loading import load
from pipeline.model.values import Expression, Reference, Secret
from pipeline.resources.registry import registry
from tests.config.support import DEV, ENV, HANDLER, TODAY, Files, agree, real, told, write

ROOT = Path(__file__).parents[2]

# As they stand in the manual, but for blanks at the end of lines; endpoints name their function besides.
MANUAL: Files = {
    "pipeline.yaml": "environments:\n  production: main\n",
    "environments/production.env": """\
SERVICE_NAME=new-service
ENVIRONMENT=production
AWS_REGION=us-east-1
DOMAIN=new-service.com
LAMBDA_MEMORY=512
LAMBDA_TIMEOUT=30
DYNAMODB_BILLING=PAY_PER_REQUEST
""",
    "aws/dynamodb/tables.yaml": """\
tables:
  - name: ${SERVICE_NAME}-conversations
    partition_key: conversation_id
    sort_key: timestamp
    billing_mode: PAY_PER_REQUEST
    stream: true
    ttl_attribute: ttl

  - name: ${SERVICE_NAME}-prompts
    partition_key: prompt_id
    sort_key: user_id
    billing_mode: PAY_PER_REQUEST

  - name: ${SERVICE_NAME}-usage
    partition_key: user_id
    sort_key: date
    billing_mode: PAY_PER_REQUEST

  - name: ${SERVICE_NAME}-websocket-connections
    partition_key: connection_id
    billing_mode: PAY_PER_REQUEST
    ttl_attribute: ttl
""",
    "aws/lambda/functions.yaml": """\
defaults:
  runtime: python3.9
  timeout: 30
  memory: 512
  environment:
    SERVICE_NAME: ${SERVICE_NAME}
    STAGE: ${ENVIRONMENT}

functions:
  - name: ${SERVICE_NAME}-conversation-api
  - name: ${SERVICE_NAME}-prompt-crud
  - name: ${SERVICE_NAME}-usage-handler
  - name: ${SERVICE_NAME}-websocket-connect
  - name: ${SERVICE_NAME}-websocket-disconnect
  - name: ${SERVICE_NAME}-websocket-message
""",
    "aws/api-gateway/rest-api.yaml": """\
api:
  name: ${SERVICE_NAME}-rest-api
  endpoints:
    - path: /conversations
      methods: [GET, POST, PUT, DELETE, OPTIONS]
      function: ${SERVICE_NAME}-conversation-api
    - path: /prompts
      methods: [GET, POST, PUT, DELETE, OPTIONS]
      function: ${SERVICE_NAME}-prompt-crud
    - path: /usage
      methods: [GET, OPTIONS]
      function: ${SERVICE_NAME}-usage-handler
""",
    **{
        f"backend/handlers/{name}.py": HANDLER
        for name in (
            "conversation_api",
            "prompt_crud",
            "usage_handler",
            "websocket_connect",
            "websocket_disconnect",
            "websocket_message",
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("names", [None, ["production"]])
def test_the_manual_s_files_are_accepted_as_they_stand(tmp_path: Path, names: list[str] | None) -> None:
    result = load(write(tmp_path, MANUAL), names, registry(), TODAY)
    assert agree(
        result,
        [
            "aws/lambda/functions.yaml:2:12: warning: runtime python3.9 is deprecated since 2025-12-15; from",
            "environments/production.env:1:1: warning: AWS_ACCOUNT_ID is missing",
        ],
    )
    desired = result.desired["production"].by_address
    assert len([address for address in desired if address.startswith("dynamodb.table/")]) == 4
    assert len([address for address in desired if address.startswith("lambda.function/")]) == 6
    function = desired["lambda.function/new-service-prompt-crud"]
    assert function.properties["handler"] == "handlers.prompt_crud.handler"
    assert function.properties["environment"] == {"SERVICE_NAME": "new-service", "STAGE": "production"}
    role = Reference(f"iam.role/new-service-prompt-crud-{result.environments['production'].region}", "arn")
    assert function.properties["role"] == Expression((role,))
    assert role.address in desired


def test_with_its_account_the_manual_s_environment_has_one_warning(tmp_path: Path) -> None:
    env = "environments/production.env"
    files = {**MANUAL, env: f"{MANUAL[env]!s}AWS_ACCOUNT_ID=123456789012\n"}
    result = load(write(tmp_path, files), None, registry(), TODAY)
    assert [finding.severity for finding in result.diagnostics] == ["warning"]
    assert result.diagnostics[0].address is None  # six functions have it from one line


@pytest.mark.parametrize("names", [None, ["dev"], ["staging", "production"]])
def test_the_sample_is_valid(names: list[str] | None) -> None:
    result = load(ROOT, names, registry(), TODAY)
    assert told(result) == []
    assert set(result.desired) == set(names or ("dev", "staging", "production"))


WRONG: Files = {
    "pipeline.yaml": "environments:\n  dev: dev\nenviroments: {}\n",
    ENV: DEV + "STRIPE=ssm:/orders/stripe\nAPI_TOKEN=hunter2\n",
    "aws/lambda/functions.yaml": """\
defaults:
  timeuot: 30
  environment:
    STAGE: ${ENVIROMENT}
functions:
  - name: ${SERVICE_NAME}-list
    runtime: nodejs20.x
  - name: ${SERVICE_NAME}-${SERVICE_NAME}-${SERVICE_NAME}-${SERVICE_NAME}-a-rather-very-long-name-for-a-function
    runtime: python3.13
    memory: "512"
    description: ${STRIPE}
  - name: plain
    runtime: python3.13
    handler: handlers.list.handle
    environment:
      TABLE: ${dynamodb.table/${SERVICE_NAME}.arnn}
    role: nobody
  - name: plain
    runtime: python3.13
    handler: handlers.list.handler
""",
    "aws/tables.yaml": "tables:\n  - name: ${SERVICE_NAME}\n    partition_key: id\n    indexes:\n"
    "      - name: by-shop\n        partition_key: shop\n",
    "aws/api.yaml": "api:\n  name: a\n  endpoints:\n    - {path: /, methods: [GET], function: lits}\n",
    "aws/roles.yaml": "roles:\n  - name: r\n    policies: {P: p.json}\n",
    "aws/p.json": '{"Version": "2012-10-17", "Statement": [{"Effect": "Alow", "Action": "s3:Get*", "Resource": "*"}]}',
    "backend/handlers/list.py": HANDLER,
}


def test_every_mistake_of_a_service_comes_at_once(tmp_path: Path) -> None:
    result = real(tmp_path, WRONG)
    functions = "aws/lambda/functions.yaml"
    assert agree(
        result,
        [
            "aws/api.yaml:4:43: there is no lambda.function/lits",
            f'{functions}:2:3: unknown key "timeuot" of lambda.function: did you mean "timeout"?',
            f"{functions}:4:12: ${{ENVIROMENT}}: environments/dev.env has no ENVIROMENT",
            f'{functions}:7:14: runtime is "nodejs20.x": not among the allowed values',
            f"{functions}:8:11: name has 66 characters",
            f'{functions}:10:13: memory is "512": a whole number is wanted',
            f"{functions}:11:18: description is a reference to a secret",
            f"{functions}:14:14: handler handlers.list.handle",
            f"{functions}:16:14: ${{dynamodb.table/orders.arnn}}: dynamodb.table has no output arnn",
            f"{functions}:17:11: there is no iam.role/nobody",
            f"{functions}:18:5: lambda.function/plain is declared twice: first at {functions}:12",
            "aws/p.json:1:52: a Statement has an Effect",
            "aws/tables.yaml:6:24: key attribute shop of index by-shop is not declared",
            f"{ENV}:6:1: API_TOKEN is a secret by its name",
            'pipeline.yaml:3:1: unknown key "enviroments" of pipeline.yaml: did you mean "environments"?',
        ],
    )
    assert all(finding.file and finding.line and finding.column for finding in result.diagnostics)
    assert list(result.diagnostics) == sorted(result.diagnostics, key=lambda finding: finding.sort_key())
    assert "hunter2" not in str(result.diagnostics)


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        ("functions:\n  - {name: a, runtime: python3.13, environment: {KEY: 'ssm:/a'}}\n", {"KEY": Secret("ssm:/a")}),
        (
            "functions:\n  - {name: a, runtime: python3.13, environment: {NN: 1.10, YY: true}}\n",
            {"NN": "1.10", "YY": "true"},
        ),
    ],
)
def test_the_environment_of_a_function(tmp_path: Path, spec: str, found: dict[str, Any]) -> None:
    result = real(tmp_path, {"aws/f.yaml": spec, "backend/handlers/a.py": HANDLER})
    assert told(result) == []
    assert result.desired["dev"].by_address["lambda.function/a"].properties["environment"] == found
