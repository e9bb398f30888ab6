"""`pipeline package`: builds the bundles of functions and layers."""

import shutil
from pathlib import Path

import click

from pipeline.commands.bundling import code_of, package
from pipeline.commands.options import in_regions
from pipeline.commands.regions import Way
from pipeline.commands.workspace import Workspace
from pipeline.errors import BadInput
from pipeline.reporting.style import counted, size, table

EPILOG = """\b
Examples:
  pipeline package --env production --out build
  pipeline package --env dev --local        wheels for the interpreter of the embedded AWS
"""


@click.command(epilog=EPILOG)
@in_regions(Way.ONCE)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Copy the archives here, one per function and layer.",
)
def command(space: Workspace, out: Path | None) -> int:
    """Build the bundles; equal input gives equal bytes on any machine.

    What did not change is not built again.
    """
    desired, archives = package(space)
    functions, layers = code_of(desired)
    addresses = {code.address for code in functions} | {code.address for code in layers}
    built = {r.address: r for r in desired if r.address in addresses}
    entries = []
    for address, resource in sorted(built.items()):
        digest = str(resource.properties["code"])
        path = archives[digest]
        if out is not None:
            twin = any(other.name == resource.name for other in built.values() if other is not resource)
            path = _copy(path, out, f"{address.replace('/', '-')}.zip" if twin else f"{resource.name}.zip")
        entries.append({"address": address, "code": digest, "file": str(path), "size": path.stat().st_size})
    distinct = counted(len(archives), "archive")
    rows = [(str(e["address"]), size(int(str(e["size"]))), str(e["code"])[:19], str(e["file"])) for e in entries]
    space.console.result({"artifacts": entries}, f"{distinct}\n{table(rows, '  ')}" if rows else "no code to build")
    return 0


def _copy(archive: Path, folder: Path, name: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copyfile(archive, folder / name))
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise BadInput(
            f"copying {name} to {folder}: {error.strerror}: {error.filename}", hint="name a folder, or a new one"
        ) from error
