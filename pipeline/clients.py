"""The only place that builds sessions of AWS, the way to GitHub, and the clock: effects that the rest is handed.

`connect` gives the `AwsClient` of a run. Importing this module imports neither botocore nor PyGithub: they take a third
of a second each, which a command that calls nothing must not pay.

The session is botocore's, the same that boto3 wraps: credentials, region and endpoint are found as boto3 finds them
(AWS_PROFILE, AWS_ENDPOINT_URL, OIDC), without boto3's resource layer, which nothing here uses.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/configuration.html
"""

import importlib
import json
import os
import time
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import UTC, datetime
from threading import Event, Lock
from typing import Any

from pipeline import __version__
from pipeline.applying.aws_client import AwsClient
from pipeline.applying.botocore_errors import conversion
from pipeline.applying.pacing import Pacer
from pipeline.applying.waiting import Clock
from pipeline.errors import GitHubError, PipelineError
from pipeline.github import client as github_client

__all__ = ["AwsClient", "BotoTransport", "GitHubTransport", "SystemClock", "connect"]

_THREADS = 32  # calls at once
CONNECT_TIMEOUT = 5  # seconds
READ_TIMEOUT = 60  # seconds; the slowest control-plane answers (PutRestApi of a large document) take about 30


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The time of day, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some fixed point."""
        return time.monotonic()

    def sleep(self, seconds: float, stop: Event | None = None) -> None:
        """Returns after `seconds`, or as soon as `stop` is set."""
        if stop is None:
            time.sleep(seconds)
        else:
            stop.wait(seconds)


def connect(
    region: str,
    *,
    environment: Mapping[str, str] | None = None,
    stop: Event | None = None,
    clock: Clock | None = None,
    rationed: bool = True,
    purpose: str = "",
) -> AwsClient:
    """The way to AWS in `region`; no call is made and botocore is not imported yet.

    `rationed`: whether there is a rate to keep to, as AWS has for each class of calls. `purpose`: the command that the
    calls are for; the user agent says it, and so does CloudTrail of each call.

    `environment` (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN) replaces what boto3
    would find: profiles, proxies and the process environment then play no part. Without it everything is boto3's own.
    """
    transport = BotoTransport(region, threads=_THREADS, environment=environment, purpose=purpose)
    ticking = clock or SystemClock()
    pacer = Pacer.load(ticking, rationed=rationed)
    return AwsClient(transport, ticking, stop=stop, threads=_THREADS, pacer=pacer)


class BotoTransport:
    """Sends requests through botocore; one session, one client per (service, region), made when first used."""

    def __init__(
        self,
        region: str,
        *,
        threads: int,
        environment: Mapping[str, str] | None = None,
        read_timeout: float = READ_TIMEOUT,
        purpose: str = "",
    ) -> None:
        self.region = region
        self._purpose = f" ({purpose})" if purpose else ""
        self._read_timeout = read_timeout
        self._threads = threads
        self._environment = environment
        self._session: Any = None
        self._clients: dict[tuple[str, str], Future[Any]] = {}
        self._methods: dict[tuple[str, str, str], Any] = {}
        self._lock = Lock()
        # Making clients side by side is slower than one after the other: it is parsing under the interpreter's lock.
        self._making = Lock()

    def prepare(self, service: str, operation: str, region: str) -> None:
        """Makes the client when there is none yet. Raises PipelineError for what cannot work."""
        if (service, region, operation) not in self._methods:
            with conversion(service, operation):
                self._methods[service, region, operation] = self._method(service, region, operation)

    def send(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One attempt. Raises Refusal, NoAnswer, or PipelineError for what no repetition can mend."""
        self.prepare(service, operation, region)
        with conversion(service, operation):
            answer: dict[str, Any] = self._methods[service, region, operation](**params)
        answer.pop("ResponseMetadata", None)
        return answer

    def pagination(self, service: str, operation: str) -> Mapping[str, Any] | None:
        """botocore's rules for a list operation, or None when it has none."""
        with self._making:
            try:
                rules: Mapping[str, Any] = self._opened().get_paginator_model(service).get_paginator(operation)
            except Exception as error:
                if type(error).__name__ in ("ValueError", "DataNotFoundError", "UnknownServiceError"):
                    return None
                raise
            return rules

    def endpoint(self, service: str) -> str:
        """The URL that calls of a service go to."""
        return str(self._client(service, self.region).meta.endpoint_url)

    def _client(self, service: str, region: str) -> Any:
        """The one client of a service and region. Who waits for it waits for no other one that is made after it."""
        with self._lock:
            client = self._clients.get((service, region))
            mine = client is None
            if client is None:
                client = self._clients[service, region] = Future()
        if mine:
            try:
                with self._making:
                    client.set_result(self._make(service, region))
            except BaseException as error:
                with self._lock:
                    del self._clients[service, region]
                client.set_exception(error)
                raise
        return client.result()

    def _method(self, service: str, region: str, operation: str) -> Any:
        client = self._client(service, region)
        method = getattr(client, _botocore().xform_name(operation), None)
        if method is None:
            raise PipelineError(
                f"{service}:{operation}: the installed botocore does not know this operation",
                hint="install the versions of the lock file",
            )
        return method

    def _make(self, service: str, region: str) -> Any:
        local: dict[str, Any] = {}
        options: dict[str, Any] = {
            "max_pool_connections": self._threads,
            "retries": {"total_max_attempts": 1, "mode": "standard"},
            "connect_timeout": CONNECT_TIMEOUT,
            "read_timeout": self._read_timeout,
            # botocore's own is put together anew, twice for every call.
            "user_agent": f"pipeline/{__version__}{self._purpose} botocore/{_botocore().__version__}",
        }
        if self._environment is not None:
            local["endpoint_url"] = self._environment.get("AWS_ENDPOINT_URL")
            options |= {"proxies": {}, "s3": {"addressing_style": "path"}, "tcp_keepalive": True}
        config = _botocore().config.Config(**options)
        return self._opened().create_client(service, region_name=region, config=config, **local)

    def _opened(self) -> Any:
        """The session; call while `_making`."""
        if self._session is None:
            session = _botocore().session.Session()
            if self._environment is not None:
                _isolate(session, self._environment)
            _trust_names_of_services(session)
            self._session = session
        return self._session


def _botocore() -> Any:
    """botocore with what is used of it; imported by the first call."""
    import botocore.config  # noqa: PLC0415 - a third of a second, which commands without calls must not pay
    import botocore.configprovider  # noqa: PLC0415 - comes with the one above
    import botocore.session  # noqa: PLC0415 - comes with the one above

    return botocore


def _trust_names_of_services(session: Any) -> None:
    """Spares botocore looking through the folders of all services it knows before it reads one: 0.02 s, twice."""
    loaders = importlib.import_module("botocore.loaders")
    loader = loaders.create_loader(session.get_config_variable("data_path"))
    loader.list_available_services = lambda _type_name: _Anything()
    session.register_component("data_loader", loader)


class _Anything:
    """A list of services that has every name in it; of one that does not exist, no data is found then."""

    def __contains__(self, _name: object) -> bool:
        return True


def _isolate(session: Any, environment: Mapping[str, str]) -> None:
    """Makes a session see `environment` alone: no profile, no files of ~/.aws, no variables of the process."""
    constant = _botocore().configprovider.ConstantProvider
    store = session.get_component("config_store")
    for name in ("profile", "ca_bundle", "use_fips_endpoint", "use_dualstack_endpoint"):
        store.set_config_provider(name, constant(value=None))
    for name in ("config_file", "credentials_file"):
        store.set_config_provider(name, constant(value=os.devnull))
    session.set_credentials(
        environment.get("AWS_ACCESS_KEY_ID", "local"),
        environment.get("AWS_SECRET_ACCESS_KEY", "local"),
        environment.get("AWS_SESSION_TOKEN"),
    )


class GitHubTransport:
    """Sends requests through PyGithub: `token` is of any kind, `base_url` that of the API, also of GitHub Enterprise.

    PyGithub's own retries are off: they repeat a POST whose answer was lost, which makes a second comment. So are its
    pauses between requests: who waits, and for how long, is decided in one place (pipeline/github/client.py).
    """

    def __init__(self, token: str, base_url: str, *, timeout: int = 10) -> None:
        self._token, self._base_url, self._timeout = token, base_url, timeout
        self._requester: Any = None
        # PyGithub's connection remembers the request between sending it and reading the answer: one at a time.
        self._lock = Lock()

    def send(self, verb: str, path: str, body: Mapping[str, Any] | None) -> github_client.Answer:
        """The answer, of whatever status. Raises NoAnswer, or GitHubError for what no repetition can mend."""
        with self._lock:
            requester = self._opened()
            # GitHub Enterprise has GraphQL beside the REST API and not below it.
            url = requester.graphql_url if path == "/graphql" else path
            try:
                status, headers, text = requester.requestJson(verb, url, input=body)
            except Exception as error:
                raise _lost(error) from error
        try:
            data = json.loads(text) if text else None
        except ValueError:
            data = None  # a proxy's page, say; the status tells enough
        return github_client.Answer(status, headers, data)

    def _opened(self) -> Any:
        """PyGithub's requester, made when it is first used."""
        if self._requester is None:
            import github  # noqa: PLC0415 - nearly half a second, which only runs that talk to GitHub pay

            self._requester = github.Github(
                auth=github.Auth.Token(self._token),
                base_url=self._base_url,
                timeout=self._timeout,
                user_agent=f"pipeline/{__version__}",
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
            ).requester
        return self._requester


def _lost(error: Exception) -> Exception:
    """What requests raises when a connection breaks, as NoAnswer; that PyGithub follows no redirect, as an error."""
    names = [kind.__name__ for kind in type(error).__mro__]
    if names[0] == "RuntimeError":
        return GitHubError(f"GitHub: {error}", hint="GITHUB_API_URL has to be the address of the API itself")
    if "RequestException" not in names:
        return error
    reasons = (error, *error.args, getattr(error.args[0], "reason", None) if error.args else None)
    kinds = {type(reason).__name__ for reason in reasons}
    unsent = {"ConnectTimeout", "NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError"}
    return github_client.NoAnswer(f"no answer ({names[0]})", sent=not kinds & unsent)
