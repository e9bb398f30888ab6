"""Which of CloudFront's listed policies and controls are meant. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.resources.base import Target

Wire = Mapping[str, Any]


def chosen(targets: Sequence[Target], listed: Iterable[tuple[str, Wire]]) -> Iterator[tuple[Target, Wire]]:
    """Each target with its own of `listed` (name and what CloudFront says): that of the recorded id, else of its name.

    Names are unique, and can change: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CachePolicyConfig.html
    """
    named = dict(listed)
    known = {str(one["Id"]): one for one in named.values()}
    for target in targets:
        found = known.get(str(target.recorded.get("id"))) or named.get(target.name)
        if found is not None:
            yield target, found
