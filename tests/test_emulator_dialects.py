"""The emulator in dialects other than GA: Azure Voice Live and the beta, with a client that speaks the wire itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from emulated import Emulated, append, silence, sound, voice
from rtproto_emulator import Engines, Settings, Speech
from rtproto_emulator._auth import Access
from rtproto_emulator._visit import Visit, visit
from wire_client import of, refused, say, updated, wrote

VOICE_LIVE = "azure-voicelive"
AT_ONCE = Settings(pace=math.inf)


def client(dialect: str, **policy: Any) -> Emulated:
    return Emulated(AT_ONCE, dialect, lawful=False, **policy)


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


# ---- LocalAI ----

PUSH_TO_TALK = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
SEMANTIC: dict[str, Any] = {
    "type": "realtime",
    "audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}}},
}


class Words:
    """Understands as many words as there are seconds of sound, already in a silence that may end a turn."""

    pause_ms = 160

    def prepare(self) -> None:
        """It is ready."""

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        yield " ".join(["one", "two", "three", "four"][: round(len(speech.pcm) / 48_000)])


def localai() -> Emulated:
    return Emulated(Settings(pace=math.inf, engines=Engines(transcriber=Words())), "localai", lawful=False)


def kinds(e: Emulated, since: int = 0) -> list[str]:
    """The types of what travelled, repeated ones once."""
    told = [event["type"] for event in e.wire[since:]]
    return [kind for at, kind in enumerate(told) if at == 0 or told[at - 1] != kind]


def test_localai_transcribes_from_the_beginning_on() -> None:
    heard = localai().wire[0]["session"]["audio"]["input"]
    assert heard["transcription"]["model"] == "whisper-1"
    assert heard["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "create_response": True,
    }


def test_localai_answers_when_the_words_are_known() -> None:
    e = localai()
    e.speak(silence(0.5) + voice(1.0) + silence(0.6))
    e.finish()
    told = kinds(e)
    completed = told.index("conversation.item.input_audio_transcription.completed")
    assert completed < told.index("response.created")
    assert told[-1] == "response.done"
    # No deltas of a turn that has ended, no item that is done, no limits, and no usage of the transcription.
    assert not {"conversation.item.input_audio_transcription.delta", "conversation.item.done"} & {*told}
    assert "rate_limits.updated" not in told
    assert "usage" not in of(e, "conversation.item.input_audio_transcription.completed")[0]
    assert not [event for event in e.wire if "event_id" in event]


def test_localai_answers_a_commit_unasked() -> None:
    e = localai()
    say(e, "session.update", session=PUSH_TO_TALK)
    e.say(append(voice(1.0)))
    before = len(e.wire)
    say(e, "input_audio_buffer.commit")
    e.finish()
    assert kinds(e, before)[:4] == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
    ]
    assert of(e, "response.done")[0]["response"]["status"] == "completed"


def test_a_response_that_is_asked_for_takes_its_place() -> None:
    e = Emulated(Settings(pace=1.0), "localai", lawful=False)
    say(e, "session.update", session=PUSH_TO_TALK)
    e.say(append(voice(1.0)))
    say(e, "input_audio_buffer.commit")
    say(e, "response.create")
    e.finish()
    assert [event["response"]["status"] for event in of(e, "response.done")] == ["cancelled", "completed"]


def test_localais_clients_leave_out_what_is_empty() -> None:
    e = localai()
    told = e.raw('{"type": "conversation.item.create", "item": {"type": "function_call", "name": "f", "call_id": "c"}}')
    assert told[0].item.arguments == ""
    told = e.raw('{"type": "conversation.item.create", "item": {"type": "function_call_output", "call_id": "c"}}')
    assert told[0].item.output == ""
    (refused,) = e.raw('{"type": "conversation.item.create", "item": {"type": "function_call_output"}}')
    assert refused.error.message == "Tool call ID '' not found in conversation."


def test_localai_takes_no_commit_where_voice_activity_makes_the_turns() -> None:
    e = localai()
    e.say(append(voice(1.0)))
    assert refused(e, "input_audio_buffer.commit", event_id="e1") == {
        "type": "invalid_request_error",
        "code": "not_implemented",
        "message": "input_audio_buffer.commit in conjunction with VAD",
    }


def test_localai_only_transcribes_where_an_update_says_so() -> None:
    e = localai()
    transcription = {"language": "en"}
    heard = {"turn_detection": None, "transcription": transcription}
    (told,) = say(e, "session.update", session={"type": "transcription", "audio": {"input": heard}})
    assert told["session"]["type"] == "transcription"
    assert told["session"]["id"] == e.wire[0]["session"]["id"]
    assert told["session"]["audio"]["input"]["transcription"] == {"model": "whisper-1", "language": "en"}
    e.say(append(voice(1.0)))
    say(e, "input_audio_buffer.commit")
    e.finish()
    assert of(e, "conversation.item.input_audio_transcription.completed")[0]["transcript"] == "one"
    assert of(e, "response.created") == []
    (told,) = say(e, "session.update", session={"type": "realtime"})
    assert (told["session"]["type"], told["session"]["output_modalities"]) == ("realtime", ["audio"])
    assert told["session"]["audio"]["input"]["transcription"]["language"] == "en"


def test_an_update_of_another_type_that_is_refused_changes_nothing() -> None:
    e = localai()
    heard = {"turn_detection": {"type": "poetry"}}
    error = refused(e, "session.update", session={"type": "transcription", "audio": {"input": heard}})
    assert error["code"] == "invalid_value"
    assert updated(e, type="realtime", audio={"input": {"transcription": None}})["type"] == "realtime"


def test_localai_passes_over_what_it_does_not_know() -> None:
    e = localai()
    assert updated(e, type="realtime", colour="blue", instructions="Be brief.")["instructions"] == "Be brief."
    assert say(e, "response.cancel") == []
    invalid = {"type": "invalid_request_error", "code": "invalid_json", "message": "Invalid JSON format"}
    assert refused(e, "nonsense", event_id="e1") == invalid
    e.raw("{")
    assert e.wire[-1] == {"type": "error", "error": invalid}
    assert refused(e, "input_audio_buffer.append", audio="!")["code"] == "invalid_audio_data"


def test_localai_hears_and_speaks_at_other_rates() -> None:
    e = localai()
    sound = {"format": {"type": "audio/pcm", "rate": 16_000}}
    told = updated(e, type="realtime", audio={"input": sound, "output": {**sound, "voice": "en-us-amy-low.onnx"}})
    assert told["audio"]["output"]["voice"] == "en-us-amy-low.onnx"
    pcm = silence(0.5, 16_000) + voice(1.0, 16_000) + silence(0.6, 16_000)
    for at in range(0, len(pcm), 640):
        e.say(append(pcm[at : at + 640]))
    assert of(e, "input_audio_buffer.speech_stopped")[0]["audio_end_ms"] == pytest.approx(2000, abs=40)


CAPTION = "conversation.item.input_audio_transcription.delta"


def test_captions_come_while_semantic_vad_waits() -> None:
    e = localai()
    say(e, "session.update", session=SEMANTIC)
    e.speak(voice(1.0) + silence(0.3) + voice(1.0) + silence(0.3))
    assert [event["delta"] for event in of(e, CAPTION)] == ["one", " two"]
    e.speak(silence(9.0))
    e.finish()
    (completed,) = of(e, "conversation.item.input_audio_transcription.completed")
    (committed,) = of(e, "input_audio_buffer.committed")
    assert {event["item_id"] for event in of(e, CAPTION)} == {completed["item_id"]} == {committed["item_id"]}
    assert len(of(e, CAPTION)) == 2
    assert kinds(e).index(CAPTION) < kinds(e).index("input_audio_buffer.committed")


@pytest.mark.parametrize("how", ["clear", "update"])
def test_captions_of_a_turn_that_is_dropped_are_taken_back(how: str) -> None:
    e = localai()
    say(e, "session.update", session=SEMANTIC)
    e.speak(voice(1.0) + silence(0.3))
    before = len(e.wire)
    if how == "clear":
        say(e, "input_audio_buffer.clear")
    else:
        say(e, "session.update", session=PUSH_TO_TALK)
    failed, _ = e.wire[before:]
    assert failed["type"] == "conversation.item.input_audio_transcription.failed"
    assert failed["item_id"] == of(e, CAPTION)[0]["item_id"]
    assert failed["error"] == {"type": "transcription_discarded", "message": "turn discarded before commit"}


def test_other_servers_tell_no_captions() -> None:
    e = Emulated(Settings(engines=Engines(transcriber=Words())), "ga", lawful=False)
    updated(e, type="realtime", audio={"input": {"transcription": {"model": "gpt-realtime-whisper"}}})
    updated(e, **SEMANTIC)
    e.speak(voice(1.0) + silence(0.3))
    assert of(e, CAPTION) == []


@pytest.mark.parametrize(
    ("host", "dialect"), [("unmute.sh", "unmute"), ("unmute.sh:443", "unmute"), ("api.openai.com", "ga")]
)
def test_the_host_that_a_client_names_tells_its_dialect(host: str, dialect: str) -> None:
    wanted = visit("/v1/realtime", {}, {"host": host}, [], Access(), 0.0)
    assert isinstance(wanted, Visit)
    assert wanted.dialect == dialect


def test_unmutes_public_path_tells_its_dialect() -> None:
    wanted = visit("/api/v1/realtime", {}, {}, ["realtime"], Access(), 0.0)
    assert isinstance(wanted, Visit)
    assert (wanted.dialect, wanted.subprotocol) == ("unmute", "realtime")
