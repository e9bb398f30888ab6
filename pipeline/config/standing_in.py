"""Likely values for what an environment's file lacks and everything else stands on. Pure.

That the key is missing or wrong is an error already. With a likely value in its place the specs are checked all the
same, so that all errors are told at once; nothing is ever deployed by it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.config.environments import REQUIRED, EnvFile, environment_of
from pipeline.config.findings import closest

# What nothing else suggests a value for. AWS has everything in that region.
_USUAL = {"AWS_REGION": "us-east-1", "SERVICE_NAME": "service"}
# A made up name is not to be why others are too long.
_LONGEST_NAME = 12


def stood_in(env: EnvFile, others: Iterable[EnvFile]) -> EnvFile:
    """`env` as it is judged: with likely values where required ones are missing or wrong."""
    unknown = [key for key in REQUIRED if key in env.unclear or key not in env.values]
    if not env.readable or not unknown:
        return env
    siblings = [other for other in others if other.environment is not None]
    likely = {key: next(_likely(key, env, siblings)) for key in unknown}
    found = replace(
        env,
        values={**env.values, **likely},
        typed={**env.typed, **likely},
        unclear=env.unclear - likely.keys(),
        secrets=env.secrets - likely.keys(),
    )
    return replace(found, environment=environment_of(found))


def _likely(key: str, env: EnvFile, siblings: Iterable[EnvFile]) -> Iterator[str]:
    """What the value is likely meant to be, the likeliest first."""
    if key == "ENVIRONMENT":
        yield env.name
    yield from (other.values[key] for other in siblings)
    given = key if key in env.values else closest(key, sorted(env.strays))
    if key == "SERVICE_NAME" and (name := _as_name(env.values.get(given or key, ""))):
        yield name
    yield _USUAL[key]


def _as_name(text: str) -> str:
    """The text without what a name of a service cannot have."""
    words = "-".join(re.findall(r"[a-z0-9]+", text.lower()))
    return words.lstrip("0123456789-")[:_LONGEST_NAME].strip("-")
