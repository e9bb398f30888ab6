"""A release that does not answer as it must gets no traffic, or loses it again at once."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.commands.delivering import deploy
from pipeline.commands.requesting import DeployRequest
from tests.functional.canary import Rig
from tests.functional.support import Service, ledger_document
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

CANARY = "{strategy: canary, canary: {weight: 10, bake: 1m}, analysis: {metric_delay: 10s, interval: 1m}}"
RIGHT, WRONG = "{statusCode: 200, body: fine}", "{statusCode: 500, body: broken}"


@pytest.fixture
def echoing(shop: Service, moto: str) -> Iterator[Service]:
    """A service whose functions answer with their event, whatever their code is."""
    for docker in (False, True):
        config = json.dumps({"lambda": {"use_docker": docker}}).encode()
        request = urllib.request.Request(f"{moto}/moto-api/config", config, method="POST")
        urllib.request.urlopen(request, timeout=30).close()
        if not docker:
            yield shop


class Page:
    """A web server on this machine; `status` is what it answers."""

    def __init__(self) -> None:
        self.status, self.asked = 200, 0
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page.asked += 1
                self.send_response(page.status)
                self.end_headers()
                self.wfile.write(b'{"ready": true}')

            def log_request(self, code: object = "-", size: object = "-") -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def page() -> Iterator[Page]:
    made = Page()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def declare(shop: Service, text: str) -> None:
    shop.edit("pipeline.yaml", lambda before: before.partition("smoke:")[0] + f"smoke:\n{text}")


def served(shop: Service) -> tuple[str, str]:
    """What the aliases of a function are on."""
    aliases = shop.aws().pages("lambda", "ListAliases", "Aliases", FunctionName="shop-stock")
    found = {alias["Name"]: alias["FunctionVersion"] for alias in aliases}
    return found["live"], found.get("previous", "-")


def change(shop: Service, text: str) -> None:
    shop.edit("code/handlers/stock.py", f"def handle(event, context):\n    return '{text}'\n")


def test_a_function_is_tried_before_it_gets_traffic(echoing: Service, proxy: FaultProxy) -> None:
    check = "  - function: ${SERVICE_NAME}-stock\n    payload: {}\n    expect: {contains: fine}\n"
    declare(echoing, check.replace("{}", RIGHT))
    first = echoing.run("deploy")
    assert first.code == 0, first.err
    (invoked,) = [request for request in proxy.requests if "/invocations" in request.target]
    assert "Qualifier=1" in invoked.target
    change(echoing, "new")
    declare(echoing, check.replace("{}", WRONG))
    failed = echoing.run("deploy")
    assert failed.code == 1
    assert "function shop-stock: answered 500: broken" in failed.err
    assert served(echoing) == ("1", "-")
    assert ledger_document(echoing, "current.json")["release"] == 1
    declare(echoing, check.replace("{}", RIGHT))
    again = echoing.run("deploy").json
    assert again["release"] == 2
    tried = {"check": "function shop-stock", "when": "before", "passed": True, "problem": None}
    assert again["smoke"] == [tried]
    assert served(echoing) == ("2", "1")


def test_a_release_whose_address_does_not_answer_is_taken_back(shop: Service, page: Page) -> None:
    url = f"http://127.0.0.1:{page.server.server_port}/health"
    declare(shop, f"  - url: {url}\n    expect: {{status: 200, json: {{ready: true}}}}\n")
    assert shop.run("deploy").code == 0
    assert page.asked == 1
    change(shop, "second")
    assert shop.run("deploy").code == 0
    change(shop, "third")
    page.status = 418
    failed = shop.run("deploy")
    assert failed.code == 5
    assert "answered 418, not 200" in failed.err
    assert "release 2 serves again" in failed.err
    assert served(shop) == ("2", "1")
    assert ledger_document(shop, "current.json")["release"] == 2
    assert ledger_document(shop, "lock.json")["held"] is False
    page.status = 200
    assert shop.run("deploy").json["release"] == 3
    assert served(shop) == ("3", "2")


@pytest.mark.parametrize("right", [True, False])
def test_after_a_rollout_the_promoted_release_is_asked(shop: Service, page: Page, right: bool) -> None:
    rig = Rig.of(shop, CANARY)
    declare(shop, f"  - url: http://127.0.0.1:{page.server.server_port}/\n")
    assert deploy(rig.workspace(), DeployRequest()).release == 1
    rig.change(4)
    page.status = 200 if right else 418
    report = deploy(rig.workspace(), DeployRequest())
    assert (report.release, report.exit_code) == ((2, 0) if right else (1, 5))
    assert rig.aliases() == {"version": "2" if right else "1", "weights": {}}
    status = rig.rollout()["status"]
    assert status["outcome"] == ("promoted" if right else "reverted")
    assert right or "answered 418" in status["reason"]
    (tried,) = report.to_json()["smoke"]
    assert (tried["when"], tried["passed"]) == ("after", right)


def test_where_nothing_served_before_there_is_nothing_to_take_back_to(shop: Service, page: Page) -> None:
    page.status = 404
    declare(shop, f"  - url: http://127.0.0.1:{page.server.server_port}/\n")
    failed = shop.run("deploy")
    assert failed.code == 1
    assert "nothing served before" in failed.err


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("function: other", "there is no lambda.function/other"),
        ("function: shop-stock\n    url: https://x", "a function or a url"),
        ("expect: {status: 200}", "a function or a url"),
        ("url: ftp://x", "no address of HTTP"),
        ("url: ${apigateway.rest_api/shop-test.uri}/x", "no output uri"),
        ("url: https://x\n    expect: {status: 999}", "smoke"),
        ("function: shop-stock\n    payload: ssm:/secret", "a reference to a secret"),
        ("function: shop-stock\n    wants: x", "wants"),
    ],
)
def test_what_is_wrong_is_told_at_its_place(shop: Service, check: str, message: str) -> None:
    declare(shop, f"  - {check}\n")
    result = shop.run("validate")
    assert result.code == 2
    assert message in result.err
    assert "pipeline.yaml:" in result.err
