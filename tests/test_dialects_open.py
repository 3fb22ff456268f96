"""The servers that anyone may run: what they say is what their published code says."""

import json
from pathlib import Path
from typing import Any

import pytest
from shared import read_jsonl
from spoken import PLACE, codecs, heard, said

from rtproto import UNSET, events
from rtproto._rules import OrderRules
from rtproto.conversation import Conversation
from rtproto.events import localai, unmute, vllm

UNMUTE: list[dict[str, Any]] = [
    {
        "type": "session.updated",
        "session": {
            "instructions": {"type": "constant", "text": "Be brief.", "language": None},
            "voice": None,
            "allow_recording": False,
        },
    },
    {"type": "unmute.additional_outputs", "args": {"chat_history": [], "debug_dict": {"timing": {}}}},
    {"type": "conversation.item.input_audio_transcription.delta", "delta": "Hello.", "start_time": 1.28},
    {"type": "input_audio_buffer.speech_started"},
    {"type": "input_audio_buffer.speech_stopped"},
    {
        "type": "response.created",
        "response": {
            "object": "realtime.response",
            "status": "in_progress",
            "voice": "v",
            "chat_history": [{"role": "system", "content": "s"}, {"role": "user", "content": "Hello."}],
        },
    },
    {"type": "unmute.response.text.delta.ready", "delta": "Hi"},
    {"type": "response.text.delta", "delta": "Hi"},
    {"type": "response.audio.delta", "delta": "T2dnUwAC"},
    {"type": "unmute.response.audio.delta.ready", "number_of_samples": 1920},
    {"type": "response.text.done", "text": "Hi there."},
    {"type": "response.audio.done"},
    {"type": "response.created", "response": {"status": "in_progress", "voice": "missing", "chat_history": []}},
    {"type": "unmute.interrupted_by_vad"},
    {"type": "input_audio_buffer.speech_stopped"},
    {"type": "error", "error": {"type": "warning", "code": None, "message": "m", "param": None, "details": None}},
]
"""What Unmute says: a turn, an answer that is cut, and what its page shows."""


def test_a_program_that_reads_ga_reads_unmute() -> None:
    found: list[Any] = []
    for number, wire in enumerate(UNMUTE):
        match heard("unmute", **wire, event_id=f"event_{number}"):
            case events.ResponseOutputAudioDelta(delta=sound) as event:
                found += [sound, event.response_id, event.item_id, event.content_index]
            case events.ResponseOutputTextDelta(delta=text) | events.ResponseOutputTextDone(text=text):
                found.append(text)
            case events.ConversationItemInputAudioTranscriptionDelta(delta=text) as event:
                assert isinstance(event, unmute.ConversationItemInputAudioTranscriptionDelta)
                found += [text, event.start_time]
            case events.InputAudioBufferSpeechStarted() | events.InputAudioBufferSpeechStopped() as event:
                found.append(event.item_id)
            case events.SessionUpdated(session=unmute.RealtimeSession() as session):
                found += [session.instructions, session.allow_recording]
            case unmute.InterruptedByVad():
                found.append("cut")
            case events.ErrorEvent(error=unmute.RealtimeError() as error):
                found += [error.message, error.details]
            case events.ResponseCreated(response=unmute.RealtimeResponse() as response):
                found.append(response.audio)
            case events.Unknown() as event:
                pytest.fail(f"{event.wire_type} is not known")
    voices = [events.AudioConfig(output=events.AudioOutput(voice=voice)) for voice in ("v", "missing")]
    heard_of_user = ["Hello.", 1.28, UNSET, UNSET]
    answer = [voices[0], "Hi", b"OggS\0\2", UNSET, UNSET, UNSET, "Hi there."]
    assert found == ["Be brief.", False, *heard_of_user, *answer, voices[1], "cut", UNSET, "m", None]


def test_a_program_that_speaks_ga_configures_unmute() -> None:
    session = {"instructions": {"type": "constant", "text": "Be brief."}, "voice": "v", "allow_recording": False}
    audio = events.AudioConfig(output=events.AudioOutput(voice="v"))
    update = events.SessionUpdate(session=events.RealtimeSession(instructions="Be brief.", audio=audio))
    assert said("unmute", update) == {"type": "session.update", "session": session}
    assert update.session == events.RealtimeSession(instructions="Be brief.", audio=audio)
    agreed = unmute.RealtimeSession(
        instructions=unmute.Instructions(type="quiz_show", language="en"), allow_recording=True
    )
    assert said("unmute", events.SessionUpdate(session=agreed))["session"] == {
        "instructions": {"type": "quiz_show", "language": "en"},
        "allow_recording": True,
    }
    assert said("unmute", events.InputAudioBufferAppend(audio=b"OggS"))["audio"] == "T2dnUw=="


@pytest.mark.parametrize(
    ("instructions", "read"),
    [
        (None, None),
        ("as in GA", "as in GA"),
        ({"type": "constant", "text": "x"}, "x"),
        (
            {"type": "constant", "text": "x", "language": "fr"},
            unmute.Instructions(type="constant", text="x", language="fr"),
        ),
        ({"type": "constant"}, unmute.Instructions(type="constant")),
        ({"text": "x"}, unmute.Instructions(text="x")),
    ],
)
def test_instructions_of_unmute_are_a_text_where_they_say_nothing_else(instructions: Any, read: Any) -> None:
    session = {"instructions": instructions, "voice": "v"}
    assert heard("unmute", sent=True, type="session.update", session=session).session.instructions == read


def test_an_event_of_unmute_that_lacks_nothing_is_that_of_ga() -> None:
    whole = heard("unmute", type="response.audio.delta", delta="AAAA", **PLACE)
    assert whole == events.ResponseOutputAudioDelta(delta=b"\0\0\0", **PLACE)
    lacking = heard("unmute", type="response.audio.delta", delta="AAAA", **{**PLACE, "item_id": None})
    assert lacking == unmute.ResponseOutputAudioDelta(delta=b"\0\0\0", **{**PLACE, "item_id": None})


def test_what_names_nothing_goes_on_to_those_who_speak_otherwise() -> None:
    wire: dict[str, Any] = {"type": "response.audio.delta", "event_id": "e", "delta": "AAAA"}
    event = heard("unmute", **wire)
    assert json.loads(codecs("ga")[1].encode(event) or b"") == {**wire, "type": "response.output_audio.delta"}


VLLM: list[dict[str, Any]] = [
    {"type": "session.created", "id": "sess-1", "created": 1764000000},
    {"type": "error", "error": "Model not validated.", "code": "model_not_validated"},
    {"type": "error", "error": "bad", "code": None},
    {"type": "transcription.delta", "delta": "Hello"},
    {"type": "transcription.delta", "delta": " there."},
    {
        "type": "transcription.done",
        "text": "Hello there.",
        "usage": {"prompt_tokens": 30, "total_tokens": 34, "completion_tokens": 4, "prompt_tokens_details": None},
    },
    {"type": "transcription.done", "text": "", "usage": None},
]


def test_a_program_that_reads_ga_reads_vllm() -> None:
    found: list[Any] = [heard("vllm", **wire) for wire in VLLM]
    created, error, codeless, delta, _, done, silence = found
    assert created == events.SessionCreated(session=vllm.TranscriptionSession(id="sess-1", created=1764000000))
    assert isinstance(created.session, events.TranscriptionSession)
    assert error.error == events.RealtimeError(message="Model not validated.", code="model_not_validated")
    assert codeless.error == events.RealtimeError(message="bad", code=None)
    assert (delta.delta, delta.item_id) == ("Hello", UNSET)
    assert isinstance(delta, events.ConversationItemInputAudioTranscriptionDelta)
    assert (done.transcript, done.item_id, silence.transcript) == ("Hello there.", UNSET, "")
    assert isinstance(done, events.ConversationItemInputAudioTranscriptionCompleted)
    assert done.usage == vllm.Usage(total_tokens=34, prompt_tokens=30, completion_tokens=4, prompt_tokens_details=None)


def test_a_program_that_speaks_ga_configures_vllm() -> None:
    transcription = events.AudioTranscription(model="m", language="en")
    audio = events.AudioConfig(input=events.AudioInput(transcription=transcription))
    update = events.SessionUpdate(session=events.TranscriptionSession(audio=audio))
    wire = {"type": "session.update", "model": "m", "language": "en"}
    assert said("vllm", update) == wire
    assert heard("vllm", sent=True, **wire) == update
    assert heard("vllm", sent=True, type="input_audio_buffer.commit") == events.InputAudioBufferCommit()
    assert said("vllm", vllm.InputAudioBufferCommit(final=True)) == {"type": "input_audio_buffer.commit", "final": True}
    failed = events.ErrorEvent(error=events.RealtimeError(type="t", message="m"))
    assert json.loads(codecs("vllm")[1].encode(failed) or b"")["error"] == {"type": "t", "message": "m"}


@pytest.mark.parametrize(("name", "wires"), [("unmute", UNMUTE), ("vllm", VLLM)])
@pytest.mark.parametrize("from_start", [True, False])
def test_what_names_no_item_and_no_response_breaks_nothing(
    name: str, wires: list[dict[str, Any]], from_start: bool
) -> None:
    conversation, rules = Conversation(), OrderRules(from_start)
    for number, wire in enumerate(wires):
        event = codecs(name)[0].decode(json.dumps({**wire, "event_id": f"event_{number}"}))
        assert rules.feed(event) == []
        conversation.received(event)
    assert conversation.items == []
    assert conversation.usage.transcription_tokens == (34 if name == "vllm" else 0)
    assert [type(event) for event in conversation.rebuild()] == [events.SessionUpdate]
    # Unmute stops by itself, and refuses what asks for it.
    assert [codecs(name)[0].encode(event) for event in conversation.interrupt()] == [None] * (name == "unmute")


def test_the_rules_are_silent_about_an_item_that_is_not_named() -> None:
    created = {"type": "session.created", "session": {}}
    begun = {"type": "response.created", "response": {"id": "r", "conversation_id": "c"}}
    opened: dict[str, Any] = {
        "type": "response.output_item.added",
        "response_id": "r",
        "output_index": 0,
        "item": {"type": "m"},
    }
    said_of_none = [
        {"type": "input_audio_buffer.speech_stopped"},
        {"type": "response.text.delta", "delta": "a", "response_id": "r", "output_index": 0, "content_index": 0},
        {"type": "response.audio.done", "response_id": "r", "content_index": 0},
    ]
    for before in ([], [begun], [begun, opened]):
        rules = OrderRules()
        for wire in (created, *before):
            rules.feed(codecs("unmute")[0].decode(json.dumps(wire)))
        for wire in said_of_none:
            rules.feed(codecs("unmute")[0].decode(json.dumps(wire)))


def test_what_a_server_without_ids_says_of_places_goes_out() -> None:
    some = unmute.ResponseOutputAudioDelta(delta=b"\0\0\0", item_id="i")
    wire = {"type": "response.audio.delta", "delta": "AAAA", "item_id": "i"}
    assert json.loads(codecs("unmute")[1].encode(some) or b"") == wire


OPEN = Path(__file__).parent / "shapes" / "open"
"""Every event that a server says by its code, as it writes it: with the fields that it leaves out, or gives as null."""

UNKNOWN = {
    "input_audio_buffer.partial_transcription",
    "input_audio_buffer.speech_candidate_started",
    "input_audio_buffer.speech_candidate_rejected",
}
"""What is passed on as it is."""


@pytest.mark.parametrize(
    ("server", "name"), [("localai", "localai"), ("speech_to_speech", "ga"), ("speaches", "beta"), ("speaches", "qwen")]
)
def test_every_event_of_an_open_server_is_read_and_bears_a_conversation(server: str, name: str) -> None:
    conversation, rules = Conversation(keep_audio=True), OrderRules()
    for record in read_jsonl(OPEN / f"{server}.jsonl"):
        sent = record["dir"] == "sent"
        event = heard(name, sent=sent, **record["event"])
        assert isinstance(event, events.Unknown) == (record["event"]["type"] in UNKNOWN)
        rules.feed(event)
        assert codecs("ga")[0 if sent else 1].encode(event)
        (conversation.sent if sent else conversation.received)(event)
        conversation.interrupt()
    for event in conversation.rebuild():
        assert said(name, event)


def test_what_localai_leaves_out() -> None:
    opened: dict[str, Any] = {"type": "response.output_item.added", "response_id": "r", "output_index": 0}
    call = {"type": "function_call", "id": "f", "call_id": "c", "name": "n", "status": "completed"}
    item = heard("localai", **opened, item=call).item
    assert isinstance(item, events.FunctionCallItem)
    assert item == localai.FunctionCallItem(id="f", call_id="c", name="n", status="completed")
    whole = heard("localai", **opened, item={**call, "arguments": "{}"}).item
    assert whole == events.FunctionCallItem(id="f", call_id="c", name="n", status="completed", arguments="{}")
    kind = "conversation.item.input_audio_transcription.segment"
    segment = heard("localai", type=kind, item_id="u", content_index=0, id="seg_0", speaker="0", end=0.6, text="hi")
    assert isinstance(segment, localai.ConversationItemInputAudioTranscriptionSegment)
    assert (segment.start, segment.end, segment.text) == (UNSET, 0.6, "hi")


def test_a_call_and_an_answer_that_are_empty_are_told_again() -> None:
    conversation = Conversation()
    call = {"type": "function_call", "id": "f", "call_id": "c", "name": "n", "status": "completed"}
    answer = {"type": "function_call_output", "id": "o", "call_id": "c"}
    for item in (call, answer):
        conversation.received(heard("localai", type="conversation.item.added", item=item))
    told = [said("localai", event)["item"] for event in conversation.rebuild()]
    assert told == [
        {"type": "function_call", "id": "f", "call_id": "c", "name": "n", "arguments": ""},
        {"type": "function_call_output", "id": "o", "call_id": "c", "output": ""},
    ]
    rules = OrderRules()
    rules.feed(events.SessionCreated(session=events.RealtimeSession()))
    assert rules.feed(events.ConversationItemCreate(item=localai.FunctionCallOutputItem(output="a"))) == []
