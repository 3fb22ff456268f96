"""The wire of a connection: a trio stream, perhaps with TLS on it, that lets its owner read while it waits to send."""

from __future__ import annotations

import math
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

_READ = 65536
_PIECE = 65536
"""Bytes handed to the stream at once where it has to wait: each piece that goes is a sign that the peer takes them."""


T = TypeVar("T")


async def do_while(send: Callable[[T], Awaitable[None]], data: T, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """Runs ``send(data)``, and `meanwhile()` beside it until it is done.

    When `meanwhile()` returns, the sending is given up with trio.BrokenResourceError.
    """
    failure: BaseException | None = None
    with trio.CancelScope() as given_up:

        async def give_up_after() -> None:
            await meanwhile()
            given_up.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(give_up_after)
            try:
                await send(data)
            except BaseException as error:
                # Raised outside: a nursery would wrap it in a group.
                failure = error
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure
    if given_up.cancelled_caught:
        raise trio.BrokenResourceError("the connection ended before everything was sent")


class Wire(trio.abc.Stream):
    """A stream whose `send_all()` runs `meanwhile()` as long as it cannot send, and the carrier of bytes over it.

    TLS stands between the two: what `send()` and `receive()` carry passes through it, and `send_all()` sees the result.
    `moved_at` is the time, on trio's clock, at which it last got rid of some bytes.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.early = b""
        """Bytes that were received already."""
        self._socket: socket.socket | None = None
        if isinstance(stream, trio.SocketStream):
            # trio cannot say whether a send would have to wait. The socket below, which both now hold, can.
            self._socket = socket.socket(fileno=stream.socket.detach())
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(self._socket))
        self._stream = stream
        self.top: trio.abc.Stream = self
        """What carries the bytes: this, or TLS over it."""

        self._unread = False
        """Whether TLS may hold more than it has given: it gives one record at a time."""
        self._glancing = False
        self._shield: trio.CancelScope | None = None
        self.meanwhile: Callable[[], Awaitable[None]] = trio.sleep_forever
        self.moved_at = -math.inf

    async def start_tls(self, context: ssl.SSLContext, server_hostname: str | None = None) -> None:
        """Puts TLS on the stream, as the client of `server_hostname` or as a server.

        Raises trio.BrokenResourceError where that fails.
        """
        server = server_hostname is None
        tls = trio.SSLStream(self, context, server_hostname=server_hostname, server_side=server, https_compatible=True)
        await tls.do_handshake()
        self.top = tls

    # ---- the carrier ----

    @property
    def readable(self) -> bool:
        """Whether a read may find something at once; where the stream is no socket nobody knows."""
        return self._unread or self._socket_is_readable()

    def _socket_is_readable(self) -> bool:
        if self._socket is None:
            return False
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    async def receive(self) -> bytes | None:
        """What comes next; None at the end."""
        data = bytes(await self.top.receive_some(_READ))
        self._unread = self.top is not self
        return data or None

    async def glance(self) -> bytes | None:
        """What is here already; None at the end. Raises trio.WouldBlock where there is nothing."""
        self._glancing = True
        try:
            return await self.receive()
        finally:
            self._glancing = False

    async def send(self, data: list[bytes]) -> None:
        """Sends all of `data`. Up to where it has to wait it cannot be cancelled, and so not be cut in two."""
        with trio.CancelScope(shield=True) as self._shield:
            await self.top.send_all(b"".join(data))

    async def linger(self) -> None:
        """Says that nothing more will be sent and swallows what still comes, until the peer ends.

        Closing with bytes unread would make TCP throw away what the peer has not read yet: the reason for the end.
        """
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            await self._stream.send_eof()
        while await self._stream.receive_some(_PIECE):
            pass

    async def abort(self) -> None:
        """Closes at once."""
        await trio.aclose_forcefully(self)

    # ---- the stream ----

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Sends all of `data`. Raises trio.BrokenResourceError and trio.ClosedResourceError."""
        rest = memoryview(data)
        if self._socket is not None:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                pass
            except OSError as error:
                raise trio.BrokenResourceError(f"the connection is broken: {error.strerror}") from error
            if not rest:
                await trio.lowlevel.cancel_shielded_checkpoint()
                return
        if self._shield is not None:
            self._shield.shield = False
        await do_while(self._send_pieces, rest, self.meanwhile)

    async def _send_pieces(self, rest: memoryview) -> None:
        for start in range(0, len(rest), _PIECE):
            self.moved_at = trio.current_time()
            await self._stream.send_all(rest[start : start + _PIECE])

    async def wait_send_all_might_not_block(self) -> None:
        """As every stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As every stream does."""
        self._unread = False
        if self.early:
            await trio.lowlevel.checkpoint()
            early, self.early = self.early, b""
            return early
        if self._glancing and not self._socket_is_readable():
            raise trio.WouldBlock
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        """Closes the stream."""
        await self._stream.aclose()
