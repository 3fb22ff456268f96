"""WebSocket frames going out, and the small values that frames coming in become (RFC 6455 section 5)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

import attrs

from rtproto._config import Close
from rtproto._mask import MaskFunction

# The first byte of each kind of frame: FIN and the opcode.
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
MASKED = 0x80
MAX_CONTROL = 125
NO_STATUS = 1005
_SMALL, _MEDIUM, _LARGE = (struct.Struct(layout).pack for layout in ("!BB", "!BBH", "!BBQ"))
SENDABLE = frozenset([*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)])
"""Close codes that an endpoint may send (RFC 6455 section 7.4 and the registry that continues it)."""


@attrs.frozen
class Ping:
    """A Ping came; it is answered already. `payload` holds at most 125 bytes."""

    payload: bytes


@attrs.frozen
class Pong:
    """A Pong came; `payload` repeats that of the Ping it answers (at most 125 bytes)."""

    payload: bytes


@attrs.frozen
class Failure:
    """The peer broke the framing. `code` is the one we close with: 1002 protocol error, 1007 bad data, 1009 too big."""

    code: int
    reason: str


Received = str | bytes | Ping | Pong | Close | Failure


@attrs.frozen
class Binary:
    """A binary message to be sent; the protocol has none, but a relay passes on what comes."""

    data: bytes


def close_payload(code: int, reason: str) -> bytes:
    """The payload of a Close frame; the reason is cut to the 123 bytes that fit. 1005 means no code at all.

    Raises ValueError for a code that must not be sent (RFC 6455 section 7.4).
    """
    if code == NO_STATUS and not reason:
        return b""
    if code not in SENDABLE:
        raise ValueError(f"{code} is no close code that may be sent: use 1000, or one of 3000 to 4999")
    text = reason.encode("utf-8", "replace")[: MAX_CONTROL - 2]
    return struct.pack("!H", code) + text.decode("utf-8", "ignore").encode()


def header_size(header: bytes | bytearray) -> int:
    """Bytes of a frame's header without its mask key, as far as `header` tells: 2 until it holds 2, then 2, 4 or 10."""
    return 2 if len(header) < 2 else 2 + {126: 2, 127: 8}.get(header[1] & 0x7F, 0)


class FrameWriter:
    """Writes whole frames: masked ones as client (RFC 6455 section 5.3), plain ones as server."""

    __slots__ = ("_keys", "_mask", "_mask_bit")

    def __init__(self, *, client: bool, mask: MaskFunction, entropy: Callable[[int], bytes]) -> None:
        self._mask_bit = MASKED if client else 0
        self._mask = mask
        self._keys = _mask_keys(entropy)

    def frame(self, first: int, payload: bytes) -> bytes:
        """One frame; `first` is its first byte: FIN, the reserved bits and the opcode."""
        size = len(payload)
        mask_bit = self._mask_bit
        if size < 126:
            header = _SMALL(first, mask_bit | size)
        elif size < 65536:
            header = _MEDIUM(first, mask_bit | 126, size)
        else:
            header = _LARGE(first, mask_bit | 127, size)
        if not mask_bit:
            return header + payload
        key = next(self._keys)
        return header + key + self._mask(payload, key)


def _mask_keys(entropy: Callable[[int], bytes]) -> Iterator[bytes]:
    # Asking the operating system for each key would cost more than the masking.
    while True:
        for (key,) in struct.iter_unpack("4s", entropy(4096)):
            yield key
