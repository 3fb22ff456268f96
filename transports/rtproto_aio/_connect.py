"""`connect_stream()`: TCP, a proxy's tunnel, TLS and the handshake, all within ``Timeouts.open``."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from rtproto import Config, Connection, Endpoint
from rtproto._tls import untrusted
from rtproto._tunnel import Established, Proxy, Tunnel
from rtproto.errors import HandshakeError
from rtproto_aio._defaults import client_context, with_fast_mask
from rtproto_aio._failures import unreachable
from rtproto_aio._stream import ClientStream
from rtproto_aio._wire import Wire

logger = logging.getLogger(__name__)

_HAPPY_EYEBALLS = 0.25
"""Seconds before the next address of a name is tried beside the first (RFC 8305 section 5)."""


@asynccontextmanager
async def connect_stream(
    endpoint: Endpoint,
    config: Config | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
    proxy: str | None = None,
) -> AsyncIterator[ClientStream]:
    """Opens a session with `endpoint` over asyncio's own transports, and closes it at the end of the block.

    `ssl_context` replaces the default one for wss:// endpoints. `proxy` is an HTTP proxy that knows CONNECT,
    ``http://[user:password@]host[:port]``. Redirects are never followed. The block's end says Close 1000; an exception
    that leaves the block says 1001, and is never hidden.

    Raises HandshakeError when the server or the proxy refuses or does not answer within ``Timeouts.open``,
    ConnectionError when it cannot be reached or TLS fails, ValueError for a bad proxy URL.
    """
    via = None if proxy is None else Proxy.parse(proxy)
    loop = asyncio.get_running_loop()
    connection = ClientStream(Connection.client(endpoint, with_fast_mask(config), now=loop.time()), loop)
    patience = connection._machine.config.timeouts.open
    try:
        try:
            await asyncio.wait_for(_reach(connection._wire, endpoint, via, ssl_context), patience)
        except asyncio.TimeoutError:
            reason = f"{endpoint.host}:{endpoint.port} did not answer within {patience:g} s"
            raise HandshakeError(None, reason=reason) from None
        await connection._open()
        logger.debug("opened a session with %s", endpoint.host)
        try:
            yield connection
        except BaseException:
            await connection._leave(1001)
            raise
        await connection.close()
    finally:
        connection._abort()


async def _reach(wire: Wire, endpoint: Endpoint, proxy: Proxy | None, context: ssl.SSLContext | None) -> None:
    """Connects `wire` to the server by TCP or TLS, through a proxy where there is one."""
    loop = asyncio.get_running_loop()
    tls = (context or client_context()) if endpoint.secure else None
    name = endpoint.host if tls else None
    try:
        if proxy is None:
            await loop.create_connection(
                lambda: wire, endpoint.host, endpoint.port, ssl=tls, server_hostname=name, **_eagerness(loop)
            )
            return
        transport, early = await _tunnel(endpoint, proxy)
        try:
            if tls is None:
                transport.set_protocol(wire)
            else:
                secured = await loop.start_tls(transport, wire, tls, server_hostname=name)
                transport = cast("asyncio.Transport", secured)
            wire.connection_made(transport)
        except BaseException:
            transport.abort()
            raise
        if early:
            wire.take(early)
    except ssl.SSLError as error:
        raise untrusted(endpoint.host, endpoint.port, error) from None
    except OSError as error:
        raise unreachable(endpoint.host, endpoint.port, error) from None


async def _tunnel(endpoint: Endpoint, proxy: Proxy) -> tuple[asyncio.Transport, bytes]:
    """A connection that a proxy made to the server, and what came early of the server's bytes."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[bytes] = loop.create_future()
    tunnel = Tunnel(endpoint.host, endpoint.port, proxy.headers)
    try:
        transport, _ = await loop.create_connection(
            lambda: _Asking(tunnel, answer), proxy.host, proxy.port, **_eagerness(loop)
        )
    except OSError as error:
        raise unreachable(proxy.host, proxy.port, error) from None
    try:
        return transport, await answer
    except BaseException:
        transport.abort()
        raise


def _eagerness(loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
    # uvloop does not know the parameter.
    return {"happy_eyeballs_delay": _HAPPY_EYEBALLS} if isinstance(loop, asyncio.BaseEventLoop) else {}


class _Asking(asyncio.Protocol):
    """Runs a `Tunnel`; its result, or its failure, becomes that of `answer`."""

    def __init__(self, tunnel: Tunnel, answer: asyncio.Future[bytes]) -> None:
        self._tunnel = tunnel
        self._answer = answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._tunnel.request)

    def data_received(self, data: bytes) -> None:
        if not self._answer.done():
            self._settle(self._tunnel.receive(data))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._answer.done():
            self._settle(self._tunnel.receive_eof())

    def _settle(self, result: Established | HandshakeError | None) -> None:
        if isinstance(result, Established):
            self._answer.set_result(result.trailing)
        elif result is not None:
            self._answer.set_exception(result)
