"""The whole of a project's configuration at once: project, environments, desired states, and all that is wrong."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from pipeline.config.access_checks import check_access
from pipeline.config.alarm_checks import check_alarms
from pipeline.config.aliases import check_aliases
from pipeline.config.attachments import Attachments
from pipeline.config.authoring import Checkers
from pipeline.config.boundaries import bounded
from pipeline.config.checks import CrossCheck
from pipeline.config.declarations import Specs, read_specs
from pipeline.config.desired import Builder
from pipeline.config.env_rules import DIRECTORY, Rules, read_rules
from pipeline.config.environments import EnvFile, names_of, read_environment
from pipeline.config.files import Files
from pipeline.config.findings import Findings, Place, did_you_mean
from pipeline.config.frontend import read_frontend
from pipeline.config.handlers import Handlers
from pipeline.config.known import Known
from pipeline.config.loaded import Loaded, Project
from pipeline.config.moves import Moves
from pipeline.config.parity import check_parity
from pipeline.config.project import read_project
from pipeline.config.role_checks import check_roles
from pipeline.config.sharing import at_home, elsewhere
from pipeline.config.smoke import read_smoke, smoke_node
from pipeline.config.standing_in import stood_in
from pipeline.errors import Diagnostic
from pipeline.model.delivery import Check
from pipeline.model.resource import DesiredState
from pipeline.resources.registry import Registry


def load(
    files: Path | Files,
    names: Sequence[str] | None,
    registry: Registry,
    today: date,
    *,
    account: str | None = None,
    region: str | None = None,
) -> Loaded:
    """Reads and checks the project at the root `files`: the named environments, or all of them with None.

    Bad content never raises: it becomes diagnostics, sorted, of all files and environments together. With None the
    environments are also compared with each other and with pipeline.yaml. `account` stands in for environments whose
    file has no AWS_ACCOUNT_ID, once the credentials have told it. `region` is the one at hand of an environment that
    has several; without it all of them are checked, and what is declared is that of the home region.
    """
    asked = files if isinstance(files, Files) else Files(files)
    return _Loading(asked, registry, today, account, region).load(names)


class _Loading:
    def __init__(self, files: Files, registry: Registry, today: date, account: str | None, region: str | None) -> None:
        self.files = files
        self.registry = registry
        self.today = today
        self.account = account
        self.region = region
        self.findings = Findings()
        self.rules = Rules(None)
        self.checkers = Checkers(today)
        self.attachments = Attachments(self.files, self.findings)

    def load(self, names: Sequence[str] | None) -> Loaded:
        """Reads everything once, then renders it for each environment."""
        project = read_project(self.files, self.findings)
        read, lacking = self._environments(names, project)
        specs = read_specs(self.files, self.registry, self.findings)
        specs = replace(specs, declared=(*specs.declared, *read_frontend(self.files, self.registry)))
        handlers = Handlers(self.files, project, self.findings)
        desired: dict[str, DesiredState] = {}
        found: dict[str, list[Diagnostic]] = {}
        smoke: dict[str, tuple[Check, ...]] = {}
        moved: dict[str, Mapping[str, str]] = {}
        written = smoke_node(self.files)
        for env in [one for each in read for one in self._in_regions(each)] or [EnvFile("", "", readable=False)]:
            findings, judged = Findings(), stood_in(env, read)
            lacks = lacking.get(env.name, frozenset()) - (judged.values.keys() - env.values.keys())
            state, moves, known = self._desired(judged, lacks, specs, handlers, findings)
            state = bounded(state, project.permissions_boundary, judged.environment)
            checks = read_smoke(written, judged, lacks, (known, self.registry), findings)
            found[_where(env)] = findings.found
            desired.setdefault(env.name, state)
            smoke.setdefault(env.name, checks)
            moved.setdefault(env.name, moves)
        environments = {env.name: env.environment for env in read if env.environment}
        return Loaded(
            project=project,
            environments=environments,
            desired={name: desired[name] for name in environments},
            diagnostics=_sorted([*self.findings.found, *_together(found)]),
            smoke={name: smoke[name] for name in environments},
            moved={name: moved[name] for name in environments},
        )

    def _environments(
        self, names: Sequence[str] | None, project: Project
    ) -> tuple[list[EnvFile], Mapping[str, frozenset[str]]]:
        self.rules = read_rules(self.files, self.findings)
        if names is not None:
            return [self._environment(name) for name in dict.fromkeys(names)], {}
        known = names_of(self.files)
        if not known:
            message = f"there is no environment: {DIRECTORY}/ holds no .env file"
            self.findings.error(message, Place(DIRECTORY), hint=f"add {DIRECTORY}/dev.env")
        for name in project.environments:
            if name not in known and known:
                place = project.places.get(name, Place(project.source))
                message = f"there is no {DIRECTORY}/{name}.env{did_you_mean(name, known)}"
                self.findings.error(message, place, hint="add the file, or remove the environment here")
        for name in known:
            if project.environments and name not in project.environments:
                message = f"{project.source} does not name this environment: no branch deploys it"
                self.findings.warning(message, Place(f"{DIRECTORY}/{name}.env"), hint="add it below environments:")
        read = [self._environment(name) for name in known]
        return read, check_parity(read, self.findings)

    def _environment(self, name: str) -> EnvFile:
        env = read_environment(self.files, name, self.rules, self.findings, self.region)
        if env.environment is None or env.environment.account or "AWS_ACCOUNT_ID" in env.unclear:
            return env
        self.findings.warning(
            "AWS_ACCOUNT_ID is missing: this environment is deployed into whatever account the credentials are for",
            Place(env.file),
            hint="add AWS_ACCOUNT_ID=, so that the credentials of another account are refused",
        )
        account = self.account
        return replace(env, environment=env.environment.with_account(account)) if account else env

    def _in_regions(self, env: EnvFile) -> Iterator[EnvFile]:
        """The environment in the region at hand; in each of its regions when none is named."""
        regions = env.environment.regions if env.environment and self.region is None else ()
        yield env
        for region in regions[1:]:
            yield self._at(env, region)

    def _at(self, env: EnvFile, region: str) -> EnvFile:
        """The same environment in another of its regions."""
        found = read_environment(self.files, env.name, self.rules, Findings(), region)
        account = env.environment.account if env.environment else None
        if found.environment is None or account is None:
            return found
        return replace(found, environment=found.environment.with_account(account))

    def _builder(self, env: EnvFile, lacking: frozenset[str], findings: Findings) -> Builder:
        return Builder(env, lacking, self.registry, self.checkers, self.attachments, self.today, findings)

    def _desired(
        self,
        env: EnvFile,
        lacking: frozenset[str],
        specs: Specs,
        handlers: Handlers,
        findings: Findings,
    ) -> tuple[DesiredState, Mapping[str, str], Known]:
        rendered = self._builder(env, lacking, findings).build(specs.declared)
        environment = env.environment
        if environment is not None and environment.region == environment.home:
            rendered = at_home(rendered, environment, self.registry)
        elif environment is not None:
            home = self._builder(self._at(env, environment.home), lacking, Findings()).build(specs.declared)
            rendered = elsewhere(rendered, home, environment, self.registry, findings)
        known = Known.of(rendered, specs.unread)
        CrossCheck(rendered, known, self.registry, findings).run()
        check_aliases(rendered, findings)
        check_access(rendered, env.name, findings)
        check_roles(rendered, findings)
        check_alarms(rendered, findings)
        handlers.check(rendered, findings)
        moved = Moves(env, lacking, self.registry, findings).read(specs.moved, rendered, known)
        state = DesiredState(tuple({r.resource.address: r.resource for r in rendered if r.resource}.values()))
        return state, moved, known


def _where(env: EnvFile) -> str:
    """An environment as findings name it: with the region, where it has several."""
    environment = env.environment
    several = environment is not None and len(environment.regions) > 1
    return f"{env.name}/{environment.region}" if environment is not None and several else env.name


def _together(found: Mapping[str, Sequence[Diagnostic]]) -> list[Diagnostic]:
    """The findings of all environments, each place once; those that not every environment has say which have them."""
    environments: dict[Diagnostic, list[str]] = {}
    addresses: dict[Diagnostic, set[str | None]] = {}
    for name, diagnostics in found.items():
        for diagnostic in diagnostics:
            key = replace(diagnostic, address=None)
            environments.setdefault(key, []).append(name)
            addresses.setdefault(key, set()).add(diagnostic.address)
    result = []
    for key, names in environments.items():
        address = next(iter(addresses[key])) if len(addresses[key]) == 1 else None
        having = list(dict.fromkeys(names))
        suffix = "" if len(having) == len(found) else f" (in {', '.join(having)})"
        result.append(replace(key, message=key.message + suffix, address=address))
    return result


def _sorted(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(dict.fromkeys(diagnostics), key=Diagnostic.sort_key))
