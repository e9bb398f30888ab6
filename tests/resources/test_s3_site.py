"""What the files of a site are, and what is known of a bucket by its list."""

from dataclasses import replace

import pytest

from pipeline.model.resource import Observed, Resource
from pipeline.resources import _s3_site_files as rules
from pipeline.resources.base import Target
from pipeline.resources.registry import registry
from tests.support.aws import SCOPE
from tests.support.fake_s3 import FakeS3

BUCKET = "orders-site"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("index.html", "text/html; charset=utf-8"), ("a/B.HTML", "text/html; charset=utf-8"),
        ("app.js", "text/javascript; charset=utf-8"), ("x.mjs", "text/javascript; charset=utf-8"),
        ("logo.svg", "image/svg+xml; charset=utf-8"), ("data.json", "application/json"), ("font.woff2", "font/woff2"),
        ("LICENSE", "application/octet-stream"), ("a.b/c", "application/octet-stream"),
    ],
)  # fmt: skip
def test_types_are_the_same_on_every_machine(path: str, kind: str) -> None:
    assert rules.content_type(path) == kind


@pytest.mark.parametrize(
    "path",
    ["app.3f9a1c2e.js", "assets/index-BxY3z_9a.js", "main.5d41402abc4b2a76b9719d911017c592.css",
     "static/js/2.9b8c7d6e.chunk.js", "index-BxY3z_9a.js.map"],
)  # fmt: skip
def test_names_with_a_digest_are_kept_for_ever(path: str) -> None:
    assert rules.cache_control(path) == rules.IMMUTABLE


@pytest.mark.parametrize(
    "path",
    ["app.js", "style.css", "index.html", "page.3f9a1c2e.html", "report-20240101.pdf", "jquery-3.7.1.min.js",
     "facade.png", "my-beautiful-picture.jpg", "app.deadbeef.js", "config.json", "IMG_20240101.jpg"],
)  # fmt: skip
def test_all_others_are_asked_for_anew(path: str) -> None:
    assert rules.cache_control(path) == rules.REVALIDATED


def test_pages_come_last_and_the_first_page_at_the_very_end() -> None:
    paths = ["index.html", "a.js", "docs/index.html", "config.json", "z.css"]
    assert rules.stages(paths) == [["a.js", "z.css"], ["config.json"], ["docs/index.html"], ["index.html"]]
    assert rules.stages([]) == []


def read(s3: FakeS3, files: dict[str, bytes], released: dict[str, bytes] | None = None) -> dict[str, str] | None:
    """The files that are seen, where `files` are declared."""
    resource = Resource("s3.site", "frontend", properties(files))
    target = Target(resource, {}, properties(released) if released is not None else None)
    found = registry()["s3.site"].read(s3, [target]).get(resource.address)
    return dict(found.properties["files"]) if found else None


def properties(files: dict[str, bytes]) -> dict[str, object]:
    return {
        "bucket": BUCKET,
        "files": {path: f"sha256:{content.decode()}" for path, content in files.items()},
        "etags": {path: rules.etag_of(content) for path, content in files.items()},
    }


def bucket(**files: str) -> FakeS3:
    """A bucket whose objects have these ETags."""
    s3 = FakeS3(SCOPE, [BUCKET])
    s3.buckets[BUCKET] = {path: (b"", etag) for path, etag in files.items()}
    return s3


def test_an_empty_bucket_and_none_are_no_site() -> None:
    assert read(bucket(), {"a": b"1"}) is None
    assert read(FakeS3(SCOPE), {"a": b"1"}) is None


def test_contents_are_known_by_what_is_declared_and_what_was_released() -> None:
    one, two = rules.etag_of(b"1"), rules.etag_of(b"2")
    found = read(bucket(a=one, b=two, c="other", d=one), {"a": b"1", "b": b"3", "c": b"1"}, {"b": b"2", "d": b"1"})
    assert found == {"a": "sha256:1", "b": "sha256:2", "c": "etag:other"}


def test_where_etags_say_nothing_the_last_release_is_believed() -> None:
    assert read(bucket(a="kms1", b="kms2"), {"a": b"1", "b": b"9"}, {"a": b"1", "b": b"2"}) == {
        "a": "sha256:1", "b": "sha256:2",
    }  # fmt: skip


def gone(**config: str) -> Observed:
    return Observed("s3.site/old", {"bucket": BUCKET, "files": {"a": "1", "b": "2"}, "config": config}, {})


def left(*declared: Resource) -> list[str]:
    """What is deleted of a site of two files with a config.json, where these are declared."""
    site, s3 = registry()["s3.site"], bucket(a="", b="", other="")
    s3.buckets[BUCKET]["config.json"] = (b"{}", "")
    site.delete(s3, site.yields(gone(x="1"), declared))
    return sorted({"a", "b", "config.json"} - set(s3.buckets[BUCKET]))


def test_a_site_leaves_what_another_one_has_in_the_same_bucket() -> None:
    new = Resource("s3.site", "new", {**properties({"a": b"9"}), "config": {}})
    assert left() == ["a", "b", "config.json"]
    assert left(new) == ["b", "config.json"]
    assert left(replace(new, properties={**new.properties, "config": {"x": "2"}})) == ["b"]
    assert left(replace(new, properties={**properties({"config.json": b"{}"}), "config": {}})) == ["a", "b"]
    assert left(replace(new, properties={**new.properties, "bucket": "another"})) == ["a", "b", "config.json"]
    assert left(Resource("s3.bucket", BUCKET, {"name": BUCKET})) == ["a", "b", "config.json"]


def test_what_is_put_there_is_known() -> None:
    assert rules.config_bytes({"b": "ü", "a": 1}) == '{\n "a": 1,\n "b": "ü"\n}\n'.encode()
