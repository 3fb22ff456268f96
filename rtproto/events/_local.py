"""What a machine itself has to say: these never travel."""

from collections.abc import Sequence

import attrs

from rtproto.errors import RemoteProtocolError, SessionClosed


@attrs.define(kw_only=True)
class LocalEvent:
    """An event of the machine, not of the wire."""


@attrs.define(kw_only=True)
class Requested(LocalEvent):
    """Server role: a client asks to open a WebSocket; answer with ``accept()`` or ``reject()``.

    `path` is without the query, `query` the decoded pairs in order, `subprotocols` those offered.
    """

    path: str
    query: Sequence[tuple[str, str]] = ()
    headers: Sequence[tuple[str, str]] = attrs.field(default=(), repr=False)
    subprotocols: Sequence[str] = attrs.field(default=(), repr=False)


@attrs.define(kw_only=True)
class Opened(LocalEvent):
    """Client role: the server accepted. `status` is 101; `headers` hold the request id among others."""

    status: int = 101
    headers: Sequence[tuple[str, str]] = attrs.field(default=(), repr=False)
    subprotocol: "str | None" = None


@attrs.define(kw_only=True)
class Violation(LocalEvent):
    """The peer sent a message that is not right: `reason` says what, `raw` is the message. The session goes on."""

    reason: str
    raw: "str | bytes"


@attrs.define(kw_only=True)
class Closed(LocalEvent):
    """The end: delivered exactly once, always last.

    `clean`: both sides said Close. `code` and `reason` are the peer's Close (1005: a Close without a code), or
    1006 where the wire was lost or the peer never answered. `error` says what failed, where something did.
    """

    clean: bool
    code: int
    reason: str = ""
    error: "RemoteProtocolError | None" = None

    def raise_for_error(self) -> None:
        """Raises `error` if there is one, and SessionClosed if the wire was lost; does nothing after a clean close."""
        if self.error is not None:
            raise self.error
        if not self.clean:
            raise SessionClosed(self)
