"""What a recorded session breaks, the schema or the order rules: pure, like the core.

A `Validation` takes the lines of a recording and gives the breaches one by one; its memory does not grow with it.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import attrs

from rtproto import Config, Role, events
from rtproto._codec import CLIENT_EVENTS, Codec, DecodeError, Side, vocabulary
from rtproto._dialects import dialect
from rtproto._jsontext import dumps
from rtproto._recording import End, NoRecord, Odd, Record, read_line
from rtproto._rules import RULES, OrderRules
from rtproto_cli._guess import Guess, guess
from rtproto_cli._vocabulary import SIDES

SCHEMA = "schema"
UNKNOWN_TYPE = "unknown-type"

STATEMENTS = {
    SCHEMA: "Every line is a JSON object, and every event has the fields of its type, with values of their types.",
    UNKNOWN_TYPE: "Every event has a type of the dialect (only with --strict).",
    **{rule.name: rule.statement for rule in RULES},
}
"""Every rule that a recording may break, and what it says."""

_HEAD_LINES, _HEAD_BYTES = 500, 16 * 2**20
"""What is looked at to know the dialect, and where in a session the recording begins."""

_MAX_UNKNOWN = 1000
"""Types: there are some dozens even where a server has its own; whoever invents more has them counted together."""

_PLACEHOLDER = re.compile(r"\s*(?:<.*>|\[.*\]|\(.*\)|\{.*\}|.*(?:\.\.\.|…).*)\s*", re.DOTALL)
"""What recorders put in the place of audio: no base64 looks like it."""

_CODEC_ROLES: dict[Side, Role] = {"client": Role.SERVER, "server": Role.CLIENT}
"""Who hears what a side says."""

_OTHER: dict[Side, Side] = {"client": "server", "server": "client"}


@attrs.frozen
class Breach:
    """A line of the recording that breaks a rule of `STATEMENTS`; `reason` is a sentence.

    `type` is the event's, None where the line has none. Of the schema's breaches, `param` says which field it is, and
    `code` is that of a server's error event.
    """

    line: int
    type: "str | None"
    rule: str
    reason: str
    param: "str | None" = None
    code: "str | None" = None


@attrs.define
class UnknownType:
    """An event type that the dialect does not have on this side of the wire: how often it came, and where first."""

    count: int
    line: int
    reason: str


class Validation:
    """The breaches of a recording, to be iterated once; the counts are complete when that has ended.

    `dialect_name` None: the recording itself shows it. `strict`: unknown types are breaches. Raises ValueError for a
    dialect there is not.
    """

    def __init__(self, lines: "Iterable[bytes]", dialect_name: "str | None" = None, *, strict: bool = False) -> None:
        numbered = ((number, line) for number, line in enumerate(lines, 1))
        head: list[tuple[int, bytes]] = []
        size = 0
        for number, line in numbered:
            head.append((number, line))
            size += len(line)
            if number >= _HEAD_LINES or size >= _HEAD_BYTES:
                break
        records = list(_records(head))
        self.guess: Guess = guess(iter(records)) if dialect_name is None else Guess(dialect_name)
        self.guessed = dialect_name is None
        self.dialect = self.guess.dialect
        self.empty = not any(line.strip() for _, line in head)
        self.looks_like_a_recording = bool(records)
        self.events = 0
        self.sessions = 0
        self.breaches = 0
        self.unknown: dict[str, UnknownType] = {}
        self._strict = strict
        self._lines = chain(head, numbered)
        which = dialect(self.dialect)
        self._known = {side: frozenset(vocabulary(side, which)) for side in SIDES}
        self._client_types = self._known["client"] | CLIENT_EVENTS.keys()
        depth = Config().limits.max_depth
        self._codecs = {side: Codec(role, self.dialect, depth) for side, role in _CODEC_ROLES.items()}
        self._flipped = self._is_of_the_servers_end(records)
        self._rules: OrderRules | None = None
        self._first_from_start = self._begins_at_the_start(records)
        self._session_id: str | None = None

    def __iter__(self) -> Iterator[Breach]:
        for number, line in self._lines:
            for breach in self._judge(number, line):
                self.breaches += 1
                yield breach

    # ---- what the beginning shows ----

    def _is_of_the_servers_end(self, records: "list[tuple[int, Record]]") -> bool:
        """Whether "sent" is what the server sent."""
        known = [self._is_known(record.side, record.type) for _, record in records if record.side is not None]
        turned = [self._is_known(_OTHER[record.side], record.type) for _, record in records if record.side is not None]
        return sum(turned) > sum(known)

    def _begins_at_the_start(self, records: "list[tuple[int, Record]]") -> bool:
        """Whether the first event of the server is one that begins a session."""
        said = [record.type for _, record in records if self._side(record) == "server"]
        return next((name in _BEGINNINGS for name in said if name != "error"), bool(said))

    def _is_known(self, side: Side, name: "str | None") -> bool:
        return name in self._known[side]

    def _side(self, record: Record) -> Side:
        if record.side is None:
            return "client" if record.type in self._client_types else "server"
        return _OTHER[record.side] if self._flipped else record.side

    # ---- line by line ----

    def _judge(self, number: int, line: bytes) -> Iterator[Breach]:
        try:
            record = read_line(line)
        except NoRecord as why:
            yield Breach(number, None, SCHEMA, str(why), code="invalid_json")
            return
        if isinstance(record, Odd):
            what = (
                "text that is no JSON object" if isinstance(record.data, str) else "binary, which the protocol is not"
            )
            yield Breach(number, None, SCHEMA, f"the message is {what}", code="invalid_json")
            return
        if not isinstance(record, Record):
            if isinstance(record, End):
                self._rules = None
            return
        self.events += 1
        side = self._side(record)
        try:
            event = _decoded(self._codecs[side], record.event)
        except DecodeError as error:
            reason = error.reason.removeprefix(f"{record.type}: ")
            yield Breach(number, record.type, SCHEMA, reason, error.param, error.code)
            event = None
        rules = self._rules_for(event)
        if isinstance(event, events.Unknown):
            yield from self._note(number, record, side)
        for breach in rules.feed(event):
            yield Breach(number, record.type, breach.rule, breach.reason)

    def _rules_for(self, event: Any) -> OrderRules:
        """The rules of the session that the event belongs to."""
        if isinstance(event, events.SessionCreated):
            found = getattr(event.session, "id", None)
            if self._session_id is not None and found != self._session_id:
                self._rules = None  # the recording of another session was put behind
            self._session_id = found if isinstance(found, str) else None
        if self._rules is None:
            self.sessions += 1
            begins = self.sessions > 1 or self._first_from_start
            self._rules = OrderRules(from_start=begins and dialect(self.dialect).greets)
        return self._rules

    def _note(self, number: int, record: Record, side: Side) -> Iterator[Breach]:
        name = str(record.type)
        if self._is_known(side, name):
            return  # an event that lacks what it is about, as the dialect allows
        if self._is_known(_OTHER[side], name):
            reason = f"{shown(name)} is nothing that a {side} says"
        else:
            reason = f"{shown(name)} is no event type of the dialect {self.dialect}"
        if self._strict:
            yield Breach(number, name, UNKNOWN_TYPE, reason)
            return
        if name not in self.unknown and len(self.unknown) >= _MAX_UNKNOWN:
            name, reason = "", f"other event types are none of the dialect {self.dialect} either"
        self.unknown.setdefault(name, UnknownType(0, number, reason)).count += 1


_BEGINNINGS = ("session.created", "transcription_session.created", "conversation.created")


def shown(text: str) -> str:
    """A name out of a recording, fit for a line: nothing in it moves the cursor, and it ends."""
    return printable(text if len(text) <= 80 else text[:77] + "...")


def printable(text: str) -> str:
    """`text`, escaped where a terminal would obey it."""
    return text if text.isprintable() else ascii(text)


def _records(lines: "Iterable[tuple[int, bytes]]") -> "Iterator[tuple[int, Record]]":
    for number, line in lines:
        try:
            found = read_line(line)
        except NoRecord:
            continue
        if isinstance(found, Record):
            yield number, found


def _decoded(codec: Codec, wire: dict[str, Any]) -> Any:
    """The event. What a recorder put in the place of audio is silence. Raises DecodeError."""
    emptied: set[str] = set()
    while True:
        try:
            return codec.decode(dumps(wire).decode())
        except TypeError:
            raise DecodeError("the event is nested too deeply", "invalid_json") from None
        except DecodeError as error:
            name = (error.param or "").rpartition(".")[2]
            if name in emptied or not _empty(wire, name):
                raise
            emptied.add(name)


def _empty(wire: dict[str, Any], name: str) -> bool:
    """Empties every placeholder that stands in a field `name`; tells whether there was one."""
    found, rest = False, list[Any]((wire,))
    while rest:
        place = rest.pop()
        for key, value in place.items() if isinstance(place, dict) else enumerate(place):
            if isinstance(value, (dict, list)):
                rest.append(value)
            elif key == name and isinstance(value, str) and _PLACEHOLDER.fullmatch(value):
                place[key] = ""
                found = True
    return found
