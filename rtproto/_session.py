"""Whole WebSocket messages <-> events, for one end of the wire."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, overload

from rtproto._codec import Codec, DecodeError
from rtproto._config import Close, Config, Role
from rtproto._frames import NO_STATUS, SENDABLE, Binary, Failure
from rtproto._jsontext import loads
from rtproto._refusal import refusal as refused
from rtproto._state import CLOSED, CLOSING, CONNECTING, OPEN, Cause, LifeCycle, State
from rtproto._timers import Timer, Timers
from rtproto._unset import UNSET
from rtproto._wiretypes import Mismatch
from rtproto.errors import LocalProtocolError, RemoteProtocolError, SessionClosed
from rtproto.events import (
    ClientEvent,
    Closed,
    ErrorEvent,
    LocalEvent,
    Opened,
    Raw,
    ServerEvent,
    Violation,
)

if TYPE_CHECKING:
    from rtproto._rules import OrderRules

Out = TypeVar("Out", bound=ClientEvent | ServerEvent)
In = TypeVar("In", bound=ClientEvent | ServerEvent)
Message: TypeAlias = str | bytes | Close

_MESSAGES: "dict[type[Any], Callable[[Any], Message]]" = {
    bytes: bytes.decode,
    Binary: lambda message: message.data,
    Close: lambda message: message,
}
"""What is kept to be sent -> what travels."""

_MAX_REASON = 123
"""Bytes: a control frame holds 125, and the code takes two (RFC 6455 section 5.5)."""


class Session(Generic[Out, In]):
    """The protocol over a wire that carries whole messages (aiohttp, trio-websocket, a test).

    The law: mutate, then drain `outgoing()` and `next_event()`, then wait until `deadline()`; repeat. A Session begins
    CONNECTING: what is sent is kept until the driver calls `open()`. A `Close` among the messages says how a side
    closes; answering a peer's Close, and Pings, is the business of the WebSocket below.
    """

    @overload
    def __init__(
        self: "Session[ClientEvent, ServerEvent]", role: Literal[Role.CLIENT], config: "Config | None" = None
    ) -> None: ...

    @overload
    def __init__(
        self: "Session[ServerEvent, ClientEvent]", role: Literal[Role.SERVER], config: "Config | None" = None
    ) -> None: ...

    @overload
    def __init__(self: "Session[Any, Any]", role: Role, config: "Config | None" = None) -> None: ...

    def __init__(self, role: Role, config: "Config | None" = None) -> None:
        self.role = role
        self.config = config or Config()
        self.closed: Closed | None = None
        """The Closed event, from the moment it is decided."""
        self._life = LifeCycle()
        self._timers = Timers()
        self._events: deque[In | LocalEvent] = deque()
        self._out: list[bytes | Binary | Close] = []
        self._backlog = 0
        """Characters received since `full` last saw nothing waiting."""
        self._codec = Codec(role, self.config.dialect or "ga", self.config.limits.max_depth)
        self._rules = _order_rules(self._codec.dialect.greets) if self.config.strict else None

    @property
    def state(self) -> State:
        """Where in its life the session is."""
        return self._life.state

    @property
    def pending(self) -> int:
        """How many events wait in `next_event()`."""
        return len(self._events)

    @property
    def full(self) -> bool:
        """Whether so much waits in `next_event()` that a driver must stop reading (Limits.max_queue, max_backlog)."""
        if not self._events:
            self._backlog = 0
        return len(self._events) >= self.config.limits.max_queue or self._backlog >= self.config.limits.max_backlog

    # ---- what the driver does ----

    def open(self, now: float, opened: "Opened | None" = None, *, dialect: "str | None" = None) -> None:
        """The handshake has succeeded: events travel from now on.

        Client role: `opened` becomes an event. `dialect` replaces the one of the config (a server learns it from the
        request). Raises LocalProtocolError if that was done before, SessionClosed if the session has ended, ValueError
        for an unknown dialect.
        """
        if self.closed is not None:
            raise SessionClosed(self.closed)
        if self.state is not CONNECTING:
            raise LocalProtocolError(None, self.state, f"open() may be called once, not in state {self.state.value}")
        if dialect is not None:
            self._codec = Codec(self.role, dialect, self.config.limits.max_depth)
        self._life.move(Cause.OPENED)
        if self.role is Role.CLIENT:
            self._events.append(opened or Opened())

    def receive(self, data: "Message | Failure", now: float) -> None:
        """Takes one message of the peer, or how it ended. Never raises because of the peer; ignored once CLOSED."""
        state = self._life.state
        if state is CLOSED:
            return
        if state is CONNECTING:
            raise LocalProtocolError(None, state, "open() must come before receive()")
        if isinstance(data, str):
            self._receive_text(data)
        elif isinstance(data, Close):
            self._finish(Cause.CLOSE_RECEIVED, Closed(clean=True, code=data.code, reason=data.reason))
        elif isinstance(data, Failure):
            error = RemoteProtocolError(data.reason)
            self._finish(Cause.FAILED, Closed(clean=False, code=data.code, reason=data.reason, error=error))
        elif self.config.raw:
            self._backlog += len(data)
            self._events.append(Raw(data=data))
        else:
            self._violation("a binary message came, but the protocol has text messages only", data)

    def receive_eof(self, now: float) -> None:
        """The wire is lost. May be called again."""
        if self.state is not CLOSED:
            reason = "the connection was lost without a Close"
            # Many servers just hang up on a Close: that is how we wanted it to end, if not quite how it should.
            error = None if self.state is CLOSING else RemoteProtocolError(reason)
            self._finish(Cause.WIRE_LOST, Closed(clean=False, code=1006, reason=reason, error=error))

    # ---- what the application does ----

    def send(self, event: Out, now: float) -> None:
        """Sends `event`, or keeps it until the handshake's end.

        Raises LocalProtocolError (it cannot be sent as it is; nothing changed) or SessionClosed (it came too late).
        """
        is_open = self._life.state is OPEN
        if not is_open:
            self._refuse_when_closing()
        try:
            payload = self._codec.encode(event)
        except KeyError:
            reason = f"a {self.role.value} does not send {type(event).__name__}"
            raise LocalProtocolError(event, self.state, reason) from None
        except Mismatch as mismatch:
            raise LocalProtocolError(event, self.state, f"{event.type}: {mismatch}") from None
        except (TypeError, BufferError) as refusal:
            raise LocalProtocolError(event, self.state, f"{event.type} holds what JSON cannot: {refusal}") from None
        if payload is None:
            return
        if not is_open or len(payload) > self.config.limits.max_message:
            self._refuse_too_much(event, payload)
        if self._rules is not None:
            for breach in self._rules.check(event):
                raise LocalProtocolError(event, self.state, breach.reason)
            self._rules.feed(event)
        self._out.append(payload)

    def send_raw(self, text: "str | bytes", now: float) -> None:
        """Sends `text` as it is, past the codec and its checks (relays, recorders, fault injection).

        Bytes make a binary message, which the protocol does not have. Raises LocalProtocolError (too large, or not
        encodable) or SessionClosed.
        """
        self._refuse_when_closing()
        if isinstance(text, bytes):
            self._refuse_too_much(None, text)
            self._out.append(Binary(text))
            return
        try:
            payload = text.encode()
        except UnicodeEncodeError:
            reason = "the text holds a lone surrogate, which UTF-8 cannot carry; write it as a JSON escape"
            raise LocalProtocolError(None, self.state, reason) from None
        self._refuse_too_much(None, payload)
        self._out.append(payload)

    def close(self, now: float, code: int = 1000, reason: str = "") -> None:
        """Says Close, and waits ``Timeouts.close`` for the answer. Does nothing when closing or closed.

        `reason` is at most 123 bytes of UTF-8. With ``Config(raw=True)`` 1005 says Close without a code. Raises
        LocalProtocolError for a code or reason that cannot be sent.
        """
        if code not in SENDABLE and not (self.config.raw and code == NO_STATUS):
            raise LocalProtocolError(
                None, self.state, f"{code} is no close code that may be sent; 1000 is the normal one"
            )
        reason = reason.encode("utf-8", "replace").decode()
        if len(reason.encode()) > _MAX_REASON:
            raise LocalProtocolError(None, self.state, f"a close reason has at most {_MAX_REASON} bytes: {reason!r}")
        if self.state is CONNECTING:
            self._out.clear()
            self._finish(Cause.CLOSE_SENT, Closed(clean=False, code=1006, reason="closed before the handshake's end"))
        elif self.state is OPEN:
            self._out.append(Close(code, reason))
            self._life.move(Cause.CLOSE_SENT)
            self._timers.set(Timer.CLOSE, now, self.config.timeouts.close)

    # ---- what both read ----

    def next_event(self) -> "In | LocalEvent | None":
        """The next event, None when there is none now. `Closed` comes exactly once and last."""
        return self._events.popleft() if self._events else None

    def outgoing(self) -> "list[Message]":
        """What must be written now, in order; each message is given once."""
        return [_MESSAGES[type(message)](message) for message in self._drain()]

    def deadline(self) -> "float | None":
        """When `tick()` is due, on the clock of `now`; None: never."""
        return self._timers.next()

    def tick(self, now: float) -> None:
        """Time has passed. Early and repeated calls do nothing."""
        if self._timers.rung(now):
            self._close_unanswered()

    # ---- inside ----

    def _drain(self) -> "list[bytes | Binary | Close]":
        if not self._out or self._life.state is CONNECTING:
            return []
        out, self._out = self._out, []
        return out

    def _refuse_when_closing(self) -> None:
        if self.closed is not None:
            raise SessionClosed(self.closed)
        if self.state is CLOSING:
            raise SessionClosed(Closed(clean=False, code=1000, reason="this side has said Close"))

    def _refuse_too_much(self, event: "Out | None", payload: bytes) -> None:
        limits = self.config.limits
        if len(payload) > limits.max_message:
            reason = (
                f"the message has {len(payload)} bytes, more than Limits.max_message ({limits.max_message}): split it"
            )
            raise LocalProtocolError(event, self.state, reason)
        if self.state is CONNECTING and len(self._out) >= limits.max_queue:
            reason = f"{len(self._out)} events wait for the handshake to end (Limits.max_queue): wait for Opened"
            raise LocalProtocolError(event, self.state, reason)

    def _receive_text(self, text: str) -> None:
        self._backlog += len(text)
        if len(text) > self.config.limits.max_message:
            limit = self.config.limits.max_message
            self._fail(1009, f"a message of {len(text)} characters is larger than Limits.max_message ({limit})")
            return
        if self.config.raw:
            self._events.append(Raw(data=text))
            return
        try:
            event = self._codec.decode(text)
        except DecodeError as refusal:
            self._violation(refusal.reason, text, refusal)
            return
        if self._rules is not None:
            breaches = self._rules.feed(event)
            # A client that breaks the order gets its answer from the application of the server, as at a real one.
            if breaches and self.role is Role.CLIENT:
                self._events.append(event)
                self._violation(breaches[0].reason, text)
                return
        self._events.append(event)

    def _violation(self, reason: str, raw: "str | bytes", refusal: "DecodeError | None" = None) -> None:
        self._events.append(Violation(reason=reason, raw=raw))
        if self.role is Role.SERVER:
            self._answer_error(reason, raw, refusal)
        elif self.config.strict:
            self._fail(1008, reason, raw)

    def _answer_error(self, reason: str, raw: "str | bytes", refusal: "DecodeError | None") -> None:
        if len(self._out) >= self.config.limits.max_queue or self.state is not OPEN:
            return
        which, wrong = self._codec.dialect, refusal or DecodeError(reason, "invalid_value")
        echoed = _event_id_of(raw) if isinstance(raw, str) and wrong.code != "invalid_json" else None
        error = refused(
            which, code=wrong.code, message=wrong.answer, param=wrong.param, event_id=echoed, field=wrong.field
        )
        event_id = self.config.make_id("event") if which.event_ids else UNSET
        self._out.append(self._codec.encode(ErrorEvent(event_id=event_id, error=error)) or b"")

    def _fail(self, code: int, reason: str, raw: "str | bytes | None" = None) -> None:
        """The peer broke the protocol beyond repair: tell it why, and end."""
        self._out.append(Close(code, reason.encode("utf-8", "replace")[:_MAX_REASON].decode("utf-8", "ignore")))
        self._finish(
            Cause.FAILED, Closed(clean=False, code=code, reason=reason, error=RemoteProtocolError(reason, raw))
        )

    def _close_unanswered(self) -> None:
        waited = self.config.timeouts.close
        reason = f"the peer did not answer our Close within {waited:g} s"
        self._finish(Cause.FAILED, Closed(clean=False, code=1006, reason=reason))

    def _finish(self, cause: Cause, closed: Closed) -> None:
        self._life.move(cause)
        self._timers.stop_all()
        if cause is not Cause.FAILED:
            self._out.clear()  # nothing may follow the peer's Close, and nothing can follow a lost wire
        self.closed = closed
        self._events.append(closed)


def _event_id_of(raw: str) -> "str | None":
    """The event_id of an object that is no event, if it has one."""
    found = loads(raw).get("event_id")
    return found if isinstance(found, str) else None


def _order_rules(from_start: bool) -> "OrderRules":
    from rtproto._rules import OrderRules  # loaded where it is used: most programs do without

    return OrderRules(from_start)
