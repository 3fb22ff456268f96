"""`connect()` and `accept()`: sessions over aiohttp's WebSockets, client and server."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

try:
    import aiohttp
except ImportError:
    raise ImportError("rtproto_aio.connect() and accept() need aiohttp: pip install 'rtproto[aiohttp]'") from None
import attrs
from aiohttp import web
from yarl import URL

from rtproto import Config, Endpoint, Role, Session, State
from rtproto._handshake import USER_AGENT, _reason, _without_key
from rtproto._http import Answer, refuse_bad_headers
from rtproto._redact import KEY_SUBPROTOCOL, redact_subprotocol
from rtproto._tls import untrusted
from rtproto._tunnel import Proxy
from rtproto.errors import HandshakeError, LocalProtocolError
from rtproto.events import Opened, Requested
from rtproto_aio._defaults import client_context
from rtproto_aio._failures import unreachable
from rtproto_aio._websocket import ClientWebSocket, ServerWebSocket, WebSocketConnection

__all__ = ["ClientWebSocket", "ServerWebSocket", "WebSocketConnection", "accept", "connect"]

logger = logging.getLogger(__name__)

_BODY_PATIENCE = 2.0
"""Seconds for the body of a refusal: it explains, but the status says enough."""


@asynccontextmanager
async def connect(
    endpoint: Endpoint,
    config: Config | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
    proxy: str | None = None,
    session: aiohttp.ClientSession | None = None,
) -> AsyncIterator[ClientWebSocket]:
    """Opens a session with `endpoint` through aiohttp, and closes it at the end of the ``async with`` block.

    `ssl_context` replaces the default one for wss:// endpoints. `proxy` is an HTTP proxy,
    ``http://[user:password@]host[:port]``. Of a `session` of the caller the connector, the cookies, the headers, the
    traces and ``trust_env`` are used; it stays open. Redirects are never followed. The block's end says Close 1000; an
    exception that leaves the block says 1001, and is never hidden.

    Raises HandshakeError when the server or the proxy refuses or does not answer within ``Timeouts.open``,
    ConnectionError when it cannot be reached or TLS fails, ValueError for a bad proxy URL, RuntimeError for a closed
    `session`.
    """
    config = config or Config()
    if config.dialect is None:
        config = attrs.evolve(config, dialect=endpoint.dialect)
    if proxy is not None:
        Proxy.parse(proxy)
    if session is not None and session.closed:
        raise RuntimeError("the aiohttp session is closed: keep it open as long as it is used")
    answer = _Watch(config.limits.max_handshake)
    async with aiohttp.ClientSession(**_options(config, session, answer.trace)) as http:
        try:
            socket = await _open(http, endpoint, config, ssl_context, proxy)
            response = answer.response
            assert response is not None  # as the socket, it was made from this answer
            opened = _opened(response, endpoint)
            transport = None if response.connection is None else response.connection.transport
            if transport is None:
                raise HandshakeError(None, reason="the server closed the connection right after the handshake")
            loop = asyncio.get_running_loop()
            core = Session(Role.CLIENT, config)
            core.open(loop.time(), opened)
            core.next_event()
            connection = ClientWebSocket(core, socket, transport, loop)
            connection.opened = opened
            logger.debug("opened a session with %s", endpoint.host)
            try:
                yield connection
            except BaseException:
                await connection._leave(1001)
                raise
            else:
                await connection.close()
            finally:
                connection._abort()
        finally:
            if answer.response is not None:
                answer.response.close()


@asynccontextmanager
async def accept(
    request: web.Request,
    config: Config | None = None,
    *,
    subprotocol: str | None = None,
    dialect: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> AsyncIterator[ServerWebSocket]:
    """Opens the session that a request to an aiohttp.web server asks for, and closes it at the end of the block.

    ::

        async def handler(request):
            async with rtproto_aio.accept(request) as rt:
                async for event in rt: ...
            return rt.response

    To refuse, return another response instead. `subprotocol` is one of those offered, `dialect` replaces what
    the request calls for (``requested.dialect``). The block's end says Close 1000, an exception that leaves it 1011
    (1001 where the task is cancelled).

    Raises LocalProtocolError for a subprotocol that was not offered or a header that cannot be sent, and
    aiohttp.web.HTTPBadRequest, which aiohttp answers, where the request is not for a WebSocket.
    """
    config = config or Config()
    requested = _requested(request)
    _check_subprotocol(requested, subprotocol)
    refuse_bad_headers(headers)
    socket = web.WebSocketResponse(
        protocols=() if subprotocol is None else (subprotocol,),
        timeout=config.timeouts.close or 0,
        max_msg_size=config.limits.max_message + 1,
        compress=config.compression,
        autoping=False,
        autoclose=False,
    )
    socket.headers.extend(headers)
    await socket.prepare(request)
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client went away during the handshake")
    loop = asyncio.get_running_loop()
    core = Session(Role.SERVER, config)
    core.open(loop.time(), dialect=dialect or config.dialect or requested.dialect)
    connection = ServerWebSocket(core, socket, transport, loop)
    connection.requested = requested
    connection.response = socket
    try:
        yield connection
    except BaseException as error:
        await connection._leave(1001 if isinstance(error, asyncio.CancelledError) else 1011)
        raise
    else:
        await connection.close()
    finally:
        connection._abort()


class _Refused(Exception):
    """The server did not open the WebSocket: its answer, on its way out of aiohttp."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class _Watch:
    """Sees the answer to a handshake before aiohttp follows it elsewhere or throws it away."""

    def __init__(self, max_body: int) -> None:
        self.response: aiohttp.ClientResponse | None = None
        self.trace = aiohttp.TraceConfig()
        self._max_body = max_body
        # ws_connect() follows redirects, with all headers, and has no parameter against it; a trace hears first.
        self.trace.on_request_redirect.append(self._judge)
        self.trace.on_request_end.append(self._judge)

    async def _judge(
        self,
        session: aiohttp.ClientSession,
        context: object,
        seen: aiohttp.TraceRequestRedirectParams | aiohttp.TraceRequestEndParams,
    ) -> None:
        self.response = response = seen.response
        if response.status == 101:
            return
        body = bytearray()
        with suppress(asyncio.TimeoutError, aiohttp.ClientError):
            await asyncio.wait_for(self._read_body(response, body), _BODY_PATIENCE)
        response.close()
        raise _Refused(Answer(status=response.status, headers=_headers(response.headers), body=bytes(body)))

    async def _read_body(self, response: aiohttp.ClientResponse, body: bytearray) -> None:
        while len(body) < self._max_body and (piece := await response.content.readany()):
            body += piece[: self._max_body - len(body)]


def _options(config: Config, session: aiohttp.ClientSession | None, trace: aiohttp.TraceConfig) -> dict[str, Any]:
    options: dict[str, Any] = {
        "trace_configs": [trace],
        "max_line_size": config.limits.max_handshake,
        "max_field_size": config.limits.max_handshake,
        "timeout": aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
    }
    if session is not None:
        options |= {
            "connector": session.connector,
            "connector_owner": False,
            "cookie_jar": session.cookie_jar,
            "headers": session.headers,
            "skip_auto_headers": session.skip_auto_headers,
            "trust_env": session.trust_env,
            "trace_configs": [*session.trace_configs, trace],
        }
    return options


async def _open(
    http: aiohttp.ClientSession,
    endpoint: Endpoint,
    config: Config,
    ssl_context: ssl.SSLContext | None,
    proxy: str | None,
) -> aiohttp.ClientWebSocketResponse:
    """The WebSocket, once the server has accepted it. aiohttp's own errors hold headers and URLs, and so the key."""
    host, port = endpoint.host, endpoint.port
    headers = list(endpoint.headers)
    if not any(name.lower() == "user-agent" for name, _ in headers):
        headers.append(("User-Agent", USER_AGENT))
    # Its type differs between the versions of Python and aiohttp.
    opening: Any = http.ws_connect(
        URL(endpoint.url, encoded=True),
        headers=headers,
        protocols=endpoint.subprotocols,
        proxy=proxy,
        ssl=(ssl_context or client_context()) if endpoint.secure else True,
        compress=15 if config.compression else 0,
        max_msg_size=config.limits.max_message + 1,
        autoping=False,
        autoclose=False,
    )
    try:
        socket: aiohttp.ClientWebSocketResponse = await asyncio.wait_for(opening, config.timeouts.open)
        return socket
    except asyncio.TimeoutError:
        raise HandshakeError(None, reason=f"{host}:{port} did not answer within {config.timeouts.open:g} s") from None
    except _Refused as refused:
        answer = refused.answer
        raise HandshakeError(answer.status, answer.headers, answer.body, _reason(answer)) from None
    except aiohttp.ClientHttpProxyError as error:
        reason = f"the proxy answered HTTP {error.status} when asked to connect to {host}:{port}"
        raise HandshakeError(error.status, _headers(error.headers or {}), b"", reason) from None
    except aiohttp.WSServerHandshakeError as error:
        reason = f"the server's answer does not open a WebSocket: {error.message}"
        raise HandshakeError(error.status, _headers(error.headers or {}), b"", reason) from None
    except aiohttp.ClientResponseError:
        raise HandshakeError(None, reason="the server's answer is not HTTP") from None
    except aiohttp.ClientConnectorCertificateError as error:
        raise untrusted(host, port, error.certificate_error) from None
    except aiohttp.ClientConnectorSSLError as error:
        raise untrusted(host, port, error.os_error) from None
    except ssl.SSLError as error:
        raise untrusted(host, port, error) from None
    except aiohttp.ClientProxyConnectionError as error:
        raise unreachable(error.host, error.port or 80, error.os_error) from None
    except aiohttp.ClientConnectorError as error:
        raise unreachable(host, port, error.os_error) from None
    except (aiohttp.ClientError, OSError):
        raise HandshakeError(None, reason="the server closed the connection during the handshake") from None


def _opened(response: aiohttp.ClientResponse, endpoint: Endpoint) -> Opened:
    headers = tuple((name, _without_key(value)) for name, value in _headers(response.headers))
    chosen = response.headers.get("Sec-WebSocket-Protocol")
    if chosen is not None and chosen not in endpoint.subprotocols:
        raise HandshakeError(101, headers, reason="the server switched with a subprotocol that was not offered")
    return Opened(status=101, headers=headers, subprotocol=None if chosen is None else _without_key(chosen))


def _requested(request: web.Request) -> Requested:
    offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", ()))
    return Requested(
        path=request.path,
        query=tuple(request.query.items()),
        headers=_headers(request.headers),
        subprotocols=tuple(name.strip() for name in offered.split(",") if name.strip()),
    )


def _check_subprotocol(requested: Requested, subprotocol: str | None) -> None:
    if subprotocol is None:
        return
    shown = redact_subprotocol(subprotocol)
    if subprotocol not in requested.subprotocols:
        reason = f"the client did not offer the subprotocol {shown!r}"
        raise LocalProtocolError(None, State.CONNECTING, reason)
    if subprotocol.startswith(KEY_SUBPROTOCOL):
        reason = f"the subprotocol {shown!r} holds the client's key: select another one"
        raise LocalProtocolError(None, State.CONNECTING, reason)


def _headers(headers: Any) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in headers.items())
