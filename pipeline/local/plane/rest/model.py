"""The state of REST APIs. What clients see whole is kept as it goes over the wire, as plain mappings (`Wire`)."""

import secrets
import string
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.refusal import bad_request, not_found

Wire = dict[str, Any]

_ALPHABET = string.ascii_lowercase + string.digits

_DRAFT = '"$schema" : "http://json-schema.org/draft-04/schema#"'
_EMPTY = f'{{\n  {_DRAFT},\n  "title" : "Empty Schema",\n  "type" : "object"\n}}'
_ERROR = (
    f'{{\n  {_DRAFT},\n  "title" : "Error Schema",\n  "type" : "object",\n'
    '  "properties" : {\n    "message" : { "type" : "string" }\n  }\n}'
)


def new_id(length: int = 6) -> str:
    """An identifier in API Gateway's style: lower-case letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


@dataclass
class Resource:
    """A path of an API and its methods: HTTP method (or ANY) to the method with its integration and responses."""

    id: str
    parent_id: str | None
    path_part: str
    path: str
    methods: dict[str, Wire] = field(default_factory=dict)

    def wire(self, *, embed: bool) -> Wire:
        """As GetResource shows it; methods are empty objects unless they are to be embedded."""
        shown: Wire = {"id": self.id, "path": self.path}
        if self.parent_id is not None:
            shown |= {"parentId": self.parent_id, "pathPart": self.path_part}
        if self.methods:
            shown["resourceMethods"] = {verb: method if embed else {} for verb, method in self.methods.items()}
        return shown


@dataclass
class Definition:
    """What a deployment freezes: resources by id, and the parts that methods refer to."""

    resources: dict[str, Resource] = field(default_factory=dict)
    authorizers: dict[str, Wire] = field(default_factory=dict)
    models: dict[str, Wire] = field(default_factory=dict)
    validators: dict[str, Wire] = field(default_factory=dict)
    gateway_responses: dict[str, Wire] = field(default_factory=dict)
    binary_media_types: list[str] = field(default_factory=list)

    @classmethod
    def empty(cls) -> "Definition":
        """A root without methods, and the two models that a new API has."""
        root = Resource(new_id(10), None, "", "/")
        models = (
            {"name": "Empty", "description": "This is a default empty schema model", "schema": _EMPTY},
            {"name": "Error", "description": "This is a default error schema model", "schema": _ERROR},
        )
        return cls(
            resources={root.id: root},
            models={m["name"]: {"id": new_id(), "contentType": "application/json", **m} for m in models},
        )

    @property
    def root(self) -> Resource:
        """The resource of the path `/`."""
        return next(resource for resource in self.resources.values() if resource.parent_id is None)

    def by_path(self) -> dict[str, Resource]:
        """The resources by their paths, in the order of the paths."""
        return {resource.path: resource for resource in sorted(self.resources.values(), key=lambda r: r.path)}

    def children(self, parent_id: str) -> Iterable[Resource]:
        """The resources directly below one."""
        return [resource for resource in self.resources.values() if resource.parent_id == parent_id]

    def resource(self, resource_id: str) -> Resource:
        """Raises NotFoundException."""
        if resource_id not in self.resources:
            raise not_found("Invalid Resource identifier specified")
        return self.resources[resource_id]

    def method(self, resource_id: str, verb: str) -> Wire:
        """Raises NotFoundException."""
        methods = self.resource(resource_id).methods
        if verb not in methods:
            raise not_found("Invalid Method identifier specified")
        return methods[verb]

    def snapshot(self) -> "Definition":
        """A copy that later changes do not reach."""
        return deepcopy(self)


@dataclass(frozen=True)
class Deployment:
    """A frozen definition."""

    id: str
    created: int
    description: str | None
    definition: Definition

    def wire(self, *, summary: bool = False) -> Wire:
        """As GetDeployment shows it."""
        shown: Wire = {"id": self.id, "createdDate": self.created}
        if self.description is not None:
            shown["description"] = self.description
        if summary:
            shown["apiSummary"] = {
                path: {
                    verb: {key: method[key] for key in ("authorizationType", "apiKeyRequired")}
                    for verb, method in resource.methods.items()
                }
                for path, resource in self.definition.by_path().items()
                if resource.methods
            }
        return shown


@dataclass
class RestApi:
    """One API: its attributes as they go over the wire, its definition, deployments and stages (as on the wire)."""

    id: str
    account: str
    region: str
    attributes: Wire
    definition: Definition
    tags: dict[str, str] | None = None
    deployments: dict[str, Deployment] = field(default_factory=dict)
    stages: dict[str, Wire] = field(default_factory=dict)

    def wire(self) -> Wire:
        """As GetRestApi shows it."""
        shown = {"id": self.id, **self.attributes, "rootResourceId": self.definition.root.id}
        if self.definition.binary_media_types:
            shown["binaryMediaTypes"] = list(self.definition.binary_media_types)
        if self.tags is not None:
            shown["tags"] = dict(self.tags)
        return shown

    def stage(self, name: str) -> Wire:
        """Raises NotFoundException."""
        if name not in self.stages:
            raise not_found("Invalid stage identifier specified")
        return self.stages[name]

    def deployment(self, deployment_id: str) -> Deployment:
        """Raises NotFoundException."""
        if deployment_id not in self.deployments:
            raise not_found("Invalid Deployment identifier specified")
        return self.deployments[deployment_id]


@dataclass
class Store:
    """All APIs of all accounts, by id (ids are unique), and the API Gateway settings by account and region."""

    apis: dict[str, RestApi] = field(default_factory=dict)
    accounts: dict[tuple[str, str], Wire] = field(default_factory=dict)

    def of(self, caller: Caller) -> list[RestApi]:
        """The APIs that a caller sees."""
        return [api for api in self.apis.values() if (api.account, api.region) == (caller.account, caller.region)]

    def settings(self, caller: Caller) -> Wire:
        """The account's settings in this region.

        A new one has the role that API Gateway writes logs with, as an account has that was made ready for deploys; a
        patch that takes it away shows what AWS refuses then.
        """
        fresh: Wire = {
            "cloudwatchRoleArn": f"arn:aws:iam::{caller.account}:role/apigateway-logs",
            "throttleSettings": {"burstLimit": 5000, "rateLimit": 10000.0},
            "features": ["UsagePlans"],
            "apiKeyVersion": "4",
        }
        return self.accounts.setdefault((caller.account, caller.region), fresh)


@dataclass(frozen=True)
class Op:
    """One control-plane request: who asks for what, on which state, at what time (seconds since the epoch)."""

    store: Store
    caller: Caller
    request: Request
    params: Mapping[str, str]
    body: Wire
    now: int

    def api(self) -> RestApi:
        """The API of the path. Raises NotFoundException."""
        wanted = self.params["api"]
        api = self.store.apis.get(wanted)
        if api is None or (api.account, api.region) != (self.caller.account, self.caller.region):
            raise not_found(f"Invalid API identifier specified {self.caller.account}:{wanted}")
        return api

    def option(self, name: str) -> str | None:
        """A query parameter."""
        values = self.request.query.get(name)
        return values[-1] if values else None

    def embeds(self, what: str) -> bool:
        """True when the query asks to embed this."""
        return what in self.request.query.get("embed", [])

    @property
    def patches(self) -> list[Wire]:
        """The patch operations of the body."""
        operations: list[Wire] = self.body.get("patchOperations") or []
        return operations


Handler = Callable[[Op], Answer]


def page(op: Op, items: Iterable[Wire]) -> Answer:
    """One page of a list: 25 unless `limit` says otherwise (at most 500), `position` for the next one."""
    everything = list(items)
    position, limit = op.option("position") or "0", op.option("limit") or "25"
    if not position.isdecimal():
        raise bad_request("Invalid position parameter specified")
    if not limit.lstrip("-").isdecimal():
        raise bad_request("Invalid limit parameter specified")
    start, size = int(position), min(max(int(limit), 1), 500)
    document: Wire = {"item": everything[start : start + size]}
    if start + size < len(everything):
        document["position"] = str(start + size)
    return Answer.of_json(document)
