"""Lets a policy speak through a driver: the part that both hosts share."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from typing import Protocol

from rtproto import Close, events
from rtproto.errors import SessionClosed

from ._machine import Machine
from ._metrics import Meter, Metrics
from ._settings import Settings
from ._visit import Denied

logger = logging.getLogger(__name__)

_BACKLOG = 1000
"""Events that may wait for a slow client before its own are read no further."""

_GOODBYE = "the server is shutting down"


class Wire(Protocol):
    """The server's end of a session, of either driver."""

    async def send(self, event: events.ServerEvent, /) -> None: ...

    async def close(self, code: int = 1000, reason: str = "") -> None: ...

    def __aiter__(self) -> AsyncIterator[events.ClientEvent | events.LocalEvent]: ...


class Sessions:
    """The sessions of a server: at most ``Settings.max_sessions`` at once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._wires: set[Wire] = set()
        self.metrics = Metrics(time.time())

    def refusal(self) -> Denied | None:
        """Why no more sessions can be opened now, if so."""
        if len(self._wires) < self.settings.max_sessions:
            return None
        line = f"{len(self._wires)} sessions are open, which is the limit of this server: try again later."
        return Denied(503, line, "session_limit_reached")

    async def converse(self, wire: Wire, policy: Machine, dialect: str = "ga") -> None:
        """Runs a session until one side ends it."""
        self._wires.add(wire)
        meter = Meter(self.metrics, dialect)
        logger.info("session opened (%d open)", len(self._wires))
        try:
            await _Talk(wire, policy, meter).run()
        except Exception:
            meter.failed()
            raise
        finally:
            self._wires.discard(wire)
            meter.end()
            logger.info("session closed (%d open)", len(self._wires))

    async def say_goodbye(self) -> None:
        """Closes every session with 1001."""
        await asyncio.gather(*(wire.close(1001, _GOODBYE) for wire in self._wires), return_exceptions=True)


class _Talk:
    """One session: a reader, and a clock beside it. Whoever finds nobody writing writes."""

    def __init__(self, wire: Wire, policy: Machine, meter: Meter) -> None:
        self._wire = wire
        self._meter = meter
        self._policy = policy
        self._loop = asyncio.get_running_loop()
        self._due = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._writing = False
        self._written = asyncio.Event()

    async def run(self) -> None:
        self._policy.start(self._loop.time(), time.time())
        clock = asyncio.ensure_future(self._keep_time())
        try:
            await self._write()
            async for event in self._wire:
                self._meter.heard(event, self._loop.time())
                # The core has already answered a Violation.
                if isinstance(event, events.ClientEvent):
                    self._policy.receive(event, self._loop.time())
                    await self._write()
        except SessionClosed as gone:
            self._meter.heard(gone.closed, self._loop.time())
        finally:
            if self._alarm is not None:
                self._alarm.cancel()
            clock.cancel()
            self._policy.stop()
            await asyncio.gather(clock, return_exceptions=True)

    async def _keep_time(self) -> None:
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                self._policy.tick(self._loop.time())
                await self._write()
        except SessionClosed:
            pass
        except Exception:
            self._meter.failed()
            logger.exception("a session failed")
            await self._wire.close(1011, "the server failed")

    async def _write(self) -> None:
        self._set_alarm()
        if self._writing:
            while self._writing and self._policy.pending > _BACKLOG:
                await self._written.wait()
            return
        self._writing = True
        try:
            while (event := self._policy.next_event()) is not None:
                if isinstance(event, Close):
                    self._meter.closed(event)
                    await self._wire.close(event.code, event.reason)
                else:
                    self._meter.said(event, self._loop.time())
                    await self._wire.send(event)
                self._tell_written()
        finally:
            self._writing = False
            self._tell_written()

    def _tell_written(self) -> None:
        self._written.set()
        self._written.clear()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        due = self._policy.deadline()
        self._alarm = None if due is None else self._loop.call_at(due, self._due.set)
