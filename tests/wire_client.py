"""What a client says to the emulator in JSON, as it travels, and what comes back: for dialects other than GA."""

from __future__ import annotations

import json
from typing import Any

from emulated import Emulated


def say(e: Emulated, kind: str, **fields: Any) -> list[dict[str, Any]]:
    """The client says an event of the wire; returns what travels back."""
    before = len(e.wire)
    e.raw(json.dumps({"type": kind, **fields}))
    return e.wire[before:]


def updated(e: Emulated, **session: Any) -> Any:
    """The session as it is told when the client has changed it."""
    (event,) = say(e, "session.update", session=session)
    assert event["type"] == "session.updated", event
    return event["session"]


def refused(e: Emulated, kind: str, **fields: Any) -> Any:
    """The error in an answer that is nothing but an error."""
    (event,) = say(e, kind, **fields)
    assert event["type"] == "error", event
    return event["error"]


def wrote(e: Emulated, text: str, **fields: Any) -> list[dict[str, Any]]:
    """The client writes a message."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **fields}
    return say(e, "conversation.item.create", item=item)


def of(e: Emulated, kind: str) -> list[Any]:
    """Every event of that type that the server said."""
    return [event for event in e.wire if event["type"] == kind]
