"""The types of API that a release serves: what points at their api deployments, and how those are made.

An api deployment carries the digest of the definition that it froze. May not move anything.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pipeline.model.resource import Resource
from pipeline.model.values import Properties
from pipeline.releasing.traffic import Kind
from pipeline.resources import _apis_v2, _rest_definition, _rest_stage, _websocket_declaration
from pipeline.resources.base import Aws

REST_API, WEBSOCKET_API, HTTP_API = "apigateway.rest_api", "apigatewayv2.api", "apigatewayv2.http_api"


@dataclass(frozen=True)
class Deploys:
    """A type of API: its kind of stage, `digest` (properties) of a definition, `deployment_of` (aws, id, digest)."""

    kind: Kind
    digest: Callable[[Properties], str]
    deployment_of: Callable[[Aws, str, str], str]


def _edition(properties: Properties) -> str:
    return str(properties["edition"])


APIS: Mapping[str, Deploys] = {
    REST_API: Deploys(Kind.STAGE, _rest_definition.definition_digest, _rest_stage.deployment_of),
    WEBSOCKET_API: Deploys(Kind.WEBSOCKET_STAGE, _websocket_declaration.definition_digest, _apis_v2.deployment_of),
    HTTP_API: Deploys(Kind.HTTP_STAGE, _edition, _apis_v2.deployment_of),
}


def entry_names(resources: Iterable[Resource]) -> dict[str, str]:
    """Under which name a release records each API, by address: its own, unless one of a kind before it has the same."""
    order = list(APIS)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for one in sorted((r for r in resources if r.type in APIS), key=lambda r: (order.index(r.type), r.name)):
        names[one.address] = one.address if one.name in taken else one.name
        taken.add(one.name)
    return names
