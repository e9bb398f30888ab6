"""Environments in several regions: the two keys, the region at hand, and what the regions share."""

from pathlib import Path

import pytest

from pipeline.config.files import Files as Folder
from pipeline.config.loading import load
from pipeline.config.regions import regions_of
from pipeline.model.resource import Resource
from pipeline.resources.registry import registry
from tests.config.support import SOUND, TODAY, Files, agree, invented, loaded, told, write

ENV = "environments/dev.env"
HOME, AWAY = "us-east-1", "eu-west-1"
TWO = f"SERVICE_NAME=orders\nENVIRONMENT=dev\nAWS_REGIONS={HOME},{AWAY}\nAWS_ACCOUNT_ID=123456789012\n"
ROLE = """roles:
  - name: ${SERVICE_NAME}-runner
    policies:
      Table:
        Statement:
          - Effect: Allow
            Action: dynamodb:GetItem
            Resource: "arn:aws:dynamodb:${AWS_REGION}:123456789012:table/orders"
      Bucket:
        Statement:
          - {Effect: Allow, Action: s3:GetObject, Resource: "arn:aws:s3:::orders/*"}
"""


def two(**files: str) -> Files:
    return {ENV: TWO, **{f"aws/{name}.yaml": text for name, text in files.items()}}


def state(root: Path, files: Files, region: str) -> dict[str, Resource]:
    base = {name: SOUND[name] for name in ("pipeline.yaml",)}
    result = load(write(root, {**base, **files}), ["dev"], registry(), TODAY, region=region)
    assert [each for each in told(result) if "warning" not in each] == []
    return dict(result.desired["dev"].by_address)


def test_the_region_at_hand_is_the_first_unless_another_is_named(tmp_path: Path) -> None:
    files = {**two(), "aws/things.yaml": "things:\n  - name: thing\n    label: in ${AWS_REGION}\n"}
    root = write(tmp_path, {**SOUND, **files})
    assert regions_of(Folder(root), "dev") == (HOME, AWAY)
    for region in (HOME, AWAY):
        result = load(root, ["dev"], invented(), TODAY, region=region)
        found = result.environments["dev"]
        assert (found.region, found.home, found.regions) == (region, HOME, (HOME, AWAY))
        assert found.values["AWS_REGION"] == region
        assert result.desired["dev"].by_address["test.thing/thing"].properties["label"] == f"in {region}"
    assert load(root, ["dev"], invented(), TODAY).environments["dev"].region == HOME


def test_the_file_itself_may_use_the_region_at_hand(tmp_path: Path) -> None:
    root = write(tmp_path, {**SOUND, ENV: f"{TWO}SITE=orders-${{AWS_REGION}}\n"})
    assert load(root, ["dev"], invented(), TODAY, region=AWAY).environments["dev"].values["SITE"] == f"orders-{AWAY}"


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        ("AWS_REGION=us-east-1\nAWS_REGIONS=us-east-1,eu-west-1", "4:1: AWS_REGIONS and AWS_REGION cannot both be set"),
        ("", "1:1: AWS_REGION is missing"),
        ("AWS_REGIONS=", "3:1: AWS_REGIONS has 0 items"),
        ("AWS_REGIONS=us-east-1,us-esat-1", '3:1: AWS_REGIONS[1] is "us-esat-1": it must match'),
        ("AWS_REGIONS=us-east-1,us-east-1", "3:1: AWS_REGIONS has"),
        ("AWS_REGIONS=us-east-1,cn-north-1", "3:1: AWS_REGIONS holds regions of several partitions"),
    ],
)
def test_one_key_or_the_other_and_regions_that_exist(tmp_path: Path, lines: str, finding: str) -> None:
    text = f"SERVICE_NAME=orders\nENVIRONMENT=dev\n{lines}\nAWS_ACCOUNT_ID=123456789012\n"
    assert agree(loaded(tmp_path, {ENV: text}), [f"{ENV}:{finding}"])


def test_environments_need_not_say_it_in_the_same_way(tmp_path: Path) -> None:
    live = TWO.replace("ENVIRONMENT=dev", "ENVIRONMENT=live")
    files = {"environments/live.env": live, "pipeline.yaml": "environments:\n  dev: dev\n  live: main\n"}
    assert told(loaded(tmp_path, files)) == []


def test_a_schema_of_the_service_that_knows_one_region_lets_several_pass(tmp_path: Path) -> None:
    schema = '{"type": "object", "required": ["AWS_REGION"], "additionalProperties": false, "properties": '
    schema += '{"SERVICE_NAME": {}, "ENVIRONMENT": {}, "AWS_REGION": {}, "AWS_ACCOUNT_ID": {}}}'
    assert told(loaded(tmp_path, {ENV: TWO, "environments/schema.json": schema})) == []


def test_every_region_is_checked_and_told_apart(tmp_path: Path) -> None:
    found = loaded(tmp_path, {ENV: TWO, "aws/things.yaml": "things:\n  - name: in-${AWS_REGION}\n"})
    named = [message for message in told(found) if "name is" in message]
    assert len(named) == 2
    assert {message.partition("(in ")[2] for message in named} == {f"dev/{HOME})", f"dev/{AWAY})"}


def test_what_aws_has_once_is_made_by_the_home_region_and_found_by_the_others(tmp_path: Path) -> None:
    files = two(b="buckets:\n  - name: orders-files\n", t="tables:\n  - name: orders\n    partition_key: id\n")
    home, away = state(tmp_path, files, HOME), state(tmp_path, files, AWAY)
    assert {address: resource.shared for address, resource in home.items()} == dict.fromkeys(home, False)
    assert {address: resource.shared for address, resource in away.items()} == {
        "s3.bucket/orders-files": True,
        "dynamodb.table/orders": False,
    }


def test_a_name_with_the_region_in_it_is_one_for_each(tmp_path: Path) -> None:
    files = two(b="buckets:\n  - name: orders-files-${AWS_REGION}\n")
    (bucket,) = state(tmp_path, files, AWAY).values()
    assert not bucket.shared


def test_a_role_may_do_in_each_region_what_is_said_there(tmp_path: Path) -> None:
    home, away = state(tmp_path, two(r=ROLE), HOME), state(tmp_path, two(r=ROLE), AWAY)
    assert list(home) == ["iam.role/orders-runner"]
    assert home["iam.role/orders-runner"].properties["elsewhere"] == [f"Table-{AWAY}", f"Bucket-{AWAY}"]
    assert list(away) == ["iam.role/orders-runner", f"iam.role_policy/orders-runner:Table-{AWAY}"]
    assert f":{AWAY}:" in str(away[f"iam.role_policy/orders-runner:Table-{AWAY}"].properties["document"])


def test_what_cannot_be_shared_is_told_with_a_way_out(tmp_path: Path) -> None:
    policy = """managed_policies:
  - name: orders-access
    document:
      Statement:
        - Effect: Allow
          Action: dynamodb:GetItem
          Resource: "arn:aws:dynamodb:${AWS_REGION}:123456789012:table/orders"
"""
    tags = 'buckets:\n  - name: orders-files\n    tags: {where: "${AWS_REGION}"}\n'
    base = {name: SOUND[name] for name in ("pipeline.yaml",)}
    root = write(tmp_path, {**base, **two(policies=policy, tags=tags)})
    found = {d.address: d for d in load(root, ["dev"], registry(), TODAY).diagnostics}
    wrong, weak = found["iam.policy/orders-access"], found["s3.bucket/orders-files"]
    assert (wrong.severity, wrong.line) == ("error", 2)
    assert "one for all regions: its document is about the things of one region" in wrong.message
    assert weak.severity == "warning"
    assert f"what {AWAY} declares as its tags is left out, {HOME} decides" in weak.message
    assert "${AWS_REGION} into its name" in str(wrong.hint)
