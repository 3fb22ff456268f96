"""The emulator in dialects other than GA: Azure Voice Live and the beta, with a client that speaks the wire itself."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from emulated import Emulated, append, silence, sound, voice
from rtproto_emulator import Settings
from rtproto_emulator._auth import Access
from rtproto_emulator._visit import Visit, visit

VOICE_LIVE = "azure-voicelive"
AT_ONCE = Settings(pace=math.inf)


def client(dialect: str, **policy: Any) -> Emulated:
    return Emulated(AT_ONCE, dialect, lawful=False, **policy)


def say(e: Emulated, kind: str, **fields: Any) -> list[dict[str, Any]]:
    """The client says an event of the wire; returns what travels back."""
    before = len(e.wire)
    e.raw(json.dumps({"type": kind, **fields}))
    return e.wire[before:]


def updated(e: Emulated, **session: Any) -> Any:
    (event,) = say(e, "session.update", session=session)
    assert event["type"] == "session.updated", event
    return event["session"]


def refused(e: Emulated, kind: str, **fields: Any) -> Any:
    (event,) = say(e, kind, **fields)
    assert event["type"] == "error", event
    return event["error"]


def wrote(e: Emulated, text: str) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    say(e, "conversation.item.create", item=item)


def of(e: Emulated, kind: str) -> list[Any]:
    return [event for event in e.wire if event["type"] == kind]


# ---- Azure Voice Live ----


def test_voice_live_replaces_turn_detection_whole() -> None:
    e = client(VOICE_LIVE)
    before = e.wire[0]["session"]["turn_detection"]
    assert (before["prefix_padding_ms"], before["silence_duration_ms"]) == (300, 200)
    mine = updated(e, turn_detection={"type": "server_vad", "threshold": 0.9, "silence_duration_ms": 900})
    assert mine["turn_detection"]["threshold"] == 0.9
    changed = updated(e, turn_detection={"type": "server_vad", "create_response": False})["turn_detection"]
    assert (changed["threshold"], changed["prefix_padding_ms"], changed["silence_duration_ms"]) == (0.5, 400, 500)
    assert changed["create_response"] is False
    assert updated(e, turn_detection=None)["turn_detection"] is None


@pytest.mark.parametrize("kind", ["azure_semantic_vad", "azure_semantic_vad_en", "azure_semantic_vad_multilingual"])
def test_voice_live_hears_with_azures_own_turn_detection(kind: str) -> None:
    e = client(VOICE_LIVE)
    told = updated(e, turn_detection={"type": kind, "silence_duration_ms": 800, "remove_filler_words": True})
    assert told["turn_detection"]["type"] == kind
    assert told["turn_detection"]["prefix_padding_ms"] == 300
    e.speak(silence(0.5) + voice(1.0) + silence(1.5))
    e.finish()
    (stopped,) = of(e, "input_audio_buffer.speech_stopped")
    assert stopped["audio_end_ms"] == pytest.approx(500 + 1000 + 800, abs=40)
    assert of(e, "response.done")[0]["response"]["status"] == "completed"


def test_voice_live_has_no_other_turn_detection() -> None:
    error = refused(client(VOICE_LIVE), "session.update", session={"turn_detection": {"type": "poetry"}}, event_id="e1")
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_value", "session.turn_detection.type", "e1")


@pytest.mark.parametrize(
    ("voice", "told"),
    [
        ("ash", {"type": "openai", "name": "ash"}),
        ("en-US-AvaNeural", {"type": "azure-standard", "name": "en-US-AvaNeural"}),
        (
            {"type": "azure-custom", "name": "mine", "endpoint_id": "x"},
            {"type": "azure-custom", "name": "mine", "endpoint_id": "x"},
        ),
    ],
)
def test_a_voice_of_voice_live_is_an_object(voice: Any, told: Any) -> None:
    e = client(VOICE_LIVE)
    assert updated(e, voice=voice)["voice"] == told
    wrote(e, "hello")
    (created, *_) = say(e, "response.create")
    assert created["response"]["voice"] == told


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000])
def test_voice_live_takes_sound_of_three_rates(rate: int) -> None:
    e = client(VOICE_LIVE)
    assert updated(e, input_audio_sampling_rate=rate, input_audio_format="pcm16")["input_audio_sampling_rate"] == rate
    pcm = silence(0.5, rate) + voice(1.0, rate) + silence(0.6, rate)
    for at in range(0, len(pcm), rate // 25):
        e.say(append(pcm[at : at + rate // 25]))
    (stopped,) = of(e, "input_audio_buffer.speech_stopped")
    assert stopped["audio_end_ms"] == pytest.approx(500 + 1000 + 200, abs=40)


def test_the_rate_alone_may_change() -> None:
    told = updated(client(VOICE_LIVE), input_audio_sampling_rate=16_000)
    assert (told["input_audio_sampling_rate"], told["input_audio_format"]) == (16_000, "pcm16")


def test_a_rate_that_voice_live_does_not_have() -> None:
    error = refused(client(VOICE_LIVE), "session.update", session={"input_audio_sampling_rate": 44_100})
    assert error["param"] == "session.input_audio_sampling_rate"
    assert "44100" in error["message"]


@pytest.mark.parametrize(("name", "rate"), [("pcm16_8000hz", 8_000), ("pcm16_16000hz", 16_000), ("pcm16", 24_000)])
def test_voice_live_speaks_at_three_rates(name: str, rate: int) -> None:
    e = client(VOICE_LIVE)
    assert updated(e, output_audio_format=name)["output_audio_format"] == name
    wrote(e, "hello")
    say(e, "response.create")
    e.finish()
    assert len(sound(e.seen)) == pytest.approx(3 * 0.3 * rate * 2, rel=0.01)  # "You wrote: hello": 300 ms a word
    assert of(e, "response.done")[0]["response"]["output_audio_format"] == name


def test_a_new_response_ends_the_one_before() -> None:
    e = Emulated(Settings(pace=1.0), VOICE_LIVE, lawful=False)
    wrote(e, "hello")
    (first, *_) = say(e, "response.create")
    e.wait(0.5)
    again = say(e, "response.create")
    kinds = [event["type"] for event in again]
    assert kinds.index("response.done") < kinds.index("response.created")
    assert of(e, "response.done")[0]["response"]["status"] == "cancelled"
    assert of(e, "response.done")[0]["response"]["id"] == first["response"]["id"]
    error = refused(e, "response.create", response={"cancel_previous": False})
    assert error["code"] == "conversation_already_has_active_response"


@pytest.mark.parametrize("pace", [1.0, math.inf])
def test_what_is_interrupted_may_be_truncated_without_being_asked(pace: float) -> None:
    """Whether the answer is still being sent or only still being played."""
    e = Emulated(Settings(pace=pace), VOICE_LIVE, lawful=False)
    updated(e, turn_detection={"type": "azure_semantic_vad", "auto_truncate": True})
    wrote(e, "a long story that takes some time")
    say(e, "response.create")
    e.wait(0.5)
    e.speak(silence(0.2) + voice(0.3))
    (truncated,) = of(e, "conversation.item.truncated")
    assert truncated["audio_end_ms"] == pytest.approx(500 + 200 + 60, abs=40)
    kinds = [event["type"] for event in e.wire]
    assert kinds.index("input_audio_buffer.speech_started") < kinds.index("conversation.item.truncated")
    assert kinds.index("response.done") < kinds.index("conversation.item.truncated")


def test_an_answer_that_was_heard_to_its_end_is_not_truncated() -> None:
    e = client(VOICE_LIVE)
    updated(e, turn_detection={"type": "server_vad", "auto_truncate": True})
    wrote(e, "hi")
    say(e, "response.create")
    e.wait(5)
    e.speak(silence(0.2) + voice(0.3))
    assert of(e, "input_audio_buffer.speech_started")
    assert of(e, "conversation.item.truncated") == []


def test_a_message_that_the_client_wrote_itself_is_spoken() -> None:
    e = client(VOICE_LIVE)
    message = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Please wait."}]}
    say(e, "response.create", response={"pre_generated_assistant_message": message})
    e.finish()
    (done,) = of(e, "response.done")
    assert done["response"]["output"][0]["content"] == [{"type": "audio", "transcript": "Please wait."}]


def test_what_comes_after_the_context() -> None:
    e = client(VOICE_LIVE)
    wrote(e, "hello")
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "and more"}]}
    say(e, "response.create", response={"append_input_items": [item]})
    e.finish()
    (done,) = of(e, "response.done")
    assert done["response"]["output"][0]["content"][0]["transcript"] == "You wrote: and more"


def test_what_voice_live_can_and_this_server_cannot() -> None:
    error = refused(client(VOICE_LIVE), "input_text.delta", id="1", delta="x", event_id="e9")
    assert (error["param"], error["event_id"]) == ("type", "e9")


# ---- beta ----


def test_a_refusal_names_the_fields_as_the_client_does() -> None:
    error = refused(client("beta"), "session.update", session={"voice": "nobody"})
    assert error["param"] == "session.voice"
    error = refused(client("beta"), "session.update", session={"max_response_output_tokens": 5000})
    assert error["param"] == "session.max_response_output_tokens"
    error = refused(
        client("beta"), "session.update", session={"turn_detection": {"type": "server_vad", "threshold": 2}}
    )
    assert error["param"] == "session.turn_detection.threshold"
    assert "'session.turn_detection.threshold'" in error["message"]


def test_a_format_that_the_beta_does_not_have() -> None:
    error = refused(client("beta"), "session.update", session={"input_audio_format": "mp3"})
    assert (error["code"], error["param"]) == ("invalid_value", "session.input_audio_format")
    assert error["message"] == "Invalid value: 'mp3'. Supported values are: 'pcm16', 'g711_ulaw', and 'g711_alaw'."


def test_a_session_of_the_beta_has_no_type() -> None:
    error = refused(client("beta"), "session.update", session={"type": "realtime", "voice": "ash"})
    assert (error["code"], error["param"]) == ("unknown_parameter", "session.type")


@pytest.mark.parametrize("spelt", [["text", "audio"], ["audio", "text"], ["text"]])
def test_modalities_are_told_as_the_client_spelt_them(spelt: list[str]) -> None:
    e = client("beta")
    assert e.wire[0]["session"]["modalities"] == ["audio", "text"]
    assert updated(e, modalities=spelt)["modalities"] == spelt
    assert updated(e, temperature=0.7)["modalities"] == spelt
    wrote(e, "hello")
    (created, *_) = say(e, "response.create")
    assert created["response"]["modalities"] == spelt


def test_items_of_the_beta_say_what_they_are() -> None:
    e = client("beta")
    wrote(e, "hello")
    say(e, "response.create")
    e.finish()
    items = [event["item"] for event in e.wire if "item" in event] + of(e, "response.done")[0]["response"]["output"]
    assert len(items) == 5
    assert {item["object"] for item in items} == {"realtime.item"}


def test_items_of_ga_do_not() -> None:
    e = client("ga")
    wrote(e, "hello")
    say(
        e,
        "conversation.item.create",
        item={"object": "realtime.item", "type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
    )
    say(e, "response.create")
    e.finish()
    assert not [event for event in e.wire if "object" in event.get("item", {})]


def test_a_transcription_session_of_the_beta() -> None:
    e = client("beta", transcription=True)
    assert e.wire[0]["type"] == "transcription_session.created"
    session = {"input_audio_format": "g711_ulaw", "input_audio_transcription": {"model": "whisper-1"}}
    (told,) = say(e, "transcription_session.update", session=session)
    assert told["type"] == "transcription_session.updated"
    assert told["session"]["input_audio_format"] == "g711_ulaw"
    assert told["session"]["input_audio_transcription"]["model"] == "whisper-1"
    assert "type" not in told["session"]


@pytest.mark.parametrize(("dialect", "field", "held"), [("xai", "resumption", {})])
def test_a_field_of_a_dialect_that_means_nothing_here_is_unknown(dialect: str, field: str, held: Any) -> None:
    (refused,) = say(client(dialect), "session.update", session={field: held})
    assert (refused["error"]["code"], refused["error"]["param"]) == ("unknown_parameter", f"session.{field}")


@pytest.mark.parametrize("host", ["unmute.sh", "api.openai.com"])
def test_whatever_host_a_client_names_it_finds_openais_server(host: str) -> None:
    wanted = visit("/v1/realtime", {}, {"host": host}, [], Access(), 0.0)
    assert isinstance(wanted, Visit)
    assert wanted.dialect == "ga"
