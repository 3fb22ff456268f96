"""Translation sessions of the emulator: what was said comes out after it, and says that it is not translated."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from emulated import Emulated, append, every, only, refusal, silence, types, voice
from rtproto_emulator import Engines, Settings, Speech

from rtproto import Close, events
from rtproto.events import translation

DIALECT = "ga-translation"
TURN = silence(0.5) + voice(1.0) + silence(0.6)
CLOSE = translation.SessionClose(event_id="bye")


class Words:
    """Understands the same words in whatever it hears."""

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        yield "good"
        yield None
        yield " morning"


def begin(**settings: Any) -> Emulated:
    return Emulated(
        Settings(**{"pace": math.inf, "engines": Engines(transcriber=Words()), **settings}), DIALECT, model="m"
    )


def update(e: Emulated, **audio: Any) -> list[Any]:
    return e.raw(json.dumps({"type": "session.update", "event_id": "u", "session": {"audio": audio}}))


def told(heard: list[Any], cls: type) -> str:
    return "".join(event.delta for event in every(heard, cls))


def test_a_session_begins_with_itself() -> None:
    e = begin()
    (created,) = e.wire
    assert created["type"] == "session.created"
    assert created["session"] == {
        "type": "translation",
        "id": "sess_1",
        "model": "m",
        "expires_at": 1_003_600,
        "audio": {"input": {"transcription": None, "noise_reduction": None}, "output": {"language": "en"}},
    }


def test_what_was_said_comes_out_after_it() -> None:
    e = begin()
    update(e, input={"transcription": {"model": "gpt-realtime-whisper"}}, output={"language": "es"})
    heard = e.speak(TURN) + e.finish()
    assert set(types(heard)) == {
        "session.input_transcript.delta",
        "session.output_transcript.delta",
        "session.output_audio.delta",
    }
    assert told(heard, translation.SessionInputTranscriptDelta) == "good morning"
    assert told(heard, translation.SessionOutputTranscriptDelta) == "(not translated) good morning"
    sounds = every(heard, translation.SessionOutputAudioDelta)
    assert {(sound.sample_rate, sound.channels, sound.format) for sound in sounds} == {(24_000, 1, "pcm16")}
    assert {len(sound.delta) for sound in sounds[:-1]} == {9600}
    assert [sound.elapsed_ms for sound in sounds] == [200 * at for at in range(len(sounds))]
    # The speaker here plays back what it heard: the padding, the second of speech, and the pause that ended it.
    assert sum(len(sound.delta) for sound in sounds) == pytest.approx((0.3 + 1.0 + 0.5) * 48_000, rel=0.03)


def test_the_source_is_told_only_where_that_is_wanted() -> None:
    e = begin()
    heard = e.speak(TURN) + e.finish()
    assert every(heard, translation.SessionInputTranscriptDelta) == []
    assert every(heard, translation.SessionOutputTranscriptDelta) != []


def test_the_next_passage_follows_after_a_space() -> None:
    e = begin()
    heard = e.speak(TURN + TURN) + e.finish()
    words = told(heard, translation.SessionOutputTranscriptDelta)
    assert words == "(not translated) good morning (not translated) good morning"


def test_silence_is_not_translated() -> None:
    e = begin()
    assert e.speak(silence(2.0)) + e.say(CLOSE) == [only(e.seen, translation.SessionClosed)]


def test_sound_comes_at_its_pace() -> None:
    e = begin(pace=2.0)
    e.speak(TURN)
    before = len(every(e.seen, translation.SessionOutputAudioDelta))
    heard = e.wait(0.4)
    assert len(every(heard, translation.SessionOutputAudioDelta)) in (4, 5)  # 0.8 s in frames of 0.2 s
    assert before < 4


def test_closing_flushes_what_was_said() -> None:
    e = begin(pace=2.0)
    e.say(append(silence(0.5) + voice(1.0)))
    assert every(e.say(CLOSE), translation.SessionClosed) == []
    assert e.closed is None
    e.wait(0.1)
    heard = e.finish()
    assert told(e.seen, translation.SessionOutputTranscriptDelta) == "(not translated) good morning"
    assert isinstance(heard[-1], translation.SessionClosed)
    assert e.closed == Close(1000, "")
    assert e.say(append(voice(0.1))) == []


def test_nothing_is_taken_while_the_session_closes() -> None:
    e = begin(pace=1.0)
    e.say(append(silence(0.5) + voice(1.0)), CLOSE)
    e.wait(0.1)
    assert refusal(e.say(append(voice(0.1)))).code == "session_closing"
    assert refusal(e.say(CLOSE)).event_id == "bye"


def test_what_can_be_changed() -> None:
    e = begin()
    (told_back,) = update(e, output={"language": "fr"}, input={"noise_reduction": {"type": "near_field"}})
    assert told_back.session.audio.output.language == "fr"
    assert told_back.session.audio.input.noise_reduction.type == "near_field"
    (told_back,) = update(e, input={"noise_reduction": None})
    assert told_back.session.audio.input.noise_reduction is None
    assert told_back.session.audio.output.language == "fr"


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"model": "other"}, "session.model"),
        ({"id": "mine"}, "session.id"),
        ({"voice": "alloy"}, "session.voice"),
        ({"audio": {"input": {"noise_reduction": {"type": "magic"}}}}, "session.audio.input.noise_reduction.type"),
    ],
)
def test_what_cannot(session: dict[str, Any], param: str) -> None:
    e = begin()
    heard = e.raw(json.dumps({"type": "session.update", "event_id": "u", "session": session}))
    assert (refusal(heard).param, refusal(heard).event_id) == (param, "u")


def test_there_are_no_turns_no_items_and_no_responses() -> None:
    e = Emulated(Settings(), DIALECT, lawful=False)
    error = refusal(e.raw('{"type": "response.create", "event_id": "r"}'))
    assert (error.param, error.event_id) == ("type", "r")
    assert "'session.input_audio_buffer.append'" in error.message


def test_an_engine_that_fails_is_told_and_the_session_goes_on() -> None:
    class Deaf:
        def transcribe(self, speech: Speech) -> Iterator[str | None]:
            raise RuntimeError("no model")

    e = begin(engines=Engines(transcriber=Deaf()))
    heard = e.speak(TURN)
    error = only(heard, events.ErrorEvent).error
    assert (error.type, error.code, error.message) == ("server_error", "engine_failed", "no model")
    assert isinstance(e.say(CLOSE)[-1], translation.SessionClosed)


def test_an_hour_is_the_end() -> None:
    e = begin()
    assert only(e.wait(3600), events.ErrorEvent).error.code == "session_expired"
    assert e.closed is not None
    assert e.closed.code == 1001


def test_too_much_at_once() -> None:
    e = begin(pace=0.01, max_input_ms=5000)
    for _ in range(9):
        e.say(append(TURN))
    assert e.seen[-1].error.code == "input_audio_buffer_full"


def test_an_append_of_any_length() -> None:
    e = begin()
    heard = e.say(append(TURN * 40)) + e.finish()
    for _ in range(50):
        heard += e.wait(0.1)
    assert every(heard, events.ErrorEvent) == []
    assert told(heard, translation.SessionOutputTranscriptDelta).count("good morning") == 40


def test_who_never_pauses_is_answered_too() -> None:
    e = begin()
    for _ in range(70):
        e.say(append(voice(1.0)))
    assert every(e.seen, events.ErrorEvent) == []
    e.wait(0.1)
    assert every(e.seen, translation.SessionOutputTranscriptDelta) != []


def test_the_official_client_knows_every_event() -> None:
    pytest.importorskip("openai", reason="the official client is not installed: pip install 'openai[realtime]'")
    from openai.types.realtime.realtime_translation_server_event import RealtimeTranslationServerEvent
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(RealtimeTranslationServerEvent)
    e = begin()
    update(e, input={"transcription": {"model": "m"}})
    update(e, output={"voice": "x"})
    e.speak(TURN)
    e.say(CLOSE)
    e.finish()
    assert {event["type"] for event in e.wire} >= {"error", "session.closed", "session.input_transcript.delta"}
    for event in e.wire:
        parsed = adapter.validate_python(event)
        assert parsed.type == event["type"]
        assert not parsed.model_extra, event
