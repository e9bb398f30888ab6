"""What AWS has a call authorized for: actions, resources and what conditions may look at. Pure.

The knowledge is authorization.json, which is of AWS's Service Authorization Reference and not of the policies that are
tried with it. What AWS looks up for it (the path of a role, the ending of a secret's ARN) `Held` tells.
"""

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from tests.support.members import members
from tests.support.wire import Call, Request

FILE = Path(__file__).with_name("authorization.json")
_FIELD = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Asked:
    """One thing that has to be allowed. `keys` are what conditions may look at."""

    action: str
    resource: str
    keys: Mapping[str, Any]


class Held(Protocol):
    """What the account holds."""

    def role(self, name: str) -> Mapping[str, Any] | None:
        """A role as GetRole shows it."""

    def secret(self, name: str) -> str | None:
        """The ARN of a secret."""


class Unknown(Exception):
    """The table does not know a call."""


@dataclass(frozen=True)
class Asking:
    """One call, and where it is sent."""

    call: Call
    request: Request
    given: Mapping[str, Any]
    account: str
    held: Held

    def everything(self) -> Iterator[Asked]:
        """All that has to be allowed for it."""
        known = table().get(self.call.service)
        places = [on for on, names in known["on"].items() if {self.call.operation, "*"} & {*names}] if known else []
        if known is None or not places:
            raise Unknown(f"{FILE.name} does not say what {self.call.name} is authorized for")
        keys = self._keys(known.get("keys", {}).get(self.call.operation, {}))
        name = known.get("actions", {}).get(self.call.operation, self.call.operation)
        prefix = self.call.iam_action.partition(":")[0]
        action = self.call.iam_action if prefix == "apigateway" else f"{prefix}:{name}"
        yield from (Asked(action, arn, keys) for place in places for arn in self.arns(place))
        for more in known.get("also", ()):
            if self.call.operation in more["of"] and self._is(more.get("when", {})):
                for one, arn in itertools.product(more.get("actions") or [more["action"]], self.arns(more["on"])):
                    yield Asked(one, arn, self._keys(more.get("keys", {})))

    def arns(self, place: str) -> list[str]:
        """The resources that a place of the table means for this call; an ARN of a member as it is."""
        if place.startswith("@"):
            return [self._whole(one) for one in getattr(self, place[1:])()]
        return [self._whole(one) for one in self._filled(place)]

    def path(self) -> list[str]:
        """API Gateway: resources are paths, https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html."""
        found = self.request.path.removeprefix("/v2").rstrip("/")
        if found.startswith("/tags/"):
            found = f"/tags/{quote(found.removeprefix('/tags/').replace('%3A', ':').replace('%2F', '/'), safe='')}"
        return [f"apigateway:{self.call.region}::{found}"]

    def role(self) -> list[str]:
        """IAM: ARNs of roles have their path in them, which requests have not."""
        name = self.given["RoleName"]
        held = self.held.role(name)
        return [held["Arn"] if held else f"iam::{self.account}:role{self.given.get('Path', '/')}{name}"]

    def function(self) -> list[str]:
        """Lambda: a function by its name, its ARN or a part of it, without what qualifies it."""
        name = self.given["FunctionName"].rpartition("function:")[2].partition(":")[0]
        return [f"lambda:{self.call.region}:{self.account}:function:{name}"]

    def qualified(self) -> list[str]:
        """Lambda: the version or alias of it where the call names one."""
        named = self.given["FunctionName"].rpartition("function:")[2].partition(":")[2]
        qualifier = self.given.get("Qualifier") or named
        return [f"{one}:{qualifier}" if qualifier else one for one in self.function()]

    def rule(self) -> list[str]:
        """EventBridge: rules of other buses than the default one have its name before theirs."""
        bus = self.given.get("EventBusName", "default").rpartition("/")[2]
        name = self.given.get("Name") or self.given["Rule"]
        return [f"events:{self.call.region}:{self.account}:rule/{name if bus == 'default' else f'{bus}/{name}'}"]

    def group(self) -> list[str]:
        """CloudWatch Logs: a log group, in both forms that its refusals show."""
        given = self.given
        one = given.get("logGroupName") or given.get("logGroupIdentifier")
        names = [one] if one else [*given.get("logGroupNames", ()), *given.get("logGroupIdentifiers", ())]
        start = f"logs:{self.call.region}:{self.account}:log-group:"
        short = [
            start + name.partition(":log-group:")[2].rstrip(":*") if ":" in name else start + name for name in names
        ]
        return [form for name in short for form in (name, f"{name}:log-stream:")]

    def indexed(self) -> list[str]:
        """DynamoDB: a table, or its index where the call names one."""
        (table_arn,) = self._filled("dynamodb:{region}:{account}:table/{TableName|last}")
        index = self.given.get("IndexName")
        return [f"{table_arn}/index/{index}" if index else table_arn]

    def tables(self) -> list[str]:
        """DynamoDB: the tables of a batch."""
        return [f"dynamodb:{self.call.region}:{self.account}:table/{name}" for name in self.given["RequestItems"]]

    def secret(self) -> list[str]:
        """Secrets Manager: six characters of AWS's choice end the ARN, which callers need not know."""
        name = self.given["SecretId"]
        start = f"secretsmanager:{self.call.region}:{self.account}:secret:"
        return [name if name.startswith("arn:") else self.held.secret(name) or f"{start}{name}-none00"]

    def _whole(self, arn: str) -> str:
        return arn if arn == "*" or arn.startswith("arn:") else f"arn:aws:{arn}"

    def _is(self, when: Mapping[str, str]) -> bool:
        return all(any(fnmatchcase(str(v), like) for v in _values(self.given, path)) for path, like in when.items())

    def _keys(self, wanted: Mapping[str, str]) -> dict[str, Any]:
        """The keys that the call gives a value; and, of a role that is there, its boundary."""
        found: dict[str, Any] = {}
        for key, place in wanted.items():
            values = self.arns(place) if place.startswith("@") else self._filled(place)
            if values:
                found[key] = values if place.endswith("[]}") else values[0]
        if self.call.service == "iam" and "RoleName" in self.given and "iam:PermissionsBoundary" not in found:
            boundary = (self.held.role(self.given["RoleName"]) or {}).get("PermissionsBoundary") or {}
            if "PermissionsBoundaryArn" in boundary:
                found["iam:PermissionsBoundary"] = boundary["PermissionsBoundaryArn"]
        return found

    def _filled(self, place: str) -> list[str]:
        """A template with what the call says, in every combination; nothing when it does not say something."""
        parts = _FIELD.split(place)
        choices = [[part] if number % 2 == 0 else self._field(part) for number, part in enumerate(parts)]
        return ["".join(chosen) for chosen in itertools.product(*choices)]

    def _field(self, field: str) -> list[str]:
        path, _, form = field.removeprefix("?").partition("|")
        own = {"region": self.call.region, "account": self.account}
        if path in own:
            return [own[path]]
        values = [str(value) for value in _values(self.given, path) if value not in (None, "")]
        if not values and field.startswith("?"):
            values = [""]
        return [_FORMS[form](value) for value in values]


_FORMS: Mapping[str, Callable[[str], str]] = {
    "": lambda value: value,
    "last": lambda value: value.rsplit("/", 1)[-1],
    "host": lambda value: value.partition("://")[2] or value,
    "unrooted": lambda value: value.removeprefix("/"),
    "folder": lambda value: value or "/",
}


def _values(given: Any, path: str) -> list[Any]:
    """What is at a dotted path: `[]` stands for every item of a list, `*` in a name for every key that fits."""
    found = [given]
    for step in path.split("."):
        name, listed = step.removesuffix("[]"), step.endswith("[]")
        found = [v for one in found if isinstance(one, Mapping) for k, v in one.items() if fnmatchcase(k, name)]
        if listed:
            found = [item for one in found if isinstance(one, list) for item in one]
    return found


def asked(call: Call | None, request: Request, account: str, held: Held) -> list[Asked]:
    """All that has to be allowed for a call. Raises Unknown."""
    if call is None or call.operation == "Unknown":
        raise Unknown(f"what is called is not known: {request.method} {request.target}")
    found = list(Asking(call, request, members(call, request), account, held).everything())
    if not found:  # else whoever calls it would be let through
        raise Unknown(
            f"{FILE.name} names no resource for {call.name} as it was sent: {request.method} {request.target}"
        )
    return found


@cache
def table() -> dict[str, Any]:
    """The table by services, as boto3 names them."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return {name: one for name, one in found.items() if name != "about"}
