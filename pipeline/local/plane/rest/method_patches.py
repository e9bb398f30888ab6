"""Changes of methods, integrations and their responses by patch operations."""

from copy import deepcopy

from pipeline.local.plane.asgi import Answer
from pipeline.local.plane.rest import methods
from pipeline.local.plane.rest.model import Op, Wire
from pipeline.local.plane.rest.patching import apply, boolean, number, text

_METHOD = {
    "authorizationType": text, "authorizerId": text, "apiKeyRequired": boolean, "operationName": text,
    "requestValidatorId": text,
}  # fmt: skip
_METHOD_MAPS = {"requestParameters": boolean, "requestModels": text}
_INTEGRATION = {
    "type": text, "httpMethod": text, "uri": text, "credentials": text, "passthroughBehavior": text,
    "contentHandling": text, "timeoutInMillis": number, "connectionType": text, "connectionId": text,
    "cacheNamespace": text,
}  # fmt: skip
_INTEGRATION_MAPS = {"requestParameters": text, "requestTemplates": text}


def update_method(op: Op) -> Answer:
    """UpdateMethod."""
    definition = op.api().definition
    resource, verb = definition.resource(op.params["resource"]), op.params["verb"]
    method = deepcopy(definition.method(resource.id, verb))
    apply(method, op.patches, scalars=_METHOD, maps=_METHOD_MAPS)
    if method.get("authorizationType") not in {"CUSTOM", "COGNITO_USER_POOLS"}:
        method.pop("authorizerId", None)
    kept = {key: method[key] for key in ("methodIntegration", "methodResponses") if key in method}
    resource.methods[verb] = methods.build_method(definition, verb, method) | kept
    return Answer.of_json(resource.methods[verb])


def update_integration(op: Op) -> Answer:
    """UpdateIntegration."""
    method = op.api().definition.method(op.params["resource"], op.params["verb"])
    integration = deepcopy(methods.integration_of(method))
    apply(integration, op.patches, scalars=_INTEGRATION, maps=_INTEGRATION_MAPS)
    kept = {key: integration[key] for key in ("integrationResponses",) if key in integration}
    method["methodIntegration"] = methods.build_integration(op.params["resource"], integration) | kept
    return Answer.of_json(method["methodIntegration"])


def update_method_response(op: Op) -> Answer:
    """UpdateMethodResponse."""
    response = methods.method_response(op)
    changed = deepcopy(response)
    apply(changed, op.patches, scalars={}, maps={"responseParameters": boolean, "responseModels": text})
    return _keep(response, methods.build_method_response(op.api().definition, op.params["code"], changed), 201)


def update_integration_response(op: Op) -> Answer:
    """UpdateIntegrationResponse."""
    response = methods.integration_response(op)
    changed = deepcopy(response)
    apply(
        changed,
        op.patches,
        scalars={"selectionPattern": text, "contentHandling": text},
        maps={"responseParameters": text, "responseTemplates": text},
    )
    method = op.api().definition.method(op.params["resource"], op.params["verb"])
    return _keep(response, methods.build_integration_response(method, op.params["code"], changed), 200)


def _keep(response: Wire, changed: Wire, status: int) -> Answer:
    response.clear()
    response.update(changed)
    return Answer.of_json(response, status)
