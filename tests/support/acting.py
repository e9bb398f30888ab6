"""As whom a test's commands run where IAM is enforced: the role that GitHub Actions gives jobs with that command.

Elsewhere, and for what people do by hand, it is whoever the environment says.
"""

import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import pytest

from pipeline.cli import main
from tests.granting.enforced import token

# The address of the AWS that enforces IAM, which fixtures set; proxies of tests stand before it.
ADDRESS = "ENFORCED_AWS"
NAMES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
REPOSITORY = "acme@7/shop@8"
_OF_PEOPLE = {"bootstrap", "init", "local", "start", "status", "stop"}
_READING = {"cost", "doctor", "drift", "matrix", "package", "plan", "releases", "validate"}
_SPECS = {".env", ".json", ".yaml", ".yml"}
_known: dict[tuple[Path, str], tuple[str, dict[str, str]]] = {}
_sessions: dict[tuple[Path, str], dict[str, str]] = {}


def credentials(root: Path, environment: str, command: str, options: Sequence[str] = ()) -> dict[str, str]:
    """The variables of a job that runs `command`; the service is bootstrapped first, as it is at the moment."""
    if ADDRESS not in os.environ or command in _OF_PEOPLE:
        return {}
    roles = _bootstrapped(root, environment, consents="--include-data" in options)
    reads = command in _READING and "--fix" not in options
    place = f"{environment}-plan" if reads else environment
    if place not in roles:  # the specs are wrong, and nobody has a role for them
        return dict.fromkeys(NAMES, "nobody")
    if (root, place) not in _sessions:
        sts = boto3.client("sts", region_name="us-east-1", endpoint_url=os.environ[ADDRESS])
        found = sts.assume_role_with_web_identity(
            RoleArn=roles[place],
            RoleSessionName="test",
            WebIdentityToken=token(f"repo:{REPOSITORY}:environment:{place}"),
        )["Credentials"]
        values = (found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"])
        _sessions[root, place] = dict(zip(NAMES, values, strict=True))
    return _sessions[root, place]


@contextmanager
def acting(variables: dict[str, str]) -> Iterator[None]:
    """With these variables in the environment of this process."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def _bootstrapped(root: Path, environment: str, *, consents: bool) -> dict[str, str]:
    """GitHub environment -> role; `bootstrap` runs again when the specs are others, as somebody would.

    Only roles of environments whose owners said so may delete data.
    """
    now = f"{_digest(root)} {consents}"
    before, roles = _known.get((root, environment), ("", {}))
    if now != before:
        with _consenting(root, environment) if consents else nullcontext(root) as folder:
            roles = _bootstrap(folder, environment) or roles
        _known[root, environment] = (now, roles)
    return roles


@contextmanager
def _consenting(root: Path, environment: str) -> Iterator[Path]:
    """The same service, whose owners let the role that deploys delete its data."""
    with TemporaryDirectory() as folder:
        same = Path(shutil.copytree(root, Path(folder) / root.name, symlinks=True))
        text = (same / "pipeline.yaml").read_text()
        consent = rf"\1{environment}: {{branch: \2, deletes_data: true}}"
        (same / "pipeline.yaml").write_text(re.sub(rf"(?m)^( +){environment}: ([\w/-]+)$", consent, text))
        yield same


def _bootstrap(root: Path, environment: str) -> dict[str, str]:
    arguments = ["bootstrap", "--env", environment, "--root", str(root), "--format", "json", "--repo", REPOSITORY]
    out = io.StringIO()
    with acting({"AWS_ENDPOINT_URL": os.environ[ADDRESS]}), redirect_stdout(out), redirect_stderr(io.StringIO()):
        code = main([*arguments, "--yes"])
    found: dict[str, Any] = json.loads(out.getvalue()) if code == 0 else {}
    return {name: str(arn) for name, arn in found.get("roles", {}).items()}


def _digest(root: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(path for path in root.rglob("*") if path.suffix in _SPECS and ".pipeline" not in path.parts):
        found.update(f"{file}\0".encode() + file.read_bytes())
    return found.hexdigest()
