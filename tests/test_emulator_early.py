"""Words that are looked for in the silence, before the turn is sure to have ended (rtproto_emulator)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from emulated import Emulated, append, chunks, every, hears, only, silence, update, voice
from rtproto_emulator import EarlyTranscriber, Engines, Settings, Speech

from rtproto import events

TRANSCRIBED = hears(transcription=events.AudioTranscription(model="m"))
COMPLETED = events.ConversationItemInputAudioTranscriptionCompleted


class Early:
    """Notes what it is asked, and answers with the length of it."""

    pause_ms = 160

    def __init__(self) -> None:
        self.asked: list[Speech] = []
        self.dropped = 0
        self.prepared = 0
        self.ready = True
        self.broken = False
        self.words: str | None = None

    def prepare(self) -> None:
        self.prepared += 1

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        self.asked.append(speech)
        if self.broken:
            raise RuntimeError("no model")
        done = False
        try:
            while not self.ready:
                yield None
            done = True
            yield f"{len(speech.pcm) // 48} ms" if self.words is None else self.words
        finally:
            self.dropped += not done


@pytest.fixture
def ears() -> Early:
    return Early()


@pytest.fixture
def e(ears: Early) -> Emulated:
    session = Emulated(Settings(engines=Engines(transcriber=ears)))
    session.say(TRANSCRIBED)
    return session


def lengths(ears: Early) -> list[int]:
    return [len(speech.pcm) // 48 for speech in ears.asked]


def test_the_protocol_is_kept(ears: Early) -> None:
    assert isinstance(ears, EarlyTranscriber)


def test_it_is_told_that_someone_begins_to_speak(e: Emulated, ears: Early) -> None:
    e.say(*chunks(silence(0.5)))
    assert ears.prepared == 0
    e.say(*chunks(voice(0.5)))
    assert ears.prepared == 1
    assert ears.asked == []


def test_the_words_are_there_when_the_turn_ends(e: Emulated, ears: Early) -> None:
    e.say(*chunks(silence(0.5) + voice(1.0) + silence(0.3)))
    assert lengths(ears) == [300 + 1000 + 160]
    assert every(e.seen, events.InputAudioBufferSpeechStopped) == []
    e.say(*chunks(silence(0.3)))
    assert lengths(ears) == [1460]
    assert only(e.seen, COMPLETED).transcript == "1460 ms"


def test_what_was_begun_goes_on_until_it_is_done(e: Emulated, ears: Early) -> None:
    ears.ready = False
    e.say(*chunks(voice(1.0) + silence(0.6)))
    assert every(e.seen, COMPLETED) == []
    ears.ready = True
    assert only(e.wait(0.02), COMPLETED).transcript == f"{lengths(ears)[0]} ms"
    assert ears.dropped == 0


def test_where_speech_goes_on_it_is_dropped_and_asked_again(e: Emulated, ears: Early) -> None:
    ears.ready = False
    e.say(*chunks(voice(1.0) + silence(0.3) + voice(0.5)))
    assert (len(ears.asked), ears.dropped) == (1, 1)
    ears.ready = True
    e.say(*chunks(silence(0.6)))
    first, second = lengths(ears)
    assert second == first + 300 - 160 + 500 + 160
    assert only(e.seen, COMPLETED).transcript == f"{second} ms"


@pytest.mark.parametrize(
    "said", [events.InputAudioBufferClear(), events.InputAudioBufferCommit(), hears(turn_detection=None)]
)
def test_what_ends_the_turn_otherwise_drops_it(e: Emulated, ears: Early, said: events.ClientEvent) -> None:
    ears.ready = False
    e.say(*chunks(voice(1.0) + silence(0.3)))
    e.say(said)
    assert ears.dropped == 1


def test_a_committed_item_is_not_given_the_words_of_another(e: Emulated, ears: Early) -> None:
    ears.ready = False
    e.say(*chunks(voice(1.0) + silence(0.3)))
    content: list[events.Content] = [events.InputAudio(audio=voice(0.2))]
    e.say(events.ConversationItemCreate(item=events.MessageItem(role="user", content=content)))
    assert lengths(ears)[1] == 200
    assert ears.dropped == 0


def test_other_wishes_are_asked_anew(e: Emulated, ears: Early) -> None:
    e.say(*chunks(voice(1.0) + silence(0.3)))
    e.say(hears(transcription=events.AudioTranscription(model="m", language="en")))
    e.say(*chunks(silence(0.3)))
    assert [speech.language for speech in ears.asked] == [None, "en"]


def test_changes_of_something_else_drop_nothing(e: Emulated, ears: Early) -> None:
    e.say(*chunks(voice(1.0) + silence(0.3)))
    e.say(update(instructions="Be brief."))
    e.say(*chunks(silence(0.3)))
    assert len(ears.asked) == 1


def test_a_silence_too_short_for_it(ears: Early) -> None:
    e = Emulated(Settings(engines=Engines(transcriber=ears)))
    e.say(hears(turn_detection=events.ServerVad(silence_duration_ms=100)), *chunks(voice(1.0) + silence(0.3)))
    assert len(ears.asked) == 1
    assert every(e.seen, events.InputAudioBufferSpeechStopped)


def test_a_long_turn_is_asked_once(e: Emulated, ears: Early) -> None:
    e.say(append(voice(21.0) + silence(0.6)))
    assert len(ears.asked) == 1
    assert only(e.seen, COMPLETED)


def test_one_that_fails_early_fails_when_the_turn_has_ended(e: Emulated, ears: Early) -> None:
    ears.broken = True
    e.say(*chunks(voice(1.0) + silence(0.3)))
    assert every(e.seen, events.ErrorEvent) == []
    e.say(*chunks(silence(0.3)))
    assert only(e.seen, events.ConversationItemInputAudioTranscriptionFailed).error.message == "no model"
    assert len(ears.asked) == 2


SEMANTIC = {
    eagerness: hears(turn_detection=events.SemanticVad(eagerness=eagerness)) for eagerness in ("low", "auto", "high")
}


def ended_at(e: Emulated) -> list[int]:
    return [event.audio_end_ms for event in every(e.seen, events.InputAudioBufferSpeechStopped)]


@pytest.mark.parametrize(("eagerness", "end"), [("high", 1900), ("auto", 2300), ("low", 3000)])
def test_semantic_vad_ends_a_turn_soon_whose_words_sound_finished(
    e: Emulated, ears: Early, eagerness: str, end: int
) -> None:
    ears.words = "what is the weather in paris"
    e.say(SEMANTIC[eagerness], *chunks(silence(0.5) + voice(1.0) + silence(9.0)))
    assert ended_at(e) == [end]
    assert len(ears.asked) == 1


@pytest.mark.parametrize("words", ["what is the", "call my mother and", "um", ""])
def test_semantic_vad_waits_where_they_do_not(e: Emulated, ears: Early, words: str) -> None:
    ears.words = words
    e.say(SEMANTIC["high"], *chunks(silence(0.5) + voice(1.0) + silence(9.0)))
    assert ended_at(e) == [3500]


def test_semantic_vad_ends_the_turn_as_soon_as_the_words_are_known(e: Emulated, ears: Early) -> None:
    ears.words, ears.ready = "good morning", False
    e.say(SEMANTIC["auto"], *chunks(silence(0.5) + voice(1.0) + silence(1.5)))
    assert ended_at(e) == []
    ears.ready = True
    e.wait(0.1)
    assert ended_at(e) == [3000], "without more of its sound: a file that was sent at once ends"
    e.finish()
    assert only(e.seen, events.ResponseDone).response.status == "completed"


def test_server_vad_does_not_look_at_words(e: Emulated, ears: Early) -> None:
    ears.words = "good morning"
    e.say(
        hears(turn_detection=events.ServerVad(silence_duration_ms=2000)),
        *chunks(silence(0.5) + voice(1.0) + silence(9.0)),
    )
    assert ended_at(e) == [3500]
