"""`deploy --from`: exactly the bytes that another environment serves, and nothing that was built anew."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.functional.support import LEDGER, Service, ledger_document
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

SPEC = "aws/lambda/functions.yaml"


@pytest.fixture
def live(shop: Service) -> Service:
    """Another environment, elsewhere and called otherwise; `test` has release 1, and the checkout has gone on since."""
    shop.replace("environments/live.env", "SERVICE_NAME=shop", "SERVICE_NAME=shop-live")
    shop.replace("environments/live.env", "AWS_REGION=eu-west-1", "AWS_REGION=eu-central-1")
    assert shop.run("deploy").code == 0
    shop.replace("code/handlers/stock.py", '"stock": 3', '"stock": 4')
    return Service(shop.root, shop.endpoint, "live")


def promote(to: Service, source: str = "test") -> Any:
    return to.run("deploy", "--from", source)


def archives(shop: Service) -> list[str]:
    found = shop.aws().pages("s3", "ListObjectsV2", "Contents", Bucket=LEDGER, Prefix="artifacts/")
    return [item["Key"] for item in found]


def test_the_bytes_of_the_other_environment_are_served(shop: Service, live: Service) -> None:
    planned = live.run("plan", "--from", "test")
    assert "the code of release 1 of test" in planned.err
    result = promote(live)
    assert result.code == 0, result.err
    theirs = ledger_document(shop, "current.json")
    for name, entry in theirs["functions"].items():
        assert result.json["functions"][name.replace("shop", "shop-live")]["code_sha256"] == entry["code_sha256"]
    assert "the code of release 1 of test" in result.err
    assert planned.json["digest"] == result.json["plan"]["digest"], "what was planned is what was done"
    (release,) = live.run("releases").json["releases"]
    assert release["promoted_from"] == {"environment": "test", "release": 1, "commit": theirs["commit"]}
    again = promote(live)
    assert (again.code, again.json["changed"]) == (0, False)
    assert live.run("deploy").json["functions"]["shop-live-stock"]["version"] == "2", "what is checked out is newer"


def other_architecture(shop: Service) -> None:
    shop.replace(SPEC, "architecture: arm64", "architecture: x86_64")


def new_function(shop: Service) -> None:
    shop.edit(SPEC, lambda text: text + "  - {name: shop-new, handler: handlers.stock.handle}\n")


def without_archives(shop: Service) -> None:
    for key in archives(shop):
        shop.aws().call("s3", "DeleteObject", Bucket=LEDGER, Key=key)


def other_archives(shop: Service) -> None:
    for key in archives(shop):
        shop.aws().call("s3", "PutObject", Bucket=LEDGER, Key=key, Body=b"not what it was")


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (other_architecture, "architecture is x86_64 here, and its code was built for arm64"),
        (new_function, "lambda.function/shop-new is not in that release"),
        (without_archives, "has no artifacts/"),
        (other_archives, "is not what its name says"),
    ],
)
def test_what_cannot_be_promoted_is_refused_before_anything_is_touched(
    shop: Service, live: Service, proxy: FaultProxy, harm: Callable[[Service], None], message: str
) -> None:
    harm(shop)
    proxy.reset()
    assert live.run("plan", "--from", "test").code == 4
    result = promote(live)
    assert result.code == 4
    assert message in result.err
    assert not [call for call in proxy.calls if call.service in {"lambda", "iam", "dynamodb"}]


@pytest.mark.parametrize(
    ("source", "message"),
    [("live", "it serves no release"), ("test", "the environment itself"), ("elsewhere", "no environment elsewhere")],
)
def test_there_must_be_something_to_promote(shop: Service, source: str, message: str) -> None:
    result = promote(shop, source)
    assert result.code == 2
    assert message in result.err
