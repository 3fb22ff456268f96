"""What ends a wait from another thread."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

SLICE = 0.5
"""Seconds of one wait: on Windows Ctrl-C is not seen before a wait ends."""

# Not the default selector: epoll costs a file descriptor for each connection.
_Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)


class HasFileno(Protocol):
    """What can be waited for."""

    def fileno(self) -> int: ...


class Wake:
    """A pair of sockets: `set()` from any thread makes it readable until `clear()`."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        return self._reader.fileno()

    def set(self) -> None:
        """Ends the waits for it. Does nothing once closed."""
        with suppress(OSError):
            self._writer.send(b"\0")

    def clear(self) -> None:
        """Makes it wait again."""
        with suppress(OSError):
            while self._reader.recv(4096):
                pass

    def close(self) -> None:
        """Gives its sockets back."""
        self._reader.close()
        self._writer.close()


def wait(wanted: Sequence[tuple[HasFileno, int]], until: float) -> list[HasFileno]:
    """Waits for the first of `wanted` (with selectors.EVENT_READ or EVENT_WRITE or both); which ones are ready.

    Ends at `until` on the clock of time.monotonic(), and after SLICE seconds.
    """
    timeout = min(SLICE, until - time.monotonic())
    with _Selector() as selector:
        for fileobj, events in wanted:
            selector.register(fileobj, events)
        return [key.fileobj for key, _ in selector.select(max(0.0, timeout)) if not isinstance(key.fileobj, int)]
