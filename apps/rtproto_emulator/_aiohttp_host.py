"""The emulator on aiohttp: WebSockets beside plain HTTP."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import rtproto_aio
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from rtproto import Config

from ._auth import Keys
from ._sessions import Sessions
from ._settings import Settings
from ._visit import Denied, visit

_logger = logging.getLogger(__name__)


def application(settings: Settings) -> web.Application:
    """The server as an aiohttp.web application."""
    sessions = Sessions(settings)
    keys = Keys(settings.api_keys)
    config = Config(strict=True, compression=settings.compression)

    async def realtime(request: web.Request) -> web.StreamResponse:
        offered = ",".join(request.headers.getall("Sec-WebSocket-Protocol", ()))
        wanted = visit(
            request.path,
            dict(request.query),
            {name.lower(): text for name, text in request.headers.items()},
            [name.strip() for name in offered.split(",")],
            keys,
        )
        if isinstance(wanted, Denied):
            return _denied(wanted, request.path)
        if request.headers.get("Upgrade", "").lower() != "websocket":
            address = f"{'wss' if request.secure else 'ws'}://{request.host}{request.path}"
            line = f"This address speaks WebSocket: connect to {address} with a Realtime client."
            upgrade = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
            return _denied(Denied(426, line, headers=upgrade), request.path)
        refusal = sessions.refusal()
        if refusal is not None:
            return _denied(refusal, request.path)
        async with rtproto_aio.accept(request, config, subprotocol=wanted.subprotocol, dialect=wanted.dialect) as wire:
            await sessions.converse(wire, wanted.policy(settings))
        return wire.response

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def shut_down(app: web.Application) -> None:
        await sessions.say_goodbye()

    app = web.Application()
    app.router.add_get("/healthz", health)
    # Every path comes here, so that a wrong one is told where the right ones are.
    app.router.add_get("/{path:.*}", realtime, allow_head=False)
    app.on_shutdown.append(shut_down)
    return app


@asynccontextmanager
async def running(settings: Settings, host: str, port: int, ssl_context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serves as long as the block lasts; gives the port. Raises OSError where it cannot listen there."""
    runner = web.AppRunner(
        application(settings), access_log=None, logger=_logger, handle_signals=False, shutdown_timeout=5.0
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, ssl_context=ssl_context)
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


def _denied(denied: Denied, path: str) -> web.Response:
    headers = dict(denied.headers)
    return web.Response(status=denied.status, body=denied.body(path), content_type="application/json", headers=headers)
