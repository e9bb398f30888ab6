"""Tags that ask for a rollback, and tags that only look like it."""

from collections.abc import Mapping

import pytest

from pipeline.model.intent import Intent, Kind
from tests.intake.support import BRANCHES, intent


def tagged(tag: str, branches: Mapping[str, str | None] = BRANCHES) -> Intent:
    return intent("push.rollback_tag_created", {"ref": f"refs/tags/{tag}"}, branches=branches)


@pytest.mark.parametrize("release", ["1", "41", "123456789", "previous"])
@pytest.mark.parametrize("environment", list(BRANCHES))
def test_a_rollback(environment: str, release: str) -> None:
    found = tagged(f"rollback/{environment}/{release}")
    assert (found.kind, found.environments, found.target) == (Kind.ROLLBACK, (environment,), release)
    assert not found.mistake


@pytest.mark.parametrize(
    "release",
    ["", "0", "041", "-1", "+1", "1.0", "1e3", "\u0664\u0661", "\uff14\uff11", "41 ", "41\n",
     "latest", "Previous", "41/x", "previous/", "v41", "1234567890", "$(id)", "41;id", "`41`", "None"],
)  # fmt: skip
def test_a_release_that_is_none_is_a_mistake_that_says_what_is_right(release: str) -> None:
    found = tagged(f"rollback/production/{release}")
    assert (found.kind, found.environments, found.target, found.mistake) == (Kind.IGNORE, (), None, True)
    assert "as in rollback/production/41 or rollback/production/previous" in found.reason
    assert found.reason.isprintable()


@pytest.mark.parametrize("environment", ["", "prod", "Production", "production ", "*", "..", "main", "\u0440roduction"])
def test_an_environment_that_is_none_is_a_mistake_that_names_them(environment: str) -> None:
    found = tagged(f"rollback/{environment}/41")
    assert (found.kind, found.environments, found.mistake) == (Kind.IGNORE, (), True)
    assert "dev, staging, production or sandbox" in found.reason


def test_a_project_without_environments() -> None:
    found = tagged("rollback/production/41", {})
    assert found.mistake
    assert "none is declared in pipeline.yaml" in found.reason


@pytest.mark.parametrize(
    "tag", ["rollback", "rollback-production/41", "v1", "x/rollback/production/41", "Rollback/dev/1"]
)
def test_other_tags_ask_for_nothing(tag: str) -> None:
    found = tagged(tag)
    assert (found.kind, found.mistake) == (Kind.IGNORE, False)


@pytest.mark.parametrize("tag", ["release/production/42", "release/production/", "release/x"])
def test_our_own_mirror_is_never_read_back(tag: str) -> None:
    found = tagged(tag)
    assert (found.kind, found.mistake) == (Kind.IGNORE, False)
    assert "mirrors" in found.reason
