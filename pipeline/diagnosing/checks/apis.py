"""Integrations: time that the API gives and time that the function takes."""

from collections.abc import Iterator, Mapping

from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient

MOST_MS = 29_000  # https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html


def integration_timeout(patient: Patient) -> Iterator[Finding]:
    """A function that may run longer than its API waits: the caller gets an error 504, and the function goes on."""
    functions = {function.name: function for function in patient.of("lambda.function")}
    for api in patient.of("apigateway.rest_api"):
        endpoints = api.properties.get("endpoints")
        for route, entry in (endpoints or {}).items() if isinstance(endpoints, Mapping) else ():
            function = functions.get(str(entry.get("function"))) if isinstance(entry, Mapping) else None
            if function is None:
                continue
            waits, runs = int(entry.get("timeout_ms") or MOST_MS), float(function.properties.get("timeout", 3)) * 1000
            if runs > waits:
                evidence = (f"{route} waits {waits / 1000:g} s", f"{function.name} may run {runs / 1000:g} s")
                more = f"timeout: {waits // 1000} for {function.name}"
                fix = more if waits == MOST_MS else f"{more}, or timeout_ms: {MOST_MS} for {route}"
                yield Finding(
                    f"{route} of {api.name} gives up before its function does", "warning", evidence, fix, api.address
                )


CHECKS = (Check("integration-timeout", "APIs wait as long as their functions may run", integration_timeout),)
