"""The lower end of a connection: a trio stream that lets its owner read while it waits to send."""

from __future__ import annotations

import math
import socket
from collections.abc import Awaitable, Callable

import trio

_PIECE = 65536
"""Bytes handed to the stream at once where it has to wait: each piece that goes is a sign that the peer takes them."""


class Wire(trio.abc.Stream):
    """A stream whose `send_all()` runs `meanwhile()` as long as it cannot send.

    It is the same below TLS and without it: who sends through a `trio.SSLStream` on top of a Wire reads meanwhile, too.
    When `meanwhile()` returns, the sending is given up with trio.BrokenResourceError. `moved_at` is the time, on trio's
    clock, at which it last got rid of some bytes. `early` are bytes that were received already.
    """

    def __init__(self, stream: trio.abc.Stream, early: bytes = b"") -> None:
        self._early = early
        self._socket: socket.socket | None = None
        if isinstance(stream, trio.SocketStream):
            # trio cannot say whether a send would have to wait. The socket below, which both now hold, can.
            self._socket = socket.socket(fileno=stream.socket.detach())
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(self._socket))
        self._stream = stream
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.sending: trio.CancelScope | None = None
        """The shield around a send that ends where it has to wait: before that it cannot be cut in two."""
        self.moved_at = -math.inf

    @property
    def readable(self) -> bool:
        """Whether a read would find something (a guess, where the stream is no socket)."""
        if self._socket is None or self._early:
            return True
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

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
        if self.sending is not None:
            self.sending.shield = False
        if self.meanwhile is None:
            await self._stream.send_all(rest)
        else:
            await self._send_while(rest, self.meanwhile)

    async def _send_while(self, rest: memoryview, meanwhile: Callable[[], Awaitable[None]]) -> None:
        failure: BaseException | None = None
        self.moved_at = trio.current_time()
        with trio.CancelScope() as given_up:

            async def give_up_after() -> None:
                await meanwhile()
                given_up.cancel()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(give_up_after)
                try:
                    for start in range(0, len(rest), _PIECE):
                        await self._stream.send_all(rest[start : start + _PIECE])
                        self.moved_at = trio.current_time()
                except BaseException as error:
                    # Raised outside: a nursery would wrap it in a group.
                    failure = error
                nursery.cancel_scope.cancel()
            if failure is not None:
                raise failure
        if given_up.cancelled_caught:
            raise trio.BrokenResourceError("the connection ended before everything was sent")

    async def wait_send_all_might_not_block(self) -> None:
        """As every stream does."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """As every stream does."""
        if self._early:
            await trio.lowlevel.checkpoint()
            early, self._early = self._early, b""
            return early
        return await self._stream.receive_some(max_bytes)

    async def linger(self) -> None:
        """Says that nothing more will be sent and swallows what still comes, until the peer ends.

        Closing with bytes unread would make TCP throw away what the peer has not read yet: the reason for the end.
        """
        if isinstance(self._stream, trio.abc.HalfCloseableStream):
            await self._stream.send_eof()
        while await self._stream.receive_some(_PIECE):
            pass

    async def aclose(self) -> None:
        """Closes the stream."""
        await self._stream.aclose()
