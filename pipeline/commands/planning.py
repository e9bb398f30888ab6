"""The stages that plan, deploy and destroy share: package, read the world, compute the plan."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

from pipeline.applying.observer import observe
from pipeline.applying.secrets import with_secrets
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput, Diagnostic
from pipeline.model.plan import Plan
from pipeline.model.release import LedgerHead
from pipeline.model.resource import DesiredState, ObservedState, Resource
from pipeline.model.values import references_of
from pipeline.packaging.values import Artifact, FunctionCode, LayerCode
from pipeline.planning.planner import Consent, Question, make_plan
from pipeline.planning.safety import check_account
from pipeline.resources.base import Problem

# Which property of which type holds the digest of an archive that packaging builds.
CODE = "code"


@dataclass(frozen=True)
class Situation:
    """What was wanted and what was found, at one moment. `head` is older than `observed`."""

    desired: DesiredState
    observed: ObservedState
    head: LedgerHead
    plan: Plan


class Reading:
    """The ledger's head and the account, read in the background while the code is packaged."""

    def __init__(self, workspace: Workspace) -> None:
        self._result: Future[tuple[LedgerHead, str]] = Future()
        self._environment = workspace.environment
        # Made here and not in the thread: the main thread asks for them, too.
        self._aws, self._ledger = workspace.aws, workspace.ledger
        Thread(target=self._work, name="reading", daemon=True).start()

    def _work(self) -> None:
        try:
            thunks: list[Callable[[], Any]] = [self._ledger.head, self._account]
            head, account = self._aws.gather(thunks)
            self._result.set_result((head, account))
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            self._result.set_exception(error)

    def _account(self) -> str:
        return str(self._aws.call("sts", "GetCallerIdentity")["Account"])

    def head(self) -> LedgerHead:
        """The head, once the account is known to be the environment's; Refused when it is another."""
        head, account = self._result.result()
        check_account(self._environment.account, account, self._environment.name)
        return head


def package(workspace: Workspace) -> tuple[DesiredState, dict[str, Path]]:
    """The desired state with the digests of built code filled in, and where the archives lie (digest -> file).

    BadInput when code cannot be built, is too large, or a handler cannot be imported from its bundle.
    """
    desired = workspace.loaded.desired[workspace.environment.name]
    functions, layers = code_of(desired)
    if not functions and not layers:
        return desired, {}
    packaged = workspace.packager.package(functions, layers, workspace.build_target())
    found = (*packaged.warnings, *workspace.packager.check_handlers(packaged, functions))
    if errors := [diagnostic for diagnostic in found if diagnostic.severity == "error"]:
        raise BadInput.of(errors)
    for diagnostic in found:
        workspace.console.warn(diagnostic)
    archives = {artifact.digest: artifact.path for artifact in packaged.distinct}
    return with_code(desired, packaged.artifacts), archives


def code_of(desired: DesiredState) -> tuple[list[FunctionCode], list[LayerCode]]:
    """The functions and layers whose code is to be built."""
    functions = [_function_code(resource) for resource in desired if resource.type == "lambda.function"]
    layers = [_layer_code(resource) for resource in desired if resource.type == "lambda.layer"]
    return functions, layers


def _function_code(resource: Resource) -> FunctionCode:
    properties, source = resource.properties, resource.source
    # The import check sets them all; what is secret or not known yet is empty there.
    variables = (properties.get("environment") or {}).items()
    environment = {key: value if isinstance(value, str) else "" for key, value in variables}
    return FunctionCode(
        address=resource.address,
        name=resource.name,
        runtime=properties["runtime"],
        architecture=properties["architecture"],
        handler=properties["handler"],
        include=tuple(properties.get("include") or ()),
        exclude=tuple(properties.get("exclude") or ()),
        layers=tuple(reference.address for reference in references_of(properties.get("layers"))),
        environment=environment,
        file=source.file if source else None,
        line=source.line if source else None,
    )


def _layer_code(resource: Resource) -> LayerCode:
    properties, source = resource.properties, resource.source
    return LayerCode(
        address=resource.address,
        name=resource.name,
        runtime=(properties.get("compatible_runtimes") or [""])[0],
        architecture=(properties.get("architectures") or ["x86_64"])[0],
        path=properties.get("path"),
        requirements=properties.get("requirements"),
        include=tuple(properties.get("include") or ()),
        exclude=tuple(properties.get("exclude") or ()),
        file=source.file if source else None,
        line=source.line if source else None,
    )


def with_code(desired: DesiredState, artifacts: Mapping[str, Artifact]) -> DesiredState:
    """`desired` with the digest of its archive as the `code` of every resource that was packaged."""

    def filled(resource: Resource) -> Resource:
        artifact = artifacts.get(resource.address)
        if artifact is None:
            return resource
        return replace(resource, properties={**resource.properties, CODE: artifact.digest})

    return DesiredState(tuple(filled(resource) for resource in desired))


def survey(
    workspace: Workspace, desired: DesiredState, head: LedgerHead, consent: Consent, *, thorough: bool = False
) -> Situation:
    """Reads AWS and computes the plan."""
    aws, types = workspace.aws, workspace.types
    desired = with_secrets(aws, desired)
    observed = observe(aws, types, desired, head.current, thorough=thorough or head.unfinished)
    plan = make_plan(
        Question(
            scope=workspace.scope,
            desired=desired,
            observed=observed,
            specs=types.specs,
            released=head.current.resources if head.current else {},
            consent=consent,
            commit=workspace.commit,
            warnings=tuple(warnings_of(workspace, desired)),
        )
    )
    return Situation(desired, observed, head, plan)


def warnings_of(workspace: Workspace, desired: DesiredState) -> list[Diagnostic]:
    """What the types want a reader of the plan to know, after what validation found."""
    found = list(workspace.warnings)
    for resource in desired:
        problems = workspace.types[resource.type].warn(resource, workspace.scope)
        found += [_warning(resource, problem) for problem in problems]
    return found


def _warning(resource: Resource, problem: Problem) -> Diagnostic:
    source = resource.source
    return Diagnostic(
        problem.message,
        file=source.file if source else None,
        line=source.line if source else None,
        address=resource.address,
        hint=problem.hint,
        severity="warning",
    )
