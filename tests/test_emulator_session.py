"""The emulator's session.update: what changes, what stays, what is cleared, and what is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from emulated import Emulated, append, create, every, hears, only, refusal, silence, types, update, voice, wrote
from rtproto_audio import read_audio
from rtproto_emulator import Settings

from rtproto import Close, events, to_dict

TOOL = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}


def updated(e: Emulated, session: dict[str, Any]) -> dict[str, Any]:
    """The session that an update gives."""
    (event,) = e.raw(json.dumps({"type": "session.update", "session": {"type": "realtime", **session}}))
    assert isinstance(event, events.SessionUpdated), event
    result: dict[str, Any] = to_dict(event)["session"]
    return result


def before(e: Emulated) -> dict[str, Any]:
    result: dict[str, Any] = to_dict(e.begin[0])["session"]
    return result


def test_only_what_is_given_changes() -> None:
    e = Emulated()
    assert updated(e, {}) == before(e)
    changed = updated(e, {"instructions": "Be brief.", "audio": {"output": {"speed": 1.25}}})
    expected = before(e)
    expected["instructions"] = "Be brief."
    expected["audio"]["output"]["speed"] = 1.25
    assert changed == expected


def test_turn_detection_is_merged() -> None:
    e = Emulated()
    updated(e, {"audio": {"input": {"turn_detection": {"type": "server_vad", "prefix_padding_ms": 100}}}})
    changed = updated(e, {"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}})
    assert changed["audio"]["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 100,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": False,
        "interrupt_response": True,
    }


def test_another_kind_of_turn_detection_begins_with_its_own_defaults() -> None:
    e = Emulated()
    changed = updated(e, {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "high"}}}})
    assert changed["audio"]["input"]["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "high",
        "create_response": True,
        "interrupt_response": True,
    }


def test_null_clears() -> None:
    e = Emulated()
    updated(
        e,
        {
            "instructions": "Be brief.",
            "max_output_tokens": 100,
            "tools": [TOOL],
            "audio": {
                "input": {
                    "transcription": {"model": "whisper-1", "language": "en"},
                    "noise_reduction": {"type": "far_field"},
                    "turn_detection": {"type": "server_vad", "idle_timeout_ms": 6000},
                }
            },
        },
    )
    changed = updated(
        e,
        {
            "instructions": "",
            "max_output_tokens": None,
            "tools": [],
            "audio": {
                "input": {
                    "transcription": None,
                    "noise_reduction": None,
                    "turn_detection": {"type": "server_vad", "idle_timeout_ms": None},
                }
            },
        },
    )
    assert changed == {**before(e), "instructions": ""}
    changed = updated(e, {"audio": {"input": {"turn_detection": None}}})
    assert changed["audio"]["input"]["turn_detection"] is None


def test_turn_detection_comes_back_whole() -> None:
    e = Emulated()
    updated(e, {"audio": {"input": {"turn_detection": None}}})
    assert updated(e, {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}}) == before(e)


def test_transcription_is_told_with_its_nulls() -> None:
    e = Emulated()
    changed = updated(e, {"audio": {"input": {"transcription": {"model": "whisper-1"}}}})
    assert changed["audio"]["input"]["transcription"] == {"model": "whisper-1", "language": None, "prompt": None}
    changed = updated(e, {"audio": {"input": {"transcription": {"language": "de"}}}})
    assert changed["audio"]["input"]["transcription"] == {"model": "whisper-1", "language": "de", "prompt": None}


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"type": None}, "missing_required_parameter", "session.type"),
        ({"type": "poetry"}, "invalid_value", "session.type"),
        ({"type": "transcription"}, "invalid_value", "session.type"),
        ({"id": "sess_mine"}, "unknown_parameter", "session.id"),
        ({"expires_at": 1}, "unknown_parameter", "session.expires_at"),
        ({"custom_voice_id": 1}, "unknown_parameter", "session.custom_voice_id"),
        ({"tools": [TOOL, {**TOOL, "meta": 1}]}, "unknown_parameter", "session.tools[1].meta"),
        (
            {"audio": {"input": {"transcription": {"enabled": True}}}},
            "unknown_parameter",
            "session.audio.input.transcription.enabled",
        ),
        ({"temperature": 0.8}, "unknown_parameter", "session.temperature"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "session.output_modalities"),
        ({"max_output_tokens": 5000}, "invalid_value", "session.max_output_tokens"),
        ({"max_output_tokens": "lots"}, "invalid_value", "session.max_output_tokens"),
        ({"tools": [{"type": "function"}]}, "missing_required_parameter", "session.tools[0].name"),
        ({"tools": [{"name": "f"}]}, "missing_required_parameter", "session.tools[0].type"),
        (
            {"tools": [{"type": "mcp", "server_label": ""}]},
            "missing_required_parameter",
            "session.tools[0].server_label",
        ),
        ({"tool_choice": "sometimes"}, "invalid_value", "session.tool_choice"),
        ({"tool_choice": {"type": "function", "name": "g"}}, "invalid_value", "session.tool_choice.name"),
        ({"tool_choice": {"type": "function"}}, "missing_required_parameter", "session.tool_choice.name"),
        ({"truncation": "never"}, "invalid_value", "session.truncation"),
        ({"truncation": {"type": "half"}}, "invalid_value", "session.truncation.type"),
        ({"include": ["everything"]}, "invalid_value", "session.include[0]"),
        ({"audio": {"output": {"voice": "bob"}}}, "invalid_value", "session.audio.output.voice"),
        ({"audio": {"output": {"speed": 3}}}, "invalid_value", "session.audio.output.speed"),
        ({"audio": {"output": {"format": {"type": "audio/mp3"}}}}, "invalid_value", "session.audio.output.format.type"),
        (
            {"audio": {"input": {"format": {"rate": 1}}}},
            "missing_required_parameter",
            "session.audio.input.format.type",
        ),
        (
            {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 16000}}}},
            "invalid_value",
            "session.audio.input.format.rate",
        ),
        (
            {"audio": {"input": {"noise_reduction": {"type": "none"}}}},
            "invalid_value",
            "session.audio.input.noise_reduction.type",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "magic"}}}},
            "invalid_value",
            "session.audio.input.turn_detection.type",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 2}}}},
            "invalid_value",
            "session.audio.input.turn_detection.threshold",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 100}}}},
            "invalid_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
        ),
        (
            {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "very"}}}},
            "invalid_value",
            "session.audio.input.turn_detection.eagerness",
        ),
    ],
)
def test_a_session_that_cannot_be(session: dict[str, Any], code: str, param: str) -> None:
    e = Emulated()
    whole = {"type": "realtime", **session}
    if whole["type"] is None:
        del whole["type"]
    (event,) = e.raw(json.dumps({"type": "session.update", "event_id": "mine", "session": whole}))
    assert isinstance(event, events.ErrorEvent), event
    error = event.error
    assert (error.code, error.param, error.event_id) == (code, param, "mine")
    assert updated(e, {}) == before(e)


def test_the_words_of_real_servers() -> None:
    e = Emulated()
    told = {
        '{"type": "session.update", "session": {"instructions": "x"}}': "Missing required parameter: 'session.type'.",
        '{"type": "session.update", "session": {"type": "realtime", "custom_voice_id": null}}': (
            "Unknown parameter: 'session.custom_voice_id'."
        ),
        '{"type": "session.update", "session": {"type": "realtime", "output_modalities": ["video"]}}': (
            "Invalid modalities: ['video']. Supported combinations are: ['text'] and ['audio']."
        ),
        '{"type": "session.update", "session": {"type": "chat"}}': (
            "Invalid value: 'chat'. Supported values are: 'realtime' and 'transcription'."
        ),
    }
    for text, message in told.items():
        assert e.raw(text)[0].error.message == message


def test_the_model_stays() -> None:
    e = Emulated(model="gpt-realtime")
    assert refusal(e.say(update(model="gpt-4o"))).param == "session.model"
    assert types(e.say(update(model="gpt-realtime"))) == ["session.updated"]


def test_the_model_may_be_named_later() -> None:
    e = Emulated()
    assert updated(e, {"model": "gpt-realtime-mini"})["model"] == "gpt-realtime-mini"


def test_tracing_stays_once_it_is_set() -> None:
    e = Emulated()
    assert updated(e, {"tracing": "auto"})["tracing"] == "auto"
    assert refusal(e.say(update(tracing=None))).param == "session.tracing"


def test_the_voice_stays_once_it_was_heard() -> None:
    e = Emulated(Settings(pace=math.inf))
    assert updated(e, {"audio": {"output": {"voice": "ash"}}})["audio"]["output"]["voice"] == "ash"
    e.say(wrote("hello"), events.ResponseCreate())
    other = events.AudioConfig(output=events.AudioOutput(voice="marin"))
    for said in (update(audio=other), create(audio=other)):
        error = refusal(e.say(said))
        assert error.code == "cannot_update_voice"
        assert error.message == "Cannot update a conversation's voice if assistant audio is present."
    same = events.AudioConfig(output=events.AudioOutput(voice="ash"))
    assert types(e.say(update(audio=same))) == ["session.updated"]


def test_written_answers_leave_the_voice_free() -> None:
    e = Emulated(Settings(pace=math.inf))
    e.say(wrote("hello"), create(output_modalities=["text"]))
    assert types(e.say(update(audio=events.AudioConfig(output=events.AudioOutput(voice="marin"))))) == [
        "session.updated"
    ]


def test_a_custom_voice() -> None:
    changed = updated(Emulated(), {"audio": {"output": {"voice": {"id": "voice_1"}}}})
    assert changed["audio"]["output"]["voice"] == {"id": "voice_1"}


# ---- how it listens ----


def stopped_at(detection: Any, pcm: bytes) -> list[int]:
    e = Emulated(Settings(pace=math.inf))
    e.say(hears(turn_detection=detection), append(pcm))
    return [event.audio_end_ms for event in every(e.seen, events.InputAudioBufferSpeechStopped)]


TURN = silence(0.5) + voice(1.0) + silence(9.0)


@pytest.mark.parametrize(
    ("detection", "end"),
    [
        (events.ServerVad(silence_duration_ms=200), 1700),
        (events.ServerVad(silence_duration_ms=1500), 3000),
        (events.SemanticVad(eagerness="high"), 3500),
        (events.SemanticVad(eagerness="auto"), 5500),
        (events.SemanticVad(eagerness="low"), 9500),
    ],
)
def test_how_long_a_silence_ends_a_turn(detection: Any, end: int) -> None:
    assert stopped_at(detection, TURN) == [end]


def test_a_pause_that_is_shorter_does_not_end_a_turn() -> None:
    pcm = silence(0.5) + voice(0.5) + silence(0.4) + voice(0.5) + silence(0.6)
    assert stopped_at(events.ServerVad(silence_duration_ms=500), pcm) == [2400]
    assert stopped_at(events.ServerVad(silence_duration_ms=300), pcm) == [1300, 2200]


@pytest.mark.parametrize(("padding", "start"), [(0, 500), (300, 200), (800, 0)])
def test_prefix_padding(padding: int, start: int) -> None:
    e = Emulated()
    e.say(hears(turn_detection=events.ServerVad(prefix_padding_ms=padding)))
    heard = e.say(append(silence(0.5) + voice(0.5)))
    assert only(heard, events.InputAudioBufferSpeechStarted).audio_start_ms == start


def test_padding_never_reaches_into_the_turn_before() -> None:
    e = Emulated(Settings(pace=math.inf))
    e.say(hears(turn_detection=events.ServerVad(prefix_padding_ms=2000, silence_duration_ms=200)))
    e.say(append(silence(0.5) + voice(0.5) + silence(0.3) + voice(0.5) + silence(0.3)))
    started = every(e.seen, events.InputAudioBufferSpeechStarted)
    stopped = every(e.seen, events.InputAudioBufferSpeechStopped)
    assert started[1].audio_start_ms == stopped[0].audio_end_ms


def test_a_threshold_of_one_hears_nothing() -> None:
    assert stopped_at(events.ServerVad(threshold=1.0), TURN) == []
    assert stopped_at(events.ServerVad(threshold=0.0), TURN) == []


def test_a_click_is_no_speech() -> None:
    assert stopped_at(events.ServerVad(), silence(0.5) + voice(0.04) + silence(1.0)) == []


def test_a_steady_hum_becomes_background() -> None:
    hum = voice(0.2)[:96] * 20_000
    assert len(stopped_at(events.ServerVad(), silence(0.5) + hum)) == 1


def test_an_update_of_something_else_leaves_a_turn_alone() -> None:
    e = Emulated()
    assert types(e.speak(silence(0.5) + voice(0.5))) == ["input_audio_buffer.speech_started"]
    e.say(update(instructions="Be brief."))
    assert types(e.speak(silence(0.6)))[0] == "input_audio_buffer.speech_stopped"


def test_an_update_of_the_turn_detection_gives_a_turn_up() -> None:
    e = Emulated()
    assert types(e.speak(silence(0.5) + voice(0.5))) == ["input_audio_buffer.speech_started"]
    e.say(hears(turn_detection=None))
    assert e.speak(silence(0.6)) == []
    assert types(e.say(events.InputAudioBufferCommit()))[0] == "input_audio_buffer.committed"


@pytest.mark.parametrize("name", ["pace", "delta_ms", "duration", "max_sessions", "max_input_ms", "max_items"])
def test_settings_that_cannot_be(name: str) -> None:
    wrong: Any = {name: 0}
    with pytest.raises(ValueError, match=f"'{name}' must be > 0"):
        Settings(**wrong)


# ---- real sounds ----

TEST_DATA = Path(__file__).parents[1] / "test_data"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("question.wav", [(330, 1810)]),
        ("two_turns.wav", [(330, 1810), (3370, 5080)]),
        ("noise.wav", []),
        ("silence.wav", []),
    ],
)
def test_the_turns_of_a_recording(name: str, words: list[tuple[int, int]]) -> None:
    """`words` is where something is said, in ms."""
    e = Emulated()
    for piece in read_audio(TEST_DATA / name):
        e.say(append(piece))
    e.say(append(silence(0.6)))
    started = [event.audio_start_ms + 300 for event in every(e.seen, events.InputAudioBufferSpeechStarted)]
    stopped = [event.audio_end_ms - 500 for event in every(e.seen, events.InputAudioBufferSpeechStopped)]
    assert started == [pytest.approx(start, abs=80) for start, _ in words]
    assert stopped == [pytest.approx(end, abs=80) for _, end in words]


@pytest.mark.parametrize("level", [-60, -50, -40, -35])
def test_words_in_noise(level: float) -> None:
    noise = np.random.default_rng(1).normal(0, 32767 * 10 ** (level / 20), 24_000 * 6)
    question = np.frombuffer(b"".join(read_audio(TEST_DATA / "question.wav")), "<i2")
    noise[48_000 : 48_000 + len(question)] += question
    e = Emulated()
    heard = e.say(append(np.clip(noise, -32768, 32767).astype("<i2").tobytes()))
    assert only(heard, events.InputAudioBufferSpeechStarted).audio_start_ms == pytest.approx(2030, abs=100)
    assert only(heard, events.InputAudioBufferSpeechStopped).audio_end_ms == pytest.approx(4310, abs=150)


@pytest.mark.parametrize("said", ["append", "create"])
def test_the_beta_protocol_can_be_switched_off(said: str) -> None:
    """As at OpenAI: the client is let in, told, and sent away."""
    e = Emulated(Settings(beta=False), "beta")
    error = refusal(e.begin)
    assert error.code == "beta_api_shape_disabled"
    assert error.message.startswith("The Realtime Beta API is no longer supported.")
    assert e.closed == Close(4000, "invalid_request_error.beta_api_shape_disabled")
    assert e.say(append(voice(1.0)) if said == "append" else create()) == []
    assert e.finish() == []
    assert e.policy.deadline() is None


def test_without_the_beta_protocol_ga_is_spoken() -> None:
    assert types(Emulated(Settings(beta=False)).begin) == ["session.created"]


def test_the_model_stays_and_may_be_named_again() -> None:
    e = Emulated(model="gpt-realtime-mini")
    assert updated(e, {"model": "gpt-realtime-mini", "instructions": "Be brief."})["model"] == "gpt-realtime-mini"
    error = refusal(e.raw(json.dumps({"type": "session.update", "session": {"type": "realtime", "model": "other"}})))
    assert (error.code, error.param) == ("invalid_value", "session.model")
    assert error.message == "Cannot change the model of a session: it is 'gpt-realtime-mini'."
