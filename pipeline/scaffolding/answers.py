"""What a new service repository is to be called and where it is to run. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.errors import BadInput, Diagnostic

ENVIRONMENTS = {"dev": "dev", "staging": "staging", "production": "main"}
REGION = "us-east-1"

# The longest name that the template makes of it, a role's, has 64 characters: <service>-<environment>-functions.
_SERVICE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_SERVICE = 28
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,19}")
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]{2,5})?-(central|north|south|(north|south)?(east|west))-[0-9]{1,2}")
_ACCOUNT = re.compile(r"[0-9]{12}")
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,243}")


@dataclass(frozen=True)
class Tool:
    """Where the pipeline itself comes from: a git repository and a commit of it, both empty when nobody knows."""

    url: str = ""
    commit: str = ""

    @property
    def github(self) -> str | None:
        """`OWNER/NAME`, when the repository is on GitHub."""
        found = re.fullmatch(r"(?:https://github\.com/|git@github\.com:)([\w.-]+/[\w.-]+?)(?:\.git)?/?", self.url)
        return found.group(1) if found else None

    @property
    def is_local(self) -> bool:
        """True when it is known by a path of this machine alone, which is nobody else's."""
        return bool(self.url) and not re.match(r"(?!file:)[a-z+]+://|[\w.-]+@[\w.-]+:", self.url)

    def to_do(self) -> list[str]:
        """What has to be written by hand before others, and GitHub, can run it."""
        if self.github:
            return []
        workflow = "in .github/workflows/pipeline.yml, where the pipeline is on GitHub"
        if not self.is_local:
            return [workflow]
        return [f"url in ./run: it is {self.url}, which only this machine has; the commit stays", workflow]


@dataclass(frozen=True)
class Answers:
    """All that the template needs to know. `environments`: name -> branch. `accounts`: of all of them, or of none."""

    service: str
    region: str = REGION
    environments: Mapping[str, str] = field(default_factory=lambda: dict(ENVIRONMENTS))
    accounts: Mapping[str, str] = field(default_factory=dict)
    tool: Tool = Tool()

    def check(self) -> None:
        """BadInput with everything that cannot be right."""
        if problems := self.problems():
            raise BadInput.of(Diagnostic(message, hint=hint) for message, hint in problems)

    def problems(self) -> list[tuple[str, str]]:
        """What cannot be right, each with what is allowed."""
        return [*self._names(), *self._accounts()]

    def _names(self) -> list[tuple[str, str]]:
        found = []
        if not _SERVICE.fullmatch(self.service) or len(self.service) > _LONGEST_SERVICE:
            hint = f"lower case letters, digits and single dashes, at most {_LONGEST_SERVICE}, such as new-service"
            found.append((f'"{self.service[:60]}" is no name for a service', hint))
        if not _REGION.fullmatch(self.region):
            found.append((f'"{self.region[:60]}" is no region', "one such as us-east-1"))
        if not self.environments:
            found.append(("there is no environment", "name one, such as dev"))
        for name, branch in self.environments.items():
            if not _ENVIRONMENT.fullmatch(name):
                hint = "a letter, then at most 19 lower case letters, digits and dashes"
                found.append((f'"{name[:60]}" is no name for an environment', hint))
            if not _BRANCH.fullmatch(branch):
                found.append((f'"{branch[:60]}" is no branch', "letters, digits, dots, dashes and slashes"))
        return found

    def _accounts(self) -> list[tuple[str, str]]:
        found = [
            (f'"{account[:60]}" is no account', "12 digits")
            for account in self.accounts.values()
            if not _ACCOUNT.fullmatch(account)
        ]
        strange = sorted(set(self.accounts) - set(self.environments))
        found += [(f"there is no environment {name[:60]} to have an account", "name it") for name in strange]
        lacking = [name for name in self.environments if name not in self.accounts]
        if self.accounts and lacking:
            found.append((f"no account for {', '.join(lacking)}", "name one for every environment, or none at all"))
        return found


def service_name(directory: str) -> str:
    """A name for a service in a directory of that name; empty when nothing can be made of it."""
    words = re.sub(r"[^a-z0-9]+", "-", directory.lower()).strip("-")
    return re.sub(r"^[^a-z]+", "", words)[:_LONGEST_SERVICE].rstrip("-")


def environments(words: str) -> dict[str, str]:
    """`dev,production=main`: environment -> branch; without a branch the customary one, or the same name."""
    found = {}
    for word in filter(None, (one.strip() for one in words.split(","))):
        name, _, branch = word.partition("=")
        found[name] = branch or ENVIRONMENTS.get(name, name)
    return found


def accounts(words: tuple[str, ...], known: Mapping[str, str]) -> dict[str, str]:
    """`dev=123456789012` for one environment, `123456789012` for all of them."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, account = word.rpartition("=")
        found |= {name: account} if equals else dict.fromkeys(known, account)
    return found
