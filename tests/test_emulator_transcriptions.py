"""What a client hears of the user's words: deltas, segments, what they cost (rtproto_emulator)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from emulated import Emulated, every, hears, only, silence, types, update, voice
from rtproto_emulator import Engines, Settings, Speech

from rtproto import UNSET, events

TURN = silence(0.5) + voice(1.0) + silence(0.6)
LOGPROBS = "item.input_audio_transcription.logprobs"
DELTA = events.ConversationItemInputAudioTranscriptionDelta
SEGMENT = events.ConversationItemInputAudioTranscriptionSegment
COMPLETED = events.ConversationItemInputAudioTranscriptionCompleted


class Words:
    """Understands the same two words in whatever it hears."""

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        yield "good"
        yield " morning"


def heard_by(model: str, dialect: str = "ga", prompt: str | None = None, include: Any = UNSET) -> list[Any]:
    e = Emulated(Settings(pace=math.inf, engines=Engines(transcriber=Words())), dialect)
    if include is not UNSET:
        e.say(update(include=include))
    e.say(hears(transcription=events.AudioTranscription(model=model, prompt=prompt)))
    return e.speak(TURN) + e.finish()


def test_words_come_as_they_are_understood() -> None:
    heard = heard_by("gpt-realtime-whisper")
    assert [event.delta for event in every(heard, DELTA)] == ["good", " morning"]
    completed = only(heard, COMPLETED)
    assert completed.transcript == "good morning"
    assert completed.usage == events.UsageDuration(seconds=2)  # 1.8 s with the padding and the pause, rounded up
    assert completed.logprobs is UNSET


def test_whisper_says_all_at_once() -> None:
    assert [event.delta for event in every(heard_by("whisper-1"), DELTA)] == ["good morning"]


def test_some_models_are_billed_by_tokens() -> None:
    usage = only(heard_by("gpt-4o-mini-transcribe", prompt="greetings"), COMPLETED).usage
    assert (usage.type, usage.output_tokens) == ("tokens", 3)
    assert (usage.input_token_details.text_tokens, usage.input_token_details.audio_tokens) == (3, 18)
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens == 24


def test_a_model_that_tells_speakers_apart_says_who_spoke_when() -> None:
    heard = heard_by("gpt-4o-transcribe-diarize")
    segment = only(heard, SEGMENT)
    assert (segment.text, segment.speaker, segment.start) == ("good morning", "spk_1", 0.0)
    assert segment.end == pytest.approx(1.8, abs=0.05)
    assert types(event for event in heard if "transcription" in event.type) == [
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.segment",
        "conversation.item.input_audio_transcription.completed",
    ]


def test_logprobs_are_null_where_they_are_wanted() -> None:
    heard = heard_by("gpt-4o-transcribe", include=[LOGPROBS])
    assert {event.logprobs for event in every(heard, DELTA)} == {None}
    assert only(heard, COMPLETED).logprobs is None


def test_voice_live_tells_no_cost() -> None:
    assert only(heard_by("azure-speech", "azure-voicelive"), COMPLETED).usage is UNSET


def test_a_transcription_session_does_not_speak() -> None:
    e = Emulated(transcription=True)
    output = events.AudioConfig(output=events.AudioOutput(voice="ash"))
    (error,) = e.say(events.SessionUpdate(session=events.TranscriptionSession(audio=output)))
    assert (error.error.code, error.error.param) == ("unknown_parameter", "session.audio.output")


def test_a_transcription_session_by_push_to_talk() -> None:
    e = Emulated(Settings(engines=Engines(transcriber=Words())), transcription=True)
    heard = events.AudioInput(
        turn_detection=None, transcription=events.AudioTranscription(model="gpt-realtime-whisper")
    )
    e.say(events.SessionUpdate(session=events.TranscriptionSession(audio=events.AudioConfig(input=heard))))
    assert e.speak(TURN) == []
    answer = e.say(events.InputAudioBufferCommit()) + e.finish()
    assert types(answer) == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]


@pytest.mark.parametrize("dialect", ["xai", "qwen", "azure-voicelive"])
@pytest.mark.parametrize("session", [None, events.TranscriptionSession()])
def test_who_has_no_transcription_sessions_begins_a_conversation(dialect: str, session: Any) -> None:
    """By whatever URL or client secret one was wanted."""
    e = Emulated(Settings(pace=math.inf), dialect, lawful=False, transcription=True, session=session)
    assert e.wire[0]["type"] == "session.created"
    e.raw('{"type": "response.create"}')
    e.finish()
    assert e.wire[-1]["type"] == "response.done"
