"""What one line of a recorded session holds: pure, like the core.

A recording has one JSON object a line. It is the event itself, or holds it beside the direction (and when it passed):

    {"dir": "sent" | "received" | null, "kind": "message" | "close" | null, "event": {"type": ...}}
    {"t": 1.25, "dir": "received", "event": {"type": ...}}
    {"type": "response.create"}
    {"type": "send", "data": "{\\"type\\": \\"response.create\\"}"}

`rtproto record` writes the second form, and beside it what is no event:

    {"t": 0.0, "dir": "sent", "kind": "open", "event": {"url": ..., "headers": ...}}
    {"t": 2.0, "dir": "received", "kind": "text" | "binary", "data": "no JSON object" | "base64"}
    {"t": 9.5, "dir": "received", "kind": "close", "event": {"code": 1000, "reason": ""}}
"""

from binascii import Error
from enum import Enum
from typing import Any

import attrs
import pybase64

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
    OTHER = "something of the wire, such as a ping"


@attrs.frozen
class Record:
    """An event as it passed; `side` says who said it, `t` when, in seconds; None where the line does not tell."""

    event: dict[str, Any]
    side: "Side | None" = None
    t: "float | None" = attrs.field(default=None, eq=False)

    @property
    def type(self) -> "str | None":
        """The event's type, None where it has none that is a string."""
        found = self.event.get("type")
        return found if isinstance(found, str) else None


@attrs.frozen
class Odd:
    """A message that is no event: binary, or text that is no JSON object."""

    data: "str | bytes"
    side: "Side | None" = None
    t: "float | None" = attrs.field(default=None, eq=False)


@attrs.frozen
class End:
    """The end of a session: how `side` closed it. 1005: without a code; 1006: without a word."""

    code: int = 1005
    reason: str = ""
    side: "Side | None" = None
    t: "float | None" = attrs.field(default=None, eq=False)


class NoRecord(ValueError):
    """The line is none of a recording; `str()` says why, as a sentence."""


def read_line(line: bytes) -> "Record | Odd | End | Mark":
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


def _record(found: dict[str, Any]) -> "Record | Odd | End | Mark":
    name = found.get("type")
    is_event = isinstance(name, str) and name not in _DIRECTIONS
    given = (found[key] for key in _DIRECTION_KEYS if _is_direction(found.get(key)))
    side = _DIRECTIONS.get(next(given, None))
    when = found.get("t")
    t = float(when) if isinstance(when, (int, float)) else None
    if not is_event and found.get("kind") not in (None, "message"):
        return _other(found, side, t)
    for key in _EVENT_KEYS:
        held = found.get(key)
        if isinstance(held, dict) and ("type" in held or not is_event):
            return Record(held, side, t)
        if isinstance(held, str) and not is_event and held.lstrip().startswith("{"):
            return Record(_object(held), side, t)
    if is_event:
        return Record(found, side, t)
    raise NoRecord("the line holds no event: it has neither a type, nor an event in a field of its own")


def _other(found: dict[str, Any], side: "Side | None", t: "float | None") -> "Odd | End | Mark":
    """What is no event, by its kind."""
    kind, data = found["kind"], found.get("data")
    if kind == "close":
        told = found.get("event")
        code, reason = (told.get("code"), told.get("reason")) if isinstance(told, dict) else (None, None)
        return End(code if isinstance(code, int) else 1005, reason if isinstance(reason, str) else "", side, t)
    if kind == "text" and isinstance(data, str):
        return Odd(data, side, t)
    if kind == "binary" and isinstance(data, str):
        try:
            return Odd(pybase64.b64decode(data, validate=True), side, t)
        except Error:
            raise NoRecord("the line's binary message is not base64") from None
    return Mark.OTHER


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
