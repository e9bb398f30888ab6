from pathlib import Path

import pytest

from tests.packaging.support import HANDLER, Index, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one function, and nothing in any cache."""
    found = Project(tmp_path / "project", Index(tmp_path / "index"), tmp_path / "cache")
    found.write({"backend/handlers/hello.py": HANDLER, "backend/handlers/__init__.py": ""})
    found.index.place.mkdir()
    return found
