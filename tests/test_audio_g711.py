"""G.711 and the small helpers: every value of every table."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from rtproto_audio import alaw_decode, alaw_encode, duration_ms, rms, ulaw_decode, ulaw_encode

EVERY_SAMPLE = np.arange(-32768, 32768).astype("<i2")
EVERY_CODE = bytes(range(256))
LAWS = pytest.mark.parametrize(
    ("encode", "decode", "ceiling"), [(ulaw_encode, ulaw_decode, 32124), (alaw_encode, alaw_decode, 32256)]
)


@pytest.fixture
def audioop() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pytest.importorskip("audioop", reason="Python 3.13 no longer has audioop to compare with")


def test_equal_to_audioop_for_every_value(audioop: Any) -> None:
    pcm = EVERY_SAMPLE.tobytes()
    assert ulaw_encode(pcm) == audioop.lin2ulaw(pcm, 2)
    assert alaw_encode(pcm) == audioop.lin2alaw(pcm, 2)
    assert ulaw_decode(EVERY_CODE) == audioop.ulaw2lin(EVERY_CODE, 2)
    assert alaw_decode(EVERY_CODE) == audioop.alaw2lin(EVERY_CODE, 2)


def test_values_from_the_standard() -> None:
    samples = np.array([0, 8, 1000, -1000, 32767, -32768], "<i2").tobytes()
    assert ulaw_encode(samples).hex() == "fffece4e8000"
    assert alaw_encode(samples).hex() == "d5d5fa7aaa2a"


@LAWS
def test_every_code_survives_the_round_trip(encode: Any, decode: Any, ceiling: int) -> None:
    again = encode(decode(EVERY_CODE))
    # Mu-law has two zeros; the negative one comes back as the positive one.
    assert [code for code in EVERY_CODE if again[code] != code] == ([0x7F] if encode is ulaw_encode else [])
    assert np.abs(np.frombuffer(decode(EVERY_CODE), "<i2").astype(int)).max() == ceiling


@LAWS
def test_every_sample_comes_back_close_and_in_order(encode: Any, decode: Any, ceiling: int) -> None:
    back = np.frombuffer(decode(encode(EVERY_SAMPLE.tobytes())), "<i2").astype(int)
    sample = EVERY_SAMPLE.astype(int)
    assert (np.diff(back) >= 0).all()
    assert (np.abs(back - np.clip(sample, -ceiling, ceiling)) <= np.maximum(np.abs(sample) / 16, 16)).all()


def test_half_a_sample_is_refused() -> None:
    for function in (ulaw_encode, alaw_encode, rms):
        with pytest.raises(ValueError, match="5 bytes end in half of one"):
            function(b"12345")
    assert ulaw_encode(b"") == alaw_decode(b"") == b""


def test_rms_is_linear_from_silence_to_full_scale() -> None:
    assert rms(b"") == rms(bytes(960)) == 0.0
    assert rms(b"\x00\x80" * 480) == 1.0
    assert rms(memoryview(b"\x00\x40\x00\xc0" * 480)) == 0.5
    sine = np.rint(np.sin(np.arange(24_000) * 2 * np.pi * 440 / 24_000) * 32767).astype("<i2").tobytes()
    assert rms(sine) == pytest.approx(0.5**0.5, abs=1e-4)


def test_durations_are_whole_milliseconds_rounded_down() -> None:
    assert duration_ms(48_000) == duration_ms(8_000, "g711_ulaw") == duration_ms(8_000, "g711_alaw") == 1000
    assert duration_ms(960) == 20
    assert duration_ms(959) == 19
    assert duration_ms(0) == 0
    assert duration_ms(32_000, rate=16_000) == 1000
    with pytest.raises(ValueError, match="must be one of"):
        duration_ms(10, "opus")  # type: ignore[arg-type]  # that is the mistake
