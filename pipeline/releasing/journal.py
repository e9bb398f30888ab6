"""The journal of a run: what was begun and what ended, as create-only objects `runs/<id>/<seq>.json`.

The head (`000000.json`) is written before the first change and holds the whole plan, so everything that a killed run
may have touched is known. Entries after it are written by one thread in batches (as many as have gathered while the
last write was under way), so that the journal never stands in the way of the work it records.
"""

import threading
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from typing import Any

from pipeline.releasing.store import Ledger

_END = None
_HEAD = "000000.json"


def head_of(ledger: Ledger, run: str) -> dict[str, Any] | None:
    """The head of a run's journal; None when the run died before it began anything."""
    return ledger.get(f"runs/{run}/{_HEAD}")


class Journal:
    """Writes one run's journal. `close` waits for what is still to be written."""

    def __init__(self, ledger: Ledger, run: str) -> None:
        self._ledger, self._run = ledger, run
        self._entries: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        self._seq = 0
        self._head: Mapping[str, Any] = {}
        self._open = threading.Event()
        self._error: Exception | None = None
        self.outcome = "succeeded"  # how the run ends when nothing breaks
        self._thread = threading.Thread(target=self._write_all, name="journal", daemon=True)

    def open(self, head: Mapping[str, Any]) -> None:
        """Writes the head: what the run is and all that it may do. Returns once it is durable."""
        self.begin(head)
        self.wait_until_open()

    def begin(self, head: Mapping[str, Any]) -> None:
        """Begins to write the head; until it is durable, the run may not change anything."""
        self._head = {"format": 1, "run": self._run, **head}
        self._thread.start()

    def wait_until_open(self) -> None:
        """Returns once the head is durable. Raises what hindered it."""
        self._open.wait()
        if self._error is not None:
            raise self._error

    def begun(self, address: str, action: str) -> None:
        """A change is about to call AWS."""
        self._entries.put({"event": "begun", "address": address, "action": action})

    def ended(self, address: str, action: str, outputs: Mapping[str, Any]) -> None:
        """A change went through."""
        self._entries.put({"event": "ended", "address": address, "action": action, "outputs": dict(outputs)})

    def failed(self, address: str, action: str, error: str) -> None:
        """A change did not go through."""
        self._entries.put({"event": "failed", "address": address, "action": action, "error": error})

    def note(self, event: str, details: Mapping[str, Any]) -> None:
        """Anything else worth keeping, such as the outcome of the run."""
        self._entries.put({"event": event, **details})

    def close(self, timeout: float) -> None:
        """Writes what is left, for at most `timeout` seconds; a journal that AWS refused is an error now."""
        if not self._thread.is_alive():
            return
        self._entries.put(_END)
        self._thread.join(timeout)
        if self._error is not None:
            raise self._error

    def _write_all(self) -> None:
        self._put(_HEAD, self._head)
        self._open.set()
        if self._error is None:
            self._write_batches()

    def _write_batches(self) -> None:
        ended = False
        while not ended:
            batch = [self._entries.get()]
            try:
                while True:
                    batch.append(self._entries.get_nowait())
            except Empty:
                pass
            ended = _END in batch
            entries = [entry for entry in batch if entry is not _END]
            if entries:
                self._write(entries)

    def _write(self, entries: list[Mapping[str, Any]]) -> None:
        self._seq += 1
        self._put(f"{self._seq:06d}.json", {"entries": entries})

    def _put(self, name: str, document: Mapping[str, Any]) -> None:
        try:
            self._ledger.put(f"runs/{self._run}/{name}", document)
        except Exception as error:  # noqa: BLE001 - raised where somebody waits for what was to be written
            self._error = error
