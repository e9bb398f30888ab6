"""The command line in this process or in one of its own, over a copy of a small service, against a fake AWS."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.applying.operations import operations
from pipeline.cli import main
from pipeline.clients import AwsClient, connect
from pipeline.model.scope import Scope
from tests.support.acting import acting, credentials
from tests.support.fault_proxy import FaultProxy

SERVICES = Path(__file__).parents[1] / "fixtures" / "services"
ROOT = Path(__file__).parents[2]
SCOPE = Scope("shop", "test", "123456789012", "eu-west-1")
LEDGER = "shop-test-pipeline-123456789012-eu-west-1"


@dataclass(frozen=True)
class Result:
    """How a command ended: exit code, standard output (as JSON where it is), standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The document on standard output; fails when there is anything else."""
        return json.loads(self.out)


class Service:
    """A service repository of its own, and the command line over it."""

    def __init__(self, root: Path, endpoint: str, environment: str = "test") -> None:
        self.root, self.endpoint, self.environment = root, endpoint, environment
        self._bystander: AwsClient | None = None

    @classmethod
    def copy(cls, name: str, to: Path, endpoint: str) -> "Service":
        """A copy of the fixture `name` in `to`."""
        return cls(Path(shutil.copytree(SERVICES / name, to / name)), endpoint)

    def run(self, command: str, *options: str) -> Result:
        """`pipeline COMMAND --env test --format json OPTIONS` in this process."""
        out, err = io.StringIO(), io.StringIO()
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with acting(self.credentials(command, options)), redirect_stdout(out), redirect_stderr(err):
                code = main([command, *self._common(), *options])
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        return Result(code, out.getvalue(), err.getvalue())

    def start(self, command: str, *options: str) -> "subprocess.Popen[str]":
        """The same in a process of its own, for what has to die."""
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", command, *self._common(), *options],
            cwd=ROOT, env=os.environ | {"AWS_ENDPOINT_URL": self.endpoint} | self.credentials(command, options),
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def credentials(self, command: str, options: Sequence[str] = ()) -> dict[str, str]:
        """Variables that say as whom a command runs."""
        return credentials(self.root, self.environment, command, options)

    def _common(self) -> list[str]:
        return ["--env", self.environment, "--root", str(self.root), "--format", "json"]

    def edit(self, path: str, change: Callable[[str], str] | str) -> None:
        """Writes a file of the service: the text given, or what `change` makes of the old one."""
        file = self.root / path
        text = change if isinstance(change, str) else change(file.read_text(encoding="utf-8"))
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def replace(self, path: str, old: str, new: str) -> None:
        """Replaces a text that must be in the file."""

        def change(text: str) -> str:
            assert old in text
            return text.replace(old, new)

        self.edit(path, change)

    def aws(self) -> AwsClient:
        """AWS as a bystander: for looking, and for doing what nobody should."""
        if self._bystander is None:
            environment = {"AWS_ENDPOINT_URL": self.endpoint, **KEYS}
            self._bystander = connect(SCOPE.region, environment=environment, rationed=False)
            self._bystander.scope = SCOPE
        return self._bystander


KEYS: Mapping[str, str] = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}


def actions(document: Mapping[str, Any]) -> dict[str, str]:
    """address -> action of a plan document."""
    return {change["address"]: change["action"] for change in document["changes"]}


def changing(proxy: FaultProxy) -> list[str]:
    """Every call that arrived and may change something."""
    return [call.name for call in proxy.calls if operations().get(call.service, call.operation).mutating]


def ledger_keys(service: Service) -> list[str]:
    """The keys of the ledger, in order."""
    return sorted(item["Key"] for item in service.aws().pages("s3", "ListObjectsV2", "Contents", Bucket=LEDGER))


def ledger_document(service: Service, key: str) -> Any:
    """A document of the ledger."""
    return json.loads(service.aws().call("s3", "GetObject", Bucket=LEDGER, Key=key)["Body"].read())


def world(service: Service) -> dict[str, Any]:
    """What AWS holds, by kind and name, without what differs from run to run; duplicates would show."""
    aws = service.aws()
    tables = aws.pages("dynamodb", "ListTables", "TableNames")
    functions = aws.pages("lambda", "ListFunctions", "Functions")
    apis = aws.pages("apigateway", "GetRestApis", "items")
    return {
        "roles": roles_of(aws),
        "tables": sorted(tables),
        "functions": {f["FunctionName"]: _function(aws, f) for f in functions},
        "apis": {f"{a['name']}#{i}": _api(aws, a["id"]) for i, a in enumerate(apis)},
        "buckets": sorted(b["Name"] for b in aws.call("s3", "ListBuckets").get("Buckets", [])),
        "groups": sorted(g["logGroupName"] for g in aws.pages("logs", "DescribeLogGroups", "logGroups")),
        "layers": sorted(y["LayerName"] for y in aws.pages("lambda", "ListLayers", "Layers")),
    }


def roles_of(aws: AwsClient) -> list[str]:
    """The roles that there are, without those of `bootstrap`: they are there where IAM is enforced."""
    found = aws.pages("iam", "ListRoles", "Roles")
    return sorted(r["RoleName"] for r in found if not str(r.get("Description", "")).startswith("GitHub Actions of "))


def _function(aws: AwsClient, found: Mapping[str, Any]) -> dict[str, Any]:
    name = found["FunctionName"]
    versions = aws.pages("lambda", "ListVersionsByFunction", "Versions", FunctionName=name)
    aliases = aws.pages("lambda", "ListAliases", "Aliases", FunctionName=name)
    policy = aws.found("lambda", "GetPolicy", FunctionName=name, Qualifier="live")
    statements = json.loads(policy["Policy"])["Statement"] if policy else []
    return {
        "code": found["CodeSha256"],
        "memory": found["MemorySize"],
        "versions": len(versions),
        "aliases": {a["Name"]: a["FunctionVersion"] for a in aliases},
        "permissions": len({json.dumps(s, sort_keys=True) for s in statements}),
    }


def _api(aws: AwsClient, api: str) -> dict[str, Any]:
    resources = aws.pages("apigateway", "GetResources", "items", restApiId=api, embed=["methods"])
    stages = aws.call("apigateway", "GetStages", restApiId=api)["item"]
    return {
        "paths": sorted(r["path"] for r in resources),
        "stages": sorted(s["stageName"] for s in stages),
        "deployments": len(aws.pages("apigateway", "GetDeployments", "items", restApiId=api)),
    }
