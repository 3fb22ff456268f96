"""The two ends of a session over a trio stream."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from rtproto import Connection
from rtproto.events import ClientEvent, Opened, Requested, ServerEvent
from rtproto_trio._connection import TrioConnection
from rtproto_trio._wire import Wire


class ClientStream(TrioConnection[ClientEvent, ServerEvent]):
    """The client's end of a session: what `connect()` gives."""

    opened: Opened
    """The server's answer to the handshake."""


class ServerStream(TrioConnection[ServerEvent, ClientEvent]):
    """The server's end of a session: what the handler of `serve()` gets. First `accept()` or `reject()` it."""

    requested: Requested
    """What the client asked for."""

    def __init__(self, machine: Connection[ServerEvent, ClientEvent], wire: Wire) -> None:
        super().__init__(machine, wire)
        self._server = machine

    async def accept(
        self, *, subprotocol: str | None = None, headers: Sequence[tuple[str, str]] = (), dialect: str | None = None
    ) -> None:
        """Opens the session. `subprotocol` is one of those offered, `dialect` replaces what
        the request calls for (``requested.dialect``).

        Raises LocalProtocolError where one of them cannot be, or where it is too late.
        """
        self._server.accept(trio.current_time(), subprotocol=subprotocol, headers=headers, dialect=dialect)
        await self._pump.deliver()

    async def reject(self, status: int = 403, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> None:
        """Answers with an HTTP error (300 to 599), and ends. Raises LocalProtocolError as `accept()` does."""
        self._server.reject(trio.current_time(), status, headers, body)
        await self._pump.end(rejected=True)
