"""The byte driver: a session over a trio stream. No background task; who waits, reads and lets timers ring."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Generic

import trio

from rtproto import Connection, State
from rtproto.errors import LocalProtocolError, RtprotoError
from rtproto.events import ClientEvent, Closed, LocalEvent, Opened, Requested, ServerEvent
from rtproto_trio._pump import FAREWELL, In, Out, Pump
from rtproto_trio._wire import Wire

logger = logging.getLogger(__name__)

_TURN = 32
"""Events handed out in a row: then other tasks get their turn."""


class StreamConnection(Generic[Out, In]):
    """One end of a session, over a trio stream. Iterate over it in one task; send and close from any.

    Iteration gives the events of the peer, `Unknown`, `Violation`, and last `Closed`; then it ends. Timers ring (pings
    are sent) while a task iterates, sends or closes.
    """

    def __init__(self, machine: Connection[Out, In], wire: Wire, stream: trio.abc.Stream) -> None:
        self._machine = machine
        self._pump = Pump(machine, wire, stream)
        self._iterating = False
        self._in_a_row = 0

    @property
    def state(self) -> State:
        """Where in its life the session is."""
        return self._machine.state

    @property
    def closed(self) -> Closed | None:
        """The Closed event, as soon as it is decided; events that came before may still wait to be taken."""
        return self._machine.closed

    async def send(self, event: Out) -> None:
        """Sends `event`; returns when the operating system has taken its bytes, and reads while it waits for that.

        Raises LocalProtocolError (it cannot be sent as it is; nothing changed), SessionClosed (it came too late), or
        RtprotoError where ``Limits.max_queue`` events wait, nobody takes them, and the peer takes nothing either.
        Cancelled while it waits for its turn, it harms nobody; cancelled halfway, it ends the session.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._machine.send(event, trio.current_time())
        await self._pump.deliver()

    async def send_raw(self, text: str) -> None:
        """Sends `text` as it is, past the codec and its checks. Raises as `send()` does."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self._machine.send_raw(text, trio.current_time())
        await self._pump.deliver()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Says Close and waits for the peer's, at most ``Timeouts.close``; does nothing more when closed.

        What the peer sent before can still be iterated over. Raises LocalProtocolError for a code or reason that
        cannot be sent.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        self._machine.close(trio.current_time(), code, reason)
        self._pump.rearm()
        await self._pump.flush_unless_busy()
        while self._machine.closed is None:
            await self._pump.step()
        await self._pump.end()

    def __aiter__(self) -> StreamConnection[Out, In]:
        return self

    async def __anext__(self) -> In | LocalEvent:
        if self._iterating:
            reason = "another task iterates over this connection: let one task take the events and hand them on"
            raise LocalProtocolError(None, self.state, reason)
        self._iterating = True
        try:
            event = await self._next()
        finally:
            self._iterating = False
        if event is None:
            raise StopAsyncIteration
        return event

    async def _next(self) -> In | LocalEvent | None:
        """The next event; None after Closed."""
        self._in_a_row += 1
        if self._in_a_row > _TURN:
            self._in_a_row = 0
            await trio.lowlevel.checkpoint()
        while (event := self._pump.take()) is None:
            if self._machine.closed is not None:
                await trio.lowlevel.checkpoint()
                return None
            await self._pump.step()
            self._in_a_row = 0
        if isinstance(event, Closed):
            await self._pump.end()
            logger.debug("a session ended: code %d, clean %s", event.code, event.clean)
        return event

    async def _leave(self, code: int = 1000) -> None:
        """Closes although something else went wrong: quickly, and without a word."""
        with trio.CancelScope(shield=True, deadline=trio.current_time() + FAREWELL), suppress(RtprotoError):
            await self.close(code)
        await self._pump.abort()


class ClientStream(StreamConnection[ClientEvent, ServerEvent]):
    """The client's end of a session: what `connect()` gives."""

    opened: Opened
    """The server's answer to the handshake."""

    async def _shake_hands(self) -> None:
        await self._pump.flush_unless_busy()
        event = await anext(self)
        if isinstance(event, Closed):
            event.raise_for_error()
        assert isinstance(event, Opened)
        self.opened = event


class ServerStream(StreamConnection[ServerEvent, ClientEvent]):
    """The server's end of a session: what the handler of `serve()` gets. First `accept()` or `reject()` it."""

    requested: Requested
    """What the client asked for."""

    async def accept(
        self, *, subprotocol: str | None = None, headers: Sequence[tuple[str, str]] = (), dialect: str | None = None
    ) -> None:
        """Opens the session. `subprotocol` is one of those offered, `dialect` what the request calls for.

        Raises LocalProtocolError where one of them cannot be, or where it is too late.
        """
        self._machine.accept(trio.current_time(), subprotocol=subprotocol, headers=headers, dialect=dialect)
        await self._pump.deliver()

    async def reject(self, status: int = 403, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Answers with an HTTP error (300 to 599), and ends. Raises LocalProtocolError as `accept()` does."""
        self._machine.reject(trio.current_time(), status, headers, body)
        await self._pump.end()
