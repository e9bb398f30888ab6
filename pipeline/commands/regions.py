"""One command in every region of an environment: one after the other, the home region first, each a run of its own.

Each region has its own ledger, lock and releases; what AWS has once for all regions is the home region's. In one region
nothing is different from an environment that has no other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from pipeline.commands.workspace import Workspace
from pipeline.config.files import Files
from pipeline.config.regions import check_region, regions_of
from pipeline.errors import NothingUnderWay, PipelineError
from pipeline.reporting.console import Console


class Way(Enum):
    """How a command goes through the regions."""

    LOOK = "look"  # all of them, whatever is found in each
    CHANGE = "change"  # the next only when all went well in the one before
    REMOVE = "remove"  # the same from the last to the home region, which has what the others need
    STEER = "steer"  # those where something is under way
    ONCE = "once"  # the home region alone: it is about all of them


@dataclass
class Gathering(Console):
    """A console that keeps the documents of several results, for the one document of all."""

    results: list[Mapping[str, Any]] = field(default_factory=list)
    region: str = ""

    def result(self, document: Mapping[str, Any], text: str) -> None:
        """Keeps the document, of several regions with its name; in text mode the text is shown below that."""
        self.results.append({"region": self.region, **document} if self.region else document)
        if self.format == "text":
            super().result(document, f"{self.style.bold(self.region)}\n{text}" if self.region else text)


def regions_at(space: Workspace) -> tuple[str, ...]:
    """The regions of the environment where it has several."""
    name = space.environment_name
    return regions_of(Files(space.root), name) if name is not None else ()


def chosen(space: Workspace, region: str) -> Workspace:
    """The surroundings for one region. BadInput when the environment is not there."""
    from pipeline.config.identity import read_identity  # noqa: PLC0415 - all that reads and checks environments

    regions = regions_at(space)
    check_region(space.name, region, regions or (read_identity(space.root, space.name).region,))
    return replace(space, region=region if regions else None)


def each_region(space: Workspace) -> Iterator[Workspace]:
    """The surroundings for every region of the environment, the home region first; for the one that is chosen alone."""
    regions = (space.region,) if space.region is not None else regions_at(space) or (None,)
    for region in regions:
        if isinstance(space.console, Gathering):
            space.console.region = region or ""
        yield replace(space, region=region, seconds={}, tried=[])


def over_regions(space: Workspace, region: str | None, way: Way, act: Callable[[Workspace], int]) -> int:
    """Does `act` in `region`, else in all regions of the environment; the exit code, of several the worst."""
    if region is not None:
        return act(replace(chosen(space, region), alone=True))
    regions = regions_at(space)
    if not regions or way is Way.ONCE:
        return act(replace(space, region=regions[0] if regions else None))
    console = space.console
    gathering = Gathering(console.out, console.err, console.format, console.github, console.quiet)
    surroundings = replace(space, console=gathering)
    code = _Course(surroundings, gathering, way, act).run(regions[::-1] if way is Way.REMOVE else regions)
    if console.format == "json":
        console.result(_document(space, gathering), "")
    return code


def _document(space: Workspace, gathering: Gathering) -> dict[str, Any]:
    return {"environment": space.environment_name, "regions": gathering.results}


@dataclass
class _Course:
    """A command on its way through the regions."""

    space: Workspace
    gathering: Gathering
    way: Way
    act: Callable[[Workspace], int]

    def run(self, regions: Sequence[str]) -> int:
        codes: list[int] = []
        idle: list[NothingUnderWay] = []  # what regions said in which nothing is under way
        for index, region in enumerate(regions):
            try:
                codes.append(self._in(region))
            except NothingUnderWay as error:
                if self.way is not Way.STEER:
                    raise
                idle.append(error)
            except PipelineError as error:
                raise self._told(error, region, regions[index + 1 :]) from error
            if codes and codes[-1] != 0 and self.way in (Way.CHANGE, Way.REMOVE):
                self._leave_out(regions[index + 1 :])
                break
        if not codes and idle:
            raise idle[0]
        for told in idle:
            self.space.console.say(str(told))
        return max(codes, default=0)

    def _in(self, region: str) -> int:
        """Acts in one region; what it says of itself is kept with the region's name."""
        self.space.console.say(self.space.console.err_style.bold(f"── {region}"))
        self.gathering.region = region
        return self.act(replace(self.space, region=region, seconds={}, tried=[]))

    def _told(self, error: PipelineError, region: str, rest: Sequence[str]) -> PipelineError:
        """The error with its region, after what was reached in others."""
        self._leave_out(rest)
        told = error.with_context(region)
        told.about = {**error.about, **_document(self.space, self.gathering)}
        return told

    def _leave_out(self, rest: Sequence[str]) -> None:
        if rest:
            self.space.console.say(f"not begun after that: {', '.join(rest)}")
