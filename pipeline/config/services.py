"""The services that the pipeline.yaml at the top of a repository lists: folders, each a service of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config.files import Files, joined
from pipeline.config.findings import Findings, did_you_mean, shown
from pipeline.config.loaded import FILE

if TYPE_CHECKING:
    from pipeline.config.rendering import Renderer

KEY = "services"


def services_in(root: Path) -> tuple[str, ...]:
    """The folders that the pipeline.yaml at `root` lists; none where it is of one service. BadInput if it is wrong."""
    text = Files(root).text(FILE, Findings())
    if text is None or KEY not in text:
        return ()
    from pipeline.config.project import load_project  # noqa: PLC0415 - most files list none, and need no checker

    return load_project(root).services


def read_services(files: Files, value: Any, renderer: "Renderer", findings: Findings) -> tuple[str, ...]:
    """The folders, each of which must have a pipeline.yaml and list no services itself."""
    found = []
    for index, folder in enumerate(value.get(KEY, ())):
        place = renderer.place_of((KEY, index))
        clean = joined(FILE, folder)
        if not clean:
            findings.error(f"{KEY}[{index}] is {shown(folder)}: a folder inside the repository is wanted", place)
        elif not files.is_file(f"{clean}/{FILE}"):
            hint = "the path is from the top of the repository"
            findings.error(
                f"there is no service {clean}: it has no {FILE}{did_you_mean(clean, _known(files))}", place, hint=hint
            )
        else:
            found.append(clean)
    others = sorted(key for key in value if key != KEY)
    if KEY in value and others:
        place = renderer.keys[others[0],]
        hint = f"write it into the {FILE} of each service"
        findings.error(f"{others[0]} is of one service, and this file lists several", place, hint=hint)
    return tuple(found)


def _known(files: Files) -> list[str]:
    """The folders that have a pipeline.yaml, for a hint; nothing is read of them."""
    below = files.below(".", (".yaml",), Findings())
    return [path.removesuffix(f"/{FILE}") for path in below if path.endswith(f"/{FILE}")]
