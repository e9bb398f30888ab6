"""The schemas for editors accept what the pipeline accepts, and mark what it refuses by its shape."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from pipeline.resources.registry import registry
from pipeline.scaffolding.answers import Answers
from pipeline.scaffolding.editor_schemas import PROJECT, SPECS, project, specs
from pipeline.scaffolding.template import repository
from tests.repository.files import ROOT
from tests.scaffolding.support import init

SPEC_FILES = sorted((ROOT / "aws").rglob("*.yaml"))
EXAMPLES = [(kind, example) for kind in registry().values() for example in kind.spec.examples]
of_specs = Draft7Validator(specs())
of_project = Draft7Validator(project())


def messages(validator: Draft7Validator, document: Any) -> list[str]:
    return [error.message for error in validator.iter_errors(document)]


def test_they_are_schemas() -> None:
    Draft7Validator.check_schema(specs())
    Draft7Validator.check_schema(project())


@pytest.mark.parametrize("path", SPEC_FILES, ids=lambda path: path.name)
def test_the_sample_service_is_accepted(path: Path) -> None:
    assert messages(of_specs, yaml.safe_load(path.read_text())) == []


@pytest.mark.parametrize(("kind", "example"), EXAMPLES, ids=lambda value: getattr(value, "name", ""))
def test_examples_of_every_type_are_accepted(kind: Any, example: Any) -> None:
    for collection in kind.spec.collections:
        assert messages(of_specs, {collection: [example]}) == []
        assert messages(of_specs, {collection: example}) == []


@pytest.mark.parametrize(
    "document",
    [
        {"tabels": []},
        {"tables": [{"name": "orders", "partition_kee": "id"}]},
        {"tables": [{"name": "orders", "partition_key": "id", "billing_mode": "FREE"}]},
        {"functions": [{"name": "orders", "memory": "much"}]},
        {"functions": [{"name": "orders", "arn": "arn:aws:lambda:..."}]},
        {"functions": "orders"},
    ],
)
def test_what_is_wrong_by_its_shape_is_marked(document: Any) -> None:
    assert messages(of_specs, document)


@pytest.mark.parametrize(
    "document",
    [
        {
            "functions": [
                {"name": "${SERVICE_NAME}-x", "memory": "${MEMORY}", "runtime": "${RUNTIME}", "depends_on": ["a/b"]}
            ]
        },
        {"tables": [{"name": "x${Y}", "partition_key": "id", "deletion_protection": "${PROTECT}", "adopt": True}]},
        {"roles": [{"name": "r", "policies": {"Tables": "tables.json"}}]},
        {"defaults": {"memory": 256}, "functions": []},
        {"Version": "2012-10-17", "Statement": []},
    ],
)
def test_variables_paths_and_our_own_words_are_accepted(document: Any) -> None:
    assert messages(of_specs, document) == []


def test_pipeline_yaml_has_its_schema() -> None:
    assert messages(of_project, yaml.safe_load((ROOT / "pipeline.yaml").read_text())) == []
    assert (
        messages(of_project, {"environments": {"dev": {"branch": "dev", "rollout": {"canary": {"weight": 10}}}}}) == []
    )
    assert messages(of_project, {"environments": {"dev": {"branch": "dev", "rollout": {"canary": {"wait": 10}}}}})
    assert messages(of_project, {"enviroments": {}})


def test_every_yaml_file_of_the_template_names_a_schema_that_is_there() -> None:
    made = repository(Answers("orders"))
    for path, text in made.items():
        if path == "pipeline.yaml" or path.startswith("aws/"):
            first = text.splitlines()[0]
            prefix = "# yaml-language-server: $schema="
            assert first.startswith(prefix), path
            target = (Path(path).parent / first.removeprefix(prefix)).as_posix()
            assert target.replace("aws/api-gateway/../../", "").split("../")[-1] in made


def test_schemas_are_written_anew_on_request(tmp_path: Path) -> None:
    root = tmp_path / "orders"
    init(str(root))
    before = (root / SPECS).read_text()
    (root / SPECS).unlink()
    (root / PROJECT).write_text("old")
    (root / "README.md").write_text("mine")
    assert init("--schemas", str(root)).code == 0
    assert (root / SPECS).read_text() == before
    assert (root / PROJECT).read_text() != "old"
    assert (root / "README.md").read_text() == "mine"
    assert init("--schemas", str(tmp_path)).code == 2
