"""The whole life of larger services as both roles where IAM is enforced: the sample, and a stranger's."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from tests.granting.enforced import ACCOUNT, Enforced, emulator
from tests.repository.files import ROOT

pytestmark = [
    pytest.mark.emulator,
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get("ENFORCED"), reason="half a minute of CPU each: ./run tox -e enforced"),
]
SAMPLE = ("pipeline.yaml", "environments", "aws", "backend", "frontend")
REPOSITORY = "acme@7/service@8"


@pytest.fixture
def folder(tmp_path: Path, aws_environment: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a service goes, with commands led to an emulator of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with emulator(tmp_path) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        yield tmp_path / "service"


@pytest.fixture
def sample(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Enforced:
    for name in SAMPLE:
        kept = folder / name
        kept.parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, kept)
    return Enforced(folder, os.environ["AWS_ENDPOINT_URL"], monkeypatch)


@pytest.fixture
def ferry(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Enforced:
    shutil.copytree(ROOT / "tests" / "fixtures" / "services" / "ferry", folder)
    return Enforced(folder, os.environ["AWS_ENDPOINT_URL"], monkeypatch, "sea")


def plan(service: Enforced, name: str) -> None:
    """Jobs that plan."""
    service.become(f"{name}-{service.environment}-plan", f"repo:acme/service:environment:{service.environment}-plan")


def deploy(service: Enforced, name: str) -> None:
    """Jobs that deploy."""
    service.become(f"{name}-{service.environment}-deploy", f"repo:{REPOSITORY}:environment:{service.environment}")


def live(service: Enforced, name: str, *, kinds: int) -> None:
    """From nothing to what serves, and looked at: made, nothing to do, drift, doctor, cost."""
    service.become(None)
    service.done("bootstrap", "--repo", REPOSITORY, "--yes")
    plan(service, name)
    planned = service.done("plan")
    assert {change["action"] for change in planned["changes"]} <= {"create", "none"}
    assert len({change["address"].partition("/")[0] for change in planned["changes"]}) >= kinds
    deploy(service, name)
    service.done("deploy")
    again = service.done("deploy")
    assert again["changed"] is False, again
    plan(service, name)
    assert service.done("drift")["summary"]["drift"] == 0
    _, found, err = service.run("doctor")
    assert [one["id"] for one in found["findings"] if one["severity"] in ("unknown", "error")] == [], err
    service.done("cost", "--plan")


def data_of(service: Enforced) -> tuple[list[str], list[str]]:
    """(tables, buckets) that there are."""
    service.become(None)
    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    return tables, [one["Name"] for one in boto3.client("s3").list_buckets()["Buckets"]]


def test_the_sample_lives_and_dies(sample: Enforced) -> None:
    live(sample, "new-service", kinds=25)
    sample.rewrite("environments/dev.env", "LAMBDA_MEMORY=512", "LAMBDA_MEMORY=640")
    deploy(sample, "new-service")
    assert sample.done("deploy")["plan"]["summary"]["update"] == 8
    assert sample.done("rollback", "--to", "previous")["plan"]["summary"]["update"] == 8
    sample.done("destroy", "--yes")
    tables, buckets = data_of(sample)
    assert (len(tables), len(buckets)) == (4, 2), "data stays"


def test_a_stranger_s_service_lives_and_dies_with_its_data(ferry: Enforced) -> None:
    ferry.rewrite("pipeline.yaml", "sea: main", "sea: {branch: main, deletes_data: true}")
    live(ferry, "ferry", kinds=15)
    ferry.rewrite("aws/functions.yaml", '"${SERVICE_NAME}-weather"}', '"${SERVICE_NAME}-weather", timeout: 20}')
    ferry.rewrite("aws/rest.yaml", "path: /quote, methods: [POST]", "path: /quote, methods: [POST, PUT]")
    deploy(ferry, "ferry")
    assert ferry.done("deploy")["plan"]["summary"]["update"] >= 2
    ferry.done("rollback", "--to", "1")
    ferry.done("destroy", "--include-data", "--yes")
    assert data_of(ferry) == ([], [f"ferry-sea-pipeline-{ACCOUNT}-ap-northeast-2"])
