"""What a run tells people outside of GitHub."""

from typing import Any

import pytest

from tests.github.service import Service
from tests.support.fake_github import FakeGitHub
from tests.support.listener import listening


def test_what_somebody_should_look_at_is_told(service: Service, github: FakeGitHub) -> None:
    github.roles = {"ada": ("write", "write")}
    with listening() as listener:
        service.environ["PIPELINE_WEBHOOK"] = listener.url
        service.pushed(service.commit("orders"))
        service.pushed(service.commit("orders", "pay"))
        assert listener.bodies == []
        assert service.tagged("rollback/production/1", "a" * 40).code == 0
        assert service.pushed(service.commit("orders", "pay", "more")).code == 4
        service.write("aws/sns.yaml", "topics: 3\n")
        assert service.pushed(service.git("rev-parse", "HEAD")).code == 2
        service.opened(1, service.git("rev-parse", "HEAD"))
    assert [(body["event"], body["environment"]) for body in listener.bodies] == [
        ("rolled-back", "production"),
        ("refused", "production"),
        ("failed", "production"),
    ]
    assert "release 1 serves again" in listener.bodies[0]["text"]
    assert "deploying needs --clear-hold" in listener.bodies[0]["text"]
    assert "on hold" in listener.bodies[1]["text"]


@pytest.mark.parametrize("several", [False, True])
def test_what_fails_before_an_environment_is_known_is_told(service: Service, github: FakeGitHub, several: bool) -> None:
    """Nothing was done, which nobody would notice but who looks at the runs."""
    sha = service.commit("orders")
    with listening() as listener:
        service.environ["PIPELINE_WEBHOOK"] = listener.url
        assert service.tagged("rollback/live/1", sha).code == 2
        if several:
            service.write("pipeline.yaml", "services: [services/orders]\n")
        else:
            service.write("pipeline.yaml", "environments: 3\n")
        assert service.pushed(sha).code == 2
        payload: dict[str, Any] = {"ref": "refs/heads/main", "after": sha}
        assert service.cli_on_github("matrix", GITHUB_EVENT_NAME="push").code == 2
        assert service.opened(1, sha).code == 2
        assert service.run("push", payload, "--explain").code == 2
    assert [(body["event"], body["environment"]) for body in listener.bodies] == [("failed", None)] * 3
    assert "rollback/live/1" in listener.bodies[0]["text"]
    assert listener.bodies[1]["text"].startswith("reading what is to be done: ")
