"""Tools to test the protocol, and programs built on it, without sockets, threads or clocks.

`Playbook` tells a story of one machine line by line; `Pair` puts two machines on a virtual wire.
"""

from collections import deque
from collections.abc import Callable
from difflib import unified_diff
from pprint import pformat
from typing import Any, Generic, TypeVar, Union

import attrs

from rtproto._codec import Codec
from rtproto._config import Close, Role
from rtproto._connection import Connection
from rtproto._session import Session
from rtproto._state import State
from rtproto.events import Requested
from rtproto.events._base import WireEvent

__all__ = ["Pair", "Playbook"]


def _story(value: Any) -> list[str]:
    """`value` in lines, field by field, for a diff."""
    if attrs.has(type(value)):
        fields = [(f.name, getattr(value, f.name)) for f in attrs.fields(type(value)) if f.eq]
        return [type(value).__name__, *(f"  {name} = {line}" for name, v in fields for line in pformat(v).splitlines())]
    return pformat(value).splitlines()


class Playbook:
    """One `Session` and what is said to it and by it; every line is checked at once.

    ::

        p = Playbook(rtproto.Session(Role.CLIENT))
        p >> SessionCreated(...) << SessionCreated(...)     # the peer says; the application sees
        p.send(ResponseCreate()).wire(ResponseCreate())     # the application says; the wire carries
        p.close().wire(Close(1000)) @ 5.0 << Closed         # time passes; a class matches any event of it
        p.end()                                             # nothing else happened

    A session that is CONNECTING is opened. `now` is the virtual time, in seconds.
    """

    def __init__(self, session: "Session[Any, Any]", now: float = 0.0) -> None:
        self.session = session
        self.now = now
        peer = Role.SERVER if session.role is Role.CLIENT else Role.CLIENT
        self._peer = Codec(peer, session.config.dialect or "ga", session.config.limits.max_depth)
        self._wire: deque[Any] = deque()
        if session.state is State.CONNECTING:
            session.open(now)
            if session.role is Role.CLIENT:
                session.next_event()

    def __rshift__(self, said: "WireEvent | Close | str | bytes") -> "Playbook":
        """The peer says an event, a raw message or Close."""
        message = (self._peer.encode(said) or b"").decode() if isinstance(said, WireEvent) else said
        self.session.receive(message, self.now)
        return self

    def __lshift__(self, seen: Any) -> "Playbook":
        """The application sees this event, or one of this class; None: nothing."""
        self._expect(seen, self.session.next_event(), "the application sees")
        return self

    def __matmul__(self, now: float) -> "Playbook":
        """It is `now`."""
        self.now = now
        self.session.tick(now)
        return self

    def send(self, event: Any) -> "Playbook":
        """The application sends `event`."""
        self.session.send(event, self.now)
        return self

    def close(self, code: int = 1000, reason: str = "") -> "Playbook":
        """The application closes."""
        self.session.close(self.now, code, reason)
        return self

    def eof(self) -> "Playbook":
        """The wire is lost."""
        self.session.receive_eof(self.now)
        return self

    def wire(self, carried: Any) -> "Playbook":
        """The wire carries this next: an event (or a class of one), a Close or a raw message; None: nothing."""
        self._wire.extend(self.session.outgoing())
        message = self._wire.popleft() if self._wire else None
        raw = isinstance(carried, str) or not isinstance(message, str)
        self._expect(carried, message if raw else self._peer.decode(str(message)), "the wire carries")
        return self

    def end(self) -> None:
        """Nothing more is seen, and nothing more is on the wire."""
        self.__lshift__(None)
        self.wire(None)

    def _expect(self, expected: Any, actual: Any, where: str) -> None:
        if isinstance(expected, type) and isinstance(actual, expected):
            return
        if expected != actual or type(expected) is not type(actual):
            diff = "\n".join(unified_diff(_story(expected), _story(actual), "expected", "actual", lineterm="", n=99))
            raise AssertionError(f"at {self.now:g} s {where} something else:\n{diff}")


Machine = Union["Session[Any, Any]", "Connection[Any, Any]"]
ClientMachine = TypeVar("ClientMachine", bound=Machine)
ServerMachine = TypeVar("ServerMachine", bound=Machine)


class Pair(Generic[ClientMachine, ServerMachine]):
    """Two machines, of one kind, on a virtual wire: what one has to write the other receives `latency` seconds later.

    `split` cuts the bytes between two `Connection`s: pieces of that many bytes, or what a function makes of each chunk.
    A server's `Requested` is accepted at once unless `accept` is False. Events collect in `client_events` and
    `server_events`. Nothing happens until `run()` or `advance()`.
    """

    def __init__(
        self,
        client: ClientMachine,
        server: ServerMachine,
        *,
        latency: float = 0.0,
        split: "int | Callable[[bytes], list[bytes]] | None" = None,
        accept: bool = True,
        now: float = 0.0,
    ) -> None:
        self.client = client
        self.server = server
        self.latency = latency
        self.now = now
        self.client_events: list[Any] = []
        self.server_events: list[Any] = []
        self._split = split
        self._accept = accept
        self._up: deque[tuple[float, Any]] = deque()
        self._down: deque[tuple[float, Any]] = deque()
        for machine in (client, server):
            if isinstance(machine, Session) and machine.state is State.CONNECTING:
                machine.open(now)

    def run(self) -> "Pair[ClientMachine, ServerMachine]":
        """Carries everything that arrives by now, and what it sets off."""
        while self._collect() | self._deliver(self._up, self.server) | self._deliver(self._down, self.client):
            pass
        return self

    def advance(self, seconds: float) -> "Pair[ClientMachine, ServerMachine]":
        """Lets `seconds` pass: messages arrive and timers ring, each at its own time."""
        until = self.now + seconds
        self.run()
        while (moment := self._next_moment()) is not None and moment <= until:
            self.now = max(self.now, moment)
            self.client.tick(self.now)
            self.server.tick(self.now)
            self.run()
        self.now = until
        return self

    def cut(self) -> "Pair[ClientMachine, ServerMachine]":
        """The wire is cut: what is under way is lost."""
        self._collect()
        self._up.clear()
        self._down.clear()
        self.client.receive_eof(self.now)
        self.server.receive_eof(self.now)
        return self.run()

    def _next_moment(self) -> "float | None":
        moments = [flight[0][0] for flight in (self._up, self._down) if flight]
        moments += [at for at in (self.client.deadline(), self.server.deadline()) if at is not None]
        return min(moments, default=None)

    def _collect(self) -> bool:
        """Takes what the machines say; whether there was anything."""
        moved = False
        for machine, flight, seen in (
            (self.client, self._up, self.client_events),
            (self.server, self._down, self.server_events),
        ):
            while (event := machine.next_event()) is not None:
                moved = True
                seen.append(event)
                if isinstance(event, Requested) and self._accept and isinstance(machine, Connection):
                    subprotocol = "realtime" if "realtime" in event.subprotocols else None
                    machine.accept(self.now, subprotocol=subprotocol)
            for message in machine.outgoing():
                moved = True
                flight.extend((self.now + self.latency, piece) for piece in self._pieces(message))
        return moved

    def _pieces(self, message: Any) -> list[Any]:
        if self._split is None or not isinstance(message, bytes):
            return [message]
        if callable(self._split):
            return [piece for piece in self._split(message) if piece]
        return [message[at : at + self._split] for at in range(0, len(message), self._split)]

    def _deliver(self, flight: "deque[tuple[float, Any]]", machine: Machine) -> bool:
        moved = False
        while flight and flight[0][0] <= self.now:
            machine.receive(flight.popleft()[1], self.now)
            moved = True
        return moved
