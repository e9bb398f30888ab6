"""What the workflow files keep to: what checkers say, and rules that no checker knows."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.config.project import load_project
from pipeline.intake.dispatches import ACTIONS
from pipeline.intake.intents import PLANNED
from pipeline.scaffolding.answers import Answers, Tool
from pipeline.scaffolding.template import repository
from tests.repository.files import ROOT

FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
ALL = sorted(FOLDER.rglob("*.yml"))
IMAGE = "ubuntu-24.04"
# As GitHub's releases had them when they were looked at. A newer one is entered here and in the files.
PINS = {
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    "actions/upload-artifact": ("bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0"),
    "aws-actions/configure-aws-credentials": ("e6de054238d6b7531b4efff3b6587d9aade6a06c", "v6.2.3"),
}
USES = re.compile(r"^\s*(?:- )?uses: (\S+)(?: # (\S+))?", re.MULTILINE)


def read(path: Path) -> dict[str, Any]:
    """A file as a document; YAML 1.1 takes `on` for true."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else str(key): value for key, value in found.items()}


def jobs() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every job that has steps, as `file: job`."""
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            if "steps" in job:
                yield f"{path.name}: {name}", job


def steps() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every step of jobs and actions."""
    for name, job in jobs():
        yield from ((name, step) for step in job["steps"])
    for path in FOLDER.rglob("action.yml"):
        yield from ((path.name, step) for step in read(path)["runs"]["steps"])


def deliver() -> dict[str, Any]:
    return read(FOLDER / "workflows" / "deliver.yml")


def called(job: Mapping[str, Any], action: str) -> list[Mapping[str, Any]]:
    return [step.get("with", {}) for step in job["steps"] if step.get("uses", "").startswith(action)]


@pytest.mark.parametrize(
    "command",
    [
        ["zizmor", "--offline", "--no-progress", "--persona", "auditor", ".github"],
        ["actionlint", "-shellcheck=", "-pyflakes="],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS)],
        ["check-jsonschema", "--builtin-schema", "vendor.github-actions", *map(str, FOLDER.rglob("action.yml"))],
    ],
    ids=["zizmor", "actionlint", "workflow-schema", "action-schema"],
)
def test_checkers_find_nothing(command: list[str]) -> None:
    program = Path(sys.executable).with_name(command[0])
    if not program.exists():
        pytest.skip(f"{command[0]} is not installed; it is among the developers' tools")
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actions_of_others_are_pinned_and_say_their_version() -> None:
    for path in ALL:
        for used, version in USES.findall(path.read_text(encoding="utf-8")):
            if not used.startswith("$/"):
                name, _, pin = used.partition("@")
                assert (pin, version) == PINS[name], f"{path.name}: {used}"


def test_nothing_is_granted_that_a_job_does_not_ask_for() -> None:
    assert {path.name: read(path)["permissions"] for path in WORKFLOWS} == {path.name: {} for path in WORKFLOWS}
    # What writes contents has no way to AWS, and is called by who wants it.
    assert {name for name, job in jobs() if job["permissions"].get("contents") != "read"} == {"revert.yml: revert"}
    assert read(FOLDER / "workflows" / "revert.yml")["jobs"]["revert"]["permissions"] == {
        "contents": "write", "pull-requests": "write",
    }  # fmt: skip
    signing = {name for name, job in jobs() if "id-token" in job["permissions"]}
    assert signing == {"deliver.yml: read", "deliver.yml: write", "deliver.yml: later"}
    assert deliver()["jobs"]["validate"]["permissions"] == {"contents": "read"}


def test_a_caller_grants_what_the_jobs_have_and_no_more() -> None:
    most: dict[str, str] = {}
    for job in deliver()["jobs"].values():
        for name, access in job["permissions"].items():
            most[name] = max(access, most.get(name, ""))
    assert read(FOLDER / "workflows" / "pipeline.yml")["jobs"]["deliver"]["permissions"] == most


def test_no_text_from_outside_gets_into_a_script() -> None:
    assert [(name, step["run"]) for name, step in steps() if "${{" in step.get("run", "")] == []


def test_scripts_hand_over_to_what_they_call_so_that_signals_arrive() -> None:
    for name, step in steps():
        if "run" in step and "exit 2" not in step["run"]:
            assert step["run"].strip().splitlines()[-1].startswith("exec "), name


def test_jobs_have_an_end_and_a_fixed_image() -> None:
    for name, job in jobs():
        assert job["runs-on"] == IMAGE, name
        assert job["timeout-minutes"], name


def test_no_token_stays_in_a_checkout_and_no_cache_gets_into_a_deploy() -> None:
    for name, job in jobs():
        assert all(given.get("persist-credentials") is False for given in called(job, "actions/checkout")), name
    assert {read(path)["cache-mode"] for path in WORKFLOWS} == {"none"}
    assert not [step for _, step in steps() if "cache" in step.get("uses", "")]


def test_roles_are_of_one_environment_and_one_account() -> None:
    for kind, environment in (
        ("read", "${{ matrix.target }}-plan"), ("write", "${{ matrix.target }}"), ("later", "${{ matrix.target }}"),
    ):  # fmt: skip
        job = deliver()["jobs"][kind]
        assert job["environment"] == {"name": environment, "deployment": False}
        (given,) = called(job, "aws-actions/configure-aws-credentials")
        assert given["allowed-account-ids"] == "${{ matrix.account }}"
        assert given["role-to-assume"] == "${{ vars.AWS_ROLE_ARN }}"
    others = [name for name, job in jobs() if called(job, "aws-actions/")]
    assert others == ["deliver.yml: read", "deliver.yml: write", "deliver.yml: later"]
    assert not [path.name for path in ALL if "aws-access-key-id" in path.read_text(encoding="utf-8")]


def test_what_changes_an_environment_goes_one_after_the_other_and_is_never_cancelled() -> None:
    found = deliver()
    for name in ("write", "later"):
        assert found["jobs"][name]["concurrency"] == {"group": "deploy-${{ matrix.place }}", "queue": "max"}
    assert found["jobs"]["later"]["needs"] == ["matrix", "write"], "the home region goes first"
    assert found["concurrency"]["queue"] == "max"
    assert "cancel-in-progress" not in found["concurrency"]
    plans = found["jobs"]["read"]["concurrency"]
    assert plans["cancel-in-progress"] is True
    assert "${{ github.event.pull_request.number || github.run_id }}" in plans["group"]


def test_artifacts_do_not_stay_for_ever() -> None:
    for name, job in jobs():
        assert all(given.get("retention-days") for given in called(job, "actions/upload-artifact")), name


def test_events_are_those_that_are_decided_about() -> None:
    on = read(FOLDER / "workflows" / "pipeline.yml")["on"]
    assert set(on["push"]["branches"]) == set(load_project(ROOT).branches)
    assert on["push"]["tags"] == ["rollback/**"]
    assert set(on["pull_request"]["types"]) == {*PLANNED, "edited", "closed"}
    assert set(on["workflow_dispatch"]["inputs"]["action"]["options"]) == set(ACTIONS)
    assert set(on["repository_dispatch"]["types"]) == set(ACTIONS)
    assert on["issue_comment"]["types"] == ["created"]
    assert {"schedule", "merge_group"} <= set(on)
    assert not [path.name for path in WORKFLOWS if {"pull_request_target", "workflow_run"} & set(read(path)["on"])]


def test_every_job_and_every_input_is_documented() -> None:
    text = (ROOT / "docs" / "github-actions.md").read_text(encoding="utf-8")
    found = deliver()
    action = read(FOLDER / "actions" / "pipeline" / "action.yml")
    names = {*found["on"]["workflow_call"]["inputs"], *action["inputs"]}
    names |= {"decide" if name == "matrix" else name for name in found["jobs"]}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_a_new_repository_gets_the_same_workflow() -> None:
    tool = Tool("https://github.com/acme/pipeline.git", "1" * 40)
    made = repository(Answers("orders", tool=tool))[".github/workflows/pipeline.yml"]
    ours = (FOLDER / "workflows" / "pipeline.yml").read_text(encoding="utf-8")
    theirs = ours.replace("$/.github/workflows/deliver.yml", f"acme/pipeline/.github/workflows/deliver.yml@{'1' * 40}")
    assert yaml.safe_load(made) == yaml.safe_load(theirs)
    unknown = repository(Answers("orders", environments={"live": "main"}))[".github/workflows/pipeline.yml"]
    assert "uses: OWNER/pipeline/.github/workflows/deliver.yml@SHA\n" in unknown
    assert yaml.safe_load(unknown)[True]["push"]["branches"] == ["main"]
