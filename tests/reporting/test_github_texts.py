"""What GitHub shows: comments, summaries, statuses, in golden files; and that text from outside stays text there."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pipeline.errors import BadInput, Diagnostic, Interrupted, PipelineError, Refused
from pipeline.model.access import Widening
from pipeline.model.plan import Action, Change, FieldChange, Origin, Plan
from pipeline.model.report import RollbackPlan, RollbackReport
from pipeline.model.resource import Resource, Source
from pipeline.model.rollout import Figures, Measurement, Result
from pipeline.reporting import status_text
from pipeline.reporting.check_text import conclusion_of, findings_of, outputs_of, title_of
from pipeline.reporting.job_summary import canary_charts, canary_table, graph, render_summary, timeline, within
from pipeline.reporting.markdown import code, fence, link, units
from pipeline.reporting.masking import HIDDEN, masked
from pipeline.reporting.plan_comment import Frame, Section, labels, marker, render_comment, verdict, with_status
from pipeline.reporting.verdicts import Verdict
from tests.reporting.test_texts import EMPTY, PLAN, RELEASE, REPORT
from tests.support.golden import check_golden

GOLDEN = Path(__file__).parent / "golden"
RUN = status_text.Run("12", "https://github.example/acme/infra/actions/runs/5012")
FRAME = Frame("dev", more_at=RUN.url)
TABLE = Resource("dynamodb.table", "shop-log", {}, ("iam.role/shop-role",), Source("aws/t.yaml", 3))
DRAWN = replace(
    PLAN, changes=tuple(replace(c, desired=TABLE) if c.address == TABLE.address else c for c in PLAN.changes)
)
ROLLBACK = RollbackReport(
    REPORT, RollbackPlan("dev", 43, RELEASE, replace(RELEASE, number=41), (), ()), None
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("comment", render_comment(DRAWN, status_text.planned(RUN), FRAME)),
        ("comment-empty", render_comment(EMPTY, status_text.planned(RUN), FRAME)),
        ("comment-short", render_comment(DRAWN, status_text.planned(RUN), FRAME, limit=1300)),
        ("comment-section", render_comment(
            EMPTY, status_text.planned(RUN), replace(FRAME, sections=(Section("cost: +$3.20 a month", "text"),)))),
        ("summary", render_summary(DRAWN, status_text.live(REPORT, RUN), FRAME, seconds=REPORT.seconds,
                                   canary=[{"weight": 10, "verdict": "good"}])),
        ("summary-empty", render_summary(EMPTY, status_text.planned(RUN), FRAME, seconds={})),
        ("statuses", "\n\n".join([
            status_text.planned(RUN),
            status_text.deploying(replace(RUN, attempt=2)),
            status_text.deploying(RUN, "canary 10 %"),
            status_text.live(REPORT, RUN),
            status_text.live(replace(REPORT, changed=False), RUN),
            status_text.rolled_back(ROLLBACK, "ada", RUN),
            status_text.ended(Refused("dev is on hold", hint="deploy --clear-hold"), RUN),
            status_text.ended(BadInput.of([Diagnostic("no `such` key", "a.yaml", 3)]), RUN),
            status_text.ended(Interrupted("stopped"), RUN),
            status_text.ended(KeyError("bug"), status_text.Run()),
        ])),
    ],
)  # fmt: skip
def test_texts(name: str, text: str) -> None:
    check_golden(GOLDEN / f"{name}.md", text.rstrip("\n") + "\n")


def test_the_first_line_is_the_verdict() -> None:
    assert verdict(PLAN) == (
        "### ⛔ `dev` at `c0ffeec`: +1 ~2 ±1 -1 · destroys 2 · 1 undoes drift · widens access · blocked"
    )
    assert verdict(replace(PLAN, blockers=())).startswith("### 🔴")
    assert verdict(replace(EMPTY, access=PLAN.access)).startswith("### 🟡")
    assert verdict(EMPTY) == "### 🟢 `dev` at `c0ffeec`: no changes"
    assert verdict(EMPTY, region=True) == f"### 🟢 `dev` in `{EMPTY.region}` at `c0ffeec`: no changes"


def test_labels_are_those_of_the_environment() -> None:
    assert labels(Verdict.of(PLAN), "dev") == ("dev: destructive", "dev: widens access", "dev: drift")
    assert labels(Verdict.of(EMPTY), "dev") == ()
    assert labels(Verdict.of(PLAN), "a" * 35)[1] == "a" * 35 + ": widens access"
    long = {labels(Verdict.of(PLAN), f"services/{'x' * 60}/{name}") for name in ("dev", "live")}
    assert len(long) == 2, "each has its own"
    assert all(len(label) <= 50 for each in long for label in each)


def test_only_the_status_is_exchanged() -> None:
    body = render_comment(PLAN, "old \\1", FRAME)
    changed = with_status(body, "new \\1 \\g<0>")
    assert changed == body.replace("old \\1", "new \\1 \\g<0>")
    assert with_status("a comment of somebody", "new") is None


def test_a_longer_status_takes_the_room_of_what_is_folded() -> None:
    """GitHub refuses a comment that is too long as a whole: then nobody would see that it failed."""
    plan = many(900, destructive=False)
    body = render_comment(plan, "planned", FRAME, limit=units(render_comment(plan, "planned", FRAME, 10**9)))
    limit = units(body) + 100
    status = "failed\n\n" + "- why\n" * 100
    changed = with_status(body, status, limit)
    assert changed is not None
    assert units(changed) <= limit
    assert status in changed
    assert "<details>" not in changed
    assert changed.splitlines()[0] == body.splitlines()[0]
    assert changed.endswith(body.splitlines()[-1])
    least = with_status(body, status, units(changed) - 1)
    assert least is not None
    assert "failed\n\n<!-- /pipeline:status -->" in least


def many(number: int, *, destructive: bool) -> Plan:
    changes = tuple(
        Change(f"lambda.function/f{n}", Action.DELETE if destructive else Action.UPDATE, Origin.GIT,
               (FieldChange("description", "a" * 90, "b" * 90),), destructive, reason="no longer declared")
        for n in range(number)
    )  # fmt: skip
    return replace(PLAN, changes=(*changes, *PLAN.changes))


def test_what_is_too_long_goes_and_what_destroys_stays() -> None:
    found = render_comment(many(2000, destructive=False), "planned", FRAME)
    assert units(found) <= 65_536
    assert "2007 changes, too long for a comment: see [the job's summary and the artifact" in found
    assert "- replace dynamodb.table/shop-log: AWS cannot change sort_key in place" in found


@pytest.mark.parametrize("number", [1200, 1800])
def test_hundreds_of_destructive_lines_stay(number: int) -> None:
    found = render_comment(many(number, destructive=True), "planned", FRAME)
    assert units(found) <= 65_536
    lines = {line.partition(":")[0] for line in found.splitlines()}
    assert {f"- delete lambda.function/f{n}" for n in range(number)} <= lines
    assert found.endswith(marker("dev"))


def test_much_access_that_widens_is_folded() -> None:
    access = tuple(Widening(f"iam.role/r{n}", f"arn:r{n}", "s3:GetObject", "*", None, "allowed") for n in range(40))
    body = render_comment(replace(EMPTY, access=access), "planned", FRAME)
    assert "> **Access widens.**\n\n<details><summary>40 grants</summary>" in body


def test_even_more_are_cut_at_the_limit() -> None:
    found = render_comment(many(3000, destructive=True), "planned", FRAME)
    assert units(found) <= 65_536
    assert "- … and " in found
    assert found.splitlines()[0] == verdict(many(3000, destructive=True))


def test_a_summary_is_cut_at_its_limit() -> None:
    text = render_summary(many(6000, destructive=False), "planned", FRAME, seconds={})
    assert len(text.encode()) > 1024 * 1024
    cut = within(text)
    assert len(cut.encode()) <= 1024 * 1024
    assert cut.endswith("The rest is in the artifact of the run.\n")
    assert within("short") == "short"
    assert within(text, 10) == ""


def test_a_graph_of_many_resources_stays_readable() -> None:
    text = graph(many(300, destructive=False))
    assert len(text) < 50_000
    assert text.splitlines()[-1] == "… and 225 changes more."


def test_labels_of_a_graph_are_entities() -> None:
    change = Change('a.b/"]; click n0 "javascript:x', Action.CREATE, Origin.GIT)
    line = graph(replace(EMPTY, changes=(change,))).splitlines()[2]
    assert line == '  n0["+ a.b/#34;#93;#59; click n0 #34;javascript:x"]:::create'


def test_the_timeline_is_one_bar_for_each_stage() -> None:
    assert timeline({"plan": 0.4, "apply": 1.25}).splitlines()[-3:-1] == [
        "  plan (400 ms) :0, 400", "  apply (1.25 s) :400, 1650",
    ]  # fmt: skip
    assert (timeline({}), canary_table([])) == ("", "")


def look(at: float, canary: Figures, stable: Figures) -> Measurement:
    return Measurement(0, 10, at, 1000.0, at, Result.INCONCLUSIVE, "", 0.0, canary, stable)


def test_a_canary_is_drawn_look_by_look_beside_the_stable_release() -> None:
    slow, quick = {"p99": 812.5}, {"p99": 240.0}
    second = look(1071.0, Figures(41, 3, latency=slow), Figures(380, 2, latency=quick))
    looks = [look(1005.0, Figures(), Figures(90)), second]
    errors, latency = canary_charts(looks)
    assert errors.splitlines()[2:-1] == [
        '  title "errors in percent: new release (bars), stable release (line)"',
        '  x-axis ["10 % 0:05", "10 % 1:11"]', "  y-axis 0 --> 7.317", "  bar [0, 7.317]", "  line [0, 0.5263]",
    ]  # fmt: skip
    assert latency.splitlines()[3:-1] == [
        '  x-axis ["10 % 1:11"]', "  y-axis 0 --> 812.5", "  bar [812.5]", "  line [240]",
    ]  # fmt: skip
    assert canary_charts([]) == []
    (long,) = canary_charts([look(1000.0 + n, Figures(9), Figures(9)) for n in range(500)])
    assert long.count('"10 %') == 24
    assert "0 --> 1\n" in long, "no chart without height"
    assert "xychart-beta" in render_summary(EMPTY, "live", FRAME, seconds={}, looks=looks)


def test_values_of_environment_variables_are_hidden_wherever_they_are() -> None:
    fields = (
        FieldChange("environment.TABLE", "before-x", "after-x"),
        FieldChange("environment", None, {"TABLE": "after-x", "LIST": ["after-x"]}),
        FieldChange("stages.0", None, {"variables": {"A": "after-x"}, "name": "kept"}),
        FieldChange("memory", 128, 256),
        FieldChange("environment.GONE", "before-x", None),
    )
    plan = replace(EMPTY, changes=(Change("lambda.function/f", Action.UPDATE, Origin.GIT, fields),))
    text = render_comment(plan, "", FRAME)
    assert "after-x" not in text
    assert "before-x" not in text
    shown = masked(plan).changes[0].fields
    assert shown[2].after == {"variables": {"A": HIDDEN}, "name": "kept"}
    assert (shown[3].after, shown[4].after) == (256, None)
    assert "after-x" in render_comment(plan, "", replace(FRAME, show_values=True))


def test_what_a_check_says() -> None:
    assert (conclusion_of(PLAN), conclusion_of(EMPTY)) == ("failure", "success")
    assert conclusion_of(replace(PLAN, blockers=())) == "neutral"
    assert title_of(EMPTY) == "dev: nothing to do, 20 unchanged"
    assert [finding.place for finding in findings_of(DRAWN)] == ["aws/t.yaml:3", "aws/t.yaml:3", ""]
    assert outputs_of(PLAN, REPORT)["url"] == "https://x.example/dev"


def test_links_are_links_only_to_what_can_be_one() -> None:
    assert link("run", "https://x/1") == "[run](https://x/1)"
    assert [link("run", url) for url in (None, "javascript:x", "https://x) [y](z", "https://x\n")] == ["run"] * 4


# Text from outside.

SENTINEL = "OUTSIDE"
NASTY = st.lists(
    st.sampled_from(
        ["`", "``", "```", "\n", "\r\n", "\u2028", "~~~", "</details>", "<img src=x>", "<!-- ", "-->", "@everyone",
         "[x](https://evil)", "![x](https://evil)", "| a |", "> ", "# ", "\u202e", "\x1b[31m", "\\", "*", "_", "#1",
         "https://evil.example", "```suggestion", "<!-- pipeline:status -->", "<!-- /pipeline:status -->", "\x00", "é",
         "🙂", "    ", " "]
    ),
    max_size=12,
).map(lambda parts: SENTINEL + "".join(parts) + SENTINEL)  # fmt: skip


def leaves(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from leaves(token.children or [])


def outside_of_code(markdown: str) -> list[str]:
    """Where text from outside is anything but code."""
    found = leaves(MarkdownIt("commonmark").enable("table").parse(markdown))
    kinds = {"fence", "code_inline", "inline"}
    return [token.type for token in found if SENTINEL in token.content and token.type not in kinds]


def hostile(text: str) -> Plan:
    change = Change(
        f"lambda.function/{text}", Action.REPLACE, Origin.GIT,
        (FieldChange(text, text, text), FieldChange("x", {text: text}, [text])), destructive=True, reason=text,
        desired=Resource("lambda.function", text, {}, (f"iam.role/{text}",), Source(text, 3)),
    )  # fmt: skip
    finding = Diagnostic(text, file=text, line=1, address=text, hint=text)
    return Plan("shop", "dev", "r", "1", "c" * 40, (change,), 0, (finding.as_warning(),), (finding,),
                (Widening(text, text, text, text, text, text),))  # fmt: skip


@given(NASTY)
@settings(max_examples=60, deadline=None)
def test_text_from_outside_stays_code(text: str) -> None:
    error = PipelineError(text, hint=text, diagnostics=[Diagnostic(text)])
    status = status_text.ended(error, RUN)
    for body in (
        render_comment(hostile(text), status, FRAME),
        render_comment(hostile(text), status, FRAME, limit=900),
        render_summary(hostile(text), status, FRAME, seconds={}),
        status_text.rolled_back(ROLLBACK, text, RUN),
    ):
        assert outside_of_code(body) == []
        assert body.encode()


@given(NASTY | st.just(f"{SENTINEL}\ud800{SENTINEL}"))
@settings(max_examples=60, deadline=None)
def test_spans_and_fences_hold_what_they_are_given(text: str) -> None:
    for made in (code(text), fence([text, text])):
        tokens = [t for t in leaves(MarkdownIt("commonmark").parse(made)) if t.type in ("fence", "code_inline")]
        assert len(tokens) == 1
        assert tokens[0].content.count(SENTINEL) == made.count(SENTINEL)


@given(NASTY)
@settings(max_examples=30, deadline=None)
def test_a_status_cannot_end_itself_for_another(text: str) -> None:
    body = render_comment(hostile(text), status_text.ended(PipelineError(text), RUN), FRAME)
    calm = render_comment(hostile(text), "calm", FRAME)
    assert with_status(body, "calm") == calm
    assert body.count("<!--") == calm.count("<!--") == 3
