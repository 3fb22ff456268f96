"""`serve()`: a server of the protocol, one task a connection."""

from __future__ import annotations

import itertools
import logging
import math
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio

from rtproto import Config, Connection, State
from rtproto.errors import RtprotoError, SessionClosed
from rtproto.events import Requested
from rtproto_trio._defaults import with_fast_mask
from rtproto_trio._stream import ServerStream
from rtproto_trio._wire import Wire

logger = logging.getLogger(__name__)

Handler = Callable[[ServerStream], Awaitable[object]]
_numbers = itertools.count(1)


async def serve(
    handler: Handler,
    host: str | None,
    port: int,
    config: Config | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serves until it is cancelled: ``port = await nursery.start(serve, handler, "127.0.0.1", 0)`` gives the port.

    `handler` is called for each client with its `ServerStream`: `requested` says what it wants, `accept()` or
    `reject()` answers. When the handler returns, the session is closed; when it raises, that is logged and the session
    closed with 1011. `host` None means every interface, `port` 0 any free one.

    Raises OSError where it cannot listen there.
    """
    config = with_fast_mask(config)

    async def serve_one(stream: trio.SocketStream) -> None:
        number = next(_numbers)
        wire = Wire(stream)
        try:
            connection = await _meet(wire, config, ssl_context)
            if connection is not None:
                await _handle(connection, handler, number)
        except Exception:
            logger.exception("connection %d failed", number)
        finally:
            with trio.CancelScope(shield=True):
                await wire.abort()

    listeners = await trio.open_tcp_listeners(port, host=host)
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, serve_one, listeners)
        task_status.started(listeners[0].socket.getsockname()[1])


async def _meet(wire: Wire, config: Config, ssl_context: ssl.SSLContext | None) -> ServerStream | None:
    """The connection with its request, or None where none came."""
    machine = Connection.server(config, now=trio.current_time())
    deadline = machine.deadline()
    if ssl_context is not None:
        with trio.CancelScope(deadline=math.inf if deadline is None else deadline) as opening:
            try:
                await wire.start_tls(ssl_context)
            except trio.BrokenResourceError as error:
                logger.debug("no TLS: %s", error.__cause__)
                return None
        if opening.cancelled_caught:
            return None
    connection = ServerStream(machine, wire)
    event = await anext(connection)
    if not isinstance(event, Requested):
        return None
    connection.requested = event
    return connection


async def _handle(connection: ServerStream, handler: Handler, number: int) -> None:
    logger.debug("connection %d asks for a session", number)
    try:
        await handler(connection)
    except SessionClosed:
        logger.debug("connection %d was closed while its handler sent", number)
        await connection._leave()
    except Exception:
        logger.exception("the handler of connection %d failed", number)
        await _fail(connection, 500, 1011)
    except BaseException:
        await _fail(connection, 503, 1001)
        raise
    else:
        if connection.state is State.CONNECTING:
            logger.error("the handler of connection %d returned without accept() or reject()", number)
            await connection.reject(500)
        await connection.close()


async def _fail(connection: ServerStream, status: int, code: int) -> None:
    with trio.CancelScope(shield=True), suppress(RtprotoError):
        if connection.state is State.CONNECTING:
            await connection.reject(status)
        await connection._leave(code)
