"""A WAV file that is valid after every write."""

from __future__ import annotations

import os
import struct
from contextlib import suppress
from types import TracebackType

from ._errors import AudioFileError, name_of
from ._pcm import Bytes, check_rate, duration_ms

HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
MAX_DATA = 0xFFFF_FFFF - HEADER.size  # the sizes in the header have 32 bits: 24.8 hours at 24 kHz


class WavWriter:
    """Writes PCM16 mono to a WAV file as it arrives. Made by `write_wav`; a context manager.

    The header is brought up to date with every write, so the file plays even when the program dies before `close`.
    Pieces may end in half a sample: the byte waits for the next piece. A write that the system refuses (disk full)
    raises AudioFileError and closes the file, which keeps what was written before.
    """

    def __init__(self, path: str | os.PathLike[str], rate: int) -> None:
        check_rate(rate)
        self.path = path
        self.rate = rate
        self._size = 0
        self._half = b""
        try:
            self._file = open(path, "wb")  # noqa: SIM115 (this object is the context manager)
        except OSError as error:
            raise AudioFileError.of_system("write", name_of(path), error) from None
        self._append(b"")

    @property
    def duration_ms(self) -> int:
        """Milliseconds written so far."""
        return duration_ms(self._size, rate=self.rate)

    def write(self, pcm: Bytes) -> None:
        """Append PCM16 bytes. Raises AudioFileError past 4 GiB or when the system refuses, ValueError after `close`."""
        if self._file.closed:
            raise ValueError(f"{name_of(self.path)} is closed; nothing more can be written")
        pcm = self._half + bytes(pcm)
        whole = len(pcm) & ~1
        if self._size + whole > MAX_DATA:
            raise AudioFileError("write", name_of(self.path), "a WAV file holds 4 GiB at most; start another file")
        self._append(pcm[:whole])
        self._half = pcm[whole:]

    def close(self) -> None:
        """Close the file; half a sample that is left over is dropped. Repeated calls do nothing."""
        self._file.close()

    def __enter__(self) -> WavWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _append(self, pcm: bytes) -> None:
        size = self._size + len(pcm)
        header = HEADER.pack(
            b"RIFF", HEADER.size - 8 + size, b"WAVE", b"fmt ", 16, 1, 1, self.rate, self.rate * 2, 2, 16, b"data", size
        )
        try:
            self._file.seek(HEADER.size + self._size)
            self._file.write(pcm)
            self._file.seek(0)
            self._file.write(header)
            self._file.flush()
        except OSError as error:
            with suppress(OSError):  # closing tries to write once more
                self._file.close()
            raise AudioFileError.of_system("write", name_of(self.path), error) from None
        self._size = size


def write_wav(path: str | os.PathLike[str], rate: int = 24_000) -> WavWriter:
    """Create a WAV file (PCM16 mono, `rate` Hz) and return its writer. An existing file is replaced.

    Raises AudioFileError when it cannot be created, ValueError for an impossible rate.
    """
    return WavWriter(path, rate)
