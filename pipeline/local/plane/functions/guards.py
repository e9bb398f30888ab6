"""Rules of aliases that AWS enforces. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.local.plane.refusal import Refusal

_ALIAS = re.compile(r"(?!^[0-9]+$)([a-zA-Z0-9-_]{1,128})")


def check_alias_name(name: str) -> None:
    """Not all digits, at most 128 of letters, digits, hyphen and underscore. Raises Refusal."""
    if not _ALIAS.fullmatch(name):
        raise Refusal(
            400,
            "ValidationException",
            f"1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)",
        )


def check_routing(version: str, weights: Mapping[str, Any]) -> None:
    """One additional version, another one than the alias's own, weight 0 to 1, never $LATEST. Raises Refusal."""
    if len(weights) > 1:
        raise _invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    for other, weight in weights.items():
        if other == "$LATEST" or version == "$LATEST":
            raise _invalid("$LATEST is not supported for an alias pointing to more than 1 version")
        if not isinstance(weight, int | float) or not 0.0 <= float(weight) <= 1.0:
            bound = "less than or equal to 1.0" if isinstance(weight, int | float) and weight > 1 else "greater than 0"
            raise Refusal(
                400,
                "ValidationException",
                f"1 validation error detected: Value '{{{other}={weight}}}' at "
                "'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy "
                f"constraint: [Member must have value {bound}]",
            )
        if other == version:
            raise _invalid(
                f"Invalid function version {other}. Function version {other} is already included in routing "
                "configuration."
            )


def versions_of(alias: Mapping[str, Any]) -> set[str]:
    """Every version that an alias (as GetAlias shows it) sends traffic to."""
    weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return {str(alias.get("FunctionVersion")), *weights}


def _invalid(message: str) -> Refusal:
    return Refusal(400, "InvalidParameterValueException", message)
