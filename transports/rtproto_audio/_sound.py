"""An open sound file: its rate and length, and its samples as mono blocks, read once from start to end."""

from __future__ import annotations

import io
import os
import re
import shlex
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, cast

import numpy as np
import soundfile

from ._errors import AudioFileError, name_of
from ._mp3 import mp3_start
from ._pcm import MAX_RATE, MIN_RATE, Bytes, Encoding, Floats, check_encoding, check_rate

Source = str | os.PathLike[str] | BinaryIO

RAW_SUFFIXES = (".raw", ".pcm")
RAW_SUBTYPES = {"pcm16": "PCM_16", "g711_ulaw": "ULAW", "g711_alaw": "ALAW"}
UNKNOWN_FRAMES = 1 << 62  # what libsndfile says of a FLAC stream without a length, and more
BLOCK_FRAMES, BLOCK_SAMPLES = 8192, 65536  # memory stays bounded for 1024 channels too
TOLERANCE = 0.1  # seconds: encoders pad the last MP3 frame, or not
STREAMED = 0x7FFF0000  # a WAV written to a pipe promises "as long as can be": 2 or 4 GiB
UNRECOGNISED = 1  # libsndfile's SF_ERR_UNRECOGNISED_FORMAT


@dataclass(frozen=True)
class Raw:
    """How headerless audio is to be read: rate in Hz, interleaved channels, little-endian PCM16 or G.711."""

    rate: int = 24_000
    channels: int = 1
    encoding: Encoding = "pcm16"

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        check_rate(self.rate)
        if not 1 <= self.channels <= 1024:
            raise ValueError(f"channels is {self.channels}; it must be between 1 and 1024")


class _Tape:
    """The file as libsndfile sees it, through callbacks out of which no exception may come."""

    TAIL = 128  # an endless tape ends in zeros: libmpg123 looks there for an ID3v1 tag when it opens

    def __init__(self, file: BinaryIO, size: int, start: int = 0, endless: bool = False) -> None:
        self.error: Exception | None = None
        self.endless = endless
        self.ended = False
        self._file = file
        self._start = start
        self._length = 1 << 40 if endless else size - start
        self._tail = self._length - self.TAIL if endless else self._length
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        data: Bytes
        if self._position >= self._tail:
            data = bytes(max(0, min(len(buffer), self._length - self._position)))
        else:
            try:
                self._file.seek(self._start + self._position)
                data = self._file.read(len(buffer))
            except (OSError, ValueError) as error:
                self.error, data = error, b""
        self.ended = not data
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


class _Forward(soundfile.SoundFile):
    """After each read soundfile seeks to where the file already is. That resets the MP3 decoder, which then garbles the
    next samples and complains on stderr, and it fails at the end of a FLAC stream without a length."""

    def seekable(self) -> bool:
        return False


class Sound:
    """Open with `open_sound`; a context manager that closes the file it opened (not one it was given)."""

    def __init__(self, name: str, tape: _Tape, decoder: Any, says_length: bool, stack: ExitStack) -> None:
        self._name = name
        self._tape = tape
        self._decoder = decoder
        self._stack = stack
        self._failed = False
        self._frames_read = 0
        self.rate: int = decoder.samplerate
        self.channels: int = decoder.channels
        known = says_length and decoder.frames < UNKNOWN_FRAMES
        self.duration: float | None = decoder.frames / self.rate if known else None

    def __enter__(self) -> Sound:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stack.close()

    def blocks(self) -> Iterator[Floats]:
        """Mono samples, full scale = 1.0 (a float file may hold more). Ends where reading fails: ask `check`."""
        buffer = np.empty((min(BLOCK_FRAMES, BLOCK_SAMPLES // self.channels), self.channels), np.float32)
        floats = self._decoder.subtype in ("FLOAT", "DOUBLE")
        while not self._failed:
            buffer[:, 0] = np.nan  # so that a failure shows how much came before it
            try:
                block = self._decoder.read(out=buffer)
            except soundfile.SoundFileError:
                self._failed = True
                unread = np.flatnonzero(np.isnan(buffer[:, 0]))
                block = buffer[: unread[0]] if unread.size else buffer
            if not len(block):
                return
            self._frames_read += len(block)
            if floats:  # one NaN would silence a resampler for good
                np.nan_to_num(block, copy=False, nan=0.0, posinf=1.0, neginf=-1.0)
            yield block.mean(axis=1, dtype=np.float32)

    def check(self) -> None:
        """After `blocks` has ended: raise AudioFileError when it ended before the audio did."""
        if isinstance(self._tape.error, OSError):
            raise AudioFileError.of_system("read", self._name, self._tape.error)
        seconds = self._frames_read / self.rate
        promised = self._promised()
        cut_off = self._tape.endless and self._tape.ended  # an MP3 that says no length may end anywhere
        if self._tape.error or (self._failed and not cut_off) or (promised or 0) - seconds > TOLERANCE:
            of = f" of {promised:.2f} s" if promised else ""
            why = self._tape.error or "it is damaged or cut off"
            raise AudioFileError(
                "read", self._name, f"only {seconds:.2f} s{of} are readable ({why}); copy or export it again"
            )
        if not self._frames_read:
            raise no_audio(self._name)

    def _promised(self) -> float | None:
        # libsndfile quietly shortens a WAV that was cut off; only its log knows what the header said.
        found = re.search(r"^data : (\d+) \(should be (\d+)\)", self._decoder.extra_info, re.MULTILINE)
        if found is None or self.duration is None:
            return self.duration
        said, there = int(found[1]), int(found[2])
        return self.duration * said / there if 0 < there < said < STREAMED else self.duration


def open_sound(source: Source, raw: Raw | None = None) -> Sound:
    """Open a path or a seekable binary file.

    `raw` says that the file has no header; names that end in .raw or .pcm have none anyway. Raises AudioFileError when
    it cannot be opened or holds no audio.
    """
    name = name_of(source)
    if raw is None and name.lower().endswith(RAW_SUFFIXES):
        raw = Raw()
    with ExitStack() as stack:
        try:
            file = _file_of(source, name, stack)
            size = file.seek(0, os.SEEK_END)
            if not size:
                raise AudioFileError("read", name, "the file is empty (0 bytes); record or export it again")
            tape, says_length = _Tape(file, size), True
            decoder = stack.enter_context(_decoder(name, tape, raw))
            if decoder.format == "MP3":
                start = mp3_start(file, size)
                if not start.says_length:
                    tape, says_length = _Tape(file, size, start.offset, endless=True), False
                    decoder = stack.enter_context(_decoder(name, tape, None))
        except OSError as error:
            raise AudioFileError.of_system("read", name, error) from None
        if not decoder.frames:
            raise no_audio(name)
        if not MIN_RATE <= decoder.samplerate <= MAX_RATE:
            raise AudioFileError(
                "read", name, f"its sample rate is {decoder.samplerate} Hz, which cannot be right; export it again"
            )
        return Sound(name, tape, decoder, says_length, stack.pop_all())


def no_audio(name: str) -> AudioFileError:
    return AudioFileError("read", name, "it holds no audio (0 samples); record or export it again")


def _file_of(source: Source, name: str, stack: ExitStack) -> BinaryIO:
    if isinstance(source, (str, os.PathLike)):
        mode = os.stat(source).st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # opening a pipe may wait for ever
            raise AudioFileError("read", name, "it is a pipe or a device; save the audio to a file first")
        return stack.enter_context(open(source, "rb"))
    if isinstance(source, io.TextIOBase) or not hasattr(source, "read"):
        raise TypeError(f"source is {type(source).__name__}; give a path or a file opened in binary mode")
    if not source.seekable():
        raise AudioFileError("read", name, "it is a stream that cannot be read from its start; save it to a file first")
    return source


def _decoder(name: str, tape: _Tape, raw: Raw | None) -> Any:
    headerless: dict[str, Any] = {}
    if raw is not None:
        headerless = {
            "format": "RAW",
            "subtype": RAW_SUBTYPES[raw.encoding],
            "samplerate": raw.rate,
            "channels": raw.channels,
            "endian": "LITTLE" if raw.encoding == "pcm16" else "FILE",
        }
    try:
        return _Forward(cast(BinaryIO, tape), "r", **headerless)
    except soundfile.SoundFileError as error:
        if isinstance(tape.error, OSError):
            raise tape.error from None
        if getattr(error, "code", None) != UNRECOGNISED:
            raise AudioFileError("read", name, "its start is damaged or cut off; copy or export it again") from None
        known = "wav, flac, ogg, opus, mp3, aiff and others, or headerless PCM16 named .raw or .pcm"
        convert = f"ffmpeg -i {shlex.quote(name)} out.wav"
        raise AudioFileError("read", name, f"it is not audio known here ({known}); convert it: {convert}") from None
