"""A service with all that there is, and what its two roles may do."""

from pipeline.granting.collecting import Statement
from pipeline.granting.knowledge import knowledge
from pipeline.granting.needs import Needs
from pipeline.model.resource import Resource
from pipeline.model.values import Secret
from pipeline.resources.registry import registry
from pipeline.rollout.codedeploy import role_name
from tests.contract.engine import declared, name_of
from tests.support.aws import SCOPE
from tests.support.recorded_actions import PLAN


def everything(*, deletes_data: bool = True) -> Needs:
    """A service with all that there is: every example of every type, secrets, and CodeDeploy."""
    resources = [Resource("iam.role", role_name(SCOPE), {"name": role_name(SCOPE)})]
    for kind in registry().values():
        for example in kind.spec.examples:
            properties = declared(kind, example, SCOPE)
            resources.append(Resource(kind.name, name_of(kind, properties), properties))
    secrets = {"A": Secret("ssm:/orders/key"), "B": Secret("secretsmanager:orders/db")}
    resources.append(Resource("lambda.function", "orders-secret", {"role": "orders", "environment": secrets}))
    return Needs(SCOPE, tuple(resources), "ledger", deletes_data=deletes_data)


def allowed(statements: list[Statement]) -> set[str]:
    """What these statements allow, if only somewhere."""
    return {action for one in statements if one["Effect"] == "Allow" for action in one["Action"]}


def allowed_to(role: str) -> set[str]:
    """What a role may do, data included, and what only an administrator may: providers, and taking boundaries away."""
    needs, known = everything(), knowledge()
    found = allowed(needs.reading) if role == PLAN else allowed(needs.reading) | allowed(needs.changing)
    return found | {
        action for types in known.recorded.values() for one in types.values() for action in one if known.denied(action)
    }
