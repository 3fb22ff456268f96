"""The running server: in a thread of its own for any program, or in the caller's event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Literal

from . import _aiohttp_host, _stream_host
from ._fault_plan import Faults
from ._scenario import Scenario
from ._sessions import Sessions
from ._settings import Settings

Engine = Literal["aiohttp", "stream"]

_Host = Callable[[Sessions, str, int], AbstractAsyncContextManager[int]]

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

    def __init__(self, settings: Settings, host: str, port: int, engine: Engine) -> None:
        self.host = host
        self._sessions = _sessions(settings, engine)
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        started: Future[int] = Future()
        running = _running(_host(engine), self._sessions, host, port)
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
    def faults(self) -> Faults:
        """What goes wrong on demand: ``emulator.faults.add("close:1011@response.done")``, `clear()`, `list()`.

        It counts for all sessions, also for those that are open.
        """
        return self._sessions.faults

    def script(self, scenario: Scenario | None) -> None:
        """Lets the sessions that open from now on follow another scenario, or none."""
        self._sessions.script(scenario)

    @property
    def url(self) -> str:
        """What a client connects to: ``ws://127.0.0.1:PORT/v1/realtime``."""
        return _url(self.host, self.port)

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
    port: int = 0, host: str = "127.0.0.1", settings: Settings | None = None, engine: Engine = "aiohttp"
) -> Emulator:
    """Starts a server that listens on `host` and `port` (0: any free one) until it is closed.

    `engine` is what carries it: "aiohttp", or "stream" for the byte driver. Raises OSError where it cannot listen
    there, ValueError for another engine.
    """
    return Emulator(settings or Settings(), host, port, engine)


async def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    settings: Settings | None = None,
    engine: Engine = "aiohttp",
    *,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serves until it is cancelled, then closes every session with 1001. `ready` is told the URL once it listens.

    Raises OSError where it cannot listen there, ValueError for another engine than "aiohttp" or "stream".
    """
    sessions = _sessions(settings or Settings(), engine)
    async with _running(_host(engine), sessions, host, port) as bound:
        if ready is not None:
            ready(_url(host, bound))
        await asyncio.Event().wait()


@asynccontextmanager
async def _running(host: _Host, sessions: Sessions, address: str, port: int) -> AsyncIterator[int]:
    """A server, and the engines that end with it."""
    try:
        async with host(sessions, address, port) as bound:
            yield bound
    finally:
        sessions.settings.engines.close()


def _sessions(settings: Settings, engine: str) -> Sessions:
    if settings.control and engine != "aiohttp":
        raise ValueError("the control endpoint is plain HTTP, which only the engine aiohttp speaks: leave one of both")
    return Sessions(settings)


def _host(engine: str) -> _Host:
    if engine not in _HOSTS:
        raise ValueError(f"there is no engine {engine!r}; choose one of {', '.join(_HOSTS)}")
    return _HOSTS[engine]


def _url(host: str, port: int) -> str:
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"ws://{f'[{reached}]' if ':' in reached else reached}:{port}/v1/realtime"
