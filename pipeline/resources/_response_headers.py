"""The canonical form of a response headers policy, with what holds where nothing is said. Pure."""

from typing import Any

from pipeline.model.values import Properties

ANY = "ANY"
_HSTS = {"max_age": 31536000, "subdomains": False, "preload": False}
_NOTHING = {"max_age": 0, "subdomains": False, "preload": False}
DEFAULTS: Properties = {
    "comment": "",
    "hsts": {},
    "frame": "DENY",
    "no_sniff": True,
    "referrer": "strict-origin-when-cross-origin",
    "headers": {},
    "remove": [],
}


def canonical_headers(properties: Properties) -> dict[str, Any]:
    """Defaults filled in; without a time Strict-Transport-Security says nothing else either."""
    hsts = {**_HSTS, **(properties.get("hsts") or {})}
    return {
        **DEFAULTS,
        **properties,
        "comment": str(properties.get("comment") or "").strip(),
        "hsts": hsts if hsts["max_age"] else _NOTHING,
        "remove": sorted(properties.get("remove") or ()),
    }
