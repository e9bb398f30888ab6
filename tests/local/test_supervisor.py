import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import boto3
import pytest

from pipeline.errors import PipelineError
from pipeline.local import process, supervisor
from pipeline.local.installation import installed
from pipeline.local.record import Folder
from pipeline.local.supervisor import LocalAws
from tests.local.support import Account

pytestmark = pytest.mark.emulator


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    supervisor.stop(tmp_path)


def _account_of(aws: LocalAws) -> str:
    environment = aws.environment()
    client = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    return str(client.get_caller_identity()["Account"])


def _processes(word: str) -> list[int]:
    """Pids of all live processes whose command line has this word."""
    listing = subprocess.run(["ps", "-eww", "-o", "pid=,stat=,command="], capture_output=True, text=True, check=True)
    lines = (line.split(None, 2) for line in listing.stdout.splitlines())
    return [int(pid) for pid, state, command in lines if word in command and not state.startswith("Z")]


def _kill(aws: LocalAws) -> None:
    os.kill(aws.pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(aws.pid, 0)


def test_started_it_answers_as_the_account_asked_for(root: Path) -> None:
    aws = supervisor.start(root, account="210987654321")
    assert aws.endpoint.startswith("http://127.0.0.1:")
    assert _account_of(aws) == "210987654321"
    assert aws.python == sys.version_info[:2]
    command = [aws.python_executable, "-c", "import sys; print(sys.version)"]
    version = subprocess.run(command, capture_output=True, text=True, check=True)
    assert version.stdout.strip() == sys.version


def test_starting_again_finds_the_one_that_runs(root: Path) -> None:
    first = supervisor.start(root)
    assert supervisor.start(root) == first
    assert supervisor.status(root) == first


def test_one_process_serves_every_account(root: Path) -> None:
    first = supervisor.start(root, account="111111111111")
    second = supervisor.ensure(root, account="222222222222")
    assert first.pid == second.pid
    assert (_account_of(first), _account_of(second)) == ("111111111111", "222222222222")


def test_two_starts_at_once_make_one_process(root: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: supervisor.start(root), range(4)))
    assert len({aws.pid for aws in found}) == 1
    assert len(_processes(_instance(root))) == 1


def test_two_checkouts_never_meet(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    try:
        mine, theirs = supervisor.start(root), supervisor.start(other)
        assert mine.endpoint != theirs.endpoint
        Account(mine).client("sqs").create_queue(QueueName="only-mine")
        assert not Account(theirs).client("sqs").list_queues().get("QueueUrls")
        supervisor.stop(other)
        assert supervisor.status(root) == mine
    finally:
        supervisor.stop(other)


def test_what_was_made_is_there_for_the_next_command(root: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pipeline.local import supervisor;"
        "print(supervisor.start(Path(sys.argv[1])).endpoint)"
    )
    command = [sys.executable, "-c", script, str(root)]
    first = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    aws = supervisor.status(root)
    assert aws is not None
    Account(aws).client("sqs").create_queue(QueueName="kept")
    second = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert first.stdout == second.stdout == aws.endpoint + "\n"
    assert Account(aws).client("sqs").list_queues()["QueueUrls"]


def test_stop_leaves_neither_process_nor_state(root: Path) -> None:
    aws = supervisor.start(root)
    account = Account(aws)
    slow = "import time\ndef handler(event, context):\n    time.sleep(60)\n"
    account.function("slow", slow, Timeout=60)
    account.client("lambda").invoke(FunctionName="slow", InvocationType="Event")
    _wait_until(lambda: len(_processes(str(root))) > 0)
    instance = _instance(root)
    assert supervisor.stop(root)
    assert _processes(instance) == _processes(str(root)) == []
    assert [entry.name for entry in Folder.of(root).path.iterdir() if entry.name not in {"lock", ".gitignore"}] == []
    assert not supervisor.stop(root)
    assert supervisor.status(root) is None


def test_a_process_ends_when_its_checkout_is_deleted(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    supervisor.start(checkout)
    instance = _instance(checkout)
    shutil.rmtree(checkout)
    _wait_until(lambda: _processes(instance) == [])


def test_a_terminated_process_takes_its_functions_with_it(root: Path) -> None:
    aws = supervisor.start(root)
    account = Account(aws)
    account.function("slow", "import time\ndef handler(event, context):\n    time.sleep(60)\n", Timeout=60)
    account.client("lambda").invoke(FunctionName="slow", InvocationType="Event")
    _wait_until(lambda: len(_processes(str(root))) > 0)
    os.kill(aws.pid, signal.SIGTERM)
    _wait_until(lambda: _processes(str(root)) == [])


@pytest.mark.parametrize(
    ("answers", "lives", "found"),
    [
        ([True], [], True),
        ([False, False, True], [True, True], True),  # busy: to end it would lose all that it has
        ([False], [False], False),
        ([False] * 99, [True] * 99, False),  # it hangs
    ],
)
def test_one_that_is_busy_is_waited_for_while_it_lives(answers: list[bool], lives: list[bool], found: bool) -> None:
    time = [0.0]

    def sleep(seconds: float) -> None:
        time[0] += max(seconds, 1.0)

    asked, alive = iter(answers), iter(lives)
    assert process.answers_in_time(lambda: next(asked), lambda: next(alive), lambda: time[0], sleep) is found


@pytest.mark.parametrize("looked_at", [True, False])
def test_a_killed_process_is_noticed_told_and_replaced(root: Path, looked_at: bool) -> None:
    told: list[str] = []

    def start() -> LocalAws:
        return supervisor.start(root, lost=lambda: told.append("lost"))

    first = start()
    _kill(first)
    if looked_at:
        assert supervisor.status(root) is None
        assert supervisor.is_lost(root)
    assert told == []
    second = start()
    assert second.pid != first.pid
    assert _account_of(second)
    assert (start(), told, supervisor.is_lost(root)) == (second, ["lost"], False), "told once"
    supervisor.stop(root)
    start()
    assert told == ["lost"], "it was stopped, which loses on purpose"


def test_functions_that_outlive_a_killed_process_are_ended_too(root: Path) -> None:
    aws = supervisor.start(root)
    account = Account(aws)
    account.function("slow", "import time\ndef handler(event, context):\n    time.sleep(60)\n", Timeout=60)
    account.client("lambda").invoke(FunctionName="slow", InvocationType="Event")
    _wait_until(lambda: len(_processes(str(root))) > 0)
    _kill(aws)
    assert supervisor.status(root) is None
    _wait_until(lambda: _processes(str(root)) == [])


def test_a_port_that_another_program_took_over_is_not_taken_for_ours(root: Path) -> None:
    first = supervisor.start(root)
    _kill(first)
    port = int(first.endpoint.rpartition(":")[2])
    with _impostor(port):
        assert supervisor.status(root) is None
        second = supervisor.start(root)
        assert second.endpoint != first.endpoint


def test_another_process_with_the_recorded_pid_is_left_alone(root: Path) -> None:
    aws = supervisor.start(root)
    folder = Folder.of(root)
    record = folder.read()
    assert record is not None
    with subprocess.Popen(["sleep", "60"]) as stranger:
        folder.write(type(record)(**{**record.__dict__, "pid": stranger.pid, "port": 1}))
        assert supervisor.status(root) is None
        assert stranger.poll() is None
        stranger.kill()
    process.end(aws.pid, record.instance)


def test_a_record_that_cannot_be_read_counts_as_none(root: Path) -> None:
    Folder.of(root).make()
    (root / ".pipeline/local/record.json").write_text('{"pid": 1}', encoding="utf-8")
    assert supervisor.status(root) is None


def test_nothing_of_our_environment_reaches_the_functions(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as ours:
        ours.setenv("GITHUB_TOKEN", "secret")
        ours.setenv("AWS_PROFILE", "production")
        account = Account(supervisor.start(root))
    account.function("env", "import os\ndef handler(event, context):\n    return dict(os.environ)\n")
    payload = account.client("lambda").invoke(FunctionName="env")["Payload"].read()
    environment = json.loads(payload)
    assert not {"GITHUB_TOKEN", "AWS_PROFILE", "VIRTUAL_ENV", "PYTHONPATH"} & set(environment)
    assert environment.get("HOME", environment).startswith(str(root))
    assert environment["AWS_ENDPOINT_URL"] == account.aws.endpoint


def test_it_listens_on_this_machine_alone(root: Path) -> None:
    aws = supervisor.start(root)
    port = int(aws.endpoint.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=2)


def test_a_child_that_dies_at_once_is_reported_with_its_last_words(root: Path) -> None:
    folder = Folder.of(root)
    folder.make()
    broken = root / "python"
    broken.write_text("#!/bin/sh\necho no such thing >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    with pytest.raises(PipelineError, match="starting the embedded AWS: it ended: no such thing"):
        process.begin(broken, folder, instance="x", account="123456789012")


def test_the_environment_is_made_once_for_all_checkouts() -> None:
    said: list[str] = []
    installed(said.append)
    again: list[str] = []
    assert installed(again.append).executable.exists()
    assert again == []


def _instance(root: Path) -> str:
    record = Folder.of(root).read()
    assert record is not None
    return record.instance


def _wait_until(condition: Callable[[], bool]) -> None:
    event = threading.Event()
    for _ in range(500):
        if condition():
            return
        event.wait(0.02)
    raise AssertionError("it never came to pass")


@contextlib.contextmanager
def _impostor(port: int) -> Iterator[None]:
    """Another program that answers on a port, with something that is not our name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"instance": "somebody else"}')

        def log_message(self, *_arguments: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
