"""Environments named with the folder of their service, which tells those of several services apart."""

import pytest

from pipeline.errors import BadInput
from pipeline.intake.jobs import of_one_command
from pipeline.intake.words import own_name
from pipeline.model.intent import Intent, Kind
from tests.intake.support import intent

ROOT = "services/orders"


@pytest.mark.parametrize(
    ("name", "root", "expected"),
    [
        ("dev", ROOT, "dev"),
        ("services/orders/dev", ROOT, "dev"),
        ("services/stock/dev", ROOT, "services/stock/dev"),
        ("services/orders/nope", ROOT, "services/orders/nope"),
        ("services/ordersdev", ROOT, "services/ordersdev"),
        ("/dev", "", "/dev"),
        # a folder that is called like an environment
        ("dev", "dev", "dev"),
        ("dev/live", "dev", "live"),
    ],
)
def test_the_folder_before_a_name(name: str, root: str, expected: str) -> None:
    assert own_name(name, {"dev": "dev", "live": "main"}, root) == expected


@pytest.mark.parametrize(
    ("tag", "target"),
    [
        ("rollback/services/orders/production/41", "41"),
        ("rollback/services/orders/production/previous", "previous"),
        ("rollback/production/41", "41"),
        ("rollback/services/stock/production/41", None),
        ("rollback/services/orders/41", None),
        ("rollback/services/orders/production/41/x", None),
    ],
)
def test_a_tag(tag: str, target: str | None) -> None:
    found = intent("push.rollback_tag_created", {"ref": f"refs/tags/{tag}"}, root=ROOT)
    assert (found.target, found.mistake) == (target, target is None)
    assert found.environments == (("production",) if target else ())


def test_a_tag_where_the_folder_is_called_like_an_environment() -> None:
    for tag in ("rollback/production/41", "rollback/production/production/41"):
        found = intent("push.rollback_tag_created", {"ref": f"refs/tags/{tag}"}, root="production")
        assert (found.environments, found.target) == (("production",), "41")


def test_a_command() -> None:
    found = intent("issue_comment.created_on_pr", {"comment.body": "/rollback services/orders/dev 4"}, root=ROOT)
    assert (found.kind, found.environments, found.target) == (Kind.ROLLBACK, ("dev",), "4")
    assert intent("issue_comment.created_on_pr", {"comment.body": "/deploy services/stock/dev"}, root=ROOT).mistake


def test_a_dispatch() -> None:
    inputs = {"inputs": {"action": "deploy", "environment": "services/orders/dev"}}
    assert intent("workflow_dispatch.rollback", inputs, root=ROOT).environments == ("dev",)
    with pytest.raises(BadInput, match="input environment is services/orders/dev"):
        intent("workflow_dispatch.rollback", inputs, root="services/stock")


def test_plans_are_of_all_services_and_help_of_one() -> None:
    plan, told = Intent(Kind.PREVIEW, command="plan"), Intent(Kind.IGNORE, command="help")
    assert of_one_command({"a": plan, "b": plan}) == {"a": plan, "b": plan}
    assert of_one_command({"a": told, "b": told}) == {"a": told}
    assert of_one_command({"a": Intent(Kind.IGNORE), "b": told}) == {"a": Intent(Kind.IGNORE), "b": told}


def test_what_changes_something_is_of_one_service() -> None:
    back = Intent(Kind.ROLLBACK, ("dev",), target="previous", command="rollback")
    with pytest.raises(BadInput, match="a command is of one service, but it can be of a, b") as caught:
        of_one_command({"a": back, "b": back})
    assert caught.value.hint == "name the environment with the folder of its service, such as a/dev"
    free = Intent(Kind.IGNORE, command="unlock")
    with pytest.raises(BadInput) as caught:
        of_one_command({"a": free, "b": free})
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("such as a/ENV")
