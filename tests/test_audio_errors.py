"""Files that are not what they should be: one line for people, and nothing that was readable is lost."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rtproto_audio import AudioFileError, read_audio

DATA = Path(__file__).parents[1] / "test_data"
SECONDS = 2.843


def refusal(source: object) -> str:
    """The error's text, after checking that it is one line."""
    with pytest.raises(AudioFileError) as caught:
        list(read_audio(source))  # type: ignore[arg-type]  # any source
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return text


def read_until_error(content: bytes) -> tuple[bytes, str]:
    received: list[bytes] = []
    with pytest.raises(AudioFileError) as caught:
        received.extend(read_audio(io.BytesIO(content)))
    return b"".join(received), str(caught.value)


def zero_samples(format: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(0), 24_000, format=format)
    return file.getvalue()


def with_rate(rate: int) -> bytes:
    data = bytearray((DATA / "question.wav").read_bytes())
    data[24:28] = rate.to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.wav", b"", "the file is empty (0 bytes); record or export it again"),
        ("empty.raw", b"", "the file is empty (0 bytes); record or export it again"),
        ("one byte.raw", b"\0", "it holds no audio (0 samples); record or export it again"),
        ("no samples.wav", zero_samples("WAV"), "it holds no audio (0 samples); record or export it again"),
        ("no samples.ogg", zero_samples("OGG"), "it holds no audio (0 samples); record or export it again"),
        ("letter.txt", b"Dear reader,\n" * 100, "it is not audio known here"),
        ("text.wav", b"Dear reader,\n" * 100, "it is not audio known here"),
        ("zeros.mp3", bytes(5000), "it is not audio known here"),
        ("film.m4a", b"\0\0\0\x1cftypM4A \0\0\2\0M4A isomiso2" + bytes(999), "convert it: ffmpeg -i "),
        ("slow.wav", with_rate(1), "its sample rate is 1 Hz, which cannot be right; export it again"),
        ("fast.wav", with_rate(2**31 - 1), "its sample rate is 2147483647 Hz, which cannot be right; export it again"),
        ("start.ogg", (DATA / "question.ogg").read_bytes()[:300], "its start is damaged or cut off"),
        ("start.mp3", (DATA / "question.mp3").read_bytes()[:180], "its start is damaged or cut off"),
    ],
)
def test_a_file_without_sound_is_refused_at_once(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AudioFileError) as caught:
        read_audio(path)
    assert caught.value.file == str(path)
    text = refusal(path)
    assert text.startswith(f"cannot read {path}: ")
    assert words in text


def test_a_path_that_names_no_file_says_so(tmp_path: Path) -> None:
    missing = tmp_path / "missing.wav"
    assert refusal(missing) == f"cannot read {missing}: there is no such file or folder; check the path"
    assert refusal(str(missing)) == refusal(missing)
    assert refusal(tmp_path / "no" / "a.wav").endswith("there is no such file or folder; check the path")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses to open a folder with other words")
def test_a_folder_says_so(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"cannot read {tmp_path}: it is a folder; name a file in it"
    (tmp_path / "file").touch()
    assert "a part of its path is not a folder" in refusal(tmp_path / "file" / "a.wav")


def test_a_file_that_others_keep_to_themselves_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, mode: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", refuse)
    assert "permission denied; check who may use the file" in refusal(DATA / "question.wav")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "it is a pipe or a device; save the audio to a file first" in refusal(tmp_path / "pipe")


def test_a_stream_that_cannot_start_again_is_refused() -> None:
    read_end, write_end = os.pipe()
    os.close(write_end)
    with open(read_end, "rb") as stream:
        assert "it is a stream that cannot be read from its start; save it to a file first" in refusal(stream)


def cut_off(name: str, keep: float) -> bytes:
    data = (DATA / name).read_bytes()
    return data[: round(len(data) * keep)]


def damaged(name: str) -> bytes:
    data = bytearray((DATA / name).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(range(256)) * 11 + bytes(184)
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "at_least"),
    [
        (cut_off("question.wav", 0.5), 1.42),
        (cut_off("question.wav", 0.9), 2.55),
        (cut_off("question_8k_ulaw.wav", 0.5), 1.4),
        (cut_off("question_44k_stereo.wav", 0.5), 1.4),
        (cut_off("question.flac", 0.5), 0.8),
        (cut_off("question.mp3", 0.5), 0.8),
        (damaged("question.flac"), 0.8),
    ],
)
def test_what_is_readable_of_a_damaged_file_comes_before_the_error(content: bytes, at_least: float) -> None:
    received, text = read_until_error(content)
    seconds = len(received) / 48_000
    assert at_least <= seconds < SECONDS - 0.1
    assert text == (
        f"cannot read the audio: only {seconds:.2f} s of 2.84 s are readable (it is damaged or cut off); "
        "copy or export it again"
    )


def test_half_a_flac_is_the_first_half_of_the_speech() -> None:
    received, _ = read_until_error(cut_off("question.flac", 0.5))
    assert b"".join(read_audio(DATA / "question.flac")).startswith(received)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_written_to_a_pipe_promises_too_much_and_is_whole(size: int) -> None:
    data = bytearray((DATA / "question.wav").read_bytes())
    data[4:8] = data[40:44] = size.to_bytes(4, "little")
    assert b"".join(read_audio(io.BytesIO(data))) == b"".join(read_audio(DATA / "question.wav"))


def noise_in_ogg() -> bytes:
    """Six seconds, several Ogg pages."""
    file = io.BytesIO()
    soundfile.write(file, np.random.default_rng(3).uniform(-0.5, 0.5, 6 * 24_000), 24_000, format="OGG")
    return file.getvalue()


def test_an_ogg_that_was_cut_ends_where_it_was_cut() -> None:
    data = noise_in_ogg()
    pcm = b"".join(read_audio(io.BytesIO(data[: len(data) * 3 // 4])))
    assert 2 < len(pcm) / 48_000 < 4.6


def test_a_flac_without_a_length_says_where_it_is_damaged() -> None:
    data = bytearray(damaged("question.flac"))
    data[21:26] = bytes([data[21] & 0xF0, 0, 0, 0, 0])  # STREAMINFO: 36 bits of total samples, 0 = unknown
    received, text = read_until_error(bytes(data))
    assert f"only {len(received) / 48_000:.2f} s are readable (it is damaged or cut off)" in text


def test_an_ogg_with_a_hole_says_that_something_is_missing() -> None:
    data = bytearray(noise_in_ogg())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    with pytest.raises(AudioFileError, match=r"only \d\.\d\d s of 6\.00 s are readable"):
        list(read_audio(io.BytesIO(data)))


class FailingDisk(io.BytesIO):
    def __init__(self, data: bytes, good: int) -> None:
        super().__init__(data)
        self.good = good

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= self.good:
            raise OSError(5, "Input/output error")
        return super().read(size)


@pytest.mark.parametrize("good", [0, 50_000])
def test_a_disk_that_fails_is_one_line_too(good: int, capfd: pytest.CaptureFixture[str]) -> None:
    disk = FailingDisk((DATA / "question.wav").read_bytes(), good)
    assert refusal(disk) == "cannot read the audio: Input/output error"
    assert capfd.readouterr().err == ""


def test_a_file_closed_by_its_owner_while_it_is_read() -> None:
    file = io.BytesIO((DATA / "question.flac").read_bytes())
    chunks: Iterator[bytes] = iter(read_audio(file))
    next(chunks)
    file.close()
    with pytest.raises(AudioFileError, match="closed file"):
        list(chunks)


@pytest.mark.parametrize("module", ["numpy", "soundfile", "soxr"])
def test_a_missing_extra_is_named(module: str) -> None:
    program = f"import sys; sys.modules[{module!r}] = None\nimport rtproto_audio"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    last = done.stderr.strip().splitlines()[-1]
    assert last == f"ImportError: rtproto_audio needs {module}: pip install 'rtproto[audio]'"
