"""The only place that builds sessions of AWS, and the clock: effects that the rest of the package is handed.

`connect` gives the `AwsClient` of a run. Importing this module imports neither boto3 nor botocore: they take a third
of a second, which a command that calls nothing must not pay.

The session is botocore's, the same that boto3 wraps: credentials, region and endpoint are found as boto3 finds them
(AWS_PROFILE, AWS_ENDPOINT_URL, OIDC), without boto3's resource layer, which nothing here uses.
https://boto3.amazonaws.com/v1/documentation/api/latest/guide/configuration.html
"""

import importlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Lock
from typing import Any

from pipeline import __version__
from pipeline.applying.attempts import NoAnswer, Refusal
from pipeline.applying.aws_client import AwsClient, Observer
from pipeline.applying.waiting import Clock
from pipeline.errors import FailedCall, PipelineError

__all__ = ["AwsClient", "BotoTransport", "Observer", "SystemClock", "connect"]

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
    threads: int = 32,
    on_event: Observer | None = None,
    stop: Event | None = None,
    clock: Clock | None = None,
) -> AwsClient:
    """The way to AWS in `region`; no call is made and botocore is not imported yet.

    `environment` (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN) replaces what boto3
    would find: profiles, proxies and the process environment then play no part. Without it everything is boto3's own.
    """
    transport = BotoTransport(region, threads=threads, environment=environment)
    return AwsClient(transport, clock or SystemClock(), stop=stop, on_event=on_event, threads=threads)


class BotoTransport:
    """Sends requests through botocore; one session, one client per (service, region), made when first used."""

    def __init__(
        self,
        region: str,
        *,
        threads: int,
        environment: Mapping[str, str] | None = None,
        read_timeout: float = READ_TIMEOUT,
    ) -> None:
        self.region = region
        self._read_timeout = read_timeout
        self._threads = threads
        self._environment = environment
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._methods: dict[tuple[str, str, str], Any] = {}
        # Making clients side by side is slower than one after the other: it is parsing under the interpreter's lock.
        self._lock = Lock()

    def prepare(self, service: str, operation: str, region: str) -> None:
        """Makes the client when there is none yet. Raises PipelineError for what cannot work."""
        if (service, region, operation) not in self._methods:
            with _conversion(service, operation):
                self._methods[service, region, operation] = self._method(service, region, operation)

    def send(self, service: str, operation: str, region: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """One attempt. Raises Refusal, NoAnswer, or PipelineError for what no repetition can mend."""
        self.prepare(service, operation, region)
        with _conversion(service, operation):
            answer: dict[str, Any] = self._methods[service, region, operation](**params)
        answer.pop("ResponseMetadata", None)
        return answer

    def pagination(self, service: str, operation: str) -> Mapping[str, Any] | None:
        """botocore's rules for a list operation, or None when it has none."""
        with self._lock:
            try:
                rules: Mapping[str, Any] = self._opened().get_paginator_model(service).get_paginator(operation)
            except Exception as error:
                if type(error).__name__ in ("ValueError", "DataNotFoundError", "UnknownServiceError"):
                    return None
                raise
            return rules

    def endpoint(self, service: str) -> str:
        """The URL that calls of a service go to."""
        with self._lock:
            return str(self._client(service, self.region).meta.endpoint_url)

    def _client(self, service: str, region: str) -> Any:
        """The one client of a service and region; call with the lock held."""
        client = self._clients.get((service, region))
        if client is None:
            client = self._clients[service, region] = self._make(service, region)
        return client

    def _method(self, service: str, region: str, operation: str) -> Any:
        with self._lock:
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
            "user_agent": f"pipeline/{__version__} botocore/{_botocore().__version__}",
        }
        if self._environment is not None:
            local["endpoint_url"] = self._environment.get("AWS_ENDPOINT_URL")
            options |= {"proxies": {}, "s3": {"addressing_style": "path"}, "tcp_keepalive": True}
        config = _botocore().config.Config(**options)
        return self._opened().create_client(service, region_name=region, config=config, **local)

    def _opened(self) -> Any:
        """The session; call with the lock held."""
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


# What botocore raises before a request leaves, by class name: (what is wrong, what to try).
_SETUP = {
    "NoCredentialsError": ("no AWS credentials were found", "set AWS_PROFILE, or sign in (aws sso login)"),
    "PartialCredentialsError": ("the AWS credentials are incomplete", "set both the access key and its secret"),
    "CredentialRetrievalError": ("AWS credentials could not be read", "sign in again (aws sso login)"),
    "ProfileNotFound": ("the AWS profile does not exist", "set AWS_PROFILE to one of `aws configure list-profiles`"),
    "TokenRetrievalError": ("the sign-in has ended", "sign in again (aws sso login)"),
    "SSOTokenLoadError": ("there is no sign-in", "sign in (aws sso login)"),
    "UnauthorizedSSOTokenError": ("the sign-in has ended", "sign in again (aws sso login)"),
    "LoginRefreshRequired": ("the sign-in has ended", "sign in again (aws login)"),
    "LoginTokenLoadError": ("there is no sign-in", "sign in (aws login)"),
    "MetadataRetrievalError": ("the machine's role could not be read", "check the instance's or container's role"),
    "RefreshWithMFAUnsupportedError": ("the profile needs an MFA code", "get a session first"),
    "NoRegionError": ("no region is set", "set AWS_REGION in the environment file"),
    "InvalidRegionError": ("the region has an impossible name", "correct AWS_REGION in the environment file"),
    "DataNotFoundError": ("the installed botocore does not know this service", "install the lock file's versions"),
    "ConfigParseError": ("the AWS configuration file cannot be read", "correct ~/.aws/config"),
    "SSLError": ("the server's certificate is not trusted", "set AWS_CA_BUNDLE when a proxy replaces certificates"),
}
_NOT_SENT = {"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError"}
_NO_ANSWER = {"HTTPClientError", "ReadTimeoutError", "ResponseStreamingError", "IncompleteReadError"}


@contextmanager
def _conversion(service: str, operation: str) -> Iterator[None]:
    """Turns what botocore raises inside into errors of ours."""
    try:
        yield
    except Exception as error:
        converted = _converted(error, service, operation)
        if converted is None:
            raise
        raise converted from error


def _converted(error: Exception, service: str, operation: str) -> Exception | None:
    """botocore's exception as one of ours, by class name; None when it is none of botocore's."""
    names = [kind.__name__ for kind in type(error).__mro__]
    if "ClientError" in names:
        return _refusal(error, service, operation)
    if "ParamValidationError" in names:
        report = _without_values(str(error))
        return PipelineError(f"{service}:{operation}: the call has parameters that AWS does not take: {report}")
    if names[0] in _SETUP:
        what, hint = _SETUP[names[0]]
        return PipelineError(f"{service}:{operation}: {what}: {error}", hint=hint)
    if _NOT_SENT.intersection(names) or _NO_ANSWER.intersection(names):
        call = FailedCall(service, operation, names[0].removesuffix("Error"), str(error))
        return NoAnswer(call, sent=not _NOT_SENT.intersection(names))
    if "BotoCoreError" in names:
        return PipelineError(f"{service}:{operation}: {error}")
    return None


def _refusal(error: Any, service: str, operation: str) -> Refusal:
    body, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    call = FailedCall(
        service,
        operation,
        code=str(body.get("Code", "Unknown")),
        message=str(body.get("Message", "")).strip() or "no message",
        request_id=meta.get("RequestId") or meta.get("HostId"),
        status=meta.get("HTTPStatusCode"),
    )
    return Refusal(call, _retry_after(meta.get("HTTPHeaders", {})))


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the answer asks to wait: `x-amz-retry-after` counts milliseconds, `retry-after` seconds."""
    for name, scale in (("x-amz-retry-after", 0.001), ("retry-after", 1.0)):
        if headers.get(name, "").isdigit():
            return float(headers[name]) * scale
    return 0.0


def _without_values(report: str) -> str:
    """A parameter report without the values, which may be secret: `value: s3cr3t, type: ...`."""
    return re.sub(r"value: .*?(?=, (?:type|valid)|$)", "value: (not shown)", report, flags=re.MULTILINE)
