"""`connect()`: TCP, a proxy's tunnel, TLS and the handshake, all within ``Timeouts.open``."""

from __future__ import annotations

import logging
import math
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from rtproto import Config, Connection, Endpoint
from rtproto._tunnel import Proxy
from rtproto.errors import HandshakeError
from rtproto_trio._defaults import with_fast_mask
from rtproto_trio._dial import reach
from rtproto_trio._stream import ClientStream
from rtproto_trio._wire import Wire

logger = logging.getLogger(__name__)


@asynccontextmanager
async def connect(
    endpoint: Endpoint,
    config: Config | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
    proxy: str | None = None,
) -> AsyncIterator[ClientStream]:
    """Opens a session with `endpoint`, and closes it at the end of the ``async with`` block.

    `ssl_context` replaces the default one for wss:// endpoints. `proxy` is an HTTP proxy that knows CONNECT,
    ``http://[user:password@]host[:port]``. Redirects are never followed.

    Raises HandshakeError when the server or the proxy refuses or does not answer within ``Timeouts.open``,
    ConnectionError when it cannot be reached or TLS fails, ValueError for a bad proxy URL.
    """
    via = None if proxy is None else Proxy.parse(proxy)
    connection = await _open(endpoint, with_fast_mask(config), ssl_context, via)
    try:
        yield connection
        await connection.close()
    except BaseException:
        await connection._leave()
        raise


async def _open(
    endpoint: Endpoint, config: Config, ssl_context: ssl.SSLContext | None, proxy: Proxy | None
) -> ClientStream:
    machine = Connection.client(endpoint, config, now=trio.current_time())
    deadline = machine.deadline()
    wire: Wire | None = None
    with trio.CancelScope(deadline=math.inf if deadline is None else deadline):
        wire = await reach(endpoint, proxy, ssl_context)
    if wire is None:
        waited = config.timeouts.open
        raise HandshakeError(None, reason=f"{endpoint.host}:{endpoint.port} did not answer within {waited:g} s")
    connection = ClientStream(machine, wire)
    try:
        connection.opened = await connection._open()
    except BaseException:
        with trio.CancelScope(shield=True):
            await wire.abort()
        raise
    logger.debug("opened a session with %s", endpoint.host)
    return connection
