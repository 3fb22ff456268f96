"""One run of `rtproto stream`: the turn, its files and its view, for a runner to carry."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import attrs
from rtproto_audio import AudioReader

from rtproto import Config, Endpoint, events
from rtproto_cli._fatal import Fatal
from rtproto_cli._files import ReplyFiles
from rtproto_cli._interrupt import Interrupt
from rtproto_cli._turn import Phase, Turn
from rtproto_cli._view import LiveView, PlainView

_CHUNK_SECONDS = 0.02

_NO_SPEECH_SECONDS = 3.0
"""How long after the upload a server may take to say that it heard speech."""


SLICE = 0.25
"""Seconds for which a runner waits for an event before it asks `Job.check_patience()`."""


class Gone(Exception):
    """The server ended the session, or said nothing for too long; `str()` is a line for people."""


@attrs.define
class Job:
    """Told by a runner what was sent and received; `uploads()` says what to send and when.

    Safe to use from two threads: one that uploads and one that receives.
    """

    endpoint: Endpoint
    config: Config
    reader: AudioReader
    turn: Turn
    open_files: Callable[[], ReplyFiles]
    """Called when the first event arrives: a run that gets no answer leaves earlier files alone."""
    view: "LiveView | PlainView"
    pace: bool
    timeout: float
    interrupt: Interrupt = attrs.field(factory=Interrupt)
    clock: Callable[[], float] = time.monotonic
    uploaded_seconds: float = 0.0
    files: "ReplyFiles | None" = None
    _start: float = attrs.field(factory=time.monotonic)
    _heard_at: float = attrs.field(factory=time.monotonic)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self._start

    def uploads(self) -> Iterator[tuple[float, Sequence[events.ClientEvent]]]:
        """When (on the clock) to send what: the file, silence for the VAD, and what asks for the answer."""
        begun = self.clock()
        position = 0.0
        rate = self.turn.options.rate
        silence = bytes(2 * round(rate * _CHUNK_SECONDS))
        for chunk in self.reader:
            yield (begun + position if self.pace else 0.0), (events.InputAudioBufferAppend(audio=chunk),)
            position += len(chunk) / (2 * rate)
            self.uploaded_seconds = position
            self.view.sent(position, "")
        self.view.sent(position, "the server to hear the end" if self.turn.options.vad else "")
        for _ in range(self._silent_chunks()):
            yield (begun + position if self.pace else 0.0), (events.InputAudioBufferAppend(audio=silence),)
            position += _CHUNK_SECONDS
        with self._lock:
            last = self.turn.uploaded(self.elapsed())
        self.view.sent(self.uploaded_seconds, "" if self.turn.done else self.turn.phase.value)
        yield 0.0, last

    def _silent_chunks(self) -> int:
        return round(self.turn.options.silence_ms / 1000 / _CHUNK_SECONDS) if self.turn.options.vad else 0

    def sent(self, event: events.ClientEvent) -> None:
        """A runner has sent `event`."""
        with self._lock:
            if self.files is not None:
                self.files.log("sent", event, self.elapsed())

    def received(self, event: Any) -> Sequence[events.ClientEvent]:
        """A runner has received `event`; returns what it is to send. Raises Gone or Refused."""
        self._heard_at = self.clock()
        if isinstance(event, events.Closed):
            why = f"code {event.code}" + (f": {event.reason}" if event.reason else "")
            raise Gone(f"the server ended the session ({why}) while we waited for {self.turn.phase.value}")
        if isinstance(event, events.Violation):
            self.turn.note(f"the server sent what the protocol does not have: {event.reason}")
            return ()
        with self._lock:
            self.files = self.files or self.open_files()
            self.files.log("received", event, self.elapsed())
            if isinstance(event, events.ResponseOutputAudioDelta):
                self.files.audio(event.delta)
            answer = self.turn.take(event, self.elapsed())
            words = self.turn.take_words()
        if words:
            self.view.text(words)
        if self.turn.done:
            self.view.sent(self.uploaded_seconds, "")
        return answer

    @property
    def audio_ms(self) -> float:
        """Length of the reply's audio so far."""
        return self.files.audio_ms if self.files is not None else 0.0

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Finishes the files at the end, however it comes. Raises Fatal, if nothing was before."""
        try:
            yield
        except Fatal:
            with suppress(Fatal):  # a full disk is told of once, by the file that met it first
                self._finish()
            raise
        except BaseException:
            self._finish()
            raise
        self._finish()

    def _finish(self) -> None:
        if self.files is not None:
            self.files.close(self.turn.summary())

    def check_patience(self) -> None:
        """To be called where nothing came for `SLICE` seconds. Raises Gone if that has been so for too long."""
        if self.turn.uploading:
            self._heard_at = self.clock()
            return
        phase, waited = self.turn.phase, self.clock() - self._heard_at
        if phase is Phase.SPEECH and waited >= min(self.timeout, _NO_SPEECH_SECONDS):
            raise Gone("the server heard no speech in this file; if it is not silent, try --no-vad")
        if waited >= self.timeout:
            raise Gone(f"the server has said nothing for {self.timeout:g} s while we waited for {phase.value}")
