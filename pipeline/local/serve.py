"""The program of the child process: the emulator and the plane before it, served on a socket that is handed down.

It runs in the emulator's environment, where this package is not installed: only its own folder is made importable, and
nothing else of the environment that it lies in.
"""

import argparse
import asyncio
import contextlib
import importlib
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import Any

_LOOK_SECONDS = 2.0


def main() -> None:
    """Serves until SIGTERM, or until the checkout that it serves is gone; then ends its functions with itself."""
    arguments = _arguments()
    _configure_emulator(arguments)
    _make_importable(Path(__file__).resolve().parents[1])
    # The emulator reads its settings from the environment when it is imported, so both come only now.
    app = importlib.import_module("ministack.app").app
    emulator = importlib.import_module("pipeline.local.plane.emulator").AsgiEmulator(app, counts_invocations=True)
    # Nothing comes by TLS here; what CloudFront asks of a bucket does on AWS, and policies may insist on it.
    importlib.import_module("ministack.core.iam_evaluator").pin_request_origin("127.0.0.1", True)
    front = importlib.import_module("pipeline.local.plane.front").Front(
        emulator, instance=arguments.instance, account=arguments.account, on_ready=lambda: _tell(arguments.ready)
    )
    # Messages of WebSockets would otherwise go to processes that are kept by the alias, and run old code for ever.
    runtime: Any = importlib.import_module("ministack.core.lambda_runtime")
    runtime.get_or_create_worker = front.lender.lend
    hypercorn = importlib.import_module("hypercorn.asyncio")
    asyncio.run(hypercorn.serve(front, _hypercorn(arguments.socket), mode="asgi", shutdown_trigger=_until_ended))
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


async def _until_ended() -> None:
    """A checkout that was deleted cannot be stopped any more: nobody would know of this process."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    home = Path.home()
    while home.is_dir():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), _LOOK_SECONDS)
            return


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--instance", required=True, help="the random name that proves which checkout this serves")
    parser.add_argument("--account", required=True)
    parser.add_argument("--port", required=True)
    parser.add_argument("--socket", required=True, type=int, help="descriptor of the listening socket")
    parser.add_argument("--ready", required=True, type=int, help="descriptor to write one byte to")
    return parser.parse_args()


def _configure_emulator(arguments: argparse.Namespace) -> None:
    os.environ.update(
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=arguments.port,
        MINISTACK_ACCOUNT_ID=arguments.account,
        IOT_MTLS_ENABLED="0",  # no second port
        SFTP_ENABLED="0",
        LAMBDA_EXECUTOR="local",
        DOCKER_HOST="unix:///nonexistent",  # containers of this machine are none of its business
        LOG_LEVEL="WARNING",
    )


def _make_importable(package: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        package.name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"importing {package}: not a Python package")
    module = importlib.util.module_from_spec(spec)
    sys.modules[package.name] = module
    spec.loader.exec_module(module)


def _hypercorn(descriptor: int) -> Any:
    config = importlib.import_module("hypercorn.config").Config()
    config.bind = [f"fd://{descriptor}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 0.5
    config.loglevel = "WARNING"
    config.include_server_header = False
    return config


def _tell(descriptor: int) -> None:
    os.write(descriptor, b"1")
    os.close(descriptor)


if __name__ == "__main__":
    main()
