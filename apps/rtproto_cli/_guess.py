"""Which dialect a recorded session speaks, as its events show: pure, like the core.

Every event has features: its type, and the fields of its session, its response and itself. What a dialect says of
itself (its vocabulary, the fields it has elsewhere, its own classes) tells in which dialects a feature occurs; what
it cannot say of itself, the values, is in `SIGNS`. The dialect in which most features occur is taken.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import attrs

from rtproto._codec import vocabulary
from rtproto._dialects import DIALECTS, Dialect, dialect
from rtproto._dialects._dialect import Move
from rtproto._recording import Record
from rtproto.events._base import WireEvent
from rtproto_cli._vocabulary import SIDES, own_classes, own_fields


@attrs.frozen
class Sign:
    """What stands at `path` in an event, where it is `like` this, in the words of `shown`, occurs in `dialects`."""

    path: tuple[str, ...]
    shown: str
    like: "Callable[[Any], bool]"
    dialects: frozenset[str]


def _sign(path: str, shown: str, like: "Callable[[Any], bool]", *dialects: str) -> Sign:
    return Sign(tuple(path.split(".")), f"{path} {shown}".strip(), like, frozenset(dialects))


def _is(*values: Any) -> "Callable[[Any], bool]":
    return lambda found: found in values


def _begins(*starts: str) -> "Callable[[Any], bool]":
    return lambda found: isinstance(found, str) and found.startswith(starts)


def _is_there(found: Any) -> bool:
    return True


def _is_object(found: Any) -> bool:
    return isinstance(found, dict)


def _is_string(found: Any) -> bool:
    return isinstance(found, str)


_GA_SHAPES = ("ga", "ga-transcription", "ga-translation", "localai")

SIGNS = (
    _sign("session.type", "realtime", _is("realtime"), "ga", "localai"),
    _sign("session.type", "transcription", _is("transcription"), "ga-transcription"),
    _sign("session.type", "translation", _is("translation"), "ga-translation"),
    _sign("session.audio", "(an object)", _is_object, *_GA_SHAPES, "xai"),
    _sign("session.output_modalities", "", _is_there, "ga", "localai"),
    _sign("session.model", "grok...", _begins("grok"), "xai"),
    _sign("session.model", "qwen...", _begins("qwen"), "qwen"),
    _sign("session.voice", "(an object)", _is_object, "azure-voicelive"),
    _sign("session.turn_detection.end_of_utterance_detection", "", _is_there, "azure-voicelive"),
    _sign("session.turn_detection.type", "azure_...", _begins("azure_"), "azure-voicelive"),
    _sign("session.turn_detection.type", "null", _is(None), "xai"),
    _sign("session.instructions", "(an object)", _is_object, "unmute"),
    _sign("session.input_audio_format", "pcm", _is("pcm"), "qwen"),
    _sign("session.output_audio_format", "pcm24", _is("pcm24"), "qwen"),
    _sign("response.voice", "(an object)", _is_object, "azure-voicelive"),
    _sign("response.audio", "(an object)", _is_object, "ga", "localai", "xai"),
    _sign("response.output_modalities", "", _is_there, "ga", "localai"),
    _sign("response.status_details", "(a string)", _is_string, "xai"),
)
"""Values that tell. Source: recorded sessions, and the documentation of the servers."""


@attrs.frozen
class Guess:
    """The dialect taken, and what tells it best: a feature, and its line (None where nothing tells)."""

    dialect: str
    sign: "str | None" = None
    line: "int | None" = None


def guess(records: "Iterator[tuple[int, Record]]") -> Guess:
    """The dialect that the records, each with its line, are in; "ga" where nothing tells."""
    seen: dict[str, tuple[int, frozenset[str]]] = {}
    for line, record in records:
        for feature, dialects in _features(record):
            seen.setdefault(feature, (line, dialects))
    votes = {name: sum(name in dialects for _, dialects in seen.values()) for name in DIALECTS}
    # Of equals the first: it is the more common one.
    taken = max(DIALECTS, key=lambda name: votes[name])
    telling = [(len(of), line, feature) for feature, (line, of) in seen.items() if taken in of]
    if not telling:
        return Guess(taken)
    _, line, feature = min(telling)
    return Guess(taken, feature, line)


def _features(record: Record) -> "Iterator[tuple[str, frozenset[str]]]":
    """What tells something, and the dialects in which it occurs."""
    known, name = _known(), record.type
    paths = [f"{name}", *(f"{name}.{key}" for key in record.event)]
    for part in ("session", "response"):
        held = record.event.get(part)
        paths += [f"{part}.{key}" for key in held] if isinstance(held, dict) else ()
    for path in paths:
        if path in known:
            yield path, known[path]
    for sign in SIGNS:
        place: Any = record.event
        for key in sign.path:
            place = place.get(key, _NOWHERE) if isinstance(place, dict) else _NOWHERE
        if place is not _NOWHERE and sign.like(place):
            yield sign.shown, sign.dialects


_NOWHERE = object()


@cache
def _known() -> dict[str, frozenset[str]]:
    """Feature -> the dialects in which it occurs, of those that do not occur in all."""
    found: dict[str, set[str]] = {}
    for name in DIALECTS:
        for feature in _features_of(dialect(name)):
            found.setdefault(feature, set()).add(name)
    return {feature: frozenset(names) for feature, names in found.items() if len(names) < len(DIALECTS)}


def _features_of(which: Dialect) -> "Iterator[str]":
    """What a dialect says of itself."""
    for side in SIDES:
        yield from vocabulary(side, which)
    for name in ("session.created", "session.update"):
        yield from (f"{name}.{move.name}" for move in which.event if move.path[0] == "session")
    for part, moves in {"session": which.session, "response": (*which.response, *which.params)}.items():
        yield from (f"{part}.{name}" for move in moves for name in _names(move))
    for cls in own_classes(which):
        tag: Any = getattr(cls, "type", None) if issubclass(cls, WireEvent) else None
        prefix = _PARTS.get(cls.__name__, tag)
        yield from (f"{prefix}.{field}" for field in own_fields(cls) if prefix)


_PARTS = {
    "RealtimeSession": "session",
    "TranscriptionSession": "session",
    "RealtimeResponse": "response",
    "ResponseCreateParams": "response",
}


def _names(move: Move) -> tuple[str, ...]:
    return (move.name,) if move.rate is None else (move.name, move.rate)
