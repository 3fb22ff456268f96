"""What may go wrong on demand, when, and how often: values, and the one grammar in which they are written.

The command line, scenario files and the control endpoint all write a fault in this way::

    close:1011@response.output_audio.delta#3*1%0.5
    kind:arguments @place #nth *times %chance
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from math import ceil
from typing import Any

import attrs

from rtproto import events
from rtproto._dialects import DIALECTS, dialect
from rtproto._frames import SENDABLE
from rtproto.events import beta, qwen, translation, unmute, xai

_SPELLING = re.compile(
    r"(?P<kind>[a-z0-9-]+)(?::(?P<arguments>[^@#*%]*))?(?:@(?P<at>[\w.]+))?(?:#(?P<nth>\d{1,9}))?"
    r"(?:\*(?P<times>\d{1,9}))?(?:%(?P<chance>\d*\.?\d+))?"
)
_MAX_SECONDS = 86_400.0
"""A day: longer than any session."""
_MAX_REASON = 100
"""Characters of a Close's reason, of which 123 bytes are possible."""

LISTENING, HANDSHAKE, CLIENT, SERVER, RESPONSE = "listening", "handshake", "client", "server", "response"
"""Where a fault is due: before anybody is connected, before a session, at an event of the client or of the server, or
within a response."""
BEFORE = (LISTENING, HANDSHAKE)
"""What is over when a session has begun: faults of the whole server."""

_WITHIN = (
    "response.created",
    "response.output_text.delta",
    "response.output_audio.delta",
    "response.output_audio_transcript.delta",
)
_TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


def _types(base: type) -> dict[str, None]:
    found = (vars(module).values() for module in (events, beta, qwen, translation, unmute, xai))
    classes = (cls for names in found for cls in names if isinstance(cls, type) and issubclass(cls, base))
    return dict.fromkeys(sorted(filter(None, (getattr(cls, "type", "") for cls in classes))))


_PLACES = {CLIENT: _types(events.ClientEvent), SERVER: _types(events.ServerEvent)}
_SPELT = {own: ga for name in DIALECTS for own, ga in dialect(name).names.items()}
"""What events are called in dialects -> in GA, by which they are told apart here."""


# ---- arguments ----


def seconds(text: str) -> float:
    """A duration such as "2", "0.5s" or "200ms"."""
    found = re.fullmatch(r"(\d*\.?\d+)(ms|s)?", text.strip())
    number = float(found[1]) / (1000 if found[2] == "ms" else 1) if found else -1.0
    if not 0 <= number <= _MAX_SECONDS:
        raise ValueError(f"{text!r} is no duration: write 2, 0.5s or 200ms, at most a day")
    return number


def _pauses(given: Sequence[str]) -> tuple[Any, ...]:
    pauses = [seconds(text) for text in given]
    return (pauses[0], pauses[1] if len(pauses) > 1 else 0.0)


def _stop(given: Sequence[str]) -> tuple[Any, ...]:
    return (seconds(given[0]) if given else float("inf"),)


def _close(given: Sequence[str]) -> tuple[Any, ...]:
    code = given[0] if given else "1011"
    if not code.isdecimal() or int(code) not in SENDABLE:
        hint = "; for 1006 use abort" if code == "1006" else ""
        raise ValueError(f"{code!r} is no code that a Close may carry: 1000-1003, 1007-1014 or 3000-4999{hint}")
    reason = given[1] if len(given) > 1 else "fault on demand"
    if len(reason) > _MAX_REASON:
        raise ValueError(f"the reason has {len(reason)} characters: at most {_MAX_REASON}")
    return int(code), reason


def _http(given: Sequence[str]) -> tuple[Any, ...]:
    if not given[0].isdecimal() or not 400 <= int(given[0]) <= 599:
        raise ValueError(f"{given[0]!r} is no HTTP status of an error: 400-599")
    # Whole seconds, as HTTP has them.
    return int(given[0]), str(ceil(seconds(given[1]))) if len(given) > 1 else None


def _refuse(given: Sequence[str]) -> tuple[Any, ...]:
    how = given[0] if given else "reset"
    if how not in ("reset", "silent"):
        raise ValueError(f"{how!r} is not possible: reset or silent")
    return (how,)


def _reason(given: Sequence[str]) -> tuple[Any, ...]:
    reason = given[0] if given else "content_filter"
    if reason not in ("content_filter", "max_output_tokens"):
        raise ValueError(f"{reason!r} is no reason: content_filter or max_output_tokens")
    return (reason,)


def _coded(default: str) -> Callable[[Sequence[str]], tuple[Any, ...]]:
    def parse(given: Sequence[str]) -> tuple[Any, ...]:
        code = (given[0] if given else "") or default
        return code, given[1] if len(given) > 1 else "A fault on demand."

    return parse


def _type(given: Sequence[str]) -> tuple[Any, ...]:
    return (given[0] if given else "rtproto.unheard_of",)


def _nothing(given: Sequence[str]) -> tuple[Any, ...]:
    return ()


# ---- kinds ----


@attrs.frozen
class Kind:
    """A kind of fault: how its arguments are written, where it can be due, and what happens."""

    form: str
    stages: tuple[str, ...]
    parse: Callable[[Sequence[str]], tuple[Any, ...]] = attrs.field(repr=False)
    says: str
    least: int = 0
    most: int = 0
    places: tuple[str, ...] | None = None
    """The only event types it may name, the first of which it means without one."""


_ANY = (SERVER, CLIENT)
KINDS: dict[str, Kind] = {
    "down": Kind("[:SECONDS]", (LISTENING,), _stop, "nobody listens: connections are refused; or till cleared", 0, 1),
    "refuse": Kind("[:reset|silent]", (HANDSHAKE,), _refuse, "resets the TCP connection, or never answers", 0, 1),
    "http": Kind(
        ":STATUS[:RETRY_AFTER]", (HANDSHAKE,), _http, "answers the handshake with 401, 429 (Retry-After), 503...", 1, 2
    ),
    "latency": Kind(
        ":SECONDS[:JITTER]", (SERVER,), _pauses, "events come late, by SECONDS and up to JITTER more", 1, 2
    ),
    "stall": Kind("[:SECONDS]", _ANY, _stop, "sends nothing more for SECONDS, or for ever", 0, 1),
    "abort": Kind("", _ANY, _nothing, "resets the connection, without a Close (1006)"),
    "close": Kind("[:CODE[:REASON]]", _ANY, _close, "closes with 1011, 1001, 4000...", 0, 2),
    "no-close": Kind("", _ANY, _nothing, "never answers the client's Close"),
    "half-frame": Kind("", _ANY, _nothing, "sends half of the event's frame, and the connection ends"),
    "bad-utf8": Kind("", _ANY, _nothing, "the event's text is not UTF-8"),
    "bad-json": Kind("", _ANY, _nothing, "the event is cut in the middle: no JSON"),
    "unknown-event": Kind("[:TYPE]", _ANY, _type, "an event of a type that nobody knows comes first", 0, 1),
    "duplicate": Kind("", (SERVER,), _nothing, "the event comes twice"),
    "reorder": Kind("", (SERVER,), _nothing, "the event comes after the next one"),
    "drop": Kind("", (SERVER,), _nothing, "the event never comes"),
    "slow-reader": Kind("[:SECONDS]", _ANY, _stop, "reads nothing for SECONDS, or for ever", 0, 1),
    "error": Kind("[:CODE[:MESSAGE]]", (CLIENT,), _coded("server_error"), "the client's event is refused", 0, 2),
    "transcription-failed": Kind(
        "[:CODE[:MESSAGE]]",
        (SERVER,),
        _coded("transcription_failed"),
        "`failed` comes instead of `completed`",
        0,
        2,
        places=(_TRANSCRIBED,),
    ),
    "response-failed": Kind(
        "[:CODE[:MESSAGE]]",
        (RESPONSE,),
        _coded("server_error"),
        "the response fails after that event",
        0,
        2,
        places=_WITHIN,
    ),
    "response-incomplete": Kind(
        "[:REASON]", (RESPONSE,), _reason, "the response is cut after that event", 0, 1, places=_WITHIN
    ),
}


@attrs.frozen(kw_only=True)
class Fault:
    """Something that goes wrong; `parse_fault()` makes it, `str()` writes it again.

    Without `at` it is due at every event of its side. `nth` counts such events within a session (handshakes: of the
    server); `times` is how often it happens at all, None: always; `chance` (0-1) is thrown anew each time.
    """

    kind: str
    arguments: tuple[str, ...] = ()
    at: str | None = None
    nth: int | None = None
    times: int | None = None
    chance: float = 1.0
    stage: str = attrs.field(repr=False)
    values: tuple[Any, ...] = attrs.field(repr=False)
    """The arguments, understood."""

    def __str__(self) -> str:
        return "".join(
            (
                ":".join((self.kind, *self.arguments)),
                "" if self.at is None else f"@{self.at}",
                "" if self.nth is None else f"#{self.nth}",
                "" if self.times is None else f"*{self.times}",
                "" if self.chance == 1 else f"%{self.chance:g}",
            )
        )


def parse_fault(text: str) -> Fault:
    """The fault that `text` writes. Raises ValueError, in one line that says what is allowed."""
    found = _SPELLING.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no fault: write KIND[:ARGUMENTS][@EVENT][#NTH][*TIMES][%CHANCE]")
    name = found["kind"]
    kind = KINDS.get(name)
    if kind is None:
        raise ValueError(f"there is no fault {name!r}{_similar(name, KINDS)}; choose one of {', '.join(KINDS)}")
    arguments = tuple(found["arguments"].split(":", max(kind.most - 1, 0))) if found["arguments"] else ()
    if not kind.least <= len(arguments) <= kind.most:
        raise ValueError(f"{text!r}: write {name}{kind.form}")
    try:
        values = kind.parse(arguments)
        at, stage = _place(name, kind, found["at"])
        for part in ("nth", "times"):
            if found[part] is not None and int(found[part]) < 1:
                raise ValueError(f"{'#' if part == 'nth' else '*'}{found[part]} is not possible: begin with 1")
        chance = 1.0 if found["chance"] is None else float(found["chance"])
        if not 0 < chance <= 1:
            raise ValueError(f"%{found['chance']} is not possible: more than 0, at most 1")
        if stage == LISTENING and (found["nth"] or chance < 1):
            raise ValueError(f"{name} happens at once: leave out #NTH and %CHANCE")
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    return Fault(
        kind=name,
        arguments=arguments,
        at=at,
        nth=int(found["nth"]) if found["nth"] else None,
        times=int(found["times"]) if found["times"] else None,
        chance=chance,
        stage=stage,
        values=values,
    )


def _place(name: str, kind: Kind, at: str | None) -> tuple[str | None, str]:
    """The event type, and the stage at which it passes."""
    at = _SPELT.get(at or "", at)
    if kind.places is not None:
        at = at or kind.places[0]
        if at not in kind.places:
            raise ValueError(f"{name} cannot be due at {at}: only at {', '.join(kind.places)}")
        return at, kind.stages[0]
    if at is None:
        return None, kind.stages[0]
    if kind.stages[0] in BEFORE:
        raise ValueError(f"{name} happens before a session: leave out @{at}")
    for stage in kind.stages:
        if at in _PLACES[stage]:
            return at, stage
    known = [place for stage in kind.stages for place in _PLACES[stage]]
    sides = " or ".join(kind.stages)
    raise ValueError(f"{at} is no {sides} event{_similar(at, known)}; `rtproto events` lists them")


def _similar(name: str, names: Any) -> str:
    close = get_close_matches(name, list(names), 1)
    return f" (did you mean {close[0]}?)" if close else ""


def grammar() -> str:
    """All kinds of faults, and how they are written: for people."""
    width = max(len(name + kind.form) for name, kind in KINDS.items())
    lines = [f"  {name + kind.form:{width}}  {kind.says}" for name, kind in KINDS.items()]
    return "\n".join(
        [
            "KIND[:ARGUMENTS][@EVENT][#NTH][*TIMES][%CHANCE]",
            "",
            *lines,
            "",
            "@EVENT   at events of this type, of the server or the client, just before they pass; without it at every",
            "         event of the server (error: of the client). `rtproto events` lists the types; what a dialect",
            "         calls otherwise may be written so",
            "#NTH     only at the nth of them in a session (of refuse and http: the nth handshake)",
            "*TIMES   at most so often, all sessions together; without it always",
            "%CHANCE  each time with this probability, such as 0.1; the same under the same --seed",
            "",
            "close:1011@response.output_audio.delta#3*1   the third audio delta never comes, once",
            "http:429:2*3                                 the first three handshakes are refused: try again in 2 s",
            "error:rate_limit_exceeded@response.create%0.1",
        ]
    )
