"""A process of the command line that is killed at a call of its choice."""

import signal
import subprocess

from pipeline.applying.operations import operations
from tests.functional.support import Service
from tests.support.fault_proxy import FaultProxy


class Killer:
    """Kills a process the moment its nth changing call was carried out."""

    def __init__(self, proxy: FaultProxy, n: int) -> None:
        self.n = n
        self.process: subprocess.Popen[str] | None = None
        self.proxy = proxy
        proxy.rewrite("*:*", self._count, times=None)

    def _count(self, body: bytes) -> bytes:
        done = sum(operations().get(call.service, call.operation).mutating for call in self.proxy.carried_out)
        if done >= self.n and self.process is not None:
            self.process.send_signal(signal.SIGKILL)
        return body

    def run(self, service: Service, command: str, *options: str) -> int:
        """Starts the command and waits for its end, violent or not."""
        self.process = service.start(command, *options)
        self.process.communicate(timeout=60)
        return self.process.returncode
