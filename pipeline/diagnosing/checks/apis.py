"""Integrations: time that the API gives and time that the function takes.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
"""

from collections.abc import Iterator, Mapping

from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient, name_in
from pipeline.model.resource import Resource

# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
_MOST_MS = {"apigateway.rest_api": 29_000, "apigatewayv2.api": 29_000, "apigatewayv2.http_api": 30_000}


def integration_timeout(patient: Patient) -> Iterator[Finding]:
    """A function that may run longer than its API waits: the caller gets an error 504, and the function goes on."""
    functions = {function.name: function for function in patient.of("lambda.function")}
    for api in (api for kind in _MOST_MS for api in patient.of(kind)):
        most = _MOST_MS[api.type]
        impatient: dict[tuple[str, int], list[str]] = {}
        for route, name, own in _routes(api):
            impatient.setdefault((name, own or most), []).append(route)
        for (name, waits), routes in impatient.items():
            function = functions.get(name)
            runs = float(function.properties.get("timeout", 3)) * 1000 if function else 0
            if runs > waits:
                evidence = (
                    f"{name} may run {runs / 1000:g} s",
                    f"{waits / 1000:g} s are waited by {', '.join(routes)}",
                )
                more = f"timeout: {waits // 1000} for {name}"
                fix = more if waits == most else f"{more}, or timeout_ms: {most} for these"
                yield Finding(f"{api.name} gives up before {name} does", "warning", evidence, fix, api.address)


def _routes(api: Resource) -> Iterator[tuple[str, str, int | None]]:
    """(route, function, time that the API is told to wait for it); APIs of a document of their own say none."""
    declared = api.properties.get("endpoints") or api.properties.get("routes")
    for route, entry in declared.items() if isinstance(declared, Mapping) else ():
        if isinstance(entry, Mapping):
            yield route, name_in(entry.get("function")), entry.get("timeout_ms")
        else:
            yield route, name_in(entry), None


CHECKS = (Check("integration-timeout", "APIs wait as long as their functions may run", integration_timeout),)
