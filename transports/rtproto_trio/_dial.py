"""The way to a server: TCP, perhaps a proxy's tunnel, perhaps TLS."""

from __future__ import annotations

import os
import socket
import ssl

import trio

from rtproto import Endpoint
from rtproto._tls import untrusted
from rtproto._tunnel import Established, Proxy, Tunnel
from rtproto.errors import HandshakeError
from rtproto_trio._defaults import client_context
from rtproto_trio._wire import Wire


async def reach(endpoint: Endpoint, proxy: Proxy | None, context: ssl.SSLContext | None) -> Wire:
    """A wire to the server, which knows nothing of us yet.

    Raises ConnectionError where it cannot be reached or TLS fails, HandshakeError where the proxy refuses.
    """
    stream = await _tcp(endpoint.host, endpoint.port) if proxy is None else await _tcp(proxy.host, proxy.port)
    wire = Wire(stream)
    try:
        if proxy is not None:
            wire.early = await _tunnel(wire, endpoint, proxy)
        if endpoint.secure:
            await wire.start_tls(context or client_context(), endpoint.host)
    except trio.BrokenResourceError as error:
        await wire.abort()
        raise untrusted(endpoint.host, endpoint.port, error.__cause__) from None
    except BaseException:
        await wire.abort()
        raise
    return wire


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


async def _tunnel(stream: Wire, endpoint: Endpoint, proxy: Proxy) -> bytes:
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
