"""What a run writes down, and in which order."""

import json
import threading
from typing import Any

import pytest

from pipeline.errors import AwsError
from pipeline.model.scope import Scope
from pipeline.releasing.journal import Journal
from pipeline.releasing.store import Ledger, LostRace
from tests.support.fake_s3 import FakeS3, refusal

SCOPE = Scope("shop", "dev", "123456789012", "eu-west-1")


def written(s3: FakeS3) -> list[dict[str, Any]]:
    return [json.loads(body) for _, (body, _) in sorted(s3.buckets["b"].items())]


def test_the_head_is_durable_before_the_first_change() -> None:
    s3 = FakeS3(SCOPE, ["b"])
    journal = Journal(Ledger(s3, "b"), "run-1")
    journal.open({"plan": {"changes": []}})
    assert list(s3.buckets["b"]) == ["runs/run-1/000000.json"]
    journal.close(5)


def test_every_entry_is_there_in_order_after_closing() -> None:
    s3 = FakeS3(SCOPE, ["b"])
    journal = Journal(Ledger(s3, "b"), "run-1")
    journal.open({})
    for number in range(50):
        journal.begun(f"t/{number}", "create")
        journal.ended(f"t/{number}", "create", {"arn": "a"})
    journal.failed("t/x", "delete", "denied")
    journal.close(5)
    entries = [entry for document in written(s3)[1:] for entry in document["entries"]]
    assert len(entries) == 101
    assert [e["address"] for e in entries if e["event"] == "begun"] == [f"t/{n}" for n in range(50)]
    assert entries[-1] == {"event": "failed", "address": "t/x", "action": "delete", "error": "denied"}


def test_entries_gather_while_a_write_is_under_way() -> None:
    s3 = FakeS3(SCOPE, ["b"])
    journal = Journal(Ledger(s3, "b"), "run-1")
    journal.open({})
    gate, first = threading.Event(), threading.Event()

    def slow(operation: str, params: dict[str, Any]) -> None:
        first.set()
        gate.wait(5)

    s3.before = slow
    journal.begun("t/0", "create")
    first.wait(5)
    for number in range(1, 30):
        journal.begun(f"t/{number}", "create")
    gate.set()
    journal.close(5)
    assert len(s3.buckets["b"]) <= 4


def test_a_run_id_is_used_once() -> None:
    s3 = FakeS3(SCOPE, ["b"])
    Journal(Ledger(s3, "b"), "run-1").open({"by": "one"})
    with pytest.raises(LostRace):
        Journal(Ledger(s3, "b"), "run-1").open({"by": "another"})


def test_a_journal_that_cannot_be_written_is_told_at_the_end() -> None:
    s3 = FakeS3(SCOPE, ["b"])
    journal = Journal(Ledger(s3, "b"), "run-1")
    journal.open({})

    def deny(operation: str, params: dict[str, Any]) -> None:
        raise refusal(operation, "AccessDenied", 403)

    s3.before = deny
    journal.begun("t/0", "create")
    with pytest.raises(AwsError):
        journal.close(5)
