"""What moves the bytes between a `rtproto.Connection` and a non-blocking socket, in the threads that want something."""

from __future__ import annotations

import math
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from rtproto import Connection, Role, State
from rtproto.errors import HandshakeError, RtprotoError, SessionClosed
from rtproto.events import ClientEvent, LocalEvent, ServerEvent
from rtproto_sync._layer import Plain, Tls
from rtproto_sync._wake import SLICE, HasFileno, Wake, wait

Out = TypeVar("Out", bound="ClientEvent | ServerEvent")
In = TypeVar("In", bound="ClientEvent | ServerEvent")
T = TypeVar("T")

FAREWELL = 1.0
"""Seconds for what is still to be written and read when the session has ended."""

_READ = 65536


class Pump(Generic[Out, In]):
    """Reads, writes and lets timers ring. All of it is called with `lock` held.

    One thread at a time drives, that is, waits for the socket; the others wait for what it gets done. The one lock
    guards machine and socket together and nothing waits under it, so that no two threads can mix up what they write.
    """

    def __init__(
        self, machine: Connection[Out, In], sock: socket.socket, layer: Plain | Tls, early: bytes = b""
    ) -> None:
        """`early` is what was read from `sock` already."""
        sock.setblocking(False)
        self.machine = machine
        self.lock = threading.Condition()
        self.failure: ssl.SSLError | None = None
        """What was wrong with the peer's TLS."""
        self._socket = sock
        self._layer = layer
        self._wake = Wake()
        self._driving = False
        self._disposing = False
        self._ending = False
        self._ended = False

        # How many things were said, how many of them are in what leaves now, and how many have left.
        self._said = 0
        self._leaving = 0
        self._left = 0
        self._unsent = memoryview(b"")
        self._drained = False
        self._broken = False
        self._moved_at = 0.0

        self._eof = False
        self._taken_at = 0.0

        if plain := layer.receive(early):
            machine.receive(plain, time.monotonic())

    # ---- what threads want ----

    def take(self, until: float) -> In | LocalEvent | None:
        """The next event; None when the session has ended or the time is up."""
        machine = self.machine
        if not machine.pending:
            self.drive(lambda: machine.pending > 0 or machine.closed is not None, until)
        full = self._driving and self._full
        event = machine.next_event()
        if full:
            self._taken_at = time.monotonic()
            self._nudge()
        return event

    def deliver(self) -> None:
        """After something was said: writes it, and looks what has come; some programs only send.

        Raises SessionClosed where it could not be written.
        """
        machine = self.machine
        since = time.monotonic()
        self._said += 1
        mine = self._said
        try:
            # Who drives reads as well: it would not notice what another thread has read.
            self._move(reading=not self._driving)
            if self._left < mine:
                self._nudge()
                self.drive(
                    lambda: self._left >= mine or self._broken or machine.closed is not None or self._is_stuck(since)
                )
            if self._broken:
                # The peer takes no more bytes. What it said before it went tells why.
                self.drive(lambda: machine.closed is not None, time.monotonic() + FAREWELL)
                machine.receive_eof(time.monotonic())
        except BaseException:
            if self._left < mine:
                self.kill()
            raise
        if self._left < mine:
            if machine.closed is not None:
                raise SessionClosed(machine.closed)
            raise RtprotoError(
                f"nobody takes the events: {machine.pending} of them wait (Limits.max_queue), so nothing more is read,"
                " and the peer takes nothing either; iterate over the connection while sending"
            )

    def close(self, code: int, reason: str) -> None:
        """Says Close; who waits for the answer drives."""
        self.machine.close(time.monotonic(), code, reason)
        self._move(reading=not self._driving)
        self._nudge()

    # ---- moving bytes ----

    def drive(self, done: Callable[[], bool], until: float = math.inf) -> None:
        """Moves bytes both ways until `done()`, or until the time is up; looks at least once."""
        while not done():
            if self._driving:
                if time.monotonic() >= until:
                    return
                try:
                    self.lock.wait(min(SLICE, until - time.monotonic()))
                finally:
                    self._hold()
                continue
            self._driving = True
            try:
                moved = self._move()
                if done() or time.monotonic() >= until:
                    return
                if moved:
                    self._unlocked(time.sleep, 0)  # others want the lock, too
                else:
                    self._sleep(until)
            finally:
                self._driving = False
                if self._disposing:
                    self._dispose()
                self.lock.notify_all()

    def _move(self, reading: bool = True) -> bool:
        """Reads what has come, lets timers ring, writes what the socket takes; whether there was anything to do.

        A timer that rang while nobody read is believed only after a look at what has come since.
        """
        if self._ended:
            return False
        try:
            moved = reading and self._read()
            if reading and self._deadline <= time.monotonic():
                self.machine.tick(time.monotonic())
                moved = True
            return self._flush() or moved
        except BaseException:
            # Bytes may be lost, and no frame is whole without them.
            self.kill()
            raise

    def _read(self) -> bool:
        if self._eof or self._full:
            return False
        data = plain = b""
        try:
            data = self._socket.recv(_READ)
            plain = self._layer.receive(data)
        except (BlockingIOError, InterruptedError):
            return False
        except ssl.SSLError as error:
            if self.machine.closed is None:
                self.failure = error
            data = b""
        except OSError:
            pass
        if plain:
            self.machine.receive(plain, time.monotonic())
        if not data or self._layer.ended:
            self._eof = True
            self.machine.receive_eof(time.monotonic())
        return True

    def _flush(self) -> bool:
        moved = False
        while not self._broken:
            try:
                if not self._unsent:
                    self._fill()
                if self._drained:
                    break
                sent = self._socket.send(self._unsent)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                self._broken = True
                break
            self._unsent = self._unsent[sent:]
            self._moved_at = time.monotonic()
            moved = True
        return moved

    def _fill(self) -> None:
        """What leaves next. The machine is asked for it only now: of the pongs that wait it keeps just the last."""
        self._left = self._leaving
        if self._layer.ready:
            if data := b"".join(self.machine.outgoing()):
                self._layer.send(data)
            self._leaving = self._said
        self._unsent = memoryview(self._layer.outgoing())
        self._drained = not self._unsent
        if self._drained:
            self._left = self._leaving

    def _sleep(self, until: float) -> None:
        """Waits for the socket, a timer or another thread."""
        wanted: list[tuple[HasFileno, int]] = [(self._wake, selectors.EVENT_READ)]
        reading = 0 if self._eof or self._full else selectors.EVENT_READ
        writing = selectors.EVENT_WRITE if self._unsent and not self._broken else 0
        if reading or writing:
            wanted.append((self._socket, reading | writing))
        if self._wake in self._unlocked(wait, wanted, min(until, self._deadline)):
            self._wake.clear()

    def _nudge(self) -> None:
        """Whatever the driving thread waits for, it must look again."""
        if self._driving:
            self._wake.set()

    def _unlocked(self, call: Callable[..., T], *args: object) -> T:
        self.lock.release()
        try:
            return call(*args)
        finally:
            self._hold()

    def _hold(self) -> None:
        """Makes sure that this thread has the lock again: Ctrl-C may have come while it waited for it.

        Whoever goes on without would give away the lock that another thread has by then.
        """
        interrupted: KeyboardInterrupt | None = None
        held = False
        while not held:
            try:
                if not _is_held(self.lock):
                    self.lock.acquire()
                held = True
            except KeyboardInterrupt as error:
                interrupted = error
        if interrupted is not None:
            raise interrupted

    def _is_stuck(self, since: float) -> bool:
        """Whether nobody takes events and the peer takes no bytes, for the patience that a lost Pong would get."""
        patience = self.machine.config.timeouts.pong
        if patience is None or not self._full:
            return False
        return time.monotonic() >= max(since, self._moved_at, self._taken_at) + patience

    @property
    def _full(self) -> bool:
        return self.machine.full and self.machine.closed is None

    @property
    def _deadline(self) -> float:
        """When a timer rings. While the peer takes what we write it lives, and need not say so."""
        deadline = self.machine.deadline()
        if deadline is None:
            return math.inf
        if self.machine.state is State.OPEN and self._unsent:
            return max(deadline, self._moved_at + (self.machine.config.timeouts.pong or 0))
        return deadline

    # ---- the end ----

    def end(self, *, rejected: bool = False) -> None:
        """The session has ended (`rejected`: it never began): writes what is left and closes the socket."""
        closed = self.machine.closed
        if self._ending or closed is None:
            return
        self._ending = True
        refused = self.machine.role is Role.SERVER and isinstance(closed.error, HandshakeError)
        told_why = rejected or refused or (closed.error is not None and closed.code != 1006)
        until = time.monotonic() + FAREWELL
        try:
            self._move(reading=False)
            self.drive(lambda: self._drained or self._broken, until)
            if told_why and not (self._broken or self._eof):
                # Closing with bytes unread would make TCP throw away what the peer has not read yet: the reason.
                with suppress(OSError):
                    self._socket.shutdown(socket.SHUT_WR)
                self.drive(lambda: self._eof, until)
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends at once, and tells everybody who waits."""
        self.machine.receive_eof(time.monotonic())
        self._ending = self._ended = self._broken = self._eof = True
        self._unsent = memoryview(b"")
        self._dispose()
        self.lock.notify_all()

    def _dispose(self) -> None:
        """Closes the socket; where a thread waits for it, has that thread do it."""
        self._disposing = self._driving
        if self._driving:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._wake.set()
        else:
            self._socket.close()
            self._wake.close()


def _is_held(lock: threading.Condition) -> bool:
    try:
        lock.notify(0)
    except RuntimeError:
        return False
    return True
