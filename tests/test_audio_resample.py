"""Resampler: the same sound at another rate, however the stream was cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rtproto_audio import Resampler, rms
from scale import scaled

RATES = [8_000, 16_000, 22_050, 24_000, 44_100, 48_000]


def pcm16(samples: NDArray[np.float64]) -> bytes:
    return np.rint(samples).astype("<i2").tobytes()


def chirp(seconds: float, rate: int) -> bytes:
    """A rising tone, up to a fifth of the rate."""
    time = np.arange(round(seconds * rate)) / rate
    wave = np.sin(2 * np.pi * (100 + rate / 10 * time / seconds) * time)
    return pcm16(wave * 20_000)


def resampled(pieces: list[bytes], rate_in: int, rate_out: int) -> bytes:
    resampler = Resampler(rate_in, rate_out)
    return b"".join([resampler.feed(piece) for piece in pieces] + [resampler.flush()])


@pytest.mark.parametrize("rate_in", RATES)
@pytest.mark.parametrize("rate_out", RATES)
def test_pieces_give_what_the_whole_gives(rate_in: int, rate_out: int) -> None:
    pcm = chirp(0.5, rate_in)
    streamed = np.frombuffer(resampled([pcm[i : i + 641] for i in range(0, len(pcm), 641)], rate_in, rate_out), "<i2")
    whole = soxr.resample(np.frombuffer(pcm, "<i2").astype("f4"), rate_in, rate_out, quality="LQ")
    assert abs(len(streamed) - rate_out / 2) <= 1
    assert len(streamed) == len(whole)
    assert np.abs(streamed - whole).max() < 1.01


@given(cuts=st.lists(st.integers(0, 4_800), max_size=12), rates=st.sampled_from([(24_000, 16_000), (22_050, 24_000)]))
@settings(max_examples=scaled(60))
def test_any_cut_also_through_a_sample_gives_the_same_bytes(cuts: list[int], rates: tuple[int, int]) -> None:
    pcm = chirp(0.1, 24_000)
    edges = [0, *sorted(cuts), len(pcm)]
    pieces = [pcm[start:stop] for start, stop in itertools.pairwise(edges)]
    assert resampled(pieces, *rates) == resampled([pcm], *rates)


def test_equal_rates_pass_through_in_whole_samples() -> None:
    resampler = Resampler(24_000, 24_000)
    assert [resampler.feed(piece) for piece in (b"\1\2\3", b"", b"\4", b"\5")] == [b"\1\2", b"", b"\3\4", b""]
    assert resampler.flush() == b""
    assert resampler.feed(b"\6\7") == b"\6\7", "the half sample of the last stream reached this one"


def test_after_a_flush_a_new_stream_begins() -> None:
    pcm = chirp(0.1, 24_000)
    resampler = Resampler(24_000, 8_000)
    first = resampler.feed(pcm) + resampler.flush()
    assert resampler.feed(pcm) + resampler.flush() == first


def test_little_is_held_back() -> None:
    resampler = Resampler(24_000, 16_000)
    silence = bytes(960)
    ready = sum(len(resampler.feed(silence)) for _ in range(50)) / 32_000
    assert 1.0 - ready < 0.03


def test_what_the_new_rate_cannot_hold_is_removed_and_not_folded_back() -> None:
    time = np.arange(24_000) / 24_000
    high = pcm16(np.sin(2 * np.pi * 10_000 * time) * 20_000)
    assert rms(resampled([high], 24_000, 16_000)[3200:-3200]) < rms(high) / 1000


def test_full_scale_never_wraps() -> None:
    square = np.where(np.arange(2400) // 300 % 2, -32768, 32767).astype("<i2").tobytes()
    middles = np.frombuffer(resampled([square], 24_000, 48_000), "<i2")[300::600]
    assert np.array_equal(np.sign(middles), [1, -1] * 4)


@pytest.mark.parametrize("rates", [(0, 24_000), (24_000, 0), (24_000, -1), (1_000_000, 24_000)])
def test_impossible_rates_are_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="it must be between 1000 and 768000"):
        Resampler(*rates)
