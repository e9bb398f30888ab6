"""A deploy from the outside: what it makes, that a second one does nothing, what it refuses, what it undoes."""

import json

import pytest

from tests.functional.support import LEDGER, Service, actions, changing, world
from tests.support.fault_proxy import FaultProxy


def test_the_first_deploy_makes_everything_and_says_what_serves(shop: Service) -> None:
    result = shop.run("deploy")
    assert result.code == 0, result.err
    document = result.json
    assert document["release"] == 1
    assert document["environment"] == "test"
    assert document["plan"]["summary"]["create"] == 12
    assert document["functions"]["shop-orders"]["version"] == "1"
    assert document["functions"]["shop-orders"]["previous"] is None
    assert set(document["apis"]) == {"shop-test"}
    assert document["outputs"]["apigateway.rest_api/shop-test.url"].startswith("https://")
    assert document["aws_calls"] > 0
    assert {"validate", "package", "plan", "apply", "publish", "record"} <= set(document["seconds"])
    there = world(shop)
    assert there["functions"]["shop-orders"]["aliases"] == {"live": "1"}
    assert there["functions"]["shop-orders"]["permissions"] == 3
    assert there["apis"]["shop-test#0"]["stages"] == ["test"]
    assert there["buckets"] == [LEDGER, "shop-test-receipts-123456789012"]


def test_grants_name_the_api_the_stage_the_method_and_the_path(shop: Service) -> None:
    document = shop.run("deploy").json
    execution = document["outputs"]["apigateway.rest_api/shop-test.execution_arn"]
    policy = shop.aws().call("lambda", "GetPolicy", FunctionName="shop-orders", Qualifier="live")["Policy"]
    sources = {s["Condition"]["ArnLike"]["AWS:SourceArn"] for s in json.loads(policy)["Statement"]}
    assert sources == {f"{execution}/test/{route}" for route in ("GET/orders", "POST/orders", "GET/orders/*")}


def test_a_second_deploy_reads_and_writes_nothing(shop: Service, proxy: FaultProxy) -> None:
    shop.run("deploy")
    proxy.reset()
    result = shop.run("deploy")
    assert result.code == 0
    assert (result.json["changed"], result.json["release"]) == (False, 1)
    assert changing(proxy) == []


def test_a_plan_changes_nothing_and_is_empty_after_a_deploy(shop: Service, proxy: FaultProxy) -> None:
    before = shop.run("plan", "--detailed-exitcode")
    assert before.code == 3
    assert set(actions(before.json).values()) == {"create"}
    assert changing(proxy) == []
    shop.run("deploy")
    after = shop.run("plan", "--detailed-exitcode")
    assert (after.code, after.json["changes"]) == (0, [])


def test_a_change_of_one_function_touches_that_function_alone(shop: Service, proxy: FaultProxy) -> None:
    shop.run("deploy")
    proxy.reset()
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    document = shop.run("deploy").json
    assert document["release"] == 2
    assert document["functions"]["shop-stock"]["version"] == "2"
    assert document["functions"]["shop-stock"]["previous"] == "1"
    assert document["functions"]["shop-orders"]["version"] == "1"
    assert {n for n in changing(proxy) if not n.startswith("s3:")} == {
        "lambda:UpdateFunctionConfiguration", "lambda:PublishVersion", "lambda:UpdateAlias", "lambda:CreateAlias",
    }  # fmt: skip
    assert world(shop)["functions"]["shop-stock"]["aliases"] == {"live": "2", "previous": "1"}


def test_changed_code_is_uploaded_once_for_all_functions_that_share_it(shop: Service, proxy: FaultProxy) -> None:
    shop.run("deploy")
    proxy.reset()
    shop.replace("code/handlers/stock.py", '"stock": 3', '"stock": 4')
    assert shop.run("deploy").code == 0
    sent = [(call.name, request.path) for call, request in zip(proxy.calls, proxy.requests, strict=True)]
    assert sum(name == "s3:PutObject" and "/artifacts/" in path for name, path in sent) == 1
    assert {f["aliases"]["live"] for f in world(shop)["functions"].values()} == {"2"}


def test_a_changed_api_is_deployed_once(shop: Service, proxy: FaultProxy) -> None:
    shop.run("deploy")
    proxy.reset()
    shop.replace("aws/api-gateway/api.yml", "methods: [GET, POST, OPTIONS]", "methods: [GET, OPTIONS]")
    document = shop.run("deploy").json
    assert document["apis"]["shop-test"]["deployment"] != document["apis"]["shop-test"]["previous"]
    assert proxy.counts["apigateway:CreateDeployment"] == 1
    assert world(shop)["functions"]["shop-orders"]["permissions"] == 2


def test_drift_is_told_from_git_and_undone(shop: Service) -> None:
    shop.run("deploy")
    aws = shop.aws()
    aws.call("lambda", "UpdateFunctionConfiguration", FunctionName="shop-stock", MemorySize=1024)
    aws.call("iam", "PutRolePolicy", RoleName="shop-test-runner", PolicyName="Backdoor", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}))  # fmt: skip
    aws.call("logs", "DeleteLogGroup", logGroupName="/aws/lambda/shop-orders")
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    document = shop.run("plan").json
    found = {change["address"]: (change["action"], change["origin"]) for change in document["changes"]}
    assert found["iam.role/shop-test-runner"] == ("update", "drift")
    assert found["logs.log_group//aws/lambda/shop-orders"] == ("create", "drift")
    assert found["lambda.function/shop-stock"] == ("update", "both")
    assert found["lambda.function/shop-orders"] == ("update", "drift")  # it waits for its log group
    assert document["summary"]["drift"] == 4
    assert shop.run("deploy").code == 0
    assert shop.run("plan").json["changes"] == []


def test_an_alias_that_was_moved_by_hand_is_put_back(shop: Service) -> None:
    shop.run("deploy")
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    shop.run("deploy")
    shop.aws().call("lambda", "UpdateAlias", FunctionName="shop-stock", Name="live", FunctionVersion="1")
    assert actions(shop.run("plan").json) == {"lambda.function/shop-stock": "update"}
    assert shop.run("deploy").code == 0
    assert world(shop)["functions"]["shop-stock"]["aliases"] == {"live": "2", "previous": "1"}


def test_what_left_the_specs_is_removed_last_and_data_is_kept(shop: Service, proxy: FaultProxy) -> None:
    shop.run("deploy")
    proxy.reset()
    shop.edit("aws/dynamodb/tables.yaml", "tables: []\n")
    shop.replace("aws/iam/roles.yaml", '["${dynamodb.table/${SERVICE_NAME}-orders.arn}"]', '"*"')
    shop.edit("aws/lambda/functions.yaml", lambda text: text[: text.index("  - name: ${SERVICE_NAME}-stock")])
    shop.edit("aws/api-gateway/api.yml", lambda text: text[: text.index("    - path: /stock")])
    planned = actions(shop.run("plan").json)
    assert planned["lambda.function/shop-stock"] == "delete"
    assert planned["dynamodb.table/shop-orders"] == "retain"
    document = shop.run("deploy").json
    assert "dynamodb.table/shop-orders" in document["kept"]
    there = world(shop)
    assert list(there["functions"]) == ["shop-orders"]
    assert there["tables"] == ["shop-orders"]
    names = [call.name for call in proxy.calls]
    assert names.index("lambda:DeleteFunction") > names.index("apigateway:UpdateStage")
    assert shop.run("deploy").json["changed"] is False
    after = shop.run("plan", "--detailed-exitcode")
    assert (after.code, set(actions(after.json).values())) == (0, {"retain"})


def test_the_credentials_of_another_account_are_refused(shop: Service, proxy: FaultProxy) -> None:
    shop.replace("environments/test.env", "123456789012", "210987654321")
    result = shop.run("deploy")
    assert result.code == 4
    assert "210987654321" in result.err
    assert changing(proxy) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "said"),
    [
        ("aws/lambda/functions.yaml", "runtime: python3.12", "runtime: python9", "runtime"),
        ("aws/lambda/functions.yaml", "handlers.stock.handle", "handlers.stock.nothing", "nothing"),
        ("aws/api-gateway/api.yml", "function: ${SERVICE_NAME}-stock", "function: shop-stoc", "shop-stoc"),
        ("aws/dynamodb/tables.yaml", "      state: S\n", "", "state"),
        ("aws/s3/buckets.yaml", "receipts-${AWS_ACCOUNT_ID}", "RECEIPTS", "RECEIPTS"),
        ("environments/test.env", "MEMORY=256", "MEMORY=lots", "MEMORY"),
        ("environments/test.env", "GREETING=", "API_KEY=AKIAIOSFODNN7EXAMPLE\nGREETING=", "API_KEY"),
    ],
)
def test_bad_input_is_refused_before_any_call(
    shop: Service, proxy: FaultProxy, path: str, old: str, new: str, said: str
) -> None:
    shop.replace(path, old, new)
    result = shop.run("deploy")
    assert result.code == 2
    assert proxy.calls == []
    errors = result.json["errors"]
    assert any(said in e["message"] and e["file"] == path and e["line"] for e in errors), errors
    assert "AKIAIOSFODNN7EXAMPLE" not in result.out + result.err


def test_a_saved_plan_is_applied_exactly_or_not_at_all(shop: Service, proxy: FaultProxy) -> None:
    saved = shop.root / "plan.json"
    assert shop.run("plan", "--out", str(saved)).code == 0
    assert shop.run("deploy", "--plan", str(saved)).code == 0
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    shop.run("plan", "--out", str(saved))
    shop.replace("aws/lambda/functions.yaml", "timeout: 11", "timeout: 12")
    proxy.reset()
    result = shop.run("deploy", "--plan", str(saved))
    assert result.code == 4
    assert "lambda.function/shop-stock" in result.err
    assert changing(proxy) == []


def test_a_file_that_is_no_plan_is_bad_input(shop: Service) -> None:
    for text in ("{", "[]", '{"format": 2}'):
        shop.edit("plan.json", text)
        assert shop.run("deploy", "--plan", str(shop.root / "plan.json")).code == 2
    assert shop.run("deploy", "--plan", str(shop.root / "none.json")).code == 2


def test_a_resource_that_is_there_is_never_taken_over_silently(shop: Service) -> None:
    shop.aws().call(
        "dynamodb", "CreateTable", TableName="shop-orders", BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": a, "AttributeType": t}
                              for a, t in (("customer", "S"), ("placed", "N"), ("state", "S"))],
        KeySchema=[{"AttributeName": "customer", "KeyType": "HASH"}, {"AttributeName": "placed", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[{"IndexName": "by-state", "Projection": {"ProjectionType": "KEYS_ONLY"}, "KeySchema": [
            {"AttributeName": "state", "KeyType": "HASH"}, {"AttributeName": "placed", "KeyType": "RANGE"}]}],
    )  # fmt: skip
    refused = shop.run("deploy")
    assert refused.code == 4
    assert "--adopt dynamodb.table/shop-orders" in refused.err
    assert world(shop)["functions"] == {}
    assert shop.run("deploy", "--adopt", "dynamodb.table/shop-orders").code == 0
    assert shop.run("plan").json["changes"] == []


def test_secrets_are_used_and_never_shown(shop: Service, proxy: FaultProxy) -> None:
    shop.aws().call("ssm", "PutParameter", Name="/shop/key", Value="hunter2-hunter2", Type="SecureString")
    for name in ("test", "live"):
        shop.edit(f"environments/{name}.env", lambda text: text + "API_KEY=ssm:/shop/key\n")
    shop.replace("aws/lambda/functions.yaml", "GREETING: ${GREETING}", "GREETING: ${GREETING}\n    KEY: ${API_KEY}")
    planned, deployed = shop.run("plan", "--out", str(shop.root / "plan.json")), shop.run("deploy")
    assert deployed.code == 0, deployed.err
    function = shop.aws().call("lambda", "GetFunctionConfiguration", FunctionName="shop-stock")
    assert function["Environment"]["Variables"]["KEY"] == "hunter2-hunter2"
    told = planned.out + planned.err + deployed.out + deployed.err + (shop.root / "plan.json").read_text()
    ledger = b"".join(request.body for request in proxy.requests if request.method == "PUT")
    assert "hunter2" not in told
    assert b"hunter2" not in ledger
    assert shop.run("deploy").json["changed"] is False
    shop.aws().call("ssm", "PutParameter", Name="/shop/key", Value="other-secret", Type="SecureString", Overwrite=True)
    assert actions(shop.run("plan").json) == {f"lambda.function/shop-{n}": "update" for n in ("orders", "stock")}


def test_a_secret_that_does_not_exist_is_bad_input(shop: Service, proxy: FaultProxy) -> None:
    for name in ("test", "live"):
        shop.edit(f"environments/{name}.env", lambda text: text + "API_KEY=ssm:/shop/none\n")
    shop.replace("aws/lambda/functions.yaml", "GREETING: ${GREETING}", "GREETING: ${GREETING}\n    KEY: ${API_KEY}")
    result = shop.run("deploy")
    assert result.code == 2
    assert "ssm:/shop/none" in result.err
    assert changing(proxy) == []


def test_destroy_removes_all_but_data_and_then_data_by_consent(shop: Service) -> None:
    shop.run("deploy")
    first = shop.run("destroy")
    assert first.code == 0, first.err
    assert set(first.json["kept"]) == {
        "dynamodb.table/shop-orders", "s3.bucket/shop-test-receipts-123456789012",
        "logs.log_group//aws/lambda/shop-stock", "logs.log_group//aws/lambda/shop-orders",
        "logs.log_group//aws/apigateway/shop-test/test",
    }  # fmt: skip
    there = world(shop)
    assert (there["functions"], there["apis"], there["roles"], there["layers"]) == ({}, {}, [], [])
    assert there["tables"] == ["shop-orders"]
    second = shop.run("destroy", "--include-data")
    assert second.code == 0, second.err
    there = world(shop)
    assert (there["tables"], there["groups"], there["buckets"]) == ([], [], [LEDGER])
    assert shop.run("destroy", "--include-data").json["changed"] is False
    assert shop.run("deploy").code == 0


def test_releases_tell_the_history(shop: Service) -> None:
    assert shop.run("releases").json == {"environment": "test", "releases": []}
    shop.run("deploy")
    shop.replace("aws/lambda/functions.yaml", "timeout: 10", "timeout: 11")
    shop.run("deploy")
    found = shop.run("releases").json["releases"]
    assert [release["release"] for release in found] == [2, 1]
    assert found[0]["functions"]["shop-stock"]["version"] == "2"


def test_a_removed_route_keeps_its_grant_until_the_new_definition_serves(shop: Service, proxy: FaultProxy) -> None:
    shop.run("deploy")
    proxy.reset()
    shop.replace("aws/api-gateway/api.yml", "methods: [GET, POST, OPTIONS]", "methods: [GET, OPTIONS]")
    assert shop.run("deploy").code == 0
    names = [call.name for call in proxy.calls]
    assert names.index("lambda:RemovePermission") > names.index("apigateway:UpdateStage")


def test_the_wrong_account_is_named_though_its_ledger_cannot_be_read(shop: Service, proxy: FaultProxy) -> None:
    shop.run("deploy")
    shop.replace("environments/test.env", "123456789012", "210987654321")
    proxy.fail("s3:GetObject", "AccessDenied", status=403, times=None)
    result = shop.run("plan")
    assert result.code == 4
    assert "AWS_ACCOUNT_ID" in result.err


def test_a_plan_that_cannot_be_written_is_bad_input(shop: Service) -> None:
    result = shop.run("plan", "--out", str(shop.root / "none" / "plan.json"))
    assert result.code == 2
    assert "none/plan.json" in result.err


def test_a_table_that_is_replaced_with_consent_is_kept_in_a_backup(shop: Service) -> None:
    shop.run("deploy")
    shop.replace("aws/dynamodb/tables.yaml", "partition_key: customer", "partition_key: buyer")
    refused = shop.run("deploy")
    assert refused.code == 4
    result = shop.run("deploy", "--include-data")
    assert result.code == 0, result.err
    arn = result.json["backups"]["dynamodb.table/shop-orders"]
    (kept,) = shop.aws().call("dynamodb", "ListBackups")["BackupSummaries"]
    assert (kept["BackupArn"], kept["TableName"]) == (arn, "shop-orders")
    assert kept["BackupName"].startswith("shop-orders-before-release-2")
    assert shop.run("deploy").json["backups"] == {}
