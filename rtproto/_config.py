"""What a machine may be told at birth. Every limit has its reason beside it."""

from collections.abc import Callable
from enum import Enum
from typing import Any

import attrs

from rtproto._ids import make_id
from rtproto._mask import MaskFunction, mask_bytes


class Role(Enum):
    """The end of the wire a machine plays."""

    CLIENT = "client"
    SERVER = "server"


@attrs.frozen
class Close:
    """A close of the WebSocket: travels through a `Session` in both directions (RFC 6455 section 7.4)."""

    code: int = 1000
    reason: str = ""


def _positive(instance: object, attribute: "attrs.Attribute[Any]", value: "float | None") -> None:
    if value is not None and not value > 0:
        where = f"{type(instance).__name__}.{attribute.name}"
        raise ValueError(f"{where} is {value}; it must be more than 0")


@attrs.frozen(kw_only=True)
class Limits:
    """What a peer or a caller can make a machine hold."""

    max_message: int = attrs.field(default=24 * 1024 * 1024, validator=_positive)
    """Bytes of one message: an append of 15 MiB is 20 MiB of base64, and some JSON around it. Beyond: close 1009."""

    max_handshake: int = attrs.field(default=64 * 1024, validator=_positive)
    """Bytes of the HTTP request or answer: browsers and proxies stay below 16 KiB; cookies and tokens may add to it."""

    max_queue: int = attrs.field(default=65_536, validator=_positive)
    """Events received that nobody has taken, and events sent before the handshake's end: ten minutes of 20 ms audio
    deltas with their transcripts. Beyond, sends are refused; drivers stop reading."""

    max_backlog: int = attrs.field(default=256 * 1024 * 1024, validator=_positive)
    """Characters of those events, nearly: an hour of speech that nobody takes, or ten of the largest messages."""

    max_depth: int = attrs.field(default=200, validator=_positive)
    """Nesting of JSON: the deepest real event has 12 levels, and Python's own limits begin near 1000."""


@attrs.frozen(kw_only=True)
class Timeouts:
    """How long to wait, in seconds; None waits for ever."""

    open: "float | None" = attrs.field(default=30.0, validator=_positive)
    """For the handshake to end: servers may load a model first."""

    keepalive: "float | None" = attrs.field(default=20.0, validator=_positive)
    """Of silence before a Ping: proxies cut idle connections after 30 s and more."""

    pong: "float | None" = attrs.field(default=20.0, validator=_positive)
    """For any byte after that Ping, else the wire is dead."""

    close: "float | None" = attrs.field(default=5.0, validator=_positive)
    """For the peer's answer to a Close: OpenAI often sends none."""


@attrs.frozen(kw_only=True)
class Config:
    """How a machine behaves; a value, so one Config may serve any number of machines.

    `strict`: an event that breaks the order rules is refused when sent and ends the session when received (for tests).
    `dialect`: the server's way of speaking ("ga", "beta", ...); where this is None a client takes the endpoint's, and a
    server the one that the request calls for.
    `mask`: XORs bytes with a 4-byte key; drivers pass a C one.
    `compression`: offer or accept permessage-deflate.
    `raw`: messages come as they are (`events.Raw`), and nothing is decoded, judged or answered: for relays.
    `make_id`: makes ids from a prefix such as "event"; pass a deterministic one and a run repeats exactly.
    """

    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    strict: bool = False
    dialect: "str | None" = None
    mask: MaskFunction = attrs.field(default=mask_bytes, repr=False)
    compression: bool = False
    raw: bool = False
    make_id: Callable[[str], str] = attrs.field(default=make_id, repr=False)
