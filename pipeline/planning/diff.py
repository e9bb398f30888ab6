"""The difference between what is declared and what AWS has, property by property. Pure."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from pipeline.model.plan import FieldChange, Origin
from pipeline.model.type_spec import TypeSpec
from pipeline.model.values import (
    SENSITIVE,
    Expression,
    Properties,
    Secret,
    Unknown,
    Value,
    canonical_json,
    leaves,
    plain,
    references_of,
)

# Why the changes of some addresses are made: what only waits for them differs for that reason.
Cause = Callable[[Iterable[str]], Origin]


def by_git(_addresses: Iterable[str]) -> Origin:
    """The cause where nothing is known of other changes."""
    return Origin.GIT


# Properties by which the items of a list are told apart, so that a changed item is shown and not the whole list.
ITEM_KEYS = ("name", "path", "id")


def diff(
    spec: TypeSpec,
    desired: Properties,
    observed: Properties,
    released: tuple[Properties, Properties] | None = None,
    cause: Cause = by_git,
    tried: Sequence[tuple[Properties, Properties]] = (),
) -> tuple[FieldChange, ...]:
    """What must change for `observed` to become `desired` (resolved: no expressions left, unknowns allowed).

    `released` is (the properties declared now, the properties of the last release), both unresolved: a field that
    was not edited in between differs because of drift, or for the reason that `cause` gives of the changes that its
    value waits for. `tried` is the same of what runs declared that did not end, each as (resolved, unresolved): a
    value that one of them may have written is no drift. Absent, None and empty containers are the same.
    """
    changes = []
    rules, recorded = _Rules(spec), released[1] if released else {}
    for path in _differing(rules, desired, observed):
        after = at(desired, path)
        before = _presentable(spec.secretable, path, at(observed, path), after, at(recorded, path))
        shown = ".".join(path)
        hidden = _named(spec.sensitive, shown)
        known = not any(isinstance(leaf, Unknown) for leaf in leaves(after))
        changes.append(
            FieldChange(
                path=shown,
                before=_shown(before, hidden),
                after=_shown(after, hidden),
                known=known,
                origin=_origin(rules, path, observed, released, tried)
                if known
                else _awaited(rules, path, released, cause),
                forces_replacement=_named(spec.create_only, shown),
            )
        )
    return tuple(changes)


def same(spec: TypeSpec, one: Properties, other: Properties) -> bool:
    """True when a plan from one to the other would be empty."""
    return next(_differing(_Rules(spec), one, other), None) is None


class _Rules:
    """The parts of a type's metadata that comparing needs."""

    def __init__(self, spec: TypeSpec) -> None:
        self.ignored = (*spec.read_only, *spec.write_only, *spec.deriving)
        self.unordered = spec.unordered

    def is_unordered(self, path: Sequence[str]) -> bool:
        return any(fnmatchcase(".".join(path), pattern) for pattern in self.unordered)


def _differing(rules: _Rules, desired: Value, observed: Value, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if path and ".".join(path) in rules.ignored:
        return
    desired, observed = _comparable(rules, desired, path), _comparable(rules, observed, path)
    if isinstance(desired, Mapping) or isinstance(observed, Mapping):
        if path and not (isinstance(desired, Mapping) and isinstance(observed, Mapping)):
            yield path
            return
        for key in sorted({*(desired or {}), *(observed or {})}):
            yield from _differing(rules, (desired or {}).get(key), (observed or {}).get(key), (*path, key))
    elif not _equal(desired, observed):
        yield path


def _comparable(rules: _Rules, value: Value, path: tuple[str, ...]) -> Value:
    """Empty as None; lists of named items as maps; lists without an order sorted."""
    if value is None or (isinstance(value, (Mapping, list, tuple)) and not value):
        return None
    if isinstance(value, (list, tuple)):
        if keyed := _keyed(value):
            return keyed
        return sorted(value, key=_sort_key) if rules.is_unordered(path) else list(value)
    return value


def _keyed(items: Sequence[Value]) -> dict[str, Value] | None:
    for key in ITEM_KEYS:
        if all(isinstance(item, Mapping) and isinstance(item.get(key), str) for item in items):
            named = {item[key]: item for item in items}
            if len(named) == len(items):
                return named
    return None


def _sort_key(value: Value) -> str:
    return canonical_json(value)


def _equal(desired: Value, observed: Value) -> bool:
    if isinstance(desired, Secret) or isinstance(observed, Secret):
        return bool(_revealed(desired) == _revealed(observed))
    if isinstance(desired, (list, tuple)) and isinstance(observed, (list, tuple)):
        return len(desired) == len(observed) and all(map(_deep_equal, desired, observed))
    if isinstance(desired, bool) is not isinstance(observed, bool):
        return False
    return bool(desired == observed)


def _deep_equal(one: Value, other: Value) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        keys = {*one, *other}
        return all(_deep_equal(_none(one.get(key)), _none(other.get(key))) for key in keys)
    return _equal(_none(one), _none(other))


def _none(value: Value) -> Value:
    return None if isinstance(value, (Mapping, list, tuple)) and not value else value


def _revealed(value: Value) -> Value:
    return value.value if isinstance(value, Secret) else value


def at(properties: Value, path: Sequence[str]) -> Value:
    """The value at a path; None where there is none."""
    for key in path:
        if isinstance(properties, (list, tuple)):
            properties = _keyed(properties)
        properties = properties.get(key) if isinstance(properties, Mapping) else None
    return properties


def _presentable(secretable: Sequence[str], path: Sequence[str], before: Value, after: Value, recorded: Value) -> Value:
    """What AWS has, as far as it may be shown.

    AWS tells secrets in plain text. One is hidden where the specs have or had a secret; and where they say nothing of a
    value that may be one, unless the last release knew it as plain text.
    """
    if isinstance(before, Mapping):
        return {
            key: _presentable(secretable, (*path, key), value, at(after, [key]), at(recorded, [key]))
            for key, value in before.items()
        }
    unknown = after is None and before != recorded and _named(secretable, ".".join(path))
    if before is not None and (unknown or _holds_secret(after) or _holds_secret(recorded)):
        return SENSITIVE
    return before


def _shown(value: Value, hidden: bool) -> Any:
    if value is None:
        return None
    return SENSITIVE if hidden else json.loads(json.dumps(plain(value)))


def _holds_secret(value: Value) -> bool:
    return any(isinstance(leaf, Secret) for leaf in leaves(value))


def _named(patterns: Sequence[str], path: str) -> bool:
    """True when `path` is one of the patterns, or lies below one."""
    return any(path == pattern or path.startswith(f"{pattern}.") or fnmatchcase(path, pattern) for pattern in patterns)


def _origin(
    rules: _Rules,
    path: tuple[str, ...],
    observed: Properties,
    released: tuple[Properties, Properties] | None,
    tried: Sequence[tuple[Properties, Properties]],
) -> Origin:
    if released is None:
        return Origin.GIT
    declared, recorded = (at(properties, path) for properties in released)
    found = at(observed, path)
    if any(_wrote(rules, path, (at(value, path), at(raw, path)), recorded, found) for value, raw in tried):
        return Origin.GIT
    if not _edited(rules, path, declared, recorded):
        return Origin.DRIFT
    comparable = not any(isinstance(leaf, (Expression, Secret)) for leaf in leaves(recorded))
    moved = comparable and next(_differing(rules, recorded, found, path), None) is not None
    return Origin.BOTH if moved else Origin.GIT


def _wrote(rules: _Rules, path: tuple[str, ...], tried: tuple[Value, Value], recorded: Value, found: Value) -> bool:
    """True when a run that wanted `tried` may have made what was found; what cannot be compared it may have written."""
    value, raw = tried
    if any(isinstance(leaf, (Unknown, Secret)) for leaf in leaves(value)):
        return _edited(rules, path, raw, recorded)
    return next(_differing(rules, value, found, path), None) is None


def _edited(rules: _Rules, path: tuple[str, ...], declared: Value, recorded: Value) -> bool:
    return next(_differing(rules, plain(declared), plain(recorded), path), None) is not None


def _awaited(
    rules: _Rules, path: tuple[str, ...], released: tuple[Properties, Properties] | None, cause: Cause
) -> Origin:
    """The origin of what is known only after applying."""
    if released is None:
        return Origin.GIT
    declared, recorded = (at(properties, path) for properties in released)
    if _edited(rules, path, declared, recorded):
        return Origin.GIT
    return cause({reference.address for reference in references_of(declared)})
