"""What moves bytes, or messages, between a machine and its wire, in the tasks that send, iterate or close."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, Protocol, TypeVar

import trio

from rtproto import Config, Role, State
from rtproto.errors import HandshakeError, RtprotoError, SessionClosed
from rtproto.events import ClientEvent, Closed, LocalEvent, ServerEvent

Out = TypeVar("Out", bound="ClientEvent | ServerEvent")
In = TypeVar("In", bound="ClientEvent | ServerEvent")
Out_contra = TypeVar("Out_contra", bound="ClientEvent | ServerEvent", contravariant=True)
In_co = TypeVar("In_co", bound="ClientEvent | ServerEvent", covariant=True)
W = TypeVar("W")

FAREWELL = 1.0
"""Seconds for what is still to be written and read when the session has ended."""

_LOOK = 0.01
"""Seconds in which what has come would be found, before a timer is believed that rang while nobody read."""

_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class Machine(Protocol[Out_contra, In_co, W]):
    """A `rtproto.Connection` (W: bytes) or a `rtproto.Session` (W: str | bytes | Close)."""

    @property
    def role(self) -> Role: ...
    @property
    def config(self) -> Config: ...
    @property
    def state(self) -> State: ...
    @property
    def closed(self) -> Closed | None: ...
    @property
    def pending(self) -> int: ...
    @property
    def full(self) -> bool: ...
    def send(self, event: Out_contra, now: float) -> None: ...
    def send_raw(self, text: str | bytes, now: float) -> None: ...
    def close(self, now: float, code: int = 1000, reason: str = "") -> None: ...
    def receive(self, data: W, now: float) -> None: ...
    def receive_eof(self, now: float) -> None: ...
    def next_event(self) -> In_co | LocalEvent | None: ...
    def outgoing(self) -> list[W]: ...
    def deadline(self) -> float | None: ...
    def tick(self, now: float) -> None: ...


class Carrier(Protocol[W]):
    """The wire. Both ways raise trio.BrokenResourceError or trio.ClosedResourceError when it is lost."""

    meanwhile: Callable[[], Awaitable[None]]
    """Set by the Pump: what `send()` runs while it has to wait. When it returns, the sending is given up."""

    @property
    def moved_at(self) -> float:
        """When it last got rid of something, on trio's clock."""
        ...

    @property
    def readable(self) -> bool:
        """Whether `glance()` may find something, as far as one can know."""
        ...

    async def receive(self) -> W | None:
        """What comes next; None at the end. Cancelled, it loses nothing."""

    async def glance(self) -> W | None:
        """What is here already; None at the end. Raises trio.WouldBlock where there is nothing."""

    async def send(self, data: list[W]) -> None:
        """Sends all of `data`; cancelled only where it has to wait, and then the wire is of no more use."""

    async def linger(self) -> None:
        """Lets the peer read what was sent, and ignores what it still says."""

    async def abort(self) -> None:
        """Closes at once."""


class Pump(Generic[In, W]):
    """Reads, writes and lets timers ring, one task each at a time.

    The task that reads never waits for the one that writes, who writes what the reader has to say, too; and a write
    that has to wait reads meanwhile.
    """

    def __init__(self, machine: Machine[Any, In, W], carrier: Carrier[W]) -> None:
        self.machine = machine
        self._carrier = carrier
        carrier.meanwhile = self._read_meanwhile

        self._reading: trio.CancelScope | None = None
        self._read_until = math.inf
        self._followers = trio.lowlevel.ParkingLot()
        """The tasks that wait for what the reading one gets done."""
        self._taken_at = -math.inf

        self._write_lock = trio.StrictFIFOLock()
        self._broken = False
        self._nobody_takes = False
        self._ended = False

    def take(self) -> In | LocalEvent | None:
        """The next event that is here."""
        event = self.machine.next_event()
        if self._followers:  # perhaps for room in the queue
            self._taken_at = trio.current_time()
            self._followers.unpark_all()
        return event

    # ---- reading ----

    async def step(self, patience: float = math.inf, *, glancing: bool = False) -> None:
        """Reads once, or lets a timer ring; where another task does that, waits until it has. At most `patience` s.

        `glancing`: takes only what is here already.
        Reading stops while the queue is full. A timer that rang while nobody read is believed only after a look at
        what has come since.
        """
        now = trio.current_time()
        if self._reading is not None:
            with trio.CancelScope(deadline=now + patience):
                await self._followers.park()
            return
        data: W | None = None
        ended = False
        self._read_until = now + patience
        try:
            with trio.CancelScope(deadline=max(self._deadline, now + min(patience, _LOOK))) as self._reading:
                if self.machine.full:
                    await self._followers.park()
                else:
                    data = await (self._carrier.glance() if glancing else self._carrier.receive())
                    ended = data is None
        except trio.WouldBlock:
            pass
        except _GONE:
            ended = True
        finally:
            self._reading = None
            self._followers.unpark_all()
        now = trio.current_time()
        if data is not None:
            self.machine.receive(data, now)
        elif ended:
            self.machine.receive_eof(now)
        self._ring(now)
        await self.flush_unless_busy()

    async def _read_meanwhile(self) -> None:
        """Reads while a write waits; returns when there is no more use in waiting."""
        while self.machine.closed is None:
            patience = self.machine.config.timeouts.pong if self.machine.full else None
            await self.step(math.inf if patience is None else patience)
            last_move = max(self._carrier.moved_at, self._taken_at)
            if self.machine.full and patience is not None and trio.current_time() >= last_move + patience:
                self._nobody_takes = True
                return
        await trio.sleep(FAREWELL)

    @property
    def _next_ring(self) -> float:
        """When a timer rings. While the peer takes what we write it lives, and need not say so."""
        deadline = self.machine.deadline()
        if deadline is None:
            return math.inf
        if self.machine.state is State.OPEN and self._write_lock.locked():
            return max(deadline, self._carrier.moved_at + (self.machine.config.timeouts.pong or 0))
        return deadline

    @property
    def _deadline(self) -> float:
        """When a read must end."""
        return min(self._next_ring, self._read_until)

    def _ring(self, now: float) -> bool:
        if self._next_ring > now:
            return False
        self.machine.tick(now)
        return True

    def rearm(self) -> None:
        """Something was said that may have moved the deadline: the task that reads must know."""
        if self._reading is not None:
            self._reading.deadline = self._deadline

    # ---- writing ----

    async def deliver(self) -> None:
        """After something was said: writes it, and looks what has come; some programs only send.

        Raises SessionClosed where it could not be written.
        """
        self.rearm()
        if not await self._flush():
            assert self.machine.closed is not None
            raise SessionClosed(self.machine.closed)
        if self._reading is None and self.machine.closed is None:
            if not self.machine.full and self._carrier.readable:
                await self.step(glancing=True)
            elif self._ring(trio.current_time()):
                await self.flush_unless_busy()

    async def flush_unless_busy(self) -> None:
        """For those who must not wait for a writer: if one is at work, it writes this, too."""
        if not self._write_lock.locked():
            await self._flush()

    async def _flush(self) -> bool:
        """Writes what there is, in its turn; whether it was written."""
        try:
            self._write_lock.acquire_nowait()
        except trio.WouldBlock:
            await self._write_lock.acquire()
        try:
            while not self._broken and (data := self.machine.outgoing()):
                await self._write(data)
        finally:
            self._write_lock.release()
        return not self._broken

    async def _write(self, data: list[W]) -> None:
        try:
            await self._carrier.send(data)
        except _GONE:
            self._broken = True
            if self._nobody_takes:
                waiting = self.machine.pending
                await self.abort()
                raise RtprotoError(
                    f"nobody takes the events: {waiting} of them wait (Limits.max_queue), so nothing more is read, and"
                    " the peer takes nothing either; iterate over the connection while sending"
                ) from None
            await self._hear_out()
        except BaseException:
            # A frame was cut in two: nothing can follow it.
            self._broken = True
            await self.abort()
            raise
        self.rearm()

    async def _hear_out(self) -> None:
        """The peer takes no more bytes. What it said before it went tells why."""
        with trio.move_on_after(FAREWELL):
            while self.machine.closed is None:
                await self.step()
        self._lose()

    # ---- the end ----

    async def end(self, *, rejected: bool = False) -> None:
        """The session has ended (`rejected`: it never began): writes what is left and closes the stream."""
        closed = self.machine.closed
        if self._ended or closed is None:
            return
        self._ended = True
        refused = self.machine.role is Role.SERVER and isinstance(closed.error, HandshakeError)
        told_why = rejected or refused or (closed.error is not None and closed.code != 1006)
        try:
            with trio.CancelScope(shield=True, deadline=trio.current_time() + FAREWELL), suppress(*_GONE, RtprotoError):
                await self._flush()
                if told_why and not (self._broken or self._reading):
                    await self._carrier.linger()
        finally:
            await self.abort()

    async def abort(self) -> None:
        """Ends at once."""
        self._lose()
        self._ended = True
        with trio.CancelScope(shield=True):
            await self._carrier.abort()

    def _lose(self) -> None:
        self.machine.receive_eof(trio.current_time())
        self._followers.unpark_all()
