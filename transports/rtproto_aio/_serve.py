"""`serve_stream()`: a server of the protocol over asyncio's own transports, one task a connection."""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, cast

from rtproto import Config, Connection, State
from rtproto.errors import SessionClosed
from rtproto_aio._defaults import with_fast_mask
from rtproto_aio._stream import ServerStream

logger = logging.getLogger(__name__)

Handler = Callable[[ServerStream], Awaitable[object]]
_numbers = itertools.count(1)


def serve_stream(
    handler: Handler,
    host: str | None,
    port: int,
    config: Config | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
) -> StreamServer:
    """A server: ``async with serve_stream(handler, "127.0.0.1", 0) as server: print(server.port)``.

    `handler` is called for each client with its `ServerStream`: `requested` says what it wants, `accept()` or
    `reject()` answers. When the handler returns, the session is closed; when it raises, that is logged and the session
    closed with 1011. `host` None means every interface, `port` 0 any free one.

    Entering the block raises OSError where it cannot listen there.
    """
    return StreamServer(handler, host, port, with_fast_mask(config), ssl_context)


class StreamServer:
    """A server inside its block; see `serve_stream()`."""

    port: int
    """Where it listens."""
    addresses: list[Any]
    """All of its sockets' names, as `socket.getsockname()` has them."""

    def __init__(
        self, handler: Handler, host: str | None, port: int, config: Config, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._handler = handler
        self._address = host, port
        self._config = config
        self._ssl_context = ssl_context
        self._connections: dict[asyncio.Task[None], ServerStream] = {}

    async def __aenter__(self) -> StreamServer:
        await self.listen()
        return self

    async def listen(self) -> None:
        """Listens again, on the same port, after `stop_listening()`. Raises OSError where it cannot."""
        loop = asyncio.get_running_loop()
        patience = self._config.timeouts.open if self._ssl_context else None
        self._server = await loop.create_server(
            lambda: _Arrival(self._welcome), *self._address, ssl=self._ssl_context, ssl_handshake_timeout=patience
        )
        self.addresses = [listener.getsockname() for listener in self._server.sockets]
        self.port = self.addresses[0][1]
        self._address = self._address[0], self.port
        logger.debug("listening on port %d", self.port)

    async def stop_listening(self) -> None:
        """Refuses who comes from now on; who is connected stays so."""
        await stop_accepting(self._server)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Stops listening, closes every session with 1001, and waits for the handlers; those that go on are cancelled
        after ``Timeouts.close``. May be called again.
        """
        await stop_accepting(self._server)
        if not self._connections:
            return
        goodbyes = [asyncio.ensure_future(connection._leave(1001)) for connection in self._connections.values()]
        handlers = list(self._connections)
        try:
            await asyncio.wait([*goodbyes, *handlers], timeout=self._config.timeouts.close)
        finally:
            for task in (*goodbyes, *handlers):
                task.cancel()
            await asyncio.gather(*goodbyes, *handlers, return_exceptions=True)

    def _welcome(self, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        connection = ServerStream(Connection.server(self._config, now=loop.time()), loop)
        transport.set_protocol(connection._wire)
        connection._wire.connection_made(transport)
        task = loop.create_task(_serve(connection, self._handler, next(_numbers)))
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)


async def stop_accepting(server: asyncio.Server) -> None:
    """Closes `server`. Who has been accepted by then is served, or refused: asyncio alone would forget a client whose
    connection it has just accepted, and keep that open, so that the client waits for ever.
    """
    loop = asyncio.get_running_loop()
    try:
        for listener in server.sockets:
            # Windows' own loop accepts in another way.
            with suppress(NotImplementedError):
                loop.remove_reader(listener)
        await asyncio.sleep(0)
    finally:
        server.close()


class _Arrival(asyncio.Protocol):
    """Becomes a connection when the wire stands, after TLS."""

    def __init__(self, welcome: Callable[[asyncio.Transport], None]) -> None:
        self._welcome = welcome

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._welcome(cast("asyncio.Transport", transport))


async def _serve(connection: ServerStream, handler: Handler, number: int) -> None:
    try:
        if await connection._request():
            logger.debug("connection %d asks for a session", number)
            await handler(connection)
            if connection.state is State.CONNECTING:
                logger.error("the handler of connection %d returned without accept() or reject()", number)
                await connection.reject(500)
    except SessionClosed:
        logger.debug("connection %d was closed while its handler sent", number)
    except asyncio.CancelledError:
        await connection._fail(503, 1001)
        raise
    except Exception:
        logger.exception("the handler of connection %d failed", number)
        await connection._fail(500, 1011)
    else:
        await connection.close()
    finally:
        connection._abort()
        await connection._gone()
