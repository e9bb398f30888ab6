"""Requests to GitHub's REST API: repeated where that does no harm, slowed down where GitHub asks for it.

A request whose answer was lost may have been carried out. Reading, replacing and deleting are simply done again; what
makes something new is looked for first (`create`), so that a lost answer leaves no second comment or deployment.

https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlencode

from pipeline.errors import GitHubError

# Seconds before the second, third and fourth attempt after a failure of GitHub or of the network.
PAUSES = (0.5, 1.0, 2.0)
# All waiting of a run together: what GitHub asks for beyond that is not waited for.
PATIENCE = 180.0
# GitHub's own word for a secondary limit whose end it does not tell.
SECONDARY_PAUSE = 60.0
# For how long GitHub counts as down after a request got no answer with all its attempts.
OUTAGE = 30.0
_NEXT = re.compile(r'<([^>]+)>;\s*rel="next"')


@dataclass(frozen=True)
class Answer:
    """What GitHub answered: `headers` with names in lower case, `data` what the JSON of the body says."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    data: Any = None


# What is sent, or what makes it, anew for each attempt.
Body = Mapping[str, Any] | Callable[[], Mapping[str, Any]] | None


class NoAnswer(Exception):
    """The connection broke. `sent` is False when the request never left: it was certainly not carried out."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class Transport(Protocol):
    """Sends one request once. `path` begins with a slash, or is an address that GitHub gave."""

    def send(self, verb: str, path: str, body: Mapping[str, Any] | None) -> Answer:
        """The answer, of whatever status. Raises NoAnswer, or GitHubError for what no repetition can mend."""


class Clock(Protocol):
    """Time as this module needs it; `sleep` ends early by an exception when the run must stop."""

    def now(self) -> float:
        """Unix seconds."""

    def monotonic(self) -> float:
        """Seconds since some fixed point."""

    def sleep(self, seconds: float, /) -> None:
        """Waits."""


class Ambiguous(GitHubError):
    """A request that may or may not have been carried out."""


class Client:
    """GitHub, as long as it answers; `patience` is how long all waiting together may take."""

    def __init__(self, transport: Transport, clock: Clock, *, patience: float = PATIENCE) -> None:
        self._transport, self._clock = transport, clock
        self._patience = patience
        self._down: tuple[float, GitHubError] | None = None

    def get(self, path: str, **query: Any) -> Any:
        """What is at `path`. Raises GitHubError, with status 404 when there is nothing."""
        return self._ask("GET", _with(path, query), None).data

    def find(self, path: str, **query: Any) -> Any:
        """The same, but None when there is nothing."""
        try:
            return self.get(path, **query)
        except GitHubError as error:
            if error.status == 404:
                return None
            raise

    def pages(self, path: str, key: str | None = None, **query: Any) -> Iterator[Any]:
        """Every entry of a list over all its pages; `key` where the list is a field of the answer.

        https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """
        following: str | None = _with(path, {"per_page": 100, **query})
        while following:
            answer = self._ask("GET", following, None)
            yield from answer.data[key] if key else answer.data
            match = _NEXT.search(answer.headers.get("link", ""))
            following = match[1] if match else None

    def write(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A request that may be repeated: twice is as once."""
        return self._ask(verb, path, body).data

    def rewrite(self, path: str, edit: Callable[[Any], Mapping[str, Any] | None]) -> tuple[Any, bool]:
        """Replaces what is at `path` by what `edit` makes of it; None: it is as it should be. What is there then, and
        whether it was changed.

        GitHub has no update on condition. So it is read anew before every attempt, that as little time as possible lies
        between: what somebody writes in that time is lost.
        """
        there = self.get(path)
        changes = edit(there)
        if changes is None:
            return there, False
        first = iter([changes])

        def body() -> Mapping[str, Any]:
            return next(first, None) or edit(self.get(path)) or changes

        return self._ask("PATCH", path, body).data, True

    def pause(self, seconds: float) -> None:
        """Waits, for others."""
        self._clock.sleep(seconds)

    def attempt(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A request that must not be done twice and leaves nothing to look for: Ambiguous when it may have been."""
        return self._ask(verb, path, body, repeatable=False).data

    def create(self, path: str, body: Mapping[str, Any], find: Callable[[], Any]) -> Any:
        """Makes something new, once. `find` looks whether it is there already; None when it is not."""
        return self.once("POST", path, body, find)

    def once(self, verb: str, path: str, body: Mapping[str, Any], find: Callable[[], Any]) -> Any:
        """A request that must not be carried out twice: before each repetition `find` looks whether it was."""
        for pause in (*PAUSES, None):
            try:
                return self._ask(verb, path, body, repeatable=False).data
            except Ambiguous as error:
                if (found := find()) is not None:
                    return found
                if pause is None or not self._wait(pause):
                    raise self._is_down(error) from error
        raise AssertionError("the loop returns or raises")

    def _ask(self, verb: str, path: str, body: Body, *, repeatable: bool = True) -> Answer:
        """One request to its end. Raises GitHubError, and Ambiguous when what is not `repeatable` may be done."""
        self._check_outage()
        pauses = list(PAUSES)
        while True:
            answer, trouble, done = self._try(verb, path, body() if callable(body) else body)
            if answer is not None and (pause := limit_of(answer, self._clock.now())) is not None:
                self._wait_for_limit(pause, trouble)
                continue
            if answer is not None and answer.status < 500:
                if answer.status >= 400:
                    raise trouble
                return answer
            if done and not repeatable:
                raise Ambiguous(str(trouble), status=trouble.status)
            if not pauses or not self._wait(pauses.pop(0)):
                raise self._is_down(trouble)

    def _try(self, verb: str, path: str, body: Mapping[str, Any] | None) -> tuple[Answer | None, GitHubError, bool]:
        """The answer if there is one, the error that it would be, and whether the request may have been carried out."""
        doing = f"GitHub: {verb} {path.partition('?')[0]}"
        try:
            answer = self._transport.send(verb, path, body)
        except NoAnswer as error:
            return None, GitHubError(f"{doing}: {error}"), error.sent
        return answer, refusal_of(doing, answer), True

    def _is_down(self, error: GitHubError) -> GitHubError:
        self._down = (self._clock.monotonic() + OUTAGE, error)
        return error

    def _check_outage(self) -> None:
        """While GitHub is down, one error in place of many attempts for every request."""
        if self._down is not None:
            until, error = self._down
            if self._clock.monotonic() < until:
                raise error
            self._down = None

    def _wait(self, seconds: float) -> bool:
        """Waits if there is patience left for it; whether it has."""
        if seconds > self._patience:
            return False
        self._patience -= seconds
        self._clock.sleep(seconds)
        return True

    def _wait_for_limit(self, seconds: float, error: GitHubError) -> None:
        if not self._wait(seconds):
            raise GitHubError(f"{error}; its limit ends in {seconds:.0f} s", status=error.status)


def limit_of(answer: Answer, now: float) -> float | None:
    """Seconds to wait when GitHub refused for a primary or a secondary rate limit; None when it did not.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
    """
    if answer.status not in (403, 429):
        return None
    headers = answer.headers
    if headers.get("retry-after", "").isdigit():
        return float(headers["retry-after"])
    if headers.get("x-ratelimit-remaining") == "0" and headers.get("x-ratelimit-reset", "").isdigit():
        return max(float(headers["x-ratelimit-reset"]) - now, 0.0) + 1.0
    if answer.status == 429 or "rate limit" in _message(answer).lower():
        return SECONDARY_PAUSE
    return None


def refusal_of(doing: str, answer: Answer) -> GitHubError:
    """The error that an answer is."""
    hint = None
    if answer.status == 401:
        hint = "the token is wrong or has ended; GITHUB_TOKEN of a job lives as long as the job"
    if answer.status == 403:
        wanted = answer.headers.get("x-accepted-github-permissions")
        hint = f"grant the job's token {wanted}" if wanted else "grant the job's token this permission"
    return GitHubError(f"{doing}: {answer.status} {_message(answer)}".rstrip(), status=answer.status, hint=hint)


def _message(answer: Answer) -> str:
    """GitHub's own words, with the single errors of a 422."""
    if not isinstance(answer.data, Mapping):
        return ""
    errors = answer.data.get("errors")
    details = [_detail(error) for error in errors] if isinstance(errors, list) else []
    return ": ".join([str(answer.data.get("message", "")), *([", ".join(details)] if details else [])])[:500]


def _detail(error: Any) -> str:
    if isinstance(error, Mapping):
        return str(error.get("message") or f"{error.get('field')} {error.get('code')}")
    return str(error)


def _with(path: str, query: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
