"""A `Transport` that answers what a test tells it to."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

from pipeline.applying.attempts import NoAnswer, Refusal
from pipeline.errors import FailedCall
from tests.support import recorded_actions

Reply = dict[str, Any] | Exception | Callable[[Mapping[str, Any]], dict[str, Any]]


class FakeTransport:
    """Gives the `replies` of `service:Operation` in turn, the last one for ever; {} for others.

    A reply is an answer, an exception to raise, or a function of the parameters. `sent` holds every request.
    """

    def __init__(self, replies: Mapping[str, list[Reply]] | None = None, region: str = "us-east-1") -> None:
        self.region = region
        self.replies = {name: list(queue) for name, queue in (replies or {}).items()}
        self.rules: dict[str, Mapping[str, Any]] = {}
        self.sent: list[tuple[str, str, dict[str, Any]]] = []
        self._lock = Lock()

    def prepare(self, service: str, operation: str, region: str) -> None:
        pass

    def send(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        name = f"{service}:{operation}"
        recorded_actions.note_of_fake(service, operation)
        with self._lock:
            self.sent.append((name, region, dict(params)))
            queue = self.replies.get(name, [{}])
            reply = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(reply, Exception):
            raise reply
        return reply(params) if callable(reply) else reply

    def endpoint(self, service: str) -> str:
        return f"https://{service}.{self.region}.amazonaws.com"

    def pagination(self, service: str, operation: str) -> Mapping[str, Any] | None:
        return self.rules.get(f"{service}:{operation}")


def refused(
    name: str, code: str, message: str = "", *, status: int = 400, retry_after: float = 0.0, request_id: str = "r-1"
) -> Refusal:
    """AWS says no."""
    service, operation = name.split(":")
    return Refusal(FailedCall(service, operation, code, message, request_id, status=status), retry_after)


def unanswered(name: str, *, sent: bool = True) -> NoAnswer:
    """The connection broke; after the request had left, unless `sent` is False."""
    service, operation = name.split(":")
    return NoAnswer(
        FailedCall(service, operation, "ReadTimeout" if sent else "EndpointConnection", "it broke"), sent=sent
    )
