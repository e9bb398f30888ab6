"""What a run leaves in the ledger: a lock that is free, a journal that tells all, a history without gaps."""

import pytest

from tests.functional.support import LEDGER, SCOPE, Service, ledger_document, ledger_keys
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow


def next_timeout(shop: Service, seconds: int) -> None:
    """A change of one function."""
    shop.replace("aws/lambda/functions.yaml", f"timeout: {seconds}", f"timeout: {seconds + 1}")


def events(shop: Service, run: str) -> list[tuple[str, str]]:
    """(event, address) of all entries of a run, in order."""
    keys = [key for key in ledger_keys(shop) if key.startswith(f"runs/{run}/")][1:]
    entries = [entry for key in keys for entry in ledger_document(shop, key)["entries"]]
    return [(entry["event"], entry.get("address", entry.get("outcome", ""))) for entry in entries]


def test_the_journal_tells_what_was_planned_begun_and_ended(shop: Service) -> None:
    document = shop.run("deploy").json
    run = ledger_document(shop, "current.json")["run"]
    head = ledger_document(shop, f"runs/{run}/000000.json")
    assert (head["kind"], head["environment"], head["run"]) == ("deploy", "test", run)
    assert head["plan"]["digest"] == document["plan"]["digest"]
    planned = {change["address"] for change in head["plan"]["changes"]}
    told = events(shop, run)
    assert {address for event, address in told if event == "begun"} == planned
    for address in planned:
        assert told.index(("begun", address)) < told.index(("ended", address))
    assert told[-1] == ("finished", "succeeded")
    assert ledger_document(shop, "lock.json")["held"] is False


def test_a_change_that_broke_is_told_with_its_reason(shop: Service, proxy: FaultProxy) -> None:
    proxy.fail(
        "dynamodb:CreateTable", "AccessDeniedException", "User is not authorized to perform: dynamodb:CreateTable"
    )
    assert shop.run("deploy").code == 1
    run = ledger_document(shop, "lock.json")["run"]
    told = events(shop, run)
    assert ("failed", "dynamodb.table/shop-orders") in told
    assert told[-1] == ("finished", "failed")
    assert ledger_document(shop, "lock.json")["outcome"] == "failed"
    assert shop.run("deploy").json["release"] == 1


@pytest.mark.parametrize("place", ["current.json", "releases/*"])
def test_history_has_no_gaps_though_run_after_run_dies_recording(shop: Service, proxy: FaultProxy, place: str) -> None:
    numbers = range(10, 13)
    for seconds in numbers:
        proxy.reset()
        proxy.fail(f"s3:PutObject */{place}", "AccessDenied", status=403, times=1)
        assert shop.run("deploy").code == 1
        next_timeout(shop, seconds)
    proxy.reset()
    last = shop.run("deploy").json["release"]
    copies = [key for key in ledger_keys(shop) if key.startswith("releases/")]
    assert copies == [f"releases/{number:06d}.json" for number in range(1, last + 1)]
    found = shop.run("releases").json["releases"]
    assert [release["release"] for release in found] == list(range(last, 0, -1))


def versioning(shop: Service) -> str:
    return str(shop.aws().call("s3", "GetBucketVersioning", Bucket=LEDGER).get("Status"))


def test_nothing_is_released_into_a_ledger_that_cannot_be_set_up(shop: Service, proxy: FaultProxy) -> None:
    proxy.fail("s3:PutBucketVersioning", "AccessDenied", "not allowed: s3:PutBucketVersioning", status=403)
    result = shop.run("deploy")
    assert result.code == 1
    assert "s3:PutBucketVersioning" in result.err
    assert "current.json" not in ledger_keys(shop)
    assert ledger_document(shop, "lock.json")["held"] is False
    proxy.reset()
    assert shop.run("deploy").json["release"] == 1
    assert versioning(shop) == "Enabled"


def test_a_ledger_that_a_killed_run_left_half_made_is_completed(shop: Service) -> None:
    shop.aws().call("s3", "CreateBucket", Bucket=LEDGER, CreateBucketConfiguration={"LocationConstraint": SCOPE.region})
    assert shop.run("deploy").json["release"] == 1
    assert versioning(shop) == "Enabled"
    tags = shop.aws().call("s3", "GetBucketTagging", Bucket=LEDGER)["TagSet"]
    assert {"Key": "pipeline:service", "Value": "shop"} in tags
