"""Which services an event is about, and what a matrix of its jobs holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BadInput
from pipeline.intake.jobs import ACCESS, Access, Job, affected, changes_of, check_one_target, matrix
from pipeline.model.intent import Intent, Kind
from tests.intake.support import payload

ONE, TWO = "1" * 40, "2" * 40


def test_every_intent_has_its_credentials_but_that_to_ignore() -> None:
    assert {*Kind} - {*ACCESS} == {Kind.IGNORE}
    assert {kind for kind, access in ACCESS.items() if access is Access.NONE} == {Kind.VALIDATE}
    assert Access.TELL not in ACCESS.values(), "what a pull request leaves is no intent of its own"
    assert {kind for kind, access in ACCESS.items() if access is Access.READ} == {Kind.PREVIEW, Kind.DETECT_DRIFT}


def test_a_matrix_has_the_same_texts_for_every_job() -> None:
    found = matrix(
        [Job("a", "validate", Access.NONE), Job("b", "deploy", Access.WRITE, "shop", "dev", "eu-west-1", "1")]
    )
    first, second = found["include"]
    assert first.keys() == second.keys()
    assert all(isinstance(value, str) for value in [*first.values(), *second.values()])
    assert second == {
        "root": "b", "service": "shop", "environment": "dev", "region": "eu-west-1", "account": "1",
        "intent": "deploy", "access": "write", "ref": "", "target": "b/dev", "place": "b/dev", "after": "",
        "slug": "b-dev", "scheduled": "",
    }  # fmt: skip


def test_a_place_tells_the_environments_of_several_services_apart() -> None:
    job = Job(".", "deploy", Access.WRITE, environment="dev")
    assert (job.place, job.slug) == ("dev", "dev")
    assert Job("services/orders", "validate", Access.NONE).place == "services/orders"
    deeper = Job("services/orders", "deploy", Access.WRITE, environment="dev")
    assert (deeper.place, deeper.slug) == ("services/orders/dev", "services-orders-dev")


@pytest.mark.parametrize(
    ("event", "document", "shown"),
    [
        ("push", {"before": ONE, "after": TWO}, f"{ONE}..{TWO}"),
        ("push", {"before": "0" * 40, "after": TWO}, None),
        ("push", {"before": ONE, "after": "0" * 40}, None),
        ("push", {"before": "--output=x", "after": TWO}, None),
        ("push", {}, None),
        ("pull_request", {"pull_request": {"base": {"sha": ONE}, "head": {"sha": TWO}}}, f"{ONE}...{TWO}"),
        ("merge_group", {"merge_group": {"base_sha": ONE, "head_sha": TWO}}, f"{ONE}..{TWO}"),
        ("schedule", {"before": ONE, "after": TWO}, None),
        ("workflow_dispatch", {}, None),
    ],
)
def test_where_the_changes_of_an_event_are(event: str, document: dict[str, object], shown: str | None) -> None:
    found = changes_of(event, document)
    assert (str(found) if found else None) == shown


@pytest.mark.parametrize("name", ["push.branch_existing", "pull_request.opened_here", "merge_group.checks_requested"])
def test_real_payloads_tell(name: str) -> None:
    assert changes_of(name.partition(".")[0], payload(name)) is not None


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["a/aws/x.yaml"], ["a"]),
        (["a/aws/x.yaml", "b/c/backend/y.py"], ["a", "b/c"]),
        (["ab/x", "b/x", "README.md", ".github/workflows/pipeline.yml"], []),
        ([], []),
    ],
)
def test_services_are_affected_by_what_lies_below_their_root(changed: list[str], expected: list[str]) -> None:
    assert affected(["a", "b/c"], changed) == expected


@given(st.lists(st.text(min_size=1)))
def test_a_service_at_the_top_is_affected_by_everything_relative(changed: list[str]) -> None:
    relative = [path for path in changed if not path.startswith("/")]
    assert affected(["."], relative) == (["."] if relative else [])


def test_a_rollback_is_of_one_service() -> None:
    back, other = Intent(Kind.ROLLBACK, ("live",), target="3"), Intent(Kind.IGNORE)
    check_one_target({"a": back, "b": other})
    with pytest.raises(BadInput, match="a rollback is of one service, but a, b all have this environment"):
        check_one_target({"a": back, "b": back, "c": other})
