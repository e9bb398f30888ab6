"""One environment of a service, as its file declares it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from pipeline.model.scope import Scope, partition_of

# Stands in ARNs until the credentials tell the account, when the environment's file does not name one.
UNKNOWN_ACCOUNT = "0" * 12


@dataclass(frozen=True)
class Environment:
    """What `environments/<name>.env` says, checked.

    `values` are the texts (a secret is only its reference, such as `ssm:/orders/key`), `typed` the same as the schema
    types them, with the schema's defaults. `region` is the one at hand, one of `regions`. `account` is None when the
    file has no AWS_ACCOUNT_ID. `secrets` names the keys whose value is a reference. `file` is relative to the root;
    `lines` maps each key to its line in it.
    """

    name: str
    service: str
    region: str
    account: str | None
    values: Mapping[str, str] = field(repr=False)
    typed: Mapping[str, Any] = field(repr=False)
    file: str
    secrets: frozenset[str] = frozenset()
    regions: tuple[str, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)

    @property
    def home(self) -> str:
        """The first of the regions: what AWS has once for all regions belongs to it."""
        return self.regions[0] if self.regions else self.region

    @property
    def elsewhere(self) -> tuple[str, ...]:
        """The regions besides the one at hand."""
        return tuple(region for region in self.regions if region != self.region)

    @property
    def scope(self) -> Scope:
        """Where a run in this environment acts; the account is UNKNOWN_ACCOUNT when the file names none."""
        return Scope(self.service, self.name, self.account or UNKNOWN_ACCOUNT, self.region, partition_of(self.region))

    def with_account(self, account: str) -> Self:
        """The same environment in `account`, which the credentials told; what the file says comes first."""
        return self if self.account else replace(self, account=account)
