"""Commands in comments: a reaction, the author's permission, a workflow that does it, and always an answer."""

import pytest

from pipeline.intake.comments import COMMANDS
from tests.github.service import Service
from tests.support.fake_github import REPO, FakeGitHub

HEAD, FORK = "a" * 40, "b" * 40


@pytest.fixture
def pull(service: Service, github: FakeGitHub) -> FakeGitHub:
    """Pull request 1 to main, and people: ada may write, grace maintains, eve reads."""
    github.add_pull(1, HEAD)
    github.roles = {"ada": ("write", "write"), "grace": ("write", "maintain"), "eve": ("read", "read")}
    return github


def answers(github: FakeGitHub) -> list[str]:
    return [body for body in github.bodies(1) if "pipeline:answer" in body]


@pytest.mark.parametrize(
    ("body", "ref", "inputs"),
    [
        ("/plan", "main", {"action": "plan", "environment": "production", "sha": HEAD}),
        ("/deploy dev", "dev", {"action": "deploy", "environment": "dev"}),
        ("/deploy dev --clear-hold", "dev", {"action": "deploy", "environment": "dev", "clear_hold": "true"}),
        ("/rollback production 41", "main", {"action": "rollback", "environment": "production", "release": "41"}),
        ("/rollback dev", "dev", {"action": "rollback", "environment": "dev", "release": "previous"}),
        ("/promote", "main", {"action": "promote", "environment": "production"}),
        ("/abort dev", "dev", {"action": "abort", "environment": "dev"}),
        ("/unlock", "main", {"action": "unlock", "environment": "production"}),
    ],
)
def test_a_command_starts_a_workflow_on_the_environments_branch(
    service: Service, pull: FakeGitHub, body: str, ref: str, inputs: dict[str, str]
) -> None:
    result = service.commented(1, body)
    assert result.code == 0, result.err
    comment = str(next(iter(pull.comments)))
    told = {"pull_request": "1", "comment": comment, "by": "ada"}
    assert pull.dispatches == [{"workflow": "pipeline.yml", "ref": ref, "inputs": {**inputs, **told}}]
    assert pull.reactions == [(int(comment), "eyes")]
    (answer,) = answers(pull)
    assert "asked for by `ada`, was started" in answer


def test_help_is_answered_to_anybody(service: Service, pull: FakeGitHub) -> None:
    assert service.commented(1, "/help", by="mallory").code == 0
    assert all(command.about in answers(pull)[0] for command in COMMANDS.values())
    assert [content for _, content in pull.reactions] == ["eyes", "rocket"]
    assert pull.dispatches == []


@pytest.mark.parametrize(("by", "has"), [("eve", "read"), ("mallory", "none")])
def test_who_may_not_is_refused_and_told(service: Service, pull: FakeGitHub, by: str, has: str) -> None:
    result = service.commented(1, "/deploy production", by=by)
    assert result.code == 4
    assert pull.dispatches == []
    (answer,) = answers(pull)
    assert f"{by} has the permission {has} here, and write is needed" in answer
    assert [content for _, content in pull.reactions] == ["eyes", "confused"]


def test_an_environment_may_demand_more(service: Service, pull: FakeGitHub) -> None:
    service.write("pipeline.yaml", "environments:\n  production: {branch: main, permission: maintain}\n  dev: dev\n")
    assert service.commented(1, "/deploy production", by="ada").code == 4
    assert service.commented(1, "/plan", by="ada").code == 0
    assert service.commented(1, "/deploy production", by="grace").code == 0
    assert [dispatch["inputs"]["by"] for dispatch in pull.dispatches] == ["ada", "grace"]


def test_the_association_in_the_payload_is_not_believed(service: Service, pull: FakeGitHub) -> None:
    payload = {
        "action": "created", "issue": {"number": 1, "pull_request": {"url": "x"}},
        "comment": {"id": 7, "body": "/deploy dev", "author_association": "OWNER", "user": {"login": "eve"}},
        "sender": {"login": "eve", "type": "User"},
    }  # fmt: skip
    assert service.run("issue_comment", payload).code == 4


def test_a_wrong_command_is_told_how_it_is_written(service: Service, pull: FakeGitHub) -> None:
    assert service.commented(1, "/deploy `prod`;$(id)").code == 2
    (answer,) = answers(pull)
    assert "there is no environment" in answer
    assert [content for _, content in pull.reactions] == ["eyes", "confused"]


def test_a_misspelled_command_gets_an_answer(service: Service, pull: FakeGitHub) -> None:
    assert service.commented(1, "/deply production").code == 2
    assert "`/deply` was not carried out" in answers(pull)[0]
    assert "did you mean" in answers(pull)[0]
    assert [content for _, content in pull.reactions] == ["eyes", "confused"]


@pytest.mark.parametrize(("state", "text"), [("closed", "is not open any more"), ("open", "was started")])
def test_only_an_open_pull_request_is_planned(
    service: Service, pull: FakeGitHub, state: str, text: str
) -> None:  # fmt: skip
    pull.pulls[1]["state"] = state
    service.commented(1, "/plan")
    assert text in answers(pull)[0]


def test_a_pull_request_to_another_branch_needs_an_environment(service: Service, pull: FakeGitHub) -> None:
    pull.pulls[1]["base"]["ref"] = "topic"
    assert service.commented(1, "/promote").code == 2
    assert "no environment is deployed from topic; name one" in answers(pull)[0]


def test_a_fork_is_planned_at_the_commit_that_a_maintainer_saw(service: Service, pull: FakeGitHub) -> None:
    pull.pulls[1]["head"] = {"sha": FORK, "ref": "x", "repo": {"full_name": "mallory/infra"}}
    assert service.commented(1, "/plan", by="mallory").code == 4
    assert service.commented(1, "/plan", by="ada").code == 0
    (dispatch,) = pull.dispatches
    assert (dispatch["ref"], dispatch["inputs"]["sha"]) == ("main", FORK)


def test_what_hinders_the_workflow_is_told(service: Service, pull: FakeGitHub) -> None:
    pull.denied = {"actions:write"}
    assert service.commented(1, "/deploy dev").code == 1
    assert "Resource not accessible by integration" in answers(pull)[0]


def test_an_answer_that_was_lost_is_not_given_twice(service: Service, pull: FakeGitHub) -> None:
    pull.fail("POST", f"/repos/{REPO}/issues/1/comments", 0)
    service.commented(1, "/deploy dev")
    assert len(answers(pull)) == 1


@pytest.mark.parametrize(("body", "started"), [("/rollback dev", 1), ("/rollback dev 4", 2), ("/deploy dev", 2)])
def test_a_lost_answer_starts_no_second_rollback_to_what_was_before(
    service: Service, pull: FakeGitHub, body: str, started: int
) -> None:
    pull.fail("POST", f"/repos/{REPO}/actions/workflows/pipeline.yml/dispatches", 0)
    code = service.commented(1, body).code
    assert len(pull.dispatches) == started
    assert code == (1 if started == 1 else 0)
    assert ("the workflow may have been started all the same" in answers(pull)[0]) == (started == 1)


def test_the_workflow_can_be_another_one(service: Service, pull: FakeGitHub) -> None:
    service.write("pipeline.yaml", "environments:\n  dev: dev\ngithub: {workflow: ops.yml}\n")
    service.commented(1, "/deploy dev")
    assert pull.dispatches[0]["workflow"] == "ops.yml"


def test_without_a_token_a_command_is_refused(service: Service, pull: FakeGitHub) -> None:
    result = service.commented(1, "/deploy dev", GITHUB_TOKEN="")
    assert result.code == 2
    assert "without GITHUB_TOKEN it cannot be asked whether the author may" in result.err


def by_command(inputs: dict[str, str], github: FakeGitHub, by: str = "grace") -> dict[str, str]:
    """The inputs as the run that read the command gives them."""
    comment = github.add_comment(1, "a command", by)
    return {"pull_request": "1", "comment": str(comment), "by": by, **inputs}


def sent(inputs: dict[str, str]) -> dict[str, object]:
    """The event of a dispatch by our own run."""
    return {"inputs": inputs, "ref": "refs/heads/main", "sender": {"login": "github-actions[bot]", "type": "Bot"}}


def test_the_run_that_was_started_goes_on_with_the_answer(service: Service, pull: FakeGitHub) -> None:
    sha = service.commit("orders")
    inputs = by_command({"action": "deploy", "environment": "production"}, pull)
    result = service.run("workflow_dispatch", sent(inputs), "--env", "production", GITHUB_SHA=sha)
    assert result.code == 0, result.err
    (answer,) = answers(pull)
    assert answer.startswith("`production`: ✅ **live** as release 1")
    assert pull.reactions == [(int(inputs["comment"]), "rocket")]
    document = service.run("workflow_dispatch", sent(inputs), "--explain", "--format", "json", GITHUB_SHA=sha).json
    assert (document["intent"], document["pull_request"]) == ("deploy", 1)


def test_who_commanded_is_who_deployed(service: Service, pull: FakeGitHub) -> None:
    sha = service.commit("orders")
    inputs = by_command({"action": "deploy", "environment": "production"}, pull)
    service.run("workflow_dispatch", sent(inputs), GITHUB_SHA=sha, GITHUB_ACTOR="github-actions[bot]")
    forged = by_command({"action": "deploy", "environment": "dev"}, pull, by="grace")
    service.run("workflow_dispatch", {"inputs": forged, "sender": {"login": "eve", "type": "User"}}, GITHUB_SHA=sha,
                GITHUB_ACTOR="eve")  # fmt: skip
    by = [service.cli("releases", "--env", name, "--format", "json").json for name in ("production", "dev")]
    assert [document["releases"][0]["actor"] for document in by] == ["grace", "eve"]


def test_a_plan_of_a_command_is_about_the_pull_request(service: Service, pull: FakeGitHub) -> None:
    sha = service.commit("orders")
    inputs = by_command({"action": "plan", "environment": "production", "sha": sha}, pull)
    assert service.run("workflow_dispatch", sent(inputs), GITHUB_SHA="c" * 40).code == 0
    (plan,) = [body for body in pull.bodies(1) if "pipeline:plan" in body]
    assert plan.startswith(f"### 🟢 `production` at `{sha[:7]}`: +2\n")
    assert "📋 **planned**" in answers(pull)[0]


FUNCTION = """\
functions:
  - name: tiny-${ENVIRONMENT}-app
    handler: handlers.app.main
    runtime: python3.13
    role: arn:aws:iam::123456789012:role/app
"""


def test_a_plan_of_a_command_runs_none_of_the_code(service: Service, pull: FakeGitHub) -> None:
    """It may be a fork's, and what runs on this machine can read the memory of what has the credentials."""
    ran = service.root.parent / "ran"
    service.write("aws/lambda.yaml", FUNCTION)
    service.write("backend/handlers/__init__.py", "")
    service.write("backend/handlers/app.py", f"open({str(ran)!r}, 'w').close()\ndef main(event, context): pass\n")
    sha = service.commit()
    inputs = by_command({"action": "plan", "environment": "production", "sha": sha}, pull)
    result = service.run("workflow_dispatch", sent(inputs))
    assert result.code == 0, result.err
    assert not ran.exists()
    result = service.opened(1, sha)
    assert (result.code, ran.exists()) == (0, True), result.err


def test_a_plan_of_another_checkout_is_not_taken_for_the_pull_requests(service: Service, pull: FakeGitHub) -> None:
    service.commit("orders")
    inputs = by_command({"action": "plan", "environment": "production", "sha": HEAD}, pull)
    assert service.run("workflow_dispatch", sent(inputs)).code == 4
    assert f"the event is about commit {HEAD[:12]}" in answers(pull)[0]


def test_a_command_that_fails_says_so_in_its_answer(service: Service, pull: FakeGitHub) -> None:
    service.commit("orders")
    inputs = by_command({"action": "rollback", "environment": "production", "release": "7"}, pull)
    assert service.run("workflow_dispatch", sent(inputs)).code == 2
    (answer,) = answers(pull)
    assert "nothing was released there yet" in answer
    assert [content for _, content in pull.reactions] == ["confused"]


def test_unlocking_by_a_command(service: Service, pull: FakeGitHub) -> None:
    service.pushed(service.commit("orders"))
    inputs = by_command({"action": "unlock", "environment": "production"}, pull)
    assert service.run("workflow_dispatch", sent(inputs)).code == 0
    assert "nobody holds the lock of production" in answers(pull)[0]


@pytest.fixture
def several(service: Service, pull: FakeGitHub) -> FakeGitHub:
    """Two services with environments of the same names."""
    for name in ("orders", "stock"):
        service.write(f"services/{name}/pipeline.yaml", "environments:\n  production: main\n  dev: dev\n")
    service.write("pipeline.yaml", "services:\n  - services/orders\n  - services/stock\n")
    return pull


@pytest.mark.parametrize(
    ("body", "started"),
    [
        ("/plan", ["services/orders/production", "services/stock/production"]),
        ("/deploy services/stock/dev", ["services/stock/dev"]),
        ("/rollback services/orders/production", ["services/orders/production"]),
    ],
)
def test_of_several_services_the_one_is_meant_that_is_named(
    service: Service, several: FakeGitHub, body: str, started: list[str]
) -> None:
    assert service.commented(1, body).code == 0
    assert [dispatch["inputs"]["environment"] for dispatch in several.dispatches] == started
    assert ["was started" in answer for answer in answers(several)] == [True] * len(started)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("/deploy dev", "try: `name the environment with the folder of its service, such as services/orders/dev`"),
        ("/unlock", "a command is of one service"),
        ("/deploy nowhere", "there is no environment nowhere"),
        ("/deploy dev now", "it is written /deploy ENV"),
    ],
)
def test_what_no_one_service_is_meant_by_is_answered_once(
    service: Service, several: FakeGitHub, body: str, why: str
) -> None:
    assert service.commented(1, body).code == 2
    (answer,) = answers(several)
    assert why in answer
    assert several.dispatches == []
    assert [content for _, content in several.reactions] == ["confused"]


def test_services_need_no_list(service: Service, several: FakeGitHub) -> None:
    (service.root / "pipeline.yaml").unlink()
    service.git("add", ".")
    service.git("commit", "--quiet", "--message", "no list")
    assert service.commented(1, "/deploy services/stock/dev").code == 0
    assert service.commented(1, "only https://example.com/, no command").code == 0
    assert service.commented(1, "/deploy dev").code == 2
    assert len(several.dispatches) == 1
    service.git("mv", "services/stock", "services/größe")
    service.git("commit", "--quiet", "--message", "another name")
    assert service.commented(1, "/deploy services/größe/dev").code == 0
    assert several.dispatches[-1]["inputs"]["environment"] == "services/größe/dev"
    assert service.commented(1, "/deploy dev").code == 2
    assert "name the environment with the folder of its service" in answers(several)[-1]


def test_explaining_answers_nobody(service: Service, several: FakeGitHub) -> None:
    comment = {"id": 7, "body": "/deploy dev", "user": {"login": "ada", "type": "User"}}
    payload = {"action": "created", "issue": {"number": 1, "pull_request": {"url": "x"}}, "comment": comment}
    assert service.run("issue_comment", payload, "--explain").code == 2
    assert answers(several) == []


def test_help_is_given_once(service: Service, several: FakeGitHub) -> None:
    assert service.commented(1, "/help").code == 0
    assert len(answers(several)) == 1
