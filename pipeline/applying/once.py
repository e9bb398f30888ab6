"""Answers that are asked for once: what reads ahead and what reads in earnest share them. Knows nothing of AWS."""

from collections.abc import Callable
from concurrent.futures import Future
from copy import deepcopy
from threading import Lock
from typing import Any

Answer = dict[str, Any]


class Once:
    """Each question is put once, whoever asks, and be it at the same time; all get a copy of the answer, or the error.

    A stream can be read once only: each gets its own.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, Future[Answer]] = {}

    def answer(self, question: str, ask: Callable[[], Answer]) -> Answer:
        """The answer to `question`, which `ask` gets."""
        with self._lock:
            future = self._known.get(question)
            mine = future is None
            if future is None:
                future = self._known[question] = Future()
        if not mine:
            known = future.result()
            return ask() if _is_stream(known) else deepcopy(known)
        try:
            answer = ask()
        except BaseException as error:
            future.set_exception(error)
            raise
        future.set_result(answer)
        return answer if _is_stream(answer) else deepcopy(answer)


def _is_stream(answer: Answer) -> bool:
    return any(hasattr(value, "read") for value in answer.values())
