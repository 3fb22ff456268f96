"""The lower end of a byte driver: a TCP or TLS transport of asyncio, with its flow control as plain values."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import cast

_READ = 65536


class Wire(asyncio.BufferedProtocol):
    """Hands the bytes that come to `received`, b"" at their end, and calls `changed` when anything else happens.

    `full` says that the transport holds more than it should: wait with writing; `paused` that nothing is read; `lost`
    that it is gone.
    """

    def __init__(self, received: Callable[[bytes], None], changed: Callable[[], None]) -> None:
        self._received = received
        self._changed = changed
        self._transport: asyncio.Transport | None = None
        self._space = memoryview(bytearray(_READ))
        self.paused = False
        self._guard: asyncio.TimerHandle | None = None
        self.full = False
        self.lost = False

    # ---- for the owner ----

    @property
    def transport(self) -> asyncio.Transport:
        """What carries the bytes, also when it is gone."""
        assert self._transport is not None, "the owner is handed out when the wire stands"
        return self._transport

    @property
    def held(self) -> int:
        """Bytes written that the operating system has not taken yet."""
        return 0 if self._transport is None or self.lost else self._transport.get_write_buffer_size()

    def write(self, data: bytes) -> None:
        """Writes without waiting; in vain where the wire has ended."""
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def take(self, early: bytes) -> None:
        """Takes bytes that somebody else has read before."""
        self._received(early)

    def read(self, wanted: bool) -> None:
        """Goes on reading, or stops."""
        if wanted == self.paused and self._transport is not None and not self._transport.is_closing():
            self.paused = not wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def end(self, patience: float, *, linger: bool) -> None:
        """Ends the wire when all is written, at the latest after `patience` seconds.

        `linger`: reads and forgets until the peer ends too. A wire that is closed with bytes unread makes TCP throw
        away what the peer has not read yet: the reason for the end.
        """
        transport = self._transport
        if self._guard is not None or transport is None or self.lost:
            return
        self._guard = asyncio.get_running_loop().call_later(patience, transport.abort)
        if linger:
            self.read(True)
            if transport.can_write_eof() and not transport.is_closing():
                transport.write_eof()
        elif not transport.is_closing():
            # Of TLS a second close() would make abort() fail.
            transport.close()

    def abort(self) -> None:
        """Ends the wire at once; what is not written yet is thrown away."""
        if self._transport is not None:
            self._transport.abort()

    # ---- for asyncio ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._changed()

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._space

    def buffer_updated(self, nbytes: int) -> None:
        self._received(bytes(self._space[:nbytes]))

    def eof_received(self) -> None:
        self._received(b"")

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        self._changed()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._read_the_rest()
        self.lost = True
        self.full = False
        if self._guard is not None:
            self._guard.cancel()
        self._received(b"")
        self._changed()

    def _read_the_rest(self) -> None:
        """After a failed write asyncio reads no more, but what the peer said before it went tells why it went.

        Below TLS the bytes cannot be read any more.
        """
        transport = self._transport
        if transport is None or transport.get_extra_info("ssl_object") is not None:
            return
        with suppress(OSError), transport.get_extra_info("socket").dup() as rest:
            assert isinstance(rest, socket.socket)
            rest.setblocking(False)
            while data := rest.recv(_READ):
                self._received(data)
