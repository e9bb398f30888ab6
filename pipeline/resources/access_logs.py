"""What the access logs of APIs hold of each request, unless the specs have a format of their own. Pure."""

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
_OF_REST = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "length": "$context.responseLength",
    "latency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integrationStatus",
    "canary": "$context.isCanaryRequest",
}
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
_OF_HTTP = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "path": "$context.path",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latency": "$context.responseLatency",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integration.status",
    "authorizerError": "$context.authorizer.error",
}
# https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-logging.html
_OF_WEBSOCKET = {
    "requestId": "$context.requestId",
    "time": "$context.requestTime",
    "sourceIp": "$context.identity.sourceIp",
    "connectionId": "$context.connectionId",
    "event": "$context.eventType",
    "route": "$context.routeKey",
    "status": "$context.status",
    "integrationLatency": "$context.integrationLatency",
    "integrationStatus": "$context.integration.status",
}


def _json(logged: dict[str, str]) -> str:
    return "{" + ",".join(f'"{name}":"{variable}"' for name, variable in logged.items()) + "}"


# By the type of the API.
JSON_FORMATS = {
    "apigateway.rest_api": _json(_OF_REST),
    "apigatewayv2.http_api": _json(_OF_HTTP),
    "apigatewayv2.api": _json(_OF_WEBSOCKET),
}
