"""The embedded AWS with functions that are ready at once; run by its own interpreter, in place of local/serve.py.

The emulator keeps a new or changed function `Pending` for half a second of its own choice, in which whoever deploys can
only wait: time that belongs to neither of the two that are compared. They still have to look whether it is over.
"""

import importlib.util
from pathlib import Path
from typing import Any

_SERVE = Path(__file__).resolve().parents[1] / "pipeline" / "local" / "serve.py"
_DELAY = "_LAMBDA_STATE_TRANSITION_DELAY"  # of the exactly pinned ministack; there is no setting for it


def main() -> None:
    """Serves until SIGTERM."""
    spec = importlib.util.spec_from_file_location("serve", _SERVE)
    assert spec is not None
    assert spec.loader is not None
    serve = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(serve)
    # As serve.main does first: the emulator reads its settings when it is imported.
    serve._configure_emulator(serve._arguments())  # noqa: SLF001 - this is that program, with one setting changed
    functions: Any = importlib.import_module("ministack.services.lambda_svc")
    assert getattr(functions, _DELAY) > 0, "the emulator calls it something else now"
    setattr(functions, _DELAY, 0.0)
    serve.main()


if __name__ == "__main__":
    main()
