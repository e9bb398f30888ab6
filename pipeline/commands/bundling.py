"""The stage that builds the code: bundles of functions and layers, and their digests in the desired state."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput, Diagnostic
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.values import references_of
from pipeline.packaging.site import SiteFiles, site_files
from pipeline.packaging.values import Artifact, FunctionCode, LayerCode, Packaged
from pipeline.resources._s3_site_files import CONFIG

if TYPE_CHECKING:
    from pipeline.packaging.packager import Packager

# Which property of which type holds the digest of an archive that packaging builds.
CODE = "code"
SITE = "s3.site"


class Built:
    """The code as it was built, while its handlers are still being imported from the bundles in the background.

    `desired` has the digests of the archives and of sites' files, `archives` says where archives lie (digest -> file),
    `offered` where everything does. A context: leaving it ends an import that nobody waits for any more.
    """

    def __init__(
        self, workspace: Workspace, desired: DesiredState, packaged: Packaged, code: list[FunctionCode]
    ) -> None:
        self.desired, files = with_sites(workspace.root, with_code(desired, packaged.artifacts))
        self.archives = {artifact.digest: artifact.path for artifact in packaged.distinct}
        self.offered = {**self.archives, **files}
        self._console = workspace.console
        self._warnings = packaged.warnings
        self._given_up = Event()
        stopping = workspace.stop.is_set
        packager = replace(workspace.packager, stopping=lambda: stopping() or self._given_up.is_set())
        self._findings: tuple[Diagnostic, ...] = ()
        self._error: BaseException | None = None
        self._thread = Thread(target=self._check, args=(packager, packaged, code), name="imports", daemon=True)
        self._thread.start()

    def _check(self, packager: "Packager", packaged: Packaged, code: list[FunctionCode]) -> None:
        try:
            self._findings = packager.check_handlers(packaged, code)
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            self._error = error

    def verify(self) -> None:
        """Waits for the imports, and warns. BadInput when a handler cannot be imported from its bundle."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        found = (*self._warnings, *self._findings)
        if errors := [diagnostic for diagnostic in found if diagnostic.severity == "error"]:
            raise BadInput.of(errors)
        for diagnostic in found:
            self._console.warn(diagnostic)
        self._warnings = self._findings = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._given_up.set()
        self._thread.join()


def build(workspace: Workspace, *, imports: bool = True) -> Built:
    """Builds what is not built yet. BadInput when code cannot be built or is too large.

    Without `imports` no handler is imported, so that none of the code runs.
    """
    desired = workspace.loaded.desired[workspace.environment.name]
    functions, layers = code_of(desired)
    packaged = Packaged({}, {})
    if functions or layers:
        packaged = workspace.packager.package(functions, layers, workspace.build_target())
    return Built(workspace, desired, packaged, functions if imports else [])


def package(workspace: Workspace) -> tuple[DesiredState, dict[str, Path]]:
    """The desired state with the digests of built code filled in, and where the archives lie (digest -> file).

    BadInput when code cannot be built, is too large, or a handler cannot be imported from its bundle.
    """
    with build(workspace) as built:
        built.verify()
    return built.desired, built.archives


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


def with_sites(root: Path, desired: DesiredState) -> tuple[DesiredState, dict[str, Path]]:
    """`desired` with the files of every static site, and where they lie. BadInput when a site has none."""
    places: dict[str, Path] = {}

    def filled(resource: Resource) -> Resource:
        if resource.type != SITE:
            return resource
        found = _site_files(root, resource)
        places.update(found.places)
        return replace(resource, properties={**resource.properties, "files": found.files, "etags": found.etags})

    return DesiredState(tuple(filled(resource) for resource in desired)), places


def _site_files(root: Path, resource: Resource) -> SiteFiles:
    wanted, source = resource.properties, resource.source
    # What is written from the declared values takes the place of a file of that name.
    exclude = [*(wanted.get("exclude") or ()), *([f"/{CONFIG}"] if wanted.get("config") else [])]
    where = Diagnostic("", source.file if source else None, source.line if source else None, address=resource.address)
    return site_files(root, str(wanted["root"]), exclude, where)
