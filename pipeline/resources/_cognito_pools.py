"""Which user pool is meant: names of pools are not unique, and everything in a pool is asked for by its id."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.model.resource import Resource
from pipeline.model.scope import Scope
from pipeline.model.values import Expression, Reference, Value
from pipeline.resources._api_choice import choose
from pipeline.resources.base import Aws, Target

POOL = "cognito-idp.user_pool"
SERVICE = "cognito-idp"
_SPELLED = ("Name", "UserPoolTags", "Id")
_MOST_AT_ONCE = 60

Wire = Mapping[str, Any]


def pool_reference(value: Value, output: str = "id") -> Value:
    """A pool of the specs by its output: named, referred to by any of its outputs, or another one by its ARN."""
    if isinstance(value, Expression) and len(value.parts) == 1:
        return (
            Expression(tuple(Reference(one.address, output) for one in value.references)) if value.references else value
        )
    if not isinstance(value, str):
        return value
    if value.startswith("arn:"):
        return value if output == "arn" else id_of(value)
    return Expression((Reference(f"{POOL}/{value}", output),))


def id_of(arn: str) -> str:
    """The id at the end of a pool's ARN."""
    return arn.rpartition("/")[2]


def issuer(pool: str, scope: Scope) -> str:
    """The issuer of a pool's tokens, below which its keys are published.

    https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
    """
    domain = "amazonaws.com.cn" if scope.partition == "aws-cn" else "amazonaws.com"
    return f"https://cognito-idp.{scope.region}.{domain}/{pool}"


def described(aws: Aws, pool: str) -> Wire | None:
    """The pool, or None."""
    found = aws.found(SERVICE, "DescribeUserPool", UserPoolId=pool)
    return found["UserPool"] if found else None


class Listing:
    """The pools of the account, listed once and only when one has to be looked for."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._listed: Sequence[Wire] | None = None

    def find(self, target: Target) -> Wire | None:
        """The pool of that name with our mark, else one without any. Raises PipelineError when several could be it."""
        if self._listed is None:
            self._listed = self._aws.pages(SERVICE, "ListUserPools", key="UserPools", MaxResults=_MOST_AT_ONCE)
        ids = [str(pool["Id"]) for pool in self._listed if pool.get("Name") == target.name]
        looks: list[Callable[[], Wire | None]] = [lambda one=one: described(self._aws, one) for one in ids]  # type: ignore[misc]  # mypy cannot infer a lambda's default argument
        found = [pool for pool in self._aws.gather(looks) if pool is not None]
        return choose(self._aws.scope, target, found, _SPELLED)

    def id_of(self, value: Value) -> str | None:
        """The id of a pool that a property names; None when there is no such pool."""
        if isinstance(value, str):
            return id_of(value)
        names = [reference.address for reference in value.references] if isinstance(value, Expression) else []
        if not names:
            return None
        pool = self.find(Target(Resource(POOL, names[0].partition("/")[2], {}), {}))
        return str(pool["Id"]) if pool else None
