"""The byte driver for threads: a session over a socket. No background thread; who waits moves the bytes, both ways."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Generic

from rtproto import State
from rtproto.errors import SessionClosed
from rtproto.events import ClientEvent, Closed, LocalEvent, Opened, Requested, ServerEvent
from rtproto_sync._pump import FAREWELL, In, Out, Pump

logger = logging.getLogger(__name__)


class StreamConnection(Generic[Out, In]):
    """One end of a session, over a socket. Iterate over it in one thread; send and close from any.

    Iteration gives the events of the peer, `Unknown`, `Violation`, and last `Closed`; then it ends. Timers ring (pings
    are sent) while a thread iterates, sends or closes.
    """

    def __init__(self, pump: Pump[Out, In]) -> None:
        self._pump = pump
        self._machine = pump.machine
        self._taking = False

    @property
    def state(self) -> State:
        """Where in its life the session is."""
        return self._machine.state

    @property
    def closed(self) -> Closed | None:
        """The Closed event, as soon as it is decided; events that came before may still wait to be taken."""
        return self._machine.closed

    def send(self, event: Out) -> None:
        """Sends `event`; returns when the operating system has taken its bytes, and reads while it waits for that.

        Raises LocalProtocolError (it cannot be sent as it is; nothing changed), SessionClosed (it came too late), or
        RtprotoError where ``Limits.max_queue`` events wait, nobody takes them, and the peer takes nothing either: it
        then leaves when the events are taken. KeyboardInterrupt halfway ends the session.
        """
        with self._pump.lock:
            self._machine.send(event, time.monotonic())
            self._pump.deliver()

    def send_raw(self, text: str | bytes) -> None:
        """Sends `text` as it is, past the codec and its checks; bytes as a binary message. Raises as `send()` does."""
        with self._pump.lock:
            self._machine.send_raw(text, time.monotonic())
            self._pump.deliver()

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Says Close and waits for the peer's, at most ``Timeouts.close``; does nothing more when closed.

        What the peer sent before can still be iterated over. Raises LocalProtocolError for a code or reason that
        cannot be sent.
        """
        with self._pump.lock:
            self._pump.close(code, reason)
            self._pump.drive(lambda: self._machine.closed is not None)
            self._pump.end()

    def next_event(self, timeout: float | None = None) -> In | LocalEvent | None:
        """The next event, or None where none came within `timeout` seconds (None: waits for ever).

        Raises SessionClosed when `Closed` has been taken.
        """
        event = self._take(math.inf if timeout is None else time.monotonic() + timeout)
        if event is None and self._machine.closed is not None:
            raise SessionClosed(self._machine.closed)
        return event

    def __iter__(self) -> StreamConnection[Out, In]:
        return self

    def __next__(self) -> In | LocalEvent:
        event = self._take(math.inf)
        if event is None:
            raise StopIteration
        return event

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.close()
        finally:
            self._leave()

    def _take(self, until: float) -> In | LocalEvent | None:
        with self._pump.lock:
            if self._taking:
                reason = "another thread iterates over this connection: let one take the events and hand them on"
                raise RuntimeError(reason)
            self._taking = True
            try:
                event = self._pump.take(until)
                if isinstance(event, Closed):
                    self._pump.end()
                    logger.debug("a session ended: code %d, clean %s", event.code, event.clean)
                return event
            finally:
                self._taking = False

    def _leave(self, code: int = 1001, until: float | None = None) -> None:
        """Closes although something else went wrong: quickly, or until this time."""
        with self._pump.lock:
            try:
                self._pump.close(code, "")
                self._pump.drive(lambda: self._machine.closed is not None, until or time.monotonic() + FAREWELL)
                self._pump.end()
            finally:
                self._pump.kill()

    def _go_away(self) -> None:
        """Begins to close, and waits for nothing."""
        with self._pump.lock:
            self._pump.close(1001, "the server is going away")


class ClientStream(StreamConnection[ClientEvent, ServerEvent]):
    """The client's end of a session: what `connect()` gives."""

    opened: Opened
    """The server's answer to the handshake."""

    def __enter__(self) -> ClientStream:
        return self

    def _shake_hands(self) -> None:
        event = next(self)
        if isinstance(event, Closed):
            raise event.error or SessionClosed(event)
        assert isinstance(event, Opened)
        self.opened = event


class ServerStream(StreamConnection[ServerEvent, ClientEvent]):
    """The server's end of a session: what the handler of `serve()` gets. First `accept()` or `reject()` it."""

    requested: Requested
    """What the client asked for."""

    def accept(
        self, *, subprotocol: str | None = None, headers: Sequence[tuple[str, str]] = (), dialect: str | None = None
    ) -> None:
        """Opens the session. `subprotocol` is one of those offered, `dialect` replaces what
        the request calls for (``requested.dialect``)."""
        with self._pump.lock:
            self._machine.accept(time.monotonic(), subprotocol=subprotocol, headers=headers, dialect=dialect)
            self._pump.deliver()

    def reject(self, status: int = 403, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Answers with an HTTP error, and ends."""
        with self._pump.lock:
            self._machine.reject(time.monotonic(), status, headers, body)
            self._pump.end(rejected=True)
