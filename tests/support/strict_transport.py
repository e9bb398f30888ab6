"""moto behind stricter fakes of the services at the edge: CloudFront, ACM, Route 53, domain names of APIs.

moto takes what AWS refuses there and finishes at once what takes AWS minutes. A strict service sees each request before
moto does: it answers by itself, refuses, or hands it on.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import botocore.session
from botocore.validate import validate_parameters

from pipeline.applying.attempts import Refusal, Transport
from pipeline.errors import FailedCall
from tests.support import recorded_actions

Params = Mapping[str, Any]
Send = Callable[[str, Params], dict[str, Any]]
_SESSION = botocore.session.Session()


class Strict(Protocol):
    """One service."""

    service: str

    def answer(self, operation: str, region: str, params: Params, send: Send) -> dict[str, Any]:
        """The answer; `send` asks moto. Raises Refusal."""

    def empty(self) -> None:
        """Forgets everything."""


class StrictTransport:
    """A transport that asks the strict services first, and botocore whether the parameters are right."""

    def __init__(self, inner: Transport, services: Mapping[str, Strict]) -> None:
        self.inner, self.services = inner, services

    @property
    def region(self) -> str:
        return self.inner.region

    def prepare(self, service: str, operation: str, region: str) -> None:
        self.inner.prepare(service, operation, region)

    def endpoint(self, service: str) -> str:
        return self.inner.endpoint(service)

    def pagination(self, service: str, operation: str) -> Mapping[str, Any] | None:
        return self.inner.pagination(service, operation)

    def send(self, service: str, operation: str, region: str, params: Params) -> dict[str, Any]:
        strict = self.services.get(service)
        if strict is None:
            return self.inner.send(service, operation, region, params)
        recorded_actions.note_of_fake(service, operation)
        shape = _SESSION.get_service_model(service).operation_model(operation).input_shape
        validate_parameters(dict(params), shape)

        def send(name: str, more: Params) -> dict[str, Any]:
            return self.inner.send(service, name, region, more)

        return strict.answer(operation, region, params, send)


def refuse(service: str, operation: str, code: str, message: str, status: int = 400) -> Refusal:
    """An error as AWS answers it."""
    return Refusal(FailedCall(service, operation, code, message, status=status))
