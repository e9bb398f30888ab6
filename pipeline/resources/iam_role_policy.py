"""Inline policies of roles that stand apart from the role, because what they name is made after it.

A function needs its role, an API the function, and leave to write to the API's connections its id: so that part of the
role comes last. It carries no tags; that the role is ours says whose it is.
"""

from collections.abc import Iterator, Sequence

from pipeline.model.access import Grant
from pipeline.model.resource import Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources import policies
from pipeline.resources.base import Aws, Problem, Target, read_each
from pipeline.resources.grants import of_document


def canonical(properties: Properties, scope: Scope) -> Properties:
    """The document in its canonical form."""
    return {**properties, "document": policies.canonical(properties["document"], partition=scope.partition)}


def warn(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """Grants that are wider than they look necessary."""
    yield from policies.warnings(resource.properties["document"], ("document",))


def grants(properties: Properties, scope: Scope) -> Iterator[Grant]:
    """What the role may do because of this policy."""
    role = scope.arn("iam", f"role/{properties['role']}", regional=False)
    yield from of_document(properties["document"], principal=role)


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each policy by itself; there is no list with documents."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    declared = target.resource.properties
    found = aws.found("iam", "GetRolePolicy", RoleName=declared["role"], PolicyName=declared["policy"])
    if found is None:
        return None
    form = policies.canonical(found["PolicyDocument"], partition=aws.scope.partition, version=policies.UNSTATED_VERSION)
    return Observed(target.address, {**declared, "document": form}, {}, aws.scope.mark(target.address), markable=False)


def create(aws: Aws, resource: Resource) -> Outputs:
    """Writes the policy; writing it again replaces it."""
    wanted = resource.properties
    text = policies.to_json(wanted["document"])
    aws.call("iam", "PutRolePolicy", RoleName=wanted["role"], PolicyName=wanted["policy"], PolicyDocument=text)
    return {}


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """Replaces the document."""
    return create(aws, resource)


def delete(aws: Aws, observed: Observed) -> None:
    """Removes the policy; the role may be gone before it."""
    own = observed.properties
    aws.found("iam", "DeleteRolePolicy", RoleName=own["role"], PolicyName=own["policy"])
