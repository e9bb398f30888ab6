"""Turns nodes into values for one environment: variables filled in, text converted to what the schema wants. Pure.

What cannot be told yet becomes a Placeholder: an Expression over another resource's outputs, a Secret, or None for what
has an error elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.config import secrecy
from pipeline.config.attachments import SUFFIXES, Attachments
from pipeline.config.environments import converted
from pipeline.config.explanation import Complaint
from pipeline.config.findings import Findings, Place, dotted
from pipeline.config.nodes import Items, Node, Scalar, Table, boolean
from pipeline.config.shape import Shape, json_type
from pipeline.config.validation import Placeholder
from pipeline.config.variables import Filled, Variables
from pipeline.model.values import Expression, Secret

PropertyPath = tuple[str | int, ...]

_DOCUMENTS = ("policy-document", "document")


@dataclass(frozen=True)
class Link:
    """A property that names a declared resource of one of `types`, by the schema's word `references`.

    `arns`: the ARN of another one would do, too.
    """

    types: tuple[str, ...]
    name: str
    place: Place
    path: PropertyPath
    arns: bool = True


@dataclass(frozen=True)
class _Context:
    """What holds for a value and all below it. `free`: its key is the author's choice. `document`: see Variables."""

    free: bool = False
    document: bool = False


@dataclass
class Renderer:
    """Renders one document. `sensitive` are dotted paths (`*` for any part) whose values are never shown.

    Filled while rendering: `places` of values, `keys` of their keys, `used` variables, `links`; `unclear` once a value
    has an error, `broken` once such a value should have been a list or a mapping. `address` is the resource's, for
    diagnostics.
    """

    findings: Findings
    variables: Variables | None = None
    attachments: Attachments | None = None
    sensitive: tuple[str, ...] = ()
    address: str | None = None
    places: dict[PropertyPath, Place] = field(default_factory=dict)
    keys: dict[PropertyPath, Place] = field(default_factory=dict)
    used: dict[PropertyPath, tuple[str, ...]] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    unclear: bool = False
    broken: bool = False

    def render(self, node: Node, shape: Shape) -> Any:
        """The value of a whole document or item."""
        self.places[()] = node.place
        return self._value(node, shape, (), _Context())

    def text(self, node: Node) -> str | None:
        """The text of a scalar, or None when it is none or not known."""
        if not isinstance(node, Scalar):
            return None
        filled = self._fill(node, _Context()).value
        return None if isinstance(filled, Placeholder) else filled

    def place(self, complaint: Complaint) -> Place:
        """Where to look for a complaint."""
        if complaint.at_key and complaint.path in self.keys:
            return self.keys[complaint.path]
        return self.place_of(complaint.path)

    def place_of(self, path: PropertyPath) -> Place:
        """The place of a value, or of the nearest one around it that is written in a file."""
        while path not in self.places:
            path = path[:-1]
        return self.places[path]

    def origin(self, path: PropertyPath) -> str:
        """Which variables made a value, as an addition to a message."""
        return self.variables.origin(self.used.get(path, ())) if self.variables else ""

    def _value(self, node: Node, shape: Shape, path: PropertyPath, context: _Context) -> Any:
        document = shape.word("format") in _DOCUMENTS
        if isinstance(node, Scalar):
            filled = self._fill(node, context)
            if document and self.attachments and self._is_path(filled.value, shape):
                return self._attached(self.attachments, filled.value, node, shape, path)
            value = self._scalar(node, filled, shape, path, context)
            if isinstance(value, Placeholder) and value.value is None:
                self.unclear = True
                self.broken = self.broken or not _takes_scalars(shape)
            return value
        inner = _Context(document=context.document or document)
        if isinstance(node, Items):
            return [self._item(item, shape.item(index), (*path, index), inner) for index, item in enumerate(node.items)]
        return self._mapping(node, shape, path, inner)

    def _item(self, node: Node, shape: Shape, path: PropertyPath, context: _Context) -> Any:
        self.places[path] = node.place
        return self._value(node, shape, path, context)

    def _mapping(self, node: Table, shape: Shape, path: PropertyPath, context: _Context) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for written, entry in node.entries.items():
            key = self._key(written, entry.place, context)
            if key is None:
                self.unclear = True
                continue
            here = (*path, key)
            if key in found:
                self._error(f"key {key} appears twice once variables are filled in", entry.place)
                continue
            self.keys[here] = entry.place
            same_line = isinstance(entry.node, Scalar) or entry.node.place.line == entry.place.line
            self.places[here] = entry.node.place if same_line else entry.place
            free = not shape.declares(key)
            found[key] = self._value(entry.node, shape.child(key), here, _Context(free, context.document))
        return found

    def _key(self, text: str, place: Place, context: _Context) -> str | None:
        if "${" not in text:
            return text
        filled = self._fill(Scalar(text, place), context).value
        if isinstance(filled, Placeholder):
            if filled.value is not None:
                self._error(f"key {text}: a key must be known before deploying", place)
            return None
        return filled

    def _fill(self, node: Scalar, context: _Context) -> Filled:
        if self.variables is None:
            return Filled(node.text)
        return self.variables.fill(node, foreign=context.document, address=self.address)

    def _scalar(self, node: Scalar, filled: Filled, shape: Shape, path: PropertyPath, context: _Context) -> Any:
        text = filled.value
        if filled.used:
            self.used[path] = filled.used
        if isinstance(text, Placeholder):
            return self._placeholder(text, node, shape, path)
        if filled.used:
            if not shape.types and filled.typed is not None:
                return filled.typed
        else:
            self._check_literal(text, node, path, context)
        if self.variables is not None and not context.document and secrecy.is_reference(text):
            secret = self._secret(text, node, shape, path, ambiguous=secrecy.is_action(text))
            if secret is not None:
                return secret
        if shape.word("secrets") is True and secrecy.is_malformed_reference(text):
            message = f"{dotted(path)} is no complete reference to a secret"
            self._error(message, node.place, hint="write ssm:/path or secretsmanager:name#key")
        self._link(text, node, shape, path)
        return _typed(text, node, shape, filled=bool(filled.used))

    def _placeholder(self, text: Placeholder, node: Scalar, shape: Shape, path: PropertyPath) -> Any:
        if isinstance(text.value, Secret):
            return self._secret(str(text), node, shape, path)
        return text

    def _secret(
        self, reference: str, node: Scalar, shape: Shape, path: PropertyPath, *, ambiguous: bool = False
    ) -> Placeholder | None:
        """The secret, where one may stand. `ambiguous`: elsewhere it is text that only looks like a reference."""
        if shape.word("secrets") is True or _covered(path, self.sensitive):
            return Placeholder(reference, Secret(reference))
        if ambiguous:
            return None
        self._error(
            f"{dotted(path) or 'this'} is a reference to a secret ({reference}), and its value would be shown here",
            node.place,
            hint="use it where values stay hidden, such as the environment of a function",
        )
        return Placeholder(reference, None)

    def _check_literal(self, text: str, node: Scalar, path: PropertyPath, context: _Context) -> None:
        """Refuses secrets that are written down; what comes from an env file is checked there."""
        if self.variables is None or secrecy.is_reference(text):
            return
        looks = secrecy.secret_shape(text, guess=context.free and not context.document)
        named = context.free and not context.document and isinstance(path[-1], str) and secrecy.secret_key(path[-1])
        if looks:
            self._error(f"{dotted(path)} looks like {looks}", node.place, hint=secrecy.REFERENCE_HINT)
        elif named and text and node.value() is not None and boolean(text) is None:
            message = f"{dotted(path)} is a secret by its name, written down as text"
            self._error(message, node.place, hint=secrecy.REFERENCE_HINT)

    def _link(self, text: str, node: Scalar, shape: Shape, path: PropertyPath) -> None:
        types = shape.word("references")
        if types and text and not text.startswith("arn:"):
            named = (types,) if isinstance(types, str) else tuple(types)
            self.links.append(Link(named, text, node.place, path, arns=not shape.word("pattern")))

    def _is_path(self, text: str, shape: Shape) -> bool:
        """True when text at a place for documents names one; `lambda.amazonaws.com` may be a short form of its own."""
        if isinstance(text, Placeholder):
            return False
        return "string" not in shape.types or text.endswith(SUFFIXES)

    def _attached(self, attachments: Attachments, text: str, node: Scalar, shape: Shape, path: PropertyPath) -> Any:
        found = attachments.load(text, node.place, self.findings, self.address)
        if found is None:
            self.unclear = self.broken = True
            return Placeholder(text, None)
        self.places[path] = found.place
        return self._value(found, shape, path, _Context(document=True))

    def _error(self, message: str, place: Place, *, hint: str | None = None) -> None:
        self.findings.error(message, place, hint=hint, address=self.address)


def _takes_scalars(shape: Shape) -> bool:
    return not shape.types or not shape.types <= {"object", "array", "null"}


def _covered(path: PropertyPath, patterns: tuple[str, ...]) -> bool:
    """True when one of the dotted patterns names `path` or something around it."""
    for pattern in patterns:
        parts = pattern.split(".")
        if len(parts) <= len(path) and all(p in ("*", str(q)) for p, q in zip(parts, path, strict=False)):
            return True
    return False


def _typed(text: str, node: Scalar, shape: Shape, *, filled: bool) -> Any:
    """The text as one of the types that are wanted; as YAML reads it when none of them fits."""
    native: Any = text if filled else node.value()
    if shape.choices:
        candidates = [native, text, converted(text, _without_text(shape))]
        for candidate in candidates:
            if any(type(choice) is type(candidate) and choice == candidate for choice in shape.choices):
                return candidate
    if "string" in shape.types and (shape.takes_text or not shape.choices):
        return text if native is not None or not node.plain else native
    wanted = json_type(native)
    if wanted in shape.types or not shape.types or (wanted == "integer" and "number" in shape.types):
        return native
    return converted(text, shape) if filled else native


def _without_text(shape: Shape) -> Shape:
    return Shape(({"type": sorted(shape.types - {"string"})}, {}))


def unwrapped(value: Any) -> Any:
    """`value` with placeholders replaced by what they stand for: what is unclear stands for its own text."""
    if isinstance(value, Placeholder):
        return Expression((str(value),)) if value.value is None else value.value
    if isinstance(value, Mapping):
        return {key: unwrapped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unwrapped(item) for item in value]
    return value
