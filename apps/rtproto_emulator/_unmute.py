"""A session of Kyutai's Unmute: sound goes in and comes out, and the server decides alone whose turn it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, ClassVar

import attrs

from rtproto import Close, events, value
from rtproto._dialects import dialect
from rtproto._refusal import refusal as refused
from rtproto.events import unmute

from ._ears import Ears, check_size
from ._ending import Ending
from ._engines import Context
from ._machine import Machine
from ._opus import OpusDecoder, OpusEncoder, OpusError
from ._refusal import Refusal, missing
from ._script import acting
from ._settings import Settings
from ._sound import PCM16, Sound
from ._transcriptions import Early, Transcriptions
from ._unmute_answer import FRAME_MS, SILENT_FRAME, Answer
from ._unmute_chat import INTERRUPTED, SILENCE, Chat, checked
from ._vad import Paused, Resumed, Started, Stopped

_EARS = events.AudioInput(
    format=events.AudioPcm(rate=24_000),
    turn_detection=events.ServerVad(threshold=0.5, prefix_padding_ms=300, silence_duration_ms=500),
)
_FRAME = FRAME_MS * PCM16.bytes_per_ms

# What follows is as in Unmute's source.
_SILENCE_MS = 7_000
"""Of the client's sound, after which the assistant speaks unasked."""
_UNINTERRUPTIBLE_MS = 3_000
"""At the beginning, in which sound alone does not interrupt: echo cancellation takes a while. Words do."""
_REST = 1.0
"""Seconds from the end of an answer until silence counts."""
_UPDATE_MS = 1_000
"""Of the client's sound, between two of what Unmute's page shows to those who work on it."""
_GOODBYE = "bye!"
"""With these words at its end an answer ends the session."""


@attrs.define
class _Turn:
    """The turn that goes on: where it began, and its words if it ends here."""

    start_ms: int
    early: Early | None = None


@attrs.frozen
class _Passage:
    """What was said in a turn, and where in the input it begins."""

    sound: Sound
    start_ms: int
    early: Early | None


class Unmute(Machine):
    """A session of Unmute. Raises ImportError where there is no Opus.

    What it says when follows Unmute's source, but for the words of the user: these come when a turn pauses, as the
    recogniser here knows none before, each with the second at which it may have been said.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(acting(settings or Settings()), "unmute")
        engines = self.settings.engines
        self._id = self.settings.make_id("sess")
        self._decoder = OpusDecoder()
        self._encoder = OpusEncoder()
        self._transcriptions = Transcriptions(self._out, engines.transcriber)
        self._ears = Ears(engines.activity, self.settings.max_input_ms, self._transcriptions.pause_ms)
        self._ears.configure(_EARS)
        self._chat = Chat()
        self._memory: dict[object, Any] = {}
        self._instructed = False
        self._voice: str | None = None
        self._turn: _Turn | None = None
        self._passages: deque[_Passage] = deque()
        self._words: Iterator[list[str] | None] | None = None
        """Of the first passage, while they are looked for."""
        self._answer: Answer | None = None
        self._rest_at: float | None = None
        """When silence begins to count after an answer."""
        self._waiting_since_ms = 0
        self._updated_ms = 0

    @property
    def session_id(self) -> str:
        return self._id

    # ---- time ----

    def _begin(self, expires_at: int) -> None:
        """Says nothing: Unmute does not greet before it has its instructions and hears something."""

    def _moments(self) -> Iterable[float | None]:
        return (self._answer.due if self._answer else None, self._rest_at)

    def _act(self, moment: float) -> None:
        if self._rest_at is not None and self._rest_at <= moment:
            self._rest()
        else:
            self._advance(moment)

    def _waits(self) -> bool:
        return self._words is not None or (self._answer is not None and self._answer.due is None)

    def _ask(self, now: float) -> None:
        self._listen(now)
        if self._answer is not None and self._answer.due is None:
            self._advance(now)

    def _abandon(self) -> None:
        self._drop_answer()
        self._passages.clear()
        self._words = self._turn = self._rest_at = None

    def _expire(self) -> None:
        message = f"Your session hit the maximum duration of {self.settings.duration / 60:g} minutes."
        self._tell("fatal", message, "session_expired")
        self._end(Close(1001, message))

    # ---- errors ----

    def _refuse(self, refusal: Refusal, event_id: str | None) -> None:
        param = self._habits.wire_path(refusal.param) if refusal.param else None
        error = refused(dialect("unmute"), code=refusal.code, message=refusal.message, param=param, event_id=event_id)
        self._out.send(events.ErrorEvent(error=error))

    def _tell(self, kind: str, message: str, code: str | None = None) -> None:
        self._out.send(events.ErrorEvent(error=events.RealtimeError(type=kind, code=code, message=message)))

    def _check(self, event: events.ClientEvent, event_id: str) -> None:
        """Fields that it does not know are nothing to Unmute."""

    # ---- one method an event of the client ----

    def _update(self, event: events.SessionUpdate, now: float) -> None:
        change: Any = event.session
        if not isinstance(getattr(change, "allow_recording", None), bool):
            raise missing("session.allow_recording")
        output = change.audio.output if change.audio else None
        voice = (output.voice or None) if output else None
        if not isinstance(voice, str | None):
            message = "Invalid type for 'session.voice': expected a string, but got an object instead."
            raise Refusal("invalid_type", message, "session.voice")
        instructions = checked(value(change.instructions, None))
        if instructions is not None:
            self._chat.instruct(instructions)
            self._instructed = True
        self._voice = voice or self._voice
        told = unmute.RealtimeSession(
            instructions=instructions, audio=_spoken_with(voice), allow_recording=change.allow_recording
        )
        self._out.send(events.SessionUpdated(session=told))

    def _append(self, event: events.InputAudioBufferAppend, now: float) -> None:
        check_size(event.audio)
        try:
            pcm = self._decoder.feed(event.audio)
        except OpusError as error:
            self._tell("fatal", str(error))
            self._end(Close(1011, str(error)))
            return
        if self.tell_sound is not None:
            self.tell_sound(len(pcm) / PCM16.bytes_per_ms / 1000, 0.0)
        for at in range(0, len(pcm), _FRAME):
            self._hear(pcm[at : at + _FRAME], now)

    def _ignore(self, event: unmute.InputAudioBufferAppendAnonymized, now: float) -> None:
        """Unmute takes it, and does nothing with it."""

    HANDLERS: ClassVar[Mapping[type[Any], Callable[[Any, Any, float], None]]] = {
        events.SessionUpdate: _update,
        events.InputAudioBufferAppend: _append,
        unmute.InputAudioBufferAppendAnonymized: _ignore,
    }

    # ---- what is heard ----

    def _hear(self, pcm: bytes, now: float) -> None:
        if self._chat.state == "bot_speaking":
            self._waiting_since_ms = self._ears.buffer.position_ms
        if self._chat.is_new and self._instructed:
            self._respond(b"", now)
        for turn in self._ears.append(pcm):
            self._TURNS[type(turn)](self, turn, now)
        self._notice_silence(now)
        position = self._ears.buffer.position_ms
        if position - self._updated_ms > _UPDATE_MS and not self.pending:
            self._updated_ms = position
            self._out.send(unmute.AdditionalOutputs(args=self._inside()))

    def _start(self, turn: Started, now: float) -> None:
        self._turn = _Turn(max(turn.at_ms, self._ears.buffer.origin_ms))
        self._transcriptions.prepare()
        if self._chat.state == "bot_speaking" and self._ears.buffer.position_ms > _UNINTERRUPTIBLE_MS:
            self._interrupt()
            self._chat.add("", "user")

    def _pause(self, turn: Paused, now: float) -> None:
        assert self._turn is not None, "a turn pauses only after it began"
        sound = self._ears.buffer.peek(self._turn.start_ms, turn.at_ms)
        self._turn.early = self._transcriptions.begin(sound, None)

    def _resume(self, turn: Resumed, now: float) -> None:
        assert self._turn is not None, "a turn goes on only after it began"
        self._turn.early = None

    def _stop(self, turn: Stopped, now: float) -> None:
        said, self._turn = self._turn, None
        assert said is not None, "a turn ends only after it began"
        sound = self._ears.buffer.take(said.start_ms, turn.at_ms)
        waiting = sum(passage.sound.ms for passage in self._passages)
        if waiting > self.settings.max_input_ms:
            message = f"{waiting // 1000} seconds wait to be understood: what was said now is left out."
            self._tell("warning", message, "input_audio_buffer_full")
            return
        self._passages.append(_Passage(sound, said.start_ms, said.early))
        self._listen(now)

    _TURNS: ClassVar[dict[type, Callable[[Unmute, Any, float], None]]] = {
        Started: _start,
        Paused: _pause,
        Resumed: _resume,
        Stopped: _stop,
    }

    def _listen(self, now: float) -> None:
        """Goes on with the turns whose words are looked for, in order."""
        while self._passages and self._expires is not None:
            passage = self._passages[0]
            if self._words is None:
                self._words = self._understand(passage)
            words: list[str] | None = []
            try:
                words = next(self._words)
            except Exception as error:
                self._tell("server_error", str(error) or repr(error), "engine_failed")
            if words is None:
                return
            self._words = None
            self._passages.popleft()
            if words:
                self._tell_words(words, passage)
                self._end_turn(passage.sound.engine_pcm(), now)

    def _understand(self, passage: _Passage) -> Iterator[list[str] | None]:
        """The words, once all are known; None until then."""
        early = passage.early
        known = early.pieces() if early and not early.failed else self._transcriptions.understand(passage.sound, None)
        heard = ""
        for piece in known:
            if piece is None:
                yield None
            else:
                heard += piece
        yield heard.split()

    def _tell_words(self, words: list[str], passage: _Passage) -> None:
        letters, before = sum(map(len, words)), 0
        for word in words:
            start = passage.start_ms + passage.sound.ms * before // letters
            before += len(word)
            self._out.send(unmute.ConversationItemInputAudioTranscriptionDelta(delta=word, start_time=start / 1000))
            if self._chat.state == "bot_speaking":
                self._interrupt()
            if self._chat.add(word, "user"):
                self._out.send(unmute.InputAudioBufferSpeechStarted())

    def _notice_silence(self, now: float) -> None:
        """Where nobody says anything for long, the assistant is told so as if it were a turn."""
        silent_ms = self._ears.buffer.position_ms - self._waiting_since_ms
        waits = self._chat.state == "waiting_for_user" and not self._ears.speaking and not self._passages
        if waits and silent_ms > _SILENCE_MS:
            self._chat.add(SILENCE, "user")
            self._end_turn(b"", now)

    def _end_turn(self, heard: bytes, now: float) -> None:
        self._out.send(unmute.InputAudioBufferSpeechStopped())
        self._respond(heard, now)

    # ---- what is said ----

    def _respond(self, heard: bytes, now: float) -> None:
        self._rest_at = None
        context = Context(
            items=self._chat.items(),
            heard=heard,
            heard_ms=len(heard) // PCM16.bytes_per_ms,
            instructions=self._chat.instructions,
            voice=self._voice or "alloy",
            memory=self._memory,
        )
        self._chat.add("", "assistant")
        response = unmute.RealtimeResponse(
            object="realtime.response",
            status="in_progress",
            audio=_spoken_with(self._voice or "missing"),
            chat_history=self._chat.history(),
        )
        self._answer = Answer(
            context,
            created=events.ResponseCreated(response=response),
            out=self._out,
            settings=self.settings,
            say=self._say_word,
            sound=self._send_sound,
            now=now,
        )
        self._advance(now)

    def _advance(self, now: float) -> None:
        assert self._answer is not None
        self._answer.advance(now)
        if self._answer.done:
            self._answer = None
            self._flush()
            self._out.send(unmute.ResponseOutputAudioDone())
            self._chat.add("", "user")
            self._rest_at = now + _REST

    def _say_word(self, word: str) -> None:
        self._out.send(unmute.ResponseOutputTextDelta(delta=word))
        self._chat.add(word, "assistant")

    def _send_sound(self, pcm: bytes) -> None:
        data = self._encoder.feed(pcm)
        if data:
            self._out.send(unmute.ResponseOutputAudioDelta(delta=data))
            if self.tell_sound is not None:
                self.tell_sound(0.0, len(pcm) / PCM16.bytes_per_ms / 1000)

    def _flush(self) -> None:
        """Silence brings out what the encoder still has; an answer that has ended cannot fail any more."""
        with suppress(Ending):
            self._send_sound(SILENT_FRAME)

    def _interrupt(self) -> None:
        """What is being said ends here."""
        self._chat.add(INTERRUPTED, "assistant")
        self._drop_answer()
        self._flush()
        self._out.send(unmute.InterruptedByVad())

    def _drop_answer(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.drop()

    def _rest(self) -> None:
        self._rest_at = None
        self._waiting_since_ms = self._ears.buffer.position_ms
        if self._chat.last_said().lower().endswith(_GOODBYE):
            self._end(Close(1000))

    def _inside(self) -> dict[str, Any]:
        """What Unmute's page and its load test read: the conversation, and how it stands."""
        debug = {
            "timing": {},
            "connection": {},
            "chatbot": {},
            "last_receive_time": self._ears.buffer.position_ms / 1000,
            "conversation_state": self._chat.state,
            "tts_voice": self._voice or "none",
        }
        return {"chat_history": self._chat.history(system=False), "debug_dict": debug, "debug_plot_data": []}


def _spoken_with(voice: str | None) -> events.AudioConfig:
    return events.AudioConfig(output=events.AudioOutput(voice=voice))
