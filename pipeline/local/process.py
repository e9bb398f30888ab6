"""The child process: begun detached with nothing of our environment, recognised again, ended with all that it started.

A pid or a port alone proves nothing: after a crash or a reboot another program may have it. A process is ours when
its command line carries the random instance name of the record, and a port is ours when what listens there answers
with that name.
"""

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.local.record import Folder

_SERVE = Path(__file__).with_name("serve.py")
_IDENTITY = "/_pipeline/identity"
_START_SECONDS = 60.0
_ANSWER_SECONDS = 5.0
_BUSY_SECONDS = 30.0
_PAUSE_SECONDS = 0.2
_TERMINATE_SECONDS = 3.0


@dataclass(frozen=True)
class Started:
    """A child that answers: its pid (leader of its own session) and its port."""

    pid: int
    port: int


def begin(python: Path, folder: Folder, *, instance: str, account: str) -> Started:
    """Starts the child on a free port of 127.0.0.1 and waits until it is ready.

    The listening socket is made here and handed down, so that no other program can take the port in between.
    Raises PipelineError, with the end of the log, when the child dies or is not ready in a minute.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        port = int(listener.getsockname()[1])
        ready, signal_ready = os.pipe()
        try:
            command = [str(python), "-I", str(_SERVE), "--instance", instance, "--account", account]
            command += ["--port", str(port), "--socket", str(listener.fileno()), "--ready", str(signal_ready)]
            try:
                process = _spawn(command, folder, (listener.fileno(), signal_ready))
            finally:
                os.close(signal_ready)
            _await_ready(process, ready, folder)
        finally:
            os.close(ready)
    # It outlives this command on purpose: without this the interpreter would warn about a child not waited for.
    process.returncode = 0
    return Started(process.pid, port)


def _spawn(command: list[str], folder: Folder, handed_down: tuple[int, ...]) -> subprocess.Popen[bytes]:
    home, temporary = folder.room("home"), folder.room("tmp")
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }
    with folder.log.open("wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=home,
            pass_fds=handed_down,
            start_new_session=True,
        )


def _await_ready(process: subprocess.Popen[bytes], ready: int, folder: Folder) -> None:
    try:
        readable, _, _ = select.select([ready], [], [], _START_SECONDS)
        answer = os.read(ready, 1) if readable else None
    except BaseException:
        _kill_group(process.pid)
        raise
    if answer:
        return
    _kill_group(process.pid)
    process.wait()
    why = "it ended" if answer == b"" else f"not ready after {_START_SECONDS:.0f} s"
    lines = folder.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    raise PipelineError(f"starting the embedded AWS: {why}: {' | '.join(lines[-3:])}", hint=f"read {folder.log}")


def answers(port: int, instance: str) -> bool:
    """True when the program on `port` is the child of that name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", _IDENTITY)
        answer = connection.getresponse()
        document = json.loads(answer.read(4096)) if answer.status == http.client.OK else None
        return isinstance(document, dict) and document.get("instance") == instance
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()


def answers_in_time(
    ask: Callable[[], bool],
    lives: Callable[[], bool],
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Asks again for some time while the process lives: one that is busy is not dead, and has all that was deployed."""
    deadline = now() + _BUSY_SECONDS
    while not ask():
        if not lives() or now() >= deadline:
            return False
        sleep(_PAUSE_SECONDS)
    return True


def is_ours(pid: int, instance: str) -> bool:
    """True when the process `pid` is alive and was started under this instance name."""
    return instance in _command_line(pid)


def _command_line(pid: int) -> str:
    """Empty for a process that is gone (or is only waiting to be collected)."""
    proc = Path("/proc")
    if (proc / "self" / "cmdline").exists():
        try:
            return (proc / str(pid) / "cmdline").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
    done = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout


def end(pid: int, instance: str) -> None:
    """Ends the child of that name, its functions' processes with it; quiet when it is gone already."""
    if is_ours(pid, instance):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _TERMINATE_SECONDS
        while is_ours(pid, instance) and time.monotonic() < deadline:
            _collect(pid)
            time.sleep(0.01)
        _kill_group(pid)
        while is_ours(pid, instance):
            _collect(pid)
            time.sleep(0.01)
    elif not _exists(pid):
        # The leader is gone, but functions may have outlived it: its number is not given away while its group lives.
        _kill_group(pid)
    _collect(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _collect(pid: int) -> None:
    """A child of this very command stays a zombie until it is waited for; one of an earlier command is nobody's."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
