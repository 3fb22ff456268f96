"""The emulator as xAI's server, with a client that speaks the wire itself."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from emulated import Emulated, append, silence, sound, voice
from rtproto_emulator import Call, Engines, Say, Settings, Speech
from rtproto_emulator._auth import Access, selected
from rtproto_emulator._visit import Visit, visit
from wire_client import of, refused, say, updated, wrote

AT_ONCE = Settings(pace=math.inf)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
VAD = {"type": "server_vad"}


def client(settings: Settings = AT_ONCE, **policy: Any) -> Emulated:
    return Emulated(settings, "xai", lawful=False, **policy)


def kinds(said: list[dict[str, Any]]) -> list[str]:
    told: list[str] = []
    for event in said:
        if not told or told[-1] != event["type"]:
            told.append(event["type"])
    return told


def test_it_greets_with_three_events() -> None:
    e = client()
    created, conversation, ping = e.wire
    assert created["session"] == {
        "id": created["session"]["id"],
        "object": "realtime.session",
        "instructions": "",
        "voice": "ara",
        "modalities": ["audio"],
        "turn_detection": {"type": None},
        "tools": [],
        "model": "grok-voice-latest",
    }
    assert re.fullmatch("[0-9a-f]{32}", created["session"]["id"])
    assert "previous_item_id" not in created
    assert conversation["conversation"]["object"] == "realtime.conversation"
    assert (ping["type"], ping["timestamp"], ping["previous_item_id"]) == ("ping", 1_000_000_000, None)


def test_its_ids_are_uuids_and_no_two_are_the_same() -> None:
    e = client()
    wrote(e, "hello")
    say(e, "response.create")
    e.finish()
    ids = [event["event_id"] for event in e.wire]
    assert len(set(ids)) == len(ids)
    items = [event["item"]["id"] for event in of(e, "conversation.item.added")]
    assert all(UUID.fullmatch(found) for found in ids + items)


def test_what_it_is_told_it_tells_and_no_more() -> None:
    e = client()
    told = updated(e, voice="rex", turn_detection=VAD, temperature=0.3, resumption={"enabled": False})
    assert told["turn_detection"] == VAD
    assert told["temperature"] == 0.3
    assert told["resumption"] == {"enabled": False}
    assert told["input_audio_transcription"] is None
    assert told["input_audio_format"] == "not specified"
    assert not {"id", "voice", "tools", "expires_at"} & set(told)
    told = updated(e, turn_detection={"type": "server_vad", "silence_duration_ms": 700})
    assert told["turn_detection"] == {"type": "server_vad", "silence_duration_ms": 700}
    assert "turn_detection" not in updated(e, turn_detection=None)
    assert told["temperature"] == 0.3


def test_a_function_is_told_nested_however_it_was_given() -> None:
    parameters = {"type": "object", "properties": {}}
    flat = {"type": "function", "name": "f", "description": "d", "parameters": parameters}
    nested = {"type": "function", "function": {"name": "f", "description": "d", "parameters": parameters}}
    assert updated(client(), tools=[flat])["tools"] == [nested]
    assert updated(client(), tools=[nested, {"type": "web_search"}])["tools"] == [nested, {"type": "web_search"}]


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_sound_of_many_rates_in_and_out(rate: int) -> None:
    e = client()
    pcm = {"format": {"type": "audio/pcm", "rate": rate}}
    updated(e, turn_detection=VAD, audio={"input": pcm, "output": pcm})
    heard = silence(0.5, rate) + voice(1.0, rate) + silence(1.0, rate)
    step = rate // 50 * 2
    for at in range(0, len(heard), step):
        e.say(append(heard[at : at + step]))
    e.finish()
    (stopped,) = of(e, "input_audio_buffer.speech_stopped")
    assert stopped["audio_end_ms"] == pytest.approx(2000, abs=60)
    (done,) = of(e, "response.done")
    seconds = done["usage"]["output_audio_seconds"]
    assert len(sound(e.seen)) == pytest.approx(seconds * rate * 2, rel=0.01)
    assert sum(event["audio_duration_ms"] for event in of(e, "response.output_audio.delta")) == pytest.approx(
        seconds * 1000, abs=10
    )


def test_padding_and_threshold_are_xais_where_the_client_says_nothing() -> None:
    e = client()
    updated(e, turn_detection=VAD)
    e.speak(silence(1.0) + voice(1.0) + silence(1.0))
    assert of(e, "input_audio_buffer.speech_started")[0]["audio_start_ms"] == pytest.approx(1000 - 333, abs=40)


def test_a_turn_is_told_from_its_beginning() -> None:
    e = client()
    updated(e, turn_detection=VAD, audio={"input": {"transcription": {"model": "grok-transcribe"}}})
    e.speak(silence(0.5) + voice(1.0) + silence(1.0))
    e.finish()
    said = kinds(e.wire[4:])
    assert said[:2] == ["input_audio_buffer.speech_started", "conversation.item.added"]
    added = of(e, "conversation.item.added")[0]
    assert added["item"]["status"] == "in_progress"
    assert added["item"]["content"] == [{"type": "input_audio", "transcript": ""}]
    assert said.index("input_audio_buffer.speech_stopped") < said.index("input_audio_buffer.committed")
    *_, updates = of(e, "conversation.item.input_audio_transcription.updated")
    *_, completed = of(e, "conversation.item.input_audio_transcription.completed")
    assert completed["status"] == "completed"
    assert updates["transcript"] == completed["transcript"] != ""
    assert not {"conversation.item.done", "conversation.item.input_audio_transcription.delta"} & set(said)
    item_ids = [event["item"]["id"] for event in of(e, "conversation.item.added")]
    assert len(set(item_ids)) == len(item_ids)


def test_without_a_model_only_the_whole_transcript_is_told() -> None:
    e = client()
    updated(e, turn_detection=VAD)
    e.speak(silence(0.5) + voice(1.0) + silence(1.0))
    e.finish()
    assert not of(e, "conversation.item.input_audio_transcription.updated")
    assert len(of(e, "conversation.item.input_audio_transcription.completed")) == 1


@pytest.mark.parametrize("kind", ["input_audio_buffer.commit", "conversation.item.commit"])
def test_speech_that_is_committed_is_answered_at_once(kind: str) -> None:
    e = client()
    e.speak(silence(0.2) + voice(1.0))
    assert kinds(e.wire)[3:] == ["input_audio_buffer.speech_started", "conversation.item.added"]
    said = kinds(say(e, kind))
    assert said[:2] == ["input_audio_buffer.speech_stopped", "input_audio_buffer.committed"]
    assert "response.created" in said
    e.finish()
    assert of(e, "response.done")[0]["response"]["status"] == "completed"
    assert say(e, "response.create") == []
    wrote(e, "hello")
    assert say(e, "response.create")[0]["type"] == "response.created"


def test_a_commit_of_silence_does_nothing() -> None:
    e = client()
    e.speak(silence(2.0))
    assert say(e, "input_audio_buffer.commit") == []
    assert say(e, "response.create")[0]["type"] == "response.created"


def test_after_a_change_to_detected_turns_a_response_comes_again_where_it_is_asked_for() -> None:
    e = client()
    e.say(append(voice(1.0)))
    say(e, "input_audio_buffer.commit")
    e.finish()
    assert say(e, "response.create") == []
    updated(e, turn_detection=VAD)
    assert kinds(say(e, "response.create"))[0] == "response.created"


def test_a_response_takes_the_speech_along_that_is_not_committed() -> None:
    e = client()
    e.speak(voice(1.0))
    say(e, "response.create")
    e.finish()
    assert len(of(e, "input_audio_buffer.committed")) == len(of(e, "response.done")) == 1


def test_where_turns_are_detected_a_commit_does_nothing_and_every_turn_is_answered() -> None:
    e = client()
    assert updated(e, turn_detection={**VAD, "create_response": False})["turn_detection"]["create_response"] is False
    e.speak(voice(0.5))
    assert say(e, "input_audio_buffer.commit") == []
    e.speak(voice(0.5) + silence(1.0))
    e.finish()
    assert len(of(e, "input_audio_buffer.committed")) == len(of(e, "response.done")) == 1


def test_it_always_speaks() -> None:
    e = client()
    updated(e, modalities=["text"])
    wrote(e, "hello")
    say(e, "response.create", response={"modalities": ["text", "audio"]})
    e.finish()
    assert of(e, "response.output_audio.delta")
    assert not of(e, "response.output_text.delta")


def test_a_conversation_that_is_too_long() -> None:
    e = client(Settings(duration=10.0))
    e.wait(11.0)
    (error,) = of(e, "error")
    assert error["error"]["type"] == "max_duration"
    assert e.closed is not None


def test_it_bills_by_the_clock() -> None:
    e = client(Settings(pace=1.0))
    wrote(e, "one two three four five six")
    say(e, "response.create")
    e.wait(4.2)
    assert of(e, "response.done")[0]["usage"]["billable_audio_seconds"] == 2


def test_null_is_push_to_talk_too() -> None:
    e = client()
    updated(e, turn_detection=VAD)
    assert "turn_detection" not in updated(e, turn_detection={"type": None})
    e.speak(silence(0.5) + voice(1.0) + silence(5.0))
    assert not of(e, "input_audio_buffer.speech_stopped")


def test_words_and_sound_belong_together() -> None:
    e = client()
    wrote(e, "hello you")
    say(e, "response.create")
    e.finish()
    words, sounds = of(e, "response.output_audio_transcript.delta"), of(e, "response.output_audio.delta")
    assert "".join(event["delta"] for event in words) == "You wrote: hello you"
    assert {event["rid"] for event in sounds} <= {event["event_id"] for event in words}
    assert [event["rid"] for event in words] == [event["event_id"] for event in words]
    assert [event.get("latency") for event in sounds] == ["0.00"] + [None] * (len(sounds) - 1)
    assert e.wire.index(sounds[0]) < e.wire.index(words[0])
    starts = [event["start_time"] for event in words]
    assert starts == sorted(starts)


def test_a_response_tells_little_and_its_cost_beside_it() -> None:
    e = client()
    wrote(e, "hello")
    say(e, "response.create", response={"metadata": {"a": "b"}})
    e.finish()
    (done,) = of(e, "response.done")
    assert set(done["response"]) == {"id", "object", "output", "status", "status_details", "usage", "metadata"}
    assert done["response"]["metadata"] == {"a": "b"}
    assert (done["response"]["status_details"], done["response"]["usage"]) == ("unimplemented", {})
    assert done["usage"]["output_token_details"]["grok_tokens"] == 0
    assert done["usage"]["total_tokens"] == done["usage"]["input_tokens"] + done["usage"]["output_tokens"] > 0
    assert done["response_id"] == done["response"]["id"]
    assert "part" not in of(e, "response.content_part.done")[0]


class Busy:
    """Says something, then calls."""

    def respond(self, context: Any) -> Any:
        yield Say("One moment.")
        yield Call(name="f", arguments='{"a": 1}')


def test_a_call_comes_after_the_message_and_is_answered() -> None:
    e = client(Settings(pace=math.inf, engines=Engines(responder=Busy())))
    updated(e, tools=[{"type": "function", "name": "f", "parameters": {}}])
    wrote(e, "go")
    say(e, "response.create")
    e.finish()
    said = kinds(e.wire)
    assert said.index("response.output_item.done") < said.index("response.function_call_arguments.delta")
    (done,) = of(e, "response.function_call_arguments.done")
    assert done["call_id"].startswith("call-")
    (added,) = say(
        e,
        "conversation.item.create",
        item={"type": "function_call_output", "call_id": done["call_id"], "output": "ok", "id": "0" * 36},
    )
    assert added["item"]["role"] == "tool"
    assert {event["output_index"] for event in e.wire if "output_index" in event} == {0}


def test_words_that_it_must_say() -> None:
    e = client()
    item = {"type": "force_message", "role": "assistant", "content": [{"type": "output_text", "text": "Mind the gap."}]}
    said = say(e, "conversation.item.create", item=item)
    assert said[0]["type"] == "response.created"
    e.finish()
    assert of(e, "response.output_audio_transcript.done")[0]["transcript"] == "Mind the gap."
    assert refused(e, "conversation.item.create", item={"type": "force_message"})["param"] == "item.content[0].text"


def test_what_it_does_not_know_it_passes_over() -> None:
    e = client()
    assert "poetry" not in updated(e, poetry=True, type="realtime", audio={"input": {"noise_reduction": None}})
    assert "poetry" not in json.dumps(updated(e, instructions="x", modalities=["text", "audio"], poetry=1))
    assert wrote(e, "hello", replayed=False)[0]["type"] == "conversation.item.added"


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"audio": {"input": {"format": {"type": "audio/pcm", "rate": 11_025}}}}, "session.audio.input.format.rate"),
        ({"turn_detection": {"type": "server_vad", "threshold": 0.95}}, "session.turn_detection.threshold"),
        ({"turn_detection": {"type": "semantic_vad"}}, "session.turn_detection.type"),
        ({"turn_detection": {"type": "server_vad", "idle_timeout_ms": -1}}, "session.turn_detection.idle_timeout_ms"),
        ({"audio": {"output": {"transport": "binary"}}}, "session.audio.output.transport"),
        ({"audio": {"output": {"speed": 2.0}}}, "session.audio.output.speed"),
    ],
)
def test_what_it_refuses(session: dict[str, Any], param: str) -> None:
    error = refused(client(), "session.update", session=session, event_id="mine")
    assert (error["param"], error["event_id"]) == (param, "mine")


def test_the_voice_may_change_while_it_talks() -> None:
    e = client()
    wrote(e, "hello")
    say(e, "response.create")
    e.finish()
    updated(e, voice="Eve")
    assert of(e, "error") == []


def test_an_interrupted_answer_is_closed() -> None:
    e = client(Settings(pace=1.0))
    updated(e, turn_detection=VAD)
    wrote(e, "one two three four five six seven eight nine ten")
    say(e, "response.create")
    e.wait(1.0)
    e.speak(voice(1.0))
    (done,) = of(e, "response.done")
    assert done["response"]["status"] == "cancelled"
    said = kinds(e.wire)
    assert said.index("response.output_audio_transcript.done") < said.index("response.output_item.done")


def test_answers_that_are_said_at_once_are_told_apart() -> None:
    e = client(Settings(pace=1.0))
    wrote(e, "hello")
    say(e, "response.create")
    e.wait(1.0)
    say(e, "response.create", response={"conversation": "none", "input": []})
    e.finish()
    for response_id in {event["response"]["id"] for event in of(e, "response.done")}:
        sounds = [event for event in of(e, "response.output_audio.delta") if event["response_id"] == response_id]
        words = [
            event for event in of(e, "response.output_audio_transcript.delta") if event["response_id"] == response_id
        ]
        (done,) = [event for event in of(e, "response.done") if event["response"]["id"] == response_id]
        assert [event for event in sounds if "latency" in event] == sounds[:1]
        assert {event["rid"] for event in sounds} <= {event["rid"] for event in words}
        assert done["usage"]["output_audio_seconds"] == pytest.approx(
            sum(event["audio_duration_ms"] for event in sounds) / 1000
        )


def test_what_was_understood_of_a_turn_is_forgotten_with_it() -> None:
    class Deaf:
        def transcribe(self, speech: Speech) -> Iterator[str]:
            yield "what "
            raise RuntimeError("no more")

    e = client(Settings(pace=math.inf, engines=Engines(transcriber=Deaf())))
    updated(e, turn_detection=VAD, audio={"input": {"transcription": {"model": "grok-transcribe"}}})
    for _ in range(3):
        e.say(append(voice(0.5) + silence(1.0)))
        e.finish()
    assert len(of(e, "conversation.item.input_audio_transcription.failed")) == 3
    assert not e.policy.outbox._accent._heard  # type: ignore[union-attr]


def test_a_browser_with_a_client_secret_alone() -> None:
    offered = ["xai-client-secret.ek_1"]
    assert selected(offered) == offered[0]
    assert selected(["realtime", *offered]) == "realtime"
    assert selected(["openai-insecure-api-key.sk-1"]) is None
    wanted = visit("/v1/realtime", {"model": "grok-voice-latest"}, {}, offered, Access(["ek_1"]), 0.0)
    assert isinstance(wanted, Visit)
    assert (wanted.dialect, wanted.subprotocol) == ("xai", offered[0])


@pytest.mark.parametrize(
    ("query", "unsaid", "dialect"),
    [
        ({"model": "grok-voice-latest"}, "ga", "xai"),
        ({}, "xai", "xai"),
        ({"model": "gpt-realtime"}, "xai", "xai"),
        ({"intent": "transcription"}, "ga", "ga-transcription"),
        ({"intent": "transcription"}, "beta", "beta"),
        ({"model": "qwen3-omni-flash-realtime"}, "xai", "qwen"),
    ],
)
def test_who_tells_its_dialect_and_who_does_not(query: dict[str, str], unsaid: str, dialect: str) -> None:
    wanted = visit("/v1/realtime", query, {}, [], Access(), 0.0, unsaid)
    assert isinstance(wanted, Visit)
    assert wanted.dialect == dialect
