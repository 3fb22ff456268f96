"""What is heard becomes messages of the user: by voice activity, by a commit, or by nobody's speaking."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import attrs

from rtproto import events, value

from ._conversation import Conversation, place
from ._ears import Ears
from ._finished import sounds_finished
from ._habits import Habits
from ._items import idle_note
from ._outbox import Outbox
from ._pictures import Pictures
from ._refusal import Refusal
from ._session import Session, audio_input
from ._sound import Sound
from ._transcriptions import Early, Transcriptions, Wanted, wanted_of
from ._vad import Paused, Resumed, Started, Stopped


@attrs.define
class _Speech:
    """The turn that goes on: the id of the item that it will be, where it began, and its words if it ends here.

    `caption` is what the client was told of them.
    """

    item_id: str
    start_ms: int
    early: Early | None = None
    caption: str = ""


class Turns:
    """Makes turns of what the ears hear, and tells the client of them."""

    def __init__(
        self,
        out: Outbox,
        habits: Habits,
        ears: Ears,
        conversation: Conversation,
        transcriptions: Transcriptions,
    ) -> None:
        self._out = out
        self._ears = ears
        self._conversation = conversation
        self._transcriptions = transcriptions
        self._habits = habits
        self._heard = events.AudioInput()
        self._wanted: Wanted | None = None
        self._speech: _Speech | None = None
        self._pictures = Pictures()

    def follow(self, session: Session) -> None:
        """Hears as `session` says from now on."""
        self._heard = self._habits.heard(audio_input(session))
        self._ears.configure(self._heard)
        self._wanted = (
            wanted_of(self._heard.transcription, session.include or (), self._habits)
            if self._heard.transcription
            else None
        )
        if not self._ears.speaking:
            self._drop()

    @property
    def interrupts(self) -> bool:
        """Whether speech ends what is being said."""
        return self._wants("interrupt_response")

    @property
    def asks(self) -> bool:
        """Whether a turn asks for a response by itself."""
        return self._wants("create_response")

    @property
    def truncates(self) -> bool:
        """Whether what is interrupted is truncated without being asked (Azure Voice Live)."""
        return self._wants("auto_truncate", otherwise=False)

    def _wants(self, name: str, *, otherwise: bool = True) -> bool:
        return bool(value(getattr(self._heard.turn_detection, name, None), otherwise))

    @property
    def detects(self) -> bool:
        """Whether voice activity makes the turns."""
        return bool(self._heard.turn_detection)

    @property
    def idle_ms(self) -> int | None:
        """How long nobody may speak."""
        found: Any = getattr(self._heard.turn_detection, "idle_timeout_ms", None)
        return found or None

    # ---- voice activity ----

    def append(self, data: bytes) -> Iterator[Started | Stopped]:
        """Takes more audio; gives the turns that have begun and ended, told and taken already."""
        for turn in self._ears.append(data):
            if isinstance(turn, Started):
                self._start(turn)
                yield turn
            elif isinstance(turn, Stopped):
                self._stop(turn)
                yield turn
            else:
                self._pause(turn)
        yield from self.look()

    def look(self) -> Iterator[Stopped]:
        """Gives the turn that has ended because its words, known by now, sound finished: told and taken already."""
        if self._speech is not None:
            self._tell_caption(self._speech)
        if self._ears.may_end and self._has_finished():
            end = self._ears.end()
            self._stop(end)
            yield end

    @property
    def waits(self) -> bool:
        """Whether the words of a turn will tell if it has ended, and are not known yet."""
        early = self._speech.early if self._speech and self._ears.may_end else None
        return early is not None and early.words() is None and not early.failed

    def _has_finished(self) -> bool:
        """Whether the words that are known sound so: semantic VAD."""
        early = self._speech.early if self._speech else None
        return early is not None and sounds_finished(early.words() or "")

    def _tell_caption(self, speech: _Speech) -> None:
        """Tells what is known of a turn that may have ended; what differs from what was told comes with the whole."""
        semantic = isinstance(self._heard.turn_detection, events.SemanticVad)
        if not (self._habits.live_captions and semantic and self._wanted and speech.early):
            return
        words, told = speech.early.words() or "", speech.caption
        if len(words) > len(told) and words.startswith(told):
            speech.caption = words
            delta = events.ConversationItemInputAudioTranscriptionDelta(
                item_id=speech.item_id, content_index=0, delta=words[len(told) :]
            )
            self._out.send(delta)

    def _drop(self) -> None:
        """Nothing becomes of the turn that goes on; what was told of it is taken back."""
        speech, self._speech = self._speech, None
        if speech is not None and speech.caption:
            error = events.ErrorDetails(type="transcription_discarded", message="turn discarded before commit")
            self._out.send(
                events.ConversationItemInputAudioTranscriptionFailed(
                    item_id=speech.item_id, content_index=0, error=error
                )
            )

    def _start(self, turn: Started) -> None:
        start = max(turn.at_ms, self._ears.buffer.origin_ms)
        self._speech = _Speech(self._out.make_id("item"), start)
        self._out.send(events.InputAudioBufferSpeechStarted(audio_start_ms=start, item_id=self._speech.item_id))
        self._transcriptions.prepare()

    def _pause(self, turn: Paused | Resumed) -> None:
        """Where the turn may have ended its words are looked for; where it goes on they are dropped."""
        if self._speech is not None:
            sound = self._ears.buffer.peek(self._speech.start_ms, turn.at_ms) if isinstance(turn, Paused) else None
            self._speech.early = self._transcriptions.begin(sound, self._wanted) if sound else None

    def _stop(self, turn: Stopped) -> None:
        speech, self._speech = self._speech, None
        assert speech is not None, "a turn ends only after it began"
        self._out.send(events.InputAudioBufferSpeechStopped(audio_end_ms=turn.at_ms, item_id=speech.item_id))
        self._take(speech.item_id, self._ears.buffer.take(speech.start_ms, turn.at_ms), speech.early)

    # ---- the other ways ----

    def commit(self) -> None:
        """Makes a turn of everything that is buffered. Refuses too little."""
        sound = self._ears.commit()
        speech, self._speech = self._speech, None
        self._take(speech.item_id if speech else self._out.make_id("item"), sound)

    def end(self) -> bool:
        """Ends the turn that goes on, as if silence did; False where nobody speaks."""
        if not self._ears.speaking:
            return False
        self._stop(self._ears.end())
        return True

    def show(self, picture: bytes) -> None:
        """Takes a picture (JPEG) into the next turn. Refuses one before any sound of that turn."""
        if not self._ears.buffer.held_ms:
            raise Refusal(None, "Error append image before append audio.")
        self._pictures.append(picture)

    def clear(self) -> None:
        """Drops everything that is buffered."""
        self._ears.clear()
        self._pictures.clear()
        self._drop()
        self._out.send(events.InputAudioBufferCleared())

    def time_out(self) -> None:
        """Nobody spoke: what was heard meanwhile becomes a message, and the model is told."""
        buffer = self._ears.buffer
        end = buffer.position_ms
        start = max(buffer.origin_ms, end - (self.idle_ms or 0))
        item_id = self._out.make_id("item")
        self._out.send(events.InputAudioBufferTimeoutTriggered(audio_start_ms=start, audio_end_ms=end, item_id=item_id))
        place(self._out, self._conversation, idle_note(self._out.make_id("item")))
        self._take(item_id, buffer.take(start, end))

    def _take(self, item_id: str, sound: Sound, early: Early | None = None) -> None:
        """Makes committed audio a user message."""
        conversation = self._conversation
        self._out.send(events.InputAudioBufferCommitted(previous_item_id=conversation.tail(), item_id=item_id))
        content: list[events.Content] = [events.InputAudio(transcript=None), *self._pictures.take()]
        item = events.MessageItem(id=item_id, status="completed", role="user", content=content)
        place(self._out, conversation, item)
        conversation.add_sound(item_id, 0, sound)
        self._transcriptions.start(item_id, sound, self._wanted, partial(conversation.transcribed, item_id, 0), early)
