"""What libsndfile must be told about an MP3 file before it plays all of it.

libsndfile never plays past the length it found on opening. An MP3 says its length only in an optional first frame (the
Xing or Info tag); without one libsndfile guesses from the file's size and the first frame's bit rate, and silently
drops the rest of a variable-bit-rate file. In joined files the tag speaks of the first part only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

HEAD = 2048  # the first frame is at most 1441 bytes
# From the frame's start, past its header and side information: MPEG-2 mono, MPEG-2 stereo = MPEG-1 mono, MPEG-1 stereo.
TAG_OFFSETS = (13, 21, 36)
TAG_SIZE = 120  # name, flags, frame count, byte count, table of contents, quality


@dataclass(frozen=True)
class Mp3Start:
    """Where reading begins (bytes) and whether the length that libsndfile will find there can be trusted."""

    offset: int
    says_length: bool


def mp3_start(file: BinaryIO, size: int) -> Mp3Start:
    """Look at the head of an MP3 file of `size` bytes."""
    offset = _skip_id3(file)
    file.seek(offset)
    frame = file.read(HEAD)
    at = next((at for at in TAG_OFFSETS if frame[at : at + 4] in (b"Xing", b"Info")), None)
    if at is None:
        return Mp3Start(0, False)
    flags, frames, audio_bytes = (int.from_bytes(frame[at + i : at + i + 4], "big") for i in (4, 8, 12))
    # A tenth and 4 KiB more than it says is a trailing tag; more than that is a second file.
    if flags & 1 and frames and not (flags & 2 and size - offset > audio_bytes * 1.1 + 4096):
        return Mp3Start(0, True)
    second = frame.find(frame[:2], at + TAG_SIZE)
    return Mp3Start(offset + max(second, 0), False)


def _skip_id3(file: BinaryIO) -> int:
    offset = 0
    while True:
        file.seek(offset)
        head = file.read(10)
        if len(head) < 10 or head[:3] != b"ID3":
            return offset
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        offset += 10 + size + (10 if head[5] & 0x10 else 0)
