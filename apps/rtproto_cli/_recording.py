"""What one line of a recorded session holds: pure, like the core.

A recording has one JSON object a line. It is the event itself, or holds it beside the direction (and when it passed):

    {"dir": "sent" | "received" | null, "kind": "message" | "close" | null, "event": {"type": ...}}
    {"t": 1.25, "dir": "received", "event": {"type": ...}}
    {"type": "response.create"}
    {"type": "send", "data": "{\\"type\\": \\"response.create\\"}"}
"""

from enum import Enum
from typing import Any

import attrs

from rtproto._codec import Side
from rtproto._jsontext import loads

MAX_LINE = 64 * 2**20
"""Bytes. The largest message has 24 MiB; escaped as text inside a line it may grow, but a longer line is no message."""

_EVENT_KEYS = ("event", "payload", "message", "data")
_DIRECTION_KEYS = ("dir", "direction", "type")
_DIRECTIONS: "dict[Any, Side]" = {
    **dict.fromkeys(("sent", "send", "out", "outgoing", "client", "up", ">"), "client"),
    **dict.fromkeys(("received", "receive", "recv", "in", "incoming", "server", "down", "<"), "server"),
}
"""Who said it, as seen from the client, which is where sessions are recorded."""


class Mark(Enum):
    """What a line holds that is no event."""

    BLANK = "nothing"
    CLOSE = "the end of a session"
    OTHER = "something of the wire, such as a ping"


@attrs.frozen
class Record:
    """An event as it passed; `side` says who said it, None where the line does not tell."""

    event: dict[str, Any]
    side: "Side | None" = None

    @property
    def type(self) -> "str | None":
        """The event's type, None where it has none that is a string."""
        found = self.event.get("type")
        return found if isinstance(found, str) else None


class NoRecord(ValueError):
    """The line is none of a recording; `str()` says why, as a sentence."""


def read_line(line: bytes) -> "Record | Mark":
    """What a line holds. Raises NoRecord."""
    if len(line) > MAX_LINE:
        raise NoRecord(f"the line is longer than {MAX_LINE // 2**20} MiB")
    try:
        text = line.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise NoRecord("the line is not UTF-8") from None
    if not text:
        return Mark.BLANK
    return _record(_object(text))


def _record(found: dict[str, Any]) -> "Record | Mark":
    name = found.get("type")
    is_event = isinstance(name, str) and name not in _DIRECTIONS
    if not is_event and found.get("kind") not in (None, "message"):
        return Mark.CLOSE if found["kind"] == "close" else Mark.OTHER
    given = (found[key] for key in _DIRECTION_KEYS if _is_direction(found.get(key)))
    side = _DIRECTIONS.get(next(given, None))
    for key in _EVENT_KEYS:
        held = found.get(key)
        if isinstance(held, dict) and ("type" in held or not is_event):
            return Record(held, side)
        if isinstance(held, str) and not is_event and held.lstrip().startswith("{"):
            return Record(_object(held), side)
    if is_event:
        return Record(found, side)
    raise NoRecord("the line holds no event: it has neither a type, nor an event in a field of its own")


def _is_direction(value: object) -> bool:
    return isinstance(value, str) and value in _DIRECTIONS


def _object(text: str) -> dict[str, Any]:
    try:
        found = loads(text)
    except ValueError as why:
        raise NoRecord(f"the line is not JSON: {str(why).replace('line 1 column', 'column')}") from None
    if not isinstance(found, dict):
        raise NoRecord("the line is JSON, but no object")
    return found
