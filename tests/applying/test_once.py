"""A question is put once, whoever asks; what can be read once only is not shared."""

import io
import threading
from typing import Any

import pytest

from pipeline.applying.once import Once
from pipeline.errors import PipelineError


class Asked:
    """Gives the same answer every time, and counts."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.times = 0

    def __call__(self) -> dict[str, Any]:
        self.times += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        answer: dict[str, Any] = self.answer() if callable(self.answer) else self.answer
        return answer


def test_the_second_one_is_told_what_the_first_one_heard() -> None:
    once, ask = Once(), Asked({"Tags": ["a"]})
    assert [once.answer("tags of x", ask) for _ in range(3)] == [{"Tags": ["a"]}] * 3
    assert ask.times == 1
    once.answer("tags of y", ask)
    assert ask.times == 2


def test_what_one_does_to_its_answer_is_its_own_affair() -> None:
    once, ask = Once(), Asked({"Tags": ["a"]})
    once.answer("tags", ask)["Tags"].append("b")
    once.answer("tags", ask)["Tags"].clear()
    assert once.answer("tags", ask) == {"Tags": ["a"]}


def test_an_error_is_told_to_all() -> None:
    once, ask = Once(), Asked(PipelineError("access denied"))
    for _ in range(2):
        with pytest.raises(PipelineError, match="access denied"):
            once.answer("tags", ask)
    assert ask.times == 1


def test_each_gets_a_stream_of_its_own() -> None:
    once, ask = Once(), Asked(lambda: {"Body": io.BytesIO(b"text")})
    assert [once.answer("object", ask)["Body"].read() for _ in range(2)] == [b"text", b"text"]
    assert ask.times == 2


def test_who_asks_meanwhile_waits_for_the_answer() -> None:
    once, asked, answered = Once(), threading.Event(), threading.Event()
    found: list[Any] = []

    def slow() -> dict[str, Any]:
        asked.set()
        answered.wait(5)
        return {"Tags": []}

    first = threading.Thread(target=lambda: found.append(once.answer("tags", slow)))
    first.start()
    asked.wait(5)
    ask = Asked({"Tags": ["another"]})
    second = threading.Thread(target=lambda: found.append(once.answer("tags", ask)))
    second.start()
    answered.set()
    first.join(5)
    second.join(5)
    assert found == [{"Tags": []}] * 2
    assert ask.times == 0
