"""An AWS of a benchmark's own: the embedded one, empty, behind the proxy that adds latency. Both on loopback."""

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.local.installation import installed

ROOT = Path(__file__).resolve().parents[1]
ACCOUNT = "123456789012"
_PATIENCE = 60.0  # seconds until a process must be ready


@dataclass(frozen=True)
class Aws:
    """A running AWS. `port` is the proxy's."""

    port: int

    @property
    def variables(self) -> Mapping[str, str]:
        """What points boto3 here, and keeps it from looking elsewhere."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def calls(self) -> dict[str, Any]:
        """{"calls": {"s3:GetObject": 2, ...}, "total", "most_in_flight"} since the last time that this was asked."""
        found: dict[str, Any] = self._ask("reset")
        return found

    def trace(self) -> list[tuple[str, float, float]]:
        """[(service:Operation, began, answered), ...] since `calls` was asked last; seconds from the first on."""
        return [(name, began, answered) for name, began, answered in self._ask("trace")]

    def _ask(self, question: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_PATIENCE)
        try:
            connection.request("GET", f"/_latency/{question}")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


@contextmanager
def running(latency_ms: float) -> Iterator[Aws]:
    """A new AWS whose every call takes `latency_ms` longer."""
    with tempfile.TemporaryDirectory(prefix="benchmark-aws-") as home:
        emulator, port = _start_emulator(Path(home))
        try:
            _warm(f"http://127.0.0.1:{port}")
            proxy, proxy_port = _start_proxy(port, latency_ms)
            try:
                yield Aws(proxy_port)
            finally:
                _end(proxy)
        finally:
            _end(emulator)


def _start_emulator(home: Path) -> tuple[subprocess.Popen[bytes], int]:
    python = installed(lambda message: print(message, file=sys.stderr)).executable
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener, (home / "log").open("wb") as log:
        port = int(listener.getsockname()[1])
        ready, signal_ready = os.pipe()
        command = [str(python), "-I", str(ROOT / "benchmarks" / "instant_aws.py"), "--instance", "benchmark"]
        command += ["--account", ACCOUNT, "--port", str(port)]
        command += ["--socket", str(listener.fileno()), "--ready", str(signal_ready)]
        environment = {"PATH": os.defpath, "HOME": str(home), "TMPDIR": str(home), "LANG": "C.UTF-8", "TZ": "UTC"}
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd=home,
            pass_fds=(listener.fileno(), signal_ready), start_new_session=True,
        )  # fmt: skip
        os.close(signal_ready)
    readable, _, _ = select.select([ready], [], [], _PATIENCE)
    answer = os.read(ready, 1) if readable else b""
    os.close(ready)
    if not answer:
        _end(process)
        raise SystemExit(f"the embedded AWS did not start: {(home / 'log').read_text(encoding='utf-8')[-500:]}")
    return process, port


def _warm(url: str) -> None:
    """The emulator imports a service when its first call comes, and that belongs to nobody's time."""
    subprocess.run([sys.executable, "-m", "benchmarks.warming", url], cwd=ROOT, check=True)


def _start_proxy(upstream: int, latency_ms: float) -> tuple[subprocess.Popen[bytes], int]:
    command = [sys.executable, "-m", "benchmarks.latency", "--upstream", f"http://127.0.0.1:{upstream}"]
    process = subprocess.Popen(
        [*command, "--latency-ms", str(latency_ms)], stdout=subprocess.PIPE, cwd=ROOT, start_new_session=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
