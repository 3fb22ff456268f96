"""The yardstick: what the work costs when nothing is checked. Whole text frames of a server, untyped, no limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from pybase64 import b64decode, b64encode


def decode(reads: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """Bytes -> dicts, the audio of audio deltas decoded."""
    data, at = b"", 0
    for read in reads:
        data, at = data[at:] + read, 0
        while len(data) - at >= 4:
            if data[at] != 0x81:
                return
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = data[at + 2] << 8 | data[at + 3], at + 4
            if start + size > len(data):
                break
            event = orjson.loads(data[start : start + size])
            if event["type"] == "response.output_audio.delta":
                event["delta"] = b64decode(event["delta"], None, True)
            yield event
            at = start + size


def encode(pcm: bytes, key: bytes, mask: Callable[[bytes, bytes], bytes]) -> bytes:
    """PCM of less than 49 kB -> a masked frame with an append event."""
    text = b'{"type":"input_audio_buffer.append","audio":"' + b64encode(pcm) + b'"}'
    return b"\x81\xfe" + len(text).to_bytes(2, "big") + key + mask(text, key)
