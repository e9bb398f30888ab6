import os
import pickle
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline.commands.remembering import load
from pipeline.config.loaded import Loaded
from pipeline.resources.registry import Registry
from tests.config.support import SOUND, TODAY, invented, write


class Types:
    """The registry, which only a load that is made anew asks for."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Registry:
        self.asked += 1
        return invented()


@pytest.fixture
def types() -> Types:
    return Types()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "service", SOUND)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def loaded(root: Path, types: Types, cache: Path, today: date = TODAY, account: str | None = None) -> Loaded:
    return load(root, ["dev"], types, today, account=account, cache=cache)


def test_a_second_load_gives_the_same_without_loading(root: Path, types: Types, cache: Path) -> None:
    first = loaded(root, types, cache)
    second = loaded(root, types, cache)
    assert types.asked == 1
    assert second == first
    assert [r.source for r in second.desired["dev"]] == [r.source for r in first.desired["dev"]]
    assert [r.address for r in second.desired["dev"]] == ["test.thing/orders-thing", "test.shadow/shadow-orders-thing"]


def test_a_changed_file_is_loaded(root: Path, types: Types, cache: Path) -> None:
    loaded(root, types, cache)
    write(root, {"aws/things.yaml": "things:\n  - name: other\n"})
    assert "test.thing/other" in loaded(root, types, cache).desired["dev"].by_address


def test_another_day_or_account_is_loaded(root: Path, types: Types, cache: Path) -> None:
    loaded(root, types, cache)
    loaded(root, types, cache, today=TODAY + timedelta(days=1))
    loaded(root, types, cache, account="210987654321")
    assert types.asked == 3


def test_what_is_wrong_is_never_remembered(root: Path, types: Types, cache: Path) -> None:
    write(root, {"aws/things.yaml": "things:\n  - nme: x\n"})
    assert [bool(loaded(root, types, cache).errors) for _ in range(2)] == [True, True]
    assert not cache.exists()


def test_other_code_of_ours_loads_anew(root: Path, types: Types, cache: Path) -> None:
    first = loaded(root, types, cache)
    (place,) = cache.iterdir()
    edition, answers, kept = pickle.loads(place.read_bytes())
    assert kept == first
    place.write_bytes(pickle.dumps((f"{edition}0", answers, replace(kept, diagnostics=()))))
    loaded(root, types, cache)
    assert types.asked == 2


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("false",)


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps(Evil()), pickle.dumps(("edition", {}, "x"))])
def test_what_cannot_be_read_is_loaded_anew(root: Path, types: Types, cache: Path, content: bytes) -> None:
    first = loaded(root, types, cache)
    (place,) = cache.iterdir()
    place.write_bytes(content)
    assert loaded(root, types, cache) == first
    assert types.asked == 2


def test_a_cache_that_cannot_be_written_is_no_error(root: Path, types: Types, cache: Path) -> None:
    cache.write_text("a file is in the way")
    assert loaded(root, types, cache).environments.keys() == {"dev"}


def test_only_the_owner_may_read_it(root: Path, types: Types, cache: Path) -> None:
    loaded(root, types, cache)
    (place,) = cache.iterdir()
    assert place.stat().st_mode & 0o077 == 0
