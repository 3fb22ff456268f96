"""What a server counts: plain numbers, so that a session pays next to nothing. `_exposition.py` tells them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import attrs

from rtproto import Close, events
from rtproto._by_class import found_for
from rtproto._dialects import dialect as rules_of
from rtproto.events import translation, unmute, vllm

from ._sound import encoding_of, pcm16

BOUNDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Seconds: people notice a tenth of a second, and give up after ten."""

_MAX_CODES = 64
"""Codes of errors that are told apart: the policy has some thirty, and a scenario may add its own."""
_MAX_WAITING = 64
"""Turns of a session whose transcription is waited for: where none is wanted, none comes."""

_COMPRESSED = frozenset({"unmute"})
"""Dialects whose sound is as long as only its session knows."""

_OUTCOMES = {(1001, "session_expired"): "expired", (4000, "beta_api_shape_disabled"): "beta_disabled"}
"""How a session has ended, by the code of the server's Close and that of its last error: a fault may close with any."""


@attrs.define
class Latency:
    """A histogram of seconds: how many are at most each of `BOUNDS`, each counted once, and the rest."""

    counts: list[int] = attrs.field(factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds


@attrs.define
class Metrics:
    """The counts of one server since `started` (seconds since 1970). Events are counted by their class."""

    started: float
    open: Counter[str] = attrs.field(factory=Counter)
    """Sessions, by dialect."""
    ended: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    """Sessions, by dialect and outcome."""
    refused: Counter[int] = attrs.field(factory=Counter)
    """Requests, by HTTP status."""
    received: dict[type, int] = attrs.field(factory=dict)
    sent: dict[type, int] = attrs.field(factory=dict)
    responses: Counter[str] = attrs.field(factory=Counter)
    """Those that ended, by status."""
    errors: Counter[str] = attrs.field(factory=Counter)
    """`error` events, by code."""
    seconds_received: float = 0.0
    seconds_sent: float = 0.0
    first_audio: Latency = attrs.field(factory=Latency)
    """From the end of the user's turn, or the client's wish for a response, to the first of its audio."""
    transcription: Latency = attrs.field(factory=Latency)
    """From the end of the user's turn to its transcript."""


@attrs.define
class _Answer:
    """A response whose audio comes: since when it is waited for (None: it has come), and bytes in a second of it."""

    since: float | None
    bytes_per_second: int


class Meter:
    """Counts what one session hears and says. `now` is in seconds of a monotonic clock."""

    def __init__(self, metrics: Metrics, dialect: str) -> None:
        self._metrics = metrics
        self._dialect = dialect
        self._outcome = "lost"
        self._error = ""
        self._done: object = None
        # Until a session says otherwise; vLLM's never do.
        self._input = pcm16(rules_of(dialect).input_rate).bytes_per_ms * 1000
        self._output = _bytes_per_second(None)
        self._compressed = dialect in _COMPRESSED
        self._turn_ended: float | None = None
        self._answers: dict[str, _Answer] = {}
        self._waiting: dict[str, float] = {}
        metrics.open[dialect] += 1

    def heard(self, event: events.ClientEvent | events.LocalEvent, now: float) -> None:
        """The client said this, or it is how the session ended."""
        cls = type(event)
        counts = self._metrics.received
        counts[cls] = counts.get(cls, 0) + 1
        handler = found_for(self._HEARD, cls, None)
        if handler is not None:
            handler(self, event, now)

    def said(self, event: events.ServerEvent, now: float) -> None:
        """The server says this."""
        cls = type(event)
        counts = self._metrics.sent
        counts[cls] = counts.get(cls, 0) + 1
        handler = found_for(self._SAID, cls, None)
        if handler is not None:
            handler(self, event, now)

    def sounded(self, heard: float, said: float) -> None:
        """So many seconds were heard and said, in a session whose sound is compressed."""
        self._metrics.seconds_received += heard
        self._metrics.seconds_sent += said

    def closed(self, close: Close) -> None:
        """The server ends the session."""
        self._outcome = _OUTCOMES.get((close.code, self._error), "closed_by_server")

    def failed(self) -> None:
        """The server could not go on."""
        self._outcome = "failed"

    def end(self) -> None:
        """The session is over."""
        self._metrics.open[self._dialect] -= 1
        self._metrics.ended[self._dialect, self._outcome] += 1

    def _ended(self, event: events.Closed, now: float) -> None:
        del self._metrics.received[events.Closed]  # it never travelled
        if self._outcome == "lost" and event.clean:
            self._outcome = "closed_by_client"

    def _audio_received(self, event: events.InputAudioBufferAppend, now: float) -> None:
        if not self._compressed:
            self._metrics.seconds_received += len(event.audio) / self._input

    def _sound_ended(self, event: vllm.InputAudioBufferCommit, now: float) -> None:
        if event.final:
            self._turn_ended = now

    def _response_wanted(self, event: events.ResponseCreate, now: float) -> None:
        self._turn_ended = now

    def _turn_taken(self, event: events.InputAudioBufferCommitted, now: float) -> None:
        self._turn_ended = now
        if len(self._waiting) >= _MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[event.item_id] = now

    def _configured(self, event: events.SessionCreated | events.SessionUpdated, now: float) -> None:
        audio = getattr(event.session, "audio", None)
        if audio:
            self._input, self._output = _bytes_per_second(audio.input), _bytes_per_second(audio.output)

    def _response_begun(self, event: events.ResponseCreated, now: float) -> None:
        since = now if self._turn_ended is None else self._turn_ended
        self._turn_ended = None
        audio = event.response.audio
        output = _bytes_per_second(audio.output) if audio else self._output
        self._answers[str(event.response.id)] = _Answer(since, output)

    def _audio_sent(self, event: events.ResponseOutputAudioDelta, now: float) -> None:
        answer = self._answers.get(str(event.response_id))
        if answer is None:
            return
        if answer.since is not None:
            self._metrics.first_audio.add(now - answer.since)
            answer.since = None
        if not self._compressed:
            self._metrics.seconds_sent += len(event.delta) / answer.bytes_per_second

    def _translation_sent(self, event: translation.SessionOutputAudioDelta, now: float) -> None:
        self._metrics.seconds_sent += len(event.delta) / _bytes_per_second(None)

    def _response_ended(self, event: events.ResponseDone, now: float) -> None:
        if event.response.id == self._done:
            return  # a fault has doubled it
        self._done = event.response.id
        self._answers.pop(str(event.response.id), None)
        self._metrics.responses[str(event.response.status or "unknown")] += 1

    def _turn_paused(self, event: unmute.InputAudioBufferSpeechStopped, now: float) -> None:
        self._turn_ended = now

    def _answer_spoken(self, event: unmute.ResponseOutputAudioDone, now: float) -> None:
        self._metrics.responses["completed"] += 1

    def _answer_interrupted(self, event: unmute.InterruptedByVad, now: float) -> None:
        self._metrics.responses["cancelled"] += 1

    def _transcribed(self, event: events.ConversationItemInputAudioTranscriptionCompleted, now: float) -> None:
        since = self._waiting.pop(event.item_id, None)
        if since is not None:
            self._metrics.transcription.add(now - since)

    def _written_down(self, event: vllm.ConversationItemInputAudioTranscriptionCompleted, now: float) -> None:
        if self._turn_ended is not None:
            self._metrics.transcription.add(now - self._turn_ended)
        self._turn_ended = None

    def _refused(self, event: events.ErrorEvent, now: float) -> None:
        errors, code = self._metrics.errors, str(event.error.code or "none")
        self._error = code
        errors[code if code in errors or len(errors) < _MAX_CODES else "other"] += 1

    _HEARD: ClassVar[dict[type, Callable[[Meter, Any, float], None] | None]] = {
        events.Closed: _ended,
        events.InputAudioBufferAppend: _audio_received,
        events.ResponseCreate: _response_wanted,
        vllm.InputAudioBufferCommit: _sound_ended,
    }
    _SAID: ClassVar[dict[type, Callable[[Meter, Any, float], None] | None]] = {
        events.SessionCreated: _configured,
        events.SessionUpdated: _configured,
        events.InputAudioBufferCommitted: _turn_taken,
        events.ResponseCreated: _response_begun,
        events.ResponseOutputAudioDelta: _audio_sent,
        events.ResponseDone: _response_ended,
        translation.SessionOutputAudioDelta: _translation_sent,
        unmute.InputAudioBufferSpeechStopped: _turn_paused,
        unmute.ResponseOutputAudioDelta: _audio_sent,
        unmute.ResponseOutputAudioDone: _answer_spoken,
        unmute.InterruptedByVad: _answer_interrupted,
        events.ConversationItemInputAudioTranscriptionCompleted: _transcribed,
        events.ErrorEvent: _refused,
        vllm.ConversationItemInputAudioTranscriptionCompleted: _written_down,
    }


def _bytes_per_second(direction: Any) -> int:
    """Of the audio of a session's or response's `input` or `output`; of PCM16 where it says nothing."""
    return encoding_of(getattr(direction or None, "format", None)).bytes_per_ms * 1000
