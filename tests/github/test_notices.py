"""What a run tells people outside of GitHub."""

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
