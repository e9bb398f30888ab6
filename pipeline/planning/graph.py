"""Dependencies between addresses: order, cycles, and the reverse order for removal. Pure."""

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from pipeline.errors import BadInput, Diagnostic
from pipeline.model.resource import Resource

Graph = Mapping[str, frozenset[str]]


def graph_of(resources: Iterable[Resource]) -> dict[str, frozenset[str]]:
    """address -> addresses that must exist first; dependencies outside of `resources` are left out."""
    known = {resource.address: resource for resource in resources}
    return {address: frozenset(known.keys() & resource.dependencies) for address, resource in known.items()}


def ordered(graph: Graph) -> list[str]:
    """Addresses, each after all that it depends on; the same order every time. BadInput names a cycle."""
    sorter = TopologicalSorter({address: sorted(graph[address]) for address in sorted(graph)})
    try:
        sorter.prepare()
    except CycleError as cycle:
        chain = " -> ".join(cycle.args[1])
        raise BadInput.of([Diagnostic(f"these resources depend on each other in a circle: {chain}")]) from cycle
    order: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += ready
        sorter.done(*ready)
    return order


def reverse(graph: Graph) -> dict[str, frozenset[str]]:
    """address -> addresses that need it: the graph of a removal."""
    return {address: frozenset(other for other in graph if address in graph[other]) for address in graph}
