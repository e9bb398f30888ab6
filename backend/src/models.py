"""What callers may send, and what is wrong with it otherwise."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

MAX_TEXT = 20_000  # characters; DynamoDB keeps items up to 400 KB
Id = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Role = Literal["user", "assistant"]


def new_id() -> str:
    """An id that nobody can guess."""
    return uuid4().hex


class Body(BaseModel):
    """Base of what is written: unknown fields are mistakes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Page(BaseModel):
    """Base of what is asked for: a page of a list."""

    limit: int = Field(25, ge=1, le=100)
    next_token: str = Field("", max_length=2048)


class ConversationQuery(Page):
    """Messages of a conversation, of a user, or of everybody."""

    conversation_id: Annotated[str, StringConstraints(max_length=128)] = ""
    user_id: Annotated[str, StringConstraints(max_length=128)] = ""


class NewMessage(Body):
    """A message to keep; without a conversation_id it begins a conversation."""

    user_id: Id
    content: Text
    role: Role = "user"
    conversation_id: Id = Field(default_factory=new_id)


class MessageKey(Body):
    """Which message, and whose."""

    conversation_id: Id
    timestamp: Id
    user_id: Id

    def key(self) -> dict[str, str]:
        """The key of the table."""
        return {"conversation_id": self.conversation_id, "timestamp": self.timestamp}


class MessageChange(MessageKey):
    """A message's new content."""

    content: Text


class PromptQuery(Page):
    """Prompts by id, of a user, or of everybody."""

    prompt_id: Annotated[str, StringConstraints(max_length=128)] = ""
    user_id: Annotated[str, StringConstraints(max_length=128)] = ""


class NewPrompt(Body):
    """A prompt to keep."""

    user_id: Id
    title: Title
    text: Text
    tags: list[Tag] = Field(default_factory=list, max_length=10)


class PromptKey(Body):
    """Which prompt, and whose."""

    prompt_id: Id
    user_id: Id

    def key(self) -> dict[str, str]:
        """The key of the table."""
        return {"prompt_id": self.prompt_id, "user_id": self.user_id}


class PromptChange(PromptKey):
    """The parts of a prompt that are to be different."""

    title: Title = ""
    text: Text = ""
    tags: list[Tag] = Field(default_factory=list, max_length=10)

    @model_validator(mode="after")
    def _something(self) -> PromptChange:
        if not self.changes():
            raise ValueError("one of title, text and tags is needed")
        return self

    def changes(self) -> dict[str, Any]:
        """What the caller named."""
        return self.model_dump(include=self.model_fields_set & {"title", "text", "tags"})


class UsageQuery(Page):
    """Usage per user and day, both days included."""

    user_id: Annotated[str, StringConstraints(max_length=128)] = ""
    start: dt.date = Field(dt.date.min, alias="from")
    end: dt.date = Field(dt.date.max, alias="to")

    @field_validator("end")
    @classmethod
    def _in_order(cls, end: dt.date, info: Any) -> dt.date:
        if end < info.data.get("start", end):
            raise ValueError("lies before from")
        return end


class Visitor(BaseModel):
    """Who opens a WebSocket connection."""

    user_id: Id = "anonymous"


class ChatMessage(BaseModel):
    """What a browser sends over the WebSocket; API Gateway's own `action` is ignored."""

    message: Text
    conversation_id: Id = Field(default_factory=new_id)
