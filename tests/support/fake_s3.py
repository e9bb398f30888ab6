"""An `Aws` with nothing but an S3 of conditional writes, in memory; for tests of the ledger."""

import io
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pipeline.errors import AwsError, FailedCall
from pipeline.model.scope import Scope

T = TypeVar("T")


class FakeS3:
    """Buckets of objects with ETags; PutObject honours IfMatch and IfNoneMatch as S3 does.

    `before` is called with (operation, params) ahead of every call: raise there to play a fault.
    `lose_answers` holds operations whose next call is carried out but answered with an error.
    """

    def __init__(self, scope: Scope, buckets: Iterable[str] = ()) -> None:
        self.scope = scope
        self.buckets: dict[str, dict[str, tuple[bytes, str]]] = {name: {} for name in buckets}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.before: Callable[[str, dict[str, Any]], None] = lambda operation, params: None
        self._versions = 0
        self._lock = threading.Lock()

    def call(self, service: str, operation: str, /, *, region: str | None = None, **params: Any) -> dict[str, Any]:
        assert service == "s3"
        self.before(operation, params)
        with self._lock:
            self.calls.append((operation, params))
            bucket = self.buckets.get(params["Bucket"])
            if bucket is None:
                raise refusal(operation, "NoSuchBucket", 404)
            result: dict[str, Any] = getattr(self, f"_{operation}")(bucket, params)
            return result

    def pages(self, service: str, operation: str, /, key: str, **params: Any) -> list[Any]:
        return list(self.call(service, operation, **params)[key])

    def found(self, service: str, operation: str, /, **params: Any) -> dict[str, Any] | None:
        return self.call(service, operation, **params)

    def gather(self, thunks: Iterable[Callable[[], T]]) -> list[T]:
        return [thunk() for thunk in thunks]

    def wait(self, what: str, poll: Callable[[], T | None], *, every: float, budget: float) -> T:
        raise AssertionError("nothing here is waited for")

    def artifact(self, digest: str) -> dict[str, str]:
        raise AssertionError("nothing here is uploaded")

    def _PutObject(self, bucket: dict[str, tuple[bytes, str]], params: dict[str, Any]) -> dict[str, Any]:
        there = bucket.get(params["Key"])
        if params.get("IfNoneMatch") == "*" and there is not None:
            raise refusal("PutObject", "PreconditionFailed", 412)
        if "IfMatch" in params and there is None:
            raise refusal("PutObject", "NoSuchKey", 404)
        if "IfMatch" in params and there is not None and there[1] != params["IfMatch"]:
            raise refusal("PutObject", "PreconditionFailed", 412)
        self._versions += 1
        etag = f'"{self._versions}"'
        bucket[params["Key"]] = (params["Body"], etag)
        return {"ETag": etag}

    def _GetObject(self, bucket: dict[str, tuple[bytes, str]], params: dict[str, Any]) -> dict[str, Any]:
        there = bucket.get(params["Key"])
        if there is None:
            raise refusal("GetObject", "NoSuchKey", 404)
        return {"Body": io.BytesIO(there[0]), "ETag": there[1]}

    def _DeleteObjects(self, bucket: dict[str, tuple[bytes, str]], params: dict[str, Any]) -> dict[str, Any]:
        for item in params["Delete"]["Objects"]:
            bucket.pop(item["Key"], None)
        return {}

    def _ListObjectsV2(self, bucket: dict[str, tuple[bytes, str]], params: dict[str, Any]) -> dict[str, Any]:
        chosen = [key for key in sorted(bucket) if key.startswith(params.get("Prefix", ""))]
        return {"Contents": [{"Key": key, "ETag": bucket[key][1]} for key in chosen]}


def refusal(operation: str, code: str, status: int) -> AwsError:
    """The error that S3 answers with."""
    return AwsError(FailedCall("s3", operation, code, f"{code} for a test", status=status))
