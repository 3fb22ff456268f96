"""The message driver: a `rtproto.Session` over a WebSocket of aiohttp."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, TypeVar, cast

import aiohttp
from aiohttp import WSMsgType, web
from aiohttp.base_protocol import BaseProtocol

from rtproto import Close, Session, State
from rtproto._frames import NO_STATUS, SENDABLE, Failure, close_payload
from rtproto.errors import RtprotoError, SessionClosed
from rtproto.events import ClientEvent, Closed, LocalEvent, Opened, Requested, ServerEvent

Out = TypeVar("Out", bound="ClientEvent | ServerEvent")
In = TypeVar("In", bound="ClientEvent | ServerEvent")

logger = logging.getLogger(__name__)

_TURN = 0.001
"""Seconds that a task may send or take events without waiting: then others get their turn."""

_FAREWELL = 1.0
"""Seconds for what is still to be written and read when the session has ended."""

_GLANCE = 0.2
"""Seconds after which a program that only sends looks what has come: Pings want their answer."""

_AT_ONCE = 60_000
"""Bytes that an empty transport takes without pausing who writes: asyncio's high-water mark is 64 KiB."""

_MAX_CONTROL = 125

_LOST = Closed(clean=False, code=1006, reason="the connection was lost without a Close")


class WebSocketConnection(Generic[Out, In]):
    """One end of a session, over aiohttp. Iterate over it in one task; send and close from any task of its loop.

    Iteration gives the events of the peer, `Unknown`, `Violation`, and last `Closed`; then it ends. No task runs in the
    background: who iterates, closes, or has to wait while sending, reads. A message is a sign of life when it is whole.
    """

    def __init__(
        self,
        session: Session[Out, In],
        socket: aiohttp.ClientWebSocketResponse | web.WebSocketResponse,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._session = session
        self._socket = socket
        self._transport = transport
        self._protocol = cast(BaseProtocol, transport.get_protocol())
        self._loop = loop
        self._write_lock = asyncio.Lock()
        self._news = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._pinging: asyncio.Task[None] | None = None
        self._reading = False
        self._iterating = False
        self._finished = False
        self._broken = False
        self._nobody_takes = False
        self._ended = False
        self._pong: bytes | None = None
        self._answer: Close | None = None
        now = loop.time()
        self._turn_ends = now + _TURN
        self._heard = self._pinged = self._looked = now
        self._arm()

    @property
    def state(self) -> State:
        """Where in its life the session is."""
        return self._session.state

    @property
    def closed(self) -> Closed | None:
        """The Closed event, as soon as it is decided; events that came before may still wait to be taken."""
        return self._session.closed

    @property
    def transport(self) -> asyncio.Transport:
        """What carries the session: for its addresses, and for tests that break the wire. Never write to it."""
        return self._transport

    # ---- what the application does ----

    async def send(self, event: Out) -> None:
        """Sends `event`; waits while the transport holds too much, and reads meanwhile.

        Raises LocalProtocolError (it cannot be sent as it is; nothing changed), SessionClosed (it came too late), or
        RtprotoError where as many events wait as `Limits` allow, nobody takes them, and the peer takes nothing either.
        Cancelled while it waits for its turn, it harms nobody; cancelled while its bytes wait, it ends the session.
        """
        self._session.send(event, self._loop.time())
        await self._sent()

    async def send_raw(self, text: str | bytes) -> None:
        """Sends `text` as it is, past the codec and its checks; bytes as a binary message. Raises as `send()` does."""
        self._session.send_raw(text, self._loop.time())
        await self._sent()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Says Close and waits for the peer's, at most ``Timeouts.close``; does nothing more when closed.

        What the peer sent before can still be iterated over. Raises LocalProtocolError for a code or reason that
        cannot be sent.
        """
        self._session.close(self._loop.time(), code, reason)
        self._arm()
        with suppress(SessionClosed):
            await self._flush()
        while self._session.closed is None:
            await self._read()
        await self._hang_up()
        await self._gone()

    def __aiter__(self) -> WebSocketConnection[Out, In]:
        return self

    async def __anext__(self) -> In | LocalEvent:
        if self._iterating:
            raise RuntimeError("another task iterates over this connection: let one take the events and hand them on")
        self._iterating = True
        try:
            await self._take_turns()
            full = self._session.full
            while (event := self._session.next_event()) is None:
                if self._finished:
                    raise StopAsyncIteration
                await self._read()
                if self._session.closed is not None:
                    await self._hang_up()
                elif not self._write_lock.locked():
                    # The reader never waits for a writer: the one who has the lock writes this, too.
                    with suppress(SessionClosed):
                        await self._flush()
        finally:
            self._iterating = False
        if full:
            self._tell()
        self._finished = isinstance(event, Closed)
        return event

    # ---- reading ----

    @property
    def _held(self) -> int:
        """Bytes written that the operating system has not taken yet."""
        try:
            return self._transport.get_write_buffer_size()
        except AttributeError:
            # So ends a question to a TLS transport that is gone.
            return 0

    async def _read(self) -> None:
        """Reads one message; where another task reads, or the queue is full, waits for news."""
        if self._reading or self._session.full:
            await self._news.wait()
            return
        self._reading = True
        try:
            message = await self._socket.receive()
        finally:
            self._reading = False
            self._tell()
        self._take(message)

    def _take(self, message: aiohttp.WSMessage) -> None:
        now = self._loop.time()
        doubted, self._heard = self._pinged > self._heard, now
        if doubted:
            self._arm()
        kind, data = message.type, message.data
        if kind is WSMsgType.TEXT or kind is WSMsgType.BINARY:
            self._session.receive(data, now)
        elif kind is WSMsgType.PING:
            self._pong = data
        elif kind is WSMsgType.CLOSE:
            code = data if data in SENDABLE else 1002 if data else 1000
            self._answer = Close(code) if self.state is State.OPEN else None
            self._session.receive(Close(data or NO_STATUS, message.extra or ""), now)
        elif kind is WSMsgType.ERROR and isinstance(data, aiohttp.WebSocketError):
            self._session.receive(Failure(data.code, str(data)), now)
        elif kind is not WSMsgType.PONG:
            self._session.receive_eof(now)

    async def _read_meanwhile(self) -> None:
        """Reads while a write waits; ends the wire where there is no more use in waiting."""
        while self._session.closed is None:
            if not self._session.full:
                await self._read()
                continue
            held = self._held
            try:
                await asyncio.wait_for(self._news.wait(), self._session.config.timeouts.pong)
            except asyncio.TimeoutError:
                if self._session.full and self._held == held:
                    self._nobody_takes = True
                    self._transport.abort()
                    return
        await self._hang_up()

    @asynccontextmanager
    async def _reading_meanwhile(self) -> AsyncIterator[None]:
        reading = self._loop.create_task(self._read_meanwhile())
        try:
            yield
        finally:
            reading.cancel()
            (outcome,) = await asyncio.gather(reading, return_exceptions=True)
            if isinstance(outcome, Exception):
                raise outcome

    async def _take_turns(self) -> None:
        if self._loop.time() >= self._turn_ends:
            await asyncio.sleep(0)
            self._turn_ends = self._loop.time() + _TURN

    # ---- writing ----

    async def _sent(self) -> None:
        """After something was said: writes it, and looks now and then what has come: some programs only send."""
        await self._flush()
        await self._take_turns()
        if not self._reading and self._looked + _GLANCE < self._loop.time():
            self._looked = self._loop.time()
            async with self._reading_meanwhile():
                await asyncio.sleep(0)
            await self._flush()

    async def _flush(self) -> None:
        async with self._write_lock:
            while True:
                if self._pong is not None:
                    pong, self._pong = self._pong, None
                    await self._write(len(pong), self._socket.pong, pong)
                messages = self._session.outgoing()
                if not messages:
                    return
                for message in messages:
                    if isinstance(message, Close):
                        payload = close_payload(message.code, message.reason)
                        await self._write(_MAX_CONTROL, self._socket.send_frame, payload, WSMsgType.CLOSE)
                    elif isinstance(message, bytes):
                        await self._write(len(message), self._socket.send_bytes, message)
                    else:
                        size = len(message) if message.isascii() else 4 * len(message)
                        await self._write(size, self._socket.send_str, message)

    async def _write(self, size: int, write: Callable[..., Coroutine[Any, Any, None]], *what: object) -> None:
        """Writes a frame of about `size` bytes. Whoever gives up here ends the session: its bytes are on their way."""
        try:
            if size <= _AT_ONCE and not self._held and not self._session.config.compression:
                await write(*what)
            else:
                async with self._reading_meanwhile():
                    await write(*what)
        except (OSError, RuntimeError, aiohttp.ClientError):
            self._broken = True
        except BaseException:
            self._abort()
            raise
        if self._nobody_takes:
            self._abort()
            raise RtprotoError(
                f"nobody takes the events: {self._session.pending} of them wait, so nothing more is read, and the peer "
                "takes nothing either; iterate over the connection while sending"
            )
        if self._broken:
            await self._hear_out()

    async def _hear_out(self) -> None:
        """The peer takes no more bytes. What it said before it went tells why."""
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._read_meanwhile(), _FAREWELL)
        raise SessionClosed(self._session.closed or _LOST)

    # ---- time ----

    def _arm(self) -> None:
        due = self._due()
        if self._alarm is not None:
            # A timer that rings too early costs less than one that is moved with every message.
            if due is not None and self._alarm.when() <= due:
                return
            self._alarm.cancel()
        self._alarm = None if due is None else self._loop.call_at(due, self._ring)

    def _due(self) -> float | None:
        if self.state is not State.OPEN:
            return self._session.deadline()
        timeouts = self._session.config.timeouts
        since, patience = self._heard, timeouts.keepalive
        if self._pinged > self._heard:
            since, patience = self._pinged, timeouts.pong
        return None if patience is None else since + patience

    def _ring(self) -> None:
        self._alarm = None
        now = self._loop.time()
        self._session.tick(now)
        due = self._due()
        if self.state is State.OPEN and due is not None and due <= now:
            self._doubt(now)
        if self._session.closed is not None:
            self._transport.abort()
        self._arm()
        self._tell()

    def _doubt(self, now: float) -> None:
        """It has been silent for long: a Ping, or the end where one has got no answer.

        aiohttp's own heartbeat counts what the application is slow to read as silence of the peer.
        """
        if self._pinged > self._heard and self._reading:
            reason = f"nothing came for {now - self._pinged:.3g} s after a Ping: the connection is dead"
            self._session.receive(Failure(1011, reason), now)
        elif self._pinging is None or self._pinging.done():
            self._pinged = now
            self._pinging = self._loop.create_task(self._ping())

    async def _ping(self) -> None:
        with suppress(OSError, RuntimeError, aiohttp.ClientError):
            await self._socket.ping()

    def _tell(self) -> None:
        self._news.set()
        self._news.clear()

    # ---- the end ----

    def _abort(self) -> None:
        """Ends at once; 1006 where nothing has ended the session before."""
        self._broken = True
        self._session.receive_eof(self._loop.time())
        # Until 3.14 aiohttp shields what a cancelled write waits for: nobody would retrieve how that ends.
        waiter: asyncio.Future[None] | None = getattr(self._protocol, "_drain_waiter", None)
        if waiter is not None:
            waiter.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        self._transport.abort()
        self._arm()
        self._tell()

    async def _hang_up(self) -> None:
        """The session has ended: writes what is left and closes the transport."""
        if self._ended:
            return
        self._ended = True
        self._arm()
        if self._pinging is not None:
            self._pinging.cancel()
        closes = [close for close in (self._answer, *self._session.outgoing()) if isinstance(close, Close)]
        # With nothing left to say there is nothing to wait for, not even for the peer's goodbye in TLS.
        self._loop.call_later(_FAREWELL if closes else 0, self._transport.abort)
        try:
            for close in closes:
                with suppress(OSError, RuntimeError, aiohttp.ClientError):
                    await self._socket.send_frame(close_payload(close.code, close.reason), WSMsgType.CLOSE)
        finally:
            if not self._transport.is_closing():
                # Of TLS a second close() would make abort() fail.
                self._transport.close()

    async def _leave(self, code: int) -> None:
        """Closes although something else went wrong, without a word."""
        with suppress(RtprotoError):
            await self.close(code)

    async def _gone(self) -> None:
        # asyncio tells only the protocol, which is aiohttp's, when a transport is gone.
        pause = 0.0
        while self._protocol.transport is not None:
            await asyncio.sleep(pause)
            pause = min(2 * pause + 0.0002, 0.02)


class ClientWebSocket(WebSocketConnection[ClientEvent, ServerEvent]):
    """The client's end of a session: what `connect()` gives."""

    opened: Opened
    """The server's answer to the handshake."""


class ServerWebSocket(WebSocketConnection[ServerEvent, ClientEvent]):
    """The server's end of a session: what `accept()` gives."""

    requested: Requested
    """What the client asked for."""

    response: web.WebSocketResponse
    """What the handler of aiohttp.web returns at its end."""
