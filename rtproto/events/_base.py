"""What every event and every nested object has."""

from typing import Any, ClassVar

import attrs

from rtproto._unset import UNSET, Opt

_DEFAULTS: dict[str, Any] = {"extra": None}


def _show(name: str, value: object) -> str:
    return f"{name}=<{len(value)} bytes>" if isinstance(value, (bytes, bytearray, memoryview)) else f"{name}={value!r}"


class _Kept:
    """Where an event keeps (dialect, wire object) if that dialect would write it otherwise than it came.

    Mostly unset, so it is no attrs field, which would be stored in every event. Only the codec reads it.
    """

    __slots__ = ("_came",)
    _came: "tuple[str, dict[str, Any]]"

    def __reduce_ex__(self, protocol: Any) -> Any:
        """A copy, also one in another process, goes out as it came, too: attrs takes its own fields alone."""
        made = super().__reduce_ex__(protocol)
        came = getattr(self, "_came", None)
        return made if came is None else (_again, (came, *made[:3]))


def _again(came: "tuple[str, dict[str, Any]]", new: Any, of: "tuple[Any, ...]", state: Any) -> Any:
    event = new(*of)
    event.__setstate__(state)
    event._came = came
    return event


@attrs.define(kw_only=True, repr=False, eq=False)
class WireObject(_Kept):
    """An object of the wire. A field that is `UNSET` is absent; `extra` holds the fields rtproto does not know."""

    extra: "dict[str, Any] | None" = attrs.field(default=None)

    def __eq__(self, other: object) -> bool:
        """Whether both are of one class and say the same."""
        # attrs would compile one for each class, which costs a tenth of the import.
        if other.__class__ is not self.__class__:
            return NotImplemented
        names = (f.name for f in attrs.fields(type(self)) if f.eq)
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def __repr__(self) -> str:
        """Only what is there, and sizes instead of audio: events end up in logs."""
        values = ((f.name, getattr(self, f.name)) for f in attrs.fields(type(self)) if f.repr)
        shown = [_show(name, value) for name, value in values if value is not _DEFAULTS.get(name, UNSET)]
        return f"{type(self).__name__}({', '.join(shown)})"


def _own_type(event: "WireEvent") -> str:
    return event.type


@attrs.define(kw_only=True, repr=False, eq=False)
class WireEvent(WireObject):
    """An event of the wire.

    `type` is its GA name; `wire_type` the name it came under (another one where the server speaks a dialect).
    `event_id` is the sender's own; server events nearly always have one.
    """

    type: ClassVar[str]

    event_id: Opt[str] = UNSET
    wire_type: str = attrs.field(init=False, eq=False, repr=False, default=attrs.Factory(_own_type, takes_self=True))


@attrs.define(kw_only=True, repr=False, eq=False)
class ClientEvent(WireEvent):
    """What a client says."""


@attrs.define(kw_only=True, repr=False, eq=False)
class ServerEvent(WireEvent):
    """What a server says."""


@attrs.define(kw_only=True, repr=False, eq=False)
class Unknown(ClientEvent, ServerEvent):
    """An event whose type rtproto does not know, of either direction: kept whole in `raw` and sent again unchanged."""

    type: ClassVar[str] = ""

    raw: dict[str, Any]

    def __attrs_post_init__(self) -> None:
        self.wire_type = str(self.raw.get("type", ""))


@attrs.define(kw_only=True, repr=False, eq=False)
class VendorObject(WireObject):
    """A nested object that one server alone has; its class stands in the module of that server's dialect."""

    type: ClassVar[str]


@attrs.define(kw_only=True)
class UnknownObject:
    """A nested object whose ``type`` rtproto does not know (or that has none): kept whole in `raw`, sent unchanged."""

    raw: dict[str, Any]
