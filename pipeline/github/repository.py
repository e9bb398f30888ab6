"""One repository on GitHub, in the words of this package: comments, labels, checks, deployments, people.

Every write may be repeated: what exists already is found and edited.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from pipeline.errors import GitHubError
from pipeline.github.client import Ambiguous, Client

# https://docs.github.com/en/rest/issues/comments: the body of a comment
COMMENT_LIMIT = 65_536
# From the least to the most that somebody may do with a repository.
# https://docs.github.com/en/organizations/managing-user-access-to-your-organizations-repositories/managing-repository-roles/repository-roles-for-an-organization
LEVELS = ("none", "read", "triage", "write", "maintain", "admin")


_REVERT = """mutation($id: ID!, $body: String) {
  revertPullRequest(input: {pullRequestId: $id, body: $body}) { revertPullRequest { url } }
}"""


@dataclass(frozen=True)
class Comment:
    """A comment on an issue or a pull request. `bot`: a program wrote it."""

    id: int
    body: str
    author: str
    bot: bool = False
    url: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Comment":
        """From GitHub's answer; the author of a comment is null when the account is gone."""
        user = data.get("user") or {}
        return cls(
            id=data["id"],
            body=data.get("body") or "",
            author=user.get("login") or "",
            bot=user.get("type") == "Bot",
            url=data.get("html_url") or "",
        )


@dataclass(frozen=True)
class Pull:
    """A pull request: `head` is its last commit, `base` the branch it goes to, `topic` the one it comes from.

    `node` is its id in GraphQL.
    """

    number: int
    head: str
    base: str
    merged: bool
    open: bool
    from_fork: bool
    topic: str = ""
    node: str = ""

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Pull":
        """From GitHub's answer; the repository of a head is null when the fork is gone."""
        head, base = data["head"], data["base"]
        here, there = (base.get("repo") or {}).get("full_name"), (head.get("repo") or {}).get("full_name")
        return cls(
            number=data["number"],
            head=head["sha"],
            base=base["ref"],
            merged=bool(data.get("merged_at")),
            open=data.get("state") == "open",
            from_fork=there is None or there != here,
            topic=head.get("ref") or "",
            node=data.get("node_id") or "",
        )


class Repository:
    """The repository `name` (`owner/name`)."""

    def __init__(self, client: Client, name: str) -> None:
        self.client, self.name = client, name
        self._root = f"/repos/{name}"
        self._comments: dict[tuple[int, str], Comment] = {}

    @cached_property
    def login(self) -> str | None:
        """Whose token this is; None when GitHub does not tell.

        An installation's token (GITHUB_TOKEN is one) may not ask for the user, but for the viewer:
        https://docs.github.com/en/graphql/reference/queries#user
        """
        try:
            answer = self.client.write("POST", "/graphql", {"query": "query { viewer { login } }"})
            return str(answer["data"]["viewer"]["login"])
        except (GitHubError, KeyError, TypeError):
            pass
        try:
            return str(self.client.get("/user")["login"])
        except GitHubError as error:
            if error.status in (401, 403, 404):
                return None
            raise

    def is_ours(self, comment: Comment) -> bool:
        """True when our token wrote it, or, where GitHub does not tell who we are, any program."""
        return comment.author == self.login if self.login is not None else comment.bot

    def find_comment(self, number: int, marker: str) -> Comment | None:
        """Our comment with `marker` on issue or pull request `number`, over all pages."""
        return next(self._comments_with(number, marker), None)

    def _comments_with(self, number: int, marker: str) -> Iterator[Comment]:
        for data in self.client.pages(f"{self._root}/issues/{number}/comments"):
            comment = Comment.of(data)
            if marker in comment.body and self.is_ours(comment):
                yield comment

    def put_comment(self, number: int, marker: str, write: Callable[[str | None], str | None]) -> Comment | None:
        """Edits our comment with `marker`, or makes it.

        `write` gets the body that is there (None: there is none) and gives the new one; None to leave it as it is.
        """
        found = self._comments.pop((number, marker), None) or self.find_comment(number, marker)
        body = write(found.body if found else None)
        if body is not None and (found is None or found.body != body):
            found = self._edit(found, body) if found else None
            found = found or self._make(number, marker, body)
        if found is not None:
            self._comments[number, marker] = found
        return found

    def revise_comment(self, number: int, marker: str, write: Callable[[str | None], str | None]) -> bool:
        """The same where other runs may write the same comment at the same time; whether anything was changed.

        It is read anew each time. Of two that were made at once the older one stays. To be done once more after a
        while: who read before this was written has overwritten it by then.
        """
        found = sorted(self._comments_with(number, marker), key=lambda comment: comment.id)
        if not found:
            return self._write_new(number, marker, write(None))

        def edit(there: Mapping[str, Any]) -> Mapping[str, Any] | None:
            old = Comment.of(there).body
            body = write(old)
            return {"body": body} if body is not None and body != old else None

        first, *doubles = found
        try:
            _, changed = self.client.rewrite(f"{self._root}/issues/comments/{first.id}", edit)
        except GitHubError as error:
            if error.status != 404:
                raise
            # Somebody deleted it since.
            changed = self._write_new(number, marker, write(None))
        for double in doubles:
            self._delete(f"{self._root}/issues/comments/{double.id}")
        return changed or bool(doubles)

    def _write_new(self, number: int, marker: str, body: str | None) -> bool:
        if body is not None:
            self._make(number, marker, body)
        return body is not None

    def _edit(self, comment: Comment, body: str) -> Comment | None:
        """None when somebody deleted it since."""
        try:
            return Comment.of(self.client.write("PATCH", f"{self._root}/issues/comments/{comment.id}", {"body": body}))
        except GitHubError as error:
            if error.status == 404:
                return None
            raise

    def _make(self, number: int, marker: str, body: str) -> Comment:
        path = f"{self._root}/issues/{number}/comments"
        made = self.client.create(path, {"body": body}, lambda: self.find_comment(number, marker))
        return made if isinstance(made, Comment) else Comment.of(made)

    def react(self, comment: int, content: str) -> None:
        """Leaves a reaction; the same one again changes nothing.

        https://docs.github.com/en/rest/reactions/reactions#create-reaction-for-an-issue-comment
        """
        self.client.write("POST", f"{self._root}/issues/comments/{comment}/reactions", {"content": content})

    def permission(self, login: str) -> str:
        """What somebody may do here, one of LEVELS.

        `permission` knows only read, write and admin; `role_name` has the others, and the names of custom roles.
        https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user
        """
        found = self.client.find(f"{self._root}/collaborators/{quote(login, safe='')}/permission") or {}
        for name in (found.get("role_name"), found.get("permission")):
            if name in LEVELS:
                return str(name)
        return "none"

    def pull(self, number: int) -> Pull | None:
        """Pull request `number`."""
        found = self.client.find(f"{self._root}/pulls/{number}")
        return Pull.of(found) if found else None

    def pulls_of(self, commit: str) -> list[Pull]:
        """The pull requests that brought a commit, whatever way they were merged.

        https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit
        """
        try:
            return [Pull.of(data) for data in self.client.pages(f"{self._root}/commits/{commit}/pulls")]
        except GitHubError as error:
            if error.status in (404, 422):
                return []
            raise

    def revert(self, pull: Pull, body: str) -> str:
        """Opens a pull request that reverts `pull`, or finds it; its address.

        GitHub itself makes the commit, on the branch `revert-NUMBER-TOPIC`; the REST API knows no such thing:
        https://docs.github.com/en/graphql/reference/mutations#revertpullrequest
        """
        owner = self.name.partition("/")[0]

        def find() -> str | None:
            query = {"state": "all", "head": f"{owner}:revert-{pull.number}-{pull.topic}"}
            return next((str(found["html_url"]) for found in self.client.pages(f"{self._root}/pulls", **query)), None)

        if (there := find()) is not None:
            return there
        variables = {"id": pull.node, "body": body}
        answer = self.client.once("POST", "/graphql", {"query": _REVERT, "variables": variables}, find)
        if isinstance(answer, str):
            return answer
        if answer.get("errors"):
            raise GitHubError(f"reverting pull request {pull.number}: {answer['errors'][0].get('message')}")
        return str(answer["data"]["revertPullRequest"]["revertPullRequest"]["url"])

    def commits_between(self, base: str, head: str) -> list[str]:
        """The commits that `head` has and `base` has not, the newest last; none where GitHub cannot compare them.

        https://docs.github.com/en/rest/commits/commits#compare-two-commits
        """
        try:
            found = list(self.client.pages(f"{self._root}/compare/{base}...{head}", "commits"))
        except GitHubError as error:
            if error.status == 404:
                return []
            raise
        return [str(commit["sha"]) for commit in found]

    def head_of(self, branch: str) -> str | None:
        """The commit that a branch is at."""
        found = self.client.find(f"{self._root}/git/ref/heads/{quote(branch)}")
        return str(found["object"]["sha"]) if found else None

    def set_labels(self, number: int, wanted: Collection[str], ours: Collection[str]) -> None:
        """Makes a pull request have `wanted`, and of `ours` no others; labels of others stay."""
        path = f"{self._root}/issues/{number}/labels"
        there = {data["name"] for data in self.client.pages(path)}
        for name in sorted((set(ours) - set(wanted)) & there):
            self._delete(f"{path}/{quote(name, safe='')}")
        if missing := sorted(set(wanted) - there):
            self.client.write("POST", path, {"labels": missing})

    def _delete(self, path: str) -> None:
        """Deletes what may be gone already."""
        try:
            self.client.write("DELETE", path)
        except GitHubError as error:
            if error.status != 404:
                raise

    def dispatch(self, workflow: str, ref: str, inputs: Mapping[str, str], *, once: bool = False) -> None:
        """Starts a workflow. Started twice, the second run finds nothing to do; where it would, it is started `once`.

        https://docs.github.com/en/rest/actions/workflows#create-a-workflow-dispatch-event
        """
        path = f"{self._root}/actions/workflows/{quote(workflow, safe='')}/dispatches"
        body = {"ref": ref, "inputs": dict(inputs)}
        if not once:
            self.client.write("POST", path, body)
            return
        try:
            self.client.attempt("POST", path, body)
        except Ambiguous as error:
            raise GitHubError(
                f"{error}; the workflow may have been started all the same",
                hint=f"look at the runs of {workflow} before the command is given again",
                status=error.status,
            ) from error
