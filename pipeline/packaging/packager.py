"""The packager: functions and layers in, one archive per distinct content out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar, overload

from pipeline.errors import BadInput, Diagnostic, PipelineError
from pipeline.packaging.bundles import Bundles, Prepared, Recipe
from pipeline.packaging.dependencies import Dependencies
from pipeline.packaging.entry_points import missing_module
from pipeline.packaging.limits import only_through_s3, too_large
from pipeline.packaging.patterns import Patterns
from pipeline.packaging.targets import BuildTarget
from pipeline.packaging.values import Artifact, CodeSettings, FunctionCode, LayerCode, Limits, Packaged

if TYPE_CHECKING:
    from pipeline.packaging.uv import Uv

Code = FunctionCode | LayerCode
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True)
class Packager:
    """Packages the code of one project.

    `root` is the project's root, `cache_dir` what checkouts share, `progress` is told what takes time.
    `uv_environment` is added to the environment that uv runs in; `stopping` says that the run was asked to end.
    """

    root: Path
    code: CodeSettings
    cache_dir: Path
    progress: Callable[[str], None]
    limits: Limits = field(default_factory=Limits)
    uv_environment: Mapping[str, str] = field(default_factory=dict)
    stopping: Callable[[], bool] = lambda: False

    @property
    def work(self) -> Path:
        """Where archives and indexes of this project are kept."""
        return self.root.absolute() / ".pipeline" / "package"

    def package(
        self,
        functions: Sequence[FunctionCode],
        layers: Sequence[LayerCode] = (),
        target_override: BuildTarget | None = None,
    ) -> Packaged:
        """The archive of every function and layer; those with the same content share one.

        With `target_override` dependencies are built for that target, whatever the runtimes say. BadInput with all
        findings of the input, among them what Lambda would refuse; PipelineError when the package index cannot be
        reached or a file cannot be written; Interrupted when `stopping` says so.
        """
        dependencies = Dependencies(self.cache_dir.absolute(), self._uv, self.progress, self.stopping)
        bundles = Bundles(self.root.absolute(), self.work, dependencies)
        try:
            return _Run(self, bundles, target_override).package(functions, layers)
        except OSError as error:
            raise PipelineError(f"packaging: {error.strerror or error}: {error.filename or self.work}") from error

    def check_handlers(self, packaged: Packaged, functions: Sequence[FunctionCode]) -> tuple[Diagnostic, ...]:
        """Imports the handlers from the finished bundles: errors for those that break, warnings where it cannot tell.

        Answers are kept by content; asking again about what has not changed takes a few milliseconds.
        """
        from pipeline.packaging.handlers import check_handlers  # noqa: PLC0415 - `package` alone does not need it

        return check_handlers(packaged, functions, cache=self.work / "checks", stopping=self.stopping)

    def _uv(self) -> "Uv":
        from pipeline.packaging.uv import Uv  # noqa: PLC0415 - a run that installs nothing does not need it

        return Uv(self.root.absolute(), self.uv_environment, self.stopping)


@dataclass
class _Run:
    """One call of `package`: every step goes over everything before its findings end the run."""

    packager: Packager
    bundles: Bundles
    target: BuildTarget | None
    findings: list[Diagnostic] = field(default_factory=list)

    def package(self, functions: Sequence[FunctionCode], layers: Sequence[LayerCode]) -> Packaged:
        code: dict[str, Code] = {layer.address: layer for layer in layers}
        code.update({function.address: function for function in functions})
        recipes = self._each(code, lambda address: self._recipe(code[address]))
        owners = {recipe: code[address] for address, recipe in reversed(recipes.items())}
        prepared = self._each(owners, self.bundles.prepare)
        self._check_includes(functions)
        built = self._each(owners, lambda recipe: self.bundles.make(prepared[recipe]))
        self.bundles.finish(made=any(not bundle.reused for bundle in built.values()))
        artifacts = {address: built[recipe].artifact for address, recipe in recipes.items()}
        for function in functions:
            self._check_handler(function, prepared[recipes[function.address]], artifacts)
        warnings = list(self._check_sizes(code.values(), artifacts))
        self._stop()
        return Packaged(
            artifacts,
            {address: recipe.target for address, recipe in recipes.items()},
            frozenset(address for address, recipe in recipes.items() if built[recipe].reused),
            tuple(dict.fromkeys([*_unlocked(prepared.values()), *warnings])),
        )

    def _each(self, owners: Mapping[A, Code], step: Callable[[A], B]) -> dict[A, B]:
        """The step's result for each; BadInput with the findings of all, at their owner where they name no place."""
        results = {}
        for key, owner in owners.items():
            try:
                results[key] = step(key)
            except BadInput as error:
                for found in error.diagnostics or (Diagnostic(str(error), hint=error.hint),):
                    placed = replace(found, file=owner.file, line=owner.line, address=owner.address)
                    self.findings.append(found if found.file else placed)
        self._stop()
        return results

    def _stop(self) -> None:
        if self.findings:
            raise BadInput.of(dict.fromkeys(self.findings))

    def _recipe(self, code: Code) -> Recipe:
        settings = self.packager.code
        target = self.target or BuildTarget.for_runtime(code.runtime, code.architecture)
        if isinstance(code, FunctionCode):
            include = code.include or tuple(settings.include)
            exclude = (*settings.exclude, *code.exclude)
            return Recipe(target, plain(settings.root), include, exclude, plain(settings.requirements))
        ready = code.path is not None and (self.packager.root / code.path / "python").is_dir()
        prefix = "" if ready else "python/"
        path, requirements = plain(code.path), plain(code.requirements)
        return Recipe(target, path, code.include, code.exclude, requirements, prefix, "python/")

    def _check_includes(self, functions: Sequence[FunctionCode]) -> None:
        """A pattern that a function gives itself and that selects nothing is a slip."""
        entries = self.bundles.scanned(plain(self.packager.code.root)) if any(f.include for f in functions) else ()
        for function in functions:
            for pattern in function.include:
                one = Patterns.of([pattern.removeprefix("!")], anchored=True)
                if not any(one.match(entry.path) for entry in entries):
                    message = (
                        f"packaging {function.address}: include {pattern}: no such file in {self.packager.code.root}"
                    )
                    self.findings.append(Diagnostic(message, function.file, function.line, address=function.address))
        self._stop()

    def _check_handler(self, function: FunctionCode, prepared: Prepared, artifacts: Mapping[str, Artifact]) -> None:
        if missing_module(function, prepared.names, ()) is None:
            return
        if any(layer not in artifacts for layer in function.layers):
            return  # the module may be in a layer of somebody else
        from pipeline.packaging.archive import contents  # noqa: PLC0415 - rarely needed: handlers of dependencies

        names = set(contents(artifacts[function.address].path))
        for layer in function.layers:
            names.update(name.removeprefix("python/") for name in contents(artifacts[layer].path))
        everything = [entry.path for entry in self.bundles.scanned(prepared.recipe.folder or "")]
        if (found := missing_module(function, names, everything)) is not None:
            self.findings.append(found)

    def _check_sizes(self, code: Iterable[Code], artifacts: Mapping[str, Artifact]) -> Iterator[Diagnostic]:
        """Adds to the findings what is too large; yields what is worth a warning, once per archive."""
        seen: set[str] = set()
        for one in code:
            artifact = artifacts[one.address]
            used = one.layers if isinstance(one, FunctionCode) else ()
            layers = [artifacts[layer] for layer in used if layer in artifacts]
            if (found := too_large(one, artifact, layers, self.packager.limits)) is not None:
                self.findings.append(found)
            if artifact.digest not in seen and (large := only_through_s3(one, artifact, self.packager.limits)):
                yield large
            seen.add(artifact.digest)


@overload
def plain(path: str) -> str: ...


@overload
def plain(path: str | None) -> str | None: ...


def plain(path: str | None) -> str | None:
    """`./backend/` as `backend`: paths are compared and told in one form."""
    return None if path is None else PurePosixPath(path).as_posix()


def _unlocked(prepared: Iterable[Prepared]) -> Iterator[Diagnostic]:
    for one in prepared:
        if one.lock is not None and not one.lock.requirements.locked:
            file = one.lock.requirements.file
            yield Diagnostic(
                "not locked with hashes: another machine may get other versions, and so another bundle",
                file,
                hint=f"uv pip compile --universal --generate-hashes {file} -o <locked file>, and name that one",
                severity="warning",
            )
