"""`connect()`: TCP, a proxy's tunnel, TLS and the handshake, all within ``Timeouts.open``."""

from __future__ import annotations

import logging
import math
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from rtproto import Config, Connection, Endpoint
from rtproto._tunnel import Established, Proxy, Tunnel
from rtproto.errors import HandshakeError
from rtproto_trio._defaults import client_context, with_fast_mask
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
    machine = Connection.client(endpoint, with_fast_mask(config), now=trio.current_time())
    deadline = machine.deadline()
    wire: Wire | None = None
    try:
        with trio.CancelScope(deadline=math.inf if deadline is None else deadline) as opening:
            wire = await _reach(endpoint, via)
            stream = await _secure(wire, endpoint, ssl_context) if endpoint.secure else wire
            connection = ClientStream(machine, wire, stream)
        if opening.cancelled_caught:
            waited = machine.config.timeouts.open
            raise HandshakeError(None, reason=f"{endpoint.host}:{endpoint.port} did not answer within {waited:g} s")
        await connection._shake_hands()
    except BaseException:
        if wire is not None:
            with trio.CancelScope(shield=True):
                await trio.aclose_forcefully(wire)
        raise
    logger.debug("opened a session with %s", endpoint.host)
    try:
        yield connection
        await connection.close()
    except BaseException:
        await connection._leave()
        raise


async def _reach(endpoint: Endpoint, proxy: Proxy | None) -> Wire:
    """A TCP connection to the server, or through a proxy."""
    if proxy is None:
        return Wire(await _tcp(endpoint.host, endpoint.port))
    stream = await _tcp(proxy.host, proxy.port)
    try:
        return Wire(stream, early=await _tunnel(stream, endpoint, proxy))
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise


async def _tcp(host: str, port: int) -> trio.SocketStream:
    try:
        return await trio.open_tcp_stream(host, port)
    except OSError as error:
        raise _unreachable(host, port, error) from None


def _unreachable(host: str, port: int, error: OSError) -> ConnectionError:
    if isinstance(error, socket.gaierror):
        return ConnectionError(f"cannot connect to {host}:{port}: the name has no address ({error.strerror})")
    attempts: tuple[Exception, ...] = getattr(error.__cause__, "exceptions", (error,))
    last = attempts[-1]
    kind = type(last) if isinstance(last, ConnectionError) else ConnectionError
    why = os.strerror(last.errno) if isinstance(last, OSError) and last.errno else str(last)
    return kind(f"cannot connect to {host}:{port}: {why}")


async def _tunnel(stream: trio.SocketStream, endpoint: Endpoint, proxy: Proxy) -> bytes:
    """Makes a proxy connect to the server; what came early of the server's bytes."""
    tunnel = Tunnel(endpoint.host, endpoint.port, proxy.headers)
    result: Established | HandshakeError | None = None
    try:
        await stream.send_all(tunnel.request)
        while result is None:
            data = await stream.receive_some()
            result = tunnel.receive(bytes(data)) if data else tunnel.receive_eof()
    except trio.BrokenResourceError:
        result = tunnel.receive_eof()
    if isinstance(result, HandshakeError):
        raise result
    return result.trailing


async def _secure(wire: Wire, endpoint: Endpoint, context: ssl.SSLContext | None) -> trio.abc.Stream:
    stream = trio.SSLStream(wire, context or client_context(), server_hostname=endpoint.host, https_compatible=True)
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError as error:
        why = error.__cause__
        text = (
            (why.verify_message if isinstance(why, ssl.SSLCertVerificationError) else None)
            or why
            or "it closed the wire"
        )
        raise ConnectionError(f"TLS with {endpoint.host}:{endpoint.port} failed: {text}") from None
    return stream
