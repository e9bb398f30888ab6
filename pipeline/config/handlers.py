"""Whether the code that functions and layers name is there: by looking at the source, never by running it."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.config.desired import Rendered
from pipeline.config.files import Files, joined
from pipeline.config.findings import Findings, Place, closest
from pipeline.config.loaded import Module, Project
from pipeline.model.resource import Resource
from pipeline.model.values import Expression

FUNCTION = "lambda.function"
LAYER = "lambda.layer"

# https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html#python-handler-naming
_HANDLER = re.compile(r"(?P<module>[\w-]+(?:[./][\w-]+)*)\.(?P<name>\w+)")

_PYTHON = re.compile(r"python3\.(?P<minor>[0-9]+)")


@dataclass
class Handlers:
    """Looks handlers up; every source file is read once. `findings` takes what is wrong inside of them."""

    files: Files
    project: Project
    findings: Findings
    _modules: dict[str, Module] = field(default_factory=dict)
    _rootless: bool = False

    def check(self, rendered: Sequence[Rendered], findings: Findings) -> None:
        """Every declared function whose handler is known, and what layers are made of."""
        layers = {item.address: item.resource for item in rendered if item.type == LAYER and item.address}
        for item in rendered:
            handler = item.draft.properties.get("handler") if item.draft else None
            if item.draft and item.type == FUNCTION and isinstance(handler, str) and self._has_root():
                self._check(item.draft, handler, item, layers, findings)
            elif item.draft and item.type == LAYER:
                self._check_layer(item.draft, item, findings)

    def _check_layer(self, layer: Resource, item: Rendered, findings: Findings) -> None:
        for name, what, is_there in (
            ("path", "folder", self.files.is_directory),
            ("requirements", "file", self.files.is_file),
        ):
            named = layer.properties.get(name)
            if isinstance(named, str) and not is_there(named):
                hint = "name it from the project's root, where pipeline.yaml is"
                place = _place(layer, name, item)
                findings.error(f"there is no {what} {named} in the project", place, address=layer.address, hint=hint)

    def _has_root(self) -> bool:
        root = self.project.code.root
        if self.files.is_directory(root):
            return True
        # Where pipeline.yaml has errors of its own, the directory that it names may be one of them.
        told = {found.file for found in self.findings.found if found.severity == "error"}
        if not self._rootless and self.project.source not in told:
            self._rootless = True
            hint = "name the directory with the functions' code in pipeline.yaml (code: root: ...)"
            self.findings.error(
                f"there is no directory {root} with the functions' code", self.project.code_place, hint=hint
            )
        return False

    def _check(
        self,
        function: Resource,
        handler: str,
        item: Rendered,
        layers: dict[str, Resource | None],
        findings: Findings,
    ) -> None:
        place = _place(function, "handler", item)
        match = _HANDLER.fullmatch(handler)
        if match is None:
            findings.error(f'handler "{handler}" is not of the form module.function', place, address=function.address)
            return
        path = match["module"].replace(".", "/")
        roots, complete = self._roots(function, layers)
        module = next(filter(None, (self._find(root, path) for root in roots)), None)
        self._tell_syntax(module, function)
        if module is None:
            if complete:
                self._tell_module(handler, roots[0], path, place, function, findings)
        elif not module.open and match["name"] not in module.names:
            near = closest(match["name"], module.names)
            findings.error(
                f"handler {handler}: {module.file} has no {match['name']}"
                + (f": did you mean {match['module']}.{near}?" if near else ""),
                place,
                hint=f"define {match['name']}(event, context) at the top level of the file",
                address=function.address,
            )

    def _roots(self, function: Resource, layers: dict[str, Resource | None]) -> tuple[list[str], bool]:
        """Directories that the function's code may come from, and whether these are all."""
        roots = [self.project.code.root]
        complete = "layers" in function.properties  # else they are wrong, and told already
        for layer in function.properties.get("layers") or ():
            address = layer.references[0].address if isinstance(layer, Expression) and layer.references else ""
            declared = layers.get(address)
            path = declared.properties.get("path") if declared else None
            if isinstance(path, str):
                roots += [path, f"{path}/python"]
            complete = complete and declared is not None and not declared.properties.get("requirements")
        return roots, complete

    def _find(self, root: str, path: str) -> Module | None:
        for name in (f"{path}.py", f"{path}/__init__.py"):
            file = joined(f"{root}/_", name)
            if file and self.files.is_file(file):
                return self._module(file)
        directory, _, stem = f"{root}/{path}".rpartition("/")
        compiled = [n for n in self.files.names(directory) if n.startswith(f"{stem}.") and n.endswith(".so")]
        return Module(f"{directory}/{compiled[0]}", open=True) if compiled else None

    def _module(self, file: str) -> Module:
        if file not in self._modules:
            self._modules[file] = self.files.module(file, self.findings)
        return self._modules[file]

    def _tell_syntax(self, module: Module | None, function: Resource) -> None:
        if module is None or module.wrong is None:
            return
        message, place = module.wrong
        runtime = _PYTHON.fullmatch(str(function.properties.get("runtime")))
        if runtime and (3, int(runtime["minor"])) > sys.version_info[:2]:
            hint = f"check it with {runtime[0]}, which may know more than the Python that runs this"
            self.findings.warning(message, place, hint=hint)
        else:
            self.findings.error(message, place)

    def _tell_module(
        self, handler: str, root: str, path: str, place: Place, function: Resource, findings: Findings
    ) -> None:
        directory, _, stem = f"{root}/{path}".rpartition("/")
        others = [name.removesuffix(".py") for name in self.files.names(directory) if name.endswith(".py")]
        near = closest(stem, others)
        module, name = handler.rpartition(".")[::2]
        meant = f": did you mean {module[: len(module) - len(stem)]}{near}.{name}?" if near else ""
        findings.error(
            f"handler {handler}: there is no {root}/{path}.py{meant}",
            place,
            hint=f"add the file, or write handler: with one of {', '.join(others[:20])}" if others else "add the file",
            address=function.address,
        )


def _place(resource: Resource, name: str, item: Rendered) -> Place:
    """Where a property stands; the resource where it follows from defaults."""
    source = resource.source
    line, column = source.paths.get((name,), (item.place.line, item.place.column)) if source else (1, 1)
    return Place(item.place.file, line, column)
