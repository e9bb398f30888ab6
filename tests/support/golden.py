"""Golden files: what a report must look like, word for word. `ACCEPT=1 pytest ...` writes them anew."""

import os
from pathlib import Path


def check_golden(path: Path, text: str) -> None:
    """Compares `text` with the file; with ACCEPT=1 in the environment the file is written instead."""
    if os.environ.get("ACCEPT"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path} does not exist; look at the text, then run again with ACCEPT=1:\n{text}"
    assert text == path.read_text(encoding="utf-8"), f"{path.name} differs; if the new text is right, use ACCEPT=1"
