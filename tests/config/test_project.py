"""pipeline.yaml, and finding the root."""

from pathlib import Path

import pytest

from pipeline.config.files import find_root
from pipeline.config.loaded import CodeSettings, EnvironmentSettings, Project
from pipeline.config.project import load_project
from pipeline.errors import BadInput
from tests.config.support import Content, Files, write


def project(root: Path, text: Content, files: Files | None = None) -> Project:
    return load_project(write(root, {"pipeline.yaml": text, **(files or {})}))


def problems(root: Path, text: Content) -> list[str]:
    with pytest.raises(BadInput) as caught:
        project(root, text)
    return [f"{d.place}: {d.message}" for d in caught.value.diagnostics]


def test_everything_has_a_default(tmp_path: Path) -> None:
    assert project(tmp_path, "# nothing\n") == Project(
        tmp_path,
        code=CodeSettings("backend", ("handlers", "src", "lib", "utils"), ("*.pyc", "__pycache__"), None),
        frontend_root="frontend",
    )


def test_everything_can_be_said(tmp_path: Path) -> None:
    text = (
        "environments:\n  dev: develop\n  qa: {branch: develop}\n  lab: {}\n"
        "code:\n  root: ./src/\n  include: [a]\n  exclude: []\n  requirements: r.txt\nfrontend: {root: web}\n"
    )
    found = project(tmp_path, text, {"r.txt": ""})
    assert found.environments == {
        "dev": EnvironmentSettings("develop"),
        "qa": EnvironmentSettings("develop"),
        "lab": EnvironmentSettings(None),
    }
    assert found.branches == {"develop": ("dev", "qa")}
    assert found.code == CodeSettings("src", ("a",), (), "r.txt")
    assert found.frontend_root == "web"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("- a\n", ["1:1: a mapping is wanted: environments, code, frontend"]),
        ("enviroments: {}\n", ['1:1: unknown key "enviroments" of pipeline.yaml: did you mean "environments"?']),
        ("code:\n  roots: x\n", ['2:3: unknown key "roots" in code of pipeline.yaml: did you mean "root"?']),
        ("environments: [dev]\n", ["1:15: environments is a list: a mapping is wanted"]),
        ("environments:\n  Dev: x\n", ['2:3: key "Dev" does not match ^[a-z][a-z0-9-]{0,31}$']),
        ("environments:\n  dev:\n", ["2:7: environments.dev has no value: a mapping or text is wanted"]),
        (
            "environments:\n  dev: {brunch: x}\n",
            ['2:9: unknown key "brunch" in environments.dev of pipeline.yaml: did you mean "branch"?'],
        ),
        ("code: {root: ../up}\n", ['1:14: code.root is "../up": a path inside the project is wanted']),
        ("code: {root: /abs}\n", ['1:14: code.root is "/abs": a path inside the project is wanted']),
        ("code: {requirements: none.txt}\n", ["1:22: there is no requirements file none.txt"]),
        (
            "code: {include: x}\nfrontend: 1\n",
            [
                '1:17: code.include is "x": a list is wanted',
                "2:11: frontend is 1: a mapping is wanted (the static site)",
            ],
        ),
        (
            "code: {include: [a, 1, [b], {}], exclude: [{}, {}]}\n",
            [
                "1:24: code.include[2] is a list: text is wanted",
                "1:29: code.include[3] is a mapping: text is wanted",
                "1:44: code.exclude[0] is a mapping: text is wanted",
                "1:48: code.exclude[1] is a mapping: text is wanted",
            ],
        ),
        ("a: [\n", ["2:1: YAML syntax: did not find expected node content (while parsing a flow node)"]),
        (b"\xff\xfe", ["1:1: the file is not UTF-8 text (byte 0xff)"]),
    ],
)
def test_refused(tmp_path: Path, text: Content, found: list[str]) -> None:
    got = problems(tmp_path, text)
    assert len(got) == len(found)
    assert all(one.startswith(f"pipeline.yaml:{other}") for one, other in zip(got, found, strict=True))


def test_the_root_is_the_nearest_directory_with_a_pipeline_yaml(tmp_path: Path) -> None:
    write(tmp_path, {"pipeline.yaml": "", "a/pipeline.yaml": "", "a/b/c.txt": "", "d/e.txt": ""})
    assert find_root(tmp_path / "a/b") == tmp_path / "a"
    assert find_root(tmp_path / "a") == tmp_path / "a"
    assert find_root(tmp_path / "d") == tmp_path


def test_no_root_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"neither .* nor a directory above it has a pipeline.yaml") as caught:
        find_root(tmp_path)
    assert caught.value.hint
    assert caught.value.exit_code == 2


SEVERAL = """rollout:
  canary: {weight: 10}
  analysis:
    alarms: [one,
      two]
environments:
  dev: {}
  staging: {rollout: {canary: {weight: 5}}}
  production:
    rollout:
      analysis: {alarms: [three]}
"""


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("dev", [("rollout.analysis.alarms[0]", 4), ("rollout.analysis.alarms[1]", 5)]),
        ("staging", [("rollout.analysis.alarms[0]", 4), ("rollout.analysis.alarms[1]", 5)]),
        ("production", [("environments.production.rollout.analysis.alarms[0]", 11)]),
    ],
)
def test_it_is_known_where_each_alarm_of_a_rollout_is_named(
    tmp_path: Path, environment: str, expected: list[tuple[str, int]]
) -> None:
    named = project(tmp_path, SEVERAL).alarms_for(environment)
    assert [(one.key, one.place.line) for one in named] == expected
