"""One end of a session, as trio programs use it, whatever carries it."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any, Generic

import trio

from rtproto import State
from rtproto.errors import RtprotoError, SessionClosed
from rtproto.events import Closed, LocalEvent, Opened
from rtproto_trio._pump import FAREWELL, Carrier, In, Machine, Out, Pump, W

logger = logging.getLogger(__name__)

_TURN = 32
"""Events handed out in a row: then other tasks get their turn."""


class TrioConnection(Generic[Out, In]):
    """One end of a session. Iterate over it in one task; send and close from any.

    Iteration gives the events of the peer, `Unknown`, `Violation`, and last `Closed`; then it ends. Timers ring (pings
    are sent) while a task iterates, sends or closes: no task runs in the background.
    """

    def __init__(self, machine: Machine[Out, In, W], carrier: Carrier[W]) -> None:
        self._machine: Machine[Out, In, Any] = machine
        self._pump: Pump[In, Any] = Pump(machine, carrier)
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

    async def send_raw(self, text: str | bytes) -> None:
        """Sends `text` as it is, past the codec and its checks; bytes as a binary message. Raises as `send()` does."""
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

    def __aiter__(self) -> TrioConnection[Out, In]:
        return self

    async def __anext__(self) -> In | LocalEvent:
        if self._iterating:
            raise RuntimeError("another task iterates over this connection: let one take the events and hand them on")
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

    async def _leave(self, code: int = 1001) -> None:
        """Closes although something else went wrong: quickly, and without a word."""
        with trio.CancelScope(shield=True, deadline=trio.current_time() + FAREWELL), suppress(RtprotoError):
            await self.close(code)
        await self._pump.abort()

    async def _open(self) -> Opened:
        """The client's handshake. Raises what it ended with instead."""
        await self._pump.flush_unless_busy()
        event = await anext(self)
        if isinstance(event, Closed):
            raise event.error or SessionClosed(event)
        assert isinstance(event, Opened)
        return event
