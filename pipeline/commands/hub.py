"""GitHub as a run knows it: its repository, its own number there, and what is told in the background.

Without a token there is nobody to tell, and everything else is as it is on a laptop.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock, Thread
from typing import TypeVar

from pipeline.commands.workspace import Workspace, git
from pipeline.errors import Diagnostic, GitHubError
from pipeline.github.checks import Checks
from pipeline.github.client import Client
from pipeline.github.deployments import Deployments
from pipeline.github.issues import Issues
from pipeline.github.outbox import Outbox
from pipeline.github.repository import Pull, Repository
from pipeline.reporting.console import Console
from pipeline.reporting.status_text import Run

T = TypeVar("T")

API = "https://api.github.com"
# How long the end of a run waits for GitHub; a stopped one has to be gone within seconds.
_PATIENCE, _PATIENCE_WHEN_STOPPED = 75.0, 1.0
# How long a deploy or a rollback waits for what it would like to know.
_SOON = 10.0
# How long what was written is left alone before it is looked at again, and how often that is done.
_SETTLING, _ROUNDS = 3.0, 5
# So many commits are looked at for the pull requests that they are of.
_COMMITS = 30


@dataclass
class Hub:
    """The repository and what is told to it. `key` tells this run from all others, also from itself run again.

    `beside`: other jobs tell of other regions of the environment, maybe at this moment.
    """

    repository: Repository
    run: Run
    key: str
    prefix: str = ""
    beside: bool = False
    outbox: Outbox = field(default_factory=Outbox)
    _shared: dict[str, Callable[[], object]] = field(default_factory=dict)
    _pulls: dict[str, list[Pull]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @cached_property
    def checks(self) -> Checks:
        """The check runs."""
        return Checks(self.repository.client, self.repository.name, self.prefix)

    @cached_property
    def deployments(self) -> Deployments:
        """The GitHub deployments."""
        return Deployments(self.repository.client, self.repository.name)

    @cached_property
    def drift(self) -> Issues:
        """The issues about drift."""
        return Issues(self.repository, "drift")

    def place(self, environment: str) -> str:
        """An environment as the repository knows it: with the folder of its service, where that has one."""
        return f"{self.prefix}{environment}"

    def pulls_of(self, commit: str) -> list[Pull]:
        """The pull requests of a commit, the merged ones first; asked once. Raises GitHubError."""
        with self._lock:
            if commit not in self._pulls:
                found = self.repository.pulls_of(commit)
                self._pulls[commit] = sorted(found, key=lambda pull: (not pull.merged, pull.number))
            return self._pulls[commit]

    def pulls_with(self, commit: str, commits: Sequence[str]) -> list[Pull]:
        """The pull request of `commit`, then those that the last of `commits` brought to the same branch."""
        found = self.pulls_of(commit)[:1]
        for each in commits[-_COMMITS:] if found else ():
            # Of other bases are those that came to another branch first.
            found += [pull for pull in self.pulls_of(each) if pull.merged and pull.base == found[0].base]
        return list({pull.number: pull for pull in found}.values())

    def ask(self, question: Callable[[], T]) -> "Future[T]":
        """Asks in a thread of its own, for `answer`: what waits for GitHub must not wait for long."""
        future: Future[T] = Future()

        def work() -> None:
            try:
                future.set_result(question())
            except BaseException as error:  # noqa: BLE001 - raised where the answer is asked for
                future.set_exception(error)

        Thread(target=work, name="question", daemon=True).start()
        return future

    def put(self, name: str, job: Callable[[], object], *, shared: bool) -> None:
        """Tells something in the background. What is `shared` with jobs beside this one is looked at again at the end.

        `job` is true when it changed something; done again it changes nothing.
        """
        self.outbox.put(name, job)
        if shared and self.beside:
            self._shared[name] = job

    def _settle(self) -> None:
        """Writes again what another job has overwritten that had read before it was written.

        Between reading and writing there is one request; who reads after the pause has read what was written.
        """
        for _ in range(_ROUNDS):
            self.repository.client.pause(_SETTLING)
            changed = [job() for job in self._shared.values()]
            if not any(changed):
                return
        raise GitHubError("other jobs wrote it at the same time, again and again")

    def close(self, console: Console, *, stopped: bool) -> None:
        """Waits for what is still to be told, and reports what could not be: no failure, but no secret either."""
        if self._shared and not stopped:
            self.outbox.put(f"what is shared: {', '.join(self._shared)}", self._settle)
        self.outbox.close(_PATIENCE_WHEN_STOPPED if stopped else _PATIENCE)
        for problem in dict.fromkeys(self.outbox.problems):
            console.warn(Diagnostic(f"telling GitHub: {problem}; nothing else depends on it", severity="warning"))


def answer(future: "Future[T]", seconds: float = _SOON) -> T:
    """The answer to a question. GitHubError when GitHub has none, or not soon."""
    try:
        return future.result(seconds)
    except TimeoutError as error:
        raise GitHubError(f"GitHub: no answer within {seconds:g} s") from error


def hub_of(space: Workspace) -> Hub | None:
    """GitHub for this run; None without a token, or outside of a repository there.

    https://docs.github.com/en/actions/reference/workflows-and-actions/variables
    """
    environ = space.environ
    token, name = environ.get("GITHUB_TOKEN"), environ.get("GITHUB_REPOSITORY")
    if not token or not name:
        return None
    from pipeline.clients import GitHubTransport  # noqa: PLC0415 - runs that tell nobody need not know how

    transport = GitHubTransport(token, environ.get("GITHUB_API_URL") or API)
    client = Client(transport, space.clock)
    beside = space.region is not None
    return Hub(Repository(client, name), run_of(space), key_of(environ), _prefix(space), beside)


def run_of(space: Workspace) -> Run:
    """The run as people know it."""
    environ = space.environ
    return Run(environ.get("GITHUB_RUN_NUMBER") or "", space.run_url, attempt_of(environ))


def attempt_of(environ: Mapping[str, str]) -> int:
    """How often this run was started."""
    text = environ.get("GITHUB_RUN_ATTEMPT") or "1"
    return int(text) if text.isascii() and text.isdigit() else 1


def key_of(environ: Mapping[str, str]) -> str:
    """A name for this attempt of this run."""
    return f"{environ.get('GITHUB_RUN_ID') or 'local'}.{attempt_of(environ)}"


def _prefix(space: Workspace) -> str:
    """From the root of the repository to that of the project: `services/orders/`, mostly nothing."""
    return git(space.root, "rev-parse", "--show-prefix") or ""
