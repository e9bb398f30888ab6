"""GitHub deployments: a mirror of what serves where, for people and for their tools; never read back.

https://docs.github.com/en/rest/deployments
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.github.client import Client

_DESCRIPTION_LIMIT = 140


@dataclass(frozen=True)
class Target:
    """What is deployed where: `run` tells the runs of one commit apart, `task` is deploy or rollback.

    Without a `run` it is the newest deployment, which another run began.
    """

    environment: str
    sha: str
    run: str | None
    task: str = "deploy"


class Deployments:
    """The deployments of a repository."""

    def __init__(self, client: Client, repository: str) -> None:
        self._client = client
        self._path = f"/repos/{repository}/deployments"

    def put(self, target: Target, state: str, description: str, *, log_url: str | None, url: str | None = None) -> None:
        """Sets the status of this run's deployment, which is made where there is none yet."""
        found = self._find(target)
        if found is None:
            body = {
                "ref": target.sha,
                "task": target.task,
                "environment": target.environment,
                "payload": {"run": target.run},
                "description": f"{target.task} by pipeline",
                # Without these two GitHub would merge the default branch into ours, or wait for checks of others.
                "auto_merge": False,
                "required_contexts": [],
            }
            found = self._client.create(self._path, body, lambda: self._find(target))
        self._status(found["id"], _status(state, description, log_url, url))

    def _find(self, target: Target) -> Any:
        query = {"sha": target.sha, "environment": target.environment, "task": target.task}
        for found in self._client.pages(self._path, **query):
            payload = found.get("payload")
            if target.run is None or (isinstance(payload, Mapping) and payload.get("run") == target.run):
                return found
        return None

    def _status(self, deployment: int, body: Mapping[str, Any]) -> None:
        path = f"{self._path}/{deployment}/statuses"

        def latest() -> Any:
            newest = max(self._client.pages(path), key=lambda status: status["id"], default=None)
            return newest if newest and all(newest.get(key, value) == value for key, value in body.items()) else None

        if latest() is None:
            self._client.create(path, body, latest)


def _status(state: str, description: str, log_url: str | None, url: str | None) -> dict[str, Any]:
    line = next(iter(description.splitlines()), "")
    body: dict[str, Any] = {"state": state, "description": line[:_DESCRIPTION_LIMIT]}
    if log_url:
        body["log_url"] = log_url
    if url:
        body["environment_url"] = url
    if state == "success":
        body["auto_inactive"] = True
    return body
