from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.applying.paging import follow
from pipeline.errors import PipelineError


def paged(pages: Mapping[Any, Any], parameter: str) -> Any:
    """A call that answers the page which its parameter names; None is the first one."""
    return lambda more: pages[more.get(parameter)]


def test_pages_by_the_rules_of_botocore() -> None:
    rules = {"input_token": "ExclusiveStartTableName", "output_token": "LastEvaluatedTableName"}
    pages = {None: {"TableNames": ["a"], "LastEvaluatedTableName": "a"}, "a": {"TableNames": ["b"]}}
    assert list(follow(paged(pages, "ExclusiveStartTableName"), "TableNames", rules)) == ["a", "b"]


def test_items_may_lie_deeper_and_pages_may_be_empty() -> None:
    rules = {
        "input_token": "Marker",
        "output_token": "DistributionList.NextMarker",
        "more_results": "DistributionList.IsTruncated",
    }
    pages = {
        None: {"DistributionList": {"IsTruncated": True, "NextMarker": "m"}},
        "m": {"DistributionList": {"Items": [1], "IsTruncated": False, "NextMarker": "ignored"}},
    }
    assert list(follow(paged(pages, "Marker"), "DistributionList.Items", rules)) == [1]


def test_several_tokens_lead_on_together() -> None:
    rules = {
        "input_token": ["StartRecordName", "StartRecordType"],
        "output_token": ["NextRecordName", "NextRecordType"],
        "more_results": "IsTruncated",
    }
    seen: list[dict[str, Any]] = []

    def call(more: dict[str, Any]) -> dict[str, Any]:
        seen.append(more)
        return {"Sets": [len(seen)], "IsTruncated": len(seen) == 1, "NextRecordName": "a.", "NextRecordType": "A"}

    assert list(follow(call, "Sets", rules)) == [1, 2]
    assert seen == [{}, {"StartRecordName": "a.", "StartRecordType": "A"}]


def test_without_rules_the_usual_tokens_lead_on() -> None:
    pages = {None: {"items": [1], "position": "p"}, "p": {"items": [2]}}
    assert list(follow(paged(pages, "position"), "items", None)) == [1, 2]
    assert list(follow(lambda more: {"Tags": [3]}, "Tags", None)) == [3]


def test_an_answer_that_leads_back_to_itself_is_refused() -> None:
    with pytest.raises(PipelineError, match="same page again"):
        list(follow(lambda more: {"Items": [1], "NextToken": "t"}, "Items", None))
