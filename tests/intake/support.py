"""Recorded and hand-written payloads, and the facts that the run for them would have.

Files are named `<event>.<what>.json`. Those of one kind are trimmed to what matters of the shape that
https://docs.github.com/en/webhooks/webhook-events-and-payloads gives.
"""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.intake.events import RunFacts, read_event
from pipeline.intake.intents import decide
from pipeline.model.event import Event
from pipeline.model.intent import Intent

PAYLOADS = Path(__file__).parent / "payloads"
BRANCHES: Mapping[str, str | None] = {"dev": "dev", "staging": "staging", "production": "main", "sandbox": None}
ALL = tuple(BRANCHES)

PUSHED = "71535ecbe7012a88d44008a3e61b3f55cb7ad6e4"
TAGGED = "064041a0a5308dd12848a94605f8115a90939b8d"
HEAD = "c24c8c0160baf0f42fdee2edebf193be530c41ea"
TIP = "5d41402abc4b2a76b9719d911017c592aaaaaaaa"
# What GitHub Actions says of runs whose payload says less: the default branch and its last commit.
FACTS = RunFacts(repo="acme/infra", ref="refs/heads/main", sha=TIP, actor="dev")


def names() -> list[str]:
    return sorted(path.stem for path in PAYLOADS.glob("*.json"))


def payload(name: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The payload in a file, with `changes` (dotted path -> value, or ... to leave it out) made to it."""
    found: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    for path, value in (changes or {}).items():
        *parents, last = path.split(".")
        target = found
        for key in parents:
            target = target[key]
        if value is ...:
            del target[last]
        else:
            target[last] = copy.deepcopy(value)
    return found


def event(name: str, changes: Mapping[str, Any] | None = None, facts: RunFacts = FACTS) -> Event:
    return read_event(name.partition(".")[0], payload(name, changes), facts)


def intent(
    name: str,
    changes: Mapping[str, Any] | None = None,
    facts: RunFacts = FACTS,
    branches: Mapping[str, str | None] = BRANCHES,
    root: str = "",
) -> Intent:
    return decide(event(name, changes, facts), branches, root)
