"""Recordings, served to the program under test."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from types import TracebackType

import rtproto_emulator

import rtproto
from rtproto import Endpoint

from ._log import in_short
from ._server import base_url

_PATIENCE = 0.5
"""Seconds for what clients have said before they left to be read."""
_GLANCE = 0.002


class RealtimeReplay:
    """A server that plays a recording. `complete`: whether it is a mistake to leave a part of it unsaid."""

    def __init__(self, path: Path, speed: float, complete: bool) -> None:
        self.path = path
        self.complete = complete
        self._server = rtproto_emulator.replay(path, speed=speed)

    @property
    def url(self) -> str:
        """The WebSocket: ``ws://127.0.0.1:PORT/v1/realtime``."""
        return self._server.url

    @property
    def base_url(self) -> str:
        """What OpenAI's clients are given, such as in OPENAI_BASE_URL: ``http://127.0.0.1:PORT/v1``."""
        return base_url(self.url)

    @property
    def endpoint(self) -> Endpoint:
        """The same for the clients of rtproto."""
        return rtproto.endpoint(self.url)

    @property
    def left(self) -> list[str]:
        """The types of what the program has yet to say, in the order in which it was recorded."""
        return self._server.left

    def close(self) -> None:
        """Stops, once what was said by those that left is read. May be called again."""
        until = time.monotonic() + _PATIENCE
        while self._server.open and self.left and time.monotonic() < until:
            time.sleep(_GLANCE)
        self._server.close()


class Replays:
    """Serves recordings until the end of a test::

    replay = realtime_replay("call.jsonl")
    ...  # connect the program under test to replay.url
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[RealtimeReplay] = []

    def __call__(
        self, recording: str | os.PathLike[str], *, speed: float = math.inf, complete: bool = True
    ) -> RealtimeReplay:
        """Serves a file of `rtproto record`, relative to the test's folder, `speed` times as fast as it was.

        The n-th client gets the n-th session. A test that passes and leaves a part unsaid fails after all, unless
        `complete` is False. Raises OSError for a file that cannot be read, ValueError for what is no recording.
        """
        self._started.append(RealtimeReplay(self._folder / recording, speed, complete))
        return self._started[-1]

    def complaints(self) -> list[str]:
        """A line for each recording of which a part is left that should not be."""
        unsaid = {replay.path: replay.left for replay in self._started if replay.complete and replay.left}
        return [
            f"{path}: the client has yet to say {', '.join(in_short(name or 'no event' for name in left))}"
            for path, left in unsaid.items()
        ]

    def __enter__(self) -> Replays:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for replay in self._started:
            replay.close()
