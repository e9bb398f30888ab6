"""Whatever outsiders write stays data: it never becomes an environment or a release, nor a second line of a log."""

import json
import re
from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.errors import BadInput
from pipeline.intake.words import quoted, release_of
from pipeline.model.intent import Intent, Kind
from tests.intake.support import BRANCHES, intent

NASTY = st.sampled_from(
    ["\n", "\r", "\u2028", "\x1b[31m", "\u202e", "\u200b", "\x00", "$(id)", "`id`", ";", "|", "&", '"', "'", "\\",
     "%0A", "::error::", "##[error]", "${{ github.token }}", "{{7*7}}", "<script>", "![](x)", "@everyone", "../", "--",
     " ", "/", "production", "main", "dev", "previous", "41", "rollback/", "release/", "/deploy ", "/plan", "\ud800",
     "é", "\u0664"]
)  # fmt: skip
TEXT = st.lists(st.one_of(NASTY, st.text(st.characters(), max_size=8)), max_size=8).map("".join)


def check(found: Intent) -> None:
    """What holds for every intent, whoever wrote the event."""
    assert set(found.environments) <= set(BRANCHES)
    assert len(set(found.environments)) == len(found.environments)
    assert found.target is None or found.target == "previous" or re.fullmatch(r"[1-9][0-9]*", found.target)
    assert (found.target is None) == (found.kind is not Kind.ROLLBACK)
    assert found.sha is None or re.fullmatch(r"[0-9a-f]{40}", found.sha)
    assert found.reason.isprintable()
    assert len(found.reason) < 400
    document = json.dumps(found.to_json(), ensure_ascii=False)
    assert document.encode("utf-8")
    assert json.loads(document) == found.to_json()


@given(TEXT)
@example("main\n")
@example("main\nx")
def test_branches(branch: str) -> None:
    found = intent("push.branch_existing", {"ref": f"refs/heads/{branch}"})
    check(found)
    assert (found.kind is Kind.DEPLOY) == (branch in BRANCHES.values())


@given(TEXT)
@example("rollback/production/41\n")
@example("rollback/production\n/41")
@example("rollback/production/41\nrollback/dev/1")
def test_tags(tag: str) -> None:
    found = intent("push.rollback_tag_created", {"ref": f"refs/tags/{tag}"})
    check(found)
    allowed = {f"rollback/{environment}/" for environment in BRANCHES}
    if found.kind is Kind.ROLLBACK:
        assert tag in {f"{start}{found.target}" for start in allowed}


@given(TEXT, TEXT)
def test_rollback_tags(environment: str, release: str) -> None:
    found = intent("push.rollback_tag_created", {"ref": f"refs/tags/rollback/{environment}/{release}"})
    check(found)
    assert found.mistake == (found.kind is Kind.IGNORE)


@given(TEXT)
@example("x\n/deploy production\ny")
def test_comments(body: str) -> None:
    found = intent("issue_comment.created_on_pr", {"comment.body": body})
    check(found)
    if found.command is not None:
        lines = re.split(r"\r\n|\r|\n", body)
        assert any(re.match(rf"/{found.command}(?![^ \t])", line) for line in lines)


@given(st.sampled_from(["/deploy", "/rollback", "/promote", "/abort"]), TEXT, TEXT)
def test_words_of_commands(command: str, first: str, second: str) -> None:
    found = intent("issue_comment.created_on_pr", {"comment.body": f"{command} {first} {second}"})
    check(found)


@given(TEXT, TEXT)
def test_pull_requests(base: str, action: str) -> None:
    changes = {"pull_request.base.ref": f"x{base}", "action": f"x{action}"}
    check(intent("pull_request.opened_here", changes))
    check(intent("pull_request.opened_here", {"pull_request.base.ref": f"x{base}"}))


@given(TEXT)
def test_actors(actor: str) -> None:
    for name in ("push.branch_existing", "push.rollback_tag_created", "issue_comment.created_on_pr"):
        check(intent(name, {"sender.login": actor}))


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("action", "environment", "release"), TEXT)))
def test_inputs(inputs: dict[str, str]) -> None:
    try:
        check(intent("workflow_dispatch.rollback", {"inputs": inputs}))
    except BadInput as error:
        for text in [str(error), *(diagnostic.message for diagnostic in error.diagnostics)]:
            assert text.isprintable()
            assert text.encode("utf-8")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["action", "environment", "release"]), JSON))
def test_inputs_of_any_kind(inputs: dict[str, object]) -> None:
    with suppress(BadInput):
        check(intent("repository_dispatch.deploy", {"client_payload": inputs}))


@given(TEXT)
def test_quoted_text_is_one_line_that_can_be_encoded(text: str) -> None:
    shown = quoted(text)
    assert shown.isprintable()
    assert shown.encode("utf-8")
    assert shown == text or shown[0] in "'\""


@given(TEXT)
def test_releases(text: str) -> None:
    found = release_of(text)
    assert found is None or (found == text and (text == "previous" or str(int(text)) == text))
