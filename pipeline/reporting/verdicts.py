"""The verdict about a plan, which is the first line of everything that GitHub shows of it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from pipeline.model.plan import Change, Plan
from pipeline.reporting.markdown import code

_SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-"}


@dataclass(frozen=True)
class Verdict:
    """What a plan does, in figures. `commit` is that of what is planned."""

    commit: str = ""
    create: int = 0
    update: int = 0
    replace: int = 0
    delete: int = 0
    destroyed: int = 0
    drift: int = 0
    widens: bool = False
    blocked: bool = False

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """The verdict about one plan."""
        return cls(
            commit=(plan.commit or "")[:7],
            **{name: plan.summary[name] for name in _SIGNS},
            destroyed=len(destructive(plan)),
            drift=plan.summary["drift"],
            widens=plan.widens_access,
            blocked=bool(plan.blockers),
        )

    @classmethod
    def read(cls, about: Mapping[str, Any]) -> Self:
        """From a document; what is not as it should be is left out."""
        kinds = {each.name: type(each.default) for each in fields(cls)}
        return cls(**{name: about[name] for name, kind in kinds.items() if type(about.get(name)) is kind})

    @classmethod
    def of_all(cls, verdicts: Iterable[Self]) -> Self:
        """One about several regions; the commit where it is the same in all of them."""
        found = list(verdicts)
        commits = {each.commit for each in found}
        figures = {
            each.name: sum(getattr(one, each.name) for one in found)
            for each in fields(cls)
            if type(each.default) is int
        }
        return cls(
            commit=commits.pop() if len(commits) == 1 else "",
            **figures,
            widens=any(each.widens for each in found),
            blocked=any(each.blocked for each in found),
        )

    def to_json(self) -> dict[str, Any]:
        """The document."""
        return asdict(self)

    @property
    def light(self) -> str:
        """How much it is to be looked at."""
        if self.blocked:
            return "⛔"
        if self.destroyed:
            return "🔴"
        return "🟡" if self.widens or self.drift else "🟢"

    def line(self, what: str) -> str:
        """`🔴 production at 1a2b3c4: +3 ~2 -1 · destroys 1 · 1 undoes drift · widens access`; `what` is Markdown."""
        signs = " ".join(f"{sign}{count}" for name, sign in _SIGNS.items() if (count := getattr(self, name)))
        notes = [signs or "no changes"]
        notes += [f"destroys {self.destroyed}"] if self.destroyed else []
        notes += [f"{self.drift} {'undoes' if self.drift == 1 else 'undo'} drift"] if self.drift else []
        notes += ["widens access"] if self.widens else []
        notes += ["blocked"] if self.blocked else []
        at = f" at {code(self.commit)}" if self.commit else ""
        return f"{self.light} {what}{at}: {' · '.join(notes)}"


def destructive(plan: Plan) -> tuple[Change, ...]:
    """The changes that take something away for good."""
    return tuple(change for change in plan.changes if change.destructive)
