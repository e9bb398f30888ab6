"""Starts, finds and stops the embedded AWS of a checkout. Runs in our own process: standard library only.

The child survives the command that started it, so that what was deployed is there for the next one, until `stop`.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.local import process
from pipeline.local.installation import Progress, installed
from pipeline.local.record import Folder, Record

DEFAULT_ACCOUNT = "123456789012"


@dataclass(frozen=True)
class LocalAws:
    """A running embedded AWS.

    `endpoint` is `http://127.0.0.1:PORT`; `python` the version of the interpreter that runs the functions, whatever
    their `runtime` says; `account` twelve digits; `log` the file that the process writes to; `started` in seconds since
    the epoch.
    """

    endpoint: str
    pid: int
    python: tuple[int, int]
    python_executable: str
    account: str
    log: Path
    started: float

    def environment(self) -> Mapping[str, str]:
        """The environment variables that point boto3 here. The region is the caller's own."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.account,  # the emulator takes a key of twelve digits for the account's number
            "AWS_SECRET_ACCESS_KEY": "test",
        }


def start(
    root: Path,
    *,
    account: str = DEFAULT_ACCOUNT,
    progress: Progress | None = None,
    lost: Callable[[], None] | None = None,
) -> LocalAws:
    """The embedded AWS of the checkout at `root`: the one that runs, else a new and empty one.

    One process serves all accounts; `account` says as whom `environment()` speaks. What takes longer than a moment is
    told to `progress`. `lost` is called when the new one takes the place of one that was not stopped but died, with all
    that was deployed to it. Raises PipelineError when the environment cannot be installed or the process does not come
    up.
    """
    folder = Folder.of(root)
    running = _running(folder, account)
    if running:
        return running
    with folder.lock():
        running = _running(folder, account, patient=True)
        if running:
            return running
        _bury(folder)
        environment = installed(progress or _silent)
        instance = secrets.token_hex(16)
        begun = process.begin(environment.executable, folder, instance=instance, account=account)
        record = Record(
            pid=begun.pid,
            port=begun.port,
            instance=instance,
            account=account,
            python=environment.python,
            python_executable=str(environment.executable),
            started=time.time(),
        )
        folder.write(record)
        if folder.lost and lost is not None:
            lost()
        folder.forget_lost()
        return _local_aws(folder, record, account)


ensure = start


def status(root: Path) -> LocalAws | None:
    """The embedded AWS that runs for this checkout; None when there is none. What a dead one left is cleared away."""
    folder = Folder.of(root)
    record = folder.read()
    if record is None:
        return None
    if _answers(record, patient=True):
        return _local_aws(folder, record, record.account)
    with folder.lock():
        current = folder.read()
        if current == record:
            _bury(folder)
    return None


def is_lost(root: Path) -> bool:
    """True when one died that was not stopped, and no new one was started since."""
    return Folder.of(root).lost


def stop(root: Path) -> bool:
    """Ends the embedded AWS of this checkout and all that it holds; False when none was there."""
    folder = Folder.of(root)
    if not folder.path.is_dir():
        return False
    with folder.lock():
        record = folder.read()
        if record is not None:
            process.end(record.pid, record.instance)
        folder.clear()
    return record is not None


def _running(folder: Folder, account: str, *, patient: bool = False) -> LocalAws | None:
    record = folder.read()
    if record is None or not _answers(record, patient=patient):
        return None
    return _local_aws(folder, record, account)


def _answers(record: Record, *, patient: bool) -> bool:
    def ask() -> bool:
        return process.answers(record.port, record.instance)

    return process.answers_in_time(ask, lambda: process.is_ours(record.pid, record.instance)) if patient else ask()


def _bury(folder: Folder) -> None:
    """Ends what is left of a process that no longer answers, and forgets it."""
    record = folder.read()
    if record is not None:
        process.end(record.pid, record.instance)
        folder.forget_process()


def _local_aws(folder: Folder, record: Record, account: str) -> LocalAws:
    return LocalAws(
        endpoint=f"http://127.0.0.1:{record.port}",
        pid=record.pid,
        python=record.python,
        python_executable=record.python_executable,
        account=account,
        log=folder.log,
        started=record.started,
    )


def _silent(_message: str) -> None:
    """Tells nobody."""
