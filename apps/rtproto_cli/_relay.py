"""Passes sessions on to another server, every message as it is, and keeps what has passed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from typing import Any

import attrs
import rtproto_aio

from rtproto import Config, Endpoint, Limits, Timeouts
from rtproto._redact import KEY_SUBPROTOCOL
from rtproto.errors import HandshakeError, RtprotoError, SessionClosed
from rtproto.events import Closed, Raw
from rtproto_cli._recorder import Recording, Recordings
from rtproto_cli._redaction import Redaction, keys_of
from rtproto_cli._upstream import Upstream, answered

CONFIG = Config(
    raw=True,
    # What waits for a slow side: then the other one is read no further.
    limits=Limits(max_queue=64, max_backlog=1024 * 1024),
    # A client may stand in a debugger; and one that reads slowly still gets all before the end.
    timeouts=Timeouts(pong=300.0, close=10.0),
)

_MAX_SESSIONS = 64
"""At once: each has a file and two sockets, and a process often may not open more than 256."""

_FLUSH = 1.0
"""Seconds until what has passed is in the file."""

_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_LOST = 1006
_MAX_REASON = 123


class Relay:
    """A server whose sessions are another's. `tell` gets a line about each session, without keys."""

    def __init__(self, upstream: Upstream, recordings: Recordings, tell: Callable[[str], None]) -> None:
        self._upstream = upstream
        self._recordings = recordings
        self._tell = tell
        self._numbers = count(1)
        self._sessions = 0

    @asynccontextmanager
    async def running(self, host: str, port: int) -> AsyncIterator[int]:
        """Serves as long as the block lasts; gives the port. Raises OSError where it cannot listen there."""
        async with rtproto_aio.serve_stream(self._welcome, host, port, CONFIG) as server:
            flushing = asyncio.ensure_future(self._flush())
            try:
                yield server.port
            finally:
                flushing.cancel()
                await asyncio.gather(flushing, return_exceptions=True)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(_FLUSH)
            self._recordings.flush()

    async def _welcome(self, client: rtproto_aio.ServerStream) -> None:
        if self._sessions >= _MAX_SESSIONS:
            await client.reject(503, [_TEXT], f"{_MAX_SESSIONS} sessions are open: try again later\n".encode())
            return
        self._sessions += 1
        try:
            await self._pass_on(client, f"session {next(self._numbers)}")
        finally:
            self._sessions -= 1

    async def _pass_on(self, client: rtproto_aio.ServerStream, name: str) -> None:
        try:
            endpoint = self._upstream.endpoint(client.requested)
        except ValueError as error:
            self._tell(f"{name}: refused: {error}")
            await client.reject(400, [_TEXT], f"rtproto record: {error}\n".encode())
            return
        async with AsyncExitStack() as stack:
            try:
                server = await stack.enter_async_context(rtproto_aio.connect_stream(endpoint, CONFIG))
            except HandshakeError as refusal:
                await self._refuse(client, refusal, name)
            except (OSError, RtprotoError) as error:
                self._tell(f"{name}: {error}")
                await client.reject(502, [_TEXT], f"rtproto record: {error}\n".encode())
            else:
                await self._join(client, server, endpoint, name)

    async def _refuse(self, client: rtproto_aio.ServerStream, refusal: HandshakeError, name: str) -> None:
        """What the server has answered is the client's answer, too."""
        status = refusal.status
        self._tell(f"{name}: the server refuses it: {refusal.reason}")
        if status is None or not 300 <= status <= 599 or status == 304:
            await client.reject(502, [_TEXT], f"rtproto record: {refusal.reason}\n".encode())
        else:
            await client.reject(status, answered(refusal.headers), refusal.body)

    async def _join(
        self, client: rtproto_aio.ServerStream, server: rtproto_aio.ClientStream, endpoint: Endpoint, name: str
    ) -> None:
        offered = client.requested.subprotocols
        chosen = _selected(server.opened.subprotocol, offered)
        await client.accept(subprotocol=chosen, headers=answered(tuple(server.opened.headers)))
        recording = self._recordings.begin()
        passing = _Passing(client, server, recording)
        if recording is not None:
            self._tell(f"{name}: recorded in {recording.path}")
            redaction = Redaction(keys_of(endpoint.headers, client.requested.query, endpoint.subprotocols))
            opening: dict[str, Any] = {
                "url": redaction.text(str(endpoint)),
                "headers": redaction.headers(endpoint.headers),
                "subprotocols": redaction.subprotocols(offered),
                "status": server.opened.status,
                "subprotocol": chosen,
                "answer": redaction.headers(server.opened.headers),
            }
            recording.open(redaction, opening)
        try:
            await passing.run()
        except RtprotoError as error:  # neither side takes anything any more
            self._tell(f"{name}: {error}")
        finally:
            if recording is not None:
                self._recordings.finish(recording)
                counts = recording.counts
                self._tell(f"{name}: over; {counts['sent']} messages sent, {counts['received']} received")


def _selected(chosen: "str | None", offered: Sequence[str]) -> "str | None":
    """The subprotocol to select: the server's choice, but never the one that holds the client's key."""
    if chosen in offered and not str(chosen).startswith(KEY_SUBPROTOCOL):
        return chosen
    return "realtime" if chosen is not None and "realtime" in offered else None


@attrs.define
class _Passing:
    """One session: what one side says the other one hears, in order, and how it ends."""

    client: rtproto_aio.ServerStream
    server: rtproto_aio.ClientStream
    recording: "Recording | None"
    began: float = attrs.field(factory=lambda: asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Until both sides have ended."""
        both = [
            asyncio.ensure_future(self._pump(self.client, self.server, "sent")),
            asyncio.ensure_future(self._pump(self.server, self.client, "received")),
        ]
        try:
            await asyncio.gather(*both)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)

    async def _pump(
        self,
        source: "rtproto_aio.StreamConnection[Any, Any]",
        target: "rtproto_aio.StreamConnection[Any, Any]",
        direction: str,
    ) -> None:
        loop, recording = asyncio.get_running_loop(), self.recording
        async for event in source:
            if isinstance(event, Raw):
                if recording is not None:
                    recording.message(direction, loop.time() - self.began, event.data)
                with suppress(SessionClosed):  # the other pump tells the source
                    await target.send_raw(event.data)
            elif isinstance(event, Closed):
                if recording is not None:
                    recording.end(direction, loop.time() - self.began, event.code, event.reason)
                await _end(target, event)


async def _end(target: "rtproto_aio.StreamConnection[Any, Any]", closed: Closed) -> None:
    """Ends `target` as the other side has ended."""
    if target.closed is not None:
        return
    if closed.code == _LOST:
        await target.hang_up()
    else:
        reason = closed.reason.encode("utf-8", "replace")[:_MAX_REASON].decode("utf-8", "ignore")
        await target.close(closed.code, reason)
