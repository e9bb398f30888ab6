"""What a fault proxy does to a call, and when."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase


class Kind(Enum):
    """FAIL and DROP do not carry the call out; the others do."""

    FAIL = auto()
    DROP = auto()
    LOSE = auto()
    HANG = auto()
    BREAK_AFTER = auto()
    REWRITE = auto()


@dataclass
class Fault:
    """Something that happens to calls of `name` (a pattern), `times` times; None is always.

    After a space the pattern goes on with the path: `s3:PutObject */current.json`.
    `after` and `seconds`: only once a call of that name was carried out, for that long (None: from then on).
    """

    name: str
    kind: Kind
    times: int | None = 1
    code: str = ""
    message: str = ""
    status: int | None = None
    after: str | None = None
    seconds: float | None = None
    change: Callable[[bytes], bytes] | None = None
    since: float | None = None

    def due(self, name: str, now: float, path: str = "") -> bool:
        """True when this call is to be hit, which is counted."""
        if self.times == 0 or not fnmatchcase(f"{name} {path}" if " " in self.name else name, self.name):
            return False
        if self.after is not None and (self.since is None or now - self.since > (self.seconds or now)):
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def seen(self, name: str, now: float) -> None:
        """A call was carried out: the time of `after` may begin."""
        if self.after is not None and fnmatchcase(name, self.after):
            self.since = now


@dataclass
class Limit:
    """A token bucket for calls of `name` (a pattern), all of them together."""

    name: str
    rate: float
    burst: float = 1.0
    tokens: float | None = None
    at: float = 0.0

    def admits(self, name: str, now: float) -> bool:
        """Takes a token when there is one; calls of other names are always admitted."""
        if not fnmatchcase(name, self.name):
            return True
        before = self.burst if self.tokens is None else self.tokens
        self.tokens = min(self.burst, before + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
