"""What policies allow is what was recorded, and named extras: nothing is missing, nothing without reason."""

import json
import os

import pytest

from pipeline.granting.knowledge import PHASES, Knowledge
from pipeline.resources.registry import registry
from tests.contract.conftest import Account
from tests.granting.recording import record
from tests.repository.files import ROOT

FILE = ROOT / "pipeline" / "granting" / "actions.json"
ABOUT = (
    "Which IAM actions the verbs of each resource type need, recorded while its examples are made, changed and "
    "deleted. Written by ACCEPT=1 ./run python -m pytest tests/granting/test_recorded.py, not by hand."
)


@pytest.mark.slow
@pytest.mark.parametrize("name", registry())
def test_the_policies_know_what_the_verbs_of_a_type_call(name: str, account: Account) -> None:
    recorded = record(account, registry()[name])
    if os.environ.get("ACCEPT"):
        write(name, recorded)
    assert Knowledge.load().recorded.get(name) == recorded, "ACCEPT=1 writes it down"


def test_nothing_is_known_of_types_that_there_are_not() -> None:
    known = Knowledge.load()
    assert set(known.recorded) == set(registry())
    assert set(known.rules["extras"]) <= set(registry())
    assert set(known.rules["resources"]) <= set(registry())


def test_every_extra_has_its_reason_and_is_one() -> None:
    known = Knowledge.load()
    for kind, phases in known.rules["extras"].items():
        for phase, actions in phases.items():
            assert phase in PHASES
            for action, reason in actions.items():
                assert len(reason) > 7, action
                assert action not in known.recorded[kind][phase], f"{action} of {kind} was recorded: no extra"


def test_every_use_of_a_key_has_its_reason_and_is_of_a_type_that_names_one() -> None:
    for kind, rule in Knowledge.load().rules["keys"].items():
        properties = registry()[kind].spec.schema["properties"]
        assert "kms_key" in properties or properties[rule["in"]]["references"] == "s3.bucket"
        for phase in set(rule) - {"service", "in"}:
            assert phase in PHASES
            assert all(action.startswith("kms:") and len(reason) > 7 for action, reason in rule[phase].items())


def write(name: str, recorded: dict[str, list[str]]) -> None:
    types = json.loads(FILE.read_text())["types"] | {name: recorded}
    rows = []
    for kind in sorted(set(types) & set(registry())):
        phases = ",\n".join(f"      {json.dumps(phase)}: {json.dumps(types[kind][phase])}" for phase in PHASES)
        rows.append(f"    {json.dumps(kind)}: {{\n{phases}\n    }}")
    text = f'{{\n  "about": {json.dumps(ABOUT)},\n  "types": {{\n' + ",\n".join(rows) + "\n  }\n}\n"
    FILE.write_text(text)
