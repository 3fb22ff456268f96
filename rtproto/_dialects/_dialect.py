"""What a dialect is: a value that says how a server speaks otherwise than GA."""

from collections.abc import Mapping
from typing import Any

import attrs

from rtproto._unset import UNSET

Wire = dict[str, Any]
Pairs = tuple[tuple[Any, Any], ...]


@attrs.frozen
class Move:
    """A field that stands elsewhere: `name` in the dialect, `path` in GA.

    `pairs` are values that differ too, each (dialect's, GA's); the first that fits counts, and any other value is the
    same in both. `rate` names a field of its own in which the dialect has the sample rate of PCM. `hollow` is what the
    dialect has at `path` meanwhile (UNSET: nothing).
    """

    name: str
    path: tuple[str, ...]
    pairs: Pairs = ()
    rate: "str | None" = attrs.field(default=None, kw_only=True)
    hollow: Any = attrs.field(default=UNSET, kw_only=True)


@attrs.frozen
class Box:
    """A text that is an object elsewhere: the field `name` holds the text or the object, which has the text in `field`
    and beside it what `rest` says."""

    name: str
    field: str
    rest: Mapping[str, Any] = attrs.field(factory=dict)


def _shaped(which: "Dialect") -> frozenset[str]:
    moved, unboxed = (move.path[0] for move in which.event), (box.name for box in which.unboxed)
    return frozenset(("session", "response", "item", *moved, *unboxed))


@attrs.frozen(kw_only=True, eq=False)
class Dialect:
    """A way to speak.

    `names`: its event types -> the GA ones (the first of several is the one written, except those in `aliases`, which
    are written only for an event that came under them, or for a session that only transcribes). `absent`: GA events
    that it does not declare (``response.*`` stands for many); of these `unsaid` are left out when a program says them.
    `event`, `session`, `response` and `params` (of ``response.create``) say which fields stand elsewhere; `contents`
    how the types of an assistant's content are called. `boxed` are texts of a session that are objects here, `unboxed`
    objects of events that are texts here. `session_needs` are fields without which its server refuses a session, each
    with what is said where a program says nothing. `session_type` is the type of a session that has none on the
    wire, as in all events but `typed_sessions`. `nests_tools`: whether a function's fields stand in an object of their
    own. `may_lack`: types of events and items, with fields that are not always there though GA has them: what lacks one
    is kept as Unknown or UnknownObject. `event_ids`: whether its server gives its events ids. `refusals`: its
    server's own errors for a client's message that is no event, by the field at fault such as
    ``input_audio_buffer.append.audio``, else by our code, else by ""; where one has no message it is ours, and where
    it gives `details`, what is wrong stands in a list of them. `greets`: whether a session begins with
    ``session.created``. `input_rate`: Hz of the PCM that its servers hear where nobody says otherwise. `module` has the
    classes that are its own. `shaped` are the fields of an event in which something may differ from GA.
    """

    name: str
    title: str
    about: str = ""
    names: Mapping[str, str] = attrs.field(factory=dict)
    aliases: frozenset[str] = frozenset()
    absent: tuple[str, ...] = ()
    unsaid: frozenset[str] = frozenset()
    event: tuple[Move, ...] = ()
    session: tuple[Move, ...] = ()
    response: tuple[Move, ...] = ()
    params: tuple[Move, ...] = ()
    contents: Mapping[str, str] = attrs.field(factory=dict)
    boxed: tuple[Box, ...] = ()
    unboxed: tuple[Box, ...] = ()
    session_needs: Mapping[str, Any] = attrs.field(factory=dict)
    session_type: "str | None" = None
    typed_sessions: frozenset[str] = frozenset()
    nests_tools: bool = False
    may_lack: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    event_ids: bool = True
    refusals: Mapping[str, Mapping[str, "str | None"]] = attrs.field(factory=dict)
    details: bool = False
    greets: bool = True
    input_rate: int = 24_000
    module: "str | None" = None
    shaped: frozenset[str] = attrs.field(init=False, default=attrs.Factory(_shaped, takes_self=True))

    @property
    def reshapes(self) -> bool:
        """Whether its objects differ from GA's."""
        return bool(self.session or self.contents or self.session_type)

    def declares(self, ga: str) -> bool:
        """Whether the GA event `ga` is part of it, under whatever name."""
        lacks = (ga == pattern or (pattern[-1] == "*" and ga.startswith(pattern[:-1])) for pattern in self.absent)
        return ga in self.names.values() or not any(lacks)

    def refusal(self, field: str, code: str) -> "Mapping[str, str | None] | None":
        """The error of its server for a message that is no event; None where it has none of its own."""
        return next((self.refusals[key] for key in (field or code, code, "") if key in self.refusals), None)

    def session_type_in(self, name: str) -> "str | None":
        """The type of the session in the event `name`, where the wire has none."""
        return None if name in self.typed_sessions else self.session_type

    def param(self, path: str) -> str:
        """What its servers call the field that stands at `path` in GA, such as ``session.audio.output.voice``."""
        for holder, moves in (("session.", self.session), ("response.", self.params), ("", self.event)):
            for move in moves:
                ga = holder + ".".join(move.path)
                if path == ga or path.startswith((f"{ga}.", f"{ga}[")):
                    return f"{holder}{move.name}{path[len(ga) :]}"
        return path

    def written_name(self, ga: str) -> str:
        """The type under which it writes the GA event `ga`."""
        return next((name for name, of in self.names.items() if of == ga and name not in self.aliases), ga)
