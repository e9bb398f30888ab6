"""How a command talks while it works: live on a terminal, plain lines in a log, groups and masks in GitHub Actions.

People's text goes to `err`; `out` carries the result alone, so that `--format json` gives one document and nothing
else. The streams are handed in; nothing here opens or closes one.
"""

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Literal, Self, TextIO

from pipeline.errors import Diagnostic, PipelineError
from pipeline.reporting.diagnostics import escaped, workflow_command
from pipeline.reporting.style import Style, seconds

Format = Literal["text", "json"]


@dataclass
class Console:
    """The one voice of a run. `github` is True inside a GitHub Actions step."""

    out: TextIO
    err: TextIO
    format: Format = "text"
    github: bool = False
    quiet: bool = False
    _live: "Live | None" = None
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of_process(cls, form: str) -> Self:
        """The console of this process, in format `form`."""
        in_actions = os.environ.get("GITHUB_ACTIONS") == "true"
        return cls(out=sys.stdout, err=sys.stderr, format="json" if form == "json" else "text", github=in_actions)

    @property
    def terminal(self) -> bool:
        """True when people watch: `err` is a terminal."""
        return _is_terminal(self.err)

    @property
    def style(self) -> Style:
        """Colours as `out` can show them; NO_COLOR is honoured (https://no-color.org)."""
        return Style(_is_terminal(self.out) and not os.environ.get("NO_COLOR"))

    @property
    def err_style(self) -> Style:
        """Colours as `err` can show them."""
        return Style(_is_terminal(self.err) and not os.environ.get("NO_COLOR"))

    def say(self, text: str) -> None:
        """A line of progress for people."""
        if not self.quiet:
            self._write(text)

    def warn(self, diagnostic: Diagnostic) -> None:
        """A warning; inside GitHub Actions an annotation at its place."""
        if self.github:
            self._write(workflow_command("warning", diagnostic))
        else:
            self._write(self.err_style("warning: ", fg="yellow") + str(diagnostic))

    def finding(self, diagnostic: Diagnostic) -> None:
        """An error or warning of a validation; inside GitHub Actions an annotation."""
        if diagnostic.severity == "warning":
            self.warn(diagnostic)
            return
        if self.github:
            self._write(workflow_command("error", diagnostic))
        else:
            self._write(self.err_style("error: ", fg="red") + str(diagnostic))

    def error(self, error: PipelineError) -> None:
        """An error with everything that is known about it."""
        style = self.err_style
        for diagnostic in error.diagnostics:
            self.finding(diagnostic)
        for address, failure in getattr(error, "failures", ()):
            if self.github:
                self._write(workflow_command("error", Diagnostic(str(failure), address=address)))
            hint = f"; try: {failure.hint}" if failure.hint else ""
            self._write(f"{style('error: ', fg='red')}{failure}{hint}")
        hint = f"\ntry: {error.hint}" if error.hint else ""
        self._write(f"{style('error: ', fg='red', bold=True)}{error}{hint}")

    def mask(self, value: str) -> None:
        """Tells GitHub Actions to hide `value` in all output that follows."""
        if self.github and value:
            self._write(f"::add-mask::{escaped(value)}")

    def result(self, document: Mapping[str, Any], text: str) -> None:
        """The result of the command: one JSON document, or text."""
        body = json.dumps(document, indent=2, ensure_ascii=False) if self.format == "json" else text
        self.out.write(body + "\n")
        self.out.flush()

    @contextmanager
    def working(self, title: str) -> Iterator["Live"]:
        """Shows what is under way below `title` until the block ends."""
        live = Live(self, title)
        self._live = live
        live.start()
        try:
            yield live
        finally:
            live.stop()
            self._live = None

    def _write(self, text: str) -> None:
        with self._writing:
            if self._live is not None and self._live.print(text):
                return
            # Who reads may leave; what is under way goes on.
            with contextlib.suppress(BrokenPipeError):
                self.err.write(text + "\n")
                self.err.flush()


class Live:
    """Lines that come and go: on a terminal a redrawn block of what runs, in a log one line per thing that ended."""

    def __init__(self, console: Console, title: str) -> None:
        self.console, self.title = console, title
        self._running: dict[str, tuple[str, float]] = {}
        self._notes: dict[str, str] = {}
        self._display: Any = None
        self._group = console.github and not console.quiet

    def start(self) -> None:
        """Opens the group or the live display."""
        if self._group:
            self.console.err.write(f"::group::{self.title}\n")
        elif self.console.terminal and not self.console.quiet:
            # rich costs 50 ms to import, so only where somebody watches.
            from rich.console import Console as RichConsole  # noqa: PLC0415 - as said
            from rich.live import Live as RichLive  # noqa: PLC0415 - as said

            screen = RichConsole(file=self.console.err, highlight=False)
            self._display = RichLive(console=screen, refresh_per_second=12, transient=True, get_renderable=self._block)
            self._display.start()

    def stop(self) -> None:
        """Closes it again."""
        if self._display is not None:
            display, self._display = self._display, None
            display.stop()
        if self._group:
            self.console.err.write("::endgroup::\n")
            self.console.err.flush()

    def print(self, text: str) -> bool:
        """Writes a line above the live display; False when there is none."""
        if self._display is None:
            return False
        from rich.text import Text  # noqa: PLC0415 - rich is slow to import

        self._display.console.print(Text.from_ansi(text), soft_wrap=True)
        return True

    def begun(self, key: str, text: str) -> None:
        """Something is under way."""
        self._running[key] = (text, time.monotonic())

    def shown(self, keys: Sequence[str], texts: Sequence[str]) -> None:
        """The same things under way as they are now: a text for each of `keys`, where there is one."""
        for key, text in zip_longest(keys, texts):
            if text is None:
                self.ended_quietly(key)
            else:
                self._running[key] = (text, self._running.get(key, ("", time.monotonic()))[1])

    def note(self, key: str, text: str) -> None:
        """More about what is under way, such as what is being waited for."""
        self._notes[key] = text

    def ended(self, key: str, line: str) -> None:
        """Something ended; `line` stays."""
        self._running.pop(key, None)
        self._notes.pop(key, None)
        self.console.say(line)

    def ended_quietly(self, key: str) -> None:
        """Something ended, and its line goes: what came of it is told later."""
        self._running.pop(key, None)
        self._notes.pop(key, None)

    def _block(self) -> Any:
        from rich.text import Text  # noqa: PLC0415 - rich is slow to import

        now = time.monotonic()
        frame = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[int(now * 10) % 10]
        running = list(self._running.items())
        lines = [
            f"  {frame} {text}  {seconds(now - since)} {self._notes.get(key, '')}" for key, (text, since) in running
        ]
        shown = lines[:12] + ([f"    … and {len(lines) - 12} more"] if len(lines) > 12 else [])
        return Text("\n".join([f"{frame} {self.title}", *shown]))


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"
