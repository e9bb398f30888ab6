"""What a check is about, in the words of the documentation, for those who have the program and nothing else.

An installed package has docs/doctor.md beside this module (pyproject.toml puts it there); a checkout has it in docs/.
"""

import re
from pathlib import Path

from pipeline.diagnosing.finding import Check

_PACKAGED = Path(__file__).with_name("doctor.md")
_CHECKOUT = Path(__file__).resolve().parents[2] / "docs" / "doctor.md"
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def explanation(check: Check) -> str:
    """The section of a check as plain text. Links within the documentation lose where they lead to."""
    text = (_PACKAGED if _PACKAGED.is_file() else _CHECKOUT).read_text(encoding="utf-8")
    section = re.search(rf"^### {re.escape(check.id)}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert section, f"docs/doctor.md has no section {check.id}"
    told = _LINK.sub(lambda link: f"{link[1]} ({link[2]})" if link[2].startswith("https:") else link[1], section[1])
    return f"{check.id}: {check.title}\n\n{told.strip()}"
