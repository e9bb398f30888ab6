"""Rollbacks: of a few functions and a stage, and of so many that AWS's rate counts. How soon the old release serves.

The service is one of its own: as many functions as are wanted, each with a role, behind one REST API, and a table.
Every release changes the code of all functions and the API's definition, so that every pointer has to move.
"""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.aws import ACCOUNT, Aws, running
from benchmarks.figures import Measure
from benchmarks.measure import Sample
from benchmarks.service import ENVIRONMENT, Service, variables
from pipeline.applying.pacing import Pacer
from pipeline.clients import SystemClock

# Seconds until a few functions and a stage serve the old release; more functions may take what AWS's rate takes longer.
AIM = 2.0
_MOVES = ("lambda:UpdateAlias", "apigateway:UpdateStage")
_CODE = "def handler(event, context):\n    return {{'statusCode': 200, 'body': 'release {}'}}\n"


def rollbacks(functions: int, runs: Iterator[int], latency_ms: float) -> list[Measure]:
    """Until the traffic has moved, and the whole process, which brings the rest back, too."""
    name = f"rollback, {functions} functions and a stage"
    moved, whole = Measure(f"{name}: traffic moved"), Measure(f"{name}: all done")
    with several(functions) as service, running(latency_ms) as aws:
        for number in (1, 2):
            release(service, aws, functions, number)
        for number in runs:
            # The second of the two is rolled back to the first, then the first to the second: there and back again.
            aws.calls()
            sample = service.pipeline("rollback", "--env", ENVIRONMENT, "--to", str(2 - number % 2), aws=aws.variables)
            trace, calls = aws.trace(), aws.calls()
            moved.ours.append(Sample(until_moved(trace, functions, sample.wall), sample.cpu, sample.peak))
            moved.our_calls.append(counted(before_moved(trace, functions)))
            whole.ours.append(sample)
            whole.our_calls.append(calls)
    moved.target = AIM + round(least_seconds(moved.our_calls[-1]["calls"]), 1)
    return [moved, whole]


def until_moved(trace: Sequence[tuple[str, float, float]], functions: int, wall: float) -> float:
    """Seconds from the start of the process until AWS had confirmed the last pointer.

    What the process takes after its last call is counted in: it is not known from outside.
    """
    return wall - (max(answered for _, _, answered in trace) - _moved_at(trace, functions))


def before_moved(trace: Sequence[tuple[str, float, float]], functions: int) -> list[str]:
    """The calls that had begun by then."""
    end = _moved_at(trace, functions)
    return [name for name, began, _ in trace if began <= end]


def _moved_at(trace: Sequence[tuple[str, float, float]], functions: int) -> float:
    """When the last of the pointers was confirmed. Those of the alias `previous` come after them."""
    aliases, stages = (sorted(answered for name, _, answered in trace if name == move) for move in _MOVES)
    return max(aliases[functions - 1], stages[0])


def counted(names: Sequence[str]) -> dict[str, Any]:
    """As the proxy counts."""
    return {"calls": {name: names.count(name) for name in sorted(set(names))}, "total": len(names)}


def least_seconds(calls: Mapping[str, int]) -> float:
    """What AWS's published rates make of these calls, however they are made: `applying/pacing.json`."""
    by_operation = {
        (service, operation): n for name, n in calls.items() for service, _, operation in [name.partition(":")]
    }
    return Pacer.load(SystemClock()).minimum_seconds(by_operation)


def release(service: Service, aws: Aws, functions: int, number: int) -> None:
    """Deploys release `number`: all code and the API are others."""
    write(service.root, functions, number)
    service.pipeline("deploy", "--env", ENVIRONMENT, aws=aws.variables)


def write(root: Path, functions: int, number: int) -> None:
    """The service as of release `number`."""
    names = [f"shop-{place:03}" for place in range(functions)]
    declared = {"defaults": {"runtime": "python3.13", "handler": "handlers.answer.handler"}}
    access = [{"table": "shop-orders", "allow": ["Query"]}]
    endpoints = [{"path": f"/{name}", "methods": ["GET", "POST"][: 1 + number % 2], "function": name} for name in names]
    documents = {
        "pipeline.yaml": {
            "environments": {ENVIRONMENT: ENVIRONMENT},
            "code": {"root": "code", "include": ["handlers"]},
        },
        "aws/lambda/functions.yaml": {**declared, "functions": [{"name": n, "access": access} for n in names]},
        "aws/dynamodb/tables.yaml": {"tables": [{"name": "shop-orders", "partition_key": "customer"}]},
        "aws/api-gateway/api.yaml": {"api": {"name": "shop", "endpoints": endpoints}},
    }
    texts = {path: yaml.safe_dump(document) for path, document in documents.items()}
    identity = {
        "SERVICE_NAME": "shop",
        "ENVIRONMENT": ENVIRONMENT,
        "AWS_REGION": "us-east-1",
        "AWS_ACCOUNT_ID": ACCOUNT,
    }
    texts[f"environments/{ENVIRONMENT}.env"] = "".join(f"{key}={value}\n" for key, value in identity.items())
    texts["code/handlers/answer.py"] = _CODE.format(number)
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


@contextmanager
def several(functions: int) -> Iterator[Service]:
    """The service in a folder and a repository of its own."""
    with TemporaryDirectory(prefix="benchmark-") as place:
        root, home = Path(place, "service"), Path(place, "home")
        home.mkdir()
        write(root, functions, 1)
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        yield Service(root, variables(home))
