"""Names of Lambda functions: plain, partial and full ARNs, with and without a qualifier. Pure.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (FunctionName)
"""

import re
from dataclasses import dataclass

from pipeline.local.plane.caller import Caller

_NAME = re.compile(
    r"(?:arn:(?P<partition>aws[a-zA-Z-]*):lambda:(?P<region>[a-z0-9-]+):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9-_]+)(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)


@dataclass(frozen=True)
class Function:
    """A function, and the version or alias of it that is meant (None: unqualified)."""

    account: str
    region: str
    name: str
    qualifier: str | None = None

    @property
    def arn(self) -> str:
        """With the qualifier where there is one."""
        tail = f":{self.qualifier}" if self.qualifier else ""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}{tail}"

    @property
    def resource(self) -> str:
        """The value of the dimension Resource in its metrics."""
        return f"{self.name}:{self.qualifier}" if self.qualifier else self.name

    @property
    def is_alias(self) -> bool:
        """True when the qualifier can only be an alias: versions are numbers."""
        return self.qualifier is not None and self.qualifier != "$LATEST" and not self.qualifier.isdecimal()

    @property
    def caller(self) -> Caller:
        """Someone of the function's own account and region, for calls about it."""
        return Caller(self.account, self.region, "lambda")

    def qualified(self, qualifier: str | None) -> "Function":
        """The same function under another qualifier."""
        return Function(self.account, self.region, self.name, qualifier)


def function_of(text: str, account: str, region: str, qualifier: str | None = None) -> Function | None:
    """The function that `text` names for somebody of this account and region; None when it names none."""
    found = _NAME.fullmatch(text)
    if found is None:
        return None
    return Function(
        account=found["account"] or account,
        region=found["region"] or region,
        name=found["name"],
        qualifier=qualifier or found["qualifier"],
    )
