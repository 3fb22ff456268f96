"""The message driver: a `rtproto.Session` over a WebSocket of trio-websocket."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import trio
import trio_websocket
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection
from wsproto.utilities import LocalProtocolError

from rtproto import Close, Config, Session
from rtproto._frames import Failure
from rtproto._session import Message
from rtproto.events import ClientEvent, Opened, Requested, ServerEvent
from rtproto_trio._connection import TrioConnection
from rtproto_trio._wire import do_while

_SURELY_OVER = 0.02
"""Seconds within which a send that has not to wait is over."""

_TOO_BIG = "Exceeded maximum message size"


class MessageCarrier:
    """Carries messages over a WebSocket of trio-websocket.

    What that library has no public way for is done with three of its private names: closing without throwing away what
    was received (`_send`), seeing that its parser has failed (`_wsproto`), and ending at once (`_stream`).
    """

    moved_at = -math.inf
    readable = False

    def __init__(self, socket: trio_websocket.WebSocketConnection, config: Config) -> None:
        self._socket = socket
        self._timeouts = config.timeouts
        self._dead: Failure | None = None
        self._heard = trio.current_time()
        self._listening = math.inf
        """Since when `receive()` waits."""
        self._sending = False
        self.meanwhile: Callable[[], Awaitable[None]] = trio.sleep_forever

    async def receive(self) -> Any:
        """The next message, or a Close or Failure that says how it ended; None where the wire is lost."""
        self._listening = trio.current_time()
        try:
            message = await self._socket.get_message()
        except trio_websocket.ConnectionClosed:
            return self._dead or self._ending()
        finally:
            self._listening = math.inf
        self._heard = trio.current_time()
        return message

    def _ending(self) -> Close | Failure | None:
        closed = self._socket.closed
        if closed is None or closed.code == 1006:
            return None
        reason = closed.reason or ""
        if self._parser_failed or reason.startswith(_TOO_BIG):
            return Failure(closed.code, reason)
        return Close(closed.code, reason)

    @property
    def _parser_failed(self) -> bool:
        # A Close that came would have left these two; trio-websocket's own, to tell the peer, may come before us.
        unanswered = (ConnectionState.OPEN, ConnectionState.LOCAL_CLOSING)
        return self._socket.closed is not None and self._socket._wsproto.state in unanswered

    async def glance(self) -> Any:
        """Never finds anything: trio-websocket reads in a task of its own, and answers Pings."""
        raise trio.WouldBlock

    async def send(self, data: list[Message]) -> None:
        """Sends all of `data`."""
        self._sending = True
        for message in data:
            if isinstance(message, Close):
                send = partial(self._socket._send, CloseConnection(code=message.code, reason=message.reason))
            else:
                send = partial(self._socket.send_message, message)
            with trio.CancelScope(shield=True) as shield:
                await do_while(self._carry, send, partial(self._read_meanwhile, shield))
            self.moved_at = trio.current_time()
        self._sending = False

    async def _carry(self, send: Callable[[], Awaitable[None]]) -> None:
        try:
            await send()
        except (trio_websocket.ConnectionClosed, LocalProtocolError):
            raise trio.BrokenResourceError("the WebSocket is closed") from None

    async def _read_meanwhile(self, shield: trio.CancelScope) -> None:
        with trio.move_on_after(_SURELY_OVER):
            await self.meanwhile()
            return
        shield.shield = False
        await self.meanwhile()

    async def keep_alive(self) -> None:
        """Pings after every silence; ends the wire where a Ping gets no answer though somebody listens."""
        keepalive, patience = self._timeouts.keepalive, self._timeouts.pong
        while keepalive is not None:
            await trio.sleep_until(self._heard + keepalive)
            if trio.current_time() < self._heard + keepalive:
                continue
            asked = trio.current_time()
            try:
                with trio.move_on_after(math.inf if patience is None else patience):
                    await self._carry(self._socket.ping)
                    self._heard = trio.current_time()
            except trio.BrokenResourceError:
                return  # Closed, or closing: from here on the close has a time of its own.
            # Where nobody listens, or a send is under way, the library may not have come to the answer.
            if self._heard < asked and self._listening <= asked and not self._sending:
                self._dead = Failure(1011, f"nothing came for {patience:g} s after a Ping: the connection is dead")
                await self.abort()
                return
            self._heard = max(self._heard, asked)

    async def linger(self) -> None:
        """Tells the peer why, where the library did not."""
        closed = self._socket.closed
        if closed is not None and self._parser_failed:
            await self._carry(partial(self._socket._send, CloseConnection(code=closed.code, reason=closed.reason)))

    async def abort(self) -> None:
        """Closes at once."""
        await trio.aclose_forcefully(self._socket._stream)


class ClientWebSocket(TrioConnection[ClientEvent, ServerEvent]):
    """The client's end of a session: what `connect_websocket()` gives."""

    opened: Opened
    """The server's answer to the handshake."""

    def __init__(self, session: Session[ClientEvent, ServerEvent], carrier: MessageCarrier) -> None:
        super().__init__(session, carrier)


class ServerWebSocket(TrioConnection[ServerEvent, ClientEvent]):
    """The server's end of a session: what `accept_websocket()` gives."""

    requested: Requested
    """What the client asked for."""

    def __init__(self, session: Session[ServerEvent, ClientEvent], carrier: MessageCarrier) -> None:
        super().__init__(session, carrier)
