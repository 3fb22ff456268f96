"""A session of vLLM's realtime endpoint: sound goes in, and its words come out while it still comes.

As vLLM's own code has it: `vllm/entrypoints/speech_to_text/realtime/connection.py`, of 2026.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import attrs

from rtproto import UNSET, events, value
from rtproto.events import vllm

from ._ears import MAX_APPEND, Ears
from ._engines import EarlyTranscriber, Speech
from ._machine import Machine
from ._refusal import Refusal
from ._script import acting
from ._settings import Settings
from ._sound import Sound, pcm16
from ._tokens import INPUT_MS_PER_TOKEN, spoken_words, text_tokens
from ._vad import Started, Stopped

PCM16_16K = pcm16(16_000)
"""All that it hears."""

_LONGEST_MS = 60_000
"""Of one passage: the words of who never pauses come after a minute."""
_STEP = 200 * PCM16_16K.bytes_per_ms
"""As much is heard at once: a passage never outgrows the ears by more."""
_MAX_ENDS = 100
"""Ends that wait for a beginning: a client that says more of them has lost its way."""
_EARS = events.AudioInput(
    format=events.AudioPcm(rate=PCM16_16K.rate),
    turn_detection=events.ServerVad(threshold=0.5, prefix_padding_ms=300, silence_duration_ms=500),
)
"""Words are looked for where a speaker pauses for half a second: a transcriber takes none of them back."""

_NO_MODEL = "Model not validated. Make sure to validate the model by sending a session.update event."


@attrs.define(eq=False)
class _Generation:
    """A transcription that goes on: passages whose words are not told yet, and what was told."""

    passages: deque[Sound] = attrs.field(factory=deque)
    start_ms: int = 0
    """Where the passage began that goes on, on the time line of the ears."""
    heard: int = 0
    """Bytes, in all."""
    found: bool = False
    """Whether somebody was heard to speak."""
    ended: bool = False
    """No more sound comes."""
    text: str = ""
    steps: Iterator[bool] = attrs.field(factory=lambda: iter(()))
    waits: bool = False
    """Whether the transcriber had nothing yet."""


class Vllm(Machine):
    """A session that transcribes. Any model that a client names is taken."""

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__(acting(settings or Settings()), "vllm")
        self._named = False
        """Whether the client has named a model."""
        self._ears = Ears(self.settings.engines.activity, _LONGEST_MS)
        self._ears.configure(_EARS)
        self._generation: _Generation | None = None
        self._waiting = [bytearray()]
        """Sound that no generation hears yet; each but the last part has ended."""

    @property
    def session_id(self) -> str:
        return value(self._session.id, "")

    # ---- time ----

    def _begin(self, expires_at: int) -> None:
        created = int(expires_at - self.settings.duration)
        self._session = vllm.TranscriptionSession(id=self.settings.make_id("sess"), created=created)
        self._out.send(events.SessionCreated(session=self._session))

    def _moments(self) -> Iterable[float | None]:
        return ()

    def _act(self, moment: float) -> None:
        """Nothing here is due at a moment of its own."""

    def _waits(self) -> bool:
        return self._generation is not None and self._generation.waits

    def _ask(self, now: float) -> None:
        generation = self._generation
        if generation is None:
            return
        try:
            generation.waits = next(generation.steps)
        except StopIteration:
            self._complete(generation)
        except Exception as error:
            # What came meanwhile waits for the next one.
            self._generation = None
            self._refuse(Refusal("processing_error", str(error) or repr(error)), None)

    def _abandon(self) -> None:
        self._generation = None
        self._waiting = [bytearray()]

    def failed_transcription(
        self, event: events.ConversationItemInputAudioTranscriptionCompleted, code: str, message: str
    ) -> Iterable[events.ServerEvent]:
        return (self._out.address(events.ErrorEvent(error=events.RealtimeError(code=code, message=message))),)

    # ---- one method an event of the client ----

    def _update(self, event: events.SessionUpdate, now: float) -> None:
        if _model_of(event.session) is None:
            raise Refusal("invalid_event", "Missing required field: model")
        self._named = True

    def _append(self, event: events.InputAudioBufferAppend, now: float) -> None:
        data = event.audio
        if not data or len(data) % PCM16_16K.sample_bytes or len(data) > MAX_APPEND:
            raise Refusal("invalid_audio", "Invalid audio data")
        generation = self._generation
        listening = generation is not None and not generation.ended
        held = sum(sound.ms for sound in generation.passages) if generation else 0
        held += sum(map(len, self._waiting)) // PCM16_16K.bytes_per_ms
        if held > self.settings.max_input_ms:
            message = f"{held // 1000} seconds of sound wait to be transcribed: commit it, or send slower."
            raise Refusal("input_audio_buffer_full", message)
        if generation is not None and listening:
            self._hear(generation, data)
        else:
            self._waiting[-1] += data

    def _commit(self, event: events.InputAudioBufferCommit, now: float) -> None:
        if not self._named:
            raise Refusal("model_not_validated", _NO_MODEL)
        generation = self._generation
        if not getattr(event, "final", False):
            if generation is None:
                self._start()
        elif generation is not None and not generation.ended:
            self._end_sound(generation)
        elif len(self._waiting) > _MAX_ENDS:
            raise Refusal("processing_error", f"{_MAX_ENDS} ends wait for a commit that begins.")
        else:
            self._waiting.append(bytearray())

    # ---- a generation ----

    def _start(self) -> None:
        self._generation = generation = _Generation()
        generation.steps = self._transcribe(generation)
        self._ears.clear()
        sound, *self._waiting = self._waiting
        has_ended = bool(self._waiting)
        self._waiting = self._waiting or [bytearray()]
        self._hear(generation, bytes(sound))
        if has_ended:
            self._end_sound(generation)

    def _hear(self, generation: _Generation, data: bytes) -> None:
        generation.heard += len(data)
        for at in range(0, len(data), _STEP):
            for turn in self._ears.append(data[at : at + _STEP]):
                if isinstance(turn, Started):
                    generation.start_ms = max(turn.at_ms, self._ears.buffer.origin_ms)
                    self._prepare()
                elif isinstance(turn, Stopped):
                    self._take(generation, turn.at_ms)

    def _end_sound(self, generation: _Generation) -> None:
        """The last passage ends; where nobody was heard the transcriber may find what the ears did not."""
        buffer = self._ears.buffer
        if not self._ears.speaking and not generation.found:
            generation.start_ms = buffer.origin_ms
            self._take(generation, buffer.position_ms)
        elif self._ears.speaking:
            self._take(generation, buffer.position_ms)
        generation.ended = True

    def _take(self, generation: _Generation, end_ms: int) -> None:
        sound = self._ears.buffer.take(generation.start_ms, end_ms)
        generation.found = True
        if sound.ms:
            generation.passages.append(sound)

    def _prepare(self) -> None:
        transcriber = self.settings.engines.transcriber
        if isinstance(transcriber, EarlyTranscriber):
            transcriber.prepare()

    def _transcribe(self, generation: _Generation) -> Iterator[bool]:
        """Tells the words of each passage in turn. Stops for more: True from the transcriber, False to hear."""
        while generation.passages or not generation.ended:
            if not generation.passages:
                yield False
                continue
            speech = Speech(pcm=generation.passages.popleft().engine_pcm(), asker=self)
            begins = True
            for piece in self.settings.engines.transcriber.transcribe(speech):
                if piece is None:
                    yield True
                elif piece:
                    gap = " " if begins and generation.text and not piece[0].isspace() else ""
                    self._tell(generation, gap + piece)
                    begins = False

    def _tell(self, generation: _Generation, piece: str) -> None:
        generation.text += piece
        for word in spoken_words(piece):
            self._out.send(vllm.ConversationItemInputAudioTranscriptionDelta(delta=word))

    def _complete(self, generation: _Generation) -> None:
        """It has ended. What came after its end is lost, as at vLLM, which clears its queue here."""
        prompt = -(-generation.heard // (PCM16_16K.bytes_per_ms * INPUT_MS_PER_TOKEN))
        told = text_tokens(generation.text)
        usage = vllm.Usage(
            prompt_tokens=prompt, total_tokens=prompt + told, completion_tokens=told, prompt_tokens_details=None
        )
        self._out.send(vllm.ConversationItemInputAudioTranscriptionCompleted(transcript=generation.text, usage=usage))
        self._abandon()

    HANDLERS: ClassVar[Mapping[type[Any], Callable[[Any, Any, float], None]]] = {
        events.SessionUpdate: _update,
        events.InputAudioBufferAppend: _append,
        events.InputAudioBufferCommit: _commit,
    }


def _model_of(session: Any) -> str | None:
    """The model that an update names, where vLLM looks for it."""
    for name in ("audio", "input", "transcription", "model"):
        session = getattr(session, name, UNSET)
    return value(session, None)
