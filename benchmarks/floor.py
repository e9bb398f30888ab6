"""The floor: the least that has to be done, by hand, with boto3 and threads. Imports nothing of the product.

It makes the necessary calls for one known stack and no others: no specs are read, nothing is validated, nothing is
planned, nobody else is kept out (no lock), and a run that dies leaves a mess (no journal). What is told below as
necessary is what AWS demands: a role before the functions, a function that is ready before its alias, permissions of
one function one after the other (of parallel ones some are lost), settings of one bucket one after the other.

    python benchmarks/floor.py STACK.json first|read|change [--threads 16] [--only FUNCTION]

    first    makes everything: archives, role, tables, log groups, bucket, functions, aliases, permissions, REST API
    read     reads everything back, and the digest of the last deploy
    change   new code for one function: the digest, the archive, the code, wait, the alias, the digest
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

API_ID = "API-ID"
SERVICES = ("s3", "iam", "dynamodb", "lambda", "apigateway", "logs")
UNNEEDED = {"UpdateRestApi", "PutBucketTagging"}
TABLE_READS = ("describe_table", "describe_time_to_live", "describe_continuous_backups")
BUCKET_READS = (
    "get_bucket_tagging", "get_public_access_block", "get_bucket_policy", "get_bucket_encryption",
    "get_bucket_versioning", "get_bucket_ownership_controls", "get_bucket_lifecycle_configuration", "get_bucket_cors",
    "get_bucket_website",
)  # fmt: skip
POLL = 0.05  # seconds
DIGEST = "digest.json"


class Floor:
    """One run of the program."""

    def __init__(self, stack: dict[str, Any], threads: int) -> None:
        self.stack = stack
        self.store = stack["store"]
        self.resources = stack["resources"]
        self.pool = ThreadPoolExecutor(threads)
        self.config = Config(max_pool_connections=threads, retries={"total_max_attempts": 1})
        self.session = boto3.session.Session(region_name=stack["region"])
        self.clients: dict[str, Future[Any]] = {name: Future() for name in SERVICES}

    def open_clients(self, *names: str) -> None:
        """Makes clients one after the other (side by side is slower); calls of the first go out meanwhile."""
        for name in names:
            self.clients[name].set_result(self.session.client(name, config=self.config))

    def client(self, service: str) -> Any:
        """The client, as soon as it is made."""
        return self.clients[service].result()

    def send(self, call: dict[str, Any], api_id: str = "") -> Any:
        """One recorded request."""
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in call["operation"])[1:]
        params = _replaced(call["params"], api_id)
        return getattr(self.client(call["service"]), name)(**params)

    def quiet(self, service: str, method: str, **params: Any) -> None:
        """A read whose answer may be that there is no such thing."""
        client = self.client(service)
        try:
            answer = getattr(client, method)(**params)
            if "Body" in answer:
                answer["Body"].read()
        except client.exceptions.ClientError:
            return

    def first(self) -> None:
        """Makes everything. What others wait for goes first, and nothing occupies a thread while it waits."""
        stored = [self.pool.submit(self._store, digest) for digest in self.stack["archives"]]
        roles = [self.pool.submit(self.send, role["create"]) for role in self._roles()]
        api = self.pool.submit(self._api)
        work = [self.pool.submit(self._each, "dynamodb.table", name) for name in self.resources["dynamodb.table"]]
        for kind in ("logs.log_group", "s3.bucket"):
            work += [self.pool.submit(self._each, kind, name) for name in self.resources[kind]]
        self.open_clients("s3", "iam", "lambda", "apigateway", "dynamodb", "logs")
        _wait([*roles, *stored])
        policies = [call for role in self._roles() for call in role["policies"]]
        _wait([self.pool.submit(self.send, call) for call in policies])
        work += [self.pool.submit(self._function, name, api) for name in self.resources["lambda.function"]]
        _wait([*work, api])
        self._note()

    def _roles(self) -> list[dict[str, Any]]:
        return [{"create": calls[0], "policies": calls[1:]} for calls in self.resources["iam.role"].values()]

    def _store(self, digest: str) -> None:
        """An archive into the bucket for archives, which the first of them makes."""
        s3, file = self.client("s3"), Path(self.stack["archives"][digest])
        if digest == next(iter(self.stack["archives"])):
            s3.create_bucket(Bucket=self.store)
        else:
            while not self._has_store():
                time.sleep(POLL)
        s3.put_object(Bucket=self.store, Key=f"artifacts/{digest.removeprefix('sha256:')}.zip", Body=file.read_bytes())

    def _has_store(self) -> bool:
        try:
            self.client("s3").head_bucket(Bucket=self.store)
        except self.client("s3").exceptions.ClientError:
            return False
        return True

    def _each(self, kind: str, name: str) -> None:
        """One resource: its calls one after the other."""
        for call in self.resources[kind][name]:
            if call["operation"] not in UNNEEDED:
                self.send(call)

    def _function(self, name: str, api: Future[str]) -> None:
        create, _publish, alias = self.resources["lambda.function"][name]
        self.send({**create, "params": {**create["params"], "Publish": True}})  # a version, without a text for it
        self._ready(name)
        self.send(alias)
        for permission, calls in self.resources.get("lambda.permission", {}).items():
            if permission.partition(":")[0] == name:
                for call in calls:
                    self.send(call, api.result())

    def _ready(self, name: str) -> None:
        while True:
            found = self.client("lambda").get_function(FunctionName=name)["Configuration"]
            if found["State"] == "Active" and found["LastUpdateStatus"] == "Successful":
                return
            time.sleep(POLL)

    def _api(self) -> str:
        """The REST APIs; the id of the last one, which the permissions name."""
        api_id = deployment = ""
        for calls in self.resources["apigateway.rest_api"].values():
            for call in calls:
                if call["operation"] not in UNNEEDED:
                    answer = self.send(_completed(call, deployment), api_id)
                    api_id = answer["id"] if call["operation"] == "CreateRestApi" else api_id
                    deployment = answer["id"] if call["operation"] == "CreateDeployment" else deployment
        Path(self.stack["notes"]).write_text(api_id, encoding="utf-8")
        return api_id

    def _note(self) -> None:
        self.client("s3").put_object(Bucket=self.store, Key=DIGEST, Body=b"{}")

    def read(self) -> None:
        """Reads everything back."""
        api_id = Path(self.stack["notes"]).read_text(encoding="utf-8")
        reads = [("s3", "get_object", {"Bucket": self.store, "Key": DIGEST}), *_reads(self.stack, api_id)]
        work = [self.pool.submit(self.quiet, service, method, **params) for service, method, params in reads]
        self.open_clients(*dict.fromkeys(service for service, _, _ in reads))
        _wait(work)

    def change(self, name: str) -> None:
        """New code for one function."""
        digest = self.pool.submit(self.quiet, "s3", "get_object", Bucket=self.store, Key=DIGEST)
        place = self.resources["lambda.function"][name][0]["params"]["Code"]
        file = Path(self.stack["archives"][f"sha256:{Path(place['S3Key']).stem}"])
        body = {"Bucket": self.store, "Key": place["S3Key"], "Body": file.read_bytes()}
        stored = self.pool.submit(lambda: self.client("s3").put_object(**body))
        self.open_clients("s3", "lambda")
        _wait([digest, stored])
        functions = self.client("lambda")
        updated = functions.update_function_code(FunctionName=name, Publish=True, **place)
        self._ready(name)
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=updated["Version"])
        self._note()


def _reads(stack: dict[str, Any], api_id: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(service, method, parameters) of every read that a full picture takes."""
    resources, place = stack["resources"], f"{stack['region']}:{os.environ['AWS_ACCESS_KEY_ID']}"
    for name, calls in resources["iam.role"].items():
        role = {"RoleName": name}
        yield from (("iam", m, role) for m in ("get_role", "list_role_policies", "list_attached_role_policies"))
        policies = [c["params"]["PolicyName"] for c in calls if c["operation"] == "PutRolePolicy"]
        yield from (("iam", "get_role_policy", {**role, "PolicyName": policy}) for policy in policies)
    for name in resources["lambda.function"]:
        yield "lambda", "get_function", {"FunctionName": name}
        yield "lambda", "get_alias", {"FunctionName": name, "Name": "live"}
    for calls in resources.get("lambda.permission", {}).values():
        name = calls[0]["params"]["FunctionName"]
        yield "lambda", "get_policy", {"FunctionName": name, "Qualifier": "live"}
    for name in resources["dynamodb.table"]:
        yield from (("dynamodb", method, {"TableName": name}) for method in TABLE_READS)
        yield "dynamodb", "list_tags_of_resource", {"ResourceArn": f"arn:aws:dynamodb:{place}:table/{name}"}
    rest = {"restApiId": api_id}
    yield from (("apigateway", m, rest) for m in ("get_rest_api", "get_stages", "get_deployments"))
    yield "apigateway", "get_resources", {**rest, "embed": ["methods"], "limit": 500}
    for directory in ("/aws/lambda/", "/aws/apigateway/"):
        yield "logs", "describe_log_groups", {"logGroupNamePrefix": directory}
    for name in resources["logs.log_group"]:
        yield "logs", "list_tags_for_resource", {"resourceArn": f"arn:aws:logs:{place}:log-group:{name}"}
    for name in resources["s3.bucket"]:
        yield from (("s3", method, {"Bucket": name}) for method in BUCKET_READS)


def _completed(call: dict[str, Any], deployment: str) -> dict[str, Any]:
    """With the id of the api deployment; without access logs, for which the account has no role."""
    params = dict(call["params"])
    if call["operation"] == "CreateStage":
        params["deploymentId"] = deployment
    if call["operation"] == "UpdateStage":
        params["patchOperations"] = [p for p in params["patchOperations"] if "accessLog" not in p["path"]]
    return {**call, "params": params}


def _replaced(value: Any, api_id: str) -> Any:
    if isinstance(value, str):
        return value.replace(API_ID, api_id)
    if isinstance(value, dict):
        return {key: _replaced(item, api_id) for key, item in value.items()}
    return [_replaced(item, api_id) for item in value] if isinstance(value, list) else value


def _wait(work: list[Future[Any]]) -> None:
    for future in work:
        future.result()


def main() -> None:
    """Does what is asked, and leaves at once."""
    parser = argparse.ArgumentParser(prog="floor", description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("stack", type=Path)
    parser.add_argument("what", choices=["first", "read", "change"])
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--only", default="", metavar="FUNCTION")
    options = parser.parse_args()
    floor = Floor(json.loads(options.stack.read_text(encoding="utf-8")), options.threads)
    actions: dict[str, Callable[[], None]] = {
        "first": floor.first,
        "read": floor.read,
        "change": lambda: floor.change(options.only),
    }
    actions[options.what]()
    os._exit(0)


if __name__ == "__main__":
    main()
