"""Checks between the resources of one environment: names, references, dependencies. Pure."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from pipeline.config.authoring import identity
from pipeline.config.desired import Rendered
from pipeline.config.findings import Findings, Place, did_you_mean, one_of
from pipeline.config.known import Known
from pipeline.config.rendering import Link
from pipeline.model.values import Reference, references_of
from pipeline.resources.registry import Registry

# Kinds of APIs -> the collection of their domains.
_DOMAINS = {
    "apigateway.rest_api": "api_domain",
    "apigatewayv2.http_api": "http_domain",
    "apigatewayv2.api": "websocket_domain",
}


class CrossCheck:
    """All checks over the rendered items of one environment."""

    def __init__(self, rendered: Sequence[Rendered], known: Known, registry: Registry, findings: Findings) -> None:
        self.rendered = rendered
        self.known = known
        self.registry = registry
        self.findings = findings
        self.by_address = {item.address: item for item in reversed(rendered) if item.address}
        self.names: dict[str, set[str]] = defaultdict(set)
        for address in self.by_address:
            kind, _, name = address.partition("/")
            self.names[kind].add(name)

    def run(self) -> None:
        """Adds everything that is wrong to the findings."""
        self._check_addresses()
        for item in self.rendered:
            told = self._check_links(item)
            self._check_references(item, told)
            for address, place in item.depends_on:
                self._check_target(address, f"depends_on {address}", place, item)
        self._check_circles()

    def _check_addresses(self) -> None:
        first: dict[str, Rendered] = {}
        for item in self.rendered:
            if item.address is None or item.derived:
                continue
            kind = self.registry[item.type]
            schema = kind.spec.schema["properties"]
            folded = any(schema[key].get("caseInsensitive") for key in identity(kind))
            other = first.setdefault(item.address.casefold() if folded else item.address, item)
            if other is not item:
                same = "is declared twice" if other.address == item.address else f"is {other.address} to AWS"
                self.findings.error(
                    f"{item.address} {same}: first at {other.place}",
                    item.place,
                    hint="give one of the two another name",
                    address=item.address,
                )

    def _check_links(self, item: Rendered) -> set[str]:
        """Names of declared resources (`function`, `role`); the addresses that are reported as missing."""
        told: set[str] = set()
        for link in item.links:
            candidates = [f"{kind}/{link.name}" for kind in link.types]
            if any(map(self.known.has, candidates)):
                continue
            told.update(candidates)
            known = {name for kind in link.types for name in self.names[kind]}
            self.findings.error(
                f"there is no {' or '.join(candidates)}{did_you_mean(link.name, known)}",
                link.place,
                hint=self._domain_of(item, link.name) or _ways(link, known),
                address=item.address,
            )
        return told

    def _domain_of(self, item: Rendered, name: str) -> str | None:
        """Where a domain is declared whose API is of another kind than `item` is for."""
        kinds = [kind for kind in _DOMAINS if name in self.names[kind]] if item.type.endswith(".domain_name") else []
        return f"declare the domain under {_DOMAINS[kinds[0]]}: {name} is an {kinds[0]}" if kinds else None

    def _check_references(self, item: Rendered, told: set[str]) -> None:
        written = dict(reversed(item.references))
        implied = references_of(item.resource.properties) if item.resource else ()
        for reference in dict.fromkeys([*written, *implied]):
            place = written.get(reference, item.place)
            if reference.address == item.address:
                self.findings.error(f"{reference} refers to the resource itself", place, address=item.address)
            elif reference.address not in told and self._check_target(
                reference.address, str(reference), place, item, derivable=reference not in written
            ):
                self._check_output(reference, place, item)

    def _check_target(self, address: str, what: str, place: Place, item: Rendered, *, derivable: bool = False) -> bool:
        """True when `address` is declared, or will be once other errors are mended."""
        kind, slash, name = address.partition("/")
        message = hint = None
        if not slash or kind not in self.registry:
            message = f"{what}: there is no resource type {kind}{did_you_mean(kind, self.registry)}"
            hint = one_of(self.registry)
        elif not self.known.has(address):
            message = f"{what}: there is no {address}{did_you_mean(name, self.names[kind])}"
            known = [f"{kind}/{each}" for each in self.names[kind]]
            hint = one_of(known) if known else "declare it"
        if message:
            self.findings.error(message, place, hint=hint, address=item.address)
        return message is None and not (derivable and address not in self.by_address)

    def _check_output(self, reference: Reference, place: Place, item: Rendered) -> None:
        kind = reference.address.partition("/")[0]
        outputs = self.registry[kind].spec.read_only
        if reference.output not in outputs:
            self.findings.error(
                f"{reference}: {kind} has no output {reference.output}{did_you_mean(reference.output, outputs)}",
                place,
                hint=one_of(outputs),
                address=item.address,
            )

    def _check_circles(self) -> None:
        graph = {address: self._needs(item) for address, item in self.by_address.items()}
        while True:
            try:
                TopologicalSorter(graph).prepare()
                return
            except CycleError as cycle:
                chain = list(reversed(cycle.args[1]))
                self._tell_circle(chain)
                graph[chain[0]] = graph[chain[0]] - {chain[1]}

    def _needs(self, item: Rendered) -> set[str]:
        wanted = {address for address, _ in item.depends_on} | {ref.address for ref, _ in item.references}
        wanted |= set(item.resource.dependencies) if item.resource else set()
        return (wanted & self.by_address.keys()) - {item.address or ""}

    def _tell_circle(self, chain: Sequence[str]) -> None:
        start = min(range(len(chain) - 1), key=lambda index: chain[index])
        ordered = [*chain[start:-1], *chain[:start], chain[start]]
        item = self.by_address[ordered[0]]
        places: Mapping[str, Place] = dict(item.depends_on) | {ref.address: at for ref, at in item.references}
        self.findings.error(
            f"these resources need each other: {' -> '.join(ordered)}",
            places.get(ordered[1], item.place),
            hint="take out one of these references",
            address=item.address,
        )


def _ways(link: Link, known: Collection[str]) -> str:
    ways = ["declare it", *(["write an ARN"] if link.arns else []), *([f"name {one_of(known)}"] if known else [])]
    return ways[0] if len(ways) == 1 else f"{', '.join(ways[:-1])}, or {ways[-1]}"
