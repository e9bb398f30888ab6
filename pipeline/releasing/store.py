"""The ledger: immutable JSON documents in the environment's own S3 bucket.

    artifacts/<sha256>.zip   current.json   releases/<nnnnnn>.json   runs/<id>/<seq>.json   lock.json
    reviews/<commit>.json: the plan that was shown for the head of a pull request, replaced whenever it is made anew
    rollout.json   rollouts/<nnnnnn>-<run>.json

`current.json` is the last release in full and the one place that decides; it is written first and only if unchanged
since it was read. `releases/<n>.json` is its copy for history, put again by the next release should a crash have
come in between. Conditional writes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.errors import AwsError, BadInput, PipelineError, Refused
from pipeline.model.release import LedgerHead, LockState, Release
from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.resources.base import Aws, ResourceType

CURRENT = "current.json"
LOCK = "lock.json"
_MISSING = ("NoSuchKey", "NoSuchBucket", "404", "NotFound")
_LOST_RACE = ("PreconditionFailed", "ConditionalRequestConflict", "412")


class LostRace(PipelineError):
    """Somebody else wrote the object first."""


def bucket_name(scope: Scope) -> str:
    """`<service>-<environment>-pipeline-<account>-<region>`, shortened with a hash where S3's 63 characters end."""
    name = f"{scope.service}-{scope.environment}-pipeline-{scope.account}-{scope.region}".lower().replace("_", "-")
    if len(name) <= 63:
        return name
    tail = f"-{hashlib.sha256(name.encode()).hexdigest()[:10]}-{scope.account}"
    return name[: 63 - len(tail)].rstrip("-.") + tail


class Ledger:
    """Reads and writes the documents of one environment's ledger bucket."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self.aws = aws
        self.bucket = bucket
        self._artifacts = _Uploads(self)
        self._completed: Callable[[], None] = lambda: None

    def head(self) -> LedgerHead:
        """The current release and the lock, read in parallel."""
        current, lock = self.aws.gather([lambda: self._read(CURRENT), lambda: self._read(LOCK)])
        if current is _NO_BUCKET or lock is _NO_BUCKET:
            return LedgerHead(exists=False)
        return LedgerHead(
            exists=True,
            current=Release.from_json(current[0]) if current else None,
            current_etag=current[1] if current else None,
            lock=LockState.from_json(lock[0]) if lock else None,
            lock_etag=lock[1] if lock else None,
        )

    def bucket_resource(self, bucket_type: ResourceType, *, tls_only: bool) -> Resource:
        """The bucket as a resource like any other: versioned, encrypted, private.

        `tls_only` refuses plain HTTP to everybody; over plain HTTP itself a run would lock itself out with it.
        """
        wanted = {
            "name": self.bucket,
            "tags": {},
            "tls_only": tls_only,
            "lifecycle": [
                {"id": "old-run-journals", "prefix": "runs/", "enabled": True, "expire_days": 400},
                {"id": "old-reviews", "prefix": "reviews/", "enabled": True, "expire_days": 400},
                {"id": "removed-archives", "prefix": "artifacts/", "enabled": True, "expire_noncurrent_days": 30},
            ],
        }
        properties = bucket_type.canonical(bucket_defaults(bucket_type) | wanted, self.aws.scope)
        return Resource(bucket_type.name, self.bucket, properties)

    def releases(self, limit: int) -> list[Release]:
        """The last `limit` releases, newest first; none when there is no bucket yet."""
        head = self.head()
        if not head.exists:
            return []
        keys = [
            item["Key"] for item in self.aws.pages("s3", "ListObjectsV2", "Contents", **self.at(Prefix="releases/"))
        ]
        newest = sorted(keys, reverse=True)[:limit]
        found: list[Any] = self.aws.gather([partial(self._read, key) for key in newest])
        listed = {entry[0]["release"]: Release.from_json(entry[0]) for entry in found if entry}
        if head.current is not None:
            listed.setdefault(head.current.number, head.current)
        return [listed[number] for number in sorted(listed, reverse=True)][:limit]

    def release(self, number: int) -> Release:
        """Release `number`. BadInput when there is none."""
        found = self.find(number)
        if found is None:
            raise BadInput(f"looking up release {number}: there is none", hint="see `pipeline releases`")
        return found

    def find(self, number: int) -> Release | None:
        """Release `number`, or None. The current one may have no copy in the history yet."""
        found = self.history(number)
        current = self.head().current if found is None else None
        return current if current is not None and current.number == number else found

    def history(self, number: int) -> Release | None:
        """The copy of release `number`, or None: a release that was taken back before it served everybody has none."""
        found = self.get(release_key(number))
        return Release.from_json(found) if found else None

    def keys(self, prefix: str) -> set[str]:
        """The keys that begin with `prefix`."""
        return {
            str(item["Key"]) for item in self.aws.pages("s3", "ListObjectsV2", "Contents", **self.at(Prefix=prefix))
        }

    def has_artifact(self, digest: str) -> bool:
        """True when the archive is still there."""
        return self.aws.found("s3", "HeadObject", **self.at(Key=artifact_key(digest))) is not None

    def expect(self, completed: Callable[[], None]) -> None:
        """The bucket is still being set up: `completed` returns when that is done, or raises what hindered it."""
        self._completed = completed

    def put_current(self, release: Release, etag: str | None) -> str:
        """Makes `release` the current one if nobody else has since `etag` was read; the new ETag.

        Only in a bucket that is set up: without a release, the next run looks after that again.
        """
        self._completed()
        return self.put(CURRENT, release.to_json(), if_match=etag)

    def put_copy(self, release: Release) -> None:
        """Writes the history copy; quiet when it is there."""
        try:
            self.put(release_key(release.number), release.to_json())
        except LostRace:
            return

    def put(self, key: str, document: Mapping[str, Any], *, if_match: str | None = None) -> str:
        """Writes `document` if its ETag is still `if_match`, or, without one, if there is no such key; the new ETag.

        Raises LostRace when the condition does not hold.
        """
        condition = {"IfMatch": if_match} if if_match else {"IfNoneMatch": "*"}
        body = json.dumps(document, indent=1, sort_keys=True).encode()
        try:
            answer = self.aws.call(
                "s3", "PutObject", **self.at(Key=key), Body=body, ContentType="application/json", **condition
            )
        except AwsError as error:
            if error.code in _LOST_RACE or (if_match and error.code in _MISSING):
                return self._won_after_all(key, document, error)
            raise
        return str(answer["ETag"])

    def _won_after_all(self, key: str, document: Mapping[str, Any], error: AwsError) -> str:
        """The ETag when the object is ours: a write whose answer was lost is refused when it is repeated."""
        found = self._read(key)
        if isinstance(found, tuple) and found[0] == json.loads(json.dumps(document)):
            return str(found[1])
        raise LostRace(f"writing {key} in {self.bucket}: somebody else wrote it first") from error

    def document(self, key: str) -> tuple[dict[str, Any], str] | None:
        """The document at `key` with its ETag, or None."""
        found = self._read(key)
        return found if isinstance(found, tuple) else None

    def get(self, key: str) -> dict[str, Any] | None:
        """The document at `key`, or None."""
        found = self.document(key)
        return found[0] if found else None

    def put_review(self, commit: str, document: Mapping[str, Any]) -> None:
        """Keeps what was shown for a commit, where there is a ledger; quiet when somebody else does at that moment."""
        found = self._read(review_key(commit))
        if found is _NO_BUCKET:
            return
        try:
            self.put(review_key(commit), document, if_match=found[1] if isinstance(found, tuple) else None)
        except LostRace:
            return

    def offer(self, artifacts: Mapping[str, Path]) -> None:
        """Tells where the archives lie (digest -> file) that `artifact` may have to upload."""
        self._artifacts.files.update(artifacts)

    def artifact(self, digest: str) -> Mapping[str, str]:
        """The S3 location of an archive, uploading it when it is not there; concurrent callers upload once."""
        return self._artifacts.location(digest)

    def at(self, **params: Any) -> dict[str, Any]:
        """Parameters that name the bucket, and its owner so that nobody else's bucket is ever used."""
        return {"Bucket": self.bucket, "ExpectedBucketOwner": self.aws.scope.account, **params}

    def _read(self, key: str) -> Any:
        try:
            answer = self.aws.call("s3", "GetObject", **self.at(Key=key))
        except AwsError as error:
            if error.code == "NoSuchBucket":
                return _NO_BUCKET
            if error.code in _MISSING:
                return None
            if error.call.status == 403:
                raise Refused(
                    f"reading {key} in the ledger bucket {self.bucket}: access denied",
                    hint="the bucket may belong to another account, or the role lacks s3:GetObject and s3:ListBucket",
                ) from error
            raise
        return json.loads(answer["Body"].read()), answer["ETag"]


class _NoBucket:
    """Says that the bucket itself is missing; false, like a missing key."""

    def __bool__(self) -> bool:
        return False


_NO_BUCKET = _NoBucket()


class _Uploads:
    """Uploads each archive at most once, whoever asks first."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.files: dict[str, Path] = {}
        self._started: dict[str, Future[Mapping[str, str]]] = {}
        self._guard = threading.Lock()

    def location(self, digest: str) -> Mapping[str, str]:
        with self._guard:
            future = self._started.get(digest)
            mine = future is None
            if future is None:
                future = self._started[digest] = Future()
        if mine:
            _settle(future, lambda: self._upload(digest))
        return future.result()

    def _upload(self, digest: str) -> Mapping[str, str]:
        key = artifact_key(digest)
        where = {"bucket": self.ledger.bucket, "key": key}
        path = self.files.get(digest)
        if path is None:
            return where
        try:
            self.ledger.aws.call("s3", "PutObject", **self.ledger.at(Key=key), Body=path.read_bytes(), IfNoneMatch="*")
        except AwsError as error:
            if error.code not in _LOST_RACE:
                raise
        return where


def _settle(future: "Future[Mapping[str, str]]", work: Callable[[], Mapping[str, str]]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
        raise


def artifact_key(digest: str) -> str:
    """The key of an archive, by its digest (`sha256:<hex>`), or of a file of a site (`file:<hex>`)."""
    if digest.startswith("file:"):
        return f"files/{digest.removeprefix('file:')}"
    return f"artifacts/{digest.removeprefix('sha256:')}.zip"


def release_key(number: int) -> str:
    """The key of a release's history copy."""
    return f"releases/{number:06d}.json"


def review_key(commit: str) -> str:
    """The key of the plan that was shown for a commit."""
    return f"reviews/{commit}.json"


def bucket_defaults(bucket_type: ResourceType) -> dict[str, Any]:
    """The defaults that the bucket type's schema gives."""
    properties = bucket_type.spec.schema["properties"]
    return {name: sub["default"] for name, sub in properties.items() if "default" in sub}
