"""Questions to a person. Ctrl-C ends them at once: nothing is under way yet that would have to end well."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


def confirm(text: str) -> None:
    """Goes on when the answer is yes; else click's Abort."""
    with _interruptible():
        click.confirm(text, abort=True, err=True)


def ask(text: str, default: str = "", check: Callable[[str], str] | None = None) -> str:
    """The answer, or `default` for none. Asks again as long as `check` raises click's UsageError."""
    with _interruptible():
        answer: str = click.prompt(text, default=default, err=True, show_default=bool(default), value_proc=check)
    return answer.strip()


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, of which click makes Abort; elsewhere it only asks the run to stop."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
