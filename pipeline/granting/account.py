"""The resources that make an AWS account ready for a service's CI: provider, policies, boundaries, roles. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.granting.documents import boundary, functions_boundary, packed
from pipeline.granting.needs import Needs
from pipeline.granting.trust import AUDIENCE, ISSUER, Repository, trust
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Properties, digest

PLAN, DEPLOY = "plan", "deploy"
PROVIDER = f"iam.oidc_provider/{ISSUER}"
_LONGEST = 64


@dataclass(frozen=True)
class Account:
    """What one environment of a service needs in its account. `github` is the environment's name on GitHub."""

    needs: Needs
    repository: Repository
    github: str

    @property
    def scope(self) -> Scope:
        """Where all this is."""
        return self.needs.scope

    def documents(self) -> dict[str, dict[str, Any]]:
        """name -> document of every managed policy."""
        own = [self.scope.arn("iam", f"role/{self._name(role)}", regional=False) for role in (PLAN, DEPLOY)]
        own += [self._policy_arn(self._name(f"{what}*")) for what in ("boundary", f"{PLAN}-", f"{DEPLOY}-")]
        own += [self._policy_arn(name) for name in self.boundaries_of_functions()]
        found = {self._name("boundary"): boundary(self.needs, own)}
        for role, statements in ((PLAN, self.needs.reading), (DEPLOY, self.needs.changing)):
            for number, document in enumerate(packed(statements), start=1):
                found[self._name(f"{role}-{number}")] = document
        return found | dict.fromkeys(self.boundaries_of_functions(), functions_boundary())

    def boundaries_of_functions(self) -> list[str]:
        """Names of this account's policies that the specs give their roles as a boundary."""
        start = self.scope.arn("iam", "policy/", regional=False)
        found = [arn for arn in self.needs.boundaries if arn and arn.startswith(start)]
        return sorted(arn.removeprefix(start) for arn in found if "/" not in arn.removeprefix(start))

    def trusts(self) -> dict[str, dict[str, Any]]:
        """name of a role -> its trust policy. Plans run in a GitHub environment of their own."""
        provider = self.scope.arn("iam", f"oidc-provider/{ISSUER}", regional=False)
        places = {PLAN: f"{self.github}-plan", DEPLOY: self.github}
        return {self._name(role): trust(self.repository, provider, place) for role, place in places.items()}

    def policies_of(self, role: str) -> list[str]:
        """Names of the policies that a role has; who deploys plans, too."""
        wanted = (PLAN,) if role == self._name(PLAN) else (PLAN, DEPLOY)
        starts = tuple(f"{self._name(one)}-" for one in wanted)
        return [name for name in self.documents() if name.startswith(starts) and name.rpartition("-")[2].isdigit()]

    def resources(self) -> Iterator[tuple[str, Properties, tuple[str, ...]]]:
        """(type, properties, addresses of what must be there first) of everything, as an author would declare it."""
        yield "iam.oidc_provider", {"name": ISSUER, "audiences": [AUDIENCE]}, ()
        for name, document in self.documents().items():
            what = f"Of the pipeline of {self.scope.service} in {self.scope.environment}"
            yield "iam.policy", {"name": name, "description": what, "document": document}, ()
        for name, document in self.trusts().items():
            yield "iam.role", *self._role(name, document)

    def _role(self, name: str, document: Mapping[str, Any]) -> tuple[Properties, tuple[str, ...]]:
        policies, bound = self.policies_of(name), self._name("boundary")
        properties = {
            "name": name,
            "description": f"GitHub Actions of {self.repository.owner}/{self.repository.name}",
            "trust": document,
            "managed_policies": [self._policy_arn(policy) for policy in policies],
            "permissions_boundary": self._policy_arn(bound),
            "max_session_duration": 3600,
        }
        return properties, (PROVIDER, *(f"iam.policy/{policy}" for policy in (*policies, bound)))

    def _policy_arn(self, name: str) -> str:
        return self.scope.arn("iam", f"policy/{name}", regional=False)

    def role_arns(self) -> dict[str, str]:
        """GitHub environment -> ARN of the role that its jobs assume."""
        plan, deploy = (self.scope.arn("iam", f"role/{self._name(role)}", regional=False) for role in (PLAN, DEPLOY))
        return {f"{self.github}-plan": plan, self.github: deploy}

    def _name(self, what: str) -> str:
        return own_name(self.scope, what)


def own_name(scope: Scope, what: str) -> str:
    """`<service>-<environment>-<what>`, shortened with a hash where the 64 characters of a role end."""
    name = f"{scope.service}-{scope.environment}-{what}"
    if len(name) <= _LONGEST - 3:  # policies are numbered
        return name
    short = digest(f"{scope.service}-{scope.environment}").removeprefix("sha256:")[:8]
    return f"{name[: _LONGEST - 4 - len(short) - len(what) - 1].rstrip('-')}-{short}-{what}"


def is_of_bootstrap(resource: Resource, scope: Scope) -> bool:
    """True for what `bootstrap` makes, whatever release serves."""
    return resource.name == ISSUER or resource.name.startswith(f"{scope.service}-{scope.environment}-")
