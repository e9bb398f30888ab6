"""What tests of the embedded AWS share: clients, functions and APIs made the short way, and plain HTTP."""

import io
import json
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config

from pipeline.local.supervisor import LocalAws
from pipeline.local.urls import public_url

ACCOUNT = "123456789012"
REGION = "eu-west-1"

ECHO = """
import json
def handler(event, context):
    print("serving")
    body = {"version": context.function_version, "arn": context.invoked_function_arn, "event": event, "mark": MARK}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
"""


@dataclass(frozen=True)
class Response:
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class _Staying(urllib.request.HTTPRedirectHandler):
    """Takes a redirect for the answer."""

    def redirect_request(self, *_: Any) -> None:
        return None


def http(
    url: str,
    method: str = "GET",
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    follow: bool = True,
) -> Response:
    """One request; an error status is an answer too, and so is a redirect unless it is to be followed."""
    request = urllib.request.Request(url, method=method, headers=dict(headers or {}), data=body)
    opener = urllib.request.build_opener() if follow else urllib.request.build_opener(_Staying)
    try:
        with opener.open(request, timeout=60) as answer:
            return _response(answer)
    except urllib.error.HTTPError as error:
        with error:
            return _response(error)


def _response(answer: Any) -> Response:
    return Response(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())


@dataclass(frozen=True)
class Account:
    """One account of the embedded AWS, in one region."""

    aws: LocalAws
    account: str = ACCOUNT
    region: str = REGION
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                region_name=self.region,
                endpoint_url=self.aws.endpoint,
                aws_access_key_id=self.account,
                aws_secret_access_key="test",
                config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32),
            )
        return self._clients[service]

    def arn(self, function: str) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{function}"

    def function(self, name: str, code: str = ECHO, mark: int = 1, **more: Any) -> str:
        """A function with its version 1, patient on a busy machine; gives its ARN."""
        made = self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="app.handler",
            Role=f"arn:aws:iam::{self.account}:role/any",
            Code={"ZipFile": package(code, mark)},
            Publish=True,
            **{"Timeout": 30, **more},
        )
        self._wait("function_active_v2", name)
        return str(made["FunctionArn"]).removesuffix(":1")

    def publish(self, name: str, code: str = ECHO, mark: int = 2) -> str:
        """Another version of a function; gives its number."""
        functions = self.client("lambda")
        functions.update_function_code(FunctionName=name, ZipFile=package(code, mark))
        self._wait("function_updated_v2", name)
        return str(functions.publish_version(FunctionName=name)["Version"])

    def _wait(self, state: str, name: str) -> None:
        waiter = self.client("lambda").get_waiter(state)
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1000})

    def alias(self, name: str, version: str = "1", alias: str = "live") -> str:
        """An alias of a function; gives its ARN."""
        made = self.client("lambda").create_alias(FunctionName=name, Name=alias, FunctionVersion=version)
        return str(made["AliasArn"])

    def allow(self, api: str, name: str, qualifier: str | None = "live", path: str = "/*/*/*") -> None:
        """Lets an API invoke a function."""
        qualified = {"Qualifier": qualifier} if qualifier else {}
        self.client("lambda").add_permission(
            FunctionName=name,
            StatementId=f"api-{api}",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:{self.region}:{self.account}:{api}{path}",
            **qualified,
        )

    def api(self, name: str, document: Mapping[str, Any], stage: str = "dev", **settings: Any) -> str:
        """An API from a document, deployed to a stage; gives its id."""
        gateway = self.client("apigateway")
        api = str(gateway.create_rest_api(name=name, **settings)["id"])
        gateway.put_rest_api(restApiId=api, mode="overwrite", body=json.dumps(document).encode())
        deployment = gateway.create_deployment(restApiId=api)["id"]
        gateway.create_stage(restApiId=api, stageName=stage, deploymentId=deployment)
        return api

    def url(self, api: str, stage: str = "dev") -> str:
        """Where a stage answers."""
        return public_url(f"https://{api}.execute-api.{self.region}.amazonaws.com/{stage}", self.aws.endpoint)


def package(code: str, mark: int = 1) -> bytes:
    """A function's zip, the same bytes every time; MARK in its code is a number."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py", (2026, 1, 1, 0, 0, 0)), f"MARK = {mark}\n{code}")
    return memory.getvalue()


def proxy(function_arn: str, region: str = REGION, **more: Any) -> dict[str, Any]:
    """An operation that calls a function."""
    uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function_arn}/invocations"
    integration = {"type": "aws_proxy", "httpMethod": "POST", "uri": uri, **more}
    return {"responses": {}, "x-amazon-apigateway-integration": integration}


def mock(body: str, status: str = "200", headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An operation that answers by itself."""
    given = headers or {}
    return {
        "responses": {status: {"description": "", "headers": {name: {"schema": {"type": "string"}} for name in given}}},
        "x-amazon-apigateway-integration": {
            "type": "mock",
            "requestTemplates": {"application/json": f'{{"statusCode": {status}}}'},
            "responses": {
                "default": {
                    "statusCode": status,
                    "responseParameters": {f"method.response.header.{k}": f"'{v}'" for k, v in given.items()},
                    "responseTemplates": {"application/json": body},
                }
            },
        },
    }


def openapi(paths: Mapping[str, Any], title: str = "orders", **more: Any) -> dict[str, Any]:
    """A document of these paths."""
    return {"openapi": "3.0.1", "info": {"title": title, "version": "1"}, "paths": paths, **more}
