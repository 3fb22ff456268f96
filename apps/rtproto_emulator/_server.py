"""A server in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TypeVar

_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
"""Longer than every wait inside; then something hangs, and the program should not."""


_Own = TypeVar("_Own", bound="Server")


class Server:
    """Runs in a background thread with an event loop of its own, until it is closed."""

    def __init__(self, running: AbstractAsyncContextManager[int], host: str, *, secure: bool = False) -> None:
        self.host = host
        self._secure = secure
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        started: Future[int] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(running, started)), name="rtproto-emulator", daemon=True
        )
        self._thread.start()
        self.port = started.result(_START_SECONDS)
        """Where it listens."""

    async def _run(self, running: AbstractAsyncContextManager[int], started: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            async with running as port:
                started.set_result(port)
                await self._stop.wait()
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    @property
    def url(self) -> str:
        """What a client connects to: ``ws://127.0.0.1:PORT/v1/realtime``, and with TLS ``wss://...``."""
        return url_of(self.host, self.port, self._secure)

    def close(self) -> None:
        """Closes every session with 1001 and stops. May be called again."""
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and self._thread.is_alive() and not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        self._thread.join(_STOP_SECONDS)

    def __enter__(self: _Own) -> _Own:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def url_of(host: str, port: int, secure: bool = False) -> str:
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"{'wss' if secure else 'ws'}://{f'[{reached}]' if ':' in reached else reached}:{port}/v1/realtime"
