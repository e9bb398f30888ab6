"""Which addresses there are in one environment, or may be once other errors are mended: nobody misses those. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.config.desired import Rendered


@dataclass(frozen=True)
class Known:
    """`failed` are names of what has an error of its own; `open` types of which more may be declared.

    What has an error derives nothing: what others expect of it is not missing. More may be declared where a name is
    not known, and in files that cannot be read.
    """

    addresses: frozenset[str]
    failed: tuple[str, ...] = ()
    open: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rendered: Sequence[Rendered], unread: Iterable[str]) -> "Known":
        """Of the items of an environment; `unread` are types that files which cannot be read may hold."""
        return cls(
            addresses=frozenset(item.address for item in rendered if item.address),
            failed=tuple(item.address.partition("/")[2] for item in rendered if item.address and not item.resource),
            open=frozenset(unread) | {item.type for item in rendered if not item.address},
        )

    def has(self, address: str) -> bool:
        """True when it is declared, or may be."""
        kind, _, name = address.partition("/")
        if address in self.addresses or kind in self.open:
            return True
        return any(failed in name for failed in self.failed)
