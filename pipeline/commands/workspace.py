"""What every command works with: the project, one environment, the way to AWS and the ledger.

Each part is made when it is first asked for, and what makes it is imported only then: a command pays only for what it
uses. (Importing everything takes 0.1 s, as long as a `package` that finds nothing to do.)
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from pipeline.commands.followers import Follower, Nobody
from pipeline.commands.remembering import load
from pipeline.commands.runners import run_url_of
from pipeline.config.loaded import Loaded
from pipeline.errors import BadInput, Diagnostic
from pipeline.model.delivery import Tried
from pipeline.model.environment import Environment
from pipeline.model.scope import Scope
from pipeline.reporting.console import Console
from pipeline.reporting.style import seconds

if TYPE_CHECKING:
    from pipeline.clients import AwsClient
    from pipeline.local.supervisor import LocalAws
    from pipeline.packaging.packager import Packager
    from pipeline.packaging.targets import BuildTarget
    from pipeline.releasing.store import Ledger
    from pipeline.resources.registry import Registry


@dataclass(frozen=True)
class Clock:
    """Time as a port: Unix seconds, a monotonic reading, and a sleep that ends early when the run must stop."""

    now: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]

    def today(self) -> date:
        """The date in UTC."""
        return datetime.fromtimestamp(self.now(), UTC).date()

    def stamp(self) -> str:
        """Now in UTC, ISO 8601 with seconds."""
        return datetime.fromtimestamp(self.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Workspace:
    """The surroundings of one command. `environment_name` is None where every environment is meant.

    `seconds` and `tried` fill while it works: what each stage took, what came of smoke tests. With `needs_specs` the
    whole configuration has to be right before anything else is done. `region` is the one at hand where the environment
    has several; `alone` when the user named it, and nothing else is meant.
    `purpose` is the command in words, for those who look at who called AWS.
    """

    root: Path
    environment_name: str | None
    local: bool
    console: Console
    clock: Clock
    stop: Event
    environ: Mapping[str, str]
    seconds: dict[str, float] = field(default_factory=dict)
    tried: list[Tried] = field(default_factory=list)
    needs_specs: bool = True
    region: str | None = None
    alone: bool = False
    purpose: str = ""
    _locked: int = 0
    follower: Follower = field(default_factory=Nobody)

    def without_specs(self) -> "Workspace":
        """The same surroundings for what takes all but the environment's identity from the ledger."""
        return replace(self, needs_specs=False) if self.needs_specs else self

    @contextmanager
    def stage(self, name: str) -> Iterator[list[str]]:
        """Times a stage of the command under `name`; what is put into the list is told when it ends."""
        started = self.clock.monotonic()
        told: list[str] = []
        try:
            yield told
        finally:
            took = self.clock.monotonic() - started
            self.seconds[name] = self.seconds.get(name, 0.0) + took
        if told:
            style = self.console.err_style
            self.console.say(f"{style.bold(name.ljust(9))} {', '.join(told)}  {style.dim(seconds(took))}")

    @cached_property
    def types(self) -> "Registry":
        """All resource types."""
        from pipeline.resources.registry import registry

        return registry()

    @cached_property
    def loaded(self) -> Loaded:
        """The project with the environment's (or every environment's) desired state. BadInput lists every error."""
        found = self._load(None)
        name = self.environment_name
        if name is not None and found.environments[name].account is None:
            # ARNs hold the account: what the file does not say, the credentials do.
            return self._load(self._account_of_credentials(found.environments[name].region))
        return found

    def _load(self, account: str | None) -> Loaded:
        names = None if self.environment_name is None else [self.environment_name]
        found = self.read(names, account)
        if found.errors:
            raise BadInput.of(found.errors)
        return found

    def read(self, names: Sequence[str] | None, account: str | None = None) -> Loaded:
        """The configuration of these environments, or of all of them, with all that is wrong."""
        today, cache = self.clock.today(), cache_dir(self.environ) / "loaded"
        return load(self.root, names, lambda: self.types, today, account=account, region=self.region, cache=cache)

    def _account_of_credentials(self, region: str) -> str:
        from pipeline.clients import connect
        from pipeline.local.supervisor import DEFAULT_ACCOUNT

        if self.local:
            return DEFAULT_ACCOUNT
        answer = connect(region, stop=self.stop, purpose=self.purpose).call("sts", "GetCallerIdentity")
        return str(answer["Account"])

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What validation found worth saying, though it is no error."""
        return self.loaded.warnings if self.needs_specs else ()

    @property
    def environment(self) -> Environment:
        """The environment that the command is for."""
        assert self.environment_name is not None
        return self.loaded.environments[self.environment_name] if self.needs_specs else self._identity

    @cached_property
    def _identity(self) -> Environment:
        """The environment by its file alone. BadInput when that does not say where it is."""
        from pipeline.config.identity import read_identity

        assert self.environment_name is not None
        found = read_identity(self.root, self.environment_name, self.region)
        return found if found.account else found.with_account(self._account_of_credentials(found.region))

    @property
    def name(self) -> str:
        """The name of the environment, for a command that is about one."""
        assert self.environment_name is not None
        return self.environment_name

    @property
    def place(self) -> str:
        """The environment, with the region where it has several: what is told of it is told of one."""
        return f"{self.name}/{self.region}" if self.region else self.name

    @property
    def scope(self) -> Scope:
        """Where the command acts."""
        return self.environment.scope

    @cached_property
    def embedded(self) -> "LocalAws":
        """The embedded AWS, started when it is absent."""
        from pipeline.commands.embedding import embedded

        return embedded(self)

    @cached_property
    def aws(self) -> "AwsClient":
        """The way to the environment's AWS: boto3's own configuration, or the embedded AWS with `--local`."""
        from pipeline.clients import connect

        variables = self.embedded.environment() if self.local else None
        region, purpose = self.scope.region, self.purpose
        client = connect(region, environment=variables, stop=self.stop, rationed=not self.local, purpose=purpose)
        client.scope = self.scope
        return client

    def home_of(self, aws: "AwsClient") -> "AwsClient | None":
        """The same way to the home region, from another one: it has what there is once for all regions."""
        home = self.environment.home
        return None if home == self.scope.region else aws.within(home)

    def others_of_home(self, *, needs_specs: bool = False) -> Iterator["Workspace"]:
        """The surroundings in every other region, from the home one; from another none."""
        environment = self.environment
        for region in environment.elsewhere if environment.region == environment.home else ():
            yield replace(self, region=region, needs_specs=needs_specs)

    @cached_property
    def ledger(self) -> "Ledger":
        """The environment's ledger."""
        from pipeline.releasing.store import Ledger, bucket_name

        ledger = Ledger(self.aws.for_records(), bucket_name(self.scope))
        self.aws.artifacts = ledger.artifact
        return ledger

    @cached_property
    def packager(self) -> "Packager":
        """Builds the code of functions and layers."""
        from pipeline.packaging.packager import Packager

        return Packager(
            root=self.root,
            code=self.loaded.project.code,
            cache_dir=cache_dir(self.environ),
            progress=self.console.say,
            stopping=self.stop.is_set,
        )

    def build_target(self) -> "BuildTarget | None":
        """The interpreter that dependencies are built for; None: what each function's runtime says.

        The embedded AWS runs functions in an interpreter of this machine, whatever their runtime says.
        """
        if not self.local:
            return None
        from pipeline.packaging.targets import BuildTarget

        python = ".".join(str(part) for part in self.embedded.python)
        return BuildTarget.for_interpreter(self.embedded.python_executable, python)

    @cached_property
    def commit(self) -> str | None:
        """The commit that is checked out, or None outside of git."""
        return git(self.root, "rev-parse", "HEAD")

    @cached_property
    def actor(self) -> str:
        """Who runs this: GitHub's actor, else the user of this machine."""
        if name := self.environ.get("GITHUB_ACTOR"):
            return name
        import getpass

        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return "unknown"

    @cached_property
    def run_url(self) -> str | None:
        """The page of the GitHub Actions run, when there is one."""
        return run_url_of(self.environ)

    @cached_property
    def run_id(self) -> str:
        """A name for this run that sorts by time."""
        return datetime.fromtimestamp(self.clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ-") + os.urandom(4).hex()

    def next_run(self) -> str:
        """A name for what is done under the lock next: a command that takes it again, after another run, has two."""
        self._locked += 1
        return self.run_id if self._locked == 1 else f"{self.run_id}-{self._locked}"

    def public(self, value: Any) -> Any:
        """An output as a person can use it: URLs of the embedded AWS are those that answer on this machine."""
        if self.local and isinstance(value, str) and "://" in value:
            from pipeline.local.urls import public_url

            return public_url(value, self.embedded.endpoint)
        return value


def cache_dir(environ: Mapping[str, str]) -> Path:
    """Where builds are shared between checkouts: `$XDG_CACHE_HOME/pipeline`, by default `~/.cache/pipeline`.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pipeline"


def git(root: Path, *arguments: str) -> str | None:
    """The output of a git command in `root`, or None where there is no git or no repository."""
    import subprocess

    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
