"""The running server: in a thread of its own for any program, or in the caller's event loop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Literal

from . import _aiohttp_host, _replay_host, _stream_host
from ._fault_plan import Faults
from ._recorded import Recording
from ._scenario import Scenario
from ._server import Server, url_of
from ._sessions import Sessions
from ._settings import Settings

Engine = Literal["aiohttp", "stream"]

_Host = Callable[[Sessions, str, int, "ssl.SSLContext | None"], AbstractAsyncContextManager[int]]

_HOSTS: dict[str, _Host] = {
    "aiohttp": _aiohttp_host.running,
    "stream": _stream_host.running,
}


class Emulator(Server):
    """The local voice server in a background thread: for plain code, asyncio, trio and tests.

    ::

        with rtproto_emulator.start() as emulator:
            connect(rtproto.endpoint(emulator.url))
    """

    def __init__(
        self, settings: Settings, host: str, port: int, engine: Engine, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._sessions = _sessions(settings, engine)
        running = _running(_host(engine), self._sessions, host, port, ssl_context)
        super().__init__(running, host, secure=ssl_context is not None)

    @property
    def faults(self) -> Faults:
        """What goes wrong on demand: ``emulator.faults.add("close:1011@response.done")``, `clear()`, `list()`.

        It counts for all sessions, also for those that are open.
        """
        return self._sessions.faults

    def script(self, scenario: Scenario | None) -> None:
        """Lets the sessions that open from now on follow another scenario, or none."""
        self._sessions.script(scenario)


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
    return Emulator(settings or Settings(), host, port, engine, ssl_context)


class ReplayServer(Server):
    """A server that plays a recording in a background thread; see `replay()`."""

    def __init__(self, recording: Recording, speed: float, host: str, port: int) -> None:
        self._progress = _replay_host.Progress(recording)
        super().__init__(_replay_host.running(recording, speed, host, port, self._progress), host)

    @property
    def left(self) -> list[str]:
        """The types of what clients have yet to say, in order: of each session what none of those said that got it."""
        return self._progress.left

    @property
    def open(self) -> int:
        """How many clients are connected."""
        return self._progress.open


def replay(
    recording: Recording | str | Path, *, speed: float = 1.0, port: int = 0, host: str = "127.0.0.1"
) -> ReplayServer:
    """Starts a server that plays a recorded session to whoever connects, until it is closed.

    `recording` is a file of `rtproto record`, or one that was read already. The server's messages are sent as they
    were, each when the client has said what the recorded one had said before, at the recorded pace, `speed` times as
    fast (`math.inf`: at once). The n-th client gets the n-th session; what one that left had not said yet is logged,
    and `ReplayServer.left` tells it.

    Raises OSError where it cannot read or listen, ValueError for what is no recording and for a bad `speed`.
    """
    return ReplayServer(_script(recording, speed), speed, host, port)


def _script(recording: Recording | str | Path, speed: float) -> Recording:
    if not speed > 0:
        raise ValueError(f"the speed is {speed}; it must be more than 0")
    return recording if isinstance(recording, Recording) else Recording.load(recording)


async def serve_replay(
    recording: Recording | str | Path,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    speed: float = 1.0,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serves a recording as `replay()` does, until it is cancelled. `ready` is told the URL once it listens."""
    async with _replay_host.running(_script(recording, speed), speed, host, port) as bound:
        if ready is not None:
            ready(url_of(host, bound))
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
    sessions = _sessions(settings or Settings(), engine)
    async with _running(_host(engine), sessions, host, port, ssl_context) as bound:
        if ready is not None:
            ready(url_of(host, bound, ssl_context is not None))
        await asyncio.Event().wait()


@asynccontextmanager
async def _running(
    host: _Host, sessions: Sessions, address: str, port: int, ssl_context: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """A server, and the engines that end with it."""
    try:
        async with host(sessions, address, port, ssl_context) as bound:
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
