"""Changes of what CloudFront guards by an ETag: with the one that was just read, once more when that was stale.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_UpdateDistribution.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from pipeline.errors import AwsError
from pipeline.resources.base import Aws

_STALE = ("PreconditionFailed", "InvalidIfMatchVersion")

Wire = Mapping[str, Any]


def change(aws: Aws, thing: str, identifier: str, make: Callable[[Wire], Mapping[str, Any]]) -> Wire:
    """Carries out `Update<thing>`; `make` gets what is there and gives the parameters besides id and ETag."""

    def once() -> Wire:
        found = aws.call("cloudfront", f"Get{thing}", Id=identifier)
        return aws.call("cloudfront", f"Update{thing}", Id=identifier, IfMatch=found["ETag"], **make(found))

    return _twice(once)


def remove(aws: Aws, thing: str, identifier: str) -> None:
    """Carries out `Delete<thing>`; quiet when it is gone already."""

    def once() -> Wire:
        found = aws.found("cloudfront", f"Get{thing}", Id=identifier)
        if found is not None:
            aws.found("cloudfront", f"Delete{thing}", Id=identifier, IfMatch=found["ETag"])
        return {}

    _twice(once)


def _twice(act: Callable[[], Wire]) -> Wire:
    try:
        return act()
    except AwsError as error:
        if error.code not in _STALE:
            raise
    return act()
