"""The input audio buffer: what was appended and not yet committed or cleared, on the session's own time line."""

from __future__ import annotations

from math import ceil

from ._refusal import Refusal
from ._sound import PCM16, Encoding, Sound

MIN_COMMIT_MS = 100
"""Real servers take nothing shorter."""


class InputBuffer:
    """Holds appended audio. Times are ms since the session's first sample, over all that was ever appended."""

    def __init__(self, max_ms: int) -> None:
        self.encoding: Encoding = PCM16
        self._max_ms = max_ms
        self._data = bytearray()
        self._origin_ms = 0
        """Where the first held byte lies."""

    @property
    def held_ms(self) -> float:
        """How much it holds."""
        return len(self._data) / self.encoding.bytes_per_ms

    @property
    def origin_ms(self) -> int:
        """Where what it holds begins."""
        return self._origin_ms

    @property
    def position_ms(self) -> int:
        """How much was ever appended."""
        return self._origin_ms + int(self.held_ms)

    def has_room(self, data: bytes) -> bool:
        """Whether `data` fits into it."""
        return self.held_ms + len(data) / self.encoding.bytes_per_ms <= self._max_ms

    def append(self, data: bytes) -> None:
        """Takes more audio. Refuses what would grow the buffer beyond its limit."""
        if not self.has_room(data):
            message = f"The input audio buffer holds at most {self._max_ms // 1000} seconds: commit or clear it first."
            raise Refusal("input_audio_buffer_full", message, "audio")
        self._data += data

    def convert(self, encoding: Encoding) -> None:
        """From now on audio comes in `encoding`; what is held keeps its sound."""
        self._data = bytearray(Sound(data=bytes(self._data), encoding=self.encoding).converted(encoding).data)
        self.encoding = encoding

    def keep_last(self, ms: int) -> None:
        """Forgets all but the last `ms` milliseconds."""
        self._drop(max(0, int(self.held_ms) - ms))

    def make_room(self, data: bytes) -> None:
        """Forgets the oldest, where `data` would not fit beside it but fits."""
        excess_ms = self.held_ms + len(data) / self.encoding.bytes_per_ms - self._max_ms
        if 0 < excess_ms <= self.held_ms:
            self._drop(ceil(excess_ms))

    def clear(self) -> None:
        """Forgets everything; time goes on."""
        self._origin_ms = self.position_ms
        self._data.clear()

    def commit(self) -> Sound:
        """Takes everything out. Refuses less than 100 ms."""
        if self.held_ms < MIN_COMMIT_MS:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least "
                f"{MIN_COMMIT_MS}ms of audio, but buffer only has {self.held_ms:.2f}ms of audio."
            )
            raise Refusal("input_audio_buffer_commit_empty", message)
        return self.take(self._origin_ms, self.position_ms + 1)

    def take(self, start_ms: int, end_ms: int) -> Sound:
        """Takes out what lies between two moments, and forgets what came before."""
        self._drop(max(0, start_ms - self._origin_ms))
        data = bytes(self._data[: max(0, end_ms - self._origin_ms) * self.encoding.bytes_per_ms])
        self._drop(max(0, end_ms - self._origin_ms))
        return Sound(data=data, encoding=self.encoding)

    def peek(self, start_ms: int, end_ms: int) -> Sound:
        """What lies between two moments; it stays."""
        first, last = (max(0, at - self._origin_ms) * self.encoding.bytes_per_ms for at in (start_ms, end_ms))
        return Sound(data=bytes(self._data[first:last]), encoding=self.encoding)

    def _drop(self, ms: int) -> None:
        self._origin_ms = min(self._origin_ms + ms, self.position_ms)
        del self._data[: ms * self.encoding.bytes_per_ms]
