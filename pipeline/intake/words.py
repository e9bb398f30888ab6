"""The few words that events and intents share: names of environments, releases, and how outside text is shown."""

import re
from collections.abc import Iterable, Mapping

# Environment -> the branch whose pushes deploy it; None: no branch does.
Branches = Mapping[str, str | None]

PREVIOUS = "previous"
RELEASE_FORM = "a release number or `previous`"

_PLAIN = re.compile(r"[A-Za-z0-9._/+=-]{1,80}")
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?")
_RELEASE = re.compile(r"[1-9][0-9]{0,8}")
_LONGEST = 60


def quoted(text: str) -> str:
    """`text` as a reason may show it: as it is when harmless, else quoted, cut, and with nothing unprintable.

    Newlines, terminal sequences, characters that turn the direction of writing and lone surrogates become escapes.
    """
    if _PLAIN.fullmatch(text):
        return text
    return repr(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def release_of(text: str) -> str | None:
    """The release that `text` names: a positive number in its usual form, or `previous`; else None."""
    return text if text == PREVIOUS or _RELEASE.fullmatch(text) else None


def is_login(text: str) -> bool:
    """True for what can be the login of somebody on GitHub, enterprise-managed ones included."""
    return _LOGIN.fullmatch(text) is not None


def environments_of(branch: str, branches: Branches) -> tuple[str, ...]:
    """The environments that pushes to `branch` deploy."""
    return tuple(name for name, its_branch in branches.items() if its_branch == branch)


def own_name(name: str, branches: Branches, root: str) -> str:
    """The environment that `name` means: with several services it may have the folder of one before it (`root`)."""
    inner = name.removeprefix(f"{root}/") if root else name
    return inner if name not in branches and inner in branches else name


def one_of(names: Iterable[str]) -> str:
    """`dev, staging or production`; what an empty project has is said, too."""
    *others, last = [*names] or ["none is declared in pipeline.yaml"]
    return f"{', '.join(others)} or {last}" if others else last
