"""Which of several APIs of one name is meant: names of APIs are not unique. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.scope import Scope
from pipeline.resources.base import Target, split_tags

# The members of an API, as API Gateway's first and second version spell them: name, tags, id.
SPELLED, SPELLED_V2 = ("name", "tags", "id"), ("Name", "Tags", "ApiId")

Wire = Mapping[str, Any]


def choose(
    scope: Scope, target: Target, listed: Sequence[Wire], spelled: tuple[str, str, str] = SPELLED
) -> Wire | None:
    """The API with our mark; else one without any mark, to be adopted. APIs of others are no concern of ours.

    Raises PipelineError when several could be meant.
    """
    name, tags, identifier = spelled
    named = [(api, split_tags(api.get(tags) or {})[1]) for api in listed if api.get(name) == target.name]
    ours = [api for api, mark in named if scope.owns(mark)]
    candidates = ours or [api for api, mark in named if mark is None]
    if len(candidates) > 1:
        ids = ", ".join(sorted(str(api[identifier]) for api in candidates))
        whose = "carry the mark of this service" if ours else "carry no mark"
        raise PipelineError(
            f"looking for {target.address}: several APIs of this name {whose}: {ids}",
            hint="delete or rename the ones that serve nobody",
        )
    return candidates[0] if candidates else None
