"""The import check: what breaks in a handler's module is found here, not by the first request.

A handler that was imported once from the same archives, with the same environment, is not imported again.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.errors import Diagnostic
from pipeline.packaging.index import write_atomically
from pipeline.packaging.values import FunctionCode, Packaged

# Part of every mark: to be raised when the check looks at more than before.
_FORMAT = 1
_PATIENCE = 60.0  # seconds for all imports of one process


def check_handlers(
    packaged: Packaged,
    functions: Sequence[FunctionCode],
    interpreters: Callable[[str], str | None] | None = None,
    *,
    cache: Path | None = None,
    patience: float = _PATIENCE,
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[Diagnostic, ...]:
    """Findings (errors) and notes (warnings) about handlers that cannot be imported.

    `interpreters` gives the path of a Python by its version; by default those of this machine are looked through. In
    the folder `cache` it is noted which were well. Functions with layers that were not packaged are left out: their
    modules may be there. Raises Interrupted when `stopping` says so.
    """
    marks = {f.address: _mark(packaged, f) for f in functions if all(at in packaged.artifacts for at in f.layers)}
    todo = [f for f in functions if f.address in marks and not (cache and (cache / marks[f.address]).exists())]
    if not todo:
        return ()
    # Imported here: a run that changes nothing ends above.
    from pipeline.packaging.importing import Means, import_handlers  # noqa: PLC0415 - only when nothing is cached
    from pipeline.packaging.interpreters import find_interpreter  # noqa: PLC0415 - only when nothing is cached

    found: list[Diagnostic] = []
    for function, findings in import_handlers(
        packaged, todo, Means(interpreters or find_interpreter, patience, stopping, cache and cache / "imports")
    ):
        found += findings
        if cache and not findings:  # only what is well: a failure may have been the machine's, and is looked at again
            write_atomically(cache / marks[function.address], b"")
    return tuple(found)


def _mark(packaged: Packaged, function: FunctionCode) -> str:
    digests = [packaged[address].digest for address in (function.address, *function.layers)]
    parts = [_FORMAT, digests, packaged.targets[function.address].key, function.handler]
    content = json.dumps([*parts, sorted(function.environment.items())])
    return f"{hashlib.sha256(content.encode()).hexdigest()}.ok"
