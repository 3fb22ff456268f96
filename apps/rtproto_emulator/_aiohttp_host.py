"""The emulator on aiohttp: WebSockets beside plain HTTP."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import rtproto_aio
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from rtproto_aio._serve import stop_accepting

from rtproto import Config

from ._auth import Access, Keys
from ._control import PREFIX, forbidden, unread
from ._control import answer as control_answer
from ._faults import Fault
from ._listening import listening
from ._rest import MAX_BODY, REST_PATHS, Rest
from ._sessions import Sessions
from ._unmute_pages import PAGES
from ._visit import Denied, visit
from ._wire_faults import denied_by, reset

_PATIENCE = 30.0
"""Seconds for the body of a request: 1 MiB at 300 kbit/s."""

_LINGER = 1.0
"""Seconds to read on when a body was refused, so that its sender comes to read why."""

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    # A star would leave out Authorization.
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, api-key, OpenAI-Beta, OpenAI-Organization, OpenAI-Project, "
        "OpenAI-Safety-Identifier"
    ),
    "Access-Control-Max-Age": "86400",
}
"""What a browser asks before it lets a page of another origin POST. OpenAI lets any page, if it has a key."""

_GLANCE = 0.02
"""Seconds between two looks whether a client that is not answered has gone."""

_logger = logging.getLogger(__name__)


def application(sessions: Sessions) -> web.Application:
    """The server as an aiohttp.web application."""
    settings = sessions.settings
    access = Access(settings.api_keys)
    rest = Rest(settings, access)
    config = Config(strict=True, compression=settings.compression)
    keys = Keys(settings.api_keys)
    closing = asyncio.Event()

    def deny(denied: Denied, path: str) -> web.Response:
        sessions.metrics.refused[denied.status] += 1
        headers = {"Content-Type": "application/json", **dict(denied.headers)}
        return web.Response(status=denied.status, body=denied.body(path), headers=headers)

    async def realtime(request: web.Request) -> web.StreamResponse:
        offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", ()))
        wanted = visit(
            request.path,
            dict(request.query),
            _headers(request),
            [name.strip() for name in offered.split(",")],
            access,
            time.time(),
            settings.dialect,
        )
        if isinstance(wanted, Denied):
            return deny(wanted, request.path)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            address = f"{'wss' if request.secure else 'ws'}://{request.host}{request.path}"
            line = f"This address speaks WebSocket: connect to {address} with a Realtime client."
            upgrade = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
            return deny(Denied(426, line, headers=upgrade), request.path)
        fault = sessions.faults.at_handshake()
        refusal = denied_by(fault) or sessions.refusal()
        if refusal is not None:
            return deny(refusal, request.path)
        if fault is not None:
            return await _left_alone(request, fault, closing)
        async with rtproto_aio.accept(request, config, subprotocol=wanted.subprotocol, dialect=wanted.dialect) as wire:
            await sessions.converse(wire, wanted)
        return wire.response

    async def create(request: web.Request) -> web.Response:
        response = await answer(request)
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    async def answer(request: web.Request) -> web.Response:
        denied = rest.refusal(request.path, dict(request.query), _headers(request))
        if denied is not None:
            return deny(denied, request.path)
        body = await _body(request)
        if isinstance(body, Denied):
            return deny(body, request.path)
        created = rest.create(request.path, body, time.time())
        if isinstance(created, Denied):
            return deny(created, request.path)
        return web.Response(body=created, content_type="application/json")

    async def preflight(request: web.Request) -> web.Response:
        if request.path not in REST_PATHS:
            return deny(Denied(404, f"Browsers may POST to {', '.join(REST_PATHS)}."), request.path)
        return web.Response(status=204, headers=_CORS)

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def page(request: web.Request) -> web.Response:
        return web.json_response(PAGES[request.path](), headers=_CORS)

    async def metrics(request: web.Request) -> web.Response:
        try:
            from ._exposition import CONTENT_TYPE, exposition
        except ImportError as error:
            line = f"the numbers of this server need {error.name}: pip install 'rtproto[emulator]'"
            return deny(Denied(501, line), request.path)
        return web.Response(body=exposition(sessions.metrics), headers={"Content-Type": CONTENT_TYPE})

    async def control(request: web.Request) -> web.Response:
        told = forbidden(request.remote, _headers(request), keys)
        if told is None:
            body = await _body(request)
            if isinstance(body, Denied):
                told = unread(body)
            else:
                told = control_answer(sessions, request.method, request.path, body)
        return web.json_response(told.body, status=told.status)

    async def shut_down(app: web.Application) -> None:
        closing.set()

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_get("/healthz", health)
    app.router.add_get("/metrics", metrics)
    for path in PAGES:
        app.router.add_get(path, page)
    if sessions.settings.control:
        app.router.add_route("*", PREFIX + "{path:.*}", control)
    # Every path comes here, so that a wrong one is told where the right ones are.
    app.router.add_get("/{path:.*}", realtime, allow_head=False)
    app.router.add_post("/{path:.*}", create)
    app.router.add_options("/{path:.*}", preflight)
    app.on_shutdown.append(shut_down)
    return app


@asynccontextmanager
async def running(sessions: Sessions, host: str, port: int, ssl_context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serves as long as the block lasts; gives the port. Raises OSError where it cannot listen there."""
    runner = web.AppRunner(
        application(sessions),
        access_log=None,
        logger=_logger,
        handle_signals=False,
        shutdown_timeout=5.0,
        lingering_time=_LINGER,
    )
    await runner.setup()
    try:
        assert runner.server is not None, "set up above"
        listen = partial(asyncio.get_running_loop().create_server, runner.server, host, ssl=ssl_context)
        server = await listen(port)
        addresses = [listener.getsockname() for listener in server.sockets]
        bound: int = addresses[0][1]

        async def stop() -> None:
            await stop_accepting(server)

        async def start() -> None:
            nonlocal server
            server = await listen(bound)

        try:
            async with listening(sessions.faults, addresses, stop, start):
                yield bound
        finally:
            await stop()
            # Not later: while aiohttp shuts down it reads nothing more, and the clients' Close would not be seen.
            await sessions.say_goodbye()
    finally:
        await runner.cleanup()


def _in_one_line(record: logging.LogRecord) -> bool:
    """Bytes that are no HTTP are no failure of ours: aiohttp would show a traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError | web.RequestPayloadError):
        code = getattr(error, "code", 400)
        record.msg, record.args, record.exc_info = "refused a request that is not HTTP (%d)", (code,), None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


_logger.addFilter(_in_one_line)


def _headers(request: web.Request) -> dict[str, str]:
    return {name.lower(): text for name, text in request.headers.items()}


async def _body(request: web.Request) -> bytes | Denied:
    """What was posted, or why it cannot be had."""
    try:
        if (request.content_length or 0) > MAX_BODY:
            raise web.HTTPRequestEntityTooLarge(MAX_BODY, request.content_length or 0)
        return await asyncio.wait_for(request.read(), _PATIENCE)
    except web.HTTPRequestEntityTooLarge:
        return Denied(413, f"The body is larger than {MAX_BODY} bytes.")
    except asyncio.TimeoutError:
        return Denied(408, f"The body did not come within {_PATIENCE:g} s.")
    except (OSError, HttpProcessingError, web.RequestPayloadError):
        return Denied(400, "The body broke off, or is not coded as its header says.")


async def _left_alone(request: web.Request, fault: Fault, closing: asyncio.Event) -> web.Response:
    """Never answers, until one side goes away; or resets the connection."""
    if fault.values == ("reset",) and request.transport is not None:
        reset(request.transport)
    # aiohttp tells a handler only so that its client has gone.
    while request.transport is not None and not closing.is_set():
        await asyncio.sleep(_GLANCE)
    return web.Response(status=503)
