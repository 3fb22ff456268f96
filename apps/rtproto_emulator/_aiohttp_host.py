"""The emulator on aiohttp: WebSockets beside plain HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import rtproto_aio
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from rtproto import Config

from ._control import PREFIX, answer, forbidden
from ._faults import Fault
from ._sessions import Sessions
from ._visit import Denied, visit
from ._wire_faults import denied_by, reset

_CONFIG = Config(strict=True)
_GLANCE = 0.02
"""Seconds between two looks whether a client that is not answered has gone."""
_logger = logging.getLogger(__name__)


def application(sessions: Sessions) -> web.Application:
    """The server as an aiohttp.web application."""
    closing = asyncio.Event()

    async def realtime(request: web.Request) -> web.StreamResponse:
        offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", ()))
        wanted = visit(
            request.path,
            dict(request.query),
            {name.lower(): text for name, text in request.headers.items()},
            [name.strip() for name in offered.split(",")],
        )
        if isinstance(wanted, Denied):
            return _denied(wanted)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            line = (
                f"This address speaks WebSocket: connect to ws://{request.host}{request.path} with a Realtime client."
            )
            return _denied(Denied(426, line))
        fault = sessions.faults.at_handshake()
        refusal = denied_by(fault) or sessions.refusal()
        if refusal is not None:
            return _denied(refusal)
        if fault is not None:
            return await _left_alone(request, fault, closing)
        async with rtproto_aio.accept(request, _CONFIG, subprotocol=wanted.subprotocol, dialect=wanted.dialect) as wire:
            await sessions.converse(wire, wanted)
        return wire.response

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def control(request: web.Request) -> web.Response:
        headers = {name.lower(): text for name, text in request.headers.items()}
        told = forbidden(request.remote, headers, sessions.settings.control_key)
        told = told or answer(sessions, request.method, request.path, await request.read())
        return web.json_response(told.body, status=told.status)

    async def shut_down(app: web.Application) -> None:
        closing.set()
        await sessions.say_goodbye()

    app = web.Application()
    app.router.add_get("/healthz", health)
    if sessions.settings.control:
        app.router.add_route("*", PREFIX + "{path:.*}", control)
    # Every path comes here, so that a wrong one is told where the right ones are.
    app.router.add_get("/{path:.*}", realtime, allow_head=False)
    app.on_shutdown.append(shut_down)
    return app


@asynccontextmanager
async def running(sessions: Sessions, host: str, port: int) -> AsyncIterator[int]:
    """Serves as long as the block lasts; gives the port. Raises OSError where it cannot listen there."""
    runner = web.AppRunner(
        application(sessions), access_log=None, logger=_logger, handle_signals=False, shutdown_timeout=5.0
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound: int = runner.addresses[0][1]
        yield bound
    finally:
        await runner.cleanup()


def _in_one_line(record: logging.LogRecord) -> bool:
    """Bytes that are no HTTP are no failure of ours: aiohttp would show a traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.msg, record.args, record.exc_info = "refused a request that is not HTTP (%d)", (error.code,), None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
    return True


_logger.addFilter(_in_one_line)


async def _left_alone(request: web.Request, fault: Fault, closing: asyncio.Event) -> web.Response:
    """Never answers, until one side goes away; or resets the connection."""
    if fault.values == ("reset",) and request.transport is not None:
        reset(request.transport)
    # aiohttp tells a handler only so that its client has gone.
    while request.transport is not None and not closing.is_set():
        await asyncio.sleep(_GLANCE)
    return web.Response(status=503)


def _denied(denied: Denied) -> web.Response:
    headers = dict(denied.headers)
    if denied.status == 426:
        headers |= {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    # What a client wrote, its Host for one, may hold bytes that are not UTF-8.
    line = denied.line.encode("utf-8", "backslashreplace") + b"\n"
    return web.Response(status=denied.status, body=line, content_type="text/plain", charset="utf-8", headers=headers)
