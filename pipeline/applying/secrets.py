"""Looks up what `ssm:` and `secretsmanager:` references stand for; the values stay in memory."""

import json
from collections.abc import Iterable
from typing import Protocol

from pipeline.errors import AwsError, BadInput, Diagnostic
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.values import Secret, Value, leaves, transform
from pipeline.resources.base import Aws

# https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
_PARAMETERS_PER_CALL = 10


class DiscreetAws(Aws, Protocol):
    """A way to AWS that keeps values to itself."""

    def hide(self, values: Iterable[str]) -> None:
        """From now on no error of AWS shows these values."""


def with_secrets(aws: DiscreetAws, desired: DesiredState) -> DesiredState:
    """`desired` with every Secret looked up. BadInput names each reference that leads nowhere, and where it is used."""
    users = [(resource, _secrets_of(resource)) for resource in desired]
    references = sorted({secret.reference for _, found in users for secret in found})
    if not references:
        return desired
    known = look_up(aws, references)
    missing = [
        _missing(secret.reference, resource)
        for resource, found in users
        for secret in found
        if secret.reference not in known
    ]
    if missing:
        raise BadInput.of(missing)
    return DesiredState(tuple(_filled(resource, known) if found else resource for resource, found in users))


def look_up(aws: DiscreetAws, references: Iterable[str]) -> dict[str, Secret]:
    """reference -> Secret with its value and version; what does not exist is left out. Errors hide the values."""
    wanted = list(references)
    names = [reference.removeprefix("ssm:") for reference in wanted if reference.startswith("ssm:")]
    batches = [names[i : i + _PARAMETERS_PER_CALL] for i in range(0, len(names), _PARAMETERS_PER_CALL)]
    stored = [reference for reference in wanted if reference.startswith("secretsmanager:")]
    found: dict[str, Secret] = {}
    thunks = [lambda batch=batch: _parameters(aws, batch) for batch in batches]
    thunks += [lambda reference=reference: _stored_secret(aws, reference) for reference in stored]
    for part in aws.gather(thunks):
        found.update(part)
    aws.hide(secret.value for secret in found.values())
    return found


def _parameters(aws: Aws, names: list[str]) -> dict[str, Secret]:
    answer = aws.call("ssm", "GetParameters", Names=names, WithDecryption=True)
    return {f"ssm:{p['Name']}": Secret(f"ssm:{p['Name']}", str(p["Version"]), p["Value"]) for p in answer["Parameters"]}


def _stored_secret(aws: Aws, reference: str) -> dict[str, Secret]:
    name, _, key = reference.removeprefix("secretsmanager:").partition("#")
    try:
        answer = aws.call("secretsmanager", "GetSecretValue", SecretId=name)
    except AwsError as error:
        if error.code == "ResourceNotFoundException":
            return {}
        raise
    text = answer.get("SecretString")
    if text is None:  # bytes, which no property can hold
        return {}
    if key:
        try:
            text = str(json.loads(text)[key])
        except (ValueError, KeyError, TypeError):
            return {}
    return {reference: Secret(reference, answer["VersionId"], text)}


def values_of(desired: DesiredState) -> list[str]:
    """The values of all secrets that were looked up."""
    return sorted({secret.value for resource in desired for secret in _secrets_of(resource)})


def _secrets_of(resource: Resource) -> list[Secret]:
    return [leaf for leaf in leaves(resource.properties) if isinstance(leaf, Secret)]


def _filled(resource: Resource, known: dict[str, Secret]) -> Resource:
    def fill(leaf: Value) -> Value:
        return known[leaf.reference] if isinstance(leaf, Secret) else leaf

    return Resource(
        resource.type,
        resource.name,
        transform(resource.properties, fill),
        resource.depends_on,
        resource.source,
        resource.adopt,
    )


def _missing(reference: str, resource: Resource) -> Diagnostic:
    source = resource.source
    return Diagnostic(
        f"{reference} does not exist, holds no text, or has no such key",
        file=source.file if source else None,
        line=source.line if source else None,
        address=resource.address,
        hint="store it with the AWS CLI or console, in the environment's account and region",
    )
