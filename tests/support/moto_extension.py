"""What moto leaves out of Lambda and API Gateway, as far as our resource types meet it.

moto takes more requests than AWS does and forgets parts of some. `register` puts subclasses of its responses under its
own addresses, before the first request, and is harmless to call twice. Each method says what AWS does and moto does
not. State is moto's own, so that moto's reset clears it.
"""

import json
from typing import Any
from urllib.parse import unquote

from moto.apigateway import urls as apigateway_urls
from moto.apigateway.exceptions import DeploymentNotFoundException, RestAPINotFound, StageStillActive
from moto.apigateway.models import Method, RestAPI
from moto.apigateway.responses import APIGatewayResponse
from moto.awslambda import urls as lambda_urls
from moto.awslambda.models import LambdaFunction
from moto.awslambda.responses import LambdaResponse
from moto.core.exceptions import JsonRESTError

from tests.support import (
    moto_authorizers,
    moto_bedrock,
    moto_canary,
    moto_cloudwatch,
    moto_cognito,
    moto_iam,
    moto_lambda,
    moto_websocket,
)
from tests.support.moto_lambda import LambdaAttachments

Answer = tuple[int, dict[str, Any], str]


def register() -> None:
    """Makes moto answer with the responses below."""
    for paths, theirs, ours in (
        (apigateway_urls.url_paths, APIGatewayResponse, ApiGateway),
        (lambda_urls.url_paths, LambdaResponse, Lambda),
    ):
        for path, handler in list(paths.items()):
            if handler == theirs.dispatch:
                paths[path] = ours.dispatch
    # As a server, moto gets addresses without %2F, and knows those of the tags of stages alone.
    arn = r"arn:(?P<partition>[^/]+):apigateway:(?P<region_name>[^/]+)::/restapis/(?P<function_id>[^/]+)"
    apigateway_urls.url_paths[f"{{0}}/tags/{arn}$"] = ApiGateway.dispatch
    moto_lambda.register(Lambda.dispatch)
    moto_iam.register()
    moto_websocket.register()
    moto_cognito.register()
    moto_canary.register()
    moto_bedrock.register()
    moto_cloudwatch.register()


class _Conflict(JsonRESTError):
    code = 409

    def __init__(self, message: str) -> None:
        super().__init__("ResourceConflictException", message)


class _NoDeployment(DeploymentNotFoundException):
    code = 404


class _Absent(JsonRESTError):
    code = 404

    def __init__(self, message: str) -> None:
        super().__init__("ResourceNotFoundException", message)


class Lambda(LambdaAttachments):
    """Lambda's control plane."""

    def update_function_configuration(self) -> Any:
        """AWS takes every member; moto knows eight of them."""
        function = self._named_function()
        body = self.json_body
        if "TracingConfig" in body:
            function.tracing_config = body["TracingConfig"]
        if "EphemeralStorage" in body:
            function.ephemeral_storage = body["EphemeralStorage"]["Size"]
        if "KMSKeyArn" in body:
            function.kms_key_arn = body["KMSKeyArn"] or None
        if "DeadLetterConfig" in body:
            function.__dict__["dead_letter"] = body["DeadLetterConfig"]
        return super().update_function_configuration()

    def update_function_code(self) -> Any:
        """AWS takes the architecture with the code, and publishes only what differs from the last version."""
        function, body = self._named_function(), self.json_body
        if "Architectures" in body:
            function.architectures = body["Architectures"]
        answer = function.update_function_code(body)
        if body.get("Publish"):
            answer = self._publish(function).get_configuration()
        return 200, {}, json.dumps(answer)

    def publish_version(self) -> Any:
        """AWS gives the last version again when nothing differs from it; moto, when no update was asked for since.

        https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
        """
        function = self._named_function()
        expected = self._get_param("CodeSha256")
        if expected and expected != function.code_sha_256:
            message = f"CodeSHA256 ({expected}) is different from current CodeSHA256 in $LATEST"
            raise JsonRESTError("InvalidParameterValueException", message)
        published = self._publish(function, self.json_body.get("Description") or "")
        return 201, {"status": 201}, json.dumps(published.get_configuration())

    def create_alias(self) -> Any:
        """AWS refuses a second alias of a name with ResourceConflictException."""
        name = self.json_body["Name"]
        if any(alias.name == name for alias in self.backend.list_aliases(self._name())):
            raise _Conflict(f"Alias already exists: {name}")
        return super().create_alias()

    def delete_function(self) -> Any:
        """AWS refuses to delete a version that an alias is on. moto leaves such an alias on nothing."""
        qualifier = self.querystring.get("Qualifier", [None])[0]
        users = [
            alias.name
            for alias in self.backend.list_aliases(self._name())
            if qualifier in (alias.function_version, *_shared(alias))
        ]
        if qualifier and users:
            aliases = ", ".join(users)
            raise _Conflict(f"Unable to delete version because the following aliases reference it: [{aliases}]")
        return super().delete_function()

    def create_event_source_mapping(self) -> Any:
        """AWS keeps the alias that is named; moto the function behind it."""
        made = json.loads(super().create_event_source_mapping()[2])
        return 201, {}, self._targeted(made["UUID"])

    def update_event_source_mapping(self) -> Any:
        """AWS takes another alias, too."""
        answer = super().update_event_source_mapping()
        changed = answer[0] == 202 and "FunctionName" in self.json_body
        return (202, {}, self._targeted(json.loads(answer[2])["UUID"])) if changed else answer

    def list_event_source_mappings(self) -> Any:
        """AWS finds the mappings of an alias by its ARN and by function:alias; moto by what the creation called it."""
        name = self.querystring.pop("FunctionName", [""])[0]
        found = json.loads(super().list_event_source_mappings())["EventSourceMappings"]
        return json.dumps({"EventSourceMappings": [one for one in found if one["FunctionArn"].endswith(name)]})

    def _targeted(self, uuid: str) -> str:
        mapping = self.backend.get_event_source_mapping(uuid)
        assert mapping is not None
        mapping.function_arn = self.json_body["FunctionName"]
        return json.dumps(mapping.get_configuration())

    def _named_function(self) -> LambdaFunction:
        return self.backend.get_function(self._name())

    def _publish(self, function: LambdaFunction, description: str = "") -> LambdaFunction:
        """The description of a version may be its own, and a number never comes again after its version was deleted."""
        versions = list(self.backend.list_versions_by_function(function.function_name))[1:]
        content = _content(function)
        changed = not versions or versions[-1].__dict__.get("made_of", _content(versions[-1])) != content
        function.code_or_config_updated = changed
        published = self.backend.publish_version(function.function_name, description)
        assert published is not None
        if changed:
            published.__dict__["made_of"] = content
            function.__dict__["last_number"] = number = function.__dict__.get("last_number", 0) + 1
            if number != published.version:
                self.backend._lambdas._arns.pop(published.function_arn, None)
                published.set_version(number)
                self.backend._lambdas._arns[published.function_arn] = published
        return published


def _shared(alias: Any) -> list[str]:
    """The versions that get a part of an alias's traffic."""
    return list((alias.routing_config or {}).get("AdditionalVersionWeights") or {})


def _content(function: LambdaFunction) -> dict[str, Any]:
    own = ("FunctionArn", "Version", "LastModified")
    told = {name: value for name, value in function.get_configuration().items() if name not in own}
    return {**told, "DeadLetterConfig": function.__dict__.get("dead_letter")}


class ApiGateway(APIGatewayResponse):
    """API Gateway's control plane of REST APIs."""

    def create_rest_api(self) -> Any:
        """AWS takes the binary media types with the new API."""
        answer = super().create_rest_api()
        made = json.loads(answer[2])
        if types := self._get_param("binaryMediaTypes"):
            api = self.backend.get_rest_api(made["id"])
            api.binaryMediaTypes = list(types)
            return answer[0], answer[1], json.dumps(api.to_dict())
        return answer

    def put_rest_api(self) -> Answer:
        """AWS reads who may call a method from the document, ANY from its own word for it, and the API's settings."""
        document = json.loads(self.body)
        super().put_rest_api()
        api = self.backend.get_rest_api(self._api_id())
        ids = moto_authorizers.bring(api, document)
        for resource in api.resources.values():
            _complete(api, resource.resource_methods, document["paths"].get(resource.get_path(), {}), ids)
        info = document["info"]
        api.name, api.description = info["title"], info.get("description", "")
        api.binaryMediaTypes = list(document.get("x-amazon-apigateway-binary-media-types", []))
        api.minimum_compression_size = document.get("x-amazon-apigateway-minimum-compression-size")
        api.disableExecuteApiEndpoint = any(
            server.get("x-amazon-apigateway-endpoint-configuration", {}).get("disableExecuteApiEndpoint")
            for server in document.get("servers", [])
        )
        api.policy = document.get("x-amazon-apigateway-policy")
        api.gateway_responses.clear()
        for kind, given in document.get("x-amazon-apigateway-gateway-responses", {}).items():
            api.put_gateway_response(kind, None, given["responseParameters"], None)  # type: ignore[arg-type]  # moto's own type leaves out what it takes
        return 200, {}, json.dumps(api.to_dict())

    def update_rest_api(self) -> Any:
        """AWS reads `false` as false, names of media types from the path, and the compression size."""
        api: RestAPI = self.backend.get_rest_api(self._api_id())
        left = []
        for operation in self._get_param("patchOperations"):
            head, _, name = operation["path"].removeprefix("/").partition("/")
            if head == "disableExecuteApiEndpoint":
                api.disableExecuteApiEndpoint = operation["value"] == "true"
            elif head == "minimumCompressionSize":
                api.minimum_compression_size = int(operation["value"]) if operation.get("value") else None
            elif head == "binaryMediaTypes":
                kept = [kind for kind in api.binaryMediaTypes if kind != name.replace("~1", "/")]
                api.binaryMediaTypes = kept + [name.replace("~1", "/")] * (operation["op"] == "add")
            else:
                left.append(operation)
        return 200, {}, json.dumps(self.backend.update_rest_api(self._api_id(), left).to_dict())

    def get_deployment(self) -> Any:
        """AWS says that there is no such deployment. moto breaks down."""
        self._deployment()
        return super().get_deployment()

    def delete_deployment(self) -> Any:
        """AWS refuses what a stage serves. moto looks only for the stage that a deployment was made with."""
        deployment = self._deployment()
        if any(
            stage.deployment_id == deployment for stage in self.backend.get_rest_api(self._api_id()).stages.values()
        ):
            raise StageStillActive
        return super().delete_deployment()

    def get_stage(self) -> str:
        """AWS shows the canary of a stage."""
        return self._stage_shown()

    def get_stages(self) -> str:
        """AWS shows the canaries of stages."""
        stages = self.backend.get_stages(self._api_id())
        return json.dumps({"item": [{**s.to_json(), **moto_canary.settings_of(s)} for s in stages]})

    def update_stage(self) -> str:
        """AWS has canaries."""
        stage = self.backend.get_stage(self._api_id(), self._stage_name())
        deployments = list(self.backend.get_rest_api(self._api_id()).deployments)
        stage.apply_operations(moto_canary.patch(stage, self._get_param("patchOperations"), deployments))
        return self._stage_shown()

    def _stage_name(self) -> str:
        return unquote(self.path).split("/stages/")[1].split("/")[0]

    def _stage_shown(self) -> str:
        stage = self.backend.get_stage(self._api_id(), self._stage_name())
        return json.dumps({**stage.to_json(), **moto_canary.settings_of(stage)})

    def delete_rest_api(self) -> Any:
        """AWS says that there is no such API."""
        if self._api_id() not in self.backend.apis:
            raise RestAPINotFound
        return super().delete_rest_api()

    def tag_resource(self) -> str:
        """AWS tags APIs too, not their stages alone."""
        owner = self._tagged()
        owner.tags = {**(owner.tags or {}), **self._get_param("tags")}
        return "{}"

    def untag_resource(self) -> str:
        """AWS tags APIs too, not their stages alone."""
        owner = self._tagged()
        gone = self.querystring.get("tagKeys", [])
        owner.tags = {key: value for key, value in (owner.tags or {}).items() if key not in gone}
        return "{}"

    def _api_id(self) -> str:
        return str(self.path.replace("/restapis/", "", 1).split("/")[0])

    def _deployment(self) -> str:
        deployment = str(self.path.rstrip("/").split("/")[-1])
        if deployment not in self.backend.get_rest_api(self._api_id()).deployments:
            raise _NoDeployment
        return deployment

    def _tagged(self) -> Any:
        parts = unquote(unquote(self.path)).partition("::/restapis/")[2].split("/")
        api = self.backend.get_rest_api(parts[0])
        return self.backend.get_stage(parts[0], parts[2]) if len(parts) == 3 else api


def _complete(api: RestAPI, methods: dict[str, Method], document: dict[str, Any], ids: dict[str, str]) -> None:
    """Brings the methods of a resource to what their operations in the document say."""
    for verb, operation in document.items():
        method = methods[verb.upper()]
        moto_authorizers.demand(api, method, operation, ids)
        if verb == "x-amazon-apigateway-any-method":
            method.http_method = "ANY"
            methods["ANY"] = methods.pop(verb.upper())
