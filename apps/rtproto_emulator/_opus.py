"""Ogg/Opus, in which Unmute's sound travels: a stream of it to PCM16 and back. The library is Kyutai's own, `sphn`."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

import numpy as np

from ._sound import ENGINE_RATE

MISSING = "Opus, in which the sound of Unmute's dialect travels, needs sphn: pip install 'rtproto[opus]'"
"""What is said where it is not installed."""

_SLICE = 256
"""Bytes that are decoded at once: `sphn` refuses what holds more than 4.9 s (measured). A second of silence, in packets
of a byte, is 50 bytes and more."""
_MAX_UNHEARD = 1024 * 1024
"""Bytes without any sound in them: a packet has at most 61 kB, but the tags before the first may hold a picture."""
_MAX_HEARD = 15 * 1024 * 1024
"""Bytes of PCM16 that one piece may become, as much as others may append at once: a packet of one byte is 60 ms."""
_FLAGS, _PACKET = 5, 28
"""Where a page says, in its second bit, that it is the first of its stream, and where in that its packet begins."""
_HEAD = b"OpusHead"


class OpusError(ValueError):
    """Bytes that are no Ogg/Opus; nothing more can be decoded. `str()` is one line, without any of them."""


def opus_installed() -> bool:
    """Whether there is Opus here."""
    return find_spec("sphn") is not None


class OpusDecoder:
    """Turns an Ogg/Opus stream, cut anywhere, into PCM16 at 24 kHz mono.

    What comes before the first page of a stream is dropped, as at Unmute: browsers send the end of an old stream when
    they connect again. Raises ImportError without `sphn`.
    """

    def __init__(self) -> None:
        self._reader: Any = importlib.import_module("sphn").OpusStreamReader(ENGINE_RATE)
        self._start: bytes | None = b""
        """What came while the first page is looked for; None once it was found."""
        self._unheard = 0

    def feed(self, data: bytes) -> bytes:
        """Takes the next bytes; returns the sound that is complete, possibly none. Raises OpusError."""
        if self._start is not None:
            data = self._start + data
            self._start = data
            if not b"OggS".startswith(data[:4]):
                raise OpusError("the audio is not Ogg: it must be an Ogg stream with Opus in it, 24 kHz mono")
            if len(data) > _FLAGS and not data[_FLAGS] & 2:
                self._start = b""
                return b""
            if len(data) < _PACKET + len(_HEAD):
                return b""
            if not data.startswith(_HEAD, _PACKET):
                raise OpusError("the audio is Ogg without Opus: it must be Opus, 24 kHz mono")
            self._start = None
        heard = bytearray()
        for at in range(0, len(data), _SLICE):
            heard += self._decode(data[at : at + _SLICE])
            if len(heard) > _MAX_HEARD:
                raise OpusError(f"the audio is too long: at most {_MAX_HEARD // (2 * ENGINE_RATE)} seconds at once")
        return bytes(heard)

    def _decode(self, data: bytes) -> bytes:
        try:
            samples = self._reader.append_bytes(data)
        except ValueError:
            # Its own words show bytes of the sound.
            raise OpusError("the audio is not Ogg/Opus, or has lost a part") from None
        self._unheard = 0 if samples.size else self._unheard + len(data)
        if self._unheard > _MAX_UNHEARD:
            raise OpusError(f"the audio has no sound in {_MAX_UNHEARD // 1024} kB of Ogg")
        pcm: bytes = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype("<i2").tobytes()
        return pcm


class OpusEncoder:
    """Turns PCM16 at 24 kHz mono, whole samples, into one Ogg/Opus stream: the same sound gives the same bytes.

    A page is 40 ms, and what does not fill one is held back. Raises ImportError without `sphn`.
    """

    def __init__(self) -> None:
        self._writer: Any = importlib.import_module("sphn").OpusStreamWriter(ENGINE_RATE)

    def feed(self, pcm: bytes) -> bytes:
        """Takes the next sound; returns the bytes that are complete, possibly none."""
        encoded: bytes = self._writer.append_pcm(np.frombuffer(pcm, "<i2").astype(np.float32) / 32768)
        return encoded
