"""What passed, for tests to look at and to wait for."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Generic, TypeVar, overload

from rtproto import events

_MAX_EVENTS = 100_000
"""Of which the oldest are forgotten: half an hour of a microphone that sends every 20 ms."""
_GLANCE = 0.002
"""Seconds between two looks in an event loop."""

E_co = TypeVar("E_co", covariant=True)
T = TypeVar("T")


def name_of(event: object) -> str:
    """An event's type, as GA names it; what has none is called by its class."""
    wire_type = getattr(event, "wire_type", None)
    return getattr(event, "type", None) or wire_type or type(event).__name__


def in_short(names: Iterable[str]) -> list[str]:
    """Names in order, such as "session.update" and "input_audio_buffer.append (x 50)"."""
    runs = ((name, sum(1 for _ in run)) for name, run in groupby(names))
    return [name if times == 1 else f"{name} (x {times})" for name, times in runs]


class EventLog(Sequence[E_co], Generic[E_co]):
    """Events in the order in which they passed, of all sessions. It grows while a test looks at it; any thread may.

    `what` is said of them where one did not come, such as "the client has sent".
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._events: list[Any] = []
        self._forgotten = 0
        self._news = threading.Condition()

    def add(self, event: object) -> None:
        """One more has passed."""
        with self._news:
            self._events.append(event)
            if len(self._events) > _MAX_EVENTS:
                del self._events[: _MAX_EVENTS // 10]
                self._forgotten += _MAX_EVENTS // 10
            self._news.notify_all()

    def types(self) -> list[str]:
        """Their types, such as ``["session.update", "response.create"]``."""
        return [name_of(event) for event in self.of(object)]

    def of(self, cls: type[T]) -> list[T]:
        """Those of a class."""
        with self._news:
            return [event for event in self._events if isinstance(event, cls)]

    def wait_for(self, cls: type[T], count: int = 1, timeout: float = 5.0) -> T:
        """The first of a class, or the `count`-th: one that has passed, or passes within `timeout` seconds.

        Raises AssertionError, which tells what passed instead; RuntimeError in a coroutine, where it would stop the
        event loop, and the client that runs there.
        """
        __tracebackhide__ = True
        if _loop_sleep() is not None:
            raise RuntimeError("wait_for() would stop the event loop here: await wait_for_async()")
        search = _Search(self, cls, count)
        until = time.monotonic() + timeout
        with self._news:
            while not search.found:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._news.wait(left)
        return search.result(timeout)

    async def wait_for_async(self, cls: type[T], count: int = 1, timeout: float = 5.0) -> T:
        """The same for coroutines, on asyncio and trio."""
        __tracebackhide__ = True
        search = _Search(self, cls, count)
        sleep = _loop_sleep() or asyncio.sleep
        until = time.monotonic() + timeout
        while not search.found and time.monotonic() < until:
            await sleep(_GLANCE)
        return search.result(timeout)

    def since(self, position: int) -> tuple[list[Any], int]:
        """What has passed after the first `position` events, and how many have by now."""
        with self._news:
            return self._events[max(0, position - self._forgotten) :], self._forgotten + len(self._events)

    @overload
    def __getitem__(self, at: int) -> E_co: ...
    @overload
    def __getitem__(self, at: slice) -> list[E_co]: ...
    def __getitem__(self, at: int | slice) -> Any:
        with self._news:
            return self._events[at]

    def __len__(self) -> int:
        return len(self._events)

    def __repr__(self) -> str:
        return f"{self._what} {', '.join(in_short(self.types())) or 'nothing'}"


class _Search(Generic[T]):
    """Looks at each event once."""

    def __init__(self, log: EventLog[Any], cls: type[T], count: int) -> None:
        if count < 1:
            raise ValueError(f"count is {count}: the first is 1")
        self._log = log
        self._cls = cls
        self._count = count
        self._position = 0
        self._met: list[T] = []

    @property
    def found(self) -> bool:
        new, self._position = self._log.since(self._position)
        self._met += [event for event in new if isinstance(event, self._cls)]
        return len(self._met) >= self._count

    def result(self, timeout: float) -> T:
        __tracebackhide__ = True
        if len(self._met) >= self._count:
            return self._met[self._count - 1]
        name = getattr(self._cls, "type", "") or self._cls.__name__
        which = f"no {name}" if self._count == 1 else f"{len(self._met)} of {self._count} {name}"
        raise AssertionError(f"{which} within {timeout:g} s: {self._log!r}")


def _loop_sleep() -> Callable[[float], Awaitable[object]] | None:
    """How to sleep in the event loop that runs in this thread, if one does."""
    trio = sys.modules.get("trio")
    running: list[tuple[Callable[[], object], Callable[[float], Awaitable[object]]]] = []
    if trio is not None:
        running.append((trio.lowlevel.current_task, trio.sleep))
    running.append((asyncio.get_running_loop, asyncio.sleep))
    for current, sleep in running:
        try:
            current()
        except RuntimeError:
            continue
        return sleep
    return None


ClientSaid = events.ClientEvent | events.Violation
"""What comes from a client: events, and what is none."""
