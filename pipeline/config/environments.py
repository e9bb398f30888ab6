"""Environment files: `environments/<name>.env` checked against the built-in schema and the service's own.

Values are data: nothing in them is executed, and nothing is read from the process environment.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.config.dotenv import Assignment, parse
from pipeline.config.env_rules import DIRECTORY, SCHEMA, Rules
from pipeline.config.explanation import Complaint
from pipeline.config.files import Files
from pipeline.config.findings import Findings, Place, closest, did_you_mean, one_of, shown
from pipeline.config.nodes import boolean, integer, number
from pipeline.config.secrecy import (
    REFERENCE_HINT,
    is_malformed_reference,
    is_reference,
    secret_key,
    secret_shape,
)
from pipeline.config.shape import Shape
from pipeline.config.validation import Placeholder
from pipeline.model.environment import Environment

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
NAME_RULE = "a letter, then at most 31 lower case letters, digits and dashes"

REQUIRED = ("SERVICE_NAME", "ENVIRONMENT", "AWS_REGION")
_COMMAND = re.compile(r"\$\(|`")


@dataclass(frozen=True)
class EnvFile:
    """One env file as read: `values` as text, `typed` as the schema wants them, both with the schema's defaults.

    `environment` is None when a key is missing or wrong that everything else stands on. `unclear` names keys that are
    missing or wrong here: what is made of them is not judged, since the error is told already; `strays` are keys that
    should not be here. `readable` is False when nothing of the file is known. `places` leads to the keys.
    """

    name: str
    file: str
    values: Mapping[str, str] = field(default_factory=dict)
    typed: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    unclear: frozenset[str] = frozenset()
    strays: frozenset[str] = frozenset()
    environment: Environment | None = None
    readable: bool = True


def names_of(files: Files) -> list[str]:
    """The names of the environments that have a file."""
    names = (name.removesuffix(".env") for name in files.names(DIRECTORY) if name.endswith(".env"))
    return [name for name in names if name and not name.startswith(".")]


def read_environment(files: Files, name: str, rules: Rules, findings: Findings) -> EnvFile:
    """One environment, with everything that is wrong with its file."""
    file = f"{DIRECTORY}/{name}.env"
    if not NAME.fullmatch(name):
        findings.error(f"{shown(name)} is no name for an environment", Place(file), hint=f"use {NAME_RULE}")
        return EnvFile(name, file, readable=False)
    if not files.exists(file):
        known = names_of(files)
        findings.error(
            f"there is no environment {name}{did_you_mean(name, known)}", Place(file), hint=f"one of {', '.join(known)}"
        )
        return EnvFile(name, file, readable=False)
    text = files.text(file, findings)
    assignments = parse(text, file, findings) if text is not None else None
    if assignments is None:
        return EnvFile(name, file, readable=False)
    return _Check(name, file, assignments, rules, findings).result()


class _Check:
    """The checks of one file, in the order in which a later one may build on an earlier one."""

    def __init__(
        self, name: str, file: str, assignments: dict[str, Assignment], rules: Rules, findings: Findings
    ) -> None:
        self.name = name
        self.file = file
        self.assignments = assignments
        self.rules = rules
        self.findings = findings
        self.broken = {key for key, one in assignments.items() if not one.known}
        self.secrets = {key for key, one in assignments.items() if is_reference(one.value)}
        self.strays: set[str] = set()
        self.typed: dict[str, Any] = {}
        self.meant: dict[str, str] = {}  # what a wrong value stands for, where there is no doubt

    def result(self) -> EnvFile:
        """Runs the checks."""
        for one in self.assignments.values():
            if one.known:
                self._check_secrecy(one)
                self._check_commands(one)
        self.typed = {key: self._typed(one) for key, one in self.assignments.items()}
        self._check_schema()
        self._check_name()
        values = {key: one.value for key, one in self.assignments.items()} | self.meant
        typed = {key: str(v) if isinstance(v, Placeholder) else v for key, v in self.typed.items()} | self.meant
        for key, value in self.rules.defaults().items():
            typed.setdefault(key, value)
            values.setdefault(key, as_text(value))
        found = EnvFile(
            name=self.name,
            file=self.file,
            values=values,
            typed=typed,
            places={key: one.place for key, one in self.assignments.items()},
            secrets=frozenset(self.secrets),
            unclear=frozenset(self.broken),
            strays=frozenset(self.strays),
        )
        return replace(found, environment=environment_of(found))

    def _check_secrecy(self, one: Assignment) -> None:
        shape = self.rules.shape.child(one.key)
        declared = shape.word("secret")
        if one.key in self.secrets and one.key in (*REQUIRED, "AWS_ACCOUNT_ID"):
            self.secrets.discard(one.key)
            self._refuse(one, "cannot be a reference to a secret: everything is named by it", "write the value itself")
            return
        if one.key in self.secrets or not one.value or declared is False:
            return
        if is_malformed_reference(one.value):
            self._refuse(one, "is no complete reference to a secret", "write ssm:/path or secretsmanager:name#key")
            return
        looks = secret_shape(one.value)
        typed = bool(shape.types) and "string" not in shape.types
        if looks:
            self._refuse(one, f"looks like {looks}", REFERENCE_HINT)
        elif declared is True or (secret_key(one.key) and not typed and boolean(one.value) is None):
            self._refuse(one, "is a secret by its name, written down as text", REFERENCE_HINT)

    def _refuse(self, one: Assignment, why: str, hint: str) -> None:
        self.findings.error(f"{one.key} {why}", one.place, hint=hint)
        self.broken.add(one.key)

    def _check_commands(self, one: Assignment) -> None:
        if _COMMAND.search(one.value) and one.key not in self.broken:
            self.findings.warning(
                f"{one.key} holds $( or `: this is literal text, no command is run", one.place, hint="write the value"
            )

    def _typed(self, one: Assignment) -> Any:
        """The value as its schema wants it; text that cannot be converted stays text, for the schema to refuse."""
        if one.key in self.broken or one.key in self.secrets:
            return Placeholder(one.value, one.value)
        return converted(one.value, self.rules.shape.child(one.key))

    def _check_schema(self) -> None:
        for key, one in self.assignments.items():
            if not self.rules.knows(key):
                self.strays.add(key)
                known = self.rules.shape.keys
                self.findings.error(
                    f"unknown key {key}{did_you_mean(key, known)}",
                    one.place,
                    hint=f"{one_of(known)}; or declare it in {SCHEMA}",
                )
        seen: set[tuple[tuple[str | int, ...], str]] = set()
        for checker in self.rules.checkers:
            complaints = [
                c for c in checker.complaints(self.typed) if not c.unknown and (c.path, c.message) not in seen
            ]
            seen |= {(c.path, c.message) for c in complaints}
            for complaint in complaints:
                self._complain(complaint)

    def _complain(self, complaint: Complaint) -> None:
        if complaint.missing and not complaint.path:
            self._miss(complaint.missing, complaint.hint)
        elif complaint.path:
            key = str(complaint.path[0])
            self.broken.add(key)
            self.findings.error(complaint.message, self.assignments[key].place, hint=complaint.hint)
        else:
            self.findings.error(complaint.message, Place(self.file), hint=complaint.hint)

    def _miss(self, key: str, hint: str | None) -> None:
        self.broken.add(key)
        near = closest(key, [other for other in self.assignments if other not in self.rules.shape.keys])
        self.strays |= {near} if near else set()
        meant = f": is {near} in line {self.assignments[near].place.line} meant?" if near else ""
        self.findings.error(f"{key} is missing{meant}", Place(self.file), hint=hint or f"add {key}=")

    def _check_name(self) -> None:
        one = self.assignments.get("ENVIRONMENT")
        if one and "ENVIRONMENT" not in self.broken and one.value != self.name:
            self.findings.error(
                f"ENVIRONMENT is {shown(one.value)}, but this is the file of {self.name}",
                one.place,
                hint=f"write ENVIRONMENT={self.name}, or rename the file",
            )
            self.meant["ENVIRONMENT"] = self.name


def environment_of(found: EnvFile) -> Environment | None:
    """The environment that a file describes; None when a key is missing or wrong that everything else stands on."""
    if any(key in found.unclear or key not in found.values for key in REQUIRED):
        return None
    return Environment(
        name=found.name,
        service=found.values["SERVICE_NAME"],
        region=found.values["AWS_REGION"],
        account=None if "AWS_ACCOUNT_ID" in found.unclear else found.values.get("AWS_ACCOUNT_ID"),
        values=found.values,
        typed=found.typed,
        file=found.file,
        secrets=found.secrets,
        lines={key: place.line for key, place in found.places.items()},
    )


def converted(text: str, shape: Shape) -> Any:
    """Text as the type that is wanted at its place; unchanged when it is no such thing, or when text will do."""
    types = shape.types
    if not types or "string" in types:
        return text
    if "array" in types and not types & {"integer", "number", "boolean"}:
        parts = [part.strip() for part in text.split(",")] if text.strip() else []
        return [converted(part, shape.item(index)) for index, part in enumerate(parts)]
    for name, convert in (("integer", integer), ("number", number), ("boolean", boolean)):
        value = convert(text) if name in types else None
        if value is not None:
            return value
    return text


def as_text(value: Any) -> str:
    """A typed value as an env file would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(as_text(item) for item in value)
    return str(value)


def check_parity(read: Sequence[EnvFile], findings: Findings) -> dict[str, frozenset[str]]:
    """Errors for keys that only some files have; environment -> the keys that it lacks."""
    files = [one for one in read if one.readable]
    places = {one.name: {key: at for key, at in one.places.items() if key not in one.strays} for one in files}
    everywhere = [set(places[one.name]) for one in files]
    shared = {key for keys in everywhere for key in keys}
    lacking = {one.name: shared - places[one.name].keys() for one in files}
    meant = {}
    for one in files:
        own = [key for key in places[one.name] if sum(key in keys for keys in everywhere) == 1]
        for key in sorted(lacking[one.name]):
            meant[one.name, key] = closest(key, own)
    # A slip of the pen is told once, where it happened: where most files have another key, else in the first file.
    slips = {slip for (_, key), slip in meant.items() if slip and sum(key in keys for keys in everywhere) > 1}
    for one in files:
        for key in sorted(lacking[one.name] - one.unclear - slips):  # unclear: told already, the schema wants it
            having = ", ".join(str(places[other.name][key]) for other in files if key in places[other.name])
            slip = meant[one.name, key]
            slips |= {slip} if slip else set()
            guess = f": is {slip} in line {places[one.name][slip].line} meant?" if slip else ""
            findings.error(
                f"{key} is missing here; it is set in {having}{guess}",
                Place(one.file),
                hint=f"add {key}= to {one.file}, or remove it from the others",
            )
    return {name: frozenset(keys) for name, keys in lacking.items()}
