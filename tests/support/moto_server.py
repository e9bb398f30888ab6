"""moto as an HTTP server in a thread of this process, with what it leaves out of AWS."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.server import ThreadedMotoServer

from tests.support import moto_extension

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def without_prices(application: Application) -> Application:
    """moto breaks when it is asked for prices; this refuses to tell them, as AWS does to a role that may not ask."""

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if "/pricing/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return application(environ, start)
        start("400 Bad Request", [("content-type", "application/x-amz-json-1.1")])
        return [b'{"__type": "AccessDeniedException", "message": "not allowed: pricing:GetProducts"}']

    return answer


@contextmanager
def running() -> Iterator[str]:
    """The URL of a server on a free port of 127.0.0.1, stopped at the end."""
    moto_extension.register()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        serving: Any = server._server
        serving.app = without_prices(serving.app)
        yield f"http://{host}:{port}"
    finally:
        server.stop()
