"""The whole of a project's configuration at once: project, environments, desired states, and all that is wrong."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from pipeline.config.access_checks import check_access
from pipeline.config.aliases import check_aliases
from pipeline.config.attachments import Attachments
from pipeline.config.authoring import Checkers
from pipeline.config.boundaries import bounded
from pipeline.config.checks import CrossCheck
from pipeline.config.declarations import Declared, read_specs
from pipeline.config.desired import Builder
from pipeline.config.env_rules import DIRECTORY, Rules, read_rules
from pipeline.config.environments import EnvFile, check_parity, names_of, read_environment
from pipeline.config.files import Files
from pipeline.config.findings import Findings, Place, did_you_mean
from pipeline.config.frontend import read_frontend
from pipeline.config.handlers import Handlers
from pipeline.config.loaded import Loaded, Project
from pipeline.config.project import read_project
from pipeline.config.smoke import read_smoke, smoke_node
from pipeline.config.standing_in import stood_in
from pipeline.errors import Diagnostic
from pipeline.model.resource import DesiredState
from pipeline.resources.registry import Registry


def load(
    files: Path | Files, names: Sequence[str] | None, registry: Registry, today: date, *, account: str | None = None
) -> Loaded:
    """Reads and checks the project at the root `files`: the named environments, or all of them with None.

    Bad content never raises: it becomes diagnostics, sorted, of all files and environments together. With None the
    environments are also compared with each other and with pipeline.yaml. `account` stands in for environments whose
    file has no AWS_ACCOUNT_ID, once the credentials have told it.
    """
    asked = files if isinstance(files, Files) else Files(files)
    return _Loading(asked, registry, today, account).load(names)


class _Loading:
    def __init__(self, files: Files, registry: Registry, today: date, account: str | None) -> None:
        self.files = files
        self.registry = registry
        self.today = today
        self.account = account
        self.findings = Findings()
        self.checkers = Checkers()
        self.attachments = Attachments(self.files, self.findings)

    def load(self, names: Sequence[str] | None) -> Loaded:
        """Reads everything once, then renders it for each environment."""
        project = read_project(self.files, self.findings)
        read, lacking = self._environments(names, project)
        specs = read_specs(self.files, self.registry, self.findings)
        declared = [*specs, *read_frontend(self.files, self.registry)]
        handlers = Handlers(self.files, project, self.findings)
        desired: dict[str, DesiredState] = {}
        found: dict[str, list[Diagnostic]] = {}
        smoke, written = {}, smoke_node(self.files)
        for env in read or [EnvFile("", "", readable=False)]:
            findings, judged = Findings(), stood_in(env, read)
            lacks = lacking.get(env.name, frozenset()) - (judged.values.keys() - env.values.keys())
            state = self._desired(judged, lacks, declared, handlers, findings)
            desired[env.name] = bounded(state, project.permissions_boundary, judged.environment)
            known = desired[env.name], self.registry
            smoke[env.name] = read_smoke(written, judged, lacks, known, findings)
            found[env.name] = findings.found
        environments = {env.name: env.environment for env in read if env.environment}
        return Loaded(
            project=project,
            environments=environments,
            desired={name: desired[name] for name in environments},
            diagnostics=_sorted([*self.findings.found, *_together(found)]),
            smoke={name: smoke[name] for name in environments},
        )

    def _environments(
        self, names: Sequence[str] | None, project: Project
    ) -> tuple[list[EnvFile], Mapping[str, frozenset[str]]]:
        rules = read_rules(self.files, self.findings)
        if names is not None:
            return [self._environment(name, rules) for name in dict.fromkeys(names)], {}
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
        read = [self._environment(name, rules) for name in known]
        return read, check_parity(read, self.findings)

    def _environment(self, name: str, rules: Rules) -> EnvFile:
        env = read_environment(self.files, name, rules, self.findings)
        if env.environment is None or env.environment.account or "AWS_ACCOUNT_ID" in env.unclear:
            return env
        self.findings.warning(
            "AWS_ACCOUNT_ID is missing: this environment is deployed into whatever account the credentials are for",
            Place(env.file),
            hint="add AWS_ACCOUNT_ID=, so that the credentials of another account are refused",
        )
        account = self.account
        return replace(env, environment=env.environment.with_account(account)) if account else env

    def _desired(
        self,
        env: EnvFile,
        lacking: frozenset[str],
        declared: Iterable[Declared],
        handlers: Handlers,
        findings: Findings,
    ) -> DesiredState:
        builder = Builder(env, lacking, self.registry, self.checkers, self.attachments, self.today, findings)
        rendered = builder.build(declared)
        CrossCheck(rendered, self.registry, findings).run()
        check_aliases(rendered, findings)
        check_access(rendered, env.name, findings)
        handlers.check(rendered, findings)
        return DesiredState(tuple({r.resource.address: r.resource for r in rendered if r.resource}.values()))


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
