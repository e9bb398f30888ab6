"""The permissions boundary that pipeline.yaml sets for every role, whoever declared it. Pure."""

from dataclasses import replace

from pipeline.model.environment import Environment
from pipeline.model.resource import DesiredState

_ROLE, _BOUNDARY = "iam.role", "permissions_boundary"


def bounded(state: DesiredState, policy: str | None, environment: Environment | None) -> DesiredState:
    """`state` with the boundary on all roles that name none; those that follow from other resources included."""
    if policy is None or environment is None:
        return state
    arn = environment.scope.policy_arn(policy)
    return DesiredState(
        tuple(
            replace(one, properties={**one.properties, _BOUNDARY: arn})
            if one.type == _ROLE and not one.properties.get(_BOUNDARY)
            else one
            for one in state
        )
    )
