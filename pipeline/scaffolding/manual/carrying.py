"""A folder of the manual as a new repository: its specs and code, with what the template has for every repository."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from pipeline.config.nodes import boolean
from pipeline.config.secrecy import is_reference, secret_key, secret_shape
from pipeline.scaffolding.answers import ENVIRONMENTS, Answers
from pipeline.scaffolding.manual.folder import Folder
from pipeline.scaffolding.manual.notes import Carried
from pipeline.scaffolding.manual.specs import Specs, take
from pipeline.scaffolding.manual.translating import routes, translate
from pipeline.scaffolding.template import repository

# Of the template, what is of any service.
_COMMON = ("schemas/", ".github/", ".gitignore", ".pre-commit-config.yaml", "run")
_KEY = re.compile(r"^\s*(?:export\s+)?([A-Z_][A-Z0-9_]*)=(.*)$", re.MULTILINE)
PIPELINE = """\
# yaml-language-server: $schema=schemas/pipeline.json
environments:
{branches}
code:
  root: backend
  include: [{include}]
{requirements}"""
PRE_COMMIT_TESTS = re.compile(r"\n      - id: unittest\n.*", re.DOTALL)
PLACEHOLDER = '''\
"""Stands for code that was not in the folder: answers 501 until it is here."""

import json


def handler(event, context):
    """Entry point."""
    return {{"statusCode": 501, "body": json.dumps({{"message": "{name} is not carried over yet"}})}}
'''


def answers_of(folder: Folder, given: Answers) -> Answers:
    """What the folder says of the service, where the options did not."""
    config = folder.config
    named = {
        path.removeprefix("environments/").removesuffix(".env"): text for path, text in folder.environments.items()
    }
    names = [name for name in named if "/" not in name] or [str(config.get("environment", "production"))]
    account = str(config.get("account_id", ""))
    return replace(
        given,
        service=given.service or str(config.get("service_name", "")) or _service_in(folder),
        region=str(config.get("region", given.region)),
        environments={name: ENVIRONMENTS.get(name, name) for name in names},
        accounts=dict.fromkeys(names, account) if account else {},
    )


def _service_in(folder: Folder) -> str:
    """The name in the files of the environments, for a folder without config.json."""
    named = (dict(_KEY.findall(text)).get("SERVICE_NAME", "") for text in folder.environments.values())
    return next((_bare(name) for name in named if _bare(name)), "")


def _bare(value: str) -> str:
    return value.strip().strip("'\"")


def carry(folder: Folder, answers: Answers, today: date) -> Carried:
    """The files of the new repository, and what was changed or left behind."""
    carried = Carried()
    made = repository(answers)
    carried.files |= {path: text for path, text in made.items() if path.startswith(_COMMON)}
    hooks = str(carried.files[".pre-commit-config.yaml"])
    carried.files[".pre-commit-config.yaml"] = PRE_COMMIT_TESTS.sub("\n", hooks)
    specs = Specs(folder.aws)
    functions = list(specs.names("functions"))
    take(specs, routes(folder), functions, today, carried)
    translate(folder, specs, carried)
    _documents(folder, carried)
    _environments(folder, answers, carried)
    _code(folder, functions, answers, carried)
    carried.files["README.md"] = _readme(answers)
    return carried


def _documents(folder: Folder, carried: Carried) -> None:
    """JSON that no spec names would be read by nobody."""
    for path in folder.aws:
        if path not in carried.files:
            carried.left(f"{path}:1", "no spec names this document")


def _environments(folder: Folder, answers: Answers, carried: Carried) -> None:
    keys = {"SERVICE_NAME": answers.service, "AWS_REGION": answers.region}
    domain = folder.config.get("domain")
    for name in answers.environments:
        path = f"environments/{name}.env"
        text = folder.environments.get(path, "")
        known = dict(_KEY.findall(text))
        wanted = {**keys, "ENVIRONMENT": name} | (
            {"AWS_ACCOUNT_ID": answers.accounts[name]} if name in answers.accounts else {}
        )
        wanted |= {"DOMAIN": str(domain)} if domain and not text else {}
        added = {key: value for key, value in wanted.items() if key not in known}
        if _bare(known.get("SERVICE_NAME", answers.service)) != answers.service:
            carried.left(f"{path}:1", f"SERVICE_NAME stays {_bare(known['SERVICE_NAME'])}, not {answers.service}")
        if text and added:
            carried.changed(f"{path}:1", f"{', '.join(sorted(added))} added, from config.json")
        lines = [_without_secrets(text.rstrip("\n"), path, carried)] if text else []
        carried.files[path] = "\n".join([*lines, *(f"{key}={value}" for key, value in added.items())]) + "\n"


def _without_secrets(text: str, path: str, carried: Carried) -> str:
    """The file, its secrets taken out: what goes into a repository stays in its history."""

    def value(line: re.Match[str]) -> str:
        key, held = line[1], _bare(line[2])
        plain = not held or is_reference(held) or boolean(held) is not None
        if plain or not (secret_shape(held) or secret_key(key)):
            return line[0]
        place = text.count("\n", 0, line.start(1)) + 1
        carried.left(f"{path}:{place}", f"the value of {key}, which seems to be a secret: store it, and refer to it")
        return f"# {key}=ssm:/..."

    return _KEY.sub(value, text)


def _code(folder: Folder, functions: list[str], answers: Answers, carried: Carried) -> None:
    """The code that was found, and placeholders for handlers that were not."""
    carried.files |= {f"backend/{path}": data for path, data in folder.code.items()}
    for name in functions:
        module = name.removeprefix("${SERVICE_NAME}-").removeprefix(f"{answers.service}-").replace("-", "_")
        path = f"backend/handlers/{module}.py"
        if path not in carried.files and re.fullmatch(r"\w+", module):
            carried.files[path] = PLACEHOLDER.format(name=module)
            carried.left("backend:1", f"the code of {name} was not found: {path} answers 501 until it is here")
    tops = sorted({path.split("/")[1] for path in carried.files if path.startswith("backend/") and path.count("/") > 1})
    needs = "  requirements: backend/requirements.txt\n" if "backend/requirements.txt" in carried.files else ""
    branches = "\n".join(f"  {name}: {branch}" for name, branch in answers.environments.items())
    carried.files["pipeline.yaml"] = PIPELINE.format(branches=branches, include=", ".join(tops), requirements=needs)


def _readme(answers: Answers) -> str:
    first = next(iter(answers.environments))
    return f"""# {answers.service}

    ./run pipeline validate
    ./run pipeline plan --env {first} --local
    ./run pipeline deploy --env {first} --local    # to an AWS on this machine; no account is needed
"""


def by_kind(carried: Carried) -> Mapping[str, list[str]]:
    """kind -> remarks, for people."""
    found: dict[str, list[str]] = {}
    for note in carried.notes:
        found.setdefault(note.kind, []).append(str(note))
    return found
