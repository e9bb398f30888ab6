"""What distributions refer to, as CloudFront keeps it: named once, guarded by ETags, not deleted while in use."""

from collections.abc import Callable
from typing import Any

from tests.support.strict_transport import Params, refuse

# thing -> the parameter that holds its configuration
CONFIGS = {
    "OriginAccessControl": "OriginAccessControlConfig",
    "CachePolicy": "CachePolicyConfig",
    "ResponseHeadersPolicy": "ResponseHeadersPolicyConfig",
}
_LISTS = {
    "ListOriginAccessControls": ("OriginAccessControl", "OriginAccessControlList"),
    "ListCachePolicies": ("CachePolicy", "CachePolicyList"),
    "ListResponseHeadersPolicies": ("ResponseHeadersPolicy", "ResponseHeadersPolicyList"),
}


class StrictPolicies:
    """Origin access controls, cache policies, response headers policies."""

    def __init__(self, in_use: Callable[[str], bool]) -> None:
        self._in_use = in_use
        self.empty()

    def empty(self) -> None:
        self.held: dict[str, dict[str, tuple[str, dict[str, Any]]]] = {thing: {} for thing in CONFIGS}
        self._number = 0

    def answer(self, operation: str, params: Params) -> dict[str, Any]:
        if operation in _LISTS:
            return self._list(*_LISTS[operation])
        thing = next(thing for thing in CONFIGS if operation.endswith(thing))
        verb = operation.removesuffix(thing)
        acts: dict[str, Callable[[str, Params], dict[str, Any]]] = {
            "Create": self._create,
            "Get": self._get,
            "Update": self._update,
            "Delete": self._delete,
        }
        return acts[verb](thing, params)

    def _list(self, thing: str, outer: str) -> dict[str, Any]:
        if thing == "OriginAccessControl":  # the configuration lies flat in the summaries
            items = [{"Id": identifier, **config} for identifier, (_, config) in self.held[thing].items()]
        else:
            items = [{"Type": "custom", thing: self._shown(thing, identifier)} for identifier in self.held[thing]]
        return {outer: {"Quantity": len(items), "Items": items}}

    def _shown(self, thing: str, identifier: str) -> dict[str, Any]:
        return {"Id": identifier, CONFIGS[thing]: self.held[thing][identifier][1]}

    def _create(self, thing: str, params: Params) -> dict[str, Any]:
        config = dict(params[CONFIGS[thing]])
        if config["Name"] in {held["Name"] for _, held in self.held[thing].values()}:
            raise refuse("cloudfront", f"Create{thing}", f"{thing}AlreadyExists", "the name is taken", 409)
        self._number += 1
        identifier = f"P{self._number:05d}STRICT"
        self.held[thing][identifier] = (f"ETAG{self._number}", config)
        return self._get(thing, {"Id": identifier})

    def _get(self, thing: str, params: Params) -> dict[str, Any]:
        if params["Id"] not in self.held[thing]:
            raise refuse("cloudfront", f"Get{thing}", f"NoSuch{thing}", "there is none of this id", 404)
        return {thing: self._shown(thing, params["Id"]), "ETag": self.held[thing][params["Id"]][0]}

    def _match(self, thing: str, params: Params) -> None:
        if self._get(thing, params)["ETag"] != params.get("IfMatch"):
            raise refuse("cloudfront", f"Update{thing}", "PreconditionFailed", "another version is there", 412)

    def _update(self, thing: str, params: Params) -> dict[str, Any]:
        self._match(thing, params)
        self._number += 1
        self.held[thing][params["Id"]] = (f"ETAG{self._number}", dict(params[CONFIGS[thing]]))
        return self._get(thing, params)

    def _delete(self, thing: str, params: Params) -> dict[str, Any]:
        self._match(thing, params)
        if self._in_use(params["Id"]):
            raise refuse("cloudfront", f"Delete{thing}", f"{thing}InUse", "a distribution has it", 409)
        del self.held[thing][params["Id"]]
        return {}
