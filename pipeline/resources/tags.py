"""What AWS takes as tags, whatever the resource, and which of them are left to authors. Pure.

https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html#id_tags_naming_best_practices
"""

import unicodedata
from collections.abc import Iterator, Mapping

from pipeline.model.resource import MARK_PREFIX, Resource
from pipeline.model.values import Value

LONGEST_KEY = 128
LONGEST_VALUE = 256
MOST = 47  # AWS takes 50, three of which are the ownership mark

Rule = tuple[str, tuple[str, ...], str | None]


def broken_rules(resource: Resource) -> Iterator[Rule]:
    """(message, path, hint) for all that AWS would refuse in the resource's tags or in its ownership mark."""
    tags = resource.properties.get("tags")
    if isinstance(tags, Mapping):
        if len(tags) > MOST:
            yield f"there are {len(tags)} tags; AWS takes {MOST} besides the ownership mark", ("tags",), None
        for key, value in tags.items():
            yield from _of_tag(key, value)
    address = resource.address
    if len(address) > LONGEST_VALUE or not _is_text(address):
        message = (
            f"{address[:60]} cannot be marked as ours: AWS takes {LONGEST_VALUE} letters, digits and _.:/=+-@ in tags"
        )
        yield message, ("name",), "choose a shorter name without other characters"


def _of_tag(key: str, value: Value) -> Iterator[Rule]:
    path = ("tags", key)
    if key.lower().startswith("aws:"):
        yield f"tag {key[:60]}: keys that begin with aws: are AWS's own", path, "choose another key"
    elif key.startswith(MARK_PREFIX):
        yield f"tag {key[:60]}: keys that begin with {MARK_PREFIX} are the ownership mark", path, "choose another key"
    elif not 1 <= len(key) <= LONGEST_KEY or not _is_text(key):
        yield (
            f'the key of tag "{key[:60]}" must have 1 to {LONGEST_KEY} letters, digits, spaces and _.:/=+-@',
            path,
            None,
        )
    if isinstance(value, str) and not _is_text(value):
        yield f"tag {key[:60]}: AWS takes letters, digits, spaces and _.:/=+-@ as a value", path, None


def _is_text(text: str) -> bool:
    """True for letters, digits and spaces of any language, and the few signs that AWS takes."""
    return all(character in "_.:/=+-@" or unicodedata.category(character)[0] in "LNZ" for character in text)
