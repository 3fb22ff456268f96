"""A translation session: sound goes in, and comes out after it; no turns, no items, no responses.

Nobody here can translate, and the session says so in every passage: the words are those that were said.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar

import attrs

from rtproto import Close, events, value
from rtproto.events import translation

from ._checks import check_client_session, check_fields
from ._ears import Ears, check_size
from ._engines import Context, Speech
from ._machine import Machine
from ._refusal import Refusal, unknown
from ._script import acting
from ._session import default_translation, merged
from ._settings import PACE, Settings
from ._sound import PCM16, Sound, pieces
from ._tokens import spoken_words
from ._vad import Started, Stopped

_FRAME_MS = 200
"""Of sound, as at OpenAI: `elapsed_ms` counts in these."""
_AHEAD = 3
"""Words of the transcript sent before each frame."""
_LONGEST_MS = 60_000
"""Of one passage: who never pauses is answered after a minute."""
_EARS = events.AudioInput(
    format=events.AudioPcm(rate=24_000),
    turn_detection=events.ServerVad(threshold=0.5, prefix_padding_ms=300, silence_duration_ms=500),
)
"""A passage ends where a speaker pauses for half a second."""

_Plan = Iterator[float | None]
"""Each step says for how many seconds to pause; None: until an engine has more."""


@attrs.frozen
class _Passage:
    """What was said between two pauses, and where in the input it begins."""

    sound: Sound
    start_ms: int


class Translation(Machine):
    """A session that translates nothing: it tells the words that it heard, and speaks them again.

    `model` is what the client asked for in its URL. `session` is what it begins as, where the client's secret says so.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        model: str | None = None,
        session: events.AnySession | None = None,
    ) -> None:
        super().__init__(acting(settings or Settings()), "ga-translation")
        self._wanted_session = session
        self._model = getattr(session, "model", None) or model or self._habits.model
        self._ears = Ears(self.settings.engines.activity, _LONGEST_MS)
        self._ears.configure(_EARS)
        self._start_ms = 0
        """Where the passage began that goes on."""
        self._passages: deque[_Passage] = deque()
        self._plan: _Plan | None = None
        self._due: float | None = None
        self._spoken_ms = 0
        self._closing = False

    @property
    def session_id(self) -> str:
        return value(self._session.id, "")

    # ---- time ----

    def _begin(self, expires_at: int) -> None:
        self._session = self._default = default_translation(self.settings.make_id("sess"), expires_at, self._model)
        if self._wanted_session is not None:
            self._session = merged(self._session, self._wanted_session, self._default, self._habits)
        self._out.send(events.SessionCreated(session=self._session))

    def _moments(self) -> Iterable[float | None]:
        return (self._due,)

    def _waits(self) -> bool:
        return self._plan is not None and self._due is None

    def _ask(self, now: float) -> None:
        if self._waits():
            self._advance(now)

    def _act(self, moment: float) -> None:
        self._advance(moment)

    def _advance(self, now: float) -> None:
        """Goes on with the passage; the next one begins where it has ended."""
        assert self._plan is not None
        try:
            pause = next(self._plan)
        except StopIteration:
            self._next(now)
        except Exception as error:
            self._tell_failure(str(error) or repr(error))
            self._next(now)
        else:
            self._due = None if pause is None else now + pause

    def _tell_failure(self, message: str) -> None:
        error = events.RealtimeError(
            type="server_error", code="engine_failed", message=message, param=None, event_id=None
        )
        self._out.send(events.ErrorEvent(error=error))

    def _next(self, now: float) -> None:
        if self._passages:
            self._plan, self._due = self._translate(self._passages.popleft()), now
            return
        self._plan = self._due = None
        if self._closing:
            self._out.send(translation.SessionClosed())
            self._end(Close(1000))

    def _abandon(self) -> None:
        self._passages.clear()
        self._plan = self._due = None

    # ---- one method an event of the client ----

    def _update(self, event: events.SessionUpdate, now: float) -> None:
        change: Any = event.session
        check_client_session(change)
        if getattr(change, "model", None):
            raise unknown("session.model")
        check_fields(change, "session", self._habits.checks)
        self._session = merged(self._session, change, self._default, self._habits)
        self._out.send(events.SessionUpdated(session=self._session))

    def _append(self, event: events.InputAudioBufferAppend, now: float) -> None:
        self._check_open()
        waiting = sum(passage.sound.ms for passage in self._passages)
        if waiting > self.settings.max_input_ms:
            raise Refusal("input_audio_buffer_full", f"{waiting // 1000} seconds wait to be translated: send slower.")
        check_size(event.audio)
        size = _FRAME_MS * PCM16.bytes_per_ms
        for at in range(0, len(event.audio), size):
            for turn in self._ears.append(event.audio[at : at + size]):
                if isinstance(turn, Started):
                    self._start_ms = max(turn.at_ms, self._ears.buffer.origin_ms)
                elif isinstance(turn, Stopped):
                    self._take(turn.at_ms, now)

    def _close(self, event: translation.SessionClose, now: float) -> None:
        self._check_open()
        self._closing = True
        if self._ears.speaking:
            self._take(self._ears.buffer.position_ms, now)
        if self._plan is None:
            self._next(now)

    def _check_open(self) -> None:
        if self._closing:
            raise Refusal("session_closing", "The session is being closed: nothing more can be translated.", "type")

    def _take(self, end_ms: int, now: float) -> None:
        self._passages.append(_Passage(self._ears.buffer.take(self._start_ms, end_ms), self._start_ms))
        if self._plan is None:
            self._next(now)

    # ---- a passage ----

    def _translate(self, passage: _Passage) -> _Plan:
        pcm, words = passage.sound.pcm16(), ""
        gap = " " if self._spoken_ms else ""
        for piece in self.settings.engines.transcriber.transcribe(Speech(pcm=pcm, asker=self)):
            if piece is None:
                yield None
                continue
            if self._is_transcribed():
                elapsed = _frame(passage.start_ms + passage.sound.ms)
                said = piece if words else gap + piece
                self._out.send(translation.SessionInputTranscriptDelta(delta=said, elapsed_ms=elapsed))
            words += piece
        if words.strip():
            yield from self._speak(f"(not translated) {words.strip()}", gap, pcm)

    def _is_transcribed(self) -> bool:
        audio = self._session.audio
        return bool(audio and audio.input and audio.input.transcription)

    def _speak(self, text: str, gap: str, heard: bytes) -> _Plan:
        waiting = iter(spoken_words(gap + text))
        context = Context(heard=heard, heard_ms=len(heard) // PCM16.bytes_per_ms)
        sound = self.settings.engines.speaker.speak(text, context)
        for data in pieces(sound, PCM16, _FRAME_MS * PCM16.bytes_per_ms):
            if data is None:
                yield None
                continue
            self._tell(islice(waiting, _AHEAD))
            elapsed = _frame(self._spoken_ms)
            self._out.send(
                translation.SessionOutputAudioDelta(
                    delta=data, sample_rate=PCM16.rate, channels=1, format="pcm16", elapsed_ms=elapsed
                )
            )
            ms = len(data) // PCM16.bytes_per_ms
            self._spoken_ms += ms
            yield ms / 1000 / (self.settings.pace or PACE)
        self._tell(waiting)

    def _tell(self, words: Iterable[str]) -> None:
        for word in words:
            elapsed = _frame(self._spoken_ms)
            self._out.send(translation.SessionOutputTranscriptDelta(delta=word, elapsed_ms=elapsed))

    HANDLERS: ClassVar[Mapping[type[Any], Callable[[Any, Any, float], None]]] = {
        events.SessionUpdate: _update,
        events.InputAudioBufferAppend: _append,
        translation.SessionClose: _close,
    }


def _frame(ms: int) -> int:
    return ms // _FRAME_MS * _FRAME_MS
