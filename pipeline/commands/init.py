"""`pipeline init`: a new service repository that deploys at once."""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import click

from pipeline.commands.questions import ask
from pipeline.errors import BadInput
from pipeline.reporting.console import Console
from pipeline.scaffolding import answers as asking
from pipeline.scaffolding.answers import Answers, Tool
from pipeline.scaffolding.manual.carrying import by_kind
from pipeline.scaffolding.manual.notes import Carried

EPILOG = """\b
Examples:
  pipeline init orders                                          asks on a terminal
  pipeline init orders --service orders --region eu-west-1 --environments dev,production=main
  pipeline init orders --account dev=123456789012 --account production=123456789012
  pipeline init orders --from-manual ../new-service-infra/infrastructure
  pipeline init --schemas .                                     writes the editors' schemas anew
"""


@click.command(epilog=EPILOG)
@click.argument("directory", type=click.Path(path_type=Path, file_okay=True))
@click.option("--service", metavar="NAME", help="Name of the service. [default: the directory's]")
@click.option("--region", metavar="REGION", help=f"AWS region. [default: {asking.REGION}]")
@click.option(
    "--environments",
    metavar="NAMES",
    help="Environments, each with =BRANCH if need be. [default: dev,staging,production=main]",
)
@click.option(
    "--account",
    "accounts",
    metavar="[ENV=]ID",
    multiple=True,
    help="AWS account of one environment, or of all; may be repeated.",
)
@click.option(
    "--tool", metavar="URL@COMMIT", help="Where the repository fetches the pipeline. [default: where this one is from]"
)
@click.option(
    "--from-manual",
    "manual",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Take specs and scripts of a folder that was run by hand; says what it could not carry over.",
)
@click.option("--schemas", is_flag=True, help="Only write schemas/ of an existing repository anew.")
@click.option("--yes", is_flag=True, help="Ask nothing, on a terminal either: what is not given takes its default.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one document on stdout, people's text on stderr.",
)
def command(
    directory: Path, service: str | None, region: str | None, environments: str | None, accounts: tuple[str, ...],
    tool: str | None, manual: Path | None, schemas: bool, yes: bool, form: str,
) -> int:  # fmt: skip
    """Make a new service repository in DIRECTORY, with a function behind an API and its table, that deploys at once.

    Asks on a terminal for what no option says. Refuses a directory that is not empty.
    """
    console = Console.of_process(form)
    if schemas:
        return _write_schemas(directory, console)
    from pipeline.scaffolding.template import EXECUTABLE, repository  # noqa: PLC0415 - imports all resource types
    from pipeline.scaffolding.writing import check_free, write  # noqa: PLC0415 - comes with the one above

    check_free(directory)
    if manual is not None:
        _check_alone({"--region": region, "--environments": environments, "--account": accounts})
        from pipeline.commands.carrying_over import carry_over  # noqa: PLC0415 - only this needs it

        origin = _tool(tool)
        carried = carry_over(manual, Answers(service or "", tool=origin))
        write(directory, carried.files, EXECUTABLE)
        console.result(*told_of(carried, directory, origin))
        return 0
    asks = sys.stdin.isatty() and form == "text" and not yes
    found = _answers(directory, (service, region, environments), accounts, tool, asks=asks)
    found.check()
    files = repository(found)
    write(directory, files, EXECUTABLE)
    tool_document = {"url": found.tool.url, "commit": found.tool.commit, "to_do": found.tool.to_do()}
    document = {"directory": str(directory), "service": found.service, "files": sorted(files), "tool": tool_document}
    console.result(document, _told(directory, found, len(files)))
    return 0


def _check_alone(given: Mapping[str, object]) -> None:
    if beside := [name for name, value in given.items() if value]:
        raise BadInput(
            f"{', '.join(beside)} beside --from-manual, whose folder says it",
            hint="change its config.json and environments/ before, or those of the new repository after",
        )


def told_of(carried: Carried, directory: Path, tool: Tool) -> tuple[dict[str, object], str]:
    """The document and the text about what was carried over, and what was not."""
    found = by_kind(carried)
    kinds = {kind: found.get(kind, []) for kind in ("changed", "left")}
    document: dict[str, object] = {"directory": str(directory), "files": sorted(carried.files), **kinds}
    lines = [f"{directory} has what could be carried over: {len(carried.files)} files"]
    for kind, title in (("changed", "is another way than it was"), ("left", "was not carried over")):
        if kinds[kind]:
            lines += ["", f"  {title}:", *(f"    {note}" for note in kinds[kind])]
    lines += ["", f"  next: cd {directory} && ./run pipeline validate"]
    if to_do := tool.to_do():
        lines += ["", "  before others, or GitHub, can run it, edit:", *(f"    {one}" for one in to_do)]
    return document, "\n".join(lines)


def _answers(
    directory: Path,
    given: tuple[str | None, str | None, str | None],
    accounts: tuple[str, ...],
    tool: str | None,
    *,
    asks: bool,
) -> Answers:
    """What the options say, then what the terminal answers, then the defaults."""
    usual = "dev,staging,production=main"
    own = asking.service_name(directory.absolute().name)
    service = _ask("service", given[0], own, Answers, asks=asks)
    region = _ask("region", given[1], asking.REGION, lambda text: Answers("any", text), asks=asks)
    named = _ask(
        "environments", given[2], usual, lambda text: Answers("any", environments=asking.environments(text)), asks=asks
    )
    names = asking.environments(named)
    known = _ask_accounts(names) if asks and not accounts else asking.accounts(accounts, names)
    return Answers(service, region, names, known, _tool(tool))


def _ask_accounts(names: Iterable[str]) -> dict[str, str]:
    """The account of each environment: of all of them, or of none."""
    known: dict[str, str] = {}
    for name in names:
        before = next(iter(known.values()), "")
        text = f"AWS account of {name}" + ("" if before else " (empty: none yet)")
        answer = ask(text, before, _checked(_of_account))
        if not answer:
            break
        known[name] = answer
    return known


def _of_account(text: str) -> Answers:
    return Answers("any", environments={"any": "any"}, accounts={"any": text})


def _ask(what: str, given: str | None, default: str, wanted: Callable[[str], Answers], *, asks: bool) -> str:
    if given is not None or not asks:
        return default if given is None else given
    return ask(what, default, _checked(wanted))


def _checked(wanted: Callable[[str], Answers]) -> Callable[[str], str]:
    """Refuses an answer that cannot be right. None at all is for the caller to judge where it may be given."""

    def check(text: str) -> str:
        for message, hint in wanted(text.strip()).problems() if text.strip() else ():
            raise click.UsageError(f"{message}; try: {hint}")
        return text

    return check


def _tool(given: str | None) -> Tool:
    from pipeline.scaffolding.origin import tool, without_secret  # noqa: PLC0415 - asks git, which only this needs

    if given is None:
        return tool()
    url, _, commit = given.rpartition("@")
    if not url or not commit:
        raise BadInput(
            f'--tool is "{given[:80]}"', hint="write URL@COMMIT, such as https://github.com/OWNER/pipeline@v1.2.0"
        )
    return Tool(without_secret(url), commit)


def _told(directory: Path, found: Answers, count: int) -> str:
    first = next(iter(found.environments))
    lines = [f"{found.service} is in {directory}: {count} files", ""]
    lines += ["  next:"]
    lines += [f"    cd {directory}"] if directory.absolute() != Path.cwd() else []
    lines += [f"    ./run pipeline deploy --env {first} --local", "    git init && git add . && git commit -m 'Begin'"]
    rest = [] if found.accounts else ["AWS_ACCOUNT_ID in environments/*.env"]
    others = ("before others, or GitHub, can run it, edit", found.tool.to_do())
    for title, what in (("before AWS is used", rest), others):
        lines += ["", f"  {title}:", *(f"    {one}" for one in what)] if what else []
    return "\n".join(lines)


def _write_schemas(directory: Path, console: Console) -> int:
    from pipeline.scaffolding.editor_schemas import schemas  # noqa: PLC0415 - imports all resource types

    if not (directory / "pipeline.yaml").is_file():
        raise BadInput(f"{directory} has no pipeline.yaml", hint="name the root of a service's repository")
    files = schemas()
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    console.result({"directory": str(directory), "files": sorted(files)}, f"wrote {', '.join(sorted(files))}")
    return 0
