"""A release that shifts in steps: promoted, taken back, steered, continued; on moto, with time that does not pass."""

import pytest

from pipeline.commands.delivering import deploy
from pipeline.commands.requesting import DeployRequest
from tests.functional.canary import Rig
from tests.functional.support import Service
from tests.support import moto_extension

moto_extension.register()

CANARY = "{strategy: canary, canary: {weight: 10, bake: 1m}, analysis: {metric_delay: 10s, interval: 1m}}"


@pytest.fixture
def rig(shop: Service) -> Rig:
    """Release 1 serves, release 2 is ready to be deployed."""
    rig = Rig.of(shop, CANARY)
    assert deploy(rig.workspace(), DeployRequest()).release == 1
    rig.change(4)
    return rig


def test_a_good_release_is_promoted(rig: Rig) -> None:
    report = deploy(rig.workspace(), DeployRequest())
    assert (report.release, report.exit_code) == (2, 0)
    document = report.to_json()
    step = document["canary"]["steps"][0]
    assert (step["weight"], step["verdict"]) == (10, "successful")
    assert step["canary"]["requests"] >= 50
    assert document["functions"]["shop-stock"]["version"] == "2"
    assert rig.aliases() == {"version": "2", "weights": {}}
    assert {"1": 0.9, "2": 0.1} in rig.visitors.shares
    assert rig.rollout()["status"]["outcome"] == "promoted"


def test_a_release_with_errors_is_taken_back(rig: Rig) -> None:
    rig.visitors.errors["shop-orders", "2"] = 0.3
    report = deploy(rig.workspace(), DeployRequest())
    assert (report.release, report.exit_code) == (1, 5)
    canary = report.to_json()["canary"]
    assert canary["outcome"] == "reverted"
    assert "worse with" in canary["reason"]
    assert canary["links"]
    assert rig.aliases("shop-orders") == rig.aliases("shop-stock") == {"version": "1", "weights": {}}
