"""write_wav: a file that plays, also when the writer was never closed."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import pytest
import rtproto_audio._write
from hypothesis import given, settings
from hypothesis import strategies as st
from rtproto_audio import AudioFileError, read_audio, write_wav
from scale import scaled

FULL = Path("/dev/full")


def content(path: Path) -> tuple[tuple[int, int, int], bytes]:
    with wave.open(str(path)) as file:
        return (file.getnchannels(), file.getsampwidth(), file.getframerate()), file.readframes(file.getnframes())


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    path, pcm = tmp_path / "reply.wav", bytes(range(250)) * 8
    with write_wav(path, rate=16_000) as wav:
        for start in range(0, 2000, 320):
            wav.write(pcm[start : start + 320])
        assert wav.duration_ms == 62
    assert content(path) == ((1, 2, 16_000), pcm)
    assert b"".join(read_audio(path, rate=16_000)) == pcm


@given(pieces=st.lists(st.binary(max_size=9), max_size=8))
@settings(max_examples=scaled(40))
def test_pieces_may_end_in_half_a_sample(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("half") / "reply.wav"
    with write_wav(path) as wav:
        for piece in pieces:
            wav.write(bytearray(piece))
    pcm = b"".join(pieces)
    assert content(path)[1] == pcm[: len(pcm) & ~1]


def test_the_file_plays_while_it_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "reply.wav"
    wav = write_wav(path)
    try:
        assert content(path) == ((1, 2, 24_000), b"")
        wav.write(b"\1\2\3")
        assert content(path)[1] == b"\1\2"
        wav.write(b"\4\5\6")
        assert content(path)[1] == b"\1\2\3\4\5\6"
    finally:
        wav.close()


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "reply.wav"
    path.write_bytes(b"old" * 1000)
    write_wav(path).close()
    assert path.stat().st_size == 44


def test_nothing_can_be_written_after_close(tmp_path: Path) -> None:
    with write_wav(tmp_path / "reply.wav") as wav:
        wav.close()
        with pytest.raises(ValueError, match=r"reply\.wav is closed"):
            wav.write(b"\0\0")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        AudioFileError, match=r"cannot write .*reply\.wav: there is no such file or folder; check the path"
    ):
        write_wav(tmp_path / "no" / "reply.wav")
    with pytest.raises(ValueError, match="rate is 0 Hz"):
        write_wav(tmp_path / "reply.wav", rate=0)
    assert not (tmp_path / "reply.wav").exists()


@pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_one_line() -> None:
    with pytest.raises(AudioFileError, match="cannot write /dev/full: the disk is full"):
        write_wav(os.fspath(FULL))


def test_a_wav_past_its_4_gib_is_refused_and_stays_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtproto_audio._write, "MAX_DATA", 100)
    with write_wav(tmp_path / "reply.wav") as wav:
        wav.write(bytes(100))
        with pytest.raises(AudioFileError, match="a WAV file holds 4 GiB at most; start another file"):
            wav.write(bytes(2))
    assert content(tmp_path / "reply.wav")[1] == bytes(100)
