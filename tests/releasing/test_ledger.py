"""The ledger's documents: conditional writes, history, repair after a crash, uploads."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BadInput, Refused
from pipeline.model.release import Release
from pipeline.model.resource import Resource, Source
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Reference, Secret
from pipeline.releasing.store import Ledger, LostRace, bucket_name
from tests.support.fake_s3 import FakeS3, refusal

SCOPE = Scope("shop", "dev", "123456789012", "eu-west-1")


def release(number: int, **more: Any) -> Release:
    facts: dict[str, Any] = {
        "service": "shop", "environment": "dev", "region": "eu-west-1", "account": "123456789012", "commit": "c" * 40,
        "created": "2026-01-01T00:00:00Z", "actor": "ada", "run": f"run-{number}",
    }  # fmt: skip
    return Release(number, **(facts | more))


@pytest.fixture
def s3() -> FakeS3:
    return FakeS3(SCOPE, [bucket_name(SCOPE)])


@pytest.fixture
def ledger(s3: FakeS3) -> Ledger:
    return Ledger(s3, bucket_name(SCOPE))


def test_bucket_names_fit_s3_whatever_the_names_are() -> None:
    assert bucket_name(SCOPE) == "shop-dev-pipeline-123456789012-eu-west-1"
    long = [bucket_name(Scope("s" * 60 + tail, "production", "123456789012", "ap-southeast-2")) for tail in "ab"]
    assert all(len(name) <= 63 for name in long)
    assert long[0] != long[1]


def test_no_bucket_is_told_from_an_empty_one() -> None:
    assert not Ledger(FakeS3(SCOPE), "missing").head().exists
    head = Ledger(FakeS3(SCOPE, ["there"]), "there").head()
    assert (head.exists, head.current, head.lock, head.unfinished) == (True, None, None, False)


def test_a_release_survives_the_round_trip(ledger: Ledger) -> None:
    resource = Resource(
        "lambda.function", "f",
        {"role": Expression(("x", Reference("iam.role/r", "arn"))), "environment": {"K": Secret("ssm:/k", "7", "v")}},
        ("iam.role/r",), Source("aws/f.yaml", 3),
    )  # fmt: skip
    first = release(1, desired=(resource,), outputs={"lambda.function/f": {"arn": "a"}}, restores=None)
    ledger.put_current(first, None)
    found = ledger.head().current
    assert found is not None
    assert found.to_json() == first.to_json()
    assert found.desired[0].properties["environment"]["K"] == Secret("ssm:/k", "7", "")


def test_no_secret_reaches_the_ledger(ledger: Ledger, s3: FakeS3) -> None:
    resource = Resource("lambda.function", "f", {"environment": {"K": Secret("ssm:/k", "7", "hunter2")}})
    ledger.put_current(release(1, desired=(resource,)), None)
    assert b"hunter2" not in s3.buckets[ledger.bucket]["current.json"][0]


def test_only_one_of_two_writers_wins(ledger: Ledger) -> None:
    etag = ledger.put_current(release(1), None)
    with pytest.raises(LostRace):
        ledger.put_current(release(1, run="other"), None)
    ledger.put_current(release(2), etag)
    with pytest.raises(LostRace):
        ledger.put_current(release(2, run="other"), etag)


def test_a_write_whose_answer_was_lost_is_recognised(ledger: Ledger, s3: FakeS3) -> None:
    etag = ledger.put_current(release(1), None)
    assert ledger.put_current(release(1), None) == etag


def test_history_comes_newest_first_and_knows_the_current_one_without_its_copy(ledger: Ledger) -> None:
    etag = None
    for number in (1, 2, 3):
        etag = ledger.put_current(release(number), etag)
        if number != 3:
            ledger.put_copy(release(number))
    assert [r.number for r in ledger.releases(10)] == [3, 2, 1]
    assert [r.number for r in ledger.releases(2)] == [3, 2]
    assert ledger.release(3).run == "run-3"
    assert ledger.release(1).run == "run-1"


def test_an_unknown_release_is_bad_input(ledger: Ledger) -> None:
    with pytest.raises(BadInput, match="release 9"):
        ledger.release(9)


def test_a_bucket_of_somebody_else_is_refused(ledger: Ledger, s3: FakeS3) -> None:
    def deny(operation: str, params: dict[str, Any]) -> None:
        raise refusal(operation, "AccessDenied", 403)

    s3.before = deny
    with pytest.raises(Refused, match="access denied"):
        ledger.head()


def test_an_archive_is_uploaded_once_and_never_again(ledger: Ledger, s3: FakeS3, tmp_path: Path) -> None:
    archive = tmp_path / "code.zip"
    archive.write_bytes(b"zip")
    ledger.offer({"sha256:abc": archive})
    where = {"bucket": ledger.bucket, "key": "artifacts/abc.zip"}
    assert [ledger.artifact("sha256:abc"), ledger.artifact("sha256:abc")] == [where, where]
    assert [operation for operation, _ in s3.calls] == ["PutObject"]
    again = Ledger(s3, ledger.bucket)
    again.offer({"sha256:abc": archive})
    assert again.artifact("sha256:abc") == where


def test_a_failed_upload_fails_for_everybody_who_waits(ledger: Ledger, s3: FakeS3, tmp_path: Path) -> None:
    def deny(operation: str, params: dict[str, Any]) -> None:
        raise refusal(operation, "AccessDenied", 403)

    archive = tmp_path / "code.zip"
    archive.write_bytes(b"zip")
    s3.before = deny
    ledger.offer({"sha256:abc": archive})
    for _ in range(2):
        with pytest.raises(Exception, match="AccessDenied"):
            ledger.artifact("sha256:abc")
