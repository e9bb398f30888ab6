"""Guardrails: AWS's own documents, numbered versions, and what is waited for."""

import json
from typing import Any

import pytest

from pipeline.applying.aws_client import AwsClient
from pipeline.errors import PipelineError
from pipeline.model.resource import Resource
from pipeline.planning.diff import diff
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.contract.engine import Case, carry_out, converge, declared
from tests.support import moto_extension
from tests.support.aws import SCOPE, FakeClock
from tests.support.fake_transport import FakeTransport, Reply
from tests.support.faults import Crash, CrashAfter, Recorder

KIND = registry()["bedrock.guardrail"]
HATE = {"type": "HATE", "inputStrength": "HIGH", "outputStrength": "HIGH"}
ATTACK = {"type": "PROMPT_ATTACK", "inputStrength": "HIGH", "outputStrength": "NONE"}
TOPIC = {"name": "Money", "definition": "Advice about money.", "examples": ["Buy gold?"], "type": "DENY"}
MANUAL = {"topic_policy": {"topicsConfig": [TOPIC]}, "content_policy": {"filtersConfig": [HATE, ATTACK]}}


@pytest.fixture(autouse=True)
def as_aws_does() -> None:
    moto_extension.register()


def guardrail(**properties: Any) -> Case:
    item = {"name": "talk", **(properties or MANUAL)}
    return Case(KIND, Resource(KIND.name, "talk", declared(KIND, item, SCOPE)))


def filters(*given: dict[str, Any], **properties: Any) -> Case:
    return guardrail(content_policy={"filtersConfig": list(given)}, **properties)


def versions(aws: AwsClient, made: object) -> list[str]:
    listed = aws.pages("bedrock", "ListGuardrails", "guardrails", guardrailIdentifier=made)
    return [one["version"] for one in listed if one["version"] != "DRAFT"]


def test_the_manual_s_call_gets_the_two_messages_that_it_lacked(aws: AwsClient) -> None:
    recorder = Recorder(aws)
    outputs = carry_out(recorder, guardrail(**MANUAL))
    made = next(call.params for call in recorder.calls if call.name == "bedrock:CreateGuardrail")
    assert made["topicPolicyConfig"] == {"topicsConfig": [TOPIC]}
    assert made["contentPolicyConfig"] == {"filtersConfig": [HATE, ATTACK]}
    assert made["blockedInputMessaging"]
    assert made["blockedOutputsMessaging"]
    assert outputs["version"] == "1"


def test_a_change_is_published_as_the_next_version_and_the_old_one_stays(aws: AwsClient) -> None:
    outputs = carry_out(aws, guardrail())
    changed = filters({**HATE, "inputStrength": "LOW"}, ATTACK)
    after = converge(aws, changed)
    assert after.outputs["version"] == "2"
    assert versions(aws, outputs["id"]) == ["1", "2"]
    first = aws.call("bedrock", "GetGuardrail", guardrailIdentifier=outputs["id"], guardrailVersion="1")
    assert first["contentPolicy"]["filters"][0]["inputStrength"] == "HIGH"


def test_what_was_published_before_is_used_again_when_a_release_comes_back(aws: AwsClient) -> None:
    """Functions that name version 1 are as they were, so that their own versions serve again, too."""
    outputs = carry_out(aws, guardrail())
    converge(aws, filters({**HATE, "inputStrength": "LOW"}, ATTACK))
    assert converge(aws, guardrail()).outputs["version"] == "1"
    assert versions(aws, outputs["id"]) == ["1", "2"]


def test_a_plan_names_the_filter_that_differs() -> None:
    one, other = filters(HATE, ATTACK), filters({**HATE, "inputStrength": "LOW"}, ATTACK)
    paths = [c.path for c in diff(KIND.spec, other.resource.properties, one.resource.properties)]
    assert paths == ["content_policy.filters.HATE.inputStrength"]


def test_what_aws_fills_in_is_no_difference(aws: AwsClient) -> None:
    carry_out(aws, guardrail())
    spelled = {**HATE, "inputAction": "BLOCK", "outputEnabled": True, "inputModalities": ["TEXT"]}
    other = guardrail(**{**MANUAL, "content_policy": {"filtersConfig": [ATTACK, spelled]}})
    recorder = Recorder(aws)
    converge(recorder, other)
    assert recorder.changing == []


def test_words_alone_are_told_apart(aws: AwsClient) -> None:
    converge(aws, guardrail(word_policy={"wordsConfig": [{"text": "darn"}]}))
    observed = guardrail(word_policy={"wordsConfig": [{"text": "darn"}, {"text": "heck"}]}).read(aws)
    assert observed is not None
    wanted = guardrail(word_policy={"wordsConfig": [{"text": "heck"}]})
    assert wanted.differences(observed) == {"word_policy.words.darn", "word_policy.words.heck"}
    converge(aws, wanted)


def test_tags_and_descriptions_make_no_version(aws: AwsClient) -> None:
    outputs = carry_out(aws, guardrail(**MANUAL, description="One"))
    converge(aws, guardrail(**MANUAL, description="Two", tags={"team": "shop"}))
    assert versions(aws, outputs["id"]) == ["1"]


def test_a_run_that_died_before_publishing_is_noticed(aws: AwsClient) -> None:
    with pytest.raises(Crash):
        carry_out(CrashAfter(aws, 1, only_changing=True), guardrail())
    observed = guardrail().read(aws)
    assert observed is not None
    assert guardrail().differences(observed) == {"published"}
    assert "version" not in observed.outputs
    assert converge(aws, guardrail()).outputs["version"] == "1"


def test_a_draft_that_was_changed_by_hand_is_put_right_without_a_version(aws: AwsClient) -> None:
    outputs = carry_out(aws, guardrail())
    draft = {"name": "talk", "blockedInputMessaging": "x", "blockedOutputsMessaging": "y"}
    policy = {"filtersConfig": [HATE]}
    aws.call("bedrock", "GetGuardrail", guardrailIdentifier=outputs["id"])  # until the version is made
    aws.call("bedrock", "UpdateGuardrail", guardrailIdentifier=outputs["id"], contentPolicyConfig=policy, **draft)
    assert converge(aws, guardrail()).outputs["version"] == "1"


def test_no_version_goes_to_make_room_for_another(aws: AwsClient) -> None:
    """A release that one can roll back to may name each of them."""
    outputs = carry_out(aws, guardrail())
    for number in range(19):
        converge(aws, filters(HATE, blocked_input_message=f"No {number}"))
    full = filters(HATE, blocked_input_message="No more")
    with pytest.raises(PipelineError, match="AWS keeps 20 versions") as caught:
        converge(aws, full)
    assert "--guardrail-version 1" in str(caught.value.hint)
    assert len(versions(aws, outputs["id"])) == 20
    aws.call("bedrock", "DeleteGuardrail", guardrailIdentifier=outputs["id"], guardrailVersion="1")
    assert converge(aws, full).outputs["version"] == "21"


def test_a_guardrail_without_a_record_is_found_by_its_name(aws: AwsClient) -> None:
    outputs = carry_out(aws, guardrail())
    case = guardrail()
    for recorded in ({}, {"id": "gone"}, outputs):
        assert KIND.read(aws, [Target(case.resource, recorded)])[case.address].outputs["id"] == outputs["id"]


def test_one_that_cannot_be_made_says_why(clock: FakeClock) -> None:
    failed = {"name": "talk", "status": "FAILED", "statusReasons": ["no"], "failureRecommendations": ["ask less"]}
    replies: dict[str, list[Reply]] = {
        "bedrock:CreateGuardrail": [{"guardrailId": "g", "guardrailArn": "arn"}],
        "bedrock:GetGuardrail": [{**failed, "status": "CREATING"}, failed],
    }
    aws = AwsClient(FakeTransport(replies), clock)
    aws.scope = SCOPE
    with pytest.raises(PipelineError, match="making guardrail talk: no") as caught:
        KIND.create(aws, guardrail().resource)
    assert caught.value.hint == "ask less"


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"description": "nothing"}, "a guardrail needs a policy"),
        (
            {"content_policy": {"filtersConfig": [{**ATTACK, "outputStrength": "LOW"}]}},
            "answers are not searched for attacks on the prompt",
        ),
        (
            {"content_policy": {"filtersConfig": [HATE], "tierConfig": {"tierName": "STANDARD"}}},
            "the tier STANDARD needs guardrail_profile",
        ),
    ],
)
def test_what_bedrock_would_refuse(properties: dict[str, Any], message: str) -> None:
    assert [problem.message for problem in KIND.check(guardrail(**properties).resource, SCOPE)] == [message]


def test_what_a_guardrail_usually_has_is_missed() -> None:
    found = [problem.message for problem in KIND.warn(filters(HATE).resource, SCOPE)]
    assert found == [
        "nothing keeps users from talking the model out of its instructions",
        "personal data passes through",
    ]
    policy = {"piiEntitiesConfig": [{"type": "EMAIL", "action": "BLOCK"}]}
    assert KIND.warn(filters(HATE, ATTACK, sensitive_information_policy=policy).resource, SCOPE) == []


def test_masks_of_personal_data_are_what_is_shown(aws: AwsClient) -> None:
    entity = {"type": "PHONE", "action": "ANONYMIZE", "outputAction": "NONE"}
    observed = converge(aws, guardrail(sensitive_information_policy={"piiEntitiesConfig": [entity]}))
    shown = observed.properties["sensitive_information_policy"]
    assert json.loads(json.dumps(shown)) == {"piiEntities": {"PHONE": {"action": "ANONYMIZE", "outputAction": "NONE"}}}
