"""A GitHub on loopback: remembers what it is told, demands what GitHub demands, and breaks where it is told to.

Every request and every answer is held against GitHub's own description of its REST API (`github_api`); what does not
keep to it is among `mistakes`, and `running` raises for them. https://docs.github.com/en/rest
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

import yaml

from tests.support.github_api.description import Operation

REPO = "acme/infra"
BOT = "github-actions[bot]"


@dataclass
class Fault:
    """What happens to the requests that `verb` and `path` (a pattern) match, `times` of them.

    `status` 0 loses the answer of what was carried out.
    """

    verb: str
    path: str
    status: int
    times: int = 1
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class Refuse(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, errors: list[Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.errors = status, errors


FORBIDDEN = "Resource not accessible by integration"


@dataclass
class FakeGitHub:
    """The state; tests read and write it. `granted` is what the token may, as a job's `permissions` say (None:
    everything), `denied` the permissions that it lacks all the same.

    `refused` was for the lack of one, and `mistakes` are requests and answers that are not as GitHub describes them.
    """

    login: str = BOT
    per_page: int = 100
    granted: Mapping[str, str] | None = None
    denied: set[str] = field(default_factory=set)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    reactions: list[tuple[int, str]] = field(default_factory=list)
    labels: dict[int, list[str]] = field(default_factory=dict)
    checks: dict[int, dict[str, Any]] = field(default_factory=dict)
    deployments: dict[int, dict[str, Any]] = field(default_factory=dict)
    statuses: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    roles: dict[str, tuple[str, str]] = field(default_factory=dict)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    commits: dict[str, list[int]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)
    dispatches: list[dict[str, Any]] = field(default_factory=list)
    reverted: list[str] = field(default_factory=list)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    url: str = ""
    _last: int = 1000
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add_pull(self, number: int, head: str, base: str = "main", *, merge: str | None = None, **more: Any) -> None:
        """A pull request; `merge`: the commit that its merge made."""
        repo = {"full_name": REPO}
        self.pulls[number] = {
            "number": number, "node_id": f"PR_{number}", "state": "closed" if merge else "open", "draft": False,
            "merged_at": "2026-01-01T00:00:00Z" if merge else None, "merge_commit_sha": merge,
            "head": {"sha": head, "ref": "topic", "repo": repo}, "base": {"ref": base, "repo": repo}, **more,
        }  # fmt: skip
        if merge:
            self.commits.setdefault(merge, []).append(number)

    def add_comment(self, number: int, body: str, login: str, kind: str = "User") -> int:
        """A comment of somebody."""
        made = self._next()
        self.comments[made] = {
            "id": made, "issue": number, "body": body, "user": {"login": login, "type": kind},
            "html_url": f"https://github.example/{REPO}/pull/{number}#issuecomment-{made}",
        }  # fmt: skip
        return made

    def bodies(self, number: int, login: str | None = None) -> list[str]:
        """What `login` (default: the token's owner) wrote under a pull request."""
        wanted = login or self.login
        found = [c for c in self.comments.values() if c["issue"] == number]
        return [str(c["body"]) for c in found if c["user"]["login"] == wanted]

    def fail(self, verb: str, path: str, status: int, times: int = 1, **more: Any) -> None:
        """Breaks the next requests of this kind."""
        self.faults.append(Fault(verb, path, status, times, **more))

    def may(self, needs: str) -> bool:
        """Whether the token is good for something, such as `issues:write or pull-requests:write`."""
        for permission in needs.split(" or "):
            name, _, level = permission.partition(":")
            if {name, permission} & self.denied:
                continue
            if self.granted is None or name == "metadata" or self.granted.get(name, "") in (level, "write"):
                return True
        return False

    def _next(self) -> int:
        self._last += 1
        return self._last

    # What the routes do; `match` are the groups of the route's pattern.

    def list_comments(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        return [_shown(c) for c in self.comments.values() if c["issue"] == int(match[1])]

    def create_comment(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        _limit(body)
        made = self.add_comment(int(match[1]), body["body"], self.login, "Bot" if "[bot]" in self.login else "User")
        return _shown(self.comments[made])

    def get_comment(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        return _shown(self.comments.get(int(match[1])) or _missing())

    def delete_comment(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        self.comments.pop(int(match[1]), None) or _missing()

    def edit_comment(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        _limit(body)
        found = self.comments.get(int(match[1])) or _missing()
        found["body"] = body["body"]
        return _shown(found)

    def react(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        if int(match[1]) not in self.comments:
            _missing()
        reaction = (int(match[1]), body["content"])
        if reaction not in self.reactions:
            self.reactions.append(reaction)
        return {"id": 1, "content": body["content"], "user": {"login": self.login}}

    def list_labels(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        return [{"name": name} for name in self.labels.get(int(match[1]), [])]

    def add_labels(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        there = self.labels.setdefault(int(match[1]), [])
        there += [name for name in body["labels"] if name not in there]
        return [{"name": name} for name in there]

    def remove_label(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        there = self.labels.get(int(match[1]), [])
        if unquote(match[2]) not in there:
            raise Refuse(404, "Label does not exist")
        there.remove(unquote(match[2]))
        return [{"name": name} for name in there]

    def create_check(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        if body.get("status") == "completed" and not body.get("conclusion"):
            raise Refuse(422, "Invalid request.\n\nconclusion is missing")
        made = self._next()
        self.checks[made] = {"id": made, **body, "annotations": list(body.get("output", {}).get("annotations", []))}
        return self._check(made)

    def edit_check(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        found = self.checks.get(int(match[1])) or _missing()
        found["annotations"] += body.get("output", {}).get("annotations", [])
        found.update(body)
        return self._check(found["id"])

    def list_annotations(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        return (self.checks.get(int(match[1])) or _missing())["annotations"]

    def get_check(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        return self._check(int(match[1]))

    def list_checks(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        """The newest first, as GitHub does."""
        name = query.get("check_name")
        found = [
            self._check(n)
            for n, c in self.checks.items()
            if c["head_sha"] == match[1] and name in (None, c["name"])
        ]  # fmt: skip
        return found[::-1]

    def _check(self, number: int) -> Any:
        found = self.checks.get(number) or _missing()
        output = {**found.get("output", {}), "annotations_count": len(found["annotations"])}
        output.pop("annotations", None)
        return {**{key: value for key, value in found.items() if key != "annotations"}, "output": output}

    def create_deployment(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        if body.get("auto_merge", True) or body.get("required_contexts") is None:
            raise Refuse(409, "Conflict: Commit status checks failed for " + body["ref"])
        made = self._next()
        kept = {key: value for key, value in body.items() if key not in ("auto_merge", "required_contexts")}
        self.deployments[made] = {"id": made, "sha": body["ref"], **kept}
        return self.deployments[made]

    def list_deployments(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        wanted = {key: query[key] for key in ("sha", "environment", "task") if key in query}
        found = [d for d in self.deployments.values() if all(d.get(key) == value for key, value in wanted.items())]
        return found[::-1]

    def create_status(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        if int(match[1]) not in self.deployments:
            _missing()
        made = {"id": self._next(), "log_url": "", "environment_url": "", "description": "", **body}
        made.pop("auto_inactive", None)
        self.statuses.setdefault(int(match[1]), []).append(made)
        return made

    def list_statuses(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        return self.statuses.get(int(match[1]), [])[::-1]

    def create_issue(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        made, kind = self._next(), "Bot" if "[bot]" in self.login else "User"
        labels = [{"name": name} for name in body.pop("labels", [])]
        user = {"login": self.login, "type": kind}
        self.issues[made] = {"id": made, "number": made, "state": "open", "user": user, "labels": labels, **body}
        return self.issues[made]

    def get_issue(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        return self.issues.get(int(match[1])) or _missing()

    def edit_issue(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        (self.issues.get(int(match[1])) or _missing()).update(body)
        return self.issues[int(match[1])]

    def list_issues(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        """As GitHub does, pull requests are among them; `labels` are those that an issue must have."""
        wanted = set(filter(None, query.get("labels", "").split(",")))
        return [
            issue
            for issue in self.issues.values()
            if query.get("state", "open") in ("all", issue["state"])
            and wanted <= {label["name"] for label in issue["labels"]}
        ]

    def permission(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        login = unquote(match[1])
        if login not in self.roles:
            raise Refuse(404, f"{login} is not a user")
        permission, role = self.roles[login]
        return {"permission": permission, "role_name": role, "user": {"login": login}}

    def get_pull(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        return self.pulls.get(int(match[1])) or _missing()

    def list_pulls(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        reverts = {f"acme:revert-{node.removeprefix('PR_')}-topic" for node in self.reverted}
        found = [{"number": 99, "html_url": f"https://github.example/{REPO}/pull/99"}]
        return found if query.get("head") in reverts else []

    def pulls_of(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        return [self.pulls[number] for number in self.commits.get(match[1], [])]

    def compare(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        base, _, head = match[1].partition("...")
        if base not in self.history or head not in self.history:
            _missing()
        between = self.history[self.history.index(base) + 1 : self.history.index(head) + 1]
        return [{"sha": sha} for sha in between]

    def get_ref(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        branch = unquote(match[1]).removeprefix("heads/")
        sha = self.branches.get(branch) or _missing()
        return {"ref": f"refs/heads/{branch}", "object": {"type": "commit", "sha": sha}}

    def dispatch(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        declared, given = _declared_inputs(), body.get("inputs", {})
        if unexpected := sorted(set(given) - set(declared)):
            raise Refuse(422, f"Unexpected inputs provided: {json.dumps(unexpected)}")
        for name, about in declared.items():
            if about.get("required") and name not in given:
                raise Refuse(422, f"Required input '{name}' not provided")
            if "options" in about and given.get(name, about["options"][0]) not in about["options"]:
                raise Refuse(
                    422, f"Provided value '{given[name]}' for input '{name}' not in the list of allowed values"
                )
        self.dispatches.append({"workflow": unquote(match[1]), **body})

    def viewer(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        if "revertPullRequest" in body["query"]:
            if not (self.may("contents:write") and self.may("pull-requests:write")):
                return {"data": {"revertPullRequest": None}, "errors": [{"type": "FORBIDDEN", "message": FORBIDDEN}]}
            self.reverted.append(body["variables"]["id"])
            url = f"https://github.example/{REPO}/pull/99"
            return {"data": {"revertPullRequest": {"revertPullRequest": {"url": url}}}}
        return {"data": {"viewer": {"login": self.login}}}

    def user(self, match: re.Match[str], query: Mapping[str, str], body: Any) -> Any:
        if self.login.endswith("[bot]"):
            raise Refuse(403, FORBIDDEN)
        return {"login": self.login}


def _limit(body: Mapping[str, Any]) -> None:
    if len(body["body"]) > 65_536:
        error = {"resource": "IssueComment", "code": "unprocessable", "field": "data",
                 "message": "Body is too long (maximum is 65536 characters)"}  # fmt: skip
        raise Refuse(422, "Validation Failed", [error])


@cache
def _declared_inputs() -> dict[str, dict[str, Any]]:
    """Those of the workflow that people and commands start, of which GitHub takes no others."""
    path = Path(__file__).parents[2] / ".github" / "workflows" / "pipeline.yml"
    # YAML 1.1 takes `on` for true.
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))[True]["workflow_dispatch"][
        "inputs"
    ]
    return found


def _shown(comment: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in comment.items() if key != "issue"}


def _missing() -> Any:
    raise Refuse(404, "Not Found")


Work = Callable[[FakeGitHub, re.Match[str], Mapping[str, str], Any], Any]


@dataclass(frozen=True)
class Route:
    """A path of the API as GitHub writes it: what is done, what the token needs for it, whether it lists."""

    verb: str
    path: str
    work: Work
    needs: str = "metadata"
    status: int = 200
    lists: str | None = None

    @cached_property
    def operation(self) -> Operation | None:
        """How GitHub describes it; GraphQL is described elsewhere."""
        return None if self.path == "/graphql" else Operation(self.verb, self.path)

    def match(self, path: str) -> re.Match[str] | None:
        """The variable parts of a path of this kind: one segment each, but for names of branches."""
        pattern = self.path.replace("{owner}/{repo}", REPO).replace("{ref}", "(?P<ref>.+)")
        return re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern), path)


_ROOT = "/repos/{owner}/{repo}"
# Of a comment or a label, also on a pull request.
_READ, _WRITE = "issues:read or pull-requests:read", "issues:write or pull-requests:write"
F = FakeGitHub
ROUTES = [
    Route("GET", _ROOT + "/issues/{issue_number}/comments", F.list_comments, _READ, lists=""),
    Route("POST", _ROOT + "/issues/{issue_number}/comments", F.create_comment, _WRITE, 201),
    Route("GET", _ROOT + "/issues/comments/{comment_id}", F.get_comment, _READ),
    Route("PATCH", _ROOT + "/issues/comments/{comment_id}", F.edit_comment, _WRITE),
    Route("DELETE", _ROOT + "/issues/comments/{comment_id}", F.delete_comment, _WRITE, 204),
    Route("POST", _ROOT + "/issues/comments/{comment_id}/reactions", F.react, _WRITE, 201),
    Route("GET", _ROOT + "/issues/{issue_number}/labels", F.list_labels, _READ, lists=""),
    Route("POST", _ROOT + "/issues/{issue_number}/labels", F.add_labels, _WRITE),
    Route("DELETE", _ROOT + "/issues/{issue_number}/labels/{name}", F.remove_label, _WRITE),
    Route("GET", _ROOT + "/issues", F.list_issues, "issues:read", lists=""),
    Route("POST", _ROOT + "/issues", F.create_issue, "issues:write", 201),
    Route("GET", _ROOT + "/issues/{issue_number}", F.get_issue, "issues:read"),
    Route("PATCH", _ROOT + "/issues/{issue_number}", F.edit_issue, "issues:write"),
    Route("POST", _ROOT + "/check-runs", F.create_check, "checks:write", 201),
    Route("PATCH", _ROOT + "/check-runs/{check_run_id}", F.edit_check, "checks:write"),
    Route("GET", _ROOT + "/check-runs/{check_run_id}", F.get_check, "checks:read"),
    Route("GET", _ROOT + "/check-runs/{check_run_id}/annotations", F.list_annotations, "checks:read", lists=""),
    Route("GET", _ROOT + "/commits/{ref}/check-runs", F.list_checks, "checks:read", lists="check_runs"),
    Route("GET", _ROOT + "/commits/{commit_sha}/pulls", F.pulls_of, "pull-requests:read", lists=""),
    Route("POST", _ROOT + "/deployments", F.create_deployment, "deployments:write", 201),
    Route("GET", _ROOT + "/deployments", F.list_deployments, "deployments:read", lists=""),
    Route("POST", _ROOT + "/deployments/{deployment_id}/statuses", F.create_status, "deployments:write", 201),
    Route("GET", _ROOT + "/deployments/{deployment_id}/statuses", F.list_statuses, "deployments:read", lists=""),
    Route("GET", _ROOT + "/collaborators/{username}/permission", F.permission),
    Route("GET", _ROOT + "/pulls", F.list_pulls, "pull-requests:read", lists=""),
    Route("GET", _ROOT + "/pulls/{pull_number}", F.get_pull, "pull-requests:read"),
    Route("GET", _ROOT + "/compare/{basehead}", F.compare, "contents:read", lists="commits"),
    Route("GET", _ROOT + "/git/ref/{ref}", F.get_ref, "contents:read"),
    Route("POST", _ROOT + "/actions/workflows/{workflow_id}/dispatches", F.dispatch, "actions:write", 204),
    Route("POST", "/graphql", F.viewer),
    Route("GET", "/user", F.user),
]
# What GitHub's description has to have.
OPERATIONS = [(route.verb, route.path) for route in ROUTES if route.path != "/graphql"]


def _texts(match: re.Match[str]) -> dict[str, str]:
    owner, _, name = REPO.partition("/")
    return {"owner": owner, "repo": name, **{key: unquote(value) for key, value in match.groupdict().items()}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeGitHub

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature of the library
        """Nothing."""

    def do_GET(self) -> None:
        parsed = urlparse(self.path)
        path = parsed.path.removeprefix("/api/v3").replace("/api/graphql", "/graphql")
        raw = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.loads(raw) if raw else None
        query = {key: values[0] for key, values in parse_qs(parsed.query).items()}
        fake = self.fake
        with fake._lock:
            fake.requests.append((self.command, path))
            fault = self._fault(path)
            if fault is not None and fault.status:
                self._send(fault.status, fault.body or {"message": "Server Error"}, fault.headers)
                return
            status, data, headers = self._answer(path, query, body)
        if fault is not None:
            self.close_connection = True
            return
        self._send(status, data, headers)

    do_POST = do_PATCH = do_DELETE = do_PUT = do_GET  # noqa: N815 - the names that http.server looks for

    def _fault(self, path: str) -> Fault | None:
        for fault in self.fake.faults:
            if fault.times > 0 and fault.verb in ("*", self.command) and re.fullmatch(fault.path, path):
                fault.times -= 1
                return fault
        return None

    def _answer(self, path: str, query: Mapping[str, str], body: Any) -> tuple[int, Any, dict[str, str]]:
        found = [(route, match) for route in ROUTES if route.verb == self.command and (match := route.match(path))]
        route, match = found[0] if found else (None, None)
        operation = route.operation if route else None
        headers: dict[str, str] = {}
        try:
            if route is None or match is None:
                raise Refuse(404, "Not Found")
            if operation is not None:
                self._check(route, operation.wrong_request(_texts(match), query, body))
            status, data, headers = self._routed(route, match, query, body)
        except Refuse as refusal:
            data = {"message": str(refusal), "documentation_url": "https://docs.github.com/rest"}
            status, data = refusal.status, data | ({"errors": refusal.errors} if refusal.errors else {})
        if operation is not None:
            data, wrong = operation.answer(status, data)
            self.fake.mistakes += [f"{self.command} {path}: {each}" for each in wrong]
        return status, data, headers

    def _check(self, route: Route, wrong: list[str]) -> None:
        """GitHub's answer to a request that is not as it describes."""
        if wrong:
            self.fake.mistakes += [f"{self.command} {route.path}: {each}" for each in wrong]
            raise Refuse(422, "Invalid request.\n\n" + "\n".join(wrong))

    def _routed(
        self, route: Route, match: re.Match[str], query: Mapping[str, str], body: Any
    ) -> tuple[int, Any, dict[str, str]]:  # fmt: skip
        if not (self.headers.get("authorization") or "").endswith("token-of-the-job"):
            raise Refuse(401, "Bad credentials")
        if not self.fake.may(route.needs):
            self.fake.refused.append(f"{route.verb} {route.path}")
            raise Refuse(403, FORBIDDEN)
        data = route.work(self.fake, match, query, body)
        if route.lists is not None:
            return self._page(self.path.partition("?")[0], query, data, route.lists)
        return route.status, data, {}

    def _page(
        self, path: str, query: Mapping[str, str], data: list[Any], key: str
    ) -> tuple[int, Any, dict[str, str]]:  # fmt: skip
        size = min(int(query.get("per_page", 30)), self.fake.per_page)
        page = int(query.get("page", 1))
        shown = data[(page - 1) * size : page * size]
        more = "&".join(f"{name}={value}" for name, value in query.items() if name != "page")
        link = f'<{self.fake.url}{path}?{more}&page={page + 1}>; rel="next"'
        headers = {"Link": link} if page * size < len(data) else {}
        count = "total_commits" if key == "commits" else "total_count"
        return 200, {count: len(data), key: shown} if key else shown, headers

    def _send(self, status: int, data: Any, headers: Mapping[str, str]) -> None:
        raw = b"" if status == 204 else json.dumps(data).encode()
        self.send_response(status)
        for name, value in {"X-RateLimit-Remaining": "4999", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@contextmanager
def running(**state: Any) -> Iterator[FakeGitHub]:
    """A GitHub until the block ends."""
    fake = FakeGitHub(**state)
    handler = type("Handler", (_Handler,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert not fake.mistakes, "\n".join(fake.mistakes)


class Ticks:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._start = time.time()

    def now(self) -> float:
        return self._start + sum(self.slept)

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
