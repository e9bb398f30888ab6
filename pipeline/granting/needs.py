"""What planning and deploying a service may do: statements, derived from its resources. Pure.

Resources whose names begin with the service's are granted by that prefix, so that one more of a known type needs no
other policy; all others by their very names.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from pipeline.granting.behind import Behind, text_of
from pipeline.granting.collecting import Collected, Statement, statement
from pipeline.granting.knowledge import CHANGE, DELETE, READ, Knowledge, knowledge
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Secret, leaves
from pipeline.resources.registry import registry
from pipeline.rollout.codedeploy import role_name


@dataclass(frozen=True)
class Needs:
    """The needs of one service in one environment. `ledger` is the name of its bucket.

    `deletes_data`: whether the role that deploys may delete what holds data, as `--include-data` does. `elsewhere`: the
    other regions of the environment, each with its ledger's bucket. `sources`: the ledgers' buckets of what may be
    promoted to this environment, each with its region.
    """

    scope: Scope
    resources: tuple[Resource, ...]
    ledger: str
    deletes_data: bool = False
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    known: Knowledge = field(default_factory=knowledge)

    @property
    def reading(self) -> list[Statement]:
        """Statements of the role that plans."""
        found = Collected(self.known)
        for kind in self._types():
            found.take(kind, READ, self.arns(kind))
        self._take_core(found, READ)
        for scope in self.scopes:
            for reference in self.secrets():
                found.take_secret(reference, scope)
        behind = Behind(self)
        return [*found.statements(), *behind.keys(READ), *behind.secret_keys()]

    @property
    def changing(self) -> list[Statement]:
        """Statements of the role that deploys, besides those of the one that plans."""
        found = Collected(self.known)
        for kind in self._types():
            found.take(kind, CHANGE, self.arns(kind))
            if self.deletes_data or not registry()[kind].spec.data_bearing:
                found.take(kind, DELETE, self.arns(kind))
        found.condition(set(self.known.rules["principals"]), "lambda:Principal", self._principals())
        self._take_core(found, CHANGE)
        # The ledger's bucket is a bucket like any other when the first deploy sets it up.
        actions = self.known.actions("s3.bucket", READ) | self.known.actions("s3.bucket", CHANGE)
        found.add("LedgerBucket", actions, self.buckets)
        self._take_codedeploy(found)
        behind = Behind(self)
        for title, actions, arns in behind.named():
            found.add(title, actions, arns)
        return [
            *found.statements(),
            *behind.keys(CHANGE),
            *behind.passing(),
            *self._pass_codedeploy(),
            *self._bounded(),
        ]

    def of(self, kind: str) -> tuple[Resource, ...]:
        """The service's resources of a type."""
        return tuple(resource for resource in self.resources if resource.type == kind)

    def arns(self, kind: str, patterns: Iterable[str] | None = None) -> list[str]:
        """Where actions on a type's resources are allowed."""
        wanted = list(self.known.resources(kind) if patterns is None else patterns)
        resources = self.of(kind)
        return sorted({arn for resource in resources for arn in self.arns_for(resource, wanted)})

    def arns_for(self, resource: Resource, patterns: Iterable[str]) -> Iterator[str]:
        """The patterns for one resource, in each region."""
        for pattern in patterns:
            yield from self._arns(pattern, resource)

    def arns_of(self, resource: Resource) -> list[str]:
        """Where actions on one resource are looked for, by its very name."""
        fields = {name: text_of(value) for name, value in resource.properties.items()} | {"name": resource.name}
        return sorted(self.filled(pattern, fields, self.scope) for pattern in self.known.resources(resource.type))

    @property
    def boundaries(self) -> set[str | None]:
        """The permissions boundaries of the declared roles; None among them when one has none."""
        found = {role.properties.get("permissions_boundary") for role in self.of("iam.role")}
        return {boundary if isinstance(boundary, str) else None for boundary in found}

    @property
    def buckets(self) -> list[str]:
        """The ARNs of the ledgers' buckets, one of each region."""
        return [self._bucket(name) for name in (self.ledger, *self.elsewhere.values())]

    def _bucket(self, name: str) -> str:
        return f"arn:{self.scope.partition}:s3:::{name}"

    @property
    def regions(self) -> list[str]:
        """The regions of the environment."""
        return [scope.region for scope in self.scopes]

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The environment's place in each of its regions."""
        return (self.scope, *(replace(self.scope, region=region) for region in self.elsewhere))

    def _principals(self) -> list[str]:
        """Whom functions are opened to; a function's own URL may be everybody's."""
        found = {str(permission.properties.get("principal")) for permission in self.of("lambda.permission")}
        return sorted(found | ({"*"} if self.of("lambda.function_url") else set()))

    def _types(self) -> list[str]:
        return sorted({resource.type for resource in self.resources})

    def _take_core(self, found: Collected, phase: str) -> None:
        scope = self.scope
        places = {
            "anywhere": ["*"],
            "ledger": [arn for bucket in self.buckets for arn in (bucket, f"{bucket}/*")],
            "promoted": [self._bucket(name) + end for name in self.sources for end in ("", "/*")],
            "reviews": [f"{bucket}/reviews/*" for bucket in self.buckets],
            "self": [scope.arn("iam", f"role/{scope.service}-{scope.environment}-*", regional=False)],
            "provider": [scope.arn("iam", "oidc-provider/*", regional=False)],
        }
        for where, actions in self.known.core(phase).items():
            found.add(where.capitalize(), set(actions), places[where])

    def secrets(self) -> Iterator[str]:
        """References to secrets that the specs hold."""
        for resource in self.resources:
            yield from (leaf.reference for leaf in leaves(resource.properties) if isinstance(leaf, Secret))

    def via(self, service: str) -> list[str]:
        """What KMS calls a service that calls it in one of the regions."""
        end = "amazonaws.com.cn" if self.scope.partition == "aws-cn" else "amazonaws.com"
        return [f"{service}.{region}.{end}" for region in self.regions]

    @property
    def _shifter(self) -> str | None:
        """The role that CodeDeploy shifts with: declared where it is the engine of rollouts, and only there."""
        role = role_name(self.scope)
        return role if any(resource.name == role for resource in self.of("iam.role")) else None

    def _take_codedeploy(self, found: Collected) -> None:
        if self._shifter is None:
            return
        fields = {"service": self.scope.service, "environment": self.scope.environment}
        for pattern, actions in self.known.rules["codedeploy"].items():
            title = f"Codedeploy{pattern.partition(':')[0].capitalize()}"
            found.add(title, set(actions), [one.arn("codedeploy", pattern.format_map(fields)) for one in self.scopes])

    def _arns(self, pattern: str, resource: Resource) -> Iterator[str]:
        """The resource's ARN in each region."""
        fields = {name: self.prefixed(text_of(value)) for name, value in resource.properties.items()}
        for scope in self.scopes:
            yield self.filled(pattern, fields | {"name": self.prefixed(resource.name)}, scope)

    def filled(self, pattern: str, fields: dict[str, str], scope: Scope) -> str:
        """A pattern of ARNs as an ARN; a field that is not known stands for all."""
        known = _Lenient(fields | {"region": scope.region, "account": scope.account})
        return f"arn:{scope.partition}:{pattern.format_map(known)}"

    def prefixed(self, name: str) -> str:
        """The name up to where the service's prefix ends, and `*`.

        The longer prefix is taken when names tell environments apart, which keeps those in one account apart, too.
        """
        for prefix in (f"{self.scope.service}-{self.scope.environment}-", f"{self.scope.service}-"):
            start = name.find(prefix)
            if start >= 0:
                return f"{name[: start + len(prefix)]}*"
        return name

    def _pass_codedeploy(self) -> list[Statement]:
        if self._shifter is None:
            return []
        role = self.scope.arn("iam", f"role/{self._shifter}", regional=False)
        condition = {"StringEquals": {"iam:PassedToService": "codedeploy.amazonaws.com"}}
        return [statement("PassCodedeploy", {"iam:PassRole"}, [role], condition)]

    def _bounded(self) -> list[Statement]:
        """Roles are made with their boundary only, where the specs give all of them one."""
        boundaries = self.boundaries
        if not boundaries or None in boundaries:
            return []
        denied = {"iam:CreateRole", "iam:PutRolePermissionsBoundary"}
        condition = {"StringNotEquals": {"iam:PermissionsBoundary": sorted(str(b) for b in boundaries)}}
        return [statement("OnlyBoundedRoles", denied, ["*"], condition, effect="Deny")]


class _Lenient(dict[str, str]):
    """Fields of a pattern; one that a resource lacks stands for all."""

    def __missing__(self, key: str) -> str:
        return "*"
