"""S3: a new bucket has all of Block Public Access on, as on AWS since April 2023.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
"""

from dataclasses import dataclass
from urllib.parse import parse_qs, quote

from pipeline.local.plane.asgi import Answer, Request
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator

_BLOCKED = b"".join(
    (
        b'<PublicAccessBlockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
        *(
            b"<" + name + b">true</" + name + b">"
            for name in (b"BlockPublicAcls", b"IgnorePublicAcls", b"BlockPublicPolicy", b"RestrictPublicBuckets")
        ),
        b"</PublicAccessBlockConfiguration>",
    )
)


def creates_bucket(method: str, raw_path: str, query_string: str) -> bool:
    """True for CreateBucket with the bucket in the path."""
    name = raw_path.strip("/")
    return (
        method == "PUT"
        and bool(name)
        and "/" not in name
        and set(parse_qs(query_string, keep_blank_values=True)) <= {"x-id"}
    )


@dataclass(frozen=True)
class Buckets:
    """Makes buckets by way of the emulator."""

    emulator: Emulator

    async def create(self, request: Request, caller: Caller) -> Answer:
        """CreateBucket; making one again that is there already leaves its settings alone."""
        path = f"/{quote(request.segments[0])}"
        known = await self.emulator.call(Call(caller, "HEAD", path))
        answer = await self.emulator.call(Call(caller, "PUT", path, None, _headers(request), request.body))
        if answer.status == 200 and known.status == 404:
            xml = (("content-type", "application/xml"),)
            await self.emulator.call(Call(caller, "PUT", path, {"publicAccessBlock": ""}, xml, _BLOCKED))
        return answer


def _headers(request: Request) -> tuple[tuple[str, str], ...]:
    dropped = {"authorization", "content-length", "host", "expect", "transfer-encoding"}
    return tuple((name, value) for name, value in request.headers if name not in dropped)
