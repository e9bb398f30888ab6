"""A static site is released with the functions it calls: assets first, pages last, and back again with its release."""

import json
from typing import Any

import pytest

from pipeline.commands.delivering import deploy as rollout
from pipeline.commands.requesting import DeployRequest
from tests.functional.canary import Rig
from tests.functional.support import Service, actions, ledger_keys
from tests.support import moto_extension
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

moto_extension.register()

BUCKET = "shop-test-site"
PAGE = '<!DOCTYPE html><script src="/app.3f9a1c2e.js"></script>'


@pytest.fixture
def site(shop: Service) -> Service:
    """The service with a page, and a bucket for it."""
    shop.edit("pipeline.yaml", lambda text: text + (
        "retention: {releases: 2, days: 0}\n"
        "frontend:\n  root: web\n  bucket: ${SERVICE_NAME}-${ENVIRONMENT}-site\n"
        "  config:\n    api: ${apigateway.rest_api/${SERVICE_NAME}-${ENVIRONMENT}.url}\n"
    ))  # fmt: skip
    shop.edit("aws/s3/buckets.yaml", lambda text: text + f"  - {{name: {BUCKET}, tls_only: false}}\n")
    shop.edit("web/index.html", PAGE)
    shop.edit("web/app.3f9a1c2e.js", "1")
    shop.edit("web/style.css", "body {}")
    shop.edit("web/docs/index.html", "<h1>docs</h1>")
    shop.edit("web/.env", "not for visitors")
    return shop


def held(shop: Service) -> dict[str, str]:
    """What visitors find."""
    aws = shop.aws()
    keys = [item["Key"] for item in aws.pages("s3", "ListObjectsV2", "Contents", Bucket=BUCKET)]
    return {key: aws.call("s3", "GetObject", Bucket=BUCKET, Key=key)["Body"].read().decode() for key in keys}


def deploy(shop: Service, *options: str) -> Any:
    result = shop.run("deploy", *options)
    assert result.code == 0, result.err
    return result.json


def placed(proxy: FaultProxy) -> list[str]:
    """The keys of the site that were written, in order."""
    paths = [request.target.partition("?")[0] for request in proxy.requests if request.method == "PUT"]
    return [path.partition(f"/{BUCKET}/")[2] for path in paths if f"/{BUCKET}/" in path]


def test_a_site_is_there_after_a_deploy_and_only_changes_are_uploaded(site: Service, proxy: FaultProxy) -> None:
    first = deploy(site)
    found = held(site)
    api = first["outputs"]["apigateway.rest_api/shop-test.url"]
    assert json.loads(found.pop("config.json")) == {"api": api}
    assert found == {
        "index.html": PAGE, "app.3f9a1c2e.js": "1", "style.css": "body {}", "docs/index.html": "<h1>docs</h1>",
    }  # fmt: skip
    order = placed(proxy)
    assert sorted(order[:2]) == ["app.3f9a1c2e.js", "style.css"]
    assert order[2:] == ["config.json", "docs/index.html", "index.html"]
    page = site.aws().call("s3", "HeadObject", Bucket=BUCKET, Key="index.html")
    assert (page["ContentType"], page["CacheControl"]) == ("text/html; charset=utf-8", "no-cache")
    script = site.aws().call("s3", "HeadObject", Bucket=BUCKET, Key="app.3f9a1c2e.js")
    assert (script["ContentType"], script["CacheControl"]) == (
        "text/javascript; charset=utf-8", "public, max-age=31536000, immutable",
    )  # fmt: skip
    assert deploy(site)["changed"] is False
    proxy.reset()
    site.edit("web/index.html", PAGE + "2")
    plan = site.run("plan").json
    assert actions(plan) == {"s3.site/frontend": "update"}
    second = deploy(site)
    assert second["sites"] == {"s3.site/frontend": {"files": ["index.html"], "invalidated": []}}
    assert placed(proxy) == ["index.html"]
    assert held(site)["index.html"] == PAGE + "2"


def test_a_site_comes_back_with_its_release_without_the_checkout(site: Service) -> None:
    deploy(site)
    site.edit("web/index.html", "new page")
    site.edit("web/new.9b8c7d6e.js", "2")
    (site.root / "web/docs/index.html").unlink()
    deploy(site)
    assert held(site)["docs/index.html"] == "<h1>docs</h1>", "an old release may need it"
    for file in (site.root / "web").rglob("*.*"):
        file.unlink()
    planned = site.run("rollback", "--to", "1", "--dry-run").json
    assert planned["sites"] == [{"address": "s3.site/frontend", "files": 2}]
    back = site.run("rollback", "--to", "1")
    assert back.code == 0, back.err
    assert back.json["sites"] == {"s3.site/frontend": {"files": ["index.html"], "invalidated": []}}
    assert held(site)["index.html"] == PAGE


def test_a_site_with_another_name_keeps_the_files_that_it_has_already(site: Service) -> None:
    """The site of the old name goes last, and takes only what the new one does not have."""
    site.edit("aws/sites.yaml", f"sites: [{{name: old, root: web, bucket: {BUCKET}, config: {{a: 1}}}}]\n")
    site.edit("pipeline.yaml", lambda text: text.partition("frontend:")[0])
    deploy(site)
    site.edit(
        "aws/sites.yaml", f"sites: [{{name: new, root: web, bucket: {BUCKET}, exclude: [docs], config: {{a: 1}}}}]\n"
    )
    deploy(site, "--adopt", "s3.site/new")
    assert sorted(held(site)) == ["app.3f9a1c2e.js", "config.json", "index.html", "style.css"]
    assert deploy(site)["changed"] is False


def test_pages_go_back_with_the_release_whose_smoke_tests_fail(site: Service, proxy: FaultProxy) -> None:
    """What is asked is the release as visitors have it; caches are told of the old pages as they were of the new."""
    deploy(site)
    site.edit("web/index.html", "new page")
    url = f"{site.endpoint}/moto-api/"
    site.edit("pipeline.yaml", lambda text: f"{text}smoke:\n  - url: {url}\n    expect: {{status: 299}}\n")
    failed = site.run("deploy")
    assert failed.code == 5, failed.err
    assert placed(proxy)[-2:] == ["index.html", "index.html"]
    assert held(site)["index.html"] == PAGE


def test_pages_of_a_release_that_was_promoted_go_back_with_it(site: Service, proxy: FaultProxy) -> None:
    """They are shown with the promotion, and not before."""
    rig = Rig.of(
        site, "{strategy: canary, canary: {weight: 10, bake: 1m}, analysis: {metric_delay: 10s, interval: 1m}}"
    )
    rollout(rig.workspace(), DeployRequest())
    rig.change(4)
    site.edit("web/index.html", "new page")
    url = f"{site.endpoint}/moto-api/"
    site.edit("pipeline.yaml", lambda text: f"{text}smoke:\n  - url: {url}\n    expect: {{status: 299}}\n")
    seen: list[str] = []
    rig.at(20, lambda: seen.append(held(site)["index.html"]))
    assert rollout(rig.workspace(), DeployRequest()).exit_code == 5
    assert seen == [PAGE]
    assert placed(proxy)[-2:] == ["index.html", "index.html"]
    assert held(site)["index.html"] == PAGE
    assert rig.aliases() == {"version": "1", "weights": {}}


def test_files_go_when_no_release_in_reach_has_them(site: Service) -> None:
    deploy(site)
    (site.root / "web/style.css").unlink()
    site.edit("web/index.html", "2")
    deploy(site)
    assert "style.css" in held(site)
    site.edit("web/index.html", "3")
    assert deploy(site)["pruned"]["problems"] == []
    assert "style.css" not in held(site)
    assert len([key for key in ledger_keys(site) if key.startswith("files/")]) == 4
    assert site.run("destroy", "--include-data").code == 0


def test_a_run_that_died_half_way_is_ended_by_the_next(site: Service, proxy: FaultProxy) -> None:
    deploy(site)
    site.edit("web/index.html", "2")
    site.edit("web/style.css", "2")
    proxy.fail(f"s3:CopyObject */{BUCKET}/index.html", "AccessDenied", status=403, times=None)
    assert site.run("deploy").code == 1
    assert (held(site)["index.html"], held(site)["style.css"]) == (PAGE, "2")
    proxy.reset()
    site.edit("web/index.html", PAGE)
    site.edit("web/style.css", "body {}")
    deploy(site)
    assert (held(site)["index.html"], held(site)["style.css"]) == (PAGE, "body {}")


def test_what_was_changed_by_hand_is_put_back(site: Service) -> None:
    deploy(site)
    aws = site.aws()
    aws.call("s3", "PutObject", Bucket=BUCKET, Key="index.html", Body=b"defaced")
    aws.call("s3", "DeleteObject", Bucket=BUCKET, Key="style.css")
    aws.call("s3", "PutObject", Bucket=BUCKET, Key="config.json", Body=b"no JSON")
    plan = site.run("plan").json
    (change,) = plan["changes"]
    assert (change["origin"], len(change["fields"])) == ("drift", 3)
    deploy(site)
    assert held(site)["index.html"] == PAGE


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("bucket: ${SERVICE_NAME}-other", "there is no s3.bucket/shop-other"),
        ("bucket: shop-test-site\n  distribution: cdn", "there is no cloudfront.distribution/cdn"),
        ("bucket: shop-test-site\n  root: nowhere", "there is no folder nowhere"),
        ("bucket: shop-test-site\n  colour: red", "colour"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_touched(
    site: Service, proxy: FaultProxy, setting: str, message: str
) -> None:
    site.edit("pipeline.yaml", lambda text: text.partition("frontend:")[0] + f"frontend:\n  {setting}\n")
    result = site.run("plan")
    assert result.code == 2
    assert message in result.err
