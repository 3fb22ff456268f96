"""read_audio: any sound file as small chunks."""

from __future__ import annotations

import gc
import io
import os
import tracemalloc
import wave
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from rtproto_audio import Encoding, Raw, read_audio, rms, ulaw_decode, ulaw_encode

DATA = Path(__file__).parents[1] / "test_data"
QUESTION = DATA / "question.wav"
QUESTIONS = sorted(path.name for path in DATA.glob("question*"))
RNG = np.random.default_rng(4)


def samples(pcm: bytes) -> NDArray[np.int16]:
    return np.frombuffer(pcm, "<i2")


def tone(seconds: float, rate: int, loudness: float = 0.5) -> NDArray[np.float64]:
    return np.sin(np.arange(round(seconds * rate)) * 2 * np.pi * 440 / rate) * loudness


def in_memory(sound: NDArray[Any], rate: int, format: str, subtype: str | None = None) -> io.BytesIO:
    file = io.BytesIO()
    soundfile.write(file, sound, rate, format=format, subtype=subtype)
    return file


@pytest.mark.parametrize("name", ["question.wav", "question.flac", "question.raw"])
def test_lossless_sound_of_the_wanted_rate_comes_out_bit_by_bit(name: str) -> None:
    with wave.open(str(QUESTION)) as file:
        expected = file.readframes(file.getnframes())
    assert b"".join(read_audio(DATA / name)) == expected


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_format_holds_the_same_speech(name: str) -> None:
    original, pcm = b"".join(read_audio(QUESTION)), b"".join(read_audio(DATA / name))
    assert len(QUESTIONS) == 7
    assert abs(len(pcm) - len(original)) <= 2
    assert rms(pcm) == pytest.approx(rms(original), rel=0.03)
    size = min(len(pcm), len(original))
    likeness = np.corrcoef(samples(pcm[:size]), samples(original[:size]))[0, 1]
    assert likeness > 0.97, "the same loudness, but not the same sound at the same time"


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_duration_is_known_before_reading(name: str) -> None:
    reader = read_audio(DATA / name)
    assert reader.duration == pytest.approx(2.843, abs=0.001)
    assert reader.duration == pytest.approx(len(b"".join(reader)) / 48_000, abs=0.0001)


def test_the_reader_tells_what_the_file_and_the_chunks_are() -> None:
    reader = read_audio(DATA / "question_44k_stereo.wav", chunk_ms=40)
    assert (reader.source_rate, reader.source_channels) == (44_100, 2)
    assert (reader.rate, reader.encoding, reader.chunk_ms, reader.chunk_bytes) == (24_000, "pcm16", 40, 1920)


@pytest.mark.parametrize(
    ("rate", "chunk_ms", "encoding", "size"),
    [
        (None, 20, "pcm16", 960),
        (24_000, 1, "pcm16", 48),
        (16_000, 100, "pcm16", 3200),
        (44_100, 10, "pcm16", 882),
        (None, 20, "g711_ulaw", 160),
        (None, 20, "g711_alaw", 160),
        (24_000, 5_000, "g711_ulaw", 120_000),
    ],
)
def test_chunks_have_the_wanted_size_and_only_the_last_is_shorter(
    rate: int | None, chunk_ms: int, encoding: Encoding, size: int
) -> None:
    reader = read_audio(QUESTION, rate=rate, chunk_ms=chunk_ms, encoding=encoding)
    *whole, last = reader
    assert {len(chunk) for chunk in whole} <= {size}
    assert 0 < len(last) <= size
    width = 2 if encoding == "pcm16" else 1
    assert sum(map(len, [*whole, last])) / width / reader.rate == pytest.approx(2.843, abs=0.001)


def test_a_file_that_ends_with_a_chunk_gives_no_empty_one() -> None:
    file = in_memory(tone(0.1, 24_000), 24_000, "WAV")
    assert [len(chunk) for chunk in read_audio(file)] == [960] * 5


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("seconds", [0.001, 0.5, 3.0])
def test_no_rate_changes_the_duration(rate: int, seconds: float) -> None:
    frames = round(rate * seconds)
    pcm = b"".join(read_audio(in_memory(tone(seconds, rate), rate, "WAV")))
    assert len(pcm) / 2 == pytest.approx(frames * 24_000 / rate, abs=1.01)


def test_what_the_new_rate_cannot_hold_is_removed_and_not_folded_back() -> None:
    high = np.sin(np.arange(44_100) * 2 * np.pi * 15_000 / 44_100) * 0.5
    pcm = b"".join(read_audio(in_memory(high, 44_100, "WAV")))
    assert rms(pcm[4800:-4800]) < 0.0001


def test_g711_is_the_encoded_pcm() -> None:
    pcm = b"".join(read_audio(QUESTION, rate=8_000))
    assert b"".join(read_audio(QUESTION, encoding="g711_ulaw")) == ulaw_encode(pcm)


def test_channels_are_mixed_by_their_mean() -> None:
    left = np.linspace(-0.5, 0.5, 2400)
    pcm = b"".join(read_audio(in_memory(np.stack([left, -left, left * 0 + 0.3], axis=1), 24_000, "WAV", "FLOAT")))
    assert set(samples(pcm)) == {round(0.1 * 32768)}


def test_sound_louder_than_full_scale_is_clipped_and_never_wraps() -> None:
    loud = tone(0.1, 24_000, loudness=3.0)
    pcm = samples(b"".join(read_audio(in_memory(loud, 24_000, "WAV", "FLOAT"))))
    assert (int(pcm.min()), int(pcm.max())) == (-32768, 32767)
    assert np.array_equal(np.sign(pcm), np.sign(np.rint(loud * 32768)))


def test_overshoot_of_the_resampler_is_clipped_and_never_wraps() -> None:
    square = np.repeat(np.where(np.arange(40) % 2, -1.0, 1.0), 400)
    pcm = samples(b"".join(read_audio(in_memory(square, 8_000, "WAV", "FLOAT"))))
    middles = pcm[600::1200]
    assert np.array_equal(np.sign(middles), np.where(np.arange(40) % 2, -1, 1))


def test_numbers_that_are_no_sound_do_not_silence_the_rest() -> None:
    sound = tone(1.0, 8_000)
    sound[1000:1010] = [np.nan, np.inf, -np.inf, *[np.nan] * 7]
    pcm = b"".join(read_audio(in_memory(sound, 8_000, "WAV", "FLOAT")))
    assert rms(pcm[len(pcm) // 2 :]) == pytest.approx(0.5 / 2**0.5, rel=0.02)


def test_raw_and_pcm_files_are_24_khz_pcm16_mono(tmp_path: Path) -> None:
    pcm = b"".join(read_audio(QUESTION))
    for name in ("question.raw", "question.PCM"):
        (tmp_path / name).write_bytes(pcm + b"\x01")  # half a sample at the end
        assert b"".join(read_audio(tmp_path / name)) == pcm


def test_headerless_sound_of_another_kind_is_described() -> None:
    codes = b"".join(read_audio(QUESTION, encoding="g711_ulaw"))
    raw = Raw(rate=8_000, encoding="g711_ulaw")
    assert b"".join(read_audio(io.BytesIO(codes), rate=8_000, raw=raw)) == ulaw_decode(codes)
    stereo = np.repeat(samples(ulaw_decode(codes)), 2).tobytes()
    assert b"".join(read_audio(io.BytesIO(stereo), rate=8_000, raw=Raw(8_000, 2))) == ulaw_decode(codes)


def test_a_flac_written_to_a_pipe_says_no_length_and_is_played_to_its_end() -> None:
    data = bytearray((DATA / "question.flac").read_bytes())
    data[21:26] = bytes([data[21] & 0xF0, 0, 0, 0, 0])  # STREAMINFO: 36 bits of total samples, 0 = unknown
    reader = read_audio(io.BytesIO(data))
    assert reader.duration is None
    assert b"".join(reader) == b"".join(read_audio(QUESTION))


def test_a_reader_starts_anew_each_time_and_leaves_a_given_file_open() -> None:
    file = io.BytesIO(QUESTION.read_bytes())
    reader = read_audio(file)
    assert b"".join(reader) == b"".join(reader) == b"".join(read_audio(QUESTION))
    assert not file.closed


def test_the_file_is_closed_when_the_iteration_ends_fails_or_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[IO[Any]] = []
    real_open: Callable[..., IO[Any]] = open

    def remembering_open(path: Path, mode: str) -> IO[Any]:
        opened.append(real_open(path, mode))
        return opened[-1]

    monkeypatch.setattr("builtins.open", remembering_open)
    reader = read_audio(QUESTION)
    list(reader)
    chunks = iter(reader)
    next(chunks)
    assert [file.closed for file in opened] == [True, True, False]
    del chunks
    gc.collect()
    with pytest.raises(TypeError):
        sum(reader)  # type: ignore[arg-type]  # fails at the first chunk
    gc.collect()
    assert [file.closed for file in opened] == [True] * 4


def test_a_long_file_needs_little_memory(tmp_path: Path) -> None:
    path, minutes = tmp_path / "long.flac", 3
    minute = np.stack([tone(60, 44_100), tone(60, 44_100, 0.1)], axis=1).astype("f4")
    with soundfile.SoundFile(path, "w", 44_100, 2) as file:
        for _ in range(minutes):
            file.write(minute)
    del minute
    reader = read_audio(path)
    size = 0
    tracemalloc.start()
    try:
        for chunk in reader:
            size += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == minutes * 60 * 48_000
    assert peak < 2_000_000


@pytest.mark.parametrize("block", [1, 3])
def test_many_channels_need_little_memory(block: int) -> None:
    sound = RNG.uniform(-1, 1, (1000 * block, 1000))
    pcm = b"".join(read_audio(in_memory(sound, 24_000, "WAV", "PCM_16")))
    assert len(pcm) == 2000 * block
    assert np.abs(samples(pcm) / 32768 - sound.mean(axis=1)).max() < 2 / 32768


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"rate": 0}, "rate is 0 Hz"),
        ({"rate": 10_000_000}, "rate is 10000000 Hz"),
        ({"chunk_ms": 0}, "chunk_ms is 0"),
        ({"chunk_ms": -20}, "chunk_ms is -20"),
        ({"rate": 11_025, "chunk_ms": 20}, "whole samples at 11025 Hz"),
        ({"encoding": "opus"}, "encoding is 'opus'; it must be one of pcm16, g711_ulaw, g711_alaw"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_audio(QUESTION, **arguments)  # type: ignore[arg-type]  # they are wrong


@pytest.mark.parametrize("arguments", [{"rate": 5}, {"channels": 0}, {"channels": 2000}, {"encoding": "mp3"}])
def test_wrong_descriptions_of_headerless_sound_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Raw(**arguments)  # type: ignore[arg-type]  # they are wrong


def test_a_source_that_is_no_file_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="give a path or a file opened in binary mode"):
        read_audio(b"RIFF....")  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(TypeError, match="binary mode"), open(os.devnull) as text:
        read_audio(text)  # type: ignore[arg-type]  # that is the mistake
