"""Documents that specs name by path, such as IAM policies: each is read once, wherever it is used."""

from dataclasses import dataclass, field

from pipeline.config.documents import parse
from pipeline.config.files import Files, joined
from pipeline.config.findings import Findings, Place, did_you_mean, shown
from pipeline.config.nodes import Node

SUFFIXES = (".json", ".yaml", ".yml")


@dataclass
class Attachments:
    """Reads documents below the project's root. `findings` takes what is wrong inside of them."""

    files: Files
    findings: Findings
    _read: dict[str, Node | None] = field(default_factory=dict)

    def load(self, path: str, place: Place, findings: Findings, address: str | None) -> Node | None:
        """The document at `path`, seen from the file that names it at `place`; None with an error."""
        relative = joined(place.file, path)
        if relative is None:
            findings.error(
                f"{shown(path)} leads out of the project",
                place,
                hint=f"name the document from the directory of {place.file}",
                address=address,
            )
            return None
        if not self.files.exists(relative):
            directory, _, name = relative.rpartition("/")
            others = [other for other in self.files.names(directory or ".") if other.endswith(SUFFIXES)]
            findings.error(
                f"there is no document {relative}{did_you_mean(name, others)}",
                place,
                hint=f"documents are named from the directory of {place.file}",
                address=address,
            )
            return None
        if relative not in self._read:
            before = self.findings.errors
            text = self.files.text(relative, self.findings)
            node = parse(text, relative, self.findings) if text is not None else None
            if node is None and self.findings.errors == before:
                self.findings.error("the document is empty", Place(relative))
            self._read[relative] = node
        return self._read[relative]
