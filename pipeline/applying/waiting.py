"""Time, and waiting for something that AWS finishes later.

botocore's own waiters look first after 20 to 60 s for several services; this one looks at once, then often, then every
`every` seconds, so that a fast answer costs little and a slow one few calls. May not call AWS by itself: what to look
at is the caller's.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/clients.html#waiters
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Event
from typing import Protocol, TypeVar

from pipeline.errors import AwsError, FailedCall, Interrupted

T = TypeVar("T")

FIRST_PAUSE = 0.1  # seconds; measured: most of AWS's short states (an IAM role, a zip function) take 0.3 s and more
GROWTH = 1.6
QUIET_SECONDS = 3.0  # a wait is told to the user from here on,
TELL_EVERY = 5.0  # and again after each of these


class Clock(Protocol):
    """Time as an effect. Seconds throughout."""

    def now(self) -> datetime:
        """The time of day, with time zone."""

    def monotonic(self) -> float:
        """Seconds since some fixed point; never goes back."""

    def sleep(self, seconds: float, stop: Event | None = None) -> None:
        """Returns after `seconds`, or as soon as `stop` is set."""


@dataclass(frozen=True)
class WaitEvent:
    """A wait that takes long enough to be told: `what` is awaited, since `seconds`, for at most `budget`."""

    what: str
    seconds: float
    budget: float
    done: bool = False


def check_stop(stop: Event | None, doing: str) -> None:
    """Raises Interrupted when the run was asked to stop."""
    if stop is not None and stop.is_set():
        raise Interrupted(f"{doing}: the run was asked to stop")


def wait_for(
    what: str,
    poll: Callable[[], T | None],
    *,
    every: float,
    budget: float,
    clock: Clock,
    stop: Event | None = None,
    tell: Callable[[WaitEvent], None] | None = None,
) -> T:
    """Polls until a value other than None comes: at once, then after 0.1 s, growing to every `every` seconds.

    Raises AwsError with code `TimedOut` when nothing came in `budget` seconds, Interrupted when `stop` is set, and
    whatever `poll` raises.
    """
    began = clock.monotonic()
    pause, looks, told = min(FIRST_PAUSE, every), 0, QUIET_SECONDS
    while True:
        check_stop(stop, f"waiting for {what}")
        found = poll()
        looks += 1
        waited = clock.monotonic() - began
        if found is not None:
            if tell is not None and told > QUIET_SECONDS:
                tell(WaitEvent(what, waited, budget, done=True))
            return found
        if waited >= budget:
            raise _timed_out(what, looks, waited)
        if tell is not None and waited >= told:
            tell(WaitEvent(what, waited, budget))
            told = waited + TELL_EVERY
        clock.sleep(min(pause, budget - waited), stop)
        pause = min(pause * GROWTH, every)


def _timed_out(what: str, looks: int, waited: float) -> AwsError:
    call = FailedCall("aws", "wait", "TimedOut", f"{what}: not reached", attempts=looks, seconds=waited)
    return AwsError(call, hint="run the same command again: it looks at what is there and continues")
