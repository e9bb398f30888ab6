"""Collects actions by where they are allowed, and makes statements of them. Pure."""

from collections.abc import Mapping
from typing import Any

from pipeline.granting.knowledge import Knowledge
from pipeline.model.scope import Scope

Statement = dict[str, Any]


class Collected:
    """Actions by title and resources."""

    def __init__(self, known: Knowledge) -> None:
        self._known = known
        self._anywhere: set[str] = set()
        self._scoped: dict[str, tuple[set[str], set[str]]] = {}
        self._conditions: list[tuple[set[str], str, list[str]]] = []

    def take(self, kind: str, phase: str, arns: list[str]) -> None:
        """What a verb of a type needs on resources of that type."""
        self.add(title_of(kind), self._known.actions(kind, phase) - set(self._known.rules["passing"]), arns)

    def take_secret(self, reference: str, scope: Scope) -> None:
        """Looking a referenced secret up: `ssm:/path`, `secretsmanager:name#key`."""
        store, _, name = reference.partition(":")
        if store == "ssm":
            self.add(
                "Parameters",
                {"ssm:GetParameters"},
                [scope.arn("ssm", f"parameter/{name.lstrip('/')}")],
            )
            return
        # Six characters of AWS's choice end the ARN of a secret.
        arn = scope.arn("secretsmanager", f"secret:{name.partition('#')[0]}-??????")
        self.add("Secrets", {"secretsmanager:GetSecretValue"}, [arn])

    def add(self, title: str, actions: set[str], arns: list[str]) -> None:
        """These actions on these resources; those that AWS does not limit go to a statement of their own."""
        free = {action for action in actions if "*" in arns or self._known.takes_any_resource_only(action)}
        self._anywhere |= free
        if actions - free and arns:
            known, places = self._scoped.setdefault(title, (set(), set()))
            known |= actions - free
            places |= set(arns)

    def condition(self, actions: set[str], key: str, values: list[str]) -> None:
        """These actions only where `key` has one of `values`; they become statements of their own."""
        self._conditions.append((actions, key, values))

    def statements(self) -> list[Statement]:
        """One statement for each kind of resource, and one for what AWS does not limit."""
        found = []
        for title, (actions, arns) in sorted(self._scoped.items()):
            rest = set(actions)
            for limited, key, values in self._conditions:
                if held := rest & limited:
                    rest -= held
                    only = {"StringEqualsIfExists": {key: values}}
                    found.append(statement(f"{title}Limited", held, sorted(arns), only))
            if rest:
                found.append(statement(title, rest, sorted(arns)))
        return found + ([statement("Anywhere", self._anywhere, ["*"])] if self._anywhere else [])


def statement(
    title: str,
    actions: set[str],
    resources: list[str],
    condition: Mapping[str, Any] | None = None,
    *,
    effect: str = "Allow",
) -> Statement:
    """One statement of a policy."""
    found: Statement = {"Sid": title, "Effect": effect, "Action": sorted(actions), "Resource": resources}
    return found | ({"Condition": dict(condition)} if condition else {})


def title_of(kind: str) -> str:
    """`dynamodb.table` as the id of a statement: DynamodbTable."""
    return "".join(part.capitalize() for part in kind.replace(".", "_").replace("-", "_").split("_"))
