"""Which paths CloudFront is told of, and when."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import pytest

from pipeline.model.resource import Resource
from pipeline.model.values import Expression, Reference
from pipeline.releasing.sites import invalid_paths, show_sites
from pipeline.resources._s3_site_files import etag_of
from tests.support.aws import SCOPE

T = TypeVar("T")


class Account:
    """An `Aws` with one bucket and a CloudFront that is told things."""

    scope = SCOPE

    def __init__(self) -> None:
        self.objects: dict[str, str] = {}
        self.copied: list[str] = []
        self.told: list[dict[str, Any]] = []

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        if operation == "CreateInvalidation":
            self.told.append(params)
        else:
            assert operation in {"CopyObject", "PutObject"}
            self.copied.append(params["Key"])
        return {}

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        return [{"Key": key, "ETag": f'"{etag}"'} for key, etag in self.objects.items()]

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        raise AssertionError("nothing here is looked for")

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        return [thunk() for thunk in thunks]

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        raise AssertionError("nothing here is waited for")

    def artifact(self, digest: str) -> dict[str, str]:
        return {"bucket": "ledger", "key": f"files/{digest}"}


def site(*paths: str, distribution: object = None) -> Resource:
    return Resource("s3.site", "frontend", {
        "bucket": "site", "distribution": distribution, "config": {"api": Expression((Reference("api/a", "url"),))},
        "files": dict.fromkeys(paths, "sha256:1"), "etags": {path: etag_of(b"1") for path in paths},
    })  # fmt: skip


OUTPUTS = {"api/a": {"url": "https://api"}, "cloudfront.distribution/cdn": {"id": "E2"}}
CDN = Expression((Reference("cloudfront.distribution/cdn", "id"),))


def test_only_what_changed_is_put_there_and_told() -> None:
    aws = Account()
    aws.objects = {"style.css": etag_of(b"1"), "index.html": etag_of(b"0")}
    shown = show_sites(aws, [site("style.css", "index.html", "a.js", distribution=CDN)], OUTPUTS, "run")
    assert aws.copied == ["a.js", "config.json", "index.html"]
    (told,) = aws.told
    assert told["DistributionId"] == "E2"
    assert told["InvalidationBatch"]["Paths"] == {"Quantity": 4, "Items": ["/", "/a.js", "/config.json", "/index.html"]}
    assert shown["s3.site/frontend"].invalidated == ("/", "/a.js", "/config.json", "/index.html")


def test_where_nothing_changed_nobody_is_told() -> None:
    aws = Account()
    aws.objects = {"a.js": etag_of(b"1")}
    plain = site("a.js", distribution=CDN)
    without = Resource(plain.type, plain.name, {**plain.properties, "config": {}})
    assert show_sites(aws, [without], OUTPUTS, "run")["s3.site/frontend"].files == ()
    assert (aws.copied, aws.told) == ([], [])
    assert show_sites(aws, [without], OUTPUTS, "run", carried_on=True)["s3.site/frontend"].invalidated == ("/*",)


def test_an_invalidation_of_one_run_has_one_name() -> None:
    names = []
    for run in ("one", "one", "two"):
        aws = Account()
        show_sites(aws, [site("index.html", distribution=CDN)], OUTPUTS, run)
        names.append(aws.told[0]["InvalidationBatch"]["CallerReference"])
    assert names[0] == names[1] != names[2]


def test_without_a_distribution_nobody_is_told() -> None:
    aws = Account()
    assert show_sites(aws, [site("index.html")], OUTPUTS, "run")["s3.site/frontend"].invalidated == ()
    assert aws.told == []


@pytest.mark.parametrize(
    ("changed", "paths"),
    [
        (["app.3f9a1c2e.js"], []),
        (["docs/index.html"], ["/docs/", "/docs/index.html"]),
        (["a b/ü.css", "x%.js"], ["/a%20b/%C3%BC.css", "/x%25.js"]),
        ([f"{number}.css" for number in range(31)], ["/*"]),
    ],
)
def test_paths_are_told_as_they_are_asked_for(changed: list[str], paths: list[str]) -> None:
    assert invalid_paths(changed) == paths
