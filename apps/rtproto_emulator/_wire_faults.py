"""Does to a wire what no driver does: half a frame, bytes that are no text, an end without a word.

The same for both hosts: each of them stands on a transport of asyncio.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, cast

from rtproto import Config, Role, Session, events

from ._faults import Fault
from ._injection import Deed
from ._visit import Denied

_FAREWELL = 1.0
"""Seconds until half a frame must have been taken by the client."""
_TEXT = 0x81
_CLOSE = 0x8


class Wire(Protocol):
    """The server's end of a session, as far as it can be broken."""

    @property
    def transport(self) -> asyncio.Transport: ...

    async def send_raw(self, text: str, /) -> None: ...


class Hand:
    """Does the deeds in one session, whose client speaks `dialect`."""

    def __init__(self, wire: Wire, dialect: str | None) -> None:
        self._wire = wire
        self._dialect = dialect
        self._writer: Session[events.ServerEvent, events.ClientEvent] | None = None
        self._filter: CloseFilter | None = None

    async def do(self, deed: Deed) -> None:
        """Does it. Raises SessionClosed where the session has ended meanwhile."""
        await DEEDS[deed.how](self, deed)

    def _text(self, deed: Deed) -> str:
        assert deed.event is not None
        if self._writer is None:
            # Not strict: what it writes breaks the order of events.
            self._writer = Session(Role.SERVER, Config(dialect=self._dialect))
            self._writer.open(0.0)
        self._writer.send(deed.event, 0.0)
        return "".join(str(text) for text in self._writer.outgoing())

    async def _plain(self, deed: Deed) -> None:
        if text := self._text(deed):
            await self._wire.send_raw(text)

    async def _cut_json(self, deed: Deed) -> None:
        text = self._text(deed)
        await self._wire.send_raw(text[: len(text) // 2])

    async def _bad_utf8(self, deed: Deed) -> None:
        text = self._text(deed).encode()
        at = len(text) // 2
        self._wire.transport.write(frame(text[:at] + b"\xff" + text[at:]))

    async def _half_frame(self, deed: Deed) -> None:
        data = frame(self._text(deed).encode())
        transport = self._wire.transport
        transport.write(data[: max(len(data) // 2, 3)])
        asyncio.get_running_loop().call_later(_FAREWELL, transport.abort)
        transport.close()

    async def _abort(self, deed: Deed) -> None:
        reset(self._wire.transport)

    async def _stop_reading(self, deed: Deed) -> None:
        transport = self._wire.transport
        transport.pause_reading()
        if deed.seconds != float("inf"):
            asyncio.get_running_loop().call_later(deed.seconds, _go_on, transport)

    async def _watch_close(self, deed: Deed) -> None:
        transport = self._wire.transport
        self._filter = CloseFilter(cast("asyncio.Protocol", transport.get_protocol()))
        transport.set_protocol(self._filter)

    async def _ignore_close(self, deed: Deed) -> None:
        if self._filter is None:
            await self._watch_close(deed)
        assert self._filter is not None
        self._filter.armed = True


DEEDS: dict[str, Callable[[Hand, Deed], Awaitable[None]]] = {
    "plain": Hand._plain,
    "bad-json": Hand._cut_json,
    "bad-utf8": Hand._bad_utf8,
    "half-frame": Hand._half_frame,
    "abort": Hand._abort,
    "stop-reading": Hand._stop_reading,
    "watch-close": Hand._watch_close,
    "ignore-close": Hand._ignore_close,
}


def frame(payload: bytes) -> bytes:
    """A whole text message of a server (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes([_TEXT, size]) + payload
    if size < 65536:
        return bytes([_TEXT, 126]) + size.to_bytes(2, "big") + payload
    return bytes([_TEXT, 127]) + size.to_bytes(8, "big") + payload


def reset(transport: asyncio.Transport) -> None:
    """Ends a connection with RST instead of FIN, as a crash or a firewall does."""
    # Windows has two shorts where the others have two ints.
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    holder: socket.socket | None = transport.get_extra_info("socket")
    if holder is not None and not transport.is_closing():
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()


def _go_on(transport: asyncio.Transport) -> None:
    if not transport.is_closing():
        transport.resume_reading()


class CloseFilter(asyncio.Protocol):
    """Stands before a driver's protocol and, once `armed`, keeps the client's Close from it, and all that follows.

    It must begin where a frame begins.
    """

    def __init__(self, inner: Any) -> None:
        self.armed = False
        self._inner = inner
        self._head = b""
        self._left = 0
        self._deaf = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def data_received(self, data: bytes) -> None:
        passed = self._before_close(data)
        if not isinstance(self._inner, asyncio.BufferedProtocol):
            if passed:
                self._inner.data_received(passed)
            return
        while passed:
            space = memoryview(self._inner.get_buffer(len(passed)))
            size = min(len(space), len(passed))
            space[:size] = passed[:size]
            self._inner.buffer_updated(size)
            passed = passed[size:]

    def _before_close(self, data: bytes) -> bytes:
        """What may pass, now."""
        at = 0
        while at < len(data) and not self._deaf:
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                continue
            if self.armed and not self._head and data[at] & 0x0F == _CLOSE:
                self._deaf = True
                break
            self._head += data[at : at + 1]
            at += 1
            size = _payload_size(self._head)
            if size is not None:
                self._head, self._left = b"", size
        return data[:at]

    def eof_received(self) -> bool | None:
        ended: bool | None = self._inner.eof_received()
        return ended

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


def _payload_size(head: bytes) -> int | None:
    """How many bytes come after the head of a client's frame, its mask among them; None while it is not whole."""
    if len(head) < 2:
        return None
    length = head[1] & 0x7F
    more = {126: 2, 127: 8}.get(length, 0)
    if len(head) < 2 + more:
        return None
    return 4 + (int.from_bytes(head[2 : 2 + more], "big") if more else length)


_CODES = {401: "invalid_api_key", 429: "rate_limit_exceeded", 503: "server_overloaded"}
"""What OpenAI calls it."""


def denied_by(fault: Fault | None) -> Denied | None:
    """The answer to a handshake that a fault refuses with HTTP."""
    if fault is None or fault.kind != "http":
        return None
    status, retry_after = fault.values
    headers = () if retry_after is None else (("Retry-After", retry_after),)
    return Denied(status, f"HTTP {status} on demand: the fault {fault}.", _CODES.get(status), headers=headers)
