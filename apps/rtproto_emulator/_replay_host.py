"""Recorded sessions on sockets: served to clients, and played to a server. Over the byte driver alone: raw text."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any

import rtproto_aio

from rtproto import Config, Endpoint
from rtproto._recording import End
from rtproto.errors import SessionClosed
from rtproto.events import Raw

from ._comparison import Comparer, Comparison
from ._recorded import Recording
from ._replay import Replay

logger = logging.getLogger(__name__)

_CONFIG = Config(raw=True)
_MAX_SESSIONS = 256
"""As `Settings.max_sessions`."""


class Progress:
    """How far clients have come with each session of a recording. May be read from any thread."""

    def __init__(self, recording: Recording) -> None:
        self._replays = [[Replay(script, "server")] for script in recording.sessions]
        """Of each session the one that came furthest, and those that are open."""
        self.open = 0
        """Clients that are there now."""

    @property
    def left(self) -> list[str]:
        """The types of what no client has said yet, in order."""
        return [name for replays in self._replays for name in _furthest(replays).left]

    def begin(self, session: int, replay: Replay) -> None:
        """A client plays a session."""
        self._replays[session] = [*self._replays[session], replay]

    def end(self, session: int, replay: Replay) -> None:
        """It has left."""
        others = [one for one in self._replays[session] if one is not replay]
        self._replays[session] = [_furthest([others[0], replay]), *others[1:]]


def _furthest(replays: Iterable[Replay]) -> Replay:
    return min(replays, key=lambda replay: len(replay.left))


@asynccontextmanager
async def running(
    recording: Recording, speed: float, host: str, port: int, progress: Progress | None = None
) -> AsyncIterator[int]:
    """Serves `recording` as long as the block lasts; gives the port.

    The n-th client gets the n-th session, and after the last the first again. Raises OSError where it cannot listen.
    """
    progress = progress or Progress(recording)
    numbers = itertools.cycle(range(len(recording.sessions)))

    async def welcome(wire: rtproto_aio.ServerStream) -> None:
        if progress.open >= _MAX_SESSIONS:
            await wire.reject(503, [("Content-Type", "text/plain")], b"too many sessions are open: try again later\n")
            return
        progress.open += 1
        try:
            subprotocol = "realtime" if "realtime" in wire.requested.subprotocols else None
            await wire.accept(subprotocol=subprotocol)
            number = next(numbers)
            replay = Replay(recording.sessions[number], "server", speed=speed)
            progress.begin(number, replay)
            try:
                await _perform(wire, replay, lambda message: message, lambda message: None)
            finally:
                progress.end(number, replay)
            if replay.waits_for is not None:
                logger.warning("a client left before it sent %s", replay.waits_for or "what is no event")
        finally:
            progress.open -= 1

    async with rtproto_aio.serve_stream(welcome, host, port, _CONFIG) as server:
        yield server.port


async def replay_to(
    endpoint: Endpoint,
    recording: Recording,
    *,
    speed: float = 1.0,
    patience: float = 5.0,
    ignored: Iterable[str] = (),
    session: int = 0,
) -> Comparison:
    """Plays the client of a recorded session to a server, and tells how what it says differs from what was recorded.

    Each message is sent when the server has said what it had said before it; what has not come after `patience` seconds
    of silence counts as missing. Ids are those of the new session. `ignored` are types that are not compared, `session`
    is the number of the session in the recording.

    Raises HandshakeError or ConnectionError where there is no session.
    """
    script = recording.sessions[session]
    comparer = Comparer(script, ignored)
    async with rtproto_aio.connect_stream(endpoint, _CONFIG) as wire:
        await _perform(
            wire,
            Replay(script, "client", speed=speed, patience=patience),
            comparer.translated,
            comparer.receive,
        )
    return comparer.comparison()


async def _perform(
    wire: rtproto_aio.StreamConnection[Any, Any],
    replay: Replay,
    said: Callable[[str | bytes], str | bytes],
    heard: Callable[[str | bytes], None],
) -> None:
    """Plays until the session has ended."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    async def listen() -> None:
        try:
            async for event in wire:
                if isinstance(event, Raw):
                    heard(event.data)
                    replay.receive(event.data, loop.time())
                    news.set()
        finally:
            news.set()

    replay.start(loop.time())
    listening = asyncio.ensure_future(listen())
    try:
        while not listening.done():
            news.clear()
            replay.tick(loop.time())
            with suppress(SessionClosed):
                while (step := replay.next_event()) is not None:
                    if isinstance(step, End):
                        await _close(wire, step)
                    else:
                        await wire.send_raw(said(step.message))
            due = replay.deadline()
            if not news.is_set() and (due is None or due > loop.time()):
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(news.wait(), None if due is None else due - loop.time())
        await listening
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _close(wire: rtproto_aio.StreamConnection[Any, Any], end: End) -> None:
    if end.code == 1006:
        await wire.hang_up()
    else:
        await wire.close(end.code, end.reason)
