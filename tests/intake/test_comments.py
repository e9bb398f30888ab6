"""Commands in comments: what is one, what only looks like one, and what a wrong one is told."""

from dataclasses import replace

import pytest

from pipeline.intake.comments import COMMANDS, usages
from pipeline.model.intent import Intent, Kind
from tests.intake.support import intent

NUMBER = 1


def said(body: str) -> Intent:
    return intent("issue_comment.created_on_pr", {"comment.body": body})


def asks(kind: Kind, command: str, environments: tuple[str, ...] = (), target: str | None = None) -> Intent:
    return Intent(kind, environments, target=target, pull_request=NUMBER, command=command)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("/plan", asks(Kind.PREVIEW, "plan")),
        ("/deploy dev", asks(Kind.DEPLOY, "deploy", ("dev",))),
        ("/deploy sandbox", asks(Kind.DEPLOY, "deploy", ("sandbox",))),
        ("/rollback production", asks(Kind.ROLLBACK, "rollback", ("production",), "previous")),
        ("/rollback production previous", asks(Kind.ROLLBACK, "rollback", ("production",), "previous")),
        ("/rollback production 41", asks(Kind.ROLLBACK, "rollback", ("production",), "41")),
        ("/promote", asks(Kind.PROMOTE, "promote")),
        ("/promote production", asks(Kind.PROMOTE, "promote", ("production",))),
        ("/abort", asks(Kind.ABORT, "abort")),
        ("/abort staging", asks(Kind.ABORT, "abort", ("staging",))),
        ("/unlock", asks(Kind.IGNORE, "unlock")),
        ("/unlock dev", replace(asks(Kind.IGNORE, "unlock"), environments=("dev",))),
        ("/deploy dev --clear-hold", replace(asks(Kind.DEPLOY, "deploy"), environments=("dev",), clear_hold=True)),
        ("/help", asks(Kind.IGNORE, "help")),
        # around the command
        ("/plan  \t", asks(Kind.PREVIEW, "plan")),
        ("/deploy \t dev ", asks(Kind.DEPLOY, "deploy", ("dev",))),
        ("looks good\r\n/plan\r\nthanks", asks(Kind.PREVIEW, "plan")),
        ("looks good\n\n/plan", asks(Kind.PREVIEW, "plan")),
        ("```\nx = 1\n```\n/plan", asks(Kind.PREVIEW, "plan")),
        ("`/deploy` is what I mean:\n/plan", asks(Kind.PREVIEW, "plan")),
        ("<!-- /deploy dev -->\n/plan", asks(Kind.PREVIEW, "plan")),
        ("> /deploy production\n\nno, rather\n/plan", asks(Kind.PREVIEW, "plan")),
    ],
)
def test_a_command(body: str, expected: Intent) -> None:
    assert replace(said(body), reason="") == expected


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nice",
        "please /plan",
        " /plan",
        "\t/plan",
        "\u00a0/plan",
        "\u200b/plan",
        "\ufeff/plan",
        "> /deploy production",
        "- /plan",
        "`/plan`",
        "**/plan**",
        "/planning",
        "/plan!",
        "/plan-b",
        "/approve",
        "/deply dev and then look at what it does",
        "/plän",
        "/rollbacks/production",
        "> /deply dev",
        "//plan",
        "/ plan",
        "\\/plan",
        "/etc/passwd",
        "/lgtm",
        "/plan\u2028",
        "/plan\u00a0",
        "x\u2028/deploy production",
        "x\x0b/deploy production",
        "x\x0c/deploy production",
        "x\x85/deploy production",
        "```\n/deploy production\n```",
        "~~~\n/deploy production\n~~~",
        "````\n```\n/deploy production\n```\n````",
        "```\n/deploy production",
        "   ```sh\n/deploy production\n   ```",
        "```\n/plan\n~~~\n/plan",
        "<!-- hidden\n/deploy production\n-->",
        "<!--\n/deploy production",
        "<!-- a -->/deploy production",
        "<!-- a\n-->/deploy production",
    ],
)
def test_no_command(body: str) -> None:
    found = said(body)
    assert (found.kind, found.command, found.mistake) == (Kind.IGNORE, None, False)
    assert found.reason == "comment on pull request 1: no line is a command"


def test_inline_code_with_three_backticks_opens_no_block() -> None:
    assert said("```/deploy dev``` is not what I want\n/plan").command == "plan"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("/deploy", "/deploy on pull request 1: it is written /deploy ENV"),
        ("/deploy prod", "there is no environment prod, but dev, staging, production or sandbox"),
        ("/deploy production now", "it is written /deploy ENV"),
        ("/deploy Production", "no environment Production"),
        ("/deploy production;id", "no environment 'production;id'"),
        ("/deploy $(id)", "no environment '$(id)'"),
        ("/deploy \u0440roduction", "no environment '\u0440roduction'"),
        ("/deploy production\u00a0", r"no environment 'production\xa0'"),
        ("/deploy \u202enoitcudorp", r"no environment '\u202enoitcudorp'"),
        ("/deploy \x1b[2J", r"no environment '\x1b[2J'"),
        ("/deploy ::error::x", "no environment '::error::x'"),
        ("/deploy --all", "no environment --all"),
        ("/rollback", "it is written /rollback ENV [RELEASE]"),
        ("/rollback production 0", "0 is not a release number or `previous`"),
        ("/rollback production 41 42", "it is written /rollback ENV [RELEASE]"),
        ("/rollback 41", "no environment 41"),
        ("/plan dev", "it is written /plan"),
        ("/promote dev staging", "it is written /promote [ENV]"),
        ("/unlock dev now", "it is written /unlock [ENV]"),
        ("/plan --clear-hold", "it is written /plan"),
        ("/deploy --clear-hold", "it is written /deploy ENV [--clear-hold]"),
        ("/plan\n/deploy dev", "one command in a comment"),
        ("/deploy dev\n/deploy dev", "one command in a comment"),
    ],
)
def test_a_wrong_command_is_told_how_it_is_written(body: str, why: str) -> None:
    found = said(body)
    assert (found.kind, found.environments, found.target, found.mistake) == (Kind.IGNORE, (), None, True)
    assert found.pull_request == NUMBER
    assert found.command in COMMANDS
    assert why in found.reason
    assert found.reason.isprintable()


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ("/deply dev", "/deploy ENV [--clear-hold]"),
        ("looks good\n/Deploy dev --clear-hold", "/deploy ENV [--clear-hold]"),
        ("/Plan", "/plan"),
        ("/roll-back production previous", "/rollback ENV [RELEASE]"),
        ("/lgtm\n/unlok", "/unlock [ENV]"),
    ],
)
def test_a_misspelled_command_is_told_what_was_probably_meant(body: str, meant: str) -> None:
    found = said(body)
    assert (found.kind, found.environments, found.mistake) == (Kind.IGNORE, (), True)
    assert found.reason.endswith(f"there is no such command; did you mean {meant}?")


def test_a_command_counts_whatever_looks_like_another() -> None:
    assert said("/deply dev\n/plan").kind is Kind.PREVIEW


def test_a_long_word_is_cut() -> None:
    assert len(said(f"/deploy {'x' * 60_000}").reason) < 250


def test_help_lists_every_command() -> None:
    reason = said("/help").reason
    assert reason == f"the commands are {usages()}"
    assert usages() == (
        "/plan, /deploy ENV [--clear-hold], /rollback ENV [RELEASE], /promote [ENV], /abort [ENV], /unlock [ENV], /help"
    )  # fmt: skip


@pytest.mark.parametrize("name", ["issue_comment.created_on_issue", "issue_comment.created_by_bot"])
def test_only_people_give_commands_and_only_on_pull_requests(name: str) -> None:
    for body in ("/plan", "/deploy production", "/help", "/deploy", "/rollback production 1"):
        found = intent(name, {"comment.body": body})
        assert (found.kind, found.command, found.mistake) == (Kind.IGNORE, None, False)
