"""A small service in a git repository, `pipeline run` over it in this process, and the events that start it."""

import io
import json
import signal
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from tests.functional.support import Result
from tests.support.fake_github import REPO, FakeGitHub

PROJECT = "environments:\n  dev: dev\n  production: main\n"
ENVIRONMENT = "SERVICE_NAME=tiny\nENVIRONMENT={0}\nAWS_REGION=us-east-1\nAWS_ACCOUNT_ID=123456789012\n"
BASE = ["topics:", "  - name: tiny-${ENVIRONMENT}-audit"]
IDENTITY = ["-c", "user.name=dev", "-c", "user.email=dev@example.com", "-c", "commit.gpgsign=false"]


@dataclass
class Service:
    """The repository; `commit` makes a commit that declares these topics besides the first."""

    root: Path
    github: FakeGitHub
    patch: pytest.MonkeyPatch
    runs: int = 0
    environ: dict[str, str] = field(default_factory=dict)

    def setup(self) -> None:
        """The first commit."""
        self.write("pipeline.yaml", PROJECT)
        self.write(".gitignore", ".pipeline/\n")
        for name in ("dev", "production"):
            self.write(f"environments/{name}.env", ENVIRONMENT.format(name))
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit()

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.root), *IDENTITY, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, *topics: str) -> str:
        """The id of a new commit; `topics` are names of topics."""
        lines = BASE + [f"  - name: tiny-${{ENVIRONMENT}}-{name}" for name in topics]
        self.write("aws/sns.yaml", "\n".join(lines) + "\n")
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")

    def run(self, event: str, payload: Any, *options: str, **environ: str) -> Result:
        """`pipeline run` for an event, as a step of a job would."""
        (self.root.parent / "event.json").write_text(json.dumps(payload))
        return self.cli_on_github("run", *options, GITHUB_EVENT_NAME=event, **environ)

    def cli_on_github(self, command: str, *options: str, **environ: str) -> Result:
        """`pipeline COMMAND` in this process, as in a step of a job."""
        self.runs += 1
        folder = self.root.parent
        variables = {
            "GITHUB_EVENT_PATH": str(folder / "event.json"), "GITHUB_REPOSITORY": REPO,
            "GITHUB_TOKEN": "token-of-the-job", "GITHUB_API_URL": self.github.url, "GITHUB_ACTOR": "ada",
            "GITHUB_RUN_ID": str(5000 + self.runs), "GITHUB_RUN_NUMBER": str(self.runs),
            "GITHUB_SERVER_URL": "https://github.example", "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
            "GITHUB_OUTPUT": str(folder / "output"), "RUNNER_TEMP": str(folder / "temp"),
            "GITHUB_WORKFLOW_REF": f"{REPO}/.github/workflows/pipeline.yml@refs/heads/main",
            **self.environ, **environ,
        }  # fmt: skip
        for name in ("GITHUB_ACTIONS", "GITHUB_SHA", "GITHUB_REF", "GITHUB_RUN_ATTEMPT"):
            self.patch.delenv(name, raising=False)
        for name, value in variables.items():
            self.patch.setenv(name, value)
        return self.cli(command, *options)

    def cli(self, command: str, *options: str) -> Result:
        """`pipeline COMMAND` in this process."""
        out, err = io.StringIO(), io.StringIO()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = main([command, "--root", str(self.root), *options])
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return Result(code, out.getvalue(), err.getvalue())

    def summary(self) -> str:
        return (self.root.parent / "summary.md").read_text()

    def outputs(self) -> dict[str, str]:
        """The outputs of all steps; the last of each name."""
        found, lines = {}, iter((self.root.parent / "output").read_text().splitlines())
        for line in lines:
            name, _, end = line.partition("<<")
            found[name] = "\n".join(iter(partial(next, lines), end))
        return found

    # What starts it.

    def opened(
        self, number: int, sha: str, base: str = "main", *, before: str | None = None, options: tuple[str, ...] = (),
        **more: Any,
    ) -> Result:  # fmt: skip
        """A pull request of this repository was opened; or it goes to `base` now, and went to `before`."""
        self.github.add_pull(number, sha, base)
        repo = {"full_name": REPO}
        pull = {
            "number": number, "user": {"login": "ada"}, "base": {"ref": base, "repo": repo},
            "head": {"sha": sha, "repo": repo},
        }  # fmt: skip
        payload: dict[str, Any] = {"action": "opened", "pull_request": pull, "sender": {"login": "ada"}}
        if before:
            payload |= {"action": "edited", "changes": {"base": {"ref": {"from": before}}}}
        return self.run("pull_request", payload, *options, **more)

    def closed(
        self, number: int, sha: str, base: str = "main", *, merged: bool, options: tuple[str, ...] = ()
    ) -> Result:
        """The pull request was closed; of a merge there is also a push, maybe before this."""
        repo = {"full_name": REPO}
        pull = {
            "number": number, "user": {"login": "ada"}, "base": {"ref": base, "repo": repo}, "merged": merged,
            "head": {"sha": sha, "repo": repo},
        }  # fmt: skip
        payload = {"action": "closed", "pull_request": pull, "sender": {"login": "ada"}}
        return self.run("pull_request", payload, *options)

    def merged(self, number: int, head: str, sha: str, branch: str = "main", **more: Any) -> Result:
        """The pull request was merged as commit `sha`, which is pushed to its base."""
        self.github.add_pull(number, head, branch, merge=sha)
        return self.pushed(sha, branch, **more)

    def pushed(self, sha: str, branch: str = "main", commits: tuple[str, ...] = (), **more: Any) -> Result:
        payload = {
            "ref": f"refs/heads/{branch}", "after": sha, "sender": {"login": "ada"},
            "commits": [{"id": commit} for commit in commits],
        }  # fmt: skip
        return self.run("push", payload, **more)

    def tagged(self, tag: str, sha: str, by: str = "ada", **more: Any) -> Result:
        payload = {"ref": f"refs/tags/{tag}", "after": sha, "created": True, "sender": {"login": by}}
        return self.run("push", payload, GITHUB_ACTOR=by, **more)

    def commented(self, number: int, body: str, by: str = "ada", **more: Any) -> Result:
        comment = self.github.add_comment(number, body, by)
        payload = {
            "action": "created", "issue": {"number": number, "pull_request": {"url": "x"}},
            "comment": {"id": comment, "body": body, "user": {"login": by, "type": "User"}},
            "sender": {"login": by, "type": "User"},
        }  # fmt: skip
        return self.run("issue_comment", payload, GITHUB_ACTOR=by, **more)

    def dispatched(self, inputs: dict[str, str], ref: str = "refs/heads/main", **more: Any) -> Result:
        return self.run("workflow_dispatch", {"inputs": inputs, "ref": ref}, GITHUB_REF=ref, **more)
