"""Who may do what: grants that resources make, and where a plan widens them, as values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Grant:
    """One principal, one action, one resource, each as a policy writes it (`*` and `?` stand for anything).

    `allows` is False for what is denied. `condition` is the text of what must hold besides; empty without one.
    """

    principal: str
    action: str
    resource: str
    allows: bool = True
    condition: str = ""

    @property
    def says(self) -> str:
        """`allowed` or `denied`, with its condition."""
        word = "allowed" if self.allows else "denied"
        return f"{word} if {self.condition}" if self.condition else word


@dataclass(frozen=True)
class Widening:
    """Access that a plan widens: what was said of it `before` and is `after`; None where nothing is said."""

    address: str
    principal: str
    action: str
    resource: str
    before: str | None
    after: str | None

    def to_json(self) -> dict[str, str | None]:
        """As the plan document has it."""
        return {
            "principal": self.principal,
            "action": self.action,
            "resource": self.resource,
            "before": self.before,
            "after": self.after,
            "address": self.address,
        }
