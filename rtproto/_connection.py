"""The bytes of a socket <-> events, for one end of the wire: handshake and framing around a `Session`."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, Literal, TypeVar, overload

import attrs
from wsproto.extensions import Extension

from rtproto._config import Close, Config, Role
from rtproto._dialects import DIALECTS
from rtproto._endpoint import Endpoint
from rtproto._frames import Ping, Pong
from rtproto._framing import Framing
from rtproto._handshake import Accepted, ClientHandshake, Rejected, Request, ServerHandshake
from rtproto._session import Session
from rtproto._state import CONNECTING, OPEN, Cause, State
from rtproto._timers import Timer, Timers
from rtproto.errors import HandshakeError, LocalProtocolError, SessionClosed
from rtproto.events import ClientEvent, Closed, LocalEvent, Opened, Requested, ServerEvent

Out = TypeVar("Out", bound=ClientEvent | ServerEvent)
In = TypeVar("In", bound=ClientEvent | ServerEvent)
Headers = Sequence[tuple[str, str]]

_PONG, _KEEPALIVE = Timer.PONG, Timer.KEEPALIVE  # restarted by every read: see _state.py


class Connection(Generic[Out, In]):
    """The protocol over a byte stream: TCP or TLS, in any event loop.

    The law: mutate, then drain `outgoing()` and `next_event()`, then wait until `deadline()`; repeat. Make one with
    `Connection.client()` or `Connection.server()`. After the `Closed` event write what `outgoing()` still gives and
    close the socket. The result never depends on how the stream cut the bytes.
    """

    @overload
    def __init__(
        self: "Connection[ClientEvent, ServerEvent]",
        role: Literal[Role.CLIENT],
        config: Config,
        handshake: ClientHandshake,
        now: float,
    ) -> None: ...

    @overload
    def __init__(
        self: "Connection[ServerEvent, ClientEvent]",
        role: Literal[Role.SERVER],
        config: Config,
        handshake: ServerHandshake,
        now: float,
    ) -> None: ...

    def __init__(self, role: Role, config: Config, handshake: "ClientHandshake | ServerHandshake", now: float) -> None:
        self._session: Session[Out, In] = Session(role, config)
        self._timers: Timers = self._session._timers
        self._handshake: ClientHandshake | ServerHandshake | None = handshake
        self._framing: Framing | None = None
        self._out: list[bytes] = [handshake.request] if isinstance(handshake, ClientHandshake) else []
        self._early = b""
        """Server role: what came between the request and its answer."""
        self._requested: Requested | None = None
        self._timers.set(Timer.OPEN, now, config.timeouts.open)

    @staticmethod
    def client(
        endpoint: Endpoint, config: "Config | None" = None, *, now: float
    ) -> "Connection[ClientEvent, ServerEvent]":
        """A client of `endpoint`, its request at once in `outgoing()`. `now` is in seconds, of a monotonic clock."""
        config = config or Config()
        if config.dialect is None:
            config = attrs.evolve(config, dialect=endpoint.dialect)
        handshake = ClientHandshake(
            host=endpoint.authority,
            target=endpoint.target,
            headers=endpoint.headers,
            subprotocols=endpoint.subprotocols,
            max_size=config.limits.max_handshake,
            compression=config.compression,
        )
        return Connection(Role.CLIENT, config, handshake, now)

    @staticmethod
    def server(config: "Config | None" = None, *, now: float) -> "Connection[ServerEvent, ClientEvent]":
        """The server end of one connection: answer its `Requested` event with `accept()` or `reject()`."""
        config = config or Config()
        handshake = ServerHandshake(max_size=config.limits.max_handshake, compression=config.compression)
        return Connection(Role.SERVER, config, handshake, now)

    @property
    def role(self) -> Role:
        """The end of the wire this is."""
        return self._session.role

    @property
    def config(self) -> Config:
        """What it was made with."""
        return self._session.config

    @property
    def state(self) -> State:
        """Where in its life the connection is."""
        return self._session._life.state

    @property
    def closed(self) -> "Closed | None":
        """The Closed event, from the moment it is decided."""
        return self._session.closed

    @property
    def pending(self) -> int:
        """How many events wait in `next_event()`."""
        return len(self._session._events)

    @property
    def full(self) -> bool:
        """Whether so much waits in `next_event()` that a driver must stop reading."""
        return self._session.full

    # ---- what the driver does ----

    def receive(self, data: bytes, now: float) -> None:
        """Takes the next bytes of the stream, cut anywhere; b"" is its end, as ``recv()`` says it.

        Never raises because of the peer; ignored once CLOSED.
        """
        if self._session.closed is not None:
            return
        if not data:
            self.receive_eof(now)
            return
        framing = self._framing
        if framing is None:
            self._receive_handshake(data, now)
            return
        self._alive(now)
        framing.receive(data)
        self._take_messages(framing, now)

    def receive_eof(self, now: float) -> None:
        """The stream has ended. May be called again."""
        if self._session.closed is not None:
            return
        if isinstance(self._handshake, ClientHandshake):
            self._refused(self._handshake.receive_eof())
        else:
            self._session.receive_eof(now)

    # ---- what the application does ----

    def accept(
        self,
        now: float,
        *,
        subprotocol: "str | None" = None,
        headers: Headers = (),
        dialect: "str | None" = None,
    ) -> None:
        """Server role: opens the WebSocket that `Requested` asked for.

        `dialect` is that of the config, else the one that the request calls for, unless given here.
        Raises LocalProtocolError where nothing was requested, `subprotocol` was not offered or the dialect is unknown,
        and SessionClosed where the client has left.
        """
        handshake, requested = self._answerable("accept")
        if dialect is not None and dialect not in DIALECTS:
            raise LocalProtocolError(None, self.state, f"there is no dialect {dialect!r}: {', '.join(DIALECTS)}")
        answer, extensions = handshake.accept(subprotocol, headers)
        self._out.append(answer)
        self._open(now, extensions, None, dialect or self.config.dialect or requested.dialect)
        early, self._early = self._early, b""
        if early:
            self.receive(early, now)

    def reject(self, now: float, status: int = 403, headers: Headers = (), body: bytes = b"") -> None:
        """Server role: answers the request with an HTTP error and ends. Raises as `accept()` does."""
        handshake, _ = self._answerable("reject")
        if not isinstance(body, bytes):
            raise LocalProtocolError(None, self.state, f"the body must be bytes, not {type(body).__name__}")
        self._out.append(handshake.reject(status, headers, body))
        closed = Closed(clean=False, code=1006, reason=f"the request was rejected with HTTP {status}")
        self._session._finish(Cause.FAILED, closed)

    def send(self, event: Out, now: float) -> None:
        """Sends `event`, or keeps it until the handshake's end.

        Raises LocalProtocolError (it cannot be sent as it is; nothing changed) or SessionClosed (it came too late).
        """
        self._session.send(event, now)
        self._frame()

    def send_raw(self, text: "str | bytes", now: float) -> None:
        """Sends `text` as it is, past the codec and its checks (relays, recorders, fault injection).

        Bytes make a binary message, which the protocol does not have. Raises LocalProtocolError (too large, or not
        encodable) or SessionClosed.
        """
        self._session.send_raw(text, now)
        self._frame()

    def close(self, now: float, code: int = 1000, reason: str = "") -> None:
        """Says Close, and waits ``Timeouts.close`` for the answer. Does nothing when closing or closed.

        Before the handshake's end a client just leaves, and a server answers its request with 503. `reason` is at most
        123 bytes of UTF-8. Raises LocalProtocolError for a code or reason that cannot be sent.
        """
        if self._requested and self.state is CONNECTING:
            self.reject(now, 503)
        elif self.state is CONNECTING:
            self._out.clear()
        self._session.close(now, code, reason)
        for timer in (Timer.KEEPALIVE, Timer.PONG):
            self._timers.stop(timer)
        self._frame()

    # ---- what both read ----

    def next_event(self) -> "In | LocalEvent | None":
        """The next event, None when there is none now. `Closed` comes exactly once and last."""
        events = self._session._events
        return events.popleft() if events else None

    def outgoing(self) -> "list[bytes]":
        """The bytes that must be written now, in order; they are given once."""
        out, self._out = self._out, []
        if self._framing is not None:
            out += self._framing.outgoing()
        return out

    def deadline(self) -> "float | None":
        """When `tick()` is due, on the clock of `now`; None: never."""
        return self._timers.next()

    def tick(self, now: float) -> None:
        """Time has passed. Early and repeated calls do nothing."""
        for timer in self._timers.rung(now):
            self._RINGS[timer](self, now)

    # ---- the handshake ----

    def _receive_handshake(self, data: bytes, now: float) -> None:
        if self._requested:
            self._keep_early(data)
            return
        assert self._handshake is not None
        result = self._handshake.receive(data)
        if isinstance(result, Accepted):
            opened = Opened(status=result.status, headers=result.headers, subprotocol=result.subprotocol)
            self._open(now, result.extensions, opened, None)
            if result.trailing:
                self.receive(result.trailing, now)
        elif isinstance(result, Request):
            self._requested = Requested(
                path=result.path, query=result.query, headers=result.headers, subprotocols=result.subprotocols
            )
            self._early = result.trailing
            self._session._events.append(self._requested)
        elif isinstance(result, Rejected):
            self._refused(result)

    def _keep_early(self, data: bytes) -> None:
        self._early += data
        if len(self._early) > self.config.limits.max_handshake:
            reason = "the client sent more than Limits.max_handshake before its request was answered"
            self._lose(reason)

    def _open(
        self, now: float, extensions: "Sequence[Extension]", opened: "Opened | None", dialect: "str | None"
    ) -> None:
        self._session.open(now, opened, dialect=dialect)
        self._framing = Framing(
            client=self.role is Role.CLIENT,
            max_message=self.config.limits.max_message,
            mask=self.config.mask,
            extensions=extensions,
        )
        self._handshake = None
        self._timers.stop(Timer.OPEN)
        self._alive(now)
        self._frame()

    def _refused(self, result: Rejected) -> None:
        if result.response:
            self._out.append(result.response)
        error = HandshakeError(result.status, result.headers, result.body, result.reason)
        closed = Closed(clean=False, code=1006, reason=result.reason, error=error)
        self._session._finish(Cause.FAILED, closed)

    def _answerable(self, what: str) -> "tuple[ServerHandshake, Requested]":
        if self._requested and self.closed is not None:
            raise SessionClosed(self.closed)
        if not isinstance(self._handshake, ServerHandshake) or self._requested is None or self.state is not CONNECTING:
            raise LocalProtocolError(
                None, self.state, f"{what}() answers a Requested event, once; there is none to answer"
            )
        return self._handshake, self._requested

    # ---- the frames ----

    def _take_messages(self, framing: Framing, now: float) -> None:
        session, next_message = self._session, framing.next_message
        while session.closed is None:
            message = next_message()
            if message is None:
                break
            if isinstance(message, str):
                session._receive_text(message)
            elif not isinstance(message, (Ping, Pong)):
                session.receive(message, now)
            if session._out:
                self._frame()

    def _frame(self) -> None:
        """Hands the session's messages to the framing, at once: no Close must overtake what was said before it."""
        framing = self._framing
        if framing is None:
            return
        for message in self._session._drain():
            if isinstance(message, bytes):
                framing.send_text(message)
            elif isinstance(message, Close):
                framing.close(message.code, message.reason)
            else:
                framing.send_bytes(message.data)

    # ---- time ----
    # While the queue is full nobody reads, so silence says nothing about the peer.

    def _alive(self, now: float) -> None:
        """Any byte of the peer is a sign of life."""
        self._timers.stop(_PONG)
        if self._session._life.state is OPEN:
            self._timers.set(_KEEPALIVE, now, self._session.config.timeouts.keepalive)

    def _open_rings(self, now: float) -> None:
        # A refusal whose body never ends is still a refusal: its status says more than our impatience.
        partial = self._handshake.receive_eof() if isinstance(self._handshake, ClientHandshake) else None
        if partial is not None and partial.status is not None:
            self._refused(partial)
        else:
            self._lose(f"the handshake did not end within {self.config.timeouts.open:g} s")

    def _keepalive_rings(self, now: float) -> None:
        assert self._framing is not None  # it runs only while OPEN
        if self._session.full:
            self._alive(now)
        else:
            self._framing.ping()
            self._timers.set(Timer.PONG, now, self.config.timeouts.pong)

    def _pong_rings(self, now: float) -> None:
        waited = self.config.timeouts.pong
        self._session._fail(1011, f"nothing came for {waited:g} s after a Ping: the connection is dead")
        self._frame()

    def _close_rings(self, now: float) -> None:
        self._session._close_unanswered()

    def _lose(self, reason: str) -> None:
        error = HandshakeError(None, reason=reason)
        self._session._finish(Cause.FAILED, Closed(clean=False, code=1006, reason=reason, error=error))

    _RINGS: ClassVar[dict[Timer, Callable[["Connection[Any, Any]", float], None]]] = {
        Timer.OPEN: _open_rings,
        Timer.KEEPALIVE: _keepalive_rings,
        Timer.PONG: _pong_rings,
        Timer.CLOSE: _close_rings,
    }
