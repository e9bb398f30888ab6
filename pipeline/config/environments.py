"""Environment files: `environments/<name>.env` checked against the built-in schema and the service's own.

Values are data: nothing in them is executed, and nothing is read from the process environment.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pipeline.config.dotenv import Assignment, parse
from pipeline.config.env_rules import DIRECTORY, SCHEMA, Rules
from pipeline.config.explanation import Complaint
from pipeline.config.files import Files
from pipeline.config.findings import Findings, Place, closest, did_you_mean, one_of, shown
from pipeline.config.nodes import boolean, integer, number
from pipeline.config.regions import ONE, SEVERAL, at_hand
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
from pipeline.model.scope import partition_of

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
NAME_RULE = "a letter, then at most 31 lower case letters, digits and dashes"

REQUIRED = ("SERVICE_NAME", "ENVIRONMENT", ONE)
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


def read_environment(files: Files, name: str, rules: Rules, findings: Findings, region: str | None = None) -> EnvFile:
    """One environment, with everything that is wrong with its file; of several regions `region`, or the first."""
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
    assignments = parse(text, file, findings, partial(at_hand, region=region)) if text is not None else None
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
        self._check_regions()
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
            if key == ONE and self.several:
                return  # told of AWS_REGIONS, which it is taken from
            self.findings.error(complaint.message, self.assignments[key].place, hint=complaint.hint)
        else:
            self.findings.error(complaint.message, Place(self.file), hint=complaint.hint)

    def _miss(self, key: str, hint: str | None) -> None:
        self.broken.add(key)
        if key == ONE and self.several:
            return
        near = closest(key, [other for other in self.assignments if other not in self.rules.shape.keys])
        self.strays |= {near} if near else set()
        meant = f": is {near} in line {self.assignments[near].place.line} meant?" if near else ""
        self.findings.error(f"{key} is missing{meant}", Place(self.file), hint=hint or f"add {key}=")

    @property
    def several(self) -> bool:
        """True when AWS_REGIONS says where the environment is, rightly or not."""
        one, several = self.assignments.get(ONE), self.assignments.get(SEVERAL)
        return several is not None and (one is None or one.place == several.place)

    def _check_regions(self) -> None:
        """One of the two keys, and regions of one partition: an account is of one."""
        if SEVERAL not in self.assignments:
            return
        place = self.assignments[SEVERAL].place
        if not self.several:
            hint = f"keep {ONE} for one region, {SEVERAL} for several"
            self.findings.error(f"{SEVERAL} and {ONE} cannot both be set: {ONE} is in line "
                                f"{self.assignments[ONE].place.line}", place, hint=hint)  # fmt: skip
            self.broken |= {ONE, SEVERAL}
        elif SEVERAL not in self.broken and len({partition_of(region) for region in self.typed[SEVERAL]}) > 1:
            self.findings.error(f"{SEVERAL} holds regions of several partitions: no account is in more than one", place)
            self.broken |= {ONE, SEVERAL}

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
        region=found.values[ONE],
        account=None if "AWS_ACCOUNT_ID" in found.unclear else found.values.get("AWS_ACCOUNT_ID"),
        values=found.values,
        typed=found.typed,
        file=found.file,
        secrets=found.secrets,
        regions=_regions(found),
        lines={key: place.line for key, place in found.places.items()},
    )


def _regions(found: EnvFile) -> tuple[str, ...]:
    """All of them; where that is wrong, the one at hand."""
    several, one = tuple(found.typed.get(SEVERAL) or ()), found.values[ONE]
    return several if one in several and SEVERAL not in found.unclear else (one,)


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
