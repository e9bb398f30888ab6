"""`pipeline init`: what it makes is right, and what it refuses is left alone."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pipeline.cli import main, program
from pipeline.errors import BadInput
from pipeline.scaffolding.answers import Answers, Tool, accounts, environments, service_name
from pipeline.scaffolding.template import repository
from pipeline.scaffolding.writing import write
from tests.scaffolding.support import ACCOUNT, files, init, loaded


def test_the_commands_of_its_readme_are_commands(tmp_path: Path) -> None:
    init(str(tmp_path / "orders"))
    text = (tmp_path / "orders" / "README.md").read_text()
    lines = re.findall(r"\./run (pipeline (?:deploy|validate|doctor|rollback)[^`#\n]*)", text)
    assert len(lines) >= 4
    for line in lines:
        _, name, *arguments = shlex.split(line)
        command = program.get_command(click.Context(program), name)
        assert command is not None
        command.make_context(name, arguments)  # raises for what is missing or unknown


def test_a_new_repository_is_valid(tmp_path: Path) -> None:
    done = init(str(tmp_path / "shop" / "orders"), "--account", ACCOUNT)
    assert done.code == 0
    root = tmp_path / "shop" / "orders"
    assert set(done.json["files"]) == files(root)
    found = loaded(root)
    assert found.diagnostics == ()
    assert found.project.branches == {"dev": ("dev",), "staging": ("staging",), "main": ("production",)}
    assert {env.service for env in found.environments.values()} == {"orders"}


def test_environments_may_share_an_account(tmp_path: Path) -> None:
    """No name that AWS wants to be unique is the same in two environments."""
    init(str(tmp_path / "orders"))
    found = loaded(tmp_path / "orders").desired
    names = [{r.address for r in found[env]} for env in ("dev", "staging", "production")]
    assert names[0]
    assert not names[0] & names[1]
    assert not names[1] & names[2]


def test_options_say_what_there_is(tmp_path: Path) -> None:
    root = tmp_path / "x"
    done = init(
        str(root), "--service", "till", "--region", "eu-west-1", "--environments", "lab,live=main",
        "--account", "lab=111111111111", "--account", "live=222222222222",
    )  # fmt: skip
    assert done.code == 0
    found = loaded(root).environments
    assert {(e.name, e.service, e.region, e.account) for e in found.values()} == {
        ("lab", "till", "eu-west-1", "111111111111"),
        ("live", "till", "eu-west-1", "222222222222"),
    }


def test_without_an_account_only_that_is_missing(tmp_path: Path) -> None:
    init(str(tmp_path / "orders"))
    found = loaded(tmp_path / "orders")
    assert found.errors == ()
    assert all(warning.message.startswith("AWS_ACCOUNT_ID is missing") for warning in found.warnings)


def test_its_own_tests_pass_without_anything_installed(tmp_path: Path) -> None:
    init(str(tmp_path / "orders"))
    ran = subprocess.run(
        [sys.executable, "-I", "-m", "unittest", "discover", "-s", "tests"],
        cwd=tmp_path / "orders", capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "Ran 2 tests" in ran.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--service", "Orders!"], "is no name for a service"),
        (["--region", "mars-1"], "is no region"),
        (["--environments", ","], "there is no environment"),
        (["--environments", "Dev"], "is no name for an environment"),
        (["--environments", "dev=a b"], "is no branch"),
        (["--account", "12"], "is no account"),
        (["--account", "dev=123456789012"], "no account for staging, production"),
        (["--account", "lab=123456789012"], "there is no environment lab"),
        (["--tool", "somewhere"], "--tool is"),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_written(tmp_path: Path, options: list[str], told: str) -> None:
    done = init(str(tmp_path / "orders"), *options)
    assert done.code == 2
    assert told in done.err
    assert files(tmp_path) == set()
    assert not (tmp_path / "orders").exists()


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    done = init(str(tmp_path / "orders"), "--service", "Orders!", "--region", "mars-1", "--account", "12")
    assert len(done.json["errors"]) == 2 + 3  # the account is that of three environments


def test_what_is_in_the_way_is_named_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "src").mkdir()
    done = init(str(tmp_path))
    assert done.code == 2
    assert "README.md, src" in done.err
    assert files(tmp_path) == {"README.md"}


def test_an_empty_clone_is_welcome(tmp_path: Path) -> None:
    root = tmp_path / "orders"
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    assert init(str(root)).code == 0
    assert (root / ".git").is_dir()
    assert (root / "pipeline.yaml").is_file()


def test_a_file_is_in_the_way_too(tmp_path: Path) -> None:
    (tmp_path / "orders").write_text("mine")
    assert init(str(tmp_path / "orders")).code == 2
    assert (tmp_path / "orders").read_text() == "mine"


def test_nothing_is_left_of_what_could_not_be_written_whole(tmp_path: Path) -> None:
    target = tmp_path / "orders"
    target.mkdir()
    with pytest.raises(Exception, match="writing"):
        write(target, {"a/b.txt": "one", "a/b.txt/c": "a file is no directory"})
    assert list(tmp_path.iterdir()) == [target]
    assert list(target.iterdir()) == []


def test_in_json_no_question_is_asked_and_in_a_script_neither(tmp_path: Path) -> None:
    """The standard input of these tests is no terminal; a question would end in an error."""
    assert init(str(tmp_path / "orders")).code == 0


@pytest.mark.parametrize(
    ("directory", "name"),
    [("orders", "orders"), ("My Orders_2", "my-orders-2"), ("42-things", "things"), ("__", ""), ("x" * 60, "x" * 28)],
)
def test_the_directory_gives_the_name(directory: str, name: str) -> None:
    assert service_name(directory) == name


def test_environments_and_accounts_as_options_write_them() -> None:
    assert environments("dev, production=release,lab") == {"dev": "dev", "production": "release", "lab": "lab"}
    assert accounts(("111111111111", "b=222222222222"), {"a": "a", "b": "b"}) == {
        "a": "111111111111",
        "b": "222222222222",
    }


def test_no_hole_of_the_template_stays_open() -> None:
    made = repository(Answers("orders"))
    assert [path for path, text in made.items() if "@{" in text or "@{" in path] == []
    assert all(text.endswith("\n") and not text.endswith("\n\n") for text in made.values())


def test_the_wrapper_runs_the_tool_of_its_commit(tmp_path: Path) -> None:
    """`run` clones the repository that it names, at the commit that it names, and hands everything to its `run`."""
    tool = tmp_path / "it's a tool"
    tool.mkdir()
    (tool / "run").write_text('#!/bin/sh\nprintf "%s|" first "$@"\n')
    (tool / "run").chmod(0o755)
    git = ["git", "-C", str(tool), "-c", "user.name=x", "-c", "user.email=x@e.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "init", "-q", str(tool)], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    (tool / "run").write_text("#!/bin/sh\necho a newer one\n")
    subprocess.run([*git, "commit", "-qam", "second"], check=True)
    write(tmp_path / "orders", repository(Answers("orders", tool=Tool(str(tool), commit))), ("run",))
    for _ in range(2):  # the second time it is there already
        ran = subprocess.run(
            [tmp_path / "orders" / "run", "pipeline", "plan", "a b"], capture_output=True, text=True, check=True
        )
        assert ran.stdout == "first|pipeline|plan|a b|"


def test_the_wrapper_without_a_repository_runs_what_is_installed(tmp_path: Path) -> None:
    write(tmp_path / "orders", repository(Answers("orders")), ("run",))
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pipeline").write_text('#!/bin/sh\necho installed "$@"\n')
    (programs / "pipeline").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        [tmp_path / "orders" / "run", "pipeline", "plan"], env=os.environ | {"PATH": path}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert ran.stdout == "installed plan\n"
    bare = subprocess.run(
        [shutil.which("sh") or "sh", tmp_path / "orders" / "run", "pipeline"], env={"PATH": "/nowhere"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert bare.returncode == 1
    assert "try:" in bare.stderr


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/acme/pipeline.git", "acme/pipeline"),
        ("git@github.com:acme/pipeline", "acme/pipeline"),
        ("https://example.com/acme/pipeline", None),
        ("", None),
    ],
)
def test_whose_repository_on_github_it_is(url: str, name: str | None) -> None:
    assert Tool(url).github == name


def test_bad_answers_are_bad_input() -> None:
    with pytest.raises(BadInput):
        Answers("").check()


def test_no_token_in_a_url_that_was_given_comes_along(tmp_path: Path) -> None:
    given = f"https://me:s3cret@example.com/acme/pipeline@{'0' * 40}"
    assert main(["init", str(tmp_path / "orders"), "--yes", "--tool", given]) == 0
    text = (tmp_path / "orders" / "run").read_text()
    assert "https://example.com/acme/pipeline" in text
    assert "s3cret" not in text
