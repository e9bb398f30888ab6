"""Lambda layers.

A layer is only its versions, and those never change: a new content is a new version, and there is no pointer to move.
Layers carry no tags, so the ownership mark stands in the description of each version, with the digest of its content:

    pipeline:<service>/<environment> sha256:<hex> <the author's description>

A version that is wanted and exists is used again: after a crash, and when an old release comes back.
https://docs.aws.amazon.com/lambda/latest/dg/creating-deleting-layers.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Mark, Observed, Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Outputs, Properties
from pipeline.resources.base import Aws, Problem, Target, read_each

# https://docs.aws.amazon.com/lambda/latest/api/API_PublishLayerVersion.html
DESCRIPTION_CHARACTERS = 256

_MARKED = re.compile(
    r"pipeline:(?P<service>[^/\s]+)/(?P<environment>\S+) (?P<code>sha256:[0-9a-f]{64})(?: (?P<text>.*))?", re.DOTALL
)
# What a version of a layer consists of. The rest of the properties says how its content comes about.
_CONTENT = ("code", "compatible_runtimes", "architectures", "description", "license")

Version = Mapping[str, Any]


def canonical(properties: Properties, scope: Scope) -> Properties:
    """The description without white space around it: the mark stands in front of it, and nothing behind."""
    return {**properties, "description": str(properties.get("description") or "").strip()}


def check(resource: Resource, scope: Scope) -> Iterator[Problem]:
    """A layer without content, and a description that leaves no room for the mark."""
    wanted = resource.properties
    if not wanted.get("path") and not wanted.get("requirements"):
        yield Problem("a layer has a path, requirements, or both", hint="name the folder whose content it holds")
    text = _description(scope, "sha256:" + 64 * "0", wanted.get("description", ""))
    if len(text) > DESCRIPTION_CHARACTERS:
        over = len(text) - DESCRIPTION_CHARACTERS
        yield Problem(f"the description is {over} characters too long: it shares 256 with the mark", ("description",))


def read(aws: Aws, targets: Sequence[Target]) -> dict[str, Observed]:
    """Each layer by its versions."""
    return read_each(aws, targets, _read_one)


def _read_one(aws: Aws, target: Target) -> Observed | None:
    """Of our versions the one that is as wanted, else the newest; a layer of others only is shown as theirs."""
    versions = _versions(aws, target.name)
    ours = [version for version in versions if _is_ours(aws.scope, version)]
    chosen = _matching(aws.scope, versions, target.resource.properties) or next(iter(ours or versions), None)
    if chosen is None:
        return None
    found = _MARKED.fullmatch(chosen.get("Description", ""))
    declared = target.resource.properties
    properties = {
        **{name: declared[name] for name in declared if name not in _CONTENT},
        "name": target.name,
        **_content(chosen),
    }
    mark = Mark(found["service"], found["environment"], target.address) if found else None
    return Observed(target.address, properties, _outputs(aws.scope, target.name, chosen), mark)


def create(aws: Aws, resource: Resource) -> Outputs:
    """A version as wanted, published unless there is one."""
    return _publish(aws, resource)


def update(aws: Aws, resource: Resource, observed: Observed, paths: frozenset[str]) -> Outputs:
    """A version as wanted, published unless there is one. The versions before stay."""
    return _publish(aws, resource)


def delete(aws: Aws, observed: Observed) -> None:
    """All versions of ours. Functions that use one keep running with it."""
    name = observed.properties["name"]
    ours = [version for version in _versions(aws, name) if _is_ours(aws.scope, version)]
    aws.gather(
        [
            lambda number=version["Version"]: aws.found(  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
                "lambda", "DeleteLayerVersion", LayerName=name, VersionNumber=number
            )
            for version in ours
        ]
    )


def _publish(aws: Aws, resource: Resource) -> Outputs:
    wanted, name = resource.properties, resource.name
    if not wanted.get("code"):
        raise PipelineError(f"{resource.address} has no code: nothing was packaged for it")
    version = _matching(aws.scope, _versions(aws, name), wanted)
    if version is None:
        place = aws.artifact(wanted["code"])
        license_info = {"LicenseInfo": wanted["license"]} if wanted.get("license") else {}
        version = aws.call(
            "lambda",
            "PublishLayerVersion",
            LayerName=name,
            Description=_description(aws.scope, wanted["code"], wanted.get("description", "")),
            Content={"S3Bucket": place["bucket"], "S3Key": place["key"]},
            CompatibleRuntimes=list(wanted["compatible_runtimes"]),
            CompatibleArchitectures=list(wanted["architectures"]),
            **license_info,
        )
    return _outputs(aws.scope, name, version)


def _versions(aws: Aws, name: str) -> list[Version]:
    """All versions, newest first."""
    found = aws.pages("lambda", "ListLayerVersions", "LayerVersions", LayerName=name)
    return sorted(found, key=lambda version: -int(version["Version"]))


def _is_ours(scope: Scope, version: Version) -> bool:
    found = _MARKED.fullmatch(version.get("Description", ""))
    return found is not None and (found["service"], found["environment"]) == (scope.service, scope.environment)


def _matching(scope: Scope, versions: Sequence[Version], wanted: Properties) -> Version | None:
    """The newest version of ours that is as wanted."""
    target = {name: _comparable(wanted.get(name)) for name in _CONTENT}
    for version in versions:
        if _is_ours(scope, version) and {n: _comparable(v) for n, v in _content(version).items()} == target:
            return version
    return None


def _comparable(value: Any) -> Any:
    return sorted(value) if isinstance(value, (list, tuple)) else value or ""


def _content(version: Version) -> dict[str, Any]:
    text = version.get("Description", "")
    found = _MARKED.fullmatch(text)
    return {
        "code": found["code"] if found else None,
        "description": (found["text"] or "") if found else text,
        "compatible_runtimes": list(version.get("CompatibleRuntimes") or ()),
        "architectures": list(version.get("CompatibleArchitectures") or ["x86_64"]),
        "license": version.get("LicenseInfo") or "",
    }


def _description(scope: Scope, code: str, text: str) -> str:
    return f"pipeline:{scope.service}/{scope.environment} {code} {text}".rstrip()


def _outputs(scope: Scope, name: str, version: Version) -> Outputs:
    number = int(version["Version"])
    arn = scope.arn("lambda", f"layer:{name}")
    return {"arn": arn, "version": number, "version_arn": f"{arn}:{number}"}
