"""The byte driver: a `rtproto.Connection` over an asyncio transport."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from rtproto import Connection, State
from rtproto.errors import RtprotoError, SessionClosed
from rtproto.events import ClientEvent, Closed, LocalEvent, Opened, Requested, ServerEvent
from rtproto_aio._wire import Wire

Out = TypeVar("Out", bound="ClientEvent | ServerEvent")
In = TypeVar("In", bound="ClientEvent | ServerEvent")

logger = logging.getLogger(__name__)

_TURN = 0.001
"""Seconds that a task may send or take events without waiting: then others get their turn, and what came is read."""

_FAREWELL = 1.0
"""Seconds for what is still to be written and read when the session has ended."""


class StreamConnection(Generic[Out, In]):
    """One end of a session, over TCP or TLS. Iterate over it in one task; send and close from any task of its loop.

    Iteration gives the events of the peer, `Unknown`, `Violation`, and last `Closed`; then it ends. The event loop
    reads in between, until as many events wait as `Limits` allow, and keeps the timers.
    """

    def __init__(self, machine: Connection[Out, In], loop: asyncio.AbstractEventLoop) -> None:
        self._machine = machine
        self._loop = loop
        self._wire = Wire(self._received, self._changed)
        self._write_lock = asyncio.Lock()
        self._news = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._iterating = False
        self._finished = False
        self._turn_ends = loop.time() + _TURN

    @property
    def state(self) -> State:
        """Where in its life the session is."""
        return self._machine.state

    @property
    def closed(self) -> Closed | None:
        """The Closed event, as soon as it is decided; events that came before may still wait to be taken."""
        return self._machine.closed

    @property
    def transport(self) -> asyncio.Transport:
        """What carries the session: for its addresses, and for tests that break the wire. Never write to it."""
        return self._wire.transport

    # ---- what the application does ----

    async def send(self, event: Out) -> None:
        """Sends `event`; waits while the transport holds too much, and the loop goes on reading meanwhile.

        Raises LocalProtocolError (it cannot be sent as it is; nothing changed), SessionClosed (it came too late), or
        RtprotoError where as many events wait as `Limits` allow, nobody takes them, and the peer takes nothing either.
        Cancelled while it waits for its turn, it harms nobody; cancelled while its bytes wait, it ends the session.
        """
        self._machine.send(event, self._loop.time())
        await self._flush()

    async def send_raw(self, text: str | bytes) -> None:
        """Sends `text` as it is, past the codec and its checks; bytes as a binary message. Raises as `send()` does."""
        self._machine.send_raw(text, self._loop.time())
        await self._flush()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Says Close and waits for the peer's, at most ``Timeouts.close``; does nothing more when closed.

        What the peer sent before can still be iterated over. Raises LocalProtocolError for a code or reason that
        cannot be sent.
        """
        self._machine.close(self._loop.time(), code, reason)
        self._changed()
        with suppress(SessionClosed):
            await self._flush()
        while self._machine.closed is None or not self._wire.lost:
            await self._news.wait()

    async def hang_up(self) -> None:
        """Ends the wire without a Close when all is written, at most ``Timeouts.close`` later: the peer sees 1006."""
        self._wire.end(self._machine.config.timeouts.close or _FAREWELL, linger=False)
        self._machine.receive_eof(self._loop.time())
        self._changed()
        await self._gone()

    def __aiter__(self) -> StreamConnection[Out, In]:
        return self

    async def __anext__(self) -> In | LocalEvent:
        if self._iterating:
            raise RuntimeError("another task iterates over this connection: let one take the events and hand them on")
        self._iterating = True
        try:
            await self._take_turns()
            while (event := self._machine.next_event()) is None:
                if self._finished:
                    raise StopAsyncIteration
                await self._news.wait()
                self._turn_ends = self._loop.time() + _TURN
        finally:
            self._iterating = False
        if isinstance(event, Closed):
            self._finished = True
        elif self._wire.paused and self._machine.closed is None:
            self._wire.read(not self._machine.full)
        return event

    async def _first(self) -> In | LocalEvent:
        """How the handshake goes on: taken before anybody iterates, it makes room, too."""
        while (event := self._machine.next_event()) is None:
            await self._news.wait()
        if self._machine.closed is None:
            self._wire.read(not self._machine.full)
        return event

    # ---- what the wire says ----

    def _received(self, data: bytes) -> None:
        if data:
            self._machine.receive(data, self._loop.time())
        else:
            self._machine.receive_eof(self._loop.time())
        self._changed()

    def _changed(self) -> None:
        """After every change: writes what must be written, sets the timer, wakes who waits."""
        machine = self._machine
        if machine.closed is not None:
            self._end(machine.closed)
        else:
            # The reader never waits for a writer: the one who has the lock writes this, too.
            if not self._write_lock.locked() and not self._wire.full:
                self._wire.write(b"".join(machine.outgoing()))
            self._wire.read(not machine.full)
        self._arm()
        self._news.set()
        self._news.clear()

    def _arm(self) -> None:
        due = self._machine.deadline()
        if self._alarm is not None:
            # A timer that rings too early costs less than one that is moved with every read.
            if due is not None and self._alarm.when() <= due:
                return
            self._alarm.cancel()
        self._alarm = None if due is None else self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        self._machine.tick(self._loop.time())
        self._changed()

    def _end(self, closed: Closed) -> None:
        last = b"".join(self._machine.outgoing())
        self._wire.write(last)
        # With nothing left to say there is nothing to wait for, not even for the peer's goodbye in TLS.
        self._wire.end(_FAREWELL if last else 0, linger=bool(last) and not closed.clean)

    # ---- writing ----

    async def _flush(self) -> None:
        if not self._write_lock.locked() and not self._wire.full:
            self._wire.write(b"".join(self._machine.outgoing()))
            if not self._wire.full:
                await self._take_turns()
                return
        async with self._write_lock:
            await self._drain()
            while data := b"".join(self._machine.outgoing()):
                self._wire.write(data)
                await self._drain()

    async def _drain(self) -> None:
        """Waits until the transport takes more. Whoever gives up here ends the session: its bytes are on their way."""
        machine, wire = self._machine, self._wire
        try:
            while wire.full and machine.closed is None:
                patience = machine.config.timeouts.pong
                if patience is None or not machine.full:
                    await self._news.wait()
                    continue
                held = wire.held
                try:
                    await asyncio.wait_for(self._news.wait(), patience)
                except asyncio.TimeoutError:
                    if wire.held == held and machine.full:
                        raise RtprotoError(
                            f"nobody takes the events: {machine.pending} of them wait, so nothing more is read, and "
                            "the peer takes nothing either; iterate over the connection while sending"
                        ) from None
        except BaseException:
            self._abort()
            raise
        if machine.closed is not None:
            raise SessionClosed(machine.closed)

    async def _take_turns(self) -> None:
        if self._loop.time() >= self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = self._loop.time() + _TURN

    # ---- the end ----

    def _abort(self) -> None:
        """Ends at once; 1006 where nothing has ended the session before."""
        self._machine.receive_eof(self._loop.time())
        self._wire.abort()
        self._changed()

    async def _leave(self, code: int) -> None:
        """Closes although something else went wrong, without a word."""
        with suppress(RtprotoError):
            await self.close(code)

    async def _gone(self) -> None:
        while not self._wire.lost:
            await self._news.wait()


class ClientStream(StreamConnection[ClientEvent, ServerEvent]):
    """The client's end of a session: what `connect_stream()` gives."""

    opened: Opened
    """The server's answer to the handshake."""

    async def _open(self) -> None:
        """The handshake, once the wire stands. Raises HandshakeError."""
        event = await self._first()
        if isinstance(event, Opened):
            self.opened = event
        elif isinstance(event, Closed):
            self._finished = True
            await self._gone()
            event.raise_for_error()


class ServerStream(StreamConnection[ServerEvent, ClientEvent]):
    """The server's end of a session: what the handler of `serve_stream()` gets. First `accept()` or `reject()` it."""

    requested: Requested
    """What the client asked for."""

    async def _request(self) -> bool:
        """Whether a request came that can be answered."""
        event = await self._first()
        if isinstance(event, Requested):
            self.requested = event
            return True
        self._finished = True
        return False

    async def _fail(self, status: int, code: int) -> None:
        """Says to the client that its handler has failed."""
        with suppress(RtprotoError):
            if self.state is State.CONNECTING:
                await self.reject(status)
            await self.close(code)

    async def accept(
        self, *, subprotocol: str | None = None, headers: Sequence[tuple[str, str]] = (), dialect: str | None = None
    ) -> None:
        """Opens the session. `subprotocol` is one of those offered, `dialect` replaces what
        the request calls for (``requested.dialect``).

        Raises LocalProtocolError where this was answered already or the subprotocol was not offered.
        """
        self._machine.accept(self._loop.time(), subprotocol=subprotocol, headers=headers, dialect=dialect)
        self._changed()
        await self._flush()

    async def reject(self, status: int = 403, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Answers with an HTTP error, and ends. Raises LocalProtocolError as `accept()` does."""
        self._machine.reject(self._loop.time(), status, headers, body)
        self._changed()
        await self._gone()
