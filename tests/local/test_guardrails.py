"""Guardrails of the embedded AWS, as AWS shows them."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.support import Account

pytestmark = pytest.mark.emulator

MESSAGES = {"blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
TOPICS = {"topicsConfig": [{"name": "Money", "definition": "Advice about money.", "type": "DENY"}]}
FILTERS = {"filtersConfig": [{"type": "HATE", "inputStrength": "HIGH", "outputStrength": "LOW"}]}


@pytest.fixture
def bedrock(account: Account) -> Any:
    return account.client("bedrock")


@pytest.fixture
def made(bedrock: Any, unique: Callable[[str], str]) -> str:
    """A guardrail with a version."""
    given = {"topicPolicyConfig": TOPICS, "contentPolicyConfig": FILTERS, **MESSAGES}
    profile = {"guardrailProfileIdentifier": "us.guardrail.v1:0"}
    found = bedrock.create_guardrail(name=unique("talk"), description="one", crossRegionConfig=profile, **given)
    bedrock.create_guardrail_version(guardrailIdentifier=found["guardrailId"])
    return str(found["guardrailId"])


def test_policies_are_shown_under_the_names_of_answers(bedrock: Any, made: str) -> None:
    for version in ({}, {"guardrailVersion": "1"}):
        found = bedrock.get_guardrail(guardrailIdentifier=made, **version)
        assert found["topicPolicy"]["topics"][0]["name"] == "Money"
        assert found["contentPolicy"]["filters"][0]["outputStrength"] == "LOW"
        assert found["crossRegionDetails"]["guardrailProfileId"] == "us.guardrail.v1:0"


def test_an_update_replaces_everything_and_leaves_the_versions(bedrock: Any, made: str) -> None:
    name = bedrock.get_guardrail(guardrailIdentifier=made)["name"]
    bedrock.update_guardrail(guardrailIdentifier=made, name=name, contentPolicyConfig=FILTERS, **MESSAGES)
    found = bedrock.get_guardrail(guardrailIdentifier=made)
    assert "topicPolicy" not in found
    assert "crossRegionDetails" not in found
    assert "topicPolicy" in bedrock.get_guardrail(guardrailIdentifier=made, guardrailVersion="1")


def test_a_list_of_one_guardrail_has_its_versions(bedrock: Any, made: str) -> None:
    bedrock.create_guardrail_version(guardrailIdentifier=made)
    bedrock.delete_guardrail(guardrailIdentifier=made, guardrailVersion="1")
    listed = bedrock.list_guardrails(guardrailIdentifier=made)["guardrails"]
    assert [one["version"] for one in listed] == ["DRAFT", "2"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        bedrock.get_guardrail(guardrailIdentifier=made, guardrailVersion="1")


def test_a_guardrail_that_is_not_there_is_told_so(bedrock: Any, made: str) -> None:
    bedrock.delete_guardrail(guardrailIdentifier=made)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        bedrock.get_guardrail(guardrailIdentifier=made)
    assert bedrock.list_guardrails(guardrailIdentifier=made)["guardrails"] == []
