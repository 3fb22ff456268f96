"""Ctrl-C as a request: it never raises where a run happens to be, which no event loop and no callback of C survives."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(Exception):
    """The user wants the run to end."""


class Interrupt:
    """Listens, as a context manager, for Ctrl-C and for SIGTERM, which `kill` and containers send.

    The first is noted and wakes the run; the second ends the process at once.
    """

    def __init__(self) -> None:
        self._number = 0
        self._wake: Callable[[], object] = _nothing
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                before = signal.getsignal(number)
                if before is not None and before != signal.SIG_IGN:  # so started, it is to be left alone: nohup
                    self._before[number] = before
                    signal.signal(number, self._signalled)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    @property
    def status(self) -> int:
        """The exit status that tells of the signal."""
        return 128 + (self._number or signal.SIGINT)

    def check(self) -> None:
        """Raises Stopped once there was a signal."""
        if self._number:
            raise Stopped

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Calls `wake()` in the main thread, between any two of its instructions, when a signal comes."""
        before, self._wake = self._wake, wake
        try:
            if self._number:
                wake()
            yield
        finally:
            self._wake = before

    @contextmanager
    def raising(self) -> Iterator[None]:
        """For what blocks and cannot be woken, but may end anywhere: raises Stopped."""
        try:
            with self.waking(_raise):
                yield
        except KeyboardInterrupt:
            raise Stopped from None

    def _signalled(self, number: int, frame: "FrameType | None") -> None:
        if self._number:
            end_at_once(number)
        self._number = number
        with suppress(RuntimeError):  # the loop to be woken has just ended
            self._wake()


def end_at_once(number: int, frame: "FrameType | None" = None) -> None:
    """A handler of signals that leaves nothing running, and says nothing of where the program was."""
    if sys.stderr is not None and sys.stderr.isatty():
        with suppress(OSError):
            os.write(2, b"\x1b[?25h\n")  # the progress has hidden the cursor
    os._exit(128 + number)


def _nothing() -> None:
    """Where the run looks by itself."""


def _raise() -> None:
    raise KeyboardInterrupt
