"""Another sample rate, piece by piece."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
import soxr

from ._pcm import Bytes, Floats, check_rate, to_floats, to_pcm16

Quality = Literal["LQ", "MQ", "HQ", "VHQ"]


class FloatResampler(Protocol):
    """soxr's stream, as far as it is used here."""

    def resample_chunk(self, x: Floats, last: bool = False) -> Floats: ...
    def clear(self) -> None: ...


def float_resampler(rate_in: int, rate_out: int, quality: Quality) -> FloatResampler:
    stream: FloatResampler = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality=quality)
    return stream


class Resampler:
    """Changes the sample rate of a PCM16 mono stream that arrives in pieces of any size.

    Pieces may end in half a sample: the byte waits for the next piece. Quality "LQ" holds back about 20 ms and is right
    for live speech; "HQ" holds back about 40 ms. Equal rates pass through untouched.
    """

    def __init__(self, rate_in: int, rate_out: int, *, quality: Quality = "LQ") -> None:
        check_rate(rate_in, "rate_in")
        check_rate(rate_out, "rate_out")
        self._stream = None if rate_in == rate_out else float_resampler(rate_in, rate_out, quality)
        self._half = b""

    def feed(self, pcm: Bytes) -> bytes:
        """Take the next piece; return what is ready, possibly nothing."""
        pcm = self._half + bytes(pcm)
        whole = len(pcm) & ~1
        self._half = pcm[whole:]
        if self._stream is None:
            return pcm[:whole]
        return to_pcm16(self._stream.resample_chunk(to_floats(pcm[:whole])))

    def flush(self) -> bytes:
        """End the stream: return what was held back (half a sample left over is dropped), ready for a new stream."""
        self._half = b""
        if self._stream is None:
            return b""
        tail = to_pcm16(self._stream.resample_chunk(np.empty(0, np.float32), last=True))
        self._stream.clear()
        return tail
