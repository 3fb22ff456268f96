"""The running server: in a thread of its own for any program, or in the caller's event loop."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal

from . import _aiohttp_host, _replay_host, _stream_host
from ._recorded import Recording
from ._settings import Settings

Engine = Literal["aiohttp", "stream"]

_Host = Callable[[Settings, str, int, "ssl.SSLContext | None"], AbstractAsyncContextManager[int]]

_HOSTS: dict[str, _Host] = {
    "aiohttp": _aiohttp_host.running,
    "stream": _stream_host.running,
}
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
"""Longer than every wait inside; then something hangs, and the program should not."""


class Emulator:
    """A server in a background thread with an event loop of its own: for plain code, asyncio, trio and tests.

    ::

        with rtproto_emulator.start() as emulator:
            connect(rtproto.endpoint(emulator.url))
    """

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
        return _url(self.host, self.port, self._secure)

    def close(self) -> None:
        """Closes every session with 1001 and stops. May be called again."""
        loop, stop = self._loop, self._stop
        if loop is not None and stop is not None and self._thread.is_alive() and not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        self._thread.join(_STOP_SECONDS)

    def __enter__(self) -> Emulator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def start(
    port: int = 0,
    host: str = "127.0.0.1",
    settings: Settings | None = None,
    engine: Engine = "aiohttp",
    *,
    ssl_context: ssl.SSLContext | None = None,
) -> Emulator:
    """Starts a server that listens on `host` and `port` (0: any free one) until it is closed.

    `engine` is what carries it: "aiohttp", or "stream" for the byte driver, which speaks WebSocket alone. With an
    `ssl_context`, such as one of `self_signed()`, it speaks TLS. Raises OSError where it cannot listen there,
    ValueError for another engine.
    """
    running = _running(_host(engine), settings or Settings(), host, port, ssl_context)
    return Emulator(running, host, secure=ssl_context is not None)


def replay(
    recording: Recording | str | Path, *, speed: float = 1.0, port: int = 0, host: str = "127.0.0.1"
) -> Emulator:
    """Starts a server that plays a recorded session to whoever connects, until it is closed.

    `recording` is a file of `rtproto record`, or one that was read already. The server's messages are sent as they
    were, each when the client has said what the recorded one had said before, at the recorded pace, `speed` times as
    fast (`math.inf`: at once). The n-th client gets the n-th session; what one that left had not said yet is logged.

    Raises OSError where it cannot read or listen, ValueError for what is no recording and for a bad `speed`.
    """
    return Emulator(_replaying(recording, speed, host, port), host)


def _replaying(
    recording: Recording | str | Path, speed: float, host: str, port: int
) -> AbstractAsyncContextManager[int]:
    if not speed > 0:
        raise ValueError(f"the speed is {speed}; it must be more than 0")
    script = recording if isinstance(recording, Recording) else Recording.load(recording)
    return _replay_host.running(script, speed, host, port)


async def serve_replay(
    recording: Recording | str | Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    speed: float = 1.0,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serves a recording as `replay()` does, until it is cancelled. `ready` is told the URL once it listens."""
    async with _replaying(recording, speed, host, port) as bound:
        if ready is not None:
            ready(_url(host, bound))
        await asyncio.Event().wait()


async def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    settings: Settings | None = None,
    engine: Engine = "aiohttp",
    *,
    ssl_context: ssl.SSLContext | None = None,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serves until it is cancelled, then closes every session with 1001. `ready` is told the URL once it listens.

    Raises OSError where it cannot listen there, ValueError for another engine than "aiohttp" or "stream".
    """
    async with _running(_host(engine), settings or Settings(), host, port, ssl_context) as bound:
        if ready is not None:
            ready(_url(host, bound, ssl_context is not None))
        await asyncio.Event().wait()


@asynccontextmanager
async def _running(
    host: _Host, settings: Settings, address: str, port: int, ssl_context: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """A server, and the engines that end with it."""
    try:
        async with host(settings, address, port, ssl_context) as bound:
            yield bound
    finally:
        settings.engines.close()


def _host(engine: str) -> _Host:
    if engine not in _HOSTS:
        raise ValueError(f"there is no engine {engine!r}; choose one of {', '.join(_HOSTS)}")
    return _HOSTS[engine]


def _url(host: str, port: int, secure: bool = False) -> str:
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"{'wss' if secure else 'ws'}://{f'[{reached}]' if ':' in reached else reached}:{port}/v1/realtime"
