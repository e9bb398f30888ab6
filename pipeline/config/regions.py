"""The regions of an environment: AWS_REGION names its only one, AWS_REGIONS several, the home region first. Pure.

Whatever is read of an environment is read for one region, the one at hand: AWS_REGION is then that one.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.config.files import ENVIRONMENTS, Files
from pipeline.config.findings import Findings
from pipeline.errors import BadInput

if TYPE_CHECKING:
    from pipeline.config.dotenv import Assignment

ONE, SEVERAL = "AWS_REGION", "AWS_REGIONS"


def regions_in(found: "Mapping[str, Assignment]") -> tuple[str, ...]:
    """What AWS_REGIONS lists; nothing without it."""
    listed = found[SEVERAL].value.split(",") if SEVERAL in found else []
    return tuple(region.strip() for region in listed if region.strip())


def at_hand(found: "dict[str, Assignment]", region: str | None) -> "dict[str, Assignment]":
    """The keys with AWS_REGION among them where AWS_REGIONS stands for it: `region`, or the first."""
    regions = regions_in(found)
    if ONE in found or not regions:
        return found
    return {**found, ONE: replace(found[SEVERAL], key=ONE, value=region if region in regions else regions[0])}


def regions_of(files: Files, name: str) -> tuple[str, ...]:
    """The regions of environment `name` where there are several; nothing is judged, and one has no names."""
    quiet = Findings()
    file = f"{ENVIRONMENTS}/{name}.env"
    text = files.text(file, quiet) if files.exists(file) else None
    if text is None or SEVERAL not in text:
        return ()
    from pipeline.config.dotenv import parse  # noqa: PLC0415 - every command asks this first, and few have several

    found = parse(text, file, quiet) or {}
    regions = tuple(dict.fromkeys(regions_in(found)))
    return regions if len(regions) > 1 and ONE not in found else ()


def check_region(name: str, region: str, regions: tuple[str, ...]) -> None:
    """BadInput when an environment is not in `region`."""
    if region not in regions:
        raise BadInput(f"{name} is not in {region}", hint=f"one of {', '.join(regions)}")
