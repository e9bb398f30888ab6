"""Commands in messages: complete, and only those."""

import shlex
from pathlib import Path

import pytest

from pipeline.commands.advising import advising, completed, root_option
from pipeline.errors import BadInput, ChangesFailed, Diagnostic, PipelineError

ALL = ["--env dev", "--root svc", "--local"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see `pipeline releases`, then again", "see `pipeline releases --env dev --root svc --local`, then again"),
        ("pipeline resume --env dev ends it", "pipeline resume --env dev --root svc --local ends it"),
        ("pipeline rollback --root x --to previous", "pipeline rollback --env dev --local --root x --to previous"),
        ("pipeline deploy --env staging --local first", "pipeline deploy --env staging --root svc --local first"),
        (
            "pipeline promote --env dev or pipeline abort --env dev first",
            "pipeline promote --env dev --root svc --local or pipeline abort --env dev --root svc --local first",
        ),
        ("set url in pipeline.yaml", "set url in pipeline.yaml"),
        ("pipeline local start", "pipeline local start"),
        ("pipeline deployment", "pipeline deployment"),
        ("pipeline resume --env eu.p-1, then again", "pipeline resume --env eu.p-1 --root svc --local, then again"),
    ],
)  # fmt: skip
def test_commands_get_the_options_that_they_lack(text: str, expected: str) -> None:
    assert completed(text, ALL) == expected
    assert completed(text, []) == text
    assert completed(expected, ALL) == expected


def test_an_error_advises_what_its_own_command_was_about() -> None:
    failed = ChangesFailed([("sqs.queue/a", PipelineError("making a", hint="pipeline resume"))])
    failed.hint = "pipeline deploy"
    failed.diagnostics = (Diagnostic("b", hint="pipeline plan"), Diagnostic("c"))

    def fail(**_given: object) -> None:
        raise failed

    with pytest.raises(ChangesFailed):
        advising(fail)(env="dev", root=Path("my services/a"), local=True, form="text")
    options = f"--env dev --root {shlex.quote('my services/a')} --local"
    assert failed.hint == f"pipeline deploy {options}"
    assert failed.failures[0][1].hint == f"pipeline resume {options}"
    assert [each.hint for each in failed.diagnostics] == [f"pipeline plan {options}", None]


def test_the_region_that_was_named_is_named_again_but_for_what_is_about_all() -> None:
    error = PipelineError("no", hint="pipeline resume, or pipeline bootstrap --repo a/b")

    def fail(**_given: object) -> None:
        raise error

    with pytest.raises(PipelineError):
        advising(fail)(env="prod", root=None, local=False, region="eu-west-1")
    assert error.hint == "pipeline resume --env prod --region eu-west-1, or pipeline bootstrap --env prod --repo a/b"


def test_without_options_an_error_stays_as_it_is() -> None:
    error = BadInput("no", hint="pipeline deploy --env NAME")

    def fail(**_given: object) -> None:
        raise error

    with pytest.raises(BadInput):
        advising(fail)(env=None, root=None, local=False)
    assert error.hint == "pipeline deploy --env NAME"


def test_the_root_is_named_where_it_would_not_be_found(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "inner"):
        (place / "deep").mkdir(parents=True)
        (place / "pipeline.yaml").touch()
    assert root_option(tmp_path, tmp_path / "deep") == ""
    assert root_option(tmp_path / "inner", tmp_path / "inner" / "deep") == ""
    assert root_option(tmp_path / "inner", tmp_path) == f"--root {tmp_path / 'inner'}"
    assert root_option(tmp_path, tmp_path / "inner") == f"--root {tmp_path}"
