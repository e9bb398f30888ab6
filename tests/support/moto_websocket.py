"""What moto leaves out of API Gateway's second version, as far as WebSocket and HTTP APIs meet it.

Registered by `tests.support.moto_extension`. Each method says what AWS does and moto does not. State is moto's own
(a deployment is kept on the API that moto made), so that moto's reset clears it.
"""

import json
from typing import Any

from moto.apigateway import urls as apigateway_urls
from moto.apigatewayv2 import urls
from moto.apigatewayv2.exceptions import ApiNotFound
from moto.apigatewayv2.models import Api, Stage
from moto.apigatewayv2.responses import ApiGatewayV2Response
from moto.core.exceptions import JsonRESTError

_DEPLOYMENTS = "{0}/v2/apis/(?P<api_id>[^/]+)/deployments"
_STAGES = "{0}/v2/apis/(?P<api_id>[^/]+)/stages/(?P<stage_name>[^/]+)"
ADDED = (
    f"{_DEPLOYMENTS}$",
    f"{_DEPLOYMENTS}/(?P<deployment_id>[^/]+)$",
    f"{_STAGES}/accesslogsettings$",
    # Colons of the ARN may come unescaped, and stages have tags of their own.
    "{0}/v2/tags/(?P<pt1>[^/]+)/apis/(?P<pt2>[^/]+)/stages/(?P<pt3>[^/]+)$",
)
Answer = tuple[int, dict[str, Any], str]


def register() -> None:
    """Puts the responses below under moto's addresses, and adds the ones that it has not.

    moto's first version has the addresses of the second in its own list, which is the one that it looks at.
    """
    for paths in (apigateway_urls.url_paths, urls.url_paths):
        for path, handler in list(paths.items()):
            if handler == ApiGatewayV2Response.dispatch:
                paths[path] = ApiGatewayV2.dispatch
        for path in ADDED:
            paths[path] = ApiGatewayV2.dispatch


class _Refused(JsonRESTError):
    def __init__(self, kind: str, message: str, code: int) -> None:
        super().__init__(kind, message)
        self.code = code


class ApiGatewayV2(ApiGatewayV2Response):
    """The control plane of WebSocket APIs."""

    def delete_api(self) -> Any:
        """AWS says that there is no such API."""
        if self._segments()[1] not in self.apigatewayv2_backend.apis:
            raise ApiNotFound(self._segments()[1])
        return super().delete_api()

    def create_route(self) -> Any:
        """AWS refuses a second route of a key."""
        key = json.loads(self.body)["routeKey"]
        if any(route.route_key == key for route in self._api().routes.values()):
            raise _Refused("ConflictException", f"Route with key {key} already exists for this API", 409)
        return super().create_route()

    def delete_integration(self) -> Any:
        """AWS keeps what a route leads to."""
        target = f"integrations/{self._segments()[3]}"
        if any(route.target == target for route in self._api().routes.values()):
            raise _Refused("ConflictException", f"Cannot delete Integration '{target}'", 409)
        return super().delete_integration()

    def get_authorizers(self) -> Answer:
        """AWS lists them; moto has no such list."""
        listed = [authorizer.to_json() for authorizer in self._api().authorizers.values()]
        return 200, {}, json.dumps({"items": listed})

    def delete_authorizer(self) -> Any:
        """AWS keeps what a route asks."""
        authorizer = self._segments()[3]
        if any(route.authorizer_id == authorizer for route in self._api().routes.values()):
            raise _Refused("ConflictException", f"Cannot delete authorizer '{authorizer}': a route refers to it", 409)
        return super().delete_authorizer()

    def create_deployment(self) -> Answer:
        """AWS freezes the routes under an id; without a route there is nothing to deploy."""
        if not self._api().routes:
            raise _Refused("BadRequestException", "At least one route is required before deploying the Api.", 400)
        made = {
            "deploymentId": f"d{1 + max((int(made['deploymentId'][1:]) for made in self._deployments()), default=0)}",
            "deploymentStatus": "DEPLOYED",
            "description": json.loads(self.body).get("description"),
        }
        self._deployments().append(made)
        return 201, {}, json.dumps(made)

    def get_deployments(self) -> Answer:
        """All of them."""
        return 200, {}, json.dumps({"items": self._deployments()})

    def get_deployment(self) -> Answer:
        """One of them."""
        return 200, {}, json.dumps(self._deployment(self._segments()[3]))

    def delete_deployment(self) -> Answer:
        """AWS refuses what a stage serves."""
        made = self._deployment(self._segments()[3])
        if any(stage.config.get("deploymentId") == made["deploymentId"] for stage in self._api().stages.values()):
            message = "Active stages pointing to this deployment must be moved or deleted"
            raise _Refused("BadRequestException", message, 400)
        self._deployments().remove(made)
        return 204, {}, ""

    def create_stage(self) -> Any:
        """AWS keeps the api deployment that a stage serves, and refuses a second stage of a name."""
        wanted = json.loads(self.body)
        if wanted["stageName"] in self._api().stages:
            raise _Refused("ConflictException", "Stage already exists", 409)
        super().create_stage()
        return self._updated(self._api().stages[wanted["stageName"]], wanted, 201)

    def get_stages(self) -> Answer:
        """With the api deployments."""
        return 200, {}, json.dumps({"items": [_shown(stage) for stage in self._api().stages.values()]})

    def get_stage(self) -> Answer:
        """With the api deployment."""
        return 200, {}, json.dumps(_shown(self._stage()))

    def update_stage(self) -> Answer:
        """AWS merges what is said into what is there."""
        return self._updated(self._stage(), json.loads(self.body), 200)

    def delete_access_log_settings(self) -> Answer:
        """AWS switches the logs off."""
        self._stage().access_log_settings = None
        return 204, {}, ""

    def _updated(self, stage: Stage, wanted: dict[str, Any], status: int) -> Answer:
        if deployment := wanted.get("deploymentId"):
            stage.config["deploymentId"] = self._deployment(deployment)["deploymentId"]
        if limits := wanted.get("defaultRouteSettings"):
            stage.default_route_settings = {**stage.default_route_settings, **limits}
        if logs := wanted.get("accessLogSettings"):
            stage.access_log_settings = {**(stage.access_log_settings or {}), **logs}
        if "autoDeploy" in wanted:
            stage.auto_deploy = wanted["autoDeploy"]
        return status, {}, json.dumps(_shown(stage))

    def _segments(self) -> list[str]:
        """`apis`, the API's id, `stages`, the stage's name."""
        return str(self.path).partition("/v2/")[2].split("/")

    def _api(self) -> Api:
        return self.apigatewayv2_backend.get_api(self._segments()[1])

    def _stage(self) -> Stage:
        found = self._api().stages.get(self._segments()[3])
        if found is None:
            raise _Refused("NotFoundException", "Invalid Stage identifier specified", 404)
        return found

    def _deployments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._api().__dict__.setdefault("deployments", [])
        return found

    def _deployment(self, made: str) -> dict[str, Any]:
        for found in self._deployments():
            if found["deploymentId"] == made:
                return found
        raise _Refused("NotFoundException", f"Invalid deployment identifier specified {made}", 404)


def _shown(stage: Stage) -> dict[str, Any]:
    return {**stage.to_json(), "deploymentId": stage.config.get("deploymentId")}
