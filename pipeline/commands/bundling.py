"""The stage that builds the code: bundles of functions and layers, and their digests in the desired state."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.values import references_of
from pipeline.packaging.values import Artifact, FunctionCode, LayerCode

# Which property of which type holds the digest of an archive that packaging builds.
CODE = "code"


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
