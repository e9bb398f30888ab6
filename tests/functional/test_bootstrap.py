"""`pipeline bootstrap`: shown first, agreed to, repeatable, and enough for what the roles are for, but no more."""

import json
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from pipeline.granting.knowledge import PHASES, knowledge
from tests.functional.support import LEDGER, Result, Service, actions, changing
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow  # what IAM is told is the same on every Python
ROLES = {"shop-test-plan": "plan", "shop-test-deploy": "deploy"}


def bootstrap(shop: Service, *options: str, repo: str = "acme@7/shop@8") -> Result:
    return shop.run("bootstrap", "--repo", repo, *options)


def allowed(printed: Mapping[str, Any], role: str) -> set[str]:
    """The actions that a role's policies allow."""
    statements = [s for name in printed["roles"][role]["policies"] for s in printed["policies"][name]["Statement"]]
    return {action for statement in statements if statement["Effect"] == "Allow" for action in statement["Action"]}


def missing(needed: Iterable[str], printed: Mapping[str, Any], role: str) -> set[str]:
    known = allowed(printed, role)
    return {action for action in needed if not any(fnmatchcase(action, pattern) for pattern in known)}


def test_nothing_is_done_before_somebody_agrees(shop: Service, proxy: FaultProxy) -> None:
    refused = bootstrap(shop)
    assert refused.code == 4
    assert "--yes" in refused.err
    assert "+ iam.role/shop-test-deploy" in refused.err
    assert changing(proxy) == []


def test_it_makes_provider_roles_policies_and_ledger(shop: Service) -> None:
    done = bootstrap(shop, "--yes")
    assert done.code == 0, done.err
    assert set(actions(done.json["plan"]).values()) == {"create"}
    aws = shop.aws()
    role = aws.call("iam", "GetRole", RoleName="shop-test-deploy")["Role"]
    statement = role["AssumeRolePolicyDocument"]["Statement"][0]
    assert statement["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": ["sts.amazonaws.com"],
        "token.actions.githubusercontent.com:sub": [
            "repo:acme/shop:environment:test",
            "repo:acme@7/shop@8:environment:test",
        ],
    }
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(":policy/shop-test-boundary")
    attached = aws.pages("iam", "ListAttachedRolePolicies", "AttachedPolicies", RoleName="shop-test-plan")
    assert [policy["PolicyName"] for policy in attached] == ["shop-test-plan-1"]
    assert aws.call("s3", "GetBucketVersioning", Bucket=LEDGER)["Status"] == "Enabled"
    assert done.json["roles"]["test-plan"] == "arn:aws:iam::123456789012:role/shop-test-plan"


def test_a_second_time_there_is_nothing_to_do(shop: Service, proxy: FaultProxy) -> None:
    bootstrap(shop, "--yes")
    proxy.reset()
    again = bootstrap(shop)
    assert again.code == 0, again.err
    assert again.json["changed"] is False
    assert changing(proxy) == []


def test_what_a_killed_one_left_is_completed(shop: Service, proxy: FaultProxy) -> None:
    proxy.fail("iam:AttachRolePolicy", "AccessDenied", "you may not", times=None, status=403)
    assert bootstrap(shop, "--yes").code == 1
    proxy.reset()
    assert bootstrap(shop, "--yes").code == 0
    assert bootstrap(shop).json["changed"] is False


def test_a_deploy_after_it_finds_the_ledger(shop: Service) -> None:
    bootstrap(shop, "--yes")
    assert shop.run("deploy").code == 0


def test_a_new_type_of_resource_changes_the_policies(shop: Service) -> None:
    bootstrap(shop, "--yes")
    shop.edit("aws/sqs/queues.yaml", "queues:\n  - name: ${SERVICE_NAME}-jobs\n")
    done = bootstrap(shop, "--yes")
    assert actions(done.json["plan"]) == {
        "iam.policy/shop-test-plan-1": "update",
        "iam.policy/shop-test-deploy-1": "update",
    }


def test_what_serves_stays_allowed_until_it_is_gone(shop: Service) -> None:
    queue = "queues:\n  - name: ${SERVICE_NAME}-jobs\n"
    shop.edit("aws/sqs/queues.yaml", queue)
    bootstrap(shop, "--yes")
    assert shop.run("deploy").code == 0
    shop.edit("aws/sqs/queues.yaml", "queues: []\n")
    assert bootstrap(shop).json["changed"] is False
    assert shop.run("deploy", "--include-data").code == 0
    assert "iam.policy/shop-test-deploy-1" in actions(bootstrap(shop, "--yes").json["plan"])


def test_ledgers_of_the_environments_before_are_read(shop: Service) -> None:
    ledger = f"arn:aws:s3:::{LEDGER}"
    for environment, reads in (("test", False), ("live", True)):
        shop.environment = environment
        printed = bootstrap(shop, "--print").json
        places = [place for one in printed["policies"].values() for s in one["Statement"] for place in s["Resource"]]
        own = f"shop-{environment}-pipeline-" in LEDGER
        assert (ledger in places) is (reads or own)
        assert (ledger.replace("-test-", "-live-") in places) is (environment == "live")


def test_one_more_resource_of_a_known_type_does_not(shop: Service) -> None:
    bootstrap(shop, "--yes")
    shop.edit("aws/dynamodb/more.yaml", "tables:\n  - name: ${SERVICE_NAME}-more\n    partition_key: id\n")
    assert bootstrap(shop).json["changed"] is False


def test_the_provider_of_another_service_is_used_as_it_is(shop: Service) -> None:
    aws = shop.aws()
    url = "https://token.actions.githubusercontent.com"
    arn = aws.call("iam", "CreateOpenIDConnectProvider", Url=url, ClientIDList=["sts.amazonaws.com", "other"])
    done = bootstrap(shop, "--yes")
    assert done.code == 0, done.err
    assert not [address for address in actions(done.json["plan"]) if address.startswith("iam.oidc_provider")]
    found = aws.call("iam", "GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn["OpenIDConnectProviderArn"])
    assert sorted(found["ClientIDList"]) == ["other", "sts.amazonaws.com"]


def test_a_provider_for_other_audiences_is_told(shop: Service) -> None:
    url = "https://token.actions.githubusercontent.com"
    shop.aws().call("iam", "CreateOpenIDConnectProvider", Url=url, ClientIDList=["other"])
    refused = bootstrap(shop, "--yes")
    assert refused.code == 2
    assert "add-client-id-to-open-id-connect-provider" in refused.err


def test_the_account_of_somebody_else_is_refused(shop: Service) -> None:
    shop.replace("environments/test.env", "123456789012", "210987654321")
    assert bootstrap(shop, "--yes").code == 4


def test_printing_asks_aws_for_nothing(shop: Service, proxy: FaultProxy) -> None:
    printed = bootstrap(shop, "--print")
    assert printed.code == 0
    assert set(printed.json["roles"]) == set(ROLES)
    assert printed.json["ledger"] == LEDGER
    assert proxy.calls == []


def trusted(printed: Result, operator: str) -> list[str]:
    condition = printed.json["roles"]["shop-test-plan"]["trust"]["Statement"][0]["Condition"]
    found: list[str] = condition[operator]["token.actions.githubusercontent.com:sub"]
    return found


def test_without_ids_no_token_that_carries_some_is_trusted_and_that_is_told(shop: Service) -> None:
    printed = bootstrap(shop, "--print", repo="acme/shop")
    assert trusted(printed, "StringEquals") == ["repo:acme/shop:environment:test-plan"]
    assert "ids of acme/shop are not known" in printed.err


def test_any_ids_are_trusted_where_that_is_asked_for(shop: Service) -> None:
    printed = bootstrap(shop, "--print", repo="acme@*/shop@*")
    assert trusted(printed, "StringLike")[1] == "repo:acme@*/shop@*:environment:test-plan"
    assert "any ids are trusted" in printed.err


class Repositories(BaseHTTPRequestHandler):
    """GitHub, as far as it knows one repository: https://docs.github.com/en/rest/repos/repos#get-a-repository"""

    def do_GET(self) -> None:
        known = self.path == "/repos/acme/shop" and (self.headers["Authorization"] or "").endswith("token")
        body = json.dumps({"id": 815, "owner": {"id": 4711}} if known else {"message": "Not Found"}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature of the library
        """Nothing."""


def test_ids_are_looked_up_where_github_may_be_asked(shop: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Repositories) as github:
        Thread(target=github.serve_forever, daemon=True).start()
        monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{github.server_port}")
        monkeypatch.setenv("GH_TOKEN", "token")
        printed = bootstrap(shop, "--print", repo="acme/shop")
        unknown = bootstrap(shop, "--print", repo="acme/other")
        github.shutdown()
    assert trusted(printed, "StringEquals")[1] == "repo:acme@4711/shop@815:environment:test-plan"
    assert "ids" not in printed.err
    assert trusted(unknown, "StringEquals") == ["repo:acme/other:environment:test-plan"]
    assert "looking up the ids" in unknown.err


@pytest.mark.parametrize("repo", ["acme", "acme/", "acme@1/shop", "a b/c", "acme/shop/x"])
def test_what_is_no_repository_is_refused(shop: Service, repo: str) -> None:
    assert bootstrap(shop, "--print", repo=repo).code == 2


def test_the_hosted_zone_is_made_only_when_asked(shop: Service) -> None:
    bootstrap(shop, "--yes")
    assert shop.aws().pages("route53", "ListHostedZones", "HostedZones") == []
    for changed in (True, False):
        done = bootstrap(shop, "--yes", "--hosted-zone", "shop.example.com")
        assert (done.code, done.json["changed"]) == (0, changed)
    assert [z["Name"] for z in shop.aws().pages("route53", "ListHostedZones", "HostedZones")] == ["shop.example.com."]
    assert bootstrap(shop, "--hosted-zone", "Shop!").code == 2


def test_each_role_may_do_what_it_is_for(shop: Service, proxy: FaultProxy) -> None:
    """What plans call is allowed to the planning role, what deploys and rollbacks call to the deploying one."""
    printed = bootstrap(shop, "--print").json
    for command in (["plan"], ["deploy"]):
        proxy.reset()
        assert shop.run(*command).code == 0
        role = "shop-test-plan" if command == ["plan"] else "shop-test-deploy"
        assert missing(proxy.iam_actions, printed, role) == set()
    proxy.reset()
    shop.replace("environments/test.env", "MEMORY=", "MEMORY=1")
    assert shop.run("deploy").code == 0
    assert shop.run("rollback", "--to", "1").code == 0
    assert shop.run("deploy", "--clear-hold").code == 0
    assert missing(proxy.iam_actions, printed, "shop-test-deploy") == set()
    proxy.reset()
    for command in (["plan"], ["drift"], ["releases"]):
        assert shop.run(*command).code == 0
    assert missing(proxy.iam_actions, printed, "shop-test-plan") == set()


def test_nothing_is_allowed_that_was_not_recorded_or_named(shop: Service) -> None:
    """policies ⊆ recorded + named extras, for both roles."""
    printed, known = bootstrap(shop, "--print").json, knowledge()
    types = {address.partition("/")[0] for address in actions(shop.run("plan").json)}
    named = {action for phase in PHASES for place in known.core(phase).values() for action in place}
    named |= set(known.rules["passing"])
    reading = named | {action for kind in types for action in known.actions(kind, "read")}
    changing_too = {
        action for kind in {*types, "s3.bucket"} for phase in PHASES for action in known.actions(kind, phase)
    }
    assert allowed(printed, "shop-test-plan") <= reading
    assert allowed(printed, "shop-test-deploy") <= reading | changing_too


def test_data_and_the_roles_themselves_are_out_of_reach(shop: Service) -> None:
    printed = bootstrap(shop, "--print").json
    denied = [s for s in printed["policies"]["shop-test-boundary"]["Statement"] if s["Effect"] == "Deny"]
    never = {action for statement in denied for action in statement.get("Action", ())}
    assert {"dynamodb:DeleteTable", "s3:DeleteBucket", "iam:CreateUser", "iam:DeleteRolePermissionsBoundary"} <= never
    deploying = allowed(printed, "shop-test-deploy")
    assert {action for action in deploying if any(fnmatchcase(action, one) for one in known_denials())} == set()
    itself = next(s for s in denied if s["Sid"] == "NotItself")
    assert "arn:aws:iam::123456789012:role/shop-test-deploy" in itself["Resource"]


def known_denials() -> list[str]:
    found: list[str] = knowledge().rules["denied"]
    return found


def test_resources_are_the_services_own(shop: Service) -> None:
    printed = bootstrap(shop, "--print").json
    for name in printed["roles"]["shop-test-deploy"]["policies"]:
        for statement in printed["policies"][name]["Statement"]:
            for resource in statement["Resource"]:
                assert (
                    "shop-" in resource or "apigateway" in resource or statement["Sid"] in ("Anywhere", "Provider")
                ), resource


def test_each_policy_fits(shop: Service) -> None:
    printed = bootstrap(shop, "--print").json
    assert all(len(json.dumps(one, separators=(",", ":"))) <= 6144 for one in printed["policies"].values())


def test_roles_are_bounded_when_the_specs_say_so(shop: Service) -> None:
    shop.edit("pipeline.yaml", lambda text: text + "\niam:\n  permissions_boundary: shop-functions-boundary\n")
    printed = bootstrap(shop, "--print")
    assert "permissions boundary" not in printed.err
    assert "shop-functions-boundary" in printed.json["policies"]
    statements = [
        s
        for n in printed.json["roles"]["shop-test-deploy"]["policies"]
        for s in printed.json["policies"][n]["Statement"]
    ]
    only = next(s for s in statements if s["Sid"] == "OnlyBoundedRoles")
    arn = "arn:aws:iam::123456789012:policy/shop-functions-boundary"
    assert (only["Effect"], only["Condition"]["StringNotEquals"]) == ("Deny", {"iam:PermissionsBoundary": [arn]})
    assert bootstrap(shop, "--yes").code == 0
    assert shop.run("deploy").code == 0
