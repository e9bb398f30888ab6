"""The `smoke` of pipeline.yaml for one environment: what is invoked and asked, with variables filled in. Pure."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources as package_files
from typing import Any

from pipeline.config.documents import parse
from pipeline.config.environments import EnvFile
from pipeline.config.files import Files
from pipeline.config.findings import Findings, Place, did_you_mean, one_of
from pipeline.config.known import Known
from pipeline.config.loaded import FILE
from pipeline.config.nodes import Node, Table
from pipeline.config.rendering import Renderer, unwrapped
from pipeline.config.validation import Checker
from pipeline.config.variables import Variables
from pipeline.model.delivery import Check
from pipeline.resources.registry import Registry

_KEY = "smoke"
_FUNCTION = "lambda.function/"


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the section."""
    text = package_files.files("pipeline.config").joinpath("smoke.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def smoke_node(files: Files) -> Node | None:
    """The section as it is written. What is wrong with the file is told elsewhere."""
    quiet = Findings()
    text = files.text(FILE, quiet)
    node = parse(text, FILE, quiet) if text is not None else None
    entry = node.entries.get(_KEY) if isinstance(node, Table) else None
    return entry.node if entry else None


def read_smoke(
    node: Node | None,
    env: EnvFile,
    lacking: frozenset[str],
    known: tuple[Known, Registry],
    findings: Findings,
) -> tuple[Check, ...]:
    """The checks of an environment; those that are right, and what is wrong with the others as errors."""
    if node is None:
        return ()
    variables = Variables(env, findings, lacking)
    checker, renderer = Checker(schema(), f"{FILE}: {_KEY}"), Renderer(findings, variables)
    value = renderer.render(node, checker.shape)
    complaints = checker.complaints(value)
    for complaint in complaints:
        findings.error(f"{_KEY}: {complaint.message}", renderer.place(complaint), hint=complaint.hint)
    if complaints or renderer.unclear:
        return ()
    _check_references(variables, known, findings)
    checks = []
    for index, each in enumerate(unwrapped(checker.with_defaults(value))):
        place = renderer.place_of((index,))
        problems = list(_problems(each, known[0]))
        for message, hint in problems:
            findings.error(f"{_KEY}: {message}", place, hint=hint)
        if not problems:
            checks.append(_check(each, place))
    return tuple(checks)


def _check_references(variables: Variables, known: tuple[Known, Registry], findings: Findings) -> None:
    there, registry = known
    for reference, place in variables.references:
        kind = reference.address.partition("/")[0]
        if kind not in registry or not there.has(reference.address):
            near = did_you_mean(reference.address, there.addresses)
            findings.error(f"{reference}: there is no {reference.address}{near}", place)
        elif reference.output not in (outputs := registry[kind].spec.read_only):
            message = f"{reference}: it has no output {reference.output}{did_you_mean(reference.output, outputs)}"
            findings.error(message, place, hint=one_of(outputs))


def _problems(each: Mapping[str, Any], there: Known) -> Iterator[tuple[str, str | None]]:
    function, url = each.get("function"), each.get("url")
    if (function is None) == (url is None):
        yield "a check has a function or a url", "write one of them"
    if function is not None and not there.has(f"{_FUNCTION}{function}"):
        names = [address.removeprefix(_FUNCTION) for address in there.addresses if address.startswith(_FUNCTION)]
        yield f"there is no lambda.function/{function}{did_you_mean(str(function), names)}", one_of(names)
    if isinstance(url, str) and not url.startswith(("https://", "http://")):
        yield f"{url} is no address of HTTP", "begin with https://"
    for key in ("payload",) if url is not None else ("body", "headers"):
        if each.get(key):
            yield f"{key} means nothing here", None


def _check(each: Mapping[str, Any], place: Place) -> Check:
    expected = each.get("expect") or {}
    return Check(
        function=each.get("function"),
        payload=each.get("payload"),
        url=each.get("url"),
        method=each["method"],
        headers=each.get("headers") or {},
        body=each.get("body"),
        status=expected.get("status"),
        contains=expected.get("contains"),
        json=expected.get("json"),
        timeout=int(str(each["timeout"]).removesuffix("s")),
        place=str(place),
    )
