"""What the documentation shows of GitHub is what the golden files hold."""

import os
import re

import pytest

from tests.repository.files import ROOT, committed

BLOCK = re.compile(r"<!-- golden: (\S+) -->\n(`{4,})markdown\n(.*?)\2\n", re.DOTALL)
FILES = [path for path in committed("docs/*.md") if "<!-- golden: " in path.read_text()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_block_is_its_golden_file(path: "os.PathLike[str]") -> None:
    file = ROOT / path
    text = file.read_text()

    def fresh(match: re.Match[str]) -> str:
        golden = (ROOT / match[1]).read_text()
        return f"<!-- golden: {match[1]} -->\n{match[2]}markdown\n{golden}{match[2]}\n"

    made = BLOCK.sub(fresh, text)
    if os.environ.get("ACCEPT"):
        file.write_text(made)
    assert BLOCK.search(text)
    assert made == file.read_text()
