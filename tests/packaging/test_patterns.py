import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.packaging.patterns import Patterns, problem_of


@pytest.mark.parametrize(
    ("patterns", "path", "matches"),
    [
        (["*.md"], "README.md", True),
        (["*.md"], "docs/deep/a.md", True),
        (["/*.md"], "docs/a.md", False),
        (["docs/*.md"], "docs/a.md", True),
        (["docs/*.md"], "docs/deep/a.md", False),
        (["docs/*.md"], "more/docs/a.md", False),
        (["docs/**/*.md"], "docs/a.md", True),
        (["docs/**/*.md"], "docs/x/y/a.md", True),
        (["**/tests"], "a/b/tests/c.py", True),
        (["tests/"], "a/tests/c.py", True),
        (["tests/"], "a/tests", False),
        (["tests"], "a/tests", True),
        (["data/**"], "data/a/b", True),
        (["data/**"], "data", False),
        (["?.py"], "a.py", True),
        (["?.py"], "ab.py", False),
        (["[a-c].py"], "b.py", True),
        (["[!a-c].py"], "b.py", False),
        (["[!a-c].py"], "x.py", True),
        (["\\*.py"], "*.py", True),
        (["\\*.py"], "a.py", False),
        (["a+b.py"], "a+b.py", True),
        (["*.py", "!keep.py"], "keep.py", False),
        (["*.py", "!keep.py"], "drop.py", True),
        (["lib/", "!lib/keep.py"], "lib/keep.py", True),
        (["./lib"], "lib/a.py", True),
        ([""], "a", False),
    ],
)
def test_exclude_reads_patterns_as_gitignore_does(patterns: list[str], path: str, matches: bool) -> None:
    assert Patterns.of(patterns).match(path) is matches


def test_anchored_names_are_meant_at_the_top_alone() -> None:
    include = Patterns.of(["handlers", "lib/*.py", "**/*.json"], anchored=True)
    assert include.match("handlers/a/b.py")
    assert not include.match("other/handlers/a.py")
    assert include.match("lib/a.py")
    assert not include.match("lib/deep/a.py")
    assert include.match("any/where/a.json")


@pytest.mark.parametrize("pattern", ["../secrets", "a/../../b", "!../x", "[z-a]"])
def test_patterns_that_leave_the_folder_or_cannot_be_read_are_told(pattern: str) -> None:
    assert problem_of(pattern) is not None


@pytest.mark.parametrize("pattern", ["a..b", "*.md", "[", "[]", "**"])
def test_usual_and_odd_patterns_are_fine(pattern: str) -> None:
    assert problem_of(pattern) is None


WORDS = st.sampled_from(["a", "b", "ab", "a.py", "b.md"])
PATHS = st.lists(WORDS, min_size=1, max_size=3).map("/".join)
PATTERNS = st.lists(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "!"]),
        st.sampled_from(["", "/"]),
        st.lists(st.sampled_from(["a", "b", "*", "**", "*.py", "?", "[ab]", "a*"]), min_size=1, max_size=3).map(
            "/".join
        ),
        st.sampled_from(["", "/"]),
    ),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", str(place)], check=True)
    return place


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patterns=PATTERNS, paths=st.lists(PATHS, min_size=1, max_size=6, unique=True))
def test_git_itself_agrees(repository: Path, patterns: list[str], paths: list[str]) -> None:
    (repository / ".gitignore").write_text("\n".join(patterns) + "\n")
    command = ["git", "-C", str(repository), "check-ignore", "--no-index", "--stdin"]
    told = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True, check=False)
    ours = Patterns.of(patterns)
    assert {path for path in paths if ours.match(path)} == set(told.stdout.split())
