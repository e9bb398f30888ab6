"""The types of API that a release serves: what points at their api deployments, and how those are made.

An api deployment carries the digest of the definition that it froze. May not move anything.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pipeline.model.resource import Resource
from pipeline.model.values import Properties
from pipeline.releasing.traffic import Kind
from pipeline.resources import _rest_definition, _rest_stage, _websocket_declaration, _websocket_stage
from pipeline.resources.base import Aws

REST_API, WEBSOCKET_API = "apigateway.rest_api", "apigatewayv2.api"


@dataclass(frozen=True)
class Deploys:
    """A type of API: its kind of stage, `digest` (properties) of a definition, `deployment_of` (aws, id, digest)."""

    kind: Kind
    digest: Callable[[Properties], str]
    deployment_of: Callable[[Aws, str, str], str]


APIS: Mapping[str, Deploys] = {
    REST_API: Deploys(Kind.STAGE, _rest_definition.definition_digest, _rest_stage.deployment_of),
    WEBSOCKET_API: Deploys(
        Kind.WEBSOCKET_STAGE, _websocket_declaration.definition_digest, _websocket_stage.deployment_of
    ),
}


def entry_names(resources: Iterable[Resource]) -> dict[str, str]:
    """Under which name a release records each API, by address: its own, unless a REST API has the same."""
    found = [resource for resource in resources if resource.type in APIS]
    taken = {resource.name for resource in found if resource.type == REST_API}
    return {r.address: r.address if r.type != REST_API and r.name in taken else r.name for r in found}
