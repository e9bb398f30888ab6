"""The roles of functions that name none: one for all where it is declared, else one each; and the way between them."""

from tests.functional.support import Service, actions
from tests.support.fault_proxy import FaultProxy

SHARED = """\
roles:
  - name: ${SERVICE_NAME}-lambda-role
    trust: lambda.amazonaws.com
    policies:
      Logs: {Statement: [{Effect: Allow, Action: ["logs:CreateLogStream", "logs:PutLogEvents"], Resource: "*"}]}
"""
OWN = {"lambda.function/shop-orders": "shop-orders-eu-west-1", "lambda.function/shop-stock": "shop-stock-eu-west-1"}


def roles(service: Service) -> dict[str, str]:
    """function -> the name of the role that its callers get it with."""
    found = {}
    for address in OWN:
        name = address.partition("/")[2]
        served = service.aws().call("lambda", "GetFunction", FunctionName=name, Qualifier="live")
        found[address] = served["Configuration"]["Role"].rpartition("/")[2]
    return found


def test_functions_leave_the_role_for_all_when_it_is_declared_no_more(shop: Service, proxy: FaultProxy) -> None:
    shop.edit(
        "aws/lambda/functions.yaml", lambda text: text.replace("  role: ${SERVICE_NAME}-${ENVIRONMENT}-runner\n", "")
    )
    shop.edit("aws/iam/shared.yaml", SHARED)
    first = shop.run("deploy")
    assert first.code == 0, first.err
    assert set(roles(shop).values()) == {"shop-lambda-role"}

    (shop.root / "aws/iam/shared.yaml").unlink()
    plan = actions(shop.run("plan").json)
    assert plan == {
        **dict.fromkeys(OWN, "update"),
        **{f"iam.role/{role}": "create" for role in OWN.values()},
        "iam.role/shop-lambda-role": "delete",
    }
    proxy.reset()
    done = shop.run("deploy")
    assert done.code == 0, done.err
    assert roles(shop) == OWN
    called = [call.name for call in proxy.calls]
    assert called.index("iam:CreateRole") < called.index("lambda:UpdateFunctionConfiguration")
    assert max(i for i, name in enumerate(called) if name == "lambda:UpdateAlias") < called.index("iam:DeleteRole")
    assert shop.run("deploy").json["changed"] is False
