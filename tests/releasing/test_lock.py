"""One run at a time: taking, renewing, losing, stealing and giving back the lock."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from pipeline.errors import Refused
from pipeline.model.release import LockState
from pipeline.model.scope import Scope
from pipeline.releasing.lock import CLOCK_SKEW, Holder, Lease, Timing, free, take
from pipeline.releasing.store import LOCK, Ledger
from tests.support.fake_s3 import FakeS3

SCOPE = Scope("shop", "dev", "123456789012", "eu-west-1")
HOLDER = Holder("run-1", "ada")


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0
        self.on_sleep: Callable[[], None] = lambda: None

    def read(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.on_sleep()

    def timing(self) -> Timing:
        # A lease of an hour keeps the heartbeat thread asleep: renewal is tested by calling it.
        return Timing(self.read, self.read, self.sleep, lease_seconds=3600)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(FakeS3(SCOPE, ["b"]), "b")


@pytest.fixture
def time() -> Time:
    return Time()


def taken(ledger: Ledger, time: Time, holder: Holder = HOLDER, said: list[str] | None = None) -> Lease | None:
    head = ledger.head()
    tell = said.append if said is not None else lambda text: None
    return take(ledger, (head.lock, head.lock_etag), holder, time.timing(), tell)


def test_the_token_grows_with_every_taking(ledger: Ledger, time: Time) -> None:
    tokens = []
    for _ in range(3):
        lease = taken(ledger, time)
        assert lease is not None
        tokens.append(lease.token)
        lease.release("succeeded")
    assert tokens == [1, 2, 3]
    state = ledger.head().lock
    assert state is not None
    assert (state.held, state.outcome, state.unfinished) == (False, "succeeded", False)


def test_a_run_that_came_in_between_makes_the_situation_stale(ledger: Ledger, time: Time) -> None:
    seen = ledger.head()
    other = taken(ledger, time, Holder("run-2", "bob"))
    assert other is not None
    other.release("succeeded")
    assert take(ledger, (seen.lock, seen.lock_etag), HOLDER, time.timing(), lambda text: None) is None


def test_a_living_holder_is_waited_for_and_then_refused(ledger: Ledger, time: Time) -> None:
    lease = taken(ledger, time, Holder("run-2", "bob", "https://ci.example/run/2"))
    assert lease is not None
    time.on_sleep = lease._renew
    said: list[str] = []
    with pytest.raises(Refused, match=r"run-2 of bob.*https://ci\.example/run/2"):
        taken(ledger, time, said=said)
    assert "waiting up to" in said[0]


def elsewhere(ledger: Ledger, time: Time, **more: object) -> None:
    """A lock of another machine, whose process cannot be looked at."""
    state = LockState(7, True, "run-9", "eve", host="elsewhere", pid=1, expires=time.read() + 30, lease_seconds=30)
    ledger.put(LOCK, replace(state, **more).to_json())  # type: ignore[arg-type]  # a test names only real fields


def test_a_silent_holder_loses_the_lock_after_its_lease(ledger: Ledger, time: Time) -> None:
    elsewhere(ledger, time)
    said: list[str] = []
    before = time.read()
    lease = taken(ledger, time, said=said)
    assert lease is not None
    assert lease.token == 8
    assert time.read() - before >= 30
    assert "taking over" in said[-1]


def test_a_lock_that_was_freed_meanwhile_is_not_said_to_be_taken_over(ledger: Ledger, time: Time) -> None:
    """Its holder is gone by now, since it ended well."""
    elsewhere(ledger, time, expires=0.0)
    seen = ledger.head()
    said: list[str] = []
    ledger.put(LOCK, LockState(8, False, "run-9", outcome="succeeded").to_json(), if_match=seen.lock_etag)
    assert take(ledger, (seen.lock, seen.lock_etag), HOLDER, time.timing(), said.append) is None
    assert said == []


def test_a_lease_that_ran_out_long_ago_is_not_waited_for(ledger: Ledger, time: Time) -> None:
    elsewhere(ledger, time, expires=time.read() - CLOCK_SKEW - 1)
    before = time.read()
    assert taken(ledger, time) is not None
    assert time.read() == before


def rewritten(ledger: Ledger, **more: object) -> None:
    """Changes what the lock says of its holder."""
    head = ledger.head()
    assert head.lock is not None
    if not head.lock.since:
        pytest.skip("process birth is known on Linux only")
    state = replace(head.lock, **more)  # type: ignore[arg-type]  # a test names only real fields
    ledger.put(LOCK, state.to_json(), if_match=head.lock_etag)


def test_a_holder_that_died_on_this_machine_is_not_waited_for(ledger: Ledger, time: Time) -> None:
    assert taken(ledger, time) is not None
    state = ledger.head().lock
    assert state is not None
    rewritten(ledger, since=state.since.rpartition(" ")[0] + " 1")
    before = time.read()
    assert taken(ledger, time) is not None
    assert time.read() == before


@pytest.mark.parametrize("part", [0, 1])
def test_a_holder_on_another_machine_or_in_another_container_is_not_taken_for_dead(
    ledger: Ledger, time: Time, part: int
) -> None:
    """Runners often have one name, and the same process ids."""
    lease = taken(ledger, time)
    assert lease is not None
    state = ledger.head().lock
    assert state is not None
    parts = state.since.split(" ")
    parts[part] = "another"
    rewritten(ledger, since=" ".join(parts), pid=99_999_999)
    before = time.read()
    assert taken(ledger, time) is not None
    assert time.read() - before >= state.lease_seconds


@pytest.mark.parametrize("skew", [-300, -31, 31, 300, 590])
def test_clocks_that_differ_take_no_lock_from_a_living_holder(ledger: Ledger, time: Time, skew: float) -> None:
    """Its lease seems to have run out, or to last long; what counts is that it shows life."""
    elsewhere(ledger, time, expires=time.read() + 30 - skew)

    def renew() -> None:
        head = ledger.head()
        assert head.lock is not None
        later = replace(head.lock, expires=head.lock.expires + 10)
        ledger.put(LOCK, later.to_json(), if_match=head.lock_etag)

    time.on_sleep = renew
    with pytest.raises(Refused, match="run-9 of eve"):
        taken(ledger, time)


def test_a_lock_that_was_freed_while_waiting_is_read_again(ledger: Ledger, time: Time) -> None:
    lease = taken(ledger, time, Holder("run-2", "bob"))
    assert lease is not None
    time.on_sleep = lambda: lease.release("succeeded")
    said: list[str] = []
    assert taken(ledger, time, said=said) is None
    assert "taking over" not in "".join(said)


def test_a_lost_lock_stops_further_changes_and_is_not_given_back(ledger: Ledger, time: Time) -> None:
    lease = taken(ledger, time)
    assert lease is not None
    lease.guard()
    head = ledger.head()
    assert head.lock is not None
    thief = replace(head.lock, run="thief", token=99)
    ledger.put(LOCK, thief.to_json(), if_match=head.lock_etag)
    lease._renew()
    with pytest.raises(Refused, match="lost"):
        lease.guard()
    lease.release("succeeded")
    assert ledger.head().lock == thief


def test_a_machine_that_slept_while_it_took_the_lock_changes_nothing(time: Time) -> None:
    """By then another run may have it: the lease counts from before the lock was written."""

    class Slow(Ledger):
        def put(self, key: str, document: Mapping[str, Any], *, if_match: str | None = None) -> str:
            etag = super().put(key, document, if_match=if_match)
            time.seconds += 3700.0
            return etag

    lease = taken(Slow(FakeS3(SCOPE, ["b"]), "b"), time)
    assert lease is not None
    with pytest.raises(Refused, match="lease ran out"):
        lease.guard()


def test_a_lease_that_cannot_be_renewed_stops_further_changes(ledger: Ledger, time: Time) -> None:
    lease = taken(ledger, time)
    assert lease is not None
    time.seconds += 3601
    with pytest.raises(Refused, match="ran out"):
        lease.guard()
    lease._renew()
    lease.guard()


@pytest.mark.parametrize(
    ("held", "outcome", "unfinished"),
    [(True, None, True), (False, "failed", True), (False, "interrupted", True), (False, "succeeded", False)],
)
def test_what_counts_as_unfinished(held: bool, outcome: str | None, unfinished: bool) -> None:
    assert LockState(1, held, "r", outcome=outcome).unfinished is unfinished


def test_the_lock_of_a_dead_run_is_freed_and_that_run_stays_the_last_one(ledger: Ledger, time: Time) -> None:
    taken(ledger, time)
    state = ledger.head().lock
    assert state is not None
    ledger.put(LOCK, replace(state, pid=0, since="elsewhere").to_json(), if_match=ledger.head().lock_etag)
    freed = free(ledger, ledger.head(), time.timing(), lambda _: None)
    assert freed is not None
    left = ledger.head().lock
    assert left is not None
    assert (left.run, left.held, left.outcome, left.unfinished) == ("run-1", False, "died", True)
    assert left.token > state.token
    assert free(ledger, ledger.head(), time.timing(), lambda _: None) is None


def test_the_lock_of_a_living_run_is_not_freed(ledger: Ledger, time: Time) -> None:
    lease = taken(ledger, time)
    assert lease is not None
    time.on_sleep = lease._renew
    with pytest.raises(Refused, match="run run-1 of ada"):
        free(ledger, ledger.head(), time.timing(), lambda _: None)


def test_a_lock_that_somebody_took_meanwhile_is_not_freed(ledger: Ledger, time: Time) -> None:
    taken(ledger, time)
    head = ledger.head()
    assert head.lock is not None
    dead = replace(head.lock, pid=0, since="elsewhere")
    etag = ledger.put(LOCK, dead.to_json(), if_match=head.lock_etag)
    seen = replace(head, lock=dead, lock_etag=etag)
    time.seconds += 3600 + CLOCK_SKEW + 1
    ledger.put(LOCK, replace(dead, token=9).to_json(), if_match=etag)
    with pytest.raises(Refused, match="another run took it over"):
        free(ledger, seen, time.timing(), lambda _: None)


def test_nothing_is_freed_where_nobody_ever_held_it(ledger: Ledger, time: Time) -> None:
    assert free(ledger, ledger.head(), time.timing(), lambda _: None) is None
