"""The mask of WebSocket frames (RFC 6455 section 5.3), in Python alone."""

from __future__ import annotations

from collections.abc import Callable

MaskFunction = Callable[[bytes, bytes], bytes]
"""XORs bytes with a key of 4 bytes, repeated; the same call masks and unmasks."""

_EVERY_BYTE = int.from_bytes(bytes(range(256)), "big")
_TABLES = [(_EVERY_BYTE ^ int.from_bytes(bytes([key]) * 256, "big")).to_bytes(256, "big") for key in range(256)]


def mask_bytes(data: bytes, mask: bytes) -> bytes:
    """Returns `data` XORed with the 4-byte key `mask`, repeated to its length."""
    # One translate for each byte of the key: XOR of one big integer saves 0.3 us below 1 kB, and takes 3 times as long
    # at 1 MiB.
    out = bytearray(data)
    for lane, key in enumerate(mask):
        out[lane::4] = out[lane::4].translate(_TABLES[key])
    return bytes(out)
