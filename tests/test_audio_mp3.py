"""MP3: what soundfile and libsndfile alone would garble or drop."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rtproto_audio import read_audio, rms

MP3 = Path(__file__).parents[1] / "test_data" / "question.mp3"
TAG_FRAME = 192  # bytes of the frame that holds the Xing tag, in question.mp3
PADDING = 0.08  # seconds of silence that an encoder adds, and that only the tag tells how to remove


def test_blocks_join_without_a_crack_and_without_noise_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    at_once, _ = soundfile.read(MP3, dtype="float32")
    pcm = np.frombuffer(b"".join(read_audio(MP3)), "<i2")
    assert np.abs(pcm / 32768 - at_once).max() < 1.01 / 32768
    assert capfd.readouterr().err == ""


def test_a_variable_bit_rate_file_without_a_tag_is_played_to_its_end() -> None:
    rng = np.random.default_rng(1)
    sound = np.concatenate([rng.uniform(-0.5, 0.5, 24_000), np.zeros(96_000), rng.uniform(-0.5, 0.5, 24_000)])
    file = io.BytesIO()
    soundfile.write(file, sound, 24_000, format="MP3")
    data = file.getvalue()
    tag = data.index(b"Xing")
    data = data[data.index(data[:2], tag + 120) :]
    assert abs(soundfile.info(io.BytesIO(data)).duration - 6.0) > 1, "libsndfile guesses right; test something else"

    reader = read_audio(io.BytesIO(data))
    pcm = b"".join(reader)
    assert reader.duration is None
    assert len(pcm) / 48_000 == pytest.approx(6.0, abs=PADDING)
    assert rms(pcm[-36_000:]) > 0.2, "the last second is missing"


def test_joined_files_are_played_to_their_end(capfd: pytest.CaptureFixture[str]) -> None:
    one = MP3.read_bytes()
    loudness = rms(b"".join(read_audio(MP3)))
    capfd.readouterr()
    pcm = b"".join(read_audio(io.BytesIO(one * 3)))
    assert len(pcm) / 48_000 == pytest.approx(3 * 2.843, abs=3 * PADDING)
    third = len(pcm) // 6 * 2
    for start in (0, third, 2 * third):
        assert rms(pcm[start : start + third]) == pytest.approx(loudness, rel=0.05)


def test_tags_before_and_after_the_sound_are_not_played() -> None:
    id3v2 = b"ID3\x04\x00\x00\x00\x00\x02\x00" + bytes(256)
    id3v1 = b"TAG" + b"a title".ljust(125)
    tagged = id3v2 + id3v2 + MP3.read_bytes() + id3v1
    reader = read_audio(io.BytesIO(tagged))
    assert reader.duration == read_audio(MP3).duration
    assert b"".join(reader) == b"".join(read_audio(MP3))
    untagged = MP3.read_bytes()[TAG_FRAME:]
    plain = b"".join(read_audio(io.BytesIO(untagged)))
    assert len(plain) / 48_000 == pytest.approx(2.843, abs=PADDING)
    assert b"".join(read_audio(io.BytesIO(id3v2 + untagged + id3v1))) == plain


def test_an_mp3_without_a_length_that_is_cut_anywhere_just_ends() -> None:
    data = MP3.read_bytes()[TAG_FRAME:]
    whole = b"".join(read_audio(io.BytesIO(data)))
    for size in (4_000, 8_001, 11_999):
        pcm = b"".join(read_audio(io.BytesIO(data[:size])))
        assert 0.2 < len(pcm) / len(whole) < 1
        assert whole.startswith(pcm[:-4_000])
