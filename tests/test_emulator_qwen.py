"""The emulator as Qwen-Omni-Realtime, with a client that speaks the wire itself."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from emulated import Emulated, append, silence, sound, voice
from rtproto_emulator import (
    Call,
    EchoResponder,
    Engines,
    Say,
    Settings,
)

from rtproto import events
from rtproto.conversation import Conversation

RATE = 16_000
AT_ONCE = Settings(pace=math.inf)
CALLING = "qwen3.5-omni-flash-realtime"
JPEG = b"\xff\xd8\xff\xe0" + bytes(60)
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Says the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
ORDER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.created",
    "response.content_part.added",
]


class Qwen(Emulated):
    def __init__(self, settings: Settings = AT_ONCE, **policy: Any) -> None:
        super().__init__(settings, "qwen", lawful=False, **policy)

    def said(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        """The client says an event of the wire; returns what travels back at once."""
        before = len(self.wire)
        self.raw(json.dumps({"type": kind, **fields}))
        return self.wire[before:]

    def updated(self, **session: Any) -> Any:
        (event,) = self.said("session.update", session=session)
        assert event["type"] == "session.updated", event
        return event["session"]

    def refused(self, kind: str, **fields: Any) -> Any:
        (event,) = self.said(kind, **fields)
        assert event["type"] == "error", event
        assert event["error"]["type"] == "invalid_request_error"
        return event["error"]

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.wire if event["type"] == kind]

    def hears(self, pcm: bytes) -> None:
        """A microphone of 16 kHz, in real time."""
        for at in range(0, len(pcm), 640):
            self.say(append(pcm[at : at + 640]))
            self.wait(0.02)

    def kinds(self) -> list[str]:
        """The types in order, repeated ones once."""
        told = [event["type"] for event in self.wire]
        return [kind for at, kind in enumerate(told) if not at or told[at - 1] != kind]


def manual(settings: Settings = AT_ONCE, **policy: Any) -> Qwen:
    e = Qwen(settings, **policy)
    e.updated(turn_detection=None)
    return e


def spoke(e: Qwen, seconds: float = 1.0) -> None:
    """A turn in manual mode."""
    e.say(append(voice(seconds, RATE)))
    e.said("input_audio_buffer.commit")


# ---- the session ----


def test_what_a_session_begins_as() -> None:
    created = Qwen().wire[0]
    assert created["type"] == "session.created"
    session = created["session"]
    assert session.pop("id").startswith("sess")
    assert session == {
        "object": "realtime.session",
        "model": "qwen3-omni-flash-realtime",
        "modalities": ["text", "audio"],
        "voice": "Cherry",
        "input_audio_format": "pcm",
        "output_audio_format": "pcm",
        "input_audio_transcription": {"model": "qwen3-asr-flash-realtime"},
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 800,
            "create_response": True,
            "interrupt_response": True,
        },
        "tools": [],
        "tool_choice": "auto",
        "temperature": 0.8,
        "enable_search": False,
        "search_options": {},
    }


@pytest.mark.parametrize(
    ("model", "name"),
    [("qwen3.8-omni-flash-realtime", "Tina"), (CALLING, "Tina"), ("qwen-omni-turbo-realtime", "Chelsie")],
)
def test_each_model_has_its_voice(model: str, name: str) -> None:
    assert Qwen(model=model).wire[0]["session"]["voice"] == name


OWN = {
    "temperature": 0,
    "top_p": 1.0,
    "top_k": 20,
    "max_tokens": 100,
    "repetition_penalty": 1.05,
    "presence_penalty": -2.0,
    "seed": 2**31 - 1,
    "smooth_output": False,
    "enable_search": True,
    "search_options": {"enable_source": True},
    "translation": {"language": "en"},
    "video": {"input": {"representation_compact": "high"}},
}


def test_its_own_settings_are_kept() -> None:
    e = Qwen()
    told = e.updated(**OWN)
    assert {name: told[name] for name in OWN} == OWN
    assert {name: e.updated(voice="Ethan")[name] for name in OWN} == OWN
    told = e.updated(smooth_output=None, top_k=None, seed=-1)
    assert (told["smooth_output"], told["top_k"], told["seed"], told["voice"]) == (None, None, -1, "Ethan")


@pytest.mark.parametrize(
    ("field", "held", "range_"),
    [
        ("temperature", 2, "[0, 2)"),
        ("temperature", -0.1, "[0, 2)"),
        ("top_p", 0, "(0, 1]"),
        ("top_p", 1.1, "(0, 1]"),
        ("top_k", -1, "[0, inf)"),
        ("max_tokens", 0, "[1, inf)"),
        ("repetition_penalty", 0, "(0, inf)"),
        ("presence_penalty", 2.1, "[-2.0, 2.0]"),
        ("seed", 2**31, f"[0, {2**31 - 1}]"),
        ("seed", -2, f"[0, {2**31 - 1}]"),
    ],
)
def test_ranges_of_its_own_settings(field: str, held: Any, range_: str) -> None:
    e = Qwen()
    error = e.refused("session.update", session={field: held, "voice": "Ethan"})
    assert (error["code"], error["param"]) == ("invalid_value", f"session.{field}")
    assert error["message"] == f"Invalid 'session.{field}': {held}. Expected a value in {range_}."
    assert e.updated()["voice"] == "Cherry"


@pytest.mark.parametrize(
    ("detection", "param"),
    [
        ({"type": "server_vad", "threshold": -1.1}, "threshold"),
        ({"type": "semantic_vad", "threshold": 1.1}, "threshold"),
        ({"type": "server_vad", "silence_duration_ms": 199}, "silence_duration_ms"),
        ({"type": "semantic_vad", "silence_duration_ms": 6001}, "silence_duration_ms"),
        ({"type": "server_vad", "idle_timeout_ms": 4999}, "idle_timeout_ms"),
        ({"type": "smart_turn"}, "type"),
    ],
)
def test_ranges_of_turn_detection(detection: Any, param: str) -> None:
    error = Qwen().refused("session.update", session={"turn_detection": detection})
    assert (error["code"], error["param"]) == ("invalid_value", f"session.turn_detection.{param}")


def test_an_error_says_what_is_documented_and_nothing_else() -> None:
    error = Qwen().refused("session.update", session={"modalities": ["audio"]}, event_id="event_1")
    assert error == {
        "type": "invalid_request_error",
        "code": "invalid_value",
        "message": "Invalid modalities: ['audio']. Supported combinations are: ['text'] and ['audio', 'text'].",
        "param": "session.modalities",
    }
    assert Qwen().refused("session.update", session={"modalities": ["video"]})["param"] == "session.modalities"


def test_names_of_formats_and_modalities_that_older_clients_use() -> None:
    e = Qwen()
    told = e.updated(modalities=["audio", "text"], input_audio_format="pcm16", output_audio_format="pcm24")
    assert told["modalities"] == ["text", "audio"]
    assert (told["input_audio_format"], told["output_audio_format"]) == ("pcm", "pcm")
    error = e.refused("session.update", session={"input_audio_format": "mp3"})
    assert (error["code"], error["param"]) == ("invalid_value", "session.input_audio_format")


def test_formats_as_objects() -> None:
    e = Qwen()
    told = e.updated(audio={"input": {"format": {"type": "pcm"}}, "output": {"format": {"type": "pcm"}}})
    assert (told["input_audio_format"], told["output_audio_format"]) == ("pcm", "pcm")
    told = e.updated(audio={"output": {"format": {"type": "pcm", "sample_rate": 8000}}})
    assert told["audio"] == {"output": {"format": {"type": "pcm", "sample_rate": 8000}}}
    e.updated(turn_detection=None)
    spoke(e)
    e.said("response.create")
    e.finish()
    assert len(sound(e.seen)) == pytest.approx(8_000 * 2 * 1.0, rel=0.01)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"type": "wav"}, "type"),
        ({"type": "audio/pcm", "rate": 24000}, "type"),
        ({"type": "pcm", "sample_rate": 44_100}, "sample_rate"),
        ({"type": "pcm", "sample_rate": "16000"}, "sample_rate"),
    ],
)
def test_formats_that_there_are_not(given: Any, param: str) -> None:
    error = Qwen().refused("session.update", session={"audio": {"input": {"format": given}}})
    assert (error["code"], error["param"]) == ("invalid_value", f"session.input_audio_format.{param}")


def test_null_ends_transcription_and_turn_detection() -> None:
    told = Qwen().updated(input_audio_transcription=None, turn_detection=None, voice=None)
    assert (told["input_audio_transcription"], told["turn_detection"], told["voice"]) == (None, None, "Cherry")


def test_an_update_changes_a_part_of_turn_detection() -> None:
    e = Qwen()
    told = e.updated(turn_detection={"type": "semantic_vad", "threshold": 0.1})["turn_detection"]
    assert (told["type"], told["threshold"], told["silence_duration_ms"]) == ("semantic_vad", 0.1, 800)
    told = e.updated(turn_detection={"type": "semantic_vad", "create_response": False})["turn_detection"]
    assert (told["threshold"], told["create_response"]) == (0.1, False)


def test_a_field_that_nobody_knows() -> None:
    error = Qwen().refused("session.update", session={"poetry": True})
    assert (error["code"], error["param"]) == ("unknown_parameter", "session.poetry")


def test_what_a_secret_wants_and_qwen_cannot() -> None:
    heard = events.AudioInput(format=events.AudioPcm(rate=24_000))
    e = Qwen(session=events.RealtimeSession(audio=events.AudioConfig(input=heard)))
    assert [event["type"] for event in e.wire] == ["session.created", "error"]
    assert e.wire[1]["error"]["param"] == "session.input_audio_format.type"


# ---- turns ----


@pytest.mark.parametrize("kind", ["server_vad", "semantic_vad"])
def test_a_spoken_turn(kind: str) -> None:
    e = Qwen()
    e.updated(turn_detection={"type": kind})
    del e.wire[:]
    e.hears(silence(0.5, RATE) + voice(1.0, RATE) + silence(1.0, RATE))
    e.finish()
    transcribed = "conversation.item.input_audio_transcription."
    assert [kind for kind in e.kinds() if not kind.startswith(transcribed)] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.created",
        *ORDER,
        "response.audio_transcript.delta",
        "response.audio.delta",
        "response.audio_transcript.delta",
        "response.audio.delta",
        "response.audio_transcript.delta",
        "response.audio.delta",
        "response.audio.done",
        "response.audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    started, stopped, committed, created = e.wire[:4]
    assert started["audio_start_ms"] == pytest.approx(500 - 300, abs=40)
    assert stopped["audio_end_ms"] == pytest.approx(500 + 1000 + 800, abs=40)
    del committed["event_id"], created["event_id"]
    item_id = started["item_id"]
    assert committed == {"type": "input_audio_buffer.committed", "item_id": item_id}
    assert created == {
        "type": "conversation.item.created",
        "item": {
            "id": item_id,
            "object": "realtime.item",
            "type": "message",
            "status": "in_progress",
            "role": "user",
            "content": [{"type": "input_audio"}],
        },
    }
    (heard,) = e.of("conversation.item.input_audio_transcription.completed")
    assert heard["transcript"] == "(1.0 seconds of speech)"
    assert set(heard) == {"type", "event_id", "item_id", "content_index", "transcript"}
    assert e.of("rate_limits.updated") == []


def test_a_response_says_what_is_documented() -> None:
    e = manual()
    spoke(e)
    (created, *_) = e.said("response.create", response={"instructions": None, "modalities": ["audio", "text"]})
    e.finish()
    about = {"id", "object", "conversation_id", "status", "modalities", "voice", "output_audio_format", "output"}
    assert set(created["response"]) == about
    assert (created["response"]["voice"], created["response"]["output_audio_format"]) == ("Cherry", "pcm")
    (done,) = e.of("response.done")
    assert set(done["response"]) == about | {"usage"}
    usage = done["response"]["usage"]
    assert set(usage) == {
        "total_tokens",
        "input_tokens",
        "output_tokens",
        "input_tokens_details",
        "output_tokens_details",
    }
    assert usage["input_tokens_details"] == {"text_tokens": 0, "audio_tokens": 10}
    assert usage["output_tokens"] == sum(usage["output_tokens_details"].values()) > 20
    words = "I heard 1.0 seconds of speech."
    (part,), (item,) = e.of("response.content_part.done"), e.of("response.output_item.done")
    assert part["part"] == {"type": "audio", "text": words}
    assert item["item"]["content"] == [{"type": "audio", "text": words}]
    assert done["response"]["output"][0]["content"] == [{"type": "audio", "transcript": words}]
    assert done["response"]["output"][0]["object"] == "realtime.item"
    assert len(sound(e.seen)) == 24_000 * 2


def test_a_written_answer() -> None:
    e = manual()
    e.updated(modalities=["text"])
    spoke(e)
    e.said("response.create")
    e.finish()
    assert [event["text"] for event in e.of("response.text.done")] == ["I heard 1.0 seconds of speech."]
    assert e.of("response.audio.delta") == []
    assert e.of("response.done")[0]["response"]["output"][0]["content"][0]["type"] == "text"


class Pieces:
    """Hears what it is told, a piece at a time."""

    def transcribe(self, speech: Any) -> Any:
        yield from ("What ", "is ", "that")


def test_a_transcript_that_grows_is_told_whole() -> None:
    e = manual(Settings(pace=math.inf, engines=Engines(transcriber=Pieces())))
    conversation = Conversation()
    spoke(e)
    told = e.of("conversation.item.input_audio_transcription.delta")
    assert [(event["text"], event["stash"]) for event in told] == [
        ("", "What "),
        ("What ", "is "),
        ("What is ", "that"),
    ]
    assert all("delta" not in event for event in told)
    for event in e.seen:
        conversation.received(event)
    assert str(conversation.items[0].parts[0].transcript) == "What is that"


def test_no_transcription_is_told_where_none_is_wanted() -> None:
    e = manual()
    e.updated(input_audio_transcription=None)
    spoke(e)
    e.said("response.create")
    e.finish()
    assert not [kind for kind in e.kinds() if "transcription" in kind]
    assert e.of("response.audio_transcript.done")[0]["transcript"] == "I heard 1.0 seconds of speech."


def test_a_turn_that_is_detected_is_not_committed_by_the_client() -> None:
    e = Qwen()
    e.say(append(voice(0.5, RATE)))
    error = e.refused("input_audio_buffer.commit")
    assert error == {
        "type": "invalid_request_error",
        "message": "Error committing input audio buffer, maybe no invalid audio stream.",
    }


def test_an_empty_commit() -> None:
    error = manual().refused("input_audio_buffer.commit")
    assert error["message"] == "Error committing input audio buffer, maybe no invalid audio stream."
    assert "code" not in error


def test_a_low_threshold_still_hears_an_end() -> None:
    e = Qwen()
    e.updated(turn_detection={"type": "server_vad", "threshold": -1.0})
    e.hears(silence(0.5, RATE) + voice(1.0, RATE) + silence(1.0, RATE))
    assert len(e.of("input_audio_buffer.speech_stopped")) == 1


def test_the_voice_may_change_after_it_was_heard() -> None:
    e = manual()
    spoke(e)
    e.said("response.create")
    e.finish()
    assert e.updated(voice="Serena")["voice"] == "Serena"


# ---- ends ----


def test_max_tokens_limits_a_response() -> None:
    e = manual()
    e.updated(max_tokens=10)
    spoke(e, 3.0)
    e.said("response.create")
    e.finish()
    response = e.of("response.done")[0]["response"]
    assert response["status"] == "incomplete"
    assert response["usage"]["output_tokens"] <= 10
    assert e.updated(max_tokens=None)["max_tokens"] is None
    e.said("response.create")
    e.finish()
    assert e.of("response.done")[1]["response"]["status"] == "completed"


def test_a_response_is_cancelled() -> None:
    e = manual(Settings(pace=1.0))
    spoke(e, 3.0)
    e.said("response.create")
    e.wait(0.5)
    kinds = [event["type"] for event in e.said("response.cancel")]
    assert kinds[-1] == "response.done"
    assert e.wire[-1]["response"]["status"] == "cancelled"
    assert e.refused("response.cancel") == {
        "type": "invalid_request_error",
        "message": "Conversation has none active response",
    }


def test_speech_interrupts_a_response() -> None:
    e = Qwen(Settings(pace=1.0))
    e.hears(voice(2.0, RATE) + silence(1.0, RATE) + voice(0.5, RATE))
    (done,) = e.of("response.done")
    assert done["response"]["status"] == "cancelled"
    assert done["response"]["status_details"]["reason"] == "turn_detected"


def test_the_end_of_a_session_waits_for_the_answer() -> None:
    e = Qwen(Settings(pace=1.0))
    e.hears(voice(2.0, RATE) + silence(0.2, RATE))
    assert e.said("session.finish")[0]["type"] == "input_audio_buffer.speech_stopped"
    assert e.of("session.finished") == []
    e.wait(1.0)
    assert e.of("session.finished") == []
    e.finish()
    assert e.kinds()[-2:] == ["response.done", "session.finished"]
    assert e.closed is None


def test_the_end_of_a_session_in_which_nothing_goes_on() -> None:
    assert [event["type"] for event in Qwen().said("session.finish")] == ["session.finished"]


# ---- functions ----


class Calls(EchoResponder):
    """Calls a function, and then says what it gave."""

    def respond(self, context: Any) -> Any:
        outputs = [item.output for item in context.items if isinstance(item, events.FunctionCallOutputItem)]
        if outputs:
            yield Say(" ".join(outputs))
        else:
            yield Call(name="get_weather", arguments='{"city": "Paris"}')
            yield Call(name="get_weather", arguments='{"city": "Rome"}')


CALLS = Settings(pace=math.inf, engines=Engines(responder=Calls()))


def output(e: Qwen, call_id: str, text: str) -> list[dict[str, Any]]:
    item = {"type": "function_call_output", "call_id": call_id, "output": text}
    return e.said("conversation.item.create", item=item)


def test_the_outputs_of_functions_are_answered_unasked_where_turns_are_detected() -> None:
    e = Qwen(CALLS, model=CALLING)
    assert e.updated(tools=[WEATHER])["tools"] == [WEATHER]
    e.hears(voice(1.0, RATE) + silence(1.0, RATE))
    first, second = e.of("response.function_call_arguments.done")
    assert (first["name"], json.loads(first["arguments"])) == ("get_weather", {"city": "Paris"})
    assert e.of("response.audio.delta") == []
    assert [event["type"] for event in output(e, first["call_id"], "sunny")] == ["conversation.item.created"]
    output(e, second["call_id"], "rainy")
    e.finish()
    assert [event["response"]["status"] for event in e.of("response.done")] == ["completed", "completed"]
    assert e.of("response.audio_transcript.done")[0]["transcript"] == "sunny rainy"


def test_an_output_that_comes_before_its_response_has_ended() -> None:
    class Slow(Calls):
        def respond(self, context: Any) -> Any:
            pieces = list(super().respond(context))
            yield from pieces[:1]
            yield Say("one moment please")

    e = Qwen(Settings(pace=1.0, engines=Engines(responder=Slow())), model=CALLING)
    e.updated(tools=[WEATHER])
    e.hears(voice(1.0, RATE) + silence(0.9, RATE))
    (call,) = e.of("response.function_call_arguments.done")
    output(e, call["call_id"], "sunny")
    assert len(e.of("response.created")) == 1
    e.finish()
    kinds = [event["type"] for event in e.wire if event["type"] in ("response.created", "response.done")]
    assert kinds == ["response.created", "response.done"] * 2


def test_the_output_of_a_function_waits_to_be_asked_for_in_manual_mode() -> None:
    e = manual(CALLS, model=CALLING)
    e.updated(tools=[WEATHER])
    spoke(e)
    e.said("response.create")
    for call in e.of("response.function_call_arguments.done"):
        output(e, call["call_id"], "sunny")
    e.finish()
    assert len(e.of("response.created")) == 1
    e.said("response.create")
    e.finish()
    assert e.of("response.audio_transcript.done")[0]["transcript"] == "sunny sunny"


def test_older_models_drop_tools() -> None:
    assert Qwen().updated(tools=[WEATHER])["tools"] is None


def test_tools_and_the_search_exclude_each_other() -> None:
    error = Qwen(model=CALLING).refused("session.update", session={"tools": [WEATHER], "enable_search": True})
    assert (error["code"], error["param"]) == ("invalid_value", "session.enable_search")


@pytest.mark.parametrize(
    ("kind", "fields", "param"),
    [
        (
            "conversation.item.create",
            {"item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}},
            "item.type",
        ),
        ("conversation.item.truncate", {"item_id": "i", "content_index": 0, "audio_end_ms": 0}, "type"),
        ("conversation.item.delete", {"item_id": "i"}, "type"),
        ("conversation.item.retrieve", {"item_id": "i"}, "type"),
        ("output_audio_buffer.clear", {}, "type"),
    ],
)
def test_what_clients_of_openai_say_and_qwen_does_not_know(kind: str, fields: Any, param: str) -> None:
    error = Qwen().refused(kind, **fields)
    assert (error["code"], error["param"]) == ("invalid_value", param)


def test_what_clients_of_qwen_say_is_nobody_elses() -> None:
    e = Emulated(AT_ONCE, "beta", lawful=False)
    e.raw('{"type": "session.finish"}')
    error = e.wire[-1]["error"]
    assert error["param"] == "type"
    assert "session.finish'" in error["message"]
    assert "input_image_buffer" not in error["message"]


# ---- pictures ----


class Sees(EchoResponder):
    def respond(self, context: Any) -> Any:
        parts = [part for item in context.items if item.type == "message" for part in item.content or ()]
        pictures = [part.image_url for part in parts if isinstance(part, events.InputImage)]
        yield Say(f"{len(pictures)} pictures, the last {pictures[-1] if pictures else None}")


SEES = Settings(pace=math.inf, engines=Engines(responder=Sees()))


def show(e: Qwen, picture: bytes = JPEG) -> list[dict[str, Any]]:
    return e.said("input_image_buffer.append", image=base64.b64encode(picture).decode())


def test_pictures_are_committed_with_the_sound() -> None:
    e = manual(SEES)
    e.updated(modalities=["text"])
    e.say(append(voice(0.5, RATE)))
    assert show(e) == show(e) == []
    e.said("input_audio_buffer.commit")
    (created,) = e.of("conversation.item.created")
    assert created["item"]["content"] == [{"type": "input_audio"}, {"type": "input_image"}, {"type": "input_image"}]
    e.said("response.create")
    e.finish()
    url = "data:image/jpeg;base64," + base64.b64encode(JPEG).decode()
    assert e.of("response.text.done")[0]["text"] == f"2 pictures, the last {url}"


def test_pictures_belong_to_a_turn_that_is_detected() -> None:
    e = Qwen(SEES)
    e.updated(modalities=["text"])
    e.hears(voice(0.5, RATE))
    show(e)
    e.hears(silence(1.0, RATE))
    e.finish()
    assert e.of("response.text.done")[0]["text"].startswith("1 pictures")


def test_a_picture_before_any_sound() -> None:
    e = manual()
    before = {"type": "invalid_request_error", "message": "Error append image before append audio."}
    assert show(e)[0]["error"] == before
    spoke(e)
    assert show(e)[0]["error"] == before, "what was committed is another turn's"


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (b"\x89PNG" + bytes(60), "Invalid 'image': expected a JPEG."),
        (JPEG + bytes(196_608), "Invalid 'image': 262232 characters of base64, at most 262144 are possible."),
    ],
)
def test_pictures_that_are_refused(picture: bytes, message: str) -> None:
    e = manual()
    e.say(append(voice(0.5, RATE)))
    error = show(e, picture)[0]["error"]
    assert (error["code"], error["param"], error["message"]) == ("invalid_value", "image", message)


def test_pictures_are_dropped_with_the_sound_and_bounded() -> None:
    e = manual()
    e.say(append(voice(0.5, RATE)))
    show(e)
    e.said("input_audio_buffer.clear")
    e.say(append(voice(0.5, RATE)))
    for _ in range(70):
        show(e)
    e.said("input_audio_buffer.commit")
    (created,) = e.of("conversation.item.created")
    assert len(created["item"]["content"]) == 1 + 60
