"""Whether the module that a handler names is in the bundle: by names alone, nothing is imported.

Lambda takes `package.module.function`, and slashes for the dots of the module.
https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html
"""

import re
from collections.abc import Collection

from pipeline.errors import Diagnostic
from pipeline.packaging.values import FunctionCode

_HANDLER = re.compile(r"[\w/-]+(?:\.[\w-]+)*\.[A-Za-z_]\w*")


def module_of(handler: str) -> str:
    """The module's path without suffix: `handlers/usage` of `handlers.usage.handler`."""
    return handler.rpartition(".")[0].replace(".", "/")


def missing_module(function: FunctionCode, names: Collection[str], elsewhere: Collection[str]) -> Diagnostic | None:
    """The finding for a handler whose module is not among `names`, the files of the bundle and of its layers.

    `elsewhere` are the files of the code folder that were not selected.
    """
    if not _HANDLER.fullmatch(function.handler):
        message = f"handler {function.handler}: a module and a function are needed, such as handlers.usage.handler"
        return _finding(function, message, None)
    module = module_of(function.handler)
    if any(_is_module(name, module) for name in names):
        return None
    if any(_is_module(name, module) for name in elsewhere):
        message = f"handler {function.handler}: {module}.py is there, but not selected for the bundle"
        return _finding(function, message, "look at include and exclude")
    return _finding(function, f"handler {function.handler}: no {module}.py in the bundle", _similar(module, names))


def _is_module(name: str, module: str) -> bool:
    """True for `module.py`, `module/__init__.py` and compiled modules such as `module.cpython-313-darwin.so`."""
    if not name.startswith(module):
        return False
    rest = name[len(module) :]
    return rest in {".py", "/__init__.py"} or (rest.startswith(".") and rest.endswith(".so") and "/" not in rest)


def _similar(module: str, names: Collection[str]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - only needed to word an error

    modules = [name.removesuffix(".py") for name in names if name.endswith(".py")]
    found = get_close_matches(module, modules, n=1)
    return f"did you mean {found[0].replace('/', '.')}?" if found else None


def _finding(function: FunctionCode, message: str, hint: str | None) -> Diagnostic:
    return Diagnostic(
        f"packaging {function.address}: {message}", function.file, function.line, address=function.address, hint=hint
    )
