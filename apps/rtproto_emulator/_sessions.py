"""Lets a policy speak through a driver: the part that both hosts share."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import AsyncIterator
from typing import Protocol

import attrs

from rtproto import Close, events
from rtproto.errors import SessionClosed

from ._fault_plan import FaultPlan, Faults
from ._faults import Fault
from ._injection import LAST, Deed, Injected
from ._metrics import Meter, Metrics
from ._scenario import Scenario
from ._settings import Observe, Settings
from ._visit import Denied, Visit
from ._wire_faults import Hand, Wire

logger = logging.getLogger(__name__)

_BACKLOG = 1000
"""Events that may wait for a slow client before its own are read no further."""

_GOODBYE = "the server is shutting down"


class SessionWire(Wire, Protocol):
    """The server's end of a session, of either driver."""

    async def send(self, event: events.ServerEvent, /) -> None: ...

    async def close(self, code: int = 1000, reason: str = "") -> None: ...

    def __aiter__(self) -> AsyncIterator[events.ClientEvent | events.LocalEvent]: ...


@attrs.frozen(kw_only=True)
class SessionInfo:
    """An open session: `age` in seconds, and how many events came and went."""

    id: str
    age: float
    received: int
    sent: int


class Sessions:
    """The sessions of a server: at most ``Settings.max_sessions`` at once."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics(time.time())
        self.faults = Faults(settings.faults, settings.run_seed)
        self._talks: set[_Talk] = set()
        self._numbers = itertools.count(1)

    def refusal(self) -> Denied | None:
        """Why no more sessions can be opened now, if so."""
        if len(self._talks) < self.settings.max_sessions:
            return None
        line = f"{len(self._talks)} sessions are open, which is the limit of this server: try again later."
        return Denied(503, line, "session_limit_reached")

    async def converse(self, wire: SessionWire, wanted: Visit) -> None:
        """Runs a session until one side ends it."""
        number = next(self._numbers)
        machine = wanted.policy(self.settings.for_session(number))
        policy = Injected(machine, FaultPlan(self.faults, number))
        meter = Meter(self.metrics, wanted.dialect)
        machine.tell_sound = meter.sounded
        talk = _Talk(wire, policy, wanted.dialect, meter, self.settings.observe)
        self._talks.add(talk)
        logger.info("session opened (%d open)", len(self._talks))
        try:
            await talk.run()
        except Exception:
            meter.failed()
            raise
        finally:
            self._talks.discard(talk)
            meter.end()
            logger.info("session closed (%d open)", len(self._talks))

    def script(self, scenario: Scenario | None) -> None:
        """Lets the sessions that open from now on follow another scenario, or none."""
        self.settings = attrs.evolve(self.settings, scenario=scenario)

    def open(self) -> list[SessionInfo]:
        """The sessions that are open, oldest first."""
        return sorted((talk.info() for talk in self._talks), key=lambda info: -info.age)

    def strike(self, session_id: str, fault: Fault) -> bool:
        """Lets a fault happen in one session alone; False where there is none with that id.

        Raises ValueError for a fault of the handshake.
        """
        talk = next((talk for talk in self._talks if talk.info().id == session_id), None)
        if talk is not None:
            talk.strike(fault)
        return talk is not None

    async def say_goodbye(self) -> None:
        """Closes every session with 1001; who does not answer in time is hung up on."""
        closing = {asyncio.ensure_future(talk.wire.close(1001, _GOODBYE)): talk.wire for talk in self._talks}
        if closing:
            _, late = await asyncio.wait(closing, timeout=self.settings.farewell)
            for task in late:
                closing[task].transport.abort()
            await asyncio.gather(*closing, return_exceptions=True)


class _Talk:
    """One session: a reader, and a clock beside it. Whoever finds nobody writing writes."""

    def __init__(
        self, wire: SessionWire, policy: Injected, dialect: str, meter: Meter, observe: Observe | None
    ) -> None:
        self.wire = wire
        self._meter = meter
        self._observe = observe
        self._policy = policy
        self._hand = Hand(wire, dialect)
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._received = self._sent = 0
        self._due = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._writing = False
        self._written = asyncio.Event()

    async def run(self) -> None:
        self._policy.start(self._loop.time(), time.time())
        clock = asyncio.ensure_future(self._keep_time())
        try:
            await self._write()
            async for event in self.wire:
                self._heard(event)
                # The core has already answered a Violation.
                if isinstance(event, events.ClientEvent):
                    self._received += 1
                    self._policy.receive(event, self._loop.time())
                    await self._write()
        except SessionClosed as gone:
            self._heard(gone.closed)
        finally:
            if self._alarm is not None:
                self._alarm.cancel()
            clock.cancel()
            self._policy.stop()
            await asyncio.gather(clock, return_exceptions=True)

    def info(self) -> SessionInfo:
        """What may be told of it: no words, no sound."""
        age = self._loop.time() - self._began
        return SessionInfo(id=self._policy.session_id, age=age, received=self._received, sent=self._sent)

    def strike(self, fault: Fault) -> None:
        """Lets a fault happen here."""
        self._policy.strike(fault)
        self._due.set()

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
            await self.wire.close(1011, "the server failed")

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
                    await self.wire.close(event.code, event.reason)
                elif isinstance(event, Deed):
                    if event.event is not None and event.how not in LAST:
                        self._said(event.event)
                    await self._hand.do(event)
                else:
                    self._said(event)
                    await self.wire.send(event)
                self._sent += 1
                self._tell_written()
            if self._policy.pending:
                # A fault has delayed what was asked for just now.
                self._set_alarm()
        finally:
            self._writing = False
            self._tell_written()

    def _heard(self, event: events.ClientEvent | events.LocalEvent) -> None:
        self._meter.heard(event, self._loop.time())
        if self._observe is not None:
            self._observe("client", event)

    def _said(self, event: events.ServerEvent) -> None:
        self._meter.said(event, self._loop.time())
        if self._observe is not None:
            self._observe("server", event)

    def _tell_written(self) -> None:
        self._written.set()
        self._written.clear()

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        due = self._policy.deadline()
        self._alarm = None if due is None else self._loop.call_at(due, self._due.set)
