"""Every key is in every environment's file: what one lacks is a slip, or a surprise on the day it is deployed. Pure."""

from collections.abc import Sequence

from pipeline.config.environments import EnvFile
from pipeline.config.findings import Findings, Place, closest
from pipeline.config.regions import ONE, SEVERAL


def check_parity(read: Sequence[EnvFile], findings: Findings) -> dict[str, frozenset[str]]:
    """Errors for keys that only some files have; environment -> the keys that it lacks."""
    files = [one for one in read if one.readable]
    # Where an environment is, is said in one of two ways.
    places = {
        one.name: {key: at for key, at in one.places.items() if key not in one.strays and key not in (ONE, SEVERAL)}
        for one in files
    }
    everywhere = [set(places[one.name]) for one in files]
    shared = {key for keys in everywhere for key in keys}
    lacking = {one.name: shared - places[one.name].keys() for one in files}
    meant = {}
    for one in files:
        own = [key for key in places[one.name] if sum(key in keys for keys in everywhere) == 1]
        for key in sorted(lacking[one.name]):
            meant[one.name, key] = closest(key, own)
    # A slip of the pen is told once, where it happened: where most files have another key, else in the first file.
    slips = {slip for (_, key), slip in meant.items() if slip and sum(key in keys for keys in everywhere) > 1}
    for one in files:
        for key in sorted(lacking[one.name] - one.unclear - slips):  # unclear: told already, the schema wants it
            having = ", ".join(str(places[other.name][key]) for other in files if key in places[other.name])
            slip = meant[one.name, key]
            slips |= {slip} if slip else set()
            guess = f": is {slip} in line {places[one.name][slip].line} meant?" if slip else ""
            findings.error(
                f"{key} is missing here; it is set in {having}{guess}",
                Place(one.file),
                hint=f"add {key}= to {one.file}, or remove it from the others",
            )
    return {name: frozenset(keys) for name, keys in lacking.items()}
