"""The stages that try a release: its functions before anybody else reaches them, its addresses once it serves."""

import urllib.error
import urllib.request
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from http.client import HTTPException
from typing import Any

from pipeline.commands.showing import show
from pipeline.commands.workspace import Workspace
from pipeline.errors import Diagnostic, PipelineError, TakenBack
from pipeline.model.delivery import Check, failures_of
from pipeline.model.release import Release
from pipeline.model.report import Shown
from pipeline.model.values import Outputs, Reference, Unknown, Value, resolve
from pipeline.releasing.publisher import FUNCTION, Move, Published, Publisher
from pipeline.releasing.smoke import PATIENCE, NoReply, Reply, Timing, ask_all, invoke_all
from pipeline.releasing.traffic import serve_all
from pipeline.reporting.style import counted

_MOST_BYTES = 1_000_000
# What answers with errors for some seconds after it was changed, and what asks it.
_SETTLING = ("iam.", "lambda.permission/", "apigateway")


def check_functions(workspace: Workspace, moves: Iterable[Move], changed: Collection[str]) -> None:
    """Invokes the versions that are about to serve. PipelineError when one is not as expected: nothing has moved."""
    checks = [check for check in _declared(workspace) if check.function]
    versions = {move.resource.name: move.after for move in moves if move.resource.type == FUNCTION}
    checks = [check for check in checks if check.function in versions]
    if not checks:
        return
    with workspace.stage("smoke") as told:
        patience = PATIENCE if any(address.startswith("iam.") for address in changed) else 0.0
        tried = invoke_all(workspace.aws, checks, versions, _timing(workspace), patience)
        workspace.tried.extend(tried)
        if failures := failures_of(tried):
            raise PipelineError(
                f"smoke tests before traffic: {counted(len(failures), 'check')} of {len(checks)} failed",
                hint="callers get what they got before: mend the cause and deploy again",
                diagnostics=[Diagnostic(failure) for failure in failures],
            )
        told.append(f"{counted(len(checks), 'function check')} passed")


def url_checks(workspace: Workspace, outputs: Mapping[str, Outputs]) -> tuple[Check, ...]:
    """What is asked once the release serves, with the addresses that are known by now."""

    def lookup(reference: Reference) -> Value:
        return outputs.get(reference.address, {}).get(reference.output, Unknown(str(reference)))

    def known(check: Check) -> Check:
        return replace(check, **{name: resolve(getattr(check, name), lookup) for name in ("url", "headers", "body")})

    return tuple(known(check) for check in _declared(workspace) if check.url is not None)


def check_urls(workspace: Workspace, checks: Sequence[Check], changed: Collection[str] = ()) -> list[str]:
    """Asks the addresses; what is wrong."""
    if not checks:
        return []
    asked = [replace(check, url=workspace.public(check.url)) for check in checks]
    with workspace.stage("smoke") as told:
        settling = any(address.startswith(_SETTLING) for address in changed)
        patience = PATIENCE if settling else PATIENCE / 6
        tried = ask_all(workspace.aws, _web, asked, _timing(workspace), patience)
        workspace.tried.extend(tried)
        failures = failures_of(tried)
        told.append(
            f"{len(failures)} of {counted(len(checks), 'request')} failed"
            if failures
            else f"{counted(len(checks), 'request')} as expected"
        )
    return failures


def take_back(
    workspace: Workspace,
    current: Release | None,
    moves: Sequence[Move],
    failures: Sequence[str],
    shown: Mapping[str, Shown],
) -> None:
    """Points everything at what served before, and raises TakenBack; PipelineError when nothing did.

    `shown`: the static sites that visitors were shown anew; they get the old pages again.
    """
    moved = [move for move in moves if move.needed and move.before is not None]
    told = [Diagnostic(failure) for failure in failures]
    what = f"smoke tests after traffic: {counted(len(failures), 'check')} failed"
    sites = [r for r in current.desired if r.address in shown] if current else []
    if current is None or not (moved or sites):
        hint = "nothing served before that could serve again: mend the cause and deploy again"
        raise PipelineError(what, hint=hint, diagnostics=told)
    with workspace.stage("revert") as line:
        serve_all(workspace.aws, [(move.pointer, str(move.before)) for move in moved])
        before = Published(current.functions, current.apis, {})
        Publisher(workspace.aws).keep_previous(before, [move.resource for move in moved])
        show(workspace, sites, current.outputs, back=True)
        line.append(f"release {current.number} serves again")
    raise TakenBack(
        f"{what}: release {current.number} serves again", hint="mend the cause and deploy again", diagnostics=told
    )


def _declared(workspace: Workspace) -> tuple[Check, ...]:
    return workspace.loaded.smoke.get(workspace.environment.name, ())


def _timing(workspace: Workspace) -> Timing:
    return Timing(workspace.clock.monotonic, workspace.clock.sleep)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirection is an answer like others, which may be what is expected."""

    def redirect_request(self, *_arguments: Any) -> None:
        """None."""


def _web(method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float) -> Reply:
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)  # noqa: S310 - the schema allows HTTP alone
    try:
        with urllib.request.build_opener(_NoRedirects).open(request, timeout=timeout) as answer:
            return Reply(answer.read(_MOST_BYTES).decode("utf-8", "replace"), answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.read(_MOST_BYTES).decode("utf-8", "replace"), error.code)
    except (OSError, HTTPException, ValueError) as error:
        raise NoReply(f"no answer: {getattr(error, 'reason', error)}") from error
