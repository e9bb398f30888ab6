"""The properties of a function: from the author's YAML, to AWS's members and back. Pure.

A published version freezes what configures it together with the code and the architecture: `FROZEN`.
https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Properties, Reference, Secret, Value, leaves, reveal
from pipeline.resources._access import problems as access_problems
from pipeline.resources._event_patterns import is_fifo
from pipeline.resources._function_role import own_role
from pipeline.resources._lambda_members import MEMBERS, default_group, group_name
from pipeline.resources.base import Problem

ENVIRONMENT_BYTES = 4096
DESCRIPTION_CHARACTERS = 256
# What a version's description begins with; see `described`. The least that then is left of a long one.
_LABEL = re.compile(r"release \d+(, commit [0-9a-f]+)?(: |$)")
_CUT = DESCRIPTION_CHARACTERS - 64

# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
RESERVED_KEYS = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
})  # fmt: skip

LATEST = "latest"


FROZEN = (*MEMBERS, "architecture", "code")


def canonical(properties: Properties, scope: Scope) -> Properties:
    """Defaults that depend on the name, references for names of roles and layers, texts for environment values."""
    name = properties["name"]
    role = properties.get("role") or own_role(name, scope)
    return {
        **properties,
        "handler": properties.get("handler") or _handler_of(name, scope),
        "role": _named(role, "iam.role", "arn"),
        "layers": [_named(layer, "lambda.layer", "version_arn") for layer in properties.get("layers") or ()],
        "environment": {key: _text(value) for key, value in (properties.get("environment") or {}).items()},
        "vpc": _vpc_as_declared(properties.get("vpc")),
        "dead_letter": _named(properties.get("dead_letter"), "sqs.queue", "arn"),
        "package_type": "Zip",
        "log_group": Expression((Reference(f"logs.log_group/{default_group(name)}", "arn"),)),
        "live": LATEST,
    }


def _handler_of(name: str, scope: Scope) -> str:
    return f"handlers.{name.removeprefix(f'{scope.service}-').replace('-', '_')}.handler"


def _named(value: Value, kind: str, output: str) -> Value:
    """A reference for the name of a declared resource; ARNs and references stay as they are."""
    if isinstance(value, str) and not value.startswith("arn:"):
        return Expression((Reference(f"{kind}/{value}", output),))
    return value


def _vpc_as_declared(vpc: Value) -> Value:
    """The order of subnets and groups means nothing, and Lambda has one of its own."""
    if not vpc:
        return None
    return {**vpc, **{key: sorted(vpc[key], key=str) for key in ("subnets", "security_groups")}}


def _text(value: Value) -> Value:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value


def observed(configuration: Mapping[str, Any], scope: Scope) -> dict[str, Value]:
    """The frozen properties of a function or version, from its FunctionConfiguration."""
    found = {name: member.take(configuration) for name, member in MEMBERS.items()}
    if configuration.get("Version", "$LATEST") != "$LATEST":
        found["description"] = _LABEL.sub("", str(found["description"]), count=1)
    found["log_group"] = scope.arn("logs", f"log-group:{found['log_group']}")
    found["architecture"] = (configuration.get("Architectures") or ["x86_64"])[0]
    found["code"] = digest_of(configuration.get("CodeSha256"))
    return found


def described(label: str, properties: Properties) -> dict[str, str]:
    """The description of a version: for which release it is, then the function's own, as far as AWS has room for it.

    https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    """
    own = str(reveal(properties.get("description")) or "")
    text = f"{label}: {own}" if own else label
    return {"Description": text[:DESCRIPTION_CHARACTERS]} if label else {}


def is_ours(version: Mapping[str, Any]) -> bool:
    """True when a version says that we published it for a release."""
    return version.get("Version") != "$LATEST" and says_release(version.get("Description"))


def says_release(description: str | None) -> bool:
    """True when a description begins as ours do."""
    return bool(_LABEL.match(description or ""))


def sent(properties: Properties, names: Iterable[str]) -> dict[str, Any]:
    """The members for these properties, secrets revealed; one without a value is cleared."""
    members = {}
    for name in names:
        member, value = MEMBERS[name], properties.get(name)
        members[member.name] = member.give(reveal(member.absent if value is None else value))
    return members


def created(properties: Properties) -> dict[str, Any]:
    """The members of a new function: only what has a value and is not Lambda's own default."""
    given = [name for name in MEMBERS if properties.get(name) not in (None, "", [], {})]
    if group_name(properties.get("log_group")) == default_group(properties["name"]):
        given.remove("log_group")
    return sent(properties, given)


def digest_of(code_sha256: str | None) -> str | None:
    """`sha256:<hex>` for Lambda's CodeSha256 (base64), or None without one."""
    return f"sha256:{base64.b64decode(code_sha256).hex()}" if code_sha256 else None


def code_sha256(digest: str) -> str:
    """The inverse of `digest_of`."""
    return base64.b64encode(bytes.fromhex(digest.removeprefix("sha256:"))).decode()


def lags(served: Properties, held: Properties, wanted: Properties) -> bool:
    """True when the alias's version lacks something that the function holds and the specs do not deny.

    What the function alone holds against the specs is drift of the function, not a version that waits to be served.
    """
    return any(
        not _frozen_as(name, served, held[name]) and not _frozen_as(name, served, reveal(wanted.get(name)))
        for name in FROZEN
    )


def same(frozen: Properties, wanted: Properties) -> bool:
    """True when a version is what is wanted (resolved), so that publishing would make the same again."""
    return all(_frozen_as(name, frozen, reveal(wanted.get(name))) for name in FROZEN)


def _frozen_as(name: str, frozen: Properties, value: Any) -> bool:
    """True when a version has `value`; of a long description it has the beginning alone."""
    held = frozen[name]
    cut = name == "description" and len(str(held)) > _CUT and str(value).startswith(str(held))
    return cut or (held or None) == (value or None)


def agrees(found: Value, recorded: Value) -> bool:
    """True when a recorded value is what was found, as far as it was recorded: references and secrets are not."""
    if isinstance(recorded, (Expression, Secret)):
        return True
    if isinstance(recorded, Mapping) and isinstance(found, Mapping):
        return found.keys() == recorded.keys() and all(agrees(found[key], recorded[key]) for key in found)
    if isinstance(recorded, (list, tuple)) and isinstance(found, (list, tuple)):
        return len(found) == len(recorded) and all(map(agrees, found, recorded))
    return bool(found == recorded)


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """What Lambda would refuse: reserved environment keys, an environment that is too large, a layer twice or far."""
    yield from _role_problems(resource.properties, scope)
    environment = resource.properties.get("environment") or {}
    for key in sorted(RESERVED_KEYS & environment.keys()):
        yield Problem(f"Lambda sets {key} itself and refuses it", ("environment", key), "choose another name")
    if (size := _size(environment)) > ENVIRONMENT_BYTES:
        # The values themselves may be secret: only their size is told.
        yield Problem(f"the environment has {size} bytes; Lambda allows {ENVIRONMENT_BYTES}", ("environment",))
    yield from _concurrency_problems(resource.properties)
    yield from _destination_problems(resource.properties)
    for key, value in environment.items():
        if isinstance(value, str) and "\0" in value:
            yield Problem(f"{key} holds the character NUL, which no environment variable can", ("environment", key))
    layers = [str(layer) for layer in resource.properties.get("layers") or ()]
    for index, layer in enumerate(layers):
        if _without_version(layer) in map(_without_version, layers[:index]):
            yield Problem("Lambda takes one version of a layer", ("layers", index), "keep one of them")
        if layer.startswith("arn:"):
            yield from (Problem(message, ("layers", index)) for message in _of_layer(layer, scope))


def _destination_problems(properties: Properties) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    for key, target in (properties.get("async") or {}).items():
        if isinstance(target, str) and not target.startswith("arn:"):
            yield Problem(f"{target} is no ARN", ("async", key), "write one, such as ${sqs.queue/NAME.arn}")
        elif is_fifo(target):
            yield Problem("events do not go to FIFO queues and topics", ("async", key), "name a standard one")
    if is_fifo(properties.get("dead_letter")):
        yield Problem("events do not go to FIFO queues and topics", ("dead_letter",), "name a standard one")


def _concurrency_problems(properties: Properties) -> Iterator[Problem]:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html"""
    reserved, provisioned = properties.get("reserved_concurrency"), properties.get("provisioned_concurrency")
    if reserved is not None and provisioned is not None and provisioned > reserved:
        message = f"{provisioned} instances cannot be kept ready of the {reserved} that are reserved"
        yield Problem(message, ("provisioned_concurrency",), "raise reserved_concurrency, or leave it out")


def _role_problems(properties: Properties, scope: Scope) -> Iterator[Problem]:
    """`access` makes a role of its own, so that it says nothing about another one."""
    if not properties.get("access"):
        return
    own = Expression((Reference(f"iam.role/{own_role(properties['name'], scope)}", "arn"),))
    if properties["role"] != own:
        hint = "remove role:, or write the access into that role's policies"
        yield Problem("access is for a role of the function's own, and role names another one", ("access",), hint)
    yield from access_problems(properties["access"])


def _of_layer(arn: str, scope: Scope) -> Iterator[str]:
    parts = arn.split(":")
    if len(parts) != 8 or parts[5] != "layer" or not parts[7].isdecimal():
        yield "this is no ARN of a version of a layer"
    elif parts[3] != scope.region:
        yield f"Lambda takes layers of its own region, {scope.region}"


def _size(environment: Mapping[str, Value]) -> int:
    """Bytes of the environment as Lambda measures it; references count with their own length."""
    texts = {key: str(leaf) for key, value in environment.items() for leaf in leaves(reveal(value))}
    return len(json.dumps(texts, separators=(",", ":"), ensure_ascii=False).encode())


def _without_version(layer: str) -> str:
    return layer.rpartition(":")[0] if layer.startswith("arn:") else layer
