"""Removes the versions, api deployments, archives and files that no release of the rollback window names.

A version of a layer goes when no function of the account names it any more: what uses it goes on with its own copy, but
could not be changed. https://docs.aws.amazon.com/lambda/latest/dg/creating-deleting-layers.html
What an alias is on, with weights, and what a stage is on, with a canary, stays, whoever made that alias or stage; so
does what was published by somebody else. AWS refuses the same once more. Nothing here may hinder a release that serves
already: what could not be removed is told, and tried again after the next release.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from pipeline.errors import AwsError, Interrupted, PipelineError
from pipeline.model.delivery import Retention
from pipeline.model.release import Release
from pipeline.model.report import Pruned
from pipeline.releasing.store import Ledger
from pipeline.releasing.traffic import Kind
from pipeline.releasing.window import Entry, Window, apis_of, functions_of, keys_of, window_of
from pipeline.resources import _s3_site_content as site
from pipeline.resources._guardrail_shape import NEARLY_FULL
from pipeline.resources._lambda_properties import is_ours, says_release
from pipeline.resources.base import Aws

WINDOW = "window.json"
# How many releases are looked through when `window.json` has to be made anew.
LOOKED_THROUGH = 1000
# How many releases are cleared away at most after one deploy, which people wait for.
AT_ONCE = 20
# Of `window.json`: what has another one is made anew.
_FORMAT = 3


Noted = tuple[Mapping[str, Any], str] | None


def noted(ledger: Ledger) -> Noted:
    """What the releases so far name, with its ETag. To be read by who holds the lock: others write it, too."""
    return ledger.document(WINDOW)


def is_due(ledger: Ledger, retention: Retention, now: datetime) -> bool:
    """True when something outside of the window is left, as far as the ledger knows without a look at AWS."""
    document, _ = noted(ledger) or ({}, "")
    return bool(window_of(_read(document), retention, now).outside)


def _read(document: Mapping[str, Any]) -> list[Entry]:
    """What `window.json` holds; nothing when it is of another edition: then it is made anew."""
    return [Entry.from_json(entry) for entry in document.get("releases", ()) if document.get("format") == _FORMAT]


def prune(
    aws: Aws,
    ledger: Ledger,
    release: Release,
    retention: Retention,
    now: datetime,
    known: Callable[[], Noted] | None = None,
) -> Pruned:
    """Notes what `release` names, and removes what no release inside the window names. Raises Interrupted alone.

    `known` gives what `noted` has read before.
    """
    try:
        return _Pruning(aws, ledger, release, retention, now, known or partial(noted, ledger)).run()
    except Interrupted:
        raise
    except PipelineError as error:
        return Pruned(problems=(f"looking for what is no longer needed: {error}",))


@dataclass
class _Pruning:
    aws: Aws
    ledger: Ledger
    release: Release
    retention: Retention
    now: datetime
    known: Callable[[], Noted]
    problems: list[str] = field(default_factory=list)

    def run(self) -> Pruned:
        entries, etag = self._entries()
        whole = window_of(entries, self.retention, self.now)
        waiting, window = whole.outside[AT_ONCE:], replace(whole, outside=whole.outside[:AT_ONCE])
        needed = Window((*window.inside, *waiting), window.outside)
        pruned = self._pruned(needed) if window.outside or _crowded(needed) else Pruned()
        left = [*waiting, *window.inside] if not pruned.problems else [*whole.outside, *window.inside]
        document = {"format": _FORMAT, "releases": [entry.to_json() for entry in left]}
        self.ledger.put(WINDOW, document, if_match=etag)
        return pruned

    def _entries(self) -> tuple[list[Entry], str | None]:
        """What every release from the oldest one on names that something may be left of."""
        document, etag = self.known() or ({}, None)
        known = {entry.number: entry for entry in _read(document)}
        if not known and self.release.number > 1:
            known = {release.number: Entry.of(release) for release in self.ledger.releases(LOOKED_THROUGH)}
        known[self.release.number] = Entry.of(self.release)
        missing = [n for n in range(min(known), self.release.number) if n not in known]
        found = self.aws.gather([partial(self.ledger.history, number) for number in missing])
        known |= {release.number: Entry.of(release) for release in found if release is not None}
        return list(known.values()), etag

    def _pruned(self, window: Window) -> Pruned:
        versions, needed = functions_of(window.spare("versions")), functions_of(window.needs("versions"))
        deployments, deployed = apis_of(window.spare("deployments")), apis_of(window.needs("deployments"))
        layers, spare = functions_of(window.spare("layers")), functions_of(window.spare("guardrails"))
        crowded = _crowded(window)
        guardrails = {made: spare.get(made, set()) for made in {*spare, *crowded}}
        counts = self.aws.gather(
            [
                *([partial(self._layers, layers)] if layers else []),
                *(partial(self._guardrail, made, old, crowded.get(made)) for made, old in guardrails.items()),
                *(partial(self._function, name, spare, needed.get(name, set())) for name, spare in versions.items()),
                *(partial(self._api, *api, spare, deployed.get(api, set())) for api, spare in deployments.items()),
                *(partial(self._object, key) for key in window.spare("objects")),
                *(partial(self._files, bucket, keys) for bucket, keys in keys_of(window.spare("files")).items()),
            ]
        )
        gone = iter(counts)
        return Pruned(
            layers=sum(islice(gone, bool(layers))),
            guardrails=sum(islice(gone, len(guardrails))),
            versions=sum(islice(gone, len(versions))),
            deployments=sum(islice(gone, len(deployments))),
            objects=sum(gone),
            problems=tuple(sorted(self.problems)),
        )

    def _layers(self, layers: Mapping[str, set[str]]) -> int:
        try:
            functions = self.aws.pages("lambda", "ListFunctions", "Functions")
        except AwsError as error:
            return self._unless_gone("looking which layers are in use", error)
        used = {str(layer["Arn"]) for function in functions for layer in function.get("Layers") or ()}
        ours = {(n, v): self.aws.scope.arn("lambda", f"layer:{n}:{v}") for n, spare in layers.items() for v in spare}
        return sum(
            self._removed(
                f"version {version} of layer {name}",
                partial(self.aws.found, "lambda", "DeleteLayerVersion", LayerName=name, VersionNumber=int(version)),
            )
            for (name, version), arn in sorted(ours.items())
            if arn not in used
        )

    def _guardrail(self, made: str, versions: set[str], needed: set[str] | None) -> int:
        """With `needed`, room is scarce: what runs have published that did not end goes, too, however young it is."""
        try:
            versions = versions | self._published_in_vain(made, needed) if needed else versions
        except AwsError as error:
            return self._unless_gone(f"looking at the versions of guardrail {made}", error)
        delete = partial(self.aws.found, "bedrock", "DeleteGuardrail", guardrailIdentifier=made)
        return sum(
            self._removed(f"version {version} of guardrail {made}", partial(delete, guardrailVersion=version))
            for version in sorted(versions, key=int)
        )

    def _published_in_vain(self, made: str, needed: set[str]) -> set[str]:
        listed = self.aws.pages("bedrock", "ListGuardrails", "guardrails", guardrailIdentifier=made)
        ours = {str(v["version"]) for v in listed if says_release(v.get("description")) and v["version"].isdecimal()}
        return {version for version in ours - needed if int(version) < max(map(int, needed))}

    def _function(self, name: str, spare: set[str], needed: set[str]) -> int:
        try:
            aliases = self.aws.pages("lambda", "ListAliases", "Aliases", FunctionName=name)
            listed = self.aws.pages("lambda", "ListVersionsByFunction", "Versions", FunctionName=name)
        except AwsError as error:
            return self._unless_gone(f"looking at the versions of {name}", error)
        there = {str(version["Version"]) for version in listed}
        older = {str(v["Version"]) for v in listed if is_ours(v) and self._is_old(v.get("LastModified"))}
        gone = ((spare | older) & there) - needed - {version for alias in aliases for version in _served(alias)}
        return sum(
            self._removed(
                f"version {version} of {name}",
                partial(self.aws.found, "lambda", "DeleteFunction", FunctionName=name, Qualifier=version),
            )
            for version in sorted(gone, key=int)
        )

    def _api(self, kind: Kind, api: str, spare: set[str], needed: set[str]) -> int:
        rest = kind is Kind.STAGE
        try:
            used = set(_rest_stages(self.aws, api) if rest else _websocket_stages(self.aws, api))
        except AwsError as error:
            return self._unless_gone(f"looking at the stages of API {api}", error)
        where = {"restApiId": api} if rest else {"ApiId": api}
        service, key = ("apigateway", "deploymentId") if rest else ("apigatewayv2", "DeploymentId")
        return sum(
            self._removed(
                f"api deployment {deployment} of API {api}",
                partial(self.aws.found, service, "DeleteDeployment", **where, **{key: deployment}),
            )
            for deployment in sorted(spare - needed - used)
        )

    def _object(self, key: str) -> int:
        delete = partial(self.ledger.aws.call, "s3", "DeleteObject", **self.ledger.at(Key=key))
        return self._removed(f"{key} in the ledger", delete)

    def _files(self, bucket: str, keys: list[str]) -> int:
        """Files of static sites that no page of a release in reach names."""
        try:
            site.remove(self.aws, bucket, keys)
        except Interrupted:
            raise
        except PipelineError as error:
            self.problems.append(str(error))
            return 0
        return len(keys)

    def _removed(self, what: str, delete: Callable[[], object]) -> int:
        """1 when it is gone now; what AWS refuses to remove is in use by something that we do not see."""
        try:
            return 0 if delete() is None else 1
        except Interrupted:
            raise
        except PipelineError as error:
            self.problems.append(f"removing {what}: {error}")
            return 0

    def _unless_gone(self, doing: str, error: AwsError) -> int:
        """0; a problem unless there is no such function or API any more."""
        if error.code not in ("ResourceNotFoundException", "NotFoundException"):
            self.problems.append(f"{doing}: {error}")
        return 0

    def _is_old(self, modified: object) -> bool:
        """What a run that died has left, long ago."""
        if not modified:
            return False
        made = datetime.fromisoformat(str(modified))
        made = made if made.tzinfo else made.replace(tzinfo=UTC)
        return made < self.now - timedelta(days=max(1, self.retention.days))


def _crowded(window: Window) -> dict[str, set[str]]:
    """Guardrails of which AWS may have nearly all versions that it keeps, with those that are needed."""
    needed = functions_of(window.needs("guardrails"))
    return {made: versions for made, versions in needed.items() if max(map(int, versions)) >= NEARLY_FULL}


def _served(alias: Any) -> Iterator[str]:
    yield str(alias["FunctionVersion"])
    yield from (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}


def _rest_stages(aws: Aws, api: str) -> Iterable[str]:
    for stage in aws.call("apigateway", "GetStages", restApiId=api)["item"]:
        yield str(stage.get("deploymentId"))
        yield str((stage.get("canarySettings") or {}).get("deploymentId"))


def _websocket_stages(aws: Aws, api: str) -> Iterable[str]:
    for stage in aws.pages("apigatewayv2", "GetStages", "Items", ApiId=api):
        yield str(stage.get("DeploymentId"))
