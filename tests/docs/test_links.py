"""Links of the documentation lead somewhere, and every page can be reached from its map."""

from functools import cache
from pathlib import Path

import pytest

from tests.docs.markdown import Document, document, documents
from tests.repository.files import ROOT, committed

EXTERNAL = ("https://", "mailto:")


@pytest.mark.parametrize("found", documents(), ids=lambda found: found.name)
def test_links_lead_to_files_and_headings_that_exist(found: Document) -> None:
    broken = [link for link in found.links if not link.startswith(EXTERNAL) and not leads_somewhere(found, link)]
    assert broken == []


@cache
def places() -> set[Path]:
    """Every committed file, and the directories that hold one."""
    return {*committed(), *(path.parent for path in committed())}


def leads_somewhere(found: Document, link: str) -> bool:
    name, _, fragment = link.partition("#")
    target = (found.path.parent / name).resolve() if name else found.path
    if target not in places():
        return False
    return not fragment or fragment in document(target.relative_to(ROOT).as_posix()).anchors


def test_links_to_other_places_are_encrypted() -> None:
    assert [(found.name, link) for found in documents() for link in found.links if link.startswith("http:")] == []


def test_every_page_can_be_reached() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        reached.add(path)
        links = {link.partition("#")[0] for link in document(path.relative_to(ROOT).as_posix()).links}
        targets = [(path.parent / link).resolve() for link in links if link.endswith(".md") and "://" not in link]
        waiting += [target for target in targets if target.is_file() and target not in reached]
    assert {found.name for found in documents() if found.path not in reached} == set()


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Exit codes", "exit-codes"),
        ("What works today, and what does not yet", "what-works-today-and-what-does-not-yet"),
        ("`plan` and *more*", "plan-and-more"),
        ("environments/schema.json", "environmentsschemajson"),
        ("A [link](x.md) in it", "a-link-in-it"),
    ],
)
def test_anchors_are_those_of_github(heading: str, anchor: str) -> None:
    assert Document(ROOT / "x.md", f"# {heading}\n").anchors == {anchor}


def test_a_heading_that_comes_twice_is_numbered() -> None:
    assert Document(ROOT / "x.md", "# A\n## A\n").anchors == {"a", "a-1"}
