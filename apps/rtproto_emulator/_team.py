"""Work that takes long and must not stop the session: jobs, and a few threads that do them fairly."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from threading import Condition, Thread
from typing import Protocol

from ._engines import Speech
from ._pieces import Pieces

_MAX_WAITING = 256
"""Jobs that wait at once; beyond, one is refused: at half a second each, the last has waited two minutes."""


class Decoder(Protocol):
    """Turns speech into words, in whatever time it takes."""

    def prepare(self) -> None:
        """It will be needed soon."""
        ...

    def decode(self, speech: Speech) -> str:
        """What was said."""
        ...

    def stop(self) -> None:
        """Lets go of everything; may be called while `decode` runs in another thread, which then raises."""
        ...


class Job:
    """The transcription of one speech, which `split` cuts into parts; one that is `dropped` stops after its part."""

    def __init__(self, speech: Speech, split: Callable[[Speech], Sequence[Speech]]) -> None:
        self.dropped = False
        self.asker = speech.asker
        self._speech = speech
        self._split = split
        self._parts: deque[Speech] | None = None
        self._made: Pieces[str] = Pieces()

    def step(self, decoder: Decoder) -> bool:
        """Does the next part; whether there are more."""
        if self.dropped:
            return False
        try:
            if self._parts is None:
                self._parts = deque(self._split(self._speech))
            if self._parts:
                self._made.put(decoder.decode(self._parts.popleft()))
        except Exception as error:
            self.fail(error)
            return False
        if not self._parts:
            self._made.end()
        return bool(self._parts)

    def fail(self, error: Exception) -> None:
        """There will be no more words."""
        self._made.fail(error)

    def pieces(self) -> Iterator[str | None]:
        """The words of each part, as soon as they are known; None: nothing yet."""
        separator = ""
        for words in self._made:
            if words is None:
                yield None
            elif words:
                yield separator + words
                separator = " "


class Team:
    """Threads that do jobs, each with a decoder of its own. Every asker has its turn, however much another asks."""

    def __init__(self, make: Callable[[], Decoder], size: int) -> None:
        self.decoders = [make() for _ in range(size)]
        self._waiting: dict[object, deque[Job]] = {}
        """By asker, in the order of their turns."""
        self._changed = Condition()
        self._closed = False
        for decoder in self.decoders:
            Thread(target=self._work, args=(decoder,), name="transcriber", daemon=True).start()

    def add(self, job: Job) -> None:
        """Takes a job. Raises RuntimeError where too many wait."""
        with self._changed:
            earlier = self._waiting.get(job.asker, ())
            jobs = deque(other for other in earlier if not other.dropped)
            waiting = sum(map(len, self._waiting.values())) - len(earlier) + len(jobs)
            if waiting >= _MAX_WAITING:
                raise RuntimeError(f"the recogniser is busy: {waiting} utterances wait; try again later")
            jobs.append(job)
            self._waiting[job.asker] = jobs
            self._changed.notify()

    def close(self) -> None:
        """Stops at once; what is not done fails."""
        with self._changed:
            self._closed = True
            left = [job for jobs in self._waiting.values() for job in jobs]
            self._waiting.clear()
            self._changed.notify_all()
        for job in left:
            job.fail(RuntimeError("the recogniser was stopped"))
        for decoder in self.decoders:
            decoder.stop()

    def _work(self, decoder: Decoder) -> None:
        decoder.prepare()
        while (job := self._take()) is not None:
            if job.step(decoder):
                self._put_back(job)

    def _take(self) -> Job | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            asker = next(iter(self._waiting))
            jobs = self._waiting.pop(asker)
            job = jobs.popleft()
            if jobs:
                self._waiting[asker] = jobs
            return job

    def _put_back(self, job: Job) -> None:
        """The others first."""
        with self._changed:
            closed = self._closed
            if not closed:
                self._waiting.setdefault(job.asker, deque()).appendleft(job)
                self._changed.notify()
        if closed:
            job.fail(RuntimeError("the recogniser was stopped"))
