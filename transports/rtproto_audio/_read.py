"""Any sound file as small chunks of one encoding and one rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from ._g711 import alaw_encode, ulaw_encode
from ._pcm import DEFAULT_RATE, SAMPLE_BYTES, Encoding, Floats, check_encoding, check_rate, to_pcm16
from ._resample import float_resampler
from ._sound import Raw, Source, open_sound

ENCODERS: dict[str, Callable[[bytes], bytes]] = {"pcm16": bytes, "g711_ulaw": ulaw_encode, "g711_alaw": alaw_encode}


class AudioReader(Iterable[bytes]):
    """The chunks of a sound file: `for chunk in reader`. Made by `read_audio`.

    Each iteration opens the file anew and starts at its beginning; the file is closed when the iteration ends, fails or
    is dropped, so there is nothing to close here.

    duration: seconds of audio, None when the file does not say (and for an MP3 without a length).
    rate, encoding, chunk_ms, chunk_bytes: of the chunks. source_rate, source_channels: of the file.
    """

    def __init__(self, source: Source, rate: int, chunk_ms: int, encoding: Encoding, raw: Raw | None) -> None:
        self.rate = rate
        self.encoding = encoding
        self.chunk_ms = chunk_ms
        self.chunk_bytes = rate * chunk_ms // 1000 * SAMPLE_BYTES[encoding]
        self._source = source
        self._raw = raw
        with open_sound(source, raw) as sound:
            self.duration = sound.duration
            self.source_rate = sound.rate
            self.source_channels = sound.channels

    def __iter__(self) -> Iterator[bytes]:
        encode = ENCODERS[self.encoding]
        with open_sound(self._source, self._raw) as sound:
            blocks = _resampled(sound.blocks(), sound.rate, self.rate)
            yield from _cut((encode(to_pcm16(block)) for block in blocks), self.chunk_bytes)
            sound.check()  # only now: what could be read has been delivered


def read_audio(
    source: Source,
    *,
    rate: int | None = None,
    chunk_ms: int = 20,
    encoding: Encoding = "pcm16",
    raw: Raw | None = None,
) -> AudioReader:
    """Read any sound file as mono chunks, ready to send.

    source: a path, or a seekable file opened in binary mode. wav, flac, ogg, opus, mp3, aiff and whatever else
        libsndfile reads, at any rate and with any number of channels (their mean is taken); files named .raw or .pcm
        are headerless PCM16 mono at 24 kHz.
    rate: of the chunks, Hz; 24 000 for pcm16 and 8 000 for G.711 unless given.
    chunk_ms: how long a chunk is; the last one may be shorter.
    encoding: "pcm16" (little-endian), "g711_ulaw" or "g711_alaw".
    raw: the file has no header, and this is what it holds.

    The file is read and resampled piece by piece: an hour needs no more memory than a second.

    Raises AudioFileError at once for a file that cannot be opened or holds no audio, and from the iteration, after
    every chunk that could be read, for one that is damaged or holds less than its header says. (Ogg, and MP3 without
    a length, do not say, and just end.) Raises ValueError or TypeError for a wrong argument.
    """
    check_encoding(encoding)
    rate = DEFAULT_RATE[encoding] if rate is None else rate
    check_rate(rate)
    if chunk_ms < 1 or rate * chunk_ms % 1000:
        raise ValueError(f"chunk_ms is {chunk_ms}; it must be positive and make whole samples at {rate} Hz")
    return AudioReader(source, rate, chunk_ms, encoding, raw)


def _resampled(blocks: Iterator[Floats], rate_in: int, rate_out: int) -> Iterator[Floats]:
    if rate_in == rate_out:
        yield from blocks
        return
    stream = float_resampler(rate_in, rate_out, "HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def _cut(parts: Iterable[bytes], size: int) -> Iterator[bytes]:
    rest = bytearray()
    for part in parts:
        rest += part
        whole = len(rest) - len(rest) % size
        for start in range(0, whole, size):
            yield bytes(rest[start : start + size])
        del rest[:whole]
    if rest:
        yield bytes(rest)
