"""What reading a project gives. Apart from what reads it: a load that is remembered needs nothing else of this room."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.config.findings import Place
from pipeline.errors import Diagnostic
from pipeline.model.delivery import Check, Retention
from pipeline.model.environment import Environment
from pipeline.model.resource import DesiredState
from pipeline.model.strategy import Strategy

FILE = "pipeline.yaml"


@dataclass(frozen=True)
class EnvironmentSettings:
    """What pipeline.yaml says of one environment. `branch` is None when only hands deploy it.

    `rollout` is None when it says nothing of its own about that. `permission` is what somebody has to be on GitHub to
    command it; `deletes_data` whether the role that deploys may delete what holds data.
    """

    branch: str | None = None
    rollout: Strategy | None = None
    permission: str = "write"
    deletes_data: bool = False


@dataclass(frozen=True)
class GitHubSettings:
    """What is told to GitHub. `workflow` is the file that commands start; None: the one that reads them."""

    show_environment_values: bool = False
    revert_pull_request: bool = False
    workflow: str | None = None


@dataclass(frozen=True)
class CodeSettings:
    """Where the functions' code is. `root` and `requirements` are paths from the project's root.

    `include` and `exclude` are patterns as in .gitignore, from `root`.
    """

    root: str = "backend"
    include: tuple[str, ...] = ("handlers", "src", "lib", "utils")
    exclude: tuple[str, ...] = ("*.pyc", "__pycache__")
    requirements: str | None = None


@dataclass(frozen=True)
class Named:
    """Something that the project's file says: under which key, and where."""

    key: str
    place: Place


@dataclass(frozen=True)
class Project:
    """A service repository. `source` is its pipeline.yaml, relative to `root`.

    `services` are the folders of the services that it lists; then it is none itself. `permissions_boundary` is the
    policy, by name or ARN, that limits roles which name none. `places` leads to its environments, `code_place` to where
    `code.root` is or could be set, `alarms` to those of each environment's rollout, or of the common one ("").
    """

    root: Path
    environments: Mapping[str, EnvironmentSettings] = field(default_factory=dict)
    code: CodeSettings = CodeSettings()
    frontend_root: str = "frontend"
    rollout: Strategy = field(default_factory=Strategy)
    review: str = "safe"
    github: GitHubSettings = GitHubSettings()
    permissions_boundary: str | None = None
    retention: Retention = field(default_factory=Retention)
    source: str = FILE
    services: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)
    code_place: Place = field(default=Place(FILE), compare=False, repr=False)
    alarms: Mapping[str, tuple[Named, ...]] = field(default_factory=dict, compare=False, repr=False)

    def rollout_for(self, environment: str) -> Strategy:
        """How traffic shifts to a new release of an environment."""
        settings = self.environments.get(environment)
        return (settings and settings.rollout) or self.rollout

    def alarms_for(self, environment: str) -> tuple[Named, ...]:
        """Where the alarms of `rollout_for` are named, in their order."""
        settings = self.environments.get(environment)
        return self.alarms.get(environment if settings and settings.rollout else "", ())

    @property
    def branches(self) -> dict[str, tuple[str, ...]]:
        """branch -> the environments that its pushes deploy."""
        found: dict[str, tuple[str, ...]] = {}
        for name, settings in self.environments.items():
            if settings.branch is not None:
                found[settings.branch] = (*found.get(settings.branch, ()), name)
        return found


@dataclass(frozen=True)
class Loaded:
    """Everything that was read. With errors in `diagnostics`, the rest is only what could be understood.

    `moved`: environment -> new address -> the one that the resource had before.
    """

    project: Project
    environments: Mapping[str, Environment]
    desired: Mapping[str, DesiredState]
    diagnostics: tuple[Diagnostic, ...]
    smoke: Mapping[str, tuple[Check, ...]] = field(default_factory=dict)
    moved: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What forbids going on."""
        return tuple(found for found in self.diagnostics if found.severity == "error")

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What is worth saying, though it is no error."""
        return tuple(found for found in self.diagnostics if found.severity == "warning")


@dataclass(frozen=True)
class Module:
    """The names that a Python source has at its top.

    `open` when there may be more: `import *`, `__getattr__`, compiled. `wrong` is what this Python's parser says, and
    where.
    """

    file: str
    names: frozenset[str] = frozenset()
    open: bool = False
    wrong: tuple[str, Place] | None = None
