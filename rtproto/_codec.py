"""Text <-> events, for one role and one dialect.

Dispatch is a dict from type (or class) to function; functions are made at first use.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import attrs
import orjson
from pybase64 import b64decode, b64encode

from rtproto import events
from rtproto._config import Role
from rtproto._dialects import Dialect, dialect, written_names
from rtproto._hooks import Mismatch, converter, unstructure_without
from rtproto._jsontext import cut_out, dumps, is_deeper_than, loads
from rtproto._unset import UNSET, UnsetType
from rtproto.events._base import ClientEvent, ServerEvent, Unknown, WireEvent

Decoder = Callable[[Any, Any], Any]
Encoder = Callable[[Any], "bytes | None"]


class DecodeError(ValueError):
    """A message that is no event: `code` and `param` as a server's error event has them."""

    def __init__(self, reason: str, code: str, param: "str | None" = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.param = param


def _by_type(base: type) -> dict[str, Any]:
    classes: list[Any] = [cls for cls in vars(events).values() if isinstance(cls, type) and issubclass(cls, base)]
    return {cls.type: cls for cls in classes if "type" in vars(cls) and cls is not Unknown}


CLIENT_EVENTS: dict[str, Any] = _by_type(ClientEvent)
"""GA type -> class, of what a client says."""

SERVER_EVENTS: dict[str, Any] = _by_type(ServerEvent)
"""GA type -> class, of what a server says."""


def _scalar(tp: Any) -> bool:
    return not any(word in str(tp) for word in ("list", "dict", "rtproto.events", "Any"))


FLAT = frozenset(
    cls
    for cls in (*CLIENT_EVENTS.values(), *SERVER_EVENTS.values())
    if all(_scalar(field.type) for field in attrs.fields(cls) if field.name != "extra")
)
"""Classes in which nothing can nest, so that their depth needs no look: the deltas among them."""


LONG = 4096
"""Characters: below, looking for the audio in a text costs more than it saves."""


def _audio_field(cls: Any) -> "str | None":
    return next((field.name for field in attrs.fields(cls) if field.type is bytes), None)


def _heard(receives: str, which: Dialect) -> dict[str, Any]:
    """Wire name -> class, of what is received."""
    classes = CLIENT_EVENTS if receives == "client" else SERVER_EVENTS
    named = {name: name for name in classes if name not in which.absent or name in which.names}
    named |= {name: ga for name, ga in which.names.items() if ga in classes}
    return {name: classes[ga] for name, ga in named.items()}


@cache
def _decoders(receives: str, dialect_name: str) -> dict[str, Decoder]:
    which = dialect(dialect_name)
    table: dict[str, Decoder] = {}

    def stub(name: str, cls: Any) -> Decoder:
        def make_and_call(wire: Any, _: Any) -> Any:
            table[name] = _decoder(name, cls, which)
            return table[name](wire, _)

        return make_and_call

    for name, cls in _heard(receives, which).items():
        table[name] = stub(name, cls)
    return table


@cache
def _flat_names(receives: str, dialect_name: str) -> frozenset[str]:
    return frozenset(name for name, cls in _heard(receives, dialect(dialect_name)).items() if cls in FLAT)


@cache
def _audible(receives: str, dialect_name: str) -> tuple[str, frozenset[str]]:
    """The field that holds audio in what is received, and the wire names of the one event that has it."""
    fields = {name: _audio_field(cls) for name, cls in _heard(receives, dialect(dialect_name)).items()}
    (audio,) = {field for field in fields.values() if field}
    return audio, frozenset(name for name, field in fields.items() if field)


def _decoder(name: str, cls: Any, which: Dialect) -> Decoder:
    structure: Decoder = converter.get_structure_hook(cls)
    to_ga = which.to_ga
    if to_ga is None:
        return structure

    def decode(wire: Any, _: Any) -> Any:
        wire["type"] = name
        to_ga(wire)
        del wire["type"]
        event = structure(wire, cls)
        event.wire_type = name
        return event

    return decode


@cache
def _encoders(sends: str, dialect_name: str) -> dict[type, Encoder]:
    which = dialect(dialect_name)
    table: dict[type, Encoder] = {Unknown: _encode_unknown}
    classes = CLIENT_EVENTS if sends == "client" else SERVER_EVENTS

    def stub(cls: Any) -> Encoder:
        def make_and_call(event: Any) -> "bytes | None":
            table[cls] = _encoder(cls, which)
            return table[cls](event)

        return make_and_call

    for cls in classes.values():
        table[cls] = stub(cls)
    return table


def _encode_unknown(event: Unknown) -> bytes:
    return dumps(event.raw)


def _encode_nothing(event: Any) -> None:
    return None


def _encoder(cls: Any, which: Dialect) -> Encoder:
    name: str = written_names(which).get(cls.type) or cls.type
    if cls.type in which.absent:
        return _encode_nothing
    audio = _audio_field(cls)
    if audio:
        return _audio_encoder(cls, name, audio)
    unstructure = converter.get_unstructure_hook(cls)
    from_ga, names = which.from_ga, which.names
    if from_ga is None:
        return lambda event: dumps(unstructure(event))

    def encode(event: Any) -> bytes:
        wire = unstructure(event)
        came_as = event.wire_type
        wire["type"] = came_as if names.get(came_as) == cls.type and "transcription_" not in came_as else name
        from_ga(wire)
        return dumps(wire)

    return encode


def _audio_encoder(cls: Any, name: str, audio: str) -> Encoder:
    """Audio is most of what travels: its base64 is joined to the rest, not copied through a JSON encoder."""
    unstructure_rest = unstructure_without(cls, audio)
    only_audio = all(field.default is not attrs.NOTHING for field in attrs.fields(cls) if field.name != audio)
    before = dumps({"type": name})[:-1] + f',"{audio}":"'.encode()
    join = f',"{audio}":"'.encode()

    def encode(event: Any) -> bytes:
        sound = getattr(event, audio)
        try:
            text = b64encode(sound)
        except (TypeError, BufferError):
            raise Mismatch("bytes", sound, audio) from None
        if only_audio and event.event_id is UNSET and event.extra is None:
            return b"".join((before, text, b'"}'))
        wire = unstructure_rest(event)
        wire["type"] = name
        wire.pop(audio, None)
        return b"".join((dumps(wire)[:-1], join, text, b'"}'))

    return encode


class Codec:
    """What one role hears and says in one dialect.

    `decode(text)` raises DecodeError; `encode(event)` gives UTF-8 JSON, or None for an event that the dialect does not
    have, and raises KeyError (not an event of this role), Mismatch (a field of a wrong type) or TypeError (no JSON).
    """

    __slots__ = ("_audible", "_decoders", "_encoders", "_flat", "_max_depth")

    def __init__(self, role: Role, dialect_name: str, max_depth: int) -> None:
        hears, says = ("server", "client") if role is Role.CLIENT else ("client", "server")
        self._decoders = _decoders(hears, dialect_name)
        self._encoders = _encoders(says, dialect_name)
        self._flat = _flat_names(hears, dialect_name)
        self._audible = _audible(hears, dialect_name)
        self._max_depth = max_depth

    def decode(self, text: str) -> Any:
        try:
            wire = orjson.loads(text) if len(text) < LONG else self._loads_long(text)
        except orjson.JSONDecodeError:
            try:
                wire = loads(text)
            except ValueError as why:
                raise DecodeError(f"the message is not JSON: {why}", "invalid_json") from None
        if wire.__class__ is not dict:
            raise DecodeError("the message is not a JSON object", "invalid_json")
        name = wire.get("type", UNSET)
        decoder = self._decoders.get(name) if name.__class__ is str else None
        if decoder is None or name not in self._flat:
            self._check_depth(text, wire, self._max_depth)
        if decoder is None:
            return self._unknown(wire, name)
        del wire["type"]
        try:
            event = decoder(wire, None)
        except Mismatch as mismatch:
            code = "missing_required_parameter" if mismatch.missing else "invalid_type"
            raise DecodeError(f"{name}: {mismatch}", code, mismatch.param) from None
        if event.extra is not None:
            self._check_depth(text, event.extra, self._max_depth)
        return event

    def _loads_long(self, text: str) -> Any:
        """As `orjson.loads()`, but audio that can be cut out goes past it, and is bytes already."""
        field, names = self._audible
        cut = cut_out(text, f'"{field}":"')
        if cut is not None:
            around, audio = cut
            try:
                wire = orjson.loads(around)
                if wire["type"] in names:
                    wire[field] = b64decode(audio, None, True)
                    return wire
            except (ValueError, KeyError, TypeError):
                pass
        return orjson.loads(text)

    def _unknown(self, wire: dict[str, Any], name: Any) -> Unknown:
        if isinstance(name, UnsetType):
            raise DecodeError("the message has no type", "missing_required_parameter", "type")
        if not isinstance(name, str):
            raise DecodeError("the message's type is not a string", "invalid_type", "type")
        return Unknown(raw=wire)

    def _check_depth(self, text: str, value: Any, limit: int) -> None:
        if text.count("{") + text.count("[") > limit and is_deeper_than(value, limit):
            raise DecodeError(f"the message nests deeper than {limit} levels (Limits.max_depth)", "invalid_json")

    def encode(self, event: Any) -> "bytes | None":
        return self._encoders[event.__class__](event)


def to_dict(event: "events.ClientEvent | events.ServerEvent") -> dict[str, Any]:
    """The wire object of `event` in the GA vocabulary, audio as base64. Raises TypeError for what is no wire event.

    Raises ValueError where a field holds what its place on the wire cannot.
    """
    if isinstance(event, Unknown):
        return dict(event.raw)
    if not isinstance(event, WireEvent):
        raise TypeError(f"{type(event).__name__} never travels, so it has no wire form")
    try:
        wire: dict[str, Any] = converter.get_unstructure_hook(type(event))(event)
    except Mismatch as mismatch:
        raise ValueError(f"{event.type}: {mismatch}") from None
    return wire
