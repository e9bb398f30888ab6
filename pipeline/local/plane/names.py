"""Traffic under a name of one's own: what the DNS records of its zone lead to answers, as on AWS.

The name comes as the host of the request, or, since no name server knows it, as part of the path: `/_aws/name/<host>/`.
What CloudFront serves is also below `/_aws/cloudfront/<label>/`, where no name is needed. Viewers count as having come
by HTTPS: there are no certificates here.
"""

import json
from dataclasses import dataclass
from urllib.parse import quote, unquote

from pipeline.local.plane.asgi import Scope, first_header, raw_path
from pipeline.local.plane.behaviors import Behaviors
from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator
from pipeline.local.plane.traffic.paths import Target
from pipeline.local.plane.zones import Zones

_DISTRIBUTIONS = "/_aws/cloudfront/"
_NAMES = "/_aws/name/"
_CLOUDFRONT, _EXECUTE_API = ".cloudfront.net", ".execute-api."
# Names of this machine and of AWS itself are nobody's own.
_NOT_OWN = ("localhost", ".localhost", ".amazonaws.com", ".amazonaws.com.cn")
_ROOT = "(none)"


@dataclass(frozen=True)
class Names:
    """Finds out who answers for a request that nobody signed."""

    emulator: Emulator
    zones: Zones
    account: str

    async def led(self, scope: Scope) -> Scope | None:
        """The request as the one who answers gets it; None when its host is no name of somebody's own."""
        path = raw_path(scope)
        if path.startswith(_DISTRIBUTIONS):
            label, _, rest = path.removeprefix(_DISTRIBUTIONS).partition("/")
            return await self._served(scope, f"/{rest}", f"{label}{_CLOUDFRONT}")
        host = first_header(scope["headers"], b"host").partition(":")[0].lower()
        if path.startswith(_NAMES):
            host, _, rest = path.removeprefix(_NAMES).partition("/")
            host, path = host.lower(), f"/{rest}"
        if not _may_be_own(host):
            return None
        target = host if host.endswith(_CLOUDFRONT) else await self.zones.alias_of(host, self.account)
        if target is None:
            return None
        if target.endswith(_CLOUDFRONT):
            return await self._served(scope, path, target)
        if _EXECUTE_API not in target:
            return None
        region = target.partition(_EXECUTE_API)[2].partition(".")[0]
        found = await self._mapped(host, path, region)
        return _with(scope, f"/_aws/execute-api/{found.api}/{found.stage}{found.path}") if found else None

    async def _served(self, scope: Scope, path: str, distribution: str) -> Scope:
        """The request as what serves a path of a distribution gets it: an API by its own host, as AWS asks it."""
        api = await self._behaviors.api_behind(distribution, path, self.account)
        return _with(scope, api[1], host=api[0]) if api else _with(scope, path, host=distribution)

    @property
    def _behaviors(self) -> Behaviors:
        return Behaviors(self.emulator)

    async def _mapped(self, host: str, path: str, region: str) -> Target | None:
        """The API and stage that the longest fitting path of the domain leads to."""
        caller = Caller(self.account, region, "apigateway")
        answer = await self.emulator.call(Call(caller, "GET", f"/domainnames/{quote(host)}/basepathmappings"))
        if answer.status != 200:
            return None
        best: Target | None = None
        depth = -1
        for one in json.loads(answer.body).get("item") or ():
            base = one.get("basePath") or _ROOT
            prefix = "" if base == _ROOT else f"/{base}"
            if len(prefix) > depth and (path == prefix or path.startswith(f"{prefix}/")):
                best = Target(one["restApiId"], one["stage"], path[len(prefix) :] or "/")
                depth = len(prefix)
        return best


def is_distribution(scope: Scope) -> bool:
    """True for a request that CloudFront answers."""
    return first_header(scope["headers"], b"host").endswith(_CLOUDFRONT)


def _may_be_own(host: str) -> bool:
    return "." in host and not host.replace(".", "").isdigit() and not host.endswith(_NOT_OWN)


def _with(scope: Scope, path: str, *, host: str | None = None) -> Scope:
    """A copy of the request with another path, and for a distribution with its host, over HTTPS."""
    changed = {**scope, "path": unquote(path), "raw_path": path.encode("latin-1")}
    if host is not None:
        kept = [(name, value) for name, value in scope["headers"] if name not in (b"host", b"x-forwarded-proto")]
        changed["headers"] = [*kept, (b"host", host.encode("latin-1")), (b"x-forwarded-proto", b"https")]
    return changed
