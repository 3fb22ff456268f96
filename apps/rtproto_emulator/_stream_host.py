"""The emulator on the byte driver's server end: nothing but asyncio and the core."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import rtproto_aio

from rtproto import Config

from ._auth import Access
from ._listening import listening
from ._sessions import Sessions
from ._visit import Denied, visit
from ._wire_faults import denied_by, reset


@asynccontextmanager
async def running(sessions: Sessions, host: str, port: int, ssl_context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serves as long as the block lasts; gives the port. Raises OSError where it cannot listen there."""
    access = Access(sessions.settings.api_keys)
    config = Config(strict=True, compression=sessions.settings.compression)

    async def welcome(wire: rtproto_aio.ServerStream) -> None:
        requested = wire.requested
        wanted = visit(
            requested.path,
            dict(requested.query),
            dict(requested.headers),
            requested.subprotocols,
            access,
            time.time(),
            sessions.settings.dialect,
        )
        fault = None if isinstance(wanted, Denied) else sessions.faults.at_handshake()
        refusal = wanted if isinstance(wanted, Denied) else denied_by(fault) or sessions.refusal()
        if refusal is not None:
            sessions.metrics.refused[refusal.status] += 1
            headers = [("Content-Type", "application/json"), *refusal.headers]
            await wire.reject(refusal.status, headers, refusal.body(requested.path))
        elif fault is not None:
            if fault.values == ("reset",):
                reset(wire.transport)
            async for _ in wire:  # until one side goes away
                pass
        elif not isinstance(wanted, Denied):
            await wire.accept(subprotocol=wanted.subprotocol, dialect=wanted.dialect)
            await sessions.converse(wire, wanted)

    async with rtproto_aio.serve_stream(welcome, host, port, config, ssl_context=ssl_context) as server:
        try:
            async with listening(sessions.faults, server.addresses, server.stop_listening, server.listen):
                yield server.port
        finally:
            await sessions.say_goodbye()
