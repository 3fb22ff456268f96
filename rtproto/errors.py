"""Everything that rtproto raises, and the failures it reports in events."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtproto.events import Closed, RealtimeError

__all__ = [
    "HandshakeError",
    "LocalProtocolError",
    "RemoteProtocolError",
    "RtprotoError",
    "ServerError",
    "SessionClosed",
]


class RtprotoError(Exception):
    """The base of every error of rtproto."""


class LocalProtocolError(RtprotoError):
    """A bug of the caller: nothing was sent and the machine is still usable.

    `event` is what was to be sent (None where there was none), `state` the machine's life-cycle state, `reason` a
    sentence that says what to change.
    """

    def __init__(self, event: Any, state: Any, reason: str) -> None:
        super().__init__(event, state, reason)
        self.event = event
        self.state = state
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class SessionClosed(RtprotoError):
    """The session ended before the call: a race that every sender must handle. `closed` is the Closed event."""

    def __init__(self, closed: "Closed") -> None:
        super().__init__(closed)
        self.closed = closed

    def __str__(self) -> str:
        how = f"code {self.closed.code}" + (f": {self.closed.reason}" if self.closed.reason else "")
        return f"the session is closed ({how})"


class RemoteProtocolError(RtprotoError):
    """The peer broke the protocol. Never raised by receive(): it stands in ``Closed.error``.

    `raw` is the offending message or bytes where there is one.
    """

    def __init__(self, reason: str, raw: "str | bytes | None" = None) -> None:
        super().__init__(reason, raw)
        self.reason = reason
        self.raw = raw

    def __str__(self) -> str:
        return self.reason

    def __repr__(self) -> str:
        """Without `raw`: it may be large, and a server may repeat a key in it."""
        return f"{type(self).__name__}({self.reason!r})"


class HandshakeError(RemoteProtocolError):
    """The server did not accept the WebSocket (RFC 6455 section 4).

    `status` is the HTTP status (None where no HTTP answer came), `headers` and `body` (at most 64 KiB) its answer:
    401 a wrong key, 404 a wrong path or unknown call, 429 with Retry-After a limit. A redirect is not followed.
    """

    def __init__(
        self,
        status: "int | None",
        headers: "Sequence[tuple[str, str]]" = (),
        body: bytes = b"",
        reason: str = "",
    ) -> None:
        super().__init__(reason or f"the server answered HTTP {status} instead of opening a WebSocket", body)
        self.args = (status, tuple(headers), body, self.reason)
        self.status = status
        self.headers = tuple(headers)
        self.body = body


class ServerError(RtprotoError):
    """An awaited call was refused by the server with an ``error`` event; `error` is its `RealtimeError`."""

    def __init__(self, error: "RealtimeError") -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return self.error.message
