"""A cancelled job: the real script of the action gets the signals that GitHub's runner sends, and leaves nothing stuck.

The runner signals the step's first process alone: SIGINT, after 7.5 s SIGTERM, after 2.5 s more it kills.
https://github.com/actions/runner/blob/main/src/Runner.Sdk/ProcessInvoker.cs
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.intake.support import payload
from tests.support import fake_github
from tests.support.fake_github import REPO
from tests.support.fault_proxy import FaultProxy
from tests.workflows.acting import ROOT, RUN, Repository
from tests.workflows.conftest import Cloud
from tests.workflows.test_acted import TOKEN, service

pytestmark = [pytest.mark.slow, pytest.mark.emulator]

ACTION = ".github/actions/pipeline/action.yml"
PATIENCE = 60.0
End = Callable[["subprocess.Popen[str]"], str]


@pytest.fixture
def proxy(cloud: Cloud) -> Iterator[FaultProxy]:
    with FaultProxy(cloud.endpoint) as found:
        yield found


def start(repository: Repository, scratch: Path, about: Mapping[str, str]) -> "subprocess.Popen[str]":
    """The step that carries an event out, started as the runner starts it."""
    step = yaml.safe_load((ROOT / ACTION).read_text(encoding="utf-8"))["runs"]["steps"][-1]
    script = scratch / "step.sh"
    script.write_text(step["run"], encoding="utf-8")
    event = scratch / "event.json"
    event.write_text(json.dumps(payload("push.branch_existing", {"after": repository.commit})), encoding="utf-8")
    (scratch / "action" / "one" / "two" / "three").mkdir(parents=True, exist_ok=True)
    run = scratch / "action" / "run"
    run.write_text(RUN, encoding="utf-8")
    run.chmod(0o755)
    environ = {
        "PATH": os.environ["PATH"], "HOME": str(scratch), "XDG_CACHE_HOME": str(scratch / "cache"),
        "PYTHONPATH": str(ROOT),
        "COMMAND": "run", "SERVICE_ROOT": "", "ENVIRONMENT_NAME": "live", "SCHEDULED": "", "REVERT": "",
        "GITHUB_ACTION_PATH": str(scratch / "action" / "one" / "two" / "three"),
        "GITHUB_WORKSPACE": str(repository.root), "GITHUB_EVENT_NAME": "push", "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REPOSITORY": REPO, **about,
    }  # fmt: skip
    return subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)], cwd=repository.root, env=environ,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def cancel(process: "subprocess.Popen[str]") -> str:
    """What the runner does with a step of a run that somebody cancels; what the step had printed."""
    for number, seconds in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, PATIENCE)):
        process.send_signal(number)
        try:
            return process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError("it cannot be killed")


def kill(process: "subprocess.Popen[str]") -> str:
    """What happens where a machine goes away; what the step had printed."""
    process.kill()
    return process.communicate(timeout=PATIENCE)[0]


@pytest.mark.parametrize(
    ("end", "exit_code", "told"),
    [(cancel, 130, "**interrupted**"), (kill, -9, "**deploying**")],
)
def test_what_a_run_leaves_that_is_cut_off_the_next_one_continues(
    cloud: Cloud, proxy: FaultProxy, tmp_path: Path, end: End, exit_code: int, told: str
) -> None:
    repository = Repository(tmp_path / "repository", service(cloud.account))
    with fake_github.running() as github:
        github.add_pull(1, repository.commit, merge=repository.commit)
        about = {"AWS_ENDPOINT_URL": proxy.url, "GITHUB_API_URL": github.url, "GITHUB_TOKEN": TOKEN, **cloud.keys}
        proxy.hang("logs:CreateLogGroup")
        process = start(repository, tmp_path, about)
        deadline = time.monotonic() + PATIENCE
        while not (proxy.counts["logs:CreateLogGroup"] and github.bodies(1)):
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.02)
        printed = end(process)
        assert process.returncode == exit_code, printed
        assert told in "".join(github.bodies(1))
        proxy.reset()
        again = start(repository, tmp_path, about)
        printed = again.communicate(timeout=PATIENCE)[0]
        assert again.returncode == 0, printed
        assert "release 1 is live in live" in printed
        assert ("died holding the lock: taking over" in printed) == (end is kill), printed
        assert "waiting" not in printed
        assert ["**live** as release 1" in body for body in github.bodies(1)] == [True]
