"""Samples as bytes and as numbers."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Encoding = Literal["pcm16", "g711_ulaw", "g711_alaw"]
Bytes = bytes | bytearray | memoryview
Floats = NDArray[np.float32]

SAMPLE_BYTES: dict[str, int] = {"pcm16": 2, "g711_ulaw": 1, "g711_alaw": 1}
DEFAULT_RATE: dict[str, int] = {"pcm16": 24_000, "g711_ulaw": 8_000, "g711_alaw": 8_000}
# Below 1 kHz there is no speech, above 768 kHz no converter: a header that says so is damaged, and resampling from
# 1 Hz would turn one block into gigabytes.
MIN_RATE, MAX_RATE = 1_000, 768_000


def check_encoding(encoding: str) -> None:
    if encoding not in SAMPLE_BYTES:
        raise ValueError(f"encoding is {encoding!r}; it must be one of {', '.join(SAMPLE_BYTES)}")


def check_rate(rate: int, name: str = "rate") -> None:
    if not MIN_RATE <= rate <= MAX_RATE:
        raise ValueError(f"{name} is {rate} Hz; it must be between {MIN_RATE} and {MAX_RATE}")


def to_samples(pcm: Bytes) -> NDArray[np.int16]:
    """View PCM16 bytes as int16. ValueError when they end in half a sample."""
    if len(pcm) % 2:
        raise ValueError(f"PCM16 is two bytes a sample, and {len(pcm)} bytes end in half of one; join the pieces first")
    return np.frombuffer(pcm, "<i2")


def to_floats(pcm: Bytes) -> Floats:
    """PCM16 bytes as floats, full scale = 1.0."""
    return np.divide(to_samples(pcm), 32768, dtype=np.float32)


def to_pcm16(samples: Floats) -> bytes:
    """Floats (full scale = 1.0) as PCM16 bytes. Louder than full scale is clipped, never wrapped around."""
    scaled: Floats = np.clip(np.rint(samples * np.float32(32768)), -32768, 32767)
    return scaled.astype("<i2").tobytes()


def duration_ms(size: int, encoding: Encoding = "pcm16", rate: int | None = None) -> int:
    """Milliseconds, rounded down, that `size` bytes of mono audio last.

    `rate` is in Hz and defaults to what the protocol uses with the encoding: 24 000 for pcm16, 8 000 for G.711.
    """
    check_encoding(encoding)
    return size // SAMPLE_BYTES[encoding] * 1000 // (rate or DEFAULT_RATE[encoding])


def rms(pcm: Bytes) -> float:
    """Loudness of PCM16 bytes: the root mean square, linear, 0.0 (silence) to 1.0 (full scale). No bytes: 0.0.

    For dBFS take `20 * log10(rms)`. Raises ValueError when the bytes end in half a sample.
    """
    samples = to_floats(pcm)
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
