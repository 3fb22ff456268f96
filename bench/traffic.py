"""What the contenders get: the same events, frames and audio in every run, with ids and padding as a real server's."""

from __future__ import annotations

import base64
import json
import random
import string
import struct
from typing import NamedTuple

READ = 65536
"""Bytes of one read from the socket."""

PCM_20_MS = 960
"""Bytes of 20 ms of PCM16 mono at 24 kHz."""

AUDIO_DELTA = 6000
"""Bytes of PCM in an audio delta: 8000 characters of base64, 125 ms."""

TEXT_EVENT = 250
"""Bytes of a text delta: the whole event, with its obfuscation."""

_LETTERS = string.ascii_letters + string.digits


class Traffic(NamedTuple):
    """Texts of events and the payload of each: PCM bytes of an audio delta, the words of a text delta."""

    texts: list[bytes]
    payloads: list[bytes | str]

    def stream(self) -> bytes:
        """The texts as a server's frames, one behind the other."""
        return b"".join(server_frame(text) for text in self.texts)

    def reads(self) -> list[bytes]:
        """The same as a socket gives it: cut every 64 KiB, which is seldom where a frame ends."""
        stream = self.stream()
        return [stream[start : start + READ] for start in range(0, len(stream), READ)]


def mix(pairs: int) -> Traffic:
    """`pairs` times an 8 kB audio delta and a 250 B delta of its transcript."""
    chance = random.Random(1)

    def name(prefix: str) -> str:
        return f"{prefix}_{''.join(chance.choices(_LETTERS, k=21))}"

    response, item = name("resp"), name("item")
    texts: list[bytes] = []
    payloads: list[bytes | str] = []

    def event(kind: str, delta: str, **more: str) -> bytes:
        ids = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        whole = {"type": kind, "event_id": name("event"), **ids, "delta": delta, **more}
        return json.dumps(whole, separators=(",", ":")).encode()

    bare = len(event("response.output_audio_transcript.delta", "", obfuscation=""))
    for _ in range(pairs):
        sound = chance.randbytes(AUDIO_DELTA)
        texts.append(event("response.output_audio.delta", base64.b64encode(sound).decode()))
        payloads.append(sound)
        padding = "".join(chance.choices(_LETTERS, k=chance.randrange(1, 16)))
        words = "".join(chance.choices(string.ascii_lowercase + " ", k=TEXT_EVENT - bare - len(padding)))
        texts.append(event("response.output_audio_transcript.delta", words, obfuscation=padding))
        payloads.append(words)
    return Traffic(texts, payloads)


def speech(chunks: int) -> list[bytes]:
    """`chunks` times 20 ms of PCM."""
    chance = random.Random(2)
    return [chance.randbytes(PCM_20_MS) for _ in range(chunks)]


def server_frame(text: bytes) -> bytes:
    """A text frame as servers write it: whole and not masked."""
    size = len(text)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + text
    return (struct.pack("!BBH", 0x81, 126, size) if size < 65536 else struct.pack("!BBQ", 0x81, 127, size)) + text
