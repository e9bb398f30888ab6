"""moto as an HTTP server in a thread of this process, with what it leaves out of AWS."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from moto.server import ThreadedMotoServer

from tests.support import moto_extension


@contextmanager
def running() -> Iterator[str]:
    """The URL of a server on a free port of 127.0.0.1, stopped at the end."""
    moto_extension.register()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()
