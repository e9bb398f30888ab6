"""A run that is asked to stop ends within 7 s whatever it is doing, says so, and the next one continues."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable
from fnmatch import fnmatchcase

import pytest

from tests.functional.support import Service, changing, ledger_document, ledger_keys
from tests.support.fault_proxy import FaultProxy

pytestmark = pytest.mark.slow

ENDS_WITHIN = 7.0
PATIENCE = 60.0  # seconds for what a test waits for; far more than it takes


def until(condition: Callable[[], bool]) -> None:
    """Returns when `condition` holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def interrupted(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """Interrupts the process; what it said on standard output and standard error."""
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=ENDS_WITHIN)
    finally:
        process.kill()
    assert process.returncode == 130, err
    return out, err


def nothing(_shop: Service) -> None:
    """A first deploy."""


def with_a_secret(shop: Service) -> None:
    """A secret is looked up by one call of its own."""
    shop.aws().call("ssm", "PutParameter", Name="/shop/key", Value="hunter2-hunter2", Type="SecureString")
    for name in ("test", "live"):
        shop.edit(f"environments/{name}.env", lambda text: text + "API_KEY=ssm:/shop/key\n")
    shop.replace("aws/lambda/functions.yaml", "GREETING: ${GREETING}", "GREETING: ${GREETING}\n    KEY: ${API_KEY}")


def changed(shop: Service) -> None:
    """A second deploy, of a function and of the API."""
    assert shop.run("deploy").code == 0
    shop.replace("code/handlers/stock.py", '"stock": 3', '"stock": 4')
    shop.replace("aws/api-gateway/api.yml", "methods: [GET, POST, OPTIONS]", "methods: [GET, OPTIONS]")


@pytest.mark.parametrize(
    ("before", "operation", "locked"),
    [
        (nothing, "sts:GetCallerIdentity", False),
        (with_a_secret, "ssm:GetParameters", False),
        (nothing, "s3:CreateBucket", False),
        (nothing, "s3:PutObject", True),
        (changed, "apigateway:UpdateStage", True),
        (changed, "*:*", False),
    ],
)
def test_a_call_that_hangs_is_left_behind(
    shop: Service, proxy: FaultProxy, before: Callable[[Service], None], operation: str, locked: bool
) -> None:
    before(shop)
    proxy.reset()
    proxy.hang(operation, times=1000)
    process = shop.start("deploy")
    until(lambda: any(fnmatchcase(call.name, operation) for call in proxy.calls))
    out, err = interrupted(process)
    assert '"exit_code": 130' in out
    assert "run the same command again" in err
    proxy.reset()
    if before is changed and locked:
        assert ledger_document(shop, "lock.json")["outcome"] == "interrupted"
        last = ledger_document(shop, [key for key in ledger_keys(shop) if key.startswith("runs/")][-1])
        assert last["entries"][-1]["outcome"] == "interrupted"
    again = shop.run("deploy")
    assert again.code == 0, again.err
    assert shop.run("deploy").json["changed"] is False


def test_waiting_for_a_lock_ends_at_once(shop: Service, proxy: FaultProxy) -> None:
    proxy.hang("lambda:CreateFunction", times=2)
    holder = shop.start("deploy")
    until(lambda: proxy.counts["lambda:CreateFunction"] > 0)
    waiting = shop.start("deploy")
    said = ""
    while "holds the lock" not in said:
        assert waiting.stderr is not None
        said += (line := waiting.stderr.readline())
        assert line, said
    interrupted(waiting)
    interrupted(holder)
    assert ledger_document(shop, "lock.json")["outcome"] == "interrupted"


def test_a_build_that_hangs_is_ended(shop: Service, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package index takes the request and answers nothing."""
    shop.edit("code/requirements.txt", "nothing-of-this-name==1.0\n")
    shop.replace("pipeline.yaml", "root: code", "root: code\n  requirements: code/requirements.txt")
    with socket.create_server(("127.0.0.1", 0)) as index:
        index.settimeout(PATIENCE)
        monkeypatch.setenv("UV_DEFAULT_INDEX", f"http://127.0.0.1:{index.getsockname()[1]}/simple")
        process = shop.start("deploy")
        asked, _ = index.accept()
        with asked:
            interrupted(process)
    assert changing(proxy) == []
