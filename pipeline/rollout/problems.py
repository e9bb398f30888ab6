"""What is wrong with the settings of a rollout, as a value. Pure."""

from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong at `path` below `rollout`; `text` follows the name of the key."""

    path: Path
    text: str
    hint: str | None = None

    def __str__(self) -> str:
        name = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.path)
        return f"{name} {self.text}"
