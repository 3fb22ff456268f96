"""The beta protocol, mapped onto the GA vocabulary and back."""

import json
from typing import Any

import pytest

from rtproto import Config, Role, Session, events
from rtproto._codec import Codec
from rtproto._dialects import DIALECTS, dialect
from rtproto.events import beta

CLIENT = Codec(Role.CLIENT, "beta", 200)
SERVER = Codec(Role.SERVER, "beta", 200)
PLACE = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}

SESSION = {
    "id": "sess_1",
    "object": "realtime.session",
    "model": "gpt-4o-realtime-preview",
    "modalities": ["text", "audio"],
    "voice": "alloy",
    "input_audio_format": "pcm16",
    "output_audio_format": "g711_ulaw",
    "input_audio_transcription": {"model": "whisper-1"},
    "input_audio_noise_reduction": None,
    "turn_detection": {"type": "server_vad", "threshold": 0.5},
    "max_response_output_tokens": "inf",
    "temperature": 0.8,
    "speed": 1.1,
    "tools": [],
    "tool_choice": "auto",
}


def both_ways(wire: dict[str, Any], *, sent: bool = False) -> Any:
    decoder, encoder = (SERVER, CLIENT) if sent else (CLIENT, SERVER)
    event = decoder.decode(json.dumps(wire))
    assert json.loads(encoder.encode(event) or b"") == wire
    return event


def test_a_session() -> None:
    event = both_ways({"type": "session.created", "event_id": "e", "session": SESSION})
    session = event.session
    assert isinstance(session, events.RealtimeSession)
    assert session.output_modalities == ["audio"]
    assert session.max_output_tokens == "inf"
    assert session.audio == events.AudioConfig(
        input=events.AudioInput(
            format=events.AudioPcm(rate=24000),
            transcription=events.AudioTranscription(model="whisper-1"),
            noise_reduction=None,
            turn_detection=events.ServerVad(threshold=0.5),
        ),
        output=events.AudioOutput(format=events.AudioPcmu(), voice="alloy", speed=1.1),
    )
    assert isinstance(session, beta.RealtimeSession)
    assert session.temperature == 0.8
    assert session.extra is None
    assert event.type == event.wire_type == "session.created"


@pytest.mark.parametrize(
    "session",
    [
        {},
        {"modalities": ["text"]},
        {"modalities": ["audio", "text"]},
        {"turn_detection": None},
        {"turn_detection": {"type": "none"}},
        {"input_audio_format": "pcm", "output_audio_format": "opus"},
        {"input_audio_format": None},
        {"voice": {"name": "n", "type": "azure-standard"}},
        {"turn_detection": "off"},
        {"audio": {"input": {"gain": 2}}, "voice": "ash"},
        {"audio": {"output": {"format": {"type": "audio/pcm", "rate": 8000}}}},
    ],
)
def test_a_session_update_of_any_shape(session: dict[str, Any]) -> None:
    both_ways({"type": "session.update", "session": session}, sent=True)


def test_a_ga_program_speaks_beta() -> None:
    update = events.SessionUpdate(
        session=events.RealtimeSession(
            output_modalities=["audio"],
            instructions="Be brief.",
            audio=events.AudioConfig(
                input=events.AudioInput(format=events.AudioPcm(), turn_detection=None),
                output=events.AudioOutput(voice="ash"),
            ),
        )
    )
    assert json.loads(CLIENT.encode(update) or b"") == {
        "type": "session.update",
        "session": {
            "instructions": "Be brief.",
            "modalities": ["text", "audio"],
            "voice": "ash",
            "input_audio_format": "pcm16",
            "turn_detection": None,
        },
    }
    item = events.MessageItem(role="assistant", content=[events.OutputText(text="hi"), events.OutputAudio()])
    create = json.loads(CLIENT.encode(events.ConversationItemCreate(item=item)) or b"")
    assert [part["type"] for part in create["item"]["content"]] == ["text", "audio"]
    params = events.ResponseCreateParams(output_modalities=["audio"], input=[item], conversation="none")
    response = json.loads(CLIENT.encode(events.ResponseCreate(response=params)) or b"")["response"]
    assert response["modalities"] == ["text", "audio"]
    assert response["input"][0]["content"][0]["type"] == "text"


@pytest.mark.parametrize(
    ("wire", "cls"),
    [
        ({"type": "response.audio.delta", "delta": "AAAA", **PLACE}, events.ResponseOutputAudioDelta),
        ({"type": "response.audio.done", **PLACE}, events.ResponseOutputAudioDone),
        ({"type": "response.text.delta", "delta": "a", **PLACE}, events.ResponseOutputTextDelta),
        ({"type": "response.text.done", "text": "a", **PLACE}, events.ResponseOutputTextDone),
        ({"type": "response.audio_transcript.delta", "delta": "a", **PLACE}, events.ResponseOutputAudioTranscriptDelta),
        (
            {"type": "response.audio_transcript.done", "transcript": "a", **PLACE},
            events.ResponseOutputAudioTranscriptDone,
        ),
        ({"type": "output_audio_buffer.audio_started", "response_id": "r"}, events.OutputAudioBufferStarted),
        ({"type": "output_audio_buffer.started", "response_id": "r"}, events.OutputAudioBufferStarted),
        (
            {
                "type": "conversation.item.created",
                "previous_item_id": None,
                "item": {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "hi"}]},
            },
            events.ConversationItemAdded,
        ),
        ({"type": "response.content_part.added", "part": {"type": "audio"}, **PLACE}, events.ResponseContentPartAdded),
        ({"type": "session.telepathy", "x": 1}, events.Unknown),
    ],
)
def test_a_beta_event_is_its_ga_class_and_goes_back_as_it_came(wire: dict[str, Any], cls: type) -> None:
    event = both_ways(wire)
    assert type(event) is cls
    assert isinstance(event, (events.ServerEvent, events.ClientEvent))
    assert event.wire_type == wire["type"]


def test_a_response() -> None:
    response = {
        "id": "resp_1",
        "object": "realtime.response",
        "status": "completed",
        "modalities": ["text", "audio"],
        "voice": "alloy",
        "output_audio_format": "pcm16",
        "temperature": 0.8,
        "max_output_tokens": "inf",
        "output": [
            {"id": "i", "type": "message", "role": "assistant", "content": [{"type": "audio", "transcript": "hi"}]},
            {"id": "j", "type": "message", "role": "user", "content": [{"type": "text", "text": "?"}]},
        ],
    }
    event = both_ways({"type": "response.done", "event_id": "e", "response": response})
    assert event.response.output_modalities == ["audio"]
    assert event.response.audio.output == events.AudioOutput(voice="alloy", format=events.AudioPcm(rate=24000))
    assert event.response.output[0].content == [events.OutputAudio(transcript="hi")]


def test_a_transcription_session() -> None:
    session = {"input_audio_format": "pcm16", "input_audio_transcription": {"model": "whisper-1"}}
    event = both_ways({"type": "transcription_session.update", "session": session}, sent=True)
    assert isinstance(event, events.SessionUpdate)
    assert isinstance(event.session, events.TranscriptionSession)
    both_ways({"type": "transcription_session.updated", "session": session})


@pytest.mark.parametrize("name", [name for name in DIALECTS if name not in ("ga-transcription", "beta", "vllm")])
def test_a_transcription_session_stays_one_where_a_dialect_has_no_name_for_it(name: str) -> None:
    said = events.SessionUpdate(session=events.TranscriptionSession(include=["logprobs"]))
    wire = json.loads(Codec(Role.CLIENT, name, 200).encode(said) or b"")
    assert wire == {"type": "session.update", "session": {"type": "transcription", "include": ["logprobs"]}}
    assert Codec(Role.SERVER, name, 200).decode(json.dumps(wire)).session.include == ["logprobs"]


def test_a_transcription_session_is_asked_for_in_betas_words() -> None:
    said = events.SessionUpdate(session=events.TranscriptionSession(include=["logprobs"]))
    wire = json.loads(CLIENT.encode(said) or b"")
    assert wire == {"type": "transcription_session.update", "session": {"include": ["logprobs"]}}


def test_odd_shapes_are_left_alone() -> None:
    unnamed = {"type": "message", "role": "assistant", "content": [{"text": "no type"}, {"type": "text", "text": "a"}]}
    for item in ({"type": "message", "role": "assistant"}, {**unnamed, "content": []}, unnamed):
        both_ways({"type": "conversation.item.created", "item": item})


def test_every_dialect_has_its_name() -> None:
    assert all(dialect(name).name == name for name in DIALECTS)
    with pytest.raises(ValueError, match="no dialect 'latin'"):
        dialect("latin")


@pytest.mark.parametrize(
    "session",
    [
        {"voice": "a", "audio": None},
        {"voice": "a", "audio": "s"},
        {"voice": "a", "audio": {"output": []}},
        {"modalities": [{}]},
        {"modalities": ["audio"]},
        {"modalities": ["audio", "text"]},
    ],
)
def test_no_shape_breaks_the_receiver(session: dict[str, Any]) -> None:
    for kind in ("session", "response"):
        machine = Session(Role.CLIENT, Config(dialect="beta"))
        machine.open(0.0)
        machine.next_event()
        wire = {"type": f"{kind}.created", kind: session}
        machine.receive(json.dumps(wire), 0.0)
        event: Any = machine.next_event()
        if not isinstance(event, events.Violation):
            assert json.loads(SERVER.encode(event) or b"") == wire
            if isinstance(session.get("modalities"), list) and "audio" in session["modalities"]:
                assert getattr(event, kind).output_modalities == ["audio"]


def test_encoding_leaves_the_callers_objects_alone() -> None:
    raw = {"type": "x", "audio": {"output": {"voice": "v"}}}
    extra = {"audio": {"output": {"voice": "v"}}}
    part = {"type": "output_text", "text": "hi"}
    item = {"type": "odd", "role": "assistant", "content": [part]}
    CLIENT.encode(events.SessionUpdate(session=events.UnknownObject(raw=raw)))
    CLIENT.encode(events.SessionUpdate(session=events.RealtimeSession(extra=extra)))
    CLIENT.encode(events.ConversationItemCreate(item=events.UnknownObject(raw=item)))
    assert raw == {"type": "x", "audio": {"output": {"voice": "v"}}}
    assert extra == {"audio": {"output": {"voice": "v"}}}
    assert part == {"type": "output_text", "text": "hi"}
    unknown = events.SessionUpdate(session=events.UnknownObject(raw={"type": "x", "audio": "s"}))
    assert json.loads(CLIENT.encode(unknown) or b"")["session"] == {"type": "x", "audio": "s"}


def test_a_response_is_asked_for_in_betas_words() -> None:
    create = events.ResponseCreate(response=events.ResponseCreateParams(max_output_tokens=5))
    wire = json.loads(CLIENT.encode(create) or b"")
    assert wire["response"] == {"max_response_output_tokens": 5}
    assert SERVER.decode(json.dumps(wire)) == create
