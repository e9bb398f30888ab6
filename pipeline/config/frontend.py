"""The `frontend` of pipeline.yaml as a declared site: it says what an item of `sites:` in the specs would say."""

from pipeline.config.declarations import Declared
from pipeline.config.documents import parse
from pipeline.config.files import Files
from pipeline.config.findings import Findings
from pipeline.config.loaded import FILE
from pipeline.config.nodes import Entry, Scalar, Table
from pipeline.resources.registry import Registry

NAME = "frontend"
SITE = "s3.site"


def read_frontend(files: Files, registry: Registry) -> list[Declared]:
    """The site, when pipeline.yaml says which bucket it goes to. What is wrong with the file is told elsewhere."""
    quiet = Findings()
    text = files.text(FILE, quiet)
    node = parse(text, FILE, quiet) if text is not None else None
    entry = node.entries.get("frontend") if isinstance(node, Table) else None
    if entry is None or not isinstance(entry.node, Table) or "bucket" not in entry.node.entries:
        return []
    name = Entry(entry.place, Scalar(NAME, entry.place, plain=False, offset=None))
    return [Declared(registry[SITE], Table({"name": name, **entry.node.entries}, entry.node.place), entry.place)]
