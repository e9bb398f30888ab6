"""The code of a deploy, taken from what another environment serves instead of being built.

What serves there was tried there; what is built again from the same sources may be something else. So every archive
and every file of a static site comes from the other environment's ledger, byte by byte, and is compared with the digest
that its release recorded. The rest, such as memory and environment variables, is what this checkout declares for here.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pipeline.commands.bundling import CODE, SITE
from pipeline.commands.workspace import Workspace, cache_dir
from pipeline.errors import BadInput, Diagnostic, Refused
from pipeline.model.release import Release
from pipeline.model.resource import DesiredState, Resource
from pipeline.model.scope import Scope
from pipeline.packaging.index import write_atomically
from pipeline.releasing.store import Ledger, artifact_key, bucket_name

_FUNCTION, _LAYER = "lambda.function", "lambda.layer"
# What code was built for: with another value it may not run, or something else of it does.
_BUILT_FOR = ("runtime", "architecture", "handler", "compatible_runtimes", "architectures")
_TAKEN: Mapping[str, tuple[str, ...]] = {_FUNCTION: (CODE,), _LAYER: (CODE,), SITE: ("files", "etags")}


@dataclass(frozen=True)
class Promoted:
    """What another environment serves, in the place of what would be built. A context, as that is."""

    release: Release
    desired: DesiredState
    archives: Mapping[str, Path]

    @property
    def offered(self) -> Mapping[str, Path]:
        """Where everything lies that this environment's ledger has not."""
        return self.archives

    @property
    def source(self) -> dict[str, Any]:
        """As recorded in the release."""
        return {"environment": self.release.environment, "release": self.release.number, "commit": self.release.commit}

    def verify(self) -> None:
        """Its handlers were imported when it was built."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is under way."""


def promoted(workspace: Workspace, source: str, number: int | None = None) -> Promoted:
    """What environment `source` serves, or its release `number`. BadInput, Refused when it cannot serve here."""
    if source == workspace.environment.name:
        raise BadInput(f"--from {source}: that is the environment itself", hint="name the one that was tried")
    theirs = _ledger_of(workspace, source)
    release = _release_of(theirs, source, number)
    desired = workspace.loaded.desired[workspace.environment.name]
    problems = list(_problems(desired, release, workspace.scope))
    if problems:
        hint = f"deploy this checkout to {source} first, or deploy it here without --from"
        what = f"promoting release {release.number} of {source}: it is not what this checkout declares"
        raise Refused(what, hint=hint, diagnostics=problems)
    taken = DesiredState(tuple(_taken(resource, release, workspace.scope) for resource in desired))
    found = {digest: _fetched(workspace, theirs, digest, source) for digest in _lacking(workspace, taken)}
    return Promoted(release, taken, found)


def _ledger_of(workspace: Workspace, source: str) -> Ledger:
    """The ledger of the other environment in this region, or in its home region; by the credentials of this run."""
    from pipeline.clients import connect  # noqa: PLC0415 - importing botocore takes a third of a second
    from pipeline.config.files import Files  # noqa: PLC0415 - the same, for the checker of schemas
    from pipeline.config.identity import read_identity  # noqa: PLC0415 - the same
    from pipeline.config.regions import regions_of  # noqa: PLC0415 - the same

    regions = regions_of(Files(workspace.root), source)
    region = workspace.scope.region if workspace.scope.region in regions else None
    environment = read_identity(workspace.root, source, region).with_account(workspace.scope.account)
    variables = None
    if workspace.local:  # the embedded AWS has all accounts, and nobody there who could let one into the other
        account = environment.account or workspace.embedded.account
        variables = replace(workspace.embedded, account=account).environment()
    client = connect(environment.region, environment=variables, stop=workspace.stop, purpose=workspace.purpose)
    client.scope = environment.scope
    return Ledger(client.for_records(), bucket_name(environment.scope))


def _release_of(ledger: Ledger, source: str, number: int | None) -> Release:
    head = ledger.head()
    current = ledger.release(number) if number is not None else head.current
    if current is None or current.destroyed:
        raise BadInput(f"promoting from {source}: it serves no release", hint=f"pipeline deploy --env {source} first")
    return current


def _twin(resource: Resource, release: Release, here: Scope) -> Resource | None:
    """What the resource is in the other environment, whose name it may carry where this one carries ours.

    So it is with the service's name: two environments in one account differ in that.
    """
    there = release.resources
    ours = [(here.environment, release.environment), (here.service, release.service)]
    for said in (ours, ours[:1], ours[1:], ()):
        name = resource.name
        for mine, theirs in said:
            name = name.replace(mine, theirs)
        if (found := there.get(f"{resource.type}/{name}")) is not None:
            return found
    return None


def _problems(desired: DesiredState, release: Release, here: Scope) -> Iterator[Diagnostic]:
    for resource in desired:
        if resource.type not in _TAKEN or resource.shared:
            continue
        source = resource.source
        where = (source.file, source.line) if source else (None, None)
        place = Diagnostic("", where[0], where[1], address=resource.address)
        twin = _twin(resource, release, here)
        if twin is None or not all(twin.properties.get(name) for name in _TAKEN[resource.type]):
            yield replace(place, message=f"{resource.address} is not in that release")
            continue
        for name in _BUILT_FOR:
            now, then = resource.properties.get(name), twin.properties.get(name)
            if now != then:
                text = f"{resource.address}: {name} is {now} here, and its code was built for {then}"
                yield replace(place, message=text)


def _taken(resource: Resource, release: Release, here: Scope) -> Resource:
    twin = _twin(resource, release, here) if resource.type in _TAKEN else None
    if twin is None:
        return resource
    return replace(
        resource, properties={**resource.properties, **{name: twin.properties[name] for name in _TAKEN[resource.type]}}
    )


def _lacking(workspace: Workspace, desired: DesiredState) -> list[str]:
    """The digests of what this environment's ledger has not."""
    wanted: dict[str, None] = {}
    for resource in (each for each in desired if not each.shared):
        if resource.type in (_FUNCTION, _LAYER):
            wanted[str(resource.properties[CODE])] = None
        elif resource.type == SITE:
            contents = resource.properties["files"].values()
            wanted |= dict.fromkeys(str(digest).replace("sha256:", "file:", 1) for digest in contents)
    digests = list(wanted)
    there = workspace.aws.gather([lambda d=digest: workspace.ledger.has_artifact(d) for digest in digests])  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
    return [digest for digest, has in zip(digests, there, strict=True) if not has]


def _fetched(workspace: Workspace, theirs: Ledger, digest: str, source: str) -> Path:
    """A file with exactly the content that has this digest."""
    expected = digest.partition(":")[2]
    place = cache_dir(workspace.environ) / "promoted" / expected
    if place.is_file() and hashlib.sha256(place.read_bytes()).hexdigest() == expected:
        return place
    key = artifact_key(digest)
    answer = theirs.aws.found("s3", "GetObject", **theirs.at(Key=key))
    if answer is None:
        hint = f"deploy {source} again: what it serves is uploaded then"
        raise Refused(f"promoting from {source}: its ledger has no {key} any more", hint=hint)
    content = answer["Body"].read()
    if hashlib.sha256(content).hexdigest() != expected:
        hint = f"look who changed the bucket {theirs.bucket}, then deploy {source} again"
        raise Refused(f"promoting from {source}: {key} of its ledger is not what its name says", hint=hint)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(place, content)
    return place
