"""The rollout in the ledger: `rollout.json`, one object, changed by compare-and-swap.

Whoever has something to say about a rollout (the run that drives it, a person in another process) applies the event to
the status that is recorded and writes the result if nobody wrote in between, else again to what is there now. So a
person needs no lock to be heard, and the driver sees it when it looks next. A rollout that has ended gets a copy,
`rollouts/<number>-<run>.json`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.errors import PipelineError, Refused
from pipeline.model.rollout import Outcome
from pipeline.model.shift import Rollout
from pipeline.releasing.store import Ledger, LostRace

if TYPE_CHECKING:
    from pipeline.rollout.events import Event

ROLLOUT = "rollout.json"
_ATTEMPTS = 50


class Rollouts:
    """The rollout of one environment, as it was last seen or written."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rollout: Rollout | None = None
        self._etag: str | None = None

    @property
    def known(self) -> Rollout | None:
        """What is known without looking again."""
        return self._rollout

    @property
    def current(self) -> Rollout:
        """What was last seen. PipelineError when there never was a rollout."""
        if self._rollout is None:
            raise PipelineError("looking for the rollout: there is none in the ledger")
        return self._rollout

    def look(self) -> Rollout | None:
        """Reads it; None when there never was one."""
        found = self._ledger.document(ROLLOUT)
        if found is None:
            self._rollout = self._etag = None
        elif found[1] != self._etag:
            self._rollout, self._etag = _read(found[0]), found[1]
        return self._rollout

    def begin(self, rollout: Rollout) -> None:
        """Writes a new one in place of what was last seen. Refused when another run began one meanwhile."""
        try:
            self._etag = self._ledger.put(ROLLOUT, rollout.to_json(), if_match=self._etag)
        except LostRace as error:
            raise _taken_over() from error
        self._rollout = rollout

    def report(self, event: "Event", more: Callable[[Rollout], Rollout] = lambda rollout: rollout) -> Rollout:
        """The rollout once `event` is recorded, however often others write in between."""
        from pipeline.rollout.machine import after  # noqa: PLC0415 - reading a rollout, as all runs do, needs no machine

        for _ in range(_ATTEMPTS):
            before = self.current
            changed = more(before.with_status(after(before.strategy, before.status, event)))
            if changed == before:
                return before
            try:
                self._etag = self._ledger.put(ROLLOUT, changed.to_json(), if_match=self._etag)
            except LostRace:
                self.look_again()
            else:
                self._rollout = changed
                return changed
        raise PipelineError("recording what happened to the rollout: others keep writing", hint="run again")

    def remember(self, engine: Mapping[str, Any]) -> Rollout:
        """Keeps what an engine has to know after a crash."""
        return self._change(lambda rollout: replace(rollout, engine=engine))

    def take_back(self, reason: str) -> Rollout:
        """Decides that a release that was promoted is not to be recorded: the stable one gets everything back."""

        def aborted(rollout: Rollout) -> Rollout:
            return rollout.with_status(replace(rollout.status, outcome=Outcome.ABORTED, reason=reason))

        return self._change(aborted)

    def _change(self, change: Callable[[Rollout], Rollout]) -> Rollout:
        for _ in range(_ATTEMPTS):
            changed = change(self.current)
            try:
                self._etag = self._ledger.put(ROLLOUT, changed.to_json(), if_match=self._etag)
            except LostRace:
                self.look_again()
            else:
                self._rollout = changed
                return changed
        raise PipelineError("recording how far the rollout is: others keep writing", hint="run again")

    def look_again(self) -> Rollout:
        """Reads what others wrote. Refused when it is another rollout by now."""
        mine = self.current.release
        found = self.look()
        if found is None or (found.release.number, found.release.run) != (mine.number, mine.run):
            raise _taken_over()
        return found

    def keep(self) -> None:
        """Writes the copy of a rollout that ended; quiet when it is there."""
        release = self.current.release
        try:
            self._ledger.put(f"rollouts/{release.number:06d}-{release.run}.json", self.current.to_json())
        except LostRace:
            return


def _read(document: Mapping[str, Any]) -> Rollout:
    try:
        return Rollout.from_json(document)
    except (KeyError, TypeError, ValueError) as error:
        raise PipelineError(
            f"reading {ROLLOUT} of the ledger: it was written by another version of pipeline ({error!r})",
            hint="end that rollout with the version that began it",
        ) from error


def _taken_over() -> Refused:
    return Refused("the rollout: another run has begun one meanwhile", hint="see `pipeline releases`, then run again")
