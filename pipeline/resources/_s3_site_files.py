"""What the files of a site are: their types, how long they may be kept, and in which order they appear. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import md5
from typing import Any

from pipeline.model.values import Value, reveal

CONFIG = "config.json"
IMMUTABLE, REVALIDATED = "public, max-age=31536000, immutable", "no-cache"

# Python's own table is the machine's, and another one with each of its versions.
# https://www.iana.org/assignments/media-types/media-types.xhtml
_TEXT = {
    "html": "text/html", "htm": "text/html", "css": "text/css", "js": "text/javascript", "mjs": "text/javascript",
    "txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "vtt": "text/vtt", "ics": "text/calendar",
    "xml": "application/xml", "svg": "image/svg+xml", "rss": "application/rss+xml", "atom": "application/atom+xml",
}  # fmt: skip
_OTHER = {
    "json": "application/json", "map": "application/json", "webmanifest": "application/manifest+json",
    "jsonld": "application/ld+json", "geojson": "application/geo+json", "wasm": "application/wasm",
    "pdf": "application/pdf", "zip": "application/zip", "gz": "application/gzip", "png": "image/png",
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "avif": "image/avif",
    "ico": "image/x-icon", "bmp": "image/bmp", "woff": "font/woff", "woff2": "font/woff2", "ttf": "font/ttf",
    "otf": "font/otf", "eot": "application/vnd.ms-fontobject", "mp3": "audio/mpeg", "ogg": "audio/ogg",
    "wav": "audio/wav", "m4a": "audio/mp4", "mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime",
}  # fmt: skip
_TYPES = {**{ending: f"{kind}; charset=utf-8" for ending, kind in _TEXT.items()}, **_OTHER}

# A part of a name that only a digest of the content looks like: `app.3f9a1c2e.js`, `index-BxY3z_9a.js`.
_PART = re.compile(r"[.-]([A-Za-z0-9_-]*[A-Za-z0-9_])(?=\.)")
_HEX = re.compile(r"(?=.*[0-9])(?=.*[a-f])[0-9a-f]{8,64}")
_BASE64 = re.compile(r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_-]{8,64}")


def content_type(path: str) -> str:
    """The media type of a file, by its ending; pages and scripts are UTF-8."""
    return _TYPES.get(path.rpartition("/")[2].rpartition(".")[2].lower(), "application/octet-stream")


def is_page(path: str) -> bool:
    """True for what names other files, and must not be seen before they are there."""
    return path.lower().endswith((".html", ".htm"))


def is_immutable(path: str) -> bool:
    """True when the name has a digest of the content, so that another content has another name."""
    name = path.rpartition("/")[2]
    parts = [piece for part in _PART.findall(name) for piece in (part, part.rpartition("-")[2])]
    return not is_page(path) and any(_HEX.fullmatch(part) or _BASE64.fullmatch(part) for part in parts)


def cache_control(path: str) -> str:
    """For how long browsers and CloudFront may keep a file without asking.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Cache-Control
    """
    return IMMUTABLE if is_immutable(path) else REVALIDATED


def stages(paths: Iterable[str]) -> list[list[str]]:
    """The paths in groups, one to appear after the other: assets, what configures the pages, pages, the first page."""
    groups: list[list[str]] = [[], [], [], []]
    for path in sorted(paths):
        last = 3 if path == "index.html" else 2
        groups[last if is_page(path) else 1 if path == CONFIG else 0].append(path)
    return [group for group in groups if group]


def config_bytes(config: Mapping[str, Value]) -> bytes:
    """config.json."""
    return json.dumps(reveal(config), indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def etag_of(content: bytes) -> str:
    """What S3 calls a content that was uploaded in one piece and is not encrypted with a key of KMS.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    return md5(content, usedforsecurity=False).hexdigest()


def differing(files: Mapping[str, Any], etags: Mapping[str, str], listed: Mapping[str, str]) -> list[str]:
    """The files whose content is not in the bucket, where `listed` is what S3 calls what is there."""
    return [path for path in files if listed.get(path) is None or listed[path] != etags.get(path)]
