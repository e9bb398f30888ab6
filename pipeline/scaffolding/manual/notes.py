"""What becomes of a folder of the manual: files, and what was changed or not carried over. Pure."""

from dataclasses import dataclass, field

CHANGED, LEFT = "changed", "left"


@dataclass(frozen=True)
class Note:
    """One remark: `kind` is CHANGED or LEFT, `place` file:line in the folder."""

    kind: str
    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


@dataclass
class Carried:
    """Files of the new repository, and remarks, in the order in which they were made."""

    files: dict[str, str | bytes] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def changed(self, place: str, text: str) -> None:
        """Something is another way than it was."""
        self.notes.append(Note(CHANGED, place, text))

    def left(self, place: str, text: str) -> None:
        """Something was not carried over."""
        self.notes.append(Note(LEFT, place, text))
