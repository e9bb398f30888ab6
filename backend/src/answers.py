"""Answers of a language model on Bedrock, piece by piece; a plain one where Bedrock is absent.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from src.connections import Wire
from utils import log

PIECE = 80  # characters gathered before they are sent: one message per token would be mostly overhead
MAX_TOKENS = 1024


@dataclass(frozen=True)
class Model:
    """Which model answers, and the guardrail that every answer goes through where there is one."""

    model_id: str = ""
    guardrail_id: str = ""
    guardrail_version: str = "DRAFT"

    @classmethod
    def from_environment(cls) -> Model:
        """MODEL_ID, GUARDRAIL_ID and GUARDRAIL_VERSION, each as far as set."""
        named = {name: os.environ.get(name.upper()) for name in ("model_id", "guardrail_id", "guardrail_version")}
        return cls(**{name: value for name, value in named.items() if value})

    def request(self, history: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """The call of ConverseStream that continues `history` (items with role and content)."""
        request: dict[str, Any] = {
            "modelId": self.model_id,
            "messages": _alternating(history),
            "inferenceConfig": {"maxTokens": MAX_TOKENS},
        }
        if self.guardrail_id:
            # "sync": nothing is sent before the guardrail has seen it.
            request["guardrailConfig"] = {
                "guardrailIdentifier": self.guardrail_id,
                "guardrailVersion": self.guardrail_version,
                "streamProcessingMode": "sync",
            }
        return request


@dataclass
class Answer:
    """An answer as far as it has come."""

    text: str = ""
    offline: bool = False
    stop_reason: str = "end_turn"
    usage: dict[str, int] = field(default_factory=lambda: {"input_tokens": 0, "output_tokens": 0})


def answer(history: list[dict[str, Any]], wire: Wire, model: Model, bedrock: Callable[[], Any]) -> Answer:
    """Streams the model's answer to the last message of `history`; says so and why where no model answers."""
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError  # what botocore lets through when a stream breaks off

    found = Answer()
    if not model.model_id:
        return _offline(found, wire, history, "no model is configured")
    try:
        _stream(bedrock().converse_stream(**model.request(history))["stream"], found, wire)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", type(error).__name__)
        return _offline(found, wire, history, f"the model refused: {code}")
    except (BotoCoreError, HTTPError) as error:
        return _offline(found, wire, history, f"the model is out of reach: {type(error).__name__}")
    return found


def _stream(events: Iterable[Mapping[str, Any]], found: Answer, wire: Wire) -> None:
    """Sends the text of the events in pieces and notes how the answer ended and what it used."""
    waiting = ""
    for event in events:
        waiting += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
        if len(waiting) >= PIECE or ("contentBlockStop" in event and waiting):
            _say(waiting, found, wire)
            waiting = ""
        found.stop_reason = event.get("messageStop", {}).get("stopReason", found.stop_reason)
        usage = event.get("metadata", {}).get("usage")
        if usage:
            found.usage = {"input_tokens": usage["inputTokens"], "output_tokens": usage["outputTokens"]}
        if not wire.open:
            found.stop_reason = "disconnected"
            return
    if waiting:
        _say(waiting, found, wire)


def _offline(found: Answer, wire: Wire, history: list[dict[str, Any]], why: str) -> Answer:
    log.warning("answering offline", why=why)
    found.offline = True
    found.stop_reason = "offline"
    begun = "\n\n" if found.text else ""
    words = len(history[-1]["content"].split())
    text = f"This is the offline answer, not a model's ({why}). Your message of {words} words is kept."
    _say(begun + text, found, wire)
    return found


def _say(text: str, found: Answer, wire: Wire) -> None:
    found.text += text
    wire.send({"type": "delta", "text": text})


def _alternating(history: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Messages as Bedrock wants them: the user begins, roles alternate; neighbours of one role become one message."""
    messages: list[dict[str, Any]] = []
    for item in history:
        if messages and messages[-1]["role"] == item["role"]:
            messages[-1]["content"].append({"text": item["content"]})
        elif messages or item["role"] == "user":
            messages.append({"role": item["role"], "content": [{"text": item["content"]}]})
    return messages
