"""The emulator on the byte driver's server end: nothing but asyncio and the core."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import rtproto_aio

from rtproto import Config

from ._sessions import Sessions
from ._visit import Denied, visit
from ._wire_faults import denied_by, reset

_CONFIG = Config(strict=True)


@asynccontextmanager
async def running(sessions: Sessions, host: str, port: int) -> AsyncIterator[int]:
    """Serves as long as the block lasts; gives the port. Raises OSError where it cannot listen there."""

    async def welcome(wire: rtproto_aio.ServerStream) -> None:
        requested = wire.requested
        wanted = visit(requested.path, dict(requested.query), dict(requested.headers), requested.subprotocols)
        fault = None if isinstance(wanted, Denied) else sessions.faults.at_handshake()
        refusal = wanted if isinstance(wanted, Denied) else denied_by(fault) or sessions.refusal()
        if refusal is not None:
            body = f"{refusal.line}\n".encode()
            headers = [("Content-Type", "text/plain; charset=utf-8"), *refusal.headers]
            await wire.reject(refusal.status, headers, body)
        elif fault is not None:
            if fault.values == ("reset",):
                reset(wire.transport)
            async for _ in wire:  # until one side goes away
                pass
        elif not isinstance(wanted, Denied):
            await wire.accept(subprotocol=wanted.subprotocol, dialect=wanted.dialect)
            await sessions.converse(wire, wanted)

    async with rtproto_aio.serve_stream(welcome, host, port, _CONFIG) as server:
        try:
            yield server.port
        finally:
            await sessions.say_goodbye()
