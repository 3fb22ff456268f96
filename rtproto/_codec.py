"""Text <-> events, for one role and one dialect.

Dispatch is a dict from type (or class) to function; functions are made at first use.
"""

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeAlias

import attrs
import orjson
from cattrs import Converter
from pybase64 import b64decode, b64encode

from rtproto import events
from rtproto._config import Role
from rtproto._converter import converter, converter_with
from rtproto._dialects import Dialect, dialect
from rtproto._dialects._reshape import copied, from_ga, to_ga
from rtproto._jsontext import cut_out, dumps, is_deeper_than, loads
from rtproto._unset import UNSET, UnsetType
from rtproto._unstructure import unstructure_without
from rtproto._wiretypes import Mismatch
from rtproto.events._base import ClientEvent, ServerEvent, Unknown, WireEvent, WireObject

Side: TypeAlias = Literal["client", "server"]
Decoder = Callable[[Any, Any], Any]
Encoder = Callable[[Any], "bytes | None"]

_BASES: dict[str, type[WireEvent]] = {"client": ClientEvent, "server": ServerEvent}


class DecodeError(ValueError):
    """A message that is no event: `code`, `param` and `answer` as a server's error event has them.

    `field` is what is wrong in it, in GA's words, after the type of the event: ``input_audio_buffer.append.audio``.
    """

    def __init__(
        self, reason: str, code: str, param: "str | None" = None, answer: "str | None" = None, field: str = ""
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer or reason
        self.code = code
        self.param = param
        self.field = field


# ---- which events there are ----


def _wire_classes(module: Any) -> tuple[Any, ...]:
    return tuple(cls for cls in vars(module).values() if isinstance(cls, type) and issubclass(cls, WireObject))


def _by_type(classes: "tuple[Any, ...]", side: Side) -> dict[str, Any]:
    """Type -> class, of the events of one side; what has no type of its own is there to derive from."""
    said = (cls for cls in classes if issubclass(cls, _BASES[side]) and cls is not Unknown)
    return {cls.type: cls for cls in said if isinstance(getattr(cls, "type", None), str)}


CLIENT_EVENTS: dict[str, Any] = _by_type(_wire_classes(events), "client")
"""GA type -> class, of what a client says."""

SERVER_EVENTS: dict[str, Any] = _by_type(_wire_classes(events), "server")
"""GA type -> class, of what a server says."""


@cache
def _own_classes(which: Dialect) -> tuple[Any, ...]:
    """The classes that a dialect alone has."""
    classes = _wire_classes(importlib.import_module(which.module)) if which.module else ()
    return tuple(cls for cls in classes if cls.__module__.startswith(str(which.module)))


@cache
def _converter(which: Dialect) -> Converter:
    return converter_with(_own_classes(which), which.may_lack) if which.module else converter


def _by_ga_type(side: Side, which: Dialect) -> dict[str, Any]:
    ga = CLIENT_EVENTS if side == "client" else SERVER_EVENTS
    return {**ga, **_by_type(_own_classes(which), side)}


def vocabulary(side: Side, which: Dialect) -> dict[str, Any]:
    """Wire type -> class, of all that a side says in a dialect."""
    classes = _by_ga_type(side, which)
    named = {which.written_name(ga): cls for ga, cls in classes.items() if which.declares(ga)}
    aliases = {name: ga for name, ga in which.names.items() if name in which.aliases}
    return named | {name: classes[ga] for name, ga in aliases.items() if ga in classes}


@cache
def _heard(side: Side, which: Dialect) -> dict[str, Any]:
    """Wire type -> class, of all that is understood: GA's own names, too."""
    return {ga: cls for ga, cls in _by_ga_type(side, which).items() if ga not in which.unsaid} | vocabulary(side, which)


def _scalar(tp: Any) -> bool:
    return not any(word in str(tp) for word in ("list", "dict", "rtproto.events", "Any"))


def _is_flat(cls: Any) -> bool:
    """Whether nothing can nest in an event, so that its depth needs no look: the deltas are so."""
    return all(_scalar(field.type) for field in attrs.fields(cls) if field.name != "extra")


LONG = 4096
"""Characters: below, looking for the audio in a text costs more than it saves."""


def _audio_field(cls: Any) -> "str | None":
    return next((field.name for field in attrs.fields(cls) if field.type is bytes), None)


_STREAMED = {"client": events.InputAudioBufferAppend, "server": events.ResponseOutputAudioDelta}
"""The events that bring nearly all the sound."""


# ---- text -> events ----


@cache
def _decoders(side: Side, which: Dialect) -> dict[str, Decoder]:
    table: dict[str, Decoder] = {}

    def stub(name: str, cls: Any) -> Decoder:
        def make_and_call(wire: Any, _: Any) -> Any:
            table[name] = _decoder(name, cls, which)
            return table[name](wire, _)

        return make_and_call

    for name, cls in _heard(side, which).items():
        table[name] = stub(name, cls)
    return table


@cache
def _flat_names(side: Side, which: Dialect) -> frozenset[str]:
    return frozenset(name for name, cls in _heard(side, which).items() if _is_flat(cls))


@cache
def _audible(side: Side, which: Dialect) -> tuple[str, frozenset[str]]:
    """The field that holds audio in what is streamed, and the wire names of that event."""
    streamed = _STREAMED[side]
    names = frozenset(name for name, cls in _heard(side, which).items() if issubclass(cls, streamed))
    return str(_audio_field(streamed)), names


def _reshapes(which: Dialect, cls: Any) -> bool:
    """Whether an event holds what the dialect shapes otherwise."""
    return which.reshapes and not which.shaped.isdisjoint(field.name for field in attrs.fields(cls))


@cache
def _decoder(name: str, cls: Any, which: Dialect) -> Decoder:
    known = cls.__base__ if getattr(cls.__base__, "type", None) == cls.type else cls
    structure: Decoder = _converter(which).get_structure_hook(known)
    reshapes, may_lack = _reshapes(which, cls), which.may_lack.get(cls.type, ())
    translated = which.written_name(cls.type) != name
    if name == cls.type and not (reshapes or may_lack or translated):
        return structure

    def decode(wire: Any, _: Any) -> Any:
        if any(wire.get(field) is None for field in may_lack):
            return Unknown(raw={"type": name, **wire})
        came = {"type": name, **copied(wire)} if reshapes else {}
        session_type = to_ga(which, name, wire) if reshapes else UNSET
        event = structure(wire, cls)
        event.wire_type = name
        session = getattr(event, "session", None) if session_type is not UNSET else None
        if isinstance(session, WireObject):
            session.extra = {**(session.extra or {}), "type": session_type}
        own: Any = event.__class__
        if (_wire_of(own, which)(event) != came) if reshapes else (translated and name == cls.type):
            event._came = (which.name, came)
        return event

    return decode


# ---- events -> text ----


class _Encoders(dict[type, Encoder]):
    """Class -> function, of all that a side may say. Raises KeyError for what it does not say."""

    def __init__(self, side: Side, which: Dialect) -> None:
        super().__init__({Unknown: _encode_unknown})
        self._base = _BASES[side]
        self._dialect = which

    def __missing__(self, cls: type) -> Encoder:
        if not issubclass(cls, self._base) or not isinstance(getattr(cls, "type", None), str):
            raise KeyError(cls)
        encoder = self[cls] = _encoder(cls, self._dialect)
        return encoder


_encoders = cache(_Encoders)


def _encode_unknown(event: Unknown) -> bytes:
    return dumps(event.raw)


def _encode_nothing(event: Any) -> None:
    return None


def _encoder(cls: Any, which: Dialect) -> Encoder:
    if cls.type in which.unsaid:
        return _encode_nothing
    name, reshapes = which.written_name(cls.type), _reshapes(which, cls)
    if reshapes:
        wire_of = _wire_of(cls, which)
        return lambda event: dumps(_as_it_came(event, which) or wire_of(event))
    as_ga = _named_encoder(cls, cls.type, which)
    if name == cls.type:
        return as_ga
    translated = _named_encoder(cls, name, which)
    return lambda event: (as_ga if getattr(event, "_came", _NEVER)[0] == which.name else translated)(event)


def _named_encoder(cls: Any, name: str, which: Dialect) -> Encoder:
    """For an event with no objects that differ."""
    audio = _audio_field(cls)
    if audio:
        return _audio_encoder(cls, name, audio)
    unstructure, aliases = converter.get_unstructure_hook(cls), _aliases(cls, which)
    if name == cls.type and not aliases:
        return lambda event: dumps(unstructure(event))

    def encode(event: Any) -> bytes:
        wire = unstructure(event)
        wire["type"] = event.wire_type if event.wire_type in aliases else name
        return dumps(wire)

    return encode


def _aliases(cls: Any, which: Dialect) -> frozenset[str]:
    """The names that an event keeps if it came under them."""
    return frozenset(name for name in which.aliases if which.names[name] == cls.type)


@cache
def _wire_of(cls: Any, which: Dialect) -> Callable[[Any], dict[str, Any]]:
    """Makes the wire object of an event in a dialect that shapes it otherwise."""
    unstructure, name = converter.get_unstructure_hook(cls), which.written_name(cls.type)
    aliases = _aliases(cls, which)

    def write(event: Any) -> dict[str, Any]:
        wire: dict[str, Any] = unstructure(event)
        wire["type"] = event.wire_type if event.wire_type in aliases else name
        extra = getattr(getattr(event, "session", None), "extra", None)
        from_ga(which, wire, explicit="type" in (extra or ()))
        return wire

    return write


_NEVER: "tuple[str, dict[str, Any]]" = ("", {})


def _as_it_came(event: Any, which: Dialect) -> "dict[str, Any] | None":
    """What came on a wire of this dialect in other words than ours, if `event` still says that; else None."""
    spoken, wire = getattr(event, "_came", _NEVER)
    if spoken != which.name:
        return None
    own: Any = event.__class__
    again = _decoder(wire["type"], own, which)({key: copied(wire[key]) for key in wire if key != "type"}, None)
    return wire if again == event else None


def _audio_encoder(cls: Any, name: str, audio: str) -> Encoder:
    """Audio is most of what travels: its base64 is joined to the rest, not copied through a JSON encoder."""
    unstructure_rest = unstructure_without(cls, audio, converter)
    only_audio = {field.name for field in attrs.fields(cls) if field.init} == {audio, "event_id", "extra"}
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


_SIDES: "dict[Role, tuple[Side, Side]]" = {Role.CLIENT: ("server", "client"), Role.SERVER: ("client", "server")}


class Codec:
    """What one role hears and says in one dialect.

    `decode(text)` raises DecodeError; `encode(event)` gives UTF-8 JSON, or None for an event that the dialect does not
    have, and raises KeyError (not an event of this role), Mismatch (a field of a wrong type) or TypeError (no JSON).
    """

    __slots__ = ("_audible", "_decoders", "_encoders", "_flat", "_max_depth", "dialect")

    def __init__(self, role: Role, dialect_name: str, max_depth: int) -> None:
        self.dialect = which = dialect(dialect_name)
        hears, says = _SIDES[role]
        self._decoders = _decoders(hears, which)
        self._encoders = _encoders(says, which)
        self._flat = _flat_names(hears, which)
        self._audible = _audible(hears, which)
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
            param = self.dialect.param(mismatch.param)
            field = f"{name}.{mismatch.param}"
            raise DecodeError(f"{name}: {mismatch}", code, param, mismatch.answer(param), field) from None
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
            answer = Mismatch("a string", UNSET).answer("type")
            raise DecodeError("the message has no type", "missing_required_parameter", "type", answer, "type")
        if not isinstance(name, str):
            answer = Mismatch("a string", name).answer("type")
            raise DecodeError("the message's type is not a string", "invalid_type", "type", answer)
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
