"""`connect_websocket()` and `accept_websocket()`: sessions over trio-websocket."""

from __future__ import annotations

import logging
import math
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

import attrs
import h11
import trio
import trio_websocket

from rtproto import Config, Endpoint, Role, Session, State
from rtproto._handshake import USER_AGENT, _reason, _without_key
from rtproto._http import Exchange, Headers, decode_headers, refuse_bad_headers
from rtproto._redact import KEY_SUBPROTOCOL, redact_subprotocol
from rtproto._tunnel import Proxy
from rtproto.errors import HandshakeError, LocalProtocolError
from rtproto.events import Opened, Requested
from rtproto_trio._connection import TrioConnection
from rtproto_trio._dial import reach
from rtproto_trio._message import ClientWebSocket, MessageCarrier, ServerWebSocket
from rtproto_trio._wire import Wire

logger = logging.getLogger(__name__)

_ENOUGH = 256 * 1024
"""Bytes of an answer that is no WebSocket: its header, and more than is kept of its body."""


@asynccontextmanager
async def connect_websocket(
    endpoint: Endpoint,
    config: Config | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
    proxy: str | None = None,
) -> AsyncIterator[ClientWebSocket]:
    """As `connect()`, over trio-websocket: slower, for programs that have it already. It knows no compression.

    While a send waits and the peer sends a Ping, that library stops reading; `connect()` does not.
    """
    via = None if proxy is None else Proxy.parse(proxy)
    config = config or Config()
    if config.dialect is None:
        config = attrs.evolve(config, dialect=endpoint.dialect)
    async with _nursery() as nursery:
        connection = await _open(nursery, endpoint, config, ssl_context, via)
        async with _closing(connection):
            yield connection


@asynccontextmanager
async def accept_websocket(
    request: trio_websocket.WebSocketRequest,
    config: Config | None = None,
    *,
    subprotocol: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
    dialect: str | None = None,
) -> AsyncIterator[ServerWebSocket]:
    """Opens the session that a request to a trio-websocket server asks for, and closes it at the end of the block.

    ::

        async def handler(request):
            async with rtproto_trio.accept_websocket(request) as rt:
                async for event in rt: ...

        limit = 2 * config.limits.max_message
        await trio_websocket.serve_websocket(handler, host, port, ssl_context, max_message_size=limit)

    To refuse, call ``request.reject()`` instead. `subprotocol` is one of those offered, `dialect` replaces
    what the request calls for (``requested.dialect``). trio-websocket has a limit of its own for messages, 1 MiB:
    beyond it what came before is lost, too.

    Raises LocalProtocolError for a subprotocol that was not offered or a header that cannot be sent.
    """
    config = config or Config()
    requested = _requested(request)
    _check_subprotocol(requested, subprotocol)
    refuse_bad_headers(headers)
    try:
        socket = await request.accept(subprotocol=subprotocol, extra_headers=_encoded(headers))
    except trio_websocket.ConnectionClosed:
        raise ConnectionResetError("the client went away during the handshake") from None
    session = Session(Role.SERVER, config)
    session.open(trio.current_time(), dialect=dialect or config.dialect or requested.dialect)
    carrier = MessageCarrier(socket, config)
    connection = ServerWebSocket(session, carrier)
    connection.requested = requested
    async with _nursery() as nursery:
        nursery.start_soon(carrier.keep_alive)
        async with _closing(connection):
            yield connection


@asynccontextmanager
async def _nursery() -> AsyncIterator[trio.Nursery]:
    """A nursery that is cancelled at the end, and lets what its block raises out as it is, in no group."""
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        try:
            yield nursery
        except BaseException as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


@asynccontextmanager
async def _closing(connection: TrioConnection[Any, Any]) -> AsyncIterator[None]:
    try:
        yield
        await connection.close()
    except BaseException as error:
        failed = isinstance(connection, ServerWebSocket) and not isinstance(error, trio.Cancelled)
        await connection._leave(1011 if failed else 1001)
        raise


class _Overheard(trio.abc.Stream):
    """A stream, and what was `heard` on it while `listening`."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.heard = bytearray()
        self.listening = True

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        data = await self._stream.receive_some(max_bytes)
        if self.listening and len(self.heard) < _ENOUGH:
            self.heard += data
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Reader:
    """Stands in for the nursery in which trio-websocket starts its reader.

    Where the reader ends before the handshake is over, nobody else would notice: `opening` is cancelled. What it raises
    would come out of a nursery as a group, and hold all headers.
    """

    def __init__(self, nursery: trio.Nursery, opening: trio.CancelScope) -> None:
        self._nursery = nursery
        self._opening = opening

    def start_soon(self, read: Callable[[], Awaitable[None]]) -> None:
        self._nursery.start_soon(self._run, read)

    async def _run(self, read: Callable[[], Awaitable[None]]) -> None:
        try:
            await read()
        except Exception as error:
            logger.debug("trio-websocket's reader ended with %s", type(error).__name__)
        self._opening.cancel()


async def _open(
    nursery: trio.Nursery, endpoint: Endpoint, config: Config, ssl_context: ssl.SSLContext | None, proxy: Proxy | None
) -> ClientWebSocket:
    patience = config.timeouts.open
    until = math.inf if patience is None else trio.current_time() + patience
    late = HandshakeError(None, reason=f"{endpoint.host}:{endpoint.port} did not answer within {patience or 0:g} s")
    wire: Wire | None = None
    with trio.CancelScope(deadline=until):
        wire = await reach(endpoint, proxy, ssl_context)
    if wire is None:
        raise late
    stream = _Overheard(wire.top)
    opening = trio.CancelScope(deadline=until)
    socket: trio_websocket.WebSocketConnection | None = None
    try:
        with opening:
            socket = await trio_websocket.wrap_client_stream(
                cast(trio.Nursery, _Reader(nursery, opening)),
                cast(trio.SocketStream, stream),
                endpoint.authority,
                endpoint.target,
                subprotocols=endpoint.subprotocols,
                extra_headers=_encoded(_with_user_agent(endpoint.headers)),
                # Beyond its limit the library throws away what came before; what is less, the session refuses.
                max_message_size=2 * config.limits.max_message,
            )
        if socket is None:
            refusal = _refusal(stream.heard, config.limits.max_handshake)
            raise late if refusal.status is None and trio.current_time() >= until else refusal
        stream.listening = False
        session = Session(Role.CLIENT, config)
        session.open(trio.current_time(), _opened(socket))
        carrier = MessageCarrier(socket, config)
        connection = ClientWebSocket(session, carrier)
        connection.opened = await connection._open()
    except BaseException:
        with trio.CancelScope(shield=True):
            await wire.abort()
        raise
    nursery.start_soon(carrier.keep_alive)
    logger.debug("opened a session with %s", endpoint.host)
    return connection


def _refusal(heard: bytearray, max_size: int) -> HandshakeError:
    """Why there is no WebSocket; trio-websocket tells only a part of it."""
    upgrade = [("Host", "x"), ("Connection", "Upgrade"), ("Upgrade", "websocket")]
    exchange = Exchange(h11.Request(method="GET", target="/", headers=upgrade), peer="the server", max_size=max_size)
    answer = (exchange.receive(bytes(heard)) if heard else None) or exchange.receive_eof()
    headers = tuple((name, _without_key(value)) for name, value in answer.headers)
    if not answer.switched:
        return HandshakeError(answer.status, headers, answer.body, _reason(answer))
    names = [name for name, _ in headers]
    with_what = (
        "a subprotocol that was not offered" if "sec-websocket-protocol" in names else "an answer that does not fit"
    )
    return HandshakeError(answer.status, headers, reason=f"the server switched with {with_what}")


def _opened(socket: trio_websocket.WebSocketConnection) -> Opened:
    """What wsproto has checked it takes out of the headers."""
    checked = (("upgrade", "websocket"), ("connection", "Upgrade"))
    headers = tuple((name, _without_key(value)) for name, value in decode_headers(socket.handshake_headers))
    chosen = socket.subprotocol
    subprotocol = None if chosen is None else _without_key(chosen)
    return Opened(status=101, headers=(*checked, *headers), subprotocol=subprotocol)


def _requested(request: trio_websocket.WebSocketRequest) -> Requested:
    path, _, query = request.path.partition("?")
    return Requested(
        path=unquote(path),
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        headers=decode_headers(request.headers),
        subprotocols=request.proposed_subprotocols,
    )


def _check_subprotocol(requested: Requested, subprotocol: str | None) -> None:
    if subprotocol is None:
        return
    shown = redact_subprotocol(subprotocol)
    if subprotocol not in requested.subprotocols:
        raise LocalProtocolError(None, State.CONNECTING, f"the client did not offer the subprotocol {shown!r}")
    if subprotocol.startswith(KEY_SUBPROTOCOL):
        reason = f"the subprotocol {shown!r} holds the client's key: select another one"
        raise LocalProtocolError(None, State.CONNECTING, reason)


def _with_user_agent(headers: Headers) -> Headers:
    named = any(name.lower() == "user-agent" for name, _ in headers)
    return headers if named else (*headers, ("User-Agent", USER_AGENT))


def _encoded(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers]
