"""What happens to a rollout, and what it asks for next: the two alphabets of the machine. Pure values.

Times are Unix seconds, weights percent. `by` is who did it, for people to read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.model.rollout import Measurement, Outcome


@dataclass(frozen=True)
class SetWeight:
    """Give the canary `weight` percent everywhere, verify it, then report WeightSet."""

    weight: float


@dataclass(frozen=True)
class Wait:
    """Nothing to do before `until`; who does not want to sleep comes back then."""

    until: float


@dataclass(frozen=True)
class Measure:
    """Compare canary and stable between `start` and `end` (`judge` with this `share`), then report Measured.

    `last` is True when the bake is over, so that success lets the rollout go on.
    """

    start: float
    end: float
    share: float
    last: bool


@dataclass(frozen=True)
class Promote:
    """Make the canary the stable release everywhere, then report Promoted."""


@dataclass(frozen=True)
class Abort:
    """Give all traffic back to the stable release, everywhere at once, then report Reverted."""

    reason: str


@dataclass(frozen=True)
class AwaitApproval:
    """Only a person can let it go on; no process should wait for that.

    `paused`: by Resumed, otherwise the gate by Approved. At a gate the canary is watched: whoever comes by at `look`
    or later is asked to measure.
    """

    reason: str
    paused: bool = False
    look: float | None = None


@dataclass(frozen=True)
class Done:
    """One release has all traffic."""

    outcome: Outcome


Action = SetWeight | Wait | Measure | Promote | Abort | AwaitApproval | Done


@dataclass(frozen=True)
class WeightSet:
    """Every traffic router shows `weight`, since `at`."""

    weight: float
    at: float


@dataclass(frozen=True)
class Measured:
    """A measurement was made. `alarms` are their states to compare with from now on (`Verdict.alarms`)."""

    measurement: Measurement
    alarms: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Approved:
    """The gate of `step` (from 0) is opened, also before its bake is over.

    The step is named so that asking twice does not open two gates. `everything`: promote now, whatever is left.
    """

    by: str
    step: int
    everything: bool = False


@dataclass(frozen=True)
class AbortRequested:
    """Somebody, or a smoke test, wants the stable release back."""

    by: str
    reason: str = ""


@dataclass(frozen=True)
class PauseRequested:
    """Somebody wants everything to stay as it is."""

    by: str
    reason: str = ""


@dataclass(frozen=True)
class Resumed:
    """What was paused goes on. Its clock did not stand still: the canary had traffic meanwhile."""

    by: str


@dataclass(frozen=True)
class Promoted:
    """The canary is the stable release everywhere."""

    at: float


@dataclass(frozen=True)
class Reverted:
    """The stable release has all traffic everywhere."""

    at: float


@dataclass(frozen=True)
class Clock:
    """Time went by. It changes no status: what is due is for `next_action` to say."""

    now: float


Event = WeightSet | Measured | Approved | AbortRequested | PauseRequested | Resumed | Promoted | Reverted | Clock
