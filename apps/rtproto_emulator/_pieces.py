"""What an engine makes in another thread, handed to the session piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Pieces(Generic[T]):
    """One thread puts, another iterates, and neither waits: None is "nothing yet"."""

    def __init__(self) -> None:
        self._made: SimpleQueue[tuple[T] | Exception | None] = SimpleQueue()

    def put(self, piece: T) -> None:
        """There is more."""
        self._made.put((piece,))

    def end(self) -> None:
        """That was all."""
        self._made.put(None)

    def fail(self, error: Exception) -> None:
        """There will be no more: who iterates gets the error."""
        self._made.put(error)

    def __iter__(self) -> Iterator[T | None]:
        while True:
            try:
                made = self._made.get_nowait()
            except Empty:
                yield None
                continue
            if made is None:
                return
            if isinstance(made, Exception):
                raise made
            yield made[0]
