"""The lock of an environment: one object in the ledger, taken and given back by compare-and-swap.

`lock.json` is never deleted: freeing it writes `held: false` with the same growing token. So taking it with If-Match on
the ETag that was read before the world was observed proves that no other run came in between, without a second look.
A holder renews its lease; a lease that nobody renews is over. A dead holder on this very machine is noticed at once.
"""

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import PipelineError, Refused
from pipeline.model.release import LedgerHead, LockState
from pipeline.releasing.store import LOCK, Ledger, LostRace

LEASE_SECONDS = 30.0
# Before the expiry time of another machine is believed: AWS refuses calls of a clock that is off by over five minutes,
# one machine's may be slow by that and the other's fast.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
CLOCK_SKEW = 600.0


@dataclass(frozen=True)
class Holder:
    """Who takes the lock: the run, the person or workflow behind it, and the process."""

    run: str
    actor: str
    run_url: str | None = None


@dataclass(frozen=True)
class Timing:
    """The clock that the lock lives by; `now` in Unix seconds, `sleep` returns early when the run must stop."""

    now: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    lease_seconds: float = LEASE_SECONDS


class Lease:
    """A held lock. `guard` refuses further changes once the lease cannot be trusted any more.

    It counts from `began`, before the lock was written: however long the answer took, or the machine slept meanwhile.
    """

    def __init__(self, ledger: Ledger, state: LockState, etag: str, timing: Timing, began: float) -> None:
        self._ledger, self._state, self._etag, self._timing = ledger, state, etag, timing
        self._deadline = began + state.lease_seconds
        self._done = threading.Event()
        self._writing = threading.Lock()
        self._lost: str | None = None
        self._thread = threading.Thread(target=self._renew_until_done, name="lock-heartbeat", daemon=True)
        self._thread.start()

    @property
    def token(self) -> int:
        """The fencing token: greater than that of every earlier holder."""
        return self._state.token

    def guard(self) -> None:
        """Raises Refused when the lock was lost or its lease ran out."""
        if self._lost:
            raise Refused(f"the lock was lost: {self._lost}", hint="see `pipeline releases`, then run again")
        if self._timing.monotonic() > self._deadline:
            raise Refused("the lock's lease ran out before it could be renewed", hint="run again: it continues")

    def release(self, outcome: str) -> None:
        """Gives the lock back, saying how the run ended; quiet when it was lost already."""
        self._done.set()
        with self._writing:
            if self._lost:
                return
            free = replace(self._state, held=False, outcome=outcome, expires=0.0)
            try:
                self._ledger.put(LOCK, free.to_json(), if_match=self._etag)
            except LostRace:
                self._lost = "another run took it over"

    def _renew_until_done(self) -> None:
        while not self._done.wait(self._state.lease_seconds / 3):
            self._renew()

    def _renew(self) -> None:
        with self._writing:
            if self._done.is_set():
                return
            started = self._timing.monotonic()
            fresh = replace(self._state, expires=self._timing.now() + self._state.lease_seconds)
            try:
                self._etag = self._ledger.put(LOCK, fresh.to_json(), if_match=self._etag)
            except LostRace:
                self._lost = "another run took it over"
                self._done.set()
            except PipelineError:
                return
            else:
                self._deadline = started + self._state.lease_seconds


def take(
    ledger: Ledger,
    seen: tuple[LockState | None, str | None],
    holder: Holder,
    timing: Timing,
    tell: Callable[[str], None],
) -> Lease | None:
    """Takes the lock. None when another run has come in between: what was read since is stale, read again.

    `seen` is the lock's state and ETag from before the world was observed. A lock that is held is waited for as long
    as its lease may still be alive; Refused when the holder renews it.
    """
    state, etag = seen
    held = state is not None and state.held
    if state is not None and held and not _is_dead(ledger, state, etag, timing, tell):
        return None
    token = (state.token if state else 0) + 1
    now, began = timing.now(), timing.monotonic()
    mine = LockState(
        token=token,
        held=True,
        run=holder.run,
        actor=holder.actor,
        host=socket.gethostname(),
        pid=os.getpid(),
        since=_process_birth(os.getpid()) or "",
        expires=now + timing.lease_seconds,
        lease_seconds=timing.lease_seconds,
        run_url=holder.run_url,
    )
    try:
        taken = ledger.put(LOCK, mine.to_json(), if_match=etag)
    except LostRace:
        return None
    if state is not None and held:
        tell(f"run {state.run} of {state.actor} died holding the lock: taking over")
    return Lease(ledger, mine, taken, timing, began)


def free(ledger: Ledger, head: LedgerHead, timing: Timing, tell: Callable[[str], None]) -> LockState | None:
    """Frees the lock that a dead run left; the lock as it was, None when nobody held it. Refused when its holder lives.

    The run stays the last one, and did not end well: what it left open is still found and continued.
    """
    state, etag = head.lock, head.lock_etag
    if state is None or not state.held or not _is_dead(ledger, state, etag, timing, tell):
        return None
    freed = replace(state, held=False, token=state.token + 1, outcome="died", expires=0.0)
    try:
        ledger.put(LOCK, freed.to_json(), if_match=etag)
    except LostRace as error:
        raise Refused("freeing the lock: another run took it over", hint="see `pipeline releases`") from error
    return state


def held_message(state: LockState) -> str:
    """Who holds the lock, for people."""
    where = f", {state.run_url}" if state.run_url else ""
    return f"run {state.run} of {state.actor} on {state.host} holds the lock{where}"


def _is_dead(ledger: Ledger, state: LockState, etag: str | None, timing: Timing, tell: Callable[[str], None]) -> bool:
    """True when the holder is surely dead, False when it has ended; Refused when it shows life."""
    if _died_here(state) or timing.now() > state.expires + CLOCK_SKEW:
        return True
    tell(f"{held_message(state)}; waiting up to {state.lease_seconds:.0f} s to see whether it is alive")
    deadline = timing.monotonic() + state.lease_seconds
    while timing.monotonic() < deadline:
        timing.sleep(1.0)
        head = ledger.head()
        if head.lock_etag == etag:
            continue
        if head.lock is not None and head.lock.held:
            raise Refused(
                f"taking the lock: {held_message(head.lock)}",
                hint="wait for that run to end and run again; one environment is deployed by one run at a time",
            )
        return False
    return True


def _died_here(state: LockState) -> bool:
    """True when the holder was a process that could be seen from here and is no more."""
    here, _, _ = (_process_birth(os.getpid()) or "").rpartition(" ")
    there, _, _ = state.since.rpartition(" ")
    return bool(here) and here == there and _process_birth(state.pid) != state.since


def _process_birth(pid: int) -> str | None:
    """Where and when a process started: boot, namespace of process ids, tick; None if there is none of that id.

    So neither a reused process id nor another machine or container is mistaken, whatever its name. Field 22 of
    /proc/<pid>/stat: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html. Elsewhere than on Linux this is not
    known, and the lease alone decides.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").readlink()
        return f"{boot} {namespace} {stat.rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        return None
