"""An embedded AWS that enforces IAM, and commands over a service as the roles that `bootstrap` makes."""

import base64
import io
import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from pipeline.cli import main
from pipeline.local.installation import installed

ACCOUNT = "123456789012"
PROGRAM = Path(__file__).with_name("enforcing.py")


@dataclass
class Enforced:
    """An emulator, a service, and whose credentials commands use."""

    root: Path
    endpoint: str
    monkeypatch: pytest.MonkeyPatch
    environment: str = "dev"

    def become(self, role: str | None, subject: str = "") -> None:
        """Root, or a role by a token as GitHub Actions gives it to a job."""
        found = {"AccessKeyId": "test", "SecretAccessKey": "test", "SessionToken": ""}
        if role is not None:
            self.become(None)
            sts = boto3.client("sts", region_name="us-east-1", endpoint_url=self.endpoint)
            found = sts.assume_role_with_web_identity(
                RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="test", WebIdentityToken=token(subject)
            )["Credentials"]
        self.monkeypatch.setenv("AWS_ACCESS_KEY_ID", found["AccessKeyId"])
        self.monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", found["SecretAccessKey"])
        if found["SessionToken"]:
            self.monkeypatch.setenv("AWS_SESSION_TOKEN", found["SessionToken"])
        else:
            self.monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)

    def done(self, command: str, *options: str) -> Any:
        """The document of a command that does what it is asked for."""
        code, document, err = self.run(command, *options)
        assert code in (0, 3), err
        return document

    def rewrite(self, path: str, old: str, new: str) -> None:
        """Changes a text of the service."""
        text = (self.root / path).read_text()
        assert old in text
        (self.root / path).write_text(text.replace(old, new))

    def run(self, command: str, *options: str) -> tuple[int, Any, str]:
        """(exit code, document, what was said) of a command."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main([command, "--env", self.environment, "--root", str(self.root), "--format", "json", *options])
        return code, json.loads(out.getvalue()), err.getvalue()


def token(subject: str) -> str:
    """A token of GitHub's issuer; nobody here checks its signature."""
    claims = {"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com", "sub": subject}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in ({}, claims)]
    return ".".join([*parts, "signature"])


@contextmanager
def emulator(home: Path) -> Iterator[str]:
    """The address of an emulator of one's own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    python = installed(lambda _text: None).executable
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(home)}
    with subprocess.Popen([python, "-I", str(PROGRAM), str(port)], env=environment, cwd=home) as process:
        try:
            await_answer(f"http://127.0.0.1:{port}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def await_answer(endpoint: str) -> None:
    for _ in range(300):
        try:
            urllib.request.urlopen(endpoint, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the emulator does not answer")
