"""G.711 (ITU-T G.711; `audio/pcmu` and `audio/pcma` in the Realtime API) by table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ._pcm import Bytes, to_samples

Bits = NDArray[np.int64]


def _exponent(magnitude: Bits) -> Bits:
    """floor(log2), exactly."""
    found: Bits = np.subtract(np.frexp(magnitude)[1], 1, dtype=np.int64)
    return found


def _ulaw_encoded(samples: Bits) -> Bits:
    # The law is defined on 14 bits; computed on 16 it rounds 381 of the 65 536 values differently.
    sample = samples >> 2
    magnitude = np.abs(sample) + 33
    exponent = _exponent(magnitude) - 5
    code: Bits = np.where(exponent < 8, exponent << 4 | (magnitude >> (exponent + 1)) & 15, 127)  # 127: clipped
    sent: Bits = code ^ np.where(sample < 0, 0x7F, 0xFF)
    return sent


def _alaw_encoded(samples: Bits) -> Bits:
    sample = samples >> 3
    magnitude = np.where(sample >= 0, sample, -sample - 1)
    exponent = np.maximum(_exponent(np.maximum(magnitude, 1)) - 4, 0)
    code = exponent << 4 | (magnitude >> np.maximum(exponent, 1)) & 15
    sent: Bits = code ^ np.where(sample >= 0, 0xD5, 0x55)
    return sent


def _ulaw_decoded(codes: Bits) -> Bits:
    code = codes ^ 0xFF
    magnitude = (((code & 15) << 3) + 132 << (code >> 4 & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude)


def _alaw_decoded(codes: Bits) -> Bits:
    code = codes ^ 0x55
    exponent = code >> 4 & 7
    mantissa = ((code & 15) << 4) + 8
    magnitude = np.where(exponent, mantissa + 256 << np.maximum(exponent - 1, 0), mantissa)
    return np.where(code & 0x80, magnitude, -magnitude)


# Indexed by the sample's 16 bits read as unsigned: 0..32767, then -32768..-1.
_SAMPLES = np.arange(65536).astype(np.uint16).view(np.int16).astype(np.int64)
_CODES = np.arange(256)
_ULAW_ENCODE = _ulaw_encoded(_SAMPLES).astype(np.uint8)
_ALAW_ENCODE = _alaw_encoded(_SAMPLES).astype(np.uint8)
_ULAW_DECODE = _ulaw_decoded(_CODES).astype("<i2")
_ALAW_DECODE = _alaw_decoded(_CODES).astype("<i2")


def ulaw_encode(pcm: Bytes) -> bytes:
    """PCM16 to mu-law, one byte a sample. ValueError when the bytes end in half a sample."""
    return _ULAW_ENCODE[to_samples(pcm).astype(np.uint16)].tobytes()


def ulaw_decode(data: Bytes) -> bytes:
    """Mu-law to PCM16."""
    return _ULAW_DECODE[np.frombuffer(data, np.uint8)].tobytes()


def alaw_encode(pcm: Bytes) -> bytes:
    """PCM16 to A-law, one byte a sample. ValueError when the bytes end in half a sample."""
    return _ALAW_ENCODE[to_samples(pcm).astype(np.uint16)].tobytes()


def alaw_decode(data: Bytes) -> bytes:
    """A-law to PCM16."""
    return _ALAW_DECODE[np.frombuffer(data, np.uint8)].tobytes()
