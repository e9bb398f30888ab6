"""Requests through PyGithub to a GitHub that breaks: what is repeated, what is not, and for how long."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.clients import GitHubTransport
from pipeline.errors import GitHubError
from pipeline.github.client import Client, NoAnswer
from pipeline.github.repository import Repository
from tests.support.fake_github import REPO, FakeGitHub, Ticks

COMMENTS = rf"/repos/{REPO}/issues/1/comments"
PULL = rf"/repos/{REPO}/pulls/1"


def test_reading_is_repeated_until_github_is_back(client: Client, github: FakeGitHub, ticks: Ticks) -> None:
    github.add_pull(1, "a" * 40)
    github.fail("GET", PULL, 502, 2)
    assert client.get(PULL)["number"] == 1
    assert ticks.slept == [0.5, 1.0]


def test_a_lost_answer_to_reading_is_asked_for_again(client: Client, github: FakeGitHub) -> None:
    github.add_pull(1, "a" * 40)
    github.fail("GET", PULL, 0)
    assert client.get(PULL)["number"] == 1


def test_what_is_not_there(client: Client) -> None:
    assert client.find(PULL) is None
    with pytest.raises(GitHubError, match="404 Not Found"):
        client.get(PULL)


@pytest.mark.parametrize("status", [0, 500, 502])
def test_a_post_without_an_answer_is_looked_for_before_it_is_repeated(
    repository: Repository, github: FakeGitHub, status: int
) -> None:
    github.fail("POST", COMMENTS, status)
    repository.put_comment(1, "<!-- m -->", lambda _: "hello <!-- m -->")
    assert github.bodies(1) == ["hello <!-- m -->"]


def test_pygithub_does_not_repeat_a_post_by_itself(github: FakeGitHub) -> None:
    github.fail("POST", COMMENTS, 502)
    transport = GitHubTransport("token-of-the-job", github.url)
    assert transport.send("POST", COMMENTS, {"body": "x"}).status == 502
    assert github.requests == [("POST", COMMENTS)]


@pytest.mark.parametrize(
    ("status", "headers", "body", "seconds"),
    [
        (403, {"Retry-After": "7"}, {"message": "You have exceeded a secondary rate limit."}, 7.0),
        (429, {}, {"message": "slow down"}, 60.0),
        (403, {}, {"message": "You have exceeded a secondary rate limit. Please wait"}, 60.0),
    ],
)
def test_a_limit_is_waited_for_and_a_post_repeated(
    repository: Repository, github: FakeGitHub, ticks: Ticks, status: int, headers: dict[str, str],
    body: dict[str, str], seconds: float,
) -> None:  # fmt: skip
    github.fail("POST", COMMENTS, status, headers=headers, body=body)
    repository.put_comment(1, "<!-- m -->", lambda _: "<!-- m -->")
    assert (len(github.bodies(1)), ticks.slept) == (1, [seconds])


def test_the_primary_limit_tells_when_it_ends(client: Client, github: FakeGitHub, ticks: Ticks) -> None:
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(ticks.now()) + 30)}
    github.add_pull(1, "a" * 40)
    github.fail("GET", PULL, 403, headers=headers, body={"message": "API rate limit exceeded for installation."})
    assert client.get(PULL)["number"] == 1
    assert 29 <= ticks.slept[0] <= 31.5


def test_a_limit_that_ends_too_late_is_not_waited_for(client: Client, github: FakeGitHub, ticks: Ticks) -> None:
    reset = str(int(time.time()) + 3000)
    github.fail("GET", PULL, 403, headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})
    with pytest.raises(GitHubError, match="its limit ends in"):
        client.get(PULL)
    assert ticks.slept == []


def test_while_github_is_down_nothing_else_is_tried(client: Client, github: FakeGitHub, ticks: Ticks) -> None:
    github.add_pull(1, "a" * 40)
    github.fail("*", ".*", 503, 4)
    for _ in range(3):
        with pytest.raises(GitHubError, match="503"):
            client.get(PULL)
    assert len(github.requests) == 4
    ticks.sleep(31)
    assert client.get(PULL)["number"] == 1


def test_what_never_left_is_told_apart(client: Client, ticks: Ticks) -> None:
    transport = GitHubTransport("token-of-the-job", "http://127.0.0.1:9")
    with pytest.raises(NoAnswer) as caught:
        transport.send("POST", "/x", {})
    assert not caught.value.sent
    with pytest.raises(GitHubError, match="no answer"):
        Client(transport, ticks).get("/x")


def test_a_missing_permission_says_so_at_once(client: Client, github: FakeGitHub, ticks: Ticks) -> None:
    github.denied = {"pull-requests:read"}
    with pytest.raises(GitHubError, match="Resource not accessible by integration") as caught:
        client.get(PULL)
    assert (caught.value.status, caught.value.hint) == (403, "grant the job's token this permission")
    assert ticks.slept == []


def test_a_wrong_token(github: FakeGitHub, ticks: Ticks) -> None:
    with pytest.raises(GitHubError, match="401 Bad credentials"):
        Client(GitHubTransport("other", github.url), ticks).get("/user")


def test_github_enterprise_has_its_api_below_a_path(github: FakeGitHub, ticks: Ticks) -> None:
    github.add_pull(1, "a" * 40)
    client = Client(GitHubTransport("token-of-the-job", f"{github.url}/api/v3"), ticks)
    assert Repository(client, REPO).login == "github-actions[bot]"
    assert client.get(PULL)["number"] == 1


def test_what_is_wrong_is_an_error_that_says_so(client: Client, github: FakeGitHub) -> None:
    with pytest.raises(GitHubError, match=r"(?s)422 Invalid request.*'body' is a required property"):
        client.write("POST", COMMENTS, {})
    assert github.mistakes.pop()


def test_what_the_way_to_github_could_also_do_is_not_in_the_log() -> None:
    warned = "import pipeline.__main__, warnings\nfor text in ('SOCKS support in urllib3', 'x'): warnings.warn(text)"
    done = subprocess.run([sys.executable, "-c", warned], capture_output=True, text=True, check=True)
    assert [line.rpartition(": ")[2] for line in done.stderr.splitlines() if "Warning" in line] == ["x"]


def test_a_page_of_a_proxy_is_an_error_like_others(client: Client, github: FakeGitHub) -> None:
    github.fail("GET", PULL, 407, body={"unlike": "GitHub's"})
    with pytest.raises(GitHubError, match="407"):
        client.get(PULL)


def test_requests_of_several_threads_do_not_meet(repository: Repository, github: FakeGitHub) -> None:
    for number in range(1, 41):
        github.add_pull(number, f"{number:040x}")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(repository.pull, range(1, 41)))
    assert [pull.number for pull in found if pull] == list(range(1, 41))


def test_an_address_that_leads_elsewhere_is_an_error(client: Client, github: FakeGitHub) -> None:
    github.fail("GET", PULL, 301, headers={"Location": "https://elsewhere.example/api"})
    with pytest.raises(GitHubError, match="redirected"):
        client.get(PULL)
