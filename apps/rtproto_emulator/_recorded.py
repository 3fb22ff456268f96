"""A recorded session as a script to be played again: pure, like the core."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pybase64

from rtproto._codec import CLIENT_EVENTS, Side, vocabulary
from rtproto._dialects import DIALECTS, dialect
from rtproto._jsontext import dumps, loads
from rtproto._recording import End, NoRecord, Odd, Record, read_line

APPEND = "input_audio_buffer.append"
NO_EVENT = ""
"""The type of what has none: text that is no JSON object, or bytes."""

_PLACEHOLDER = re.compile(r"<(\d{1,9}) bytes>")
_OTHER: dict[Side, Side] = {"client": "server", "server": "client"}
_ONE_SERVER_BEGINS = "session.created"


@attrs.frozen
class Step:
    """A message that `side` sent, at `t` seconds (None: not known)."""

    side: Side
    type: str
    message: str | bytes = attrs.field(repr=False)
    t: float | None = None
    audio: int = 0
    """Bytes of sound that an append holds."""


@attrs.frozen
class Script:
    """One session: what both sides said, in order, and how it ended (None: it is not told)."""

    steps: tuple[Step, ...] = attrs.field(repr=False)
    end: End | None = None


@attrs.frozen
class Recording:
    """The sessions of a recording, at least one."""

    sessions: tuple[Script, ...]

    @classmethod
    def load(cls, path: str | Path) -> Recording:
        """Reads a file of JSON lines, as `rtproto record` and `rtproto stream` write them.

        Raises OSError, and ValueError, which names the line, for what is no recording.
        """
        with Path(path).open("rb") as lines:
            try:
                return cls.read(lines)
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None

    @classmethod
    def read(cls, lines: Iterable[bytes]) -> Recording:
        """A recording out of its lines. Raises ValueError, which names the line."""
        found = _turned(_records(lines))
        sessions: list[Script] = []
        steps: list[Step] = []
        session_id: str | None = None
        for record in found:
            if isinstance(record, End):
                if steps:
                    sessions.append(Script(tuple(steps), record))
                steps = []
                continue
            if isinstance(record, Record) and record.type == _ONE_SERVER_BEGINS:
                begun = _id_of(record.event)
                if steps and session_id not in (None, begun):  # another recording was put behind
                    sessions.append(Script(tuple(steps)))
                    steps = []
                session_id = begun
            steps.append(_step(record))
        if steps:
            sessions.append(Script(tuple(steps)))
        if not sessions:
            raise ValueError("it holds no events: a recording has one JSON object a line")
        return cls(tuple(sessions))


def heard(message: str | bytes) -> tuple[str, int, dict[str, Any] | None]:
    """Of a message that comes: its type, the bytes of sound in it if it is an append, and what it holds."""
    try:
        event = loads(message) if isinstance(message, str) else None
    except ValueError:
        event = None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return NO_EVENT, 0, None
    return event["type"], _audio_of(event), event


def _records(lines: Iterable[bytes]) -> Iterator[Record | Odd | End]:
    for number, line in enumerate(lines, 1):
        try:
            found = read_line(line)
        except NoRecord as why:
            raise ValueError(f"line {number}: {why}") from None
        if isinstance(found, (Record, Odd, End)):
            yield found


def _turned(records: Iterator[Record | Odd | End]) -> list[Record | Odd | End]:
    """With the side of each, as seen from the client: some recorders sit in the server."""
    found = list(records)
    client = frozenset(name for each in DIALECTS for name in vocabulary("client", dialect(each))) | CLIENT_EVENTS.keys()
    sides = Counter(one.side for one in found if isinstance(one, Record) and one.type in client)
    turn = sides["server"] > sides["client"]

    def side(one: Record | Odd | End) -> Side:
        if one.side is None:
            return "client" if isinstance(one, Record) and one.type in client else "server"
        return _OTHER[one.side] if turn else one.side

    return [attrs.evolve(one, side=side(one)) for one in found]


def _step(record: Record | Odd) -> Step:
    assert record.side is not None  # _turned() has said it
    if isinstance(record, Odd):
        return Step(record.side, NO_EVENT, record.data, record.t)
    event = _with_silence(record.event)
    return Step(record.side, record.type or NO_EVENT, dumps(event).decode(), record.t, _audio_of(event))


def _with_silence(value: Any) -> Any:
    """With silence where a recorder has left only the size of sound."""
    if isinstance(value, list):
        return [_with_silence(held) for held in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _silence(held) if name in ("audio", "delta") and isinstance(held, str) else _with_silence(held)
        for name, held in value.items()
    }


def _silence(text: str) -> str:
    left_out = _PLACEHOLDER.fullmatch(text)
    return pybase64.b64encode(bytes(int(left_out[1]))).decode() if left_out else text


def _audio_of(event: dict[str, Any]) -> int:
    sound = event.get("audio") if event.get("type") == APPEND else None
    return len(sound.rstrip("=")) * 3 // 4 if isinstance(sound, str) else 0


def _id_of(event: dict[str, Any]) -> str | None:
    session = event.get("session")
    found = session.get("id") if isinstance(session, dict) else None
    return found if isinstance(found, str) else None
