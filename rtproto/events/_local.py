"""What a machine itself has to say: these never travel."""

from collections.abc import Sequence

import attrs

from rtproto._dialects import recognised
from rtproto.errors import RemoteProtocolError, SessionClosed

_NORMAL = {1000, 1001, 1005}
"""Close codes that tell of no failure: done, going away, none given."""


def _names(query: Sequence[tuple[str, str]]) -> str:
    """The names alone: a value may be a key."""
    return repr([name for name, _ in query])


def _size(raw: "str | bytes") -> str:
    return f"<{len(raw)} {'characters' if isinstance(raw, str) else 'bytes'}>"


@attrs.define(kw_only=True)
class LocalEvent:
    """An event of the machine, not of the wire."""


@attrs.define(kw_only=True)
class Requested(LocalEvent):
    """Server role: a client asks to open a WebSocket; answer with ``accept()`` or ``reject()``.

    `path` is without the query, `query` the decoded pairs in order, `subprotocols` those offered. `dialect` is the one
    that all these call for; ``accept()`` speaks it unless told otherwise.
    """

    path: str
    query: Sequence[tuple[str, str]] = attrs.field(default=(), repr=_names)
    headers: Sequence[tuple[str, str]] = attrs.field(default=(), repr=False)
    subprotocols: Sequence[str] = attrs.field(default=(), repr=False)

    @property
    def dialect(self) -> str:
        """By the path, the query, the subprotocols and the ``OpenAI-Beta`` header; "ga" where nothing tells."""
        return recognised(self.path, self.query, self.headers, self.subprotocols)


@attrs.define(kw_only=True)
class Opened(LocalEvent):
    """Client role: the server accepted. `status` is 101; `headers` hold the request id among others."""

    status: int = 101
    headers: Sequence[tuple[str, str]] = attrs.field(default=(), repr=False)
    subprotocol: "str | None" = None


@attrs.define(kw_only=True)
class Raw(LocalEvent):
    """A message of the peer as it came, text or binary: all that comes with ``Config(raw=True)``."""

    data: "str | bytes" = attrs.field(repr=_size)


@attrs.define(kw_only=True)
class Violation(LocalEvent):
    """The peer sent a message that is not right: `reason` says what, `raw` is the message. The session goes on."""

    reason: str
    raw: "str | bytes" = attrs.field(repr=_size)


@attrs.define(kw_only=True)
class Closed(LocalEvent):
    """The end: delivered exactly once, always last.

    `clean`: both sides said Close. `code` and `reason` are the peer's Close (1005: a Close without a code); ours, where
    the peer broke the protocol (1002, 1007, 1008, 1009, 1011); or 1006 where the wire was lost or the peer never
    answered our Close. `error` says what failed, where something did.
    """

    clean: bool
    code: int
    reason: str = ""
    error: "RemoteProtocolError | None" = attrs.field(default=None, eq=str)

    def raise_for_error(self) -> None:
        """Raises `error` if there is one, or SessionClosed if the peer's Close tells of a failure (1008, 1011, 4000).

        Does nothing where the session ended as wanted: also if the peer never answered our Close, as many do not.
        """
        if self.error is not None:
            raise self.error
        if self.clean and self.code not in _NORMAL:
            raise SessionClosed(self)
