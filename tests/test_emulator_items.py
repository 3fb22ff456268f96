"""The emulator's conversation: items of the client, and what may be done with them; every refusal in its own words."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from emulated import (
    PUSH_TO_TALK,
    Emulated,
    append,
    create,
    every,
    hears,
    only,
    refusal,
    silence,
    sound,
    types,
    voice,
    wrote,
)
from rtproto_emulator import Context, EchoSpeaker, Engines, Settings

from rtproto import events

AT_ONCE = Settings(pace=math.inf)


def spoken() -> tuple[Emulated, str, bytes]:
    """A session with a spoken answer: its item id, and its sound."""
    e = Emulated(AT_ONCE)
    heard = e.say(wrote("hello there"), events.ResponseCreate())
    return e, only(heard, events.ResponseDone).response.output[0].id, sound(heard)


def placed(e: Emulated, text: str, **fields: Any) -> Any:
    create = wrote(text)
    for name, given in fields.items():
        setattr(create if name == "previous_item_id" else create.item, name, given)
    return only(e.say(create), events.ConversationItemAdded)


# ---- places ----


def test_items_stand_where_they_are_put() -> None:
    e = Emulated()
    assert placed(e, "b", id="b").previous_item_id is None
    assert placed(e, "d", id="d").previous_item_id == "b"
    assert placed(e, "a", id="a", previous_item_id="root").previous_item_id is None
    assert placed(e, "c", id="c", previous_item_id="b").previous_item_id == "b"
    e.say(create(conversation="none", output_modalities=["text"]))
    assert "You wrote: d" in [event.text for event in every(e.seen + e.finish(), events.ResponseOutputTextDone)]


def test_a_null_place_is_the_end() -> None:
    e = Emulated()
    placed(e, "a", id="a")
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "b"}]}
    said = {"type": "conversation.item.create", "previous_item_id": None, "item": item}
    assert only(e.raw(json.dumps(said)), events.ConversationItemAdded).previous_item_id == "a"


def test_the_place_that_done_tells_is_not_to_be_trusted() -> None:
    e = Emulated()
    for name in "abc":
        placed(e, name, id=name)
    assert [event.previous_item_id for event in every(e.seen, events.ConversationItemAdded)] == [None, "a", "b"]
    assert [event.previous_item_id for event in every(e.seen, events.ConversationItemDone)] == [None, None, "b"]


def test_an_unknown_place() -> None:
    e = Emulated()
    said = wrote("x")
    said.previous_item_id, said.event_id = "item_lost", "mine"
    error = refusal(e.say(said))
    assert (error.code, error.param, error.event_id) == (
        "item_create_invalid_previous_item_id",
        "previous_item_id",
        "mine",
    )
    assert error.message == "Error adding item: the previous item with id 'item_lost' does not exist."


def test_an_id_that_is_taken() -> None:
    e = Emulated()
    placed(e, "one", id="mine")
    error = refusal(e.say(wrote("two", id="mine")))
    assert (error.code, error.param) == ("item_create_duplicate_item_id", "item.id")
    assert "'mine' already exists" in error.message


def test_delete() -> None:
    e = Emulated()
    placed(e, "one", id="a")
    placed(e, "two", id="b")
    assert types(e.say(events.ConversationItemDelete(item_id="a"))) == ["conversation.item.deleted"]
    assert placed(e, "three", previous_item_id="b").previous_item_id == "b"
    assert refusal(e.say(events.ConversationItemDelete(item_id="a"))).code == "item_delete_invalid_item_id"


def test_what_is_deleted_while_it_is_said_still_ends() -> None:
    e = Emulated()
    heard = e.say(wrote("a long story"), events.ResponseCreate())
    item_id = only(heard, events.ResponseOutputItemAdded).item.id
    e.say(events.ConversationItemDelete(item_id=item_id))
    told = types(e.finish())
    assert "conversation.item.done" not in told
    assert told[-3:] == ["response.output_item.done", "response.done", "rate_limits.updated"]


# ---- retrieve ----


def test_retrieve_brings_the_audio_of_both_sides() -> None:
    e = Emulated(AT_ONCE)
    e.say(PUSH_TO_TALK, append(voice(1.0)), events.InputAudioBufferCommit(), events.ResponseCreate())
    asked, answered = (event.item.id for event in every(e.seen, events.ConversationItemAdded))
    item = only(e.say(events.ConversationItemRetrieve(item_id=asked)), events.ConversationItemRetrieved).item
    assert item.content == [events.InputAudio(audio=voice(1.0), transcript="(1.0 seconds of speech)")]
    item = only(e.say(events.ConversationItemRetrieve(item_id=answered)), events.ConversationItemRetrieved).item
    assert item.content == [events.OutputAudio(audio=voice(1.0), transcript="I heard 1.0 seconds of speech.")]


def test_retrieve_an_unknown_item() -> None:
    error = refusal(Emulated().say(events.ConversationItemRetrieve(item_id="item_lost", event_id="e1")))
    assert (error.code, error.param, error.event_id) == ("item_retrieve_invalid_item_id", "item_id", "e1")
    assert error.message == "Error retrieving item: the item with id 'item_lost' does not exist."


def test_the_oldest_audio_is_forgotten_first() -> None:
    e = Emulated(Settings(max_audio=48_000))
    e.say(PUSH_TO_TALK)
    for _ in range(2):
        e.say(append(voice(0.6)), events.InputAudioBufferCommit())
    first, second = (
        only(e.say(events.ConversationItemRetrieve(item_id=f"item_{n}")), events.ConversationItemRetrieved).item
        for n in (1, 2)
    )
    assert not first.content[0].audio
    assert second.content[0].audio == voice(0.6)


def test_the_oldest_item_is_forgotten_first() -> None:
    e = Emulated(Settings(max_items=2))
    for name in "abc":
        placed(e, name, id=name)
    assert refusal(e.say(events.ConversationItemRetrieve(item_id="a"))).code == "item_retrieve_invalid_item_id"
    assert placed(e, "d").previous_item_id == "c"


def test_what_is_much_is_forgotten_sooner() -> None:
    e = Emulated(Settings(max_text=100))
    image = events.InputImage(image_url="data:image/png;base64," + 43 * "x")
    item = events.MessageItem(id="a", role="user", content=[image])
    e.say(events.ConversationItemCreate(item=item))
    assert placed(e, 30 * "b", id="b").previous_item_id == "a"
    assert placed(e, 10 * "c").previous_item_id == "b"
    assert refusal(e.say(events.ConversationItemRetrieve(item_id="a"))).code == "item_retrieve_invalid_item_id"
    assert placed(e, 1000 * "d", id="d").previous_item_id is None
    assert only(e.say(events.ConversationItemRetrieve(item_id="d")), events.ConversationItemRetrieved).item.id == "d"


# ---- truncate ----


def truncate(item_id: str, ms: int, content_index: int = 0) -> events.ConversationItemTruncate:
    return events.ConversationItemTruncate(item_id=item_id, content_index=content_index, audio_end_ms=ms, event_id="t")


@pytest.mark.parametrize("ms", [0, 1, 500, 1200])
def test_truncate(ms: int) -> None:
    e, item_id, said = spoken()
    assert len(said) == 1200 * 48
    (truncated,) = e.say(truncate(item_id, ms))
    assert (truncated.item_id, truncated.content_index, truncated.audio_end_ms) == (item_id, 0, ms)
    item = only(e.say(events.ConversationItemRetrieve(item_id=item_id)), events.ConversationItemRetrieved).item
    assert item.content == [events.OutputAudio(audio=said[: ms * 48], transcript=None)]


def test_truncate_while_it_is_said() -> None:
    e = Emulated()
    heard = e.say(wrote("a long story"), events.ResponseCreate()) + e.wait(0.05)
    item_id = only(heard, events.ResponseOutputItemAdded).item.id
    heard_ms = len(sound(heard)) // 48
    assert types(e.say(truncate(item_id, heard_ms))) == ["conversation.item.truncated"]
    assert refusal(e.say(truncate(item_id, heard_ms + 1))).code == "invalid_value"


def test_truncate_more_than_was_said() -> None:
    e, item_id, _ = spoken()
    error = refusal(e.say(truncate(item_id, 5000)))
    assert (error.code, error.event_id) == ("invalid_value", "t")
    assert error.message == "Audio content of 1200ms is already shorter than 5000ms"


def test_truncate_an_unknown_item() -> None:
    error = refusal(Emulated().say(truncate("item_lost", 0)))
    assert error.code == "item_truncate_invalid_item_id"
    assert error.message == "Error truncating item: the item with id 'item_lost' does not exist."


def test_truncate_what_is_no_speech() -> None:
    e = Emulated(AT_ONCE)
    placed(e, "written", id="user")
    heard = e.say(create(output_modalities=["text"]))
    answer = only(heard, events.ResponseDone).response.output[0].id
    for item_id in ("user", answer):
        error = refusal(e.say(truncate(item_id, 0)))
        assert (error.code, error.message) == ("invalid_value", "Only model output audio messages can be truncated")


def test_truncate_at_nothing_and_nowhere() -> None:
    e, item_id, _ = spoken()
    assert refusal(e.say(truncate(item_id, 0, content_index=1))).param == "content_index"
    raw = json.dumps({"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": -1})
    (error,) = e.raw(raw)
    assert error.error.param == "audio_end_ms"


def test_truncate_twice() -> None:
    e, item_id, _ = spoken()
    for ms in (500, 100, 100, 0, 0):
        assert types(e.say(truncate(item_id, ms))) == ["conversation.item.truncated"]
    assert refusal(e.say(truncate(item_id, 1))).message == "Audio content of 0ms is already shorter than 1ms"


def test_truncate_before_any_sound() -> None:
    class Silent(EchoSpeaker):
        def speak(self, text: str, context: Context) -> Iterator[bytes | None]:
            while True:
                yield None

    e = Emulated(Settings(engines=Engines(speaker=Silent())))
    item_id = only(e.say(wrote("x"), events.ResponseCreate()), events.ResponseOutputItemAdded).item.id
    error = refusal(e.say(truncate(item_id, 0)))
    assert error.message == "Only model output audio messages can be truncated"


def test_what_was_truncated_stays_so_however_the_answer_ends() -> None:
    e = Emulated()
    heard = e.say(wrote("a long story"), events.ResponseCreate()) + e.wait(0.05)
    item_id = only(heard, events.ResponseOutputItemAdded).item.id
    e.say(truncate(item_id, 10))
    assert only(e.finish(), events.ResponseDone).response.status == "completed"
    kept = only(e.say(events.ConversationItemRetrieve(item_id=item_id)), events.ConversationItemRetrieved).item
    assert kept.status == "completed"
    assert kept.content == [events.OutputAudio(audio=sound(heard)[: 10 * 48], transcript=None)]


# ---- items that say too little, or what is not possible ----


def picture(url: str = "data:image/png;base64,AA==") -> dict[str, Any]:
    return {"type": "input_image", "image_url": url}


@pytest.mark.parametrize("detail", ["auto", "low", "high"])
def test_a_picture(detail: str) -> None:
    e = Emulated()
    item = {"type": "message", "role": "user", "content": [{**picture(), "detail": detail}]}
    added, _ = e.raw(json.dumps({"type": "conversation.item.create", "item": item}))
    assert added.item.content == [events.InputImage(image_url="data:image/png;base64,AA==", detail=detail)]


@pytest.mark.parametrize(
    ("item", "code", "param"),
    [
        ({"type": "message", "role": "user"}, "missing_required_parameter", "item.content"),
        ({"type": "message", "role": "robot", "content": []}, "invalid_value", "item.role"),
        ({"role": "user", "content": []}, "missing_required_parameter", "item.type"),
        ({"type": "poem"}, "invalid_value", "item.type"),
        ({"type": "item_reference", "id": "a"}, "invalid_value", "item.type"),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_text"}]},
            "missing_required_parameter",
            "item.content[0].text",
        ),
        (
            {
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "a"}, {"type": "input_audio"}],
            },
            "missing_required_parameter",
            "item.content[1].audio",
        ),
        (
            {"type": "message", "role": "assistant", "content": [{"type": "output_audio", "transcript": "hi"}]},
            "missing_required_parameter",
            "item.content[0].text",
        ),
        (
            {"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "hi"}]},
            "invalid_value",
            "item.content[0].type",
        ),
        (
            {"type": "message", "role": "system", "content": [{"type": "input_image", "image_url": "data:"}]},
            "invalid_value",
            "item.content[0].type",
        ),
        (
            {"type": "message", "role": "user", "content": [{"text": "hi"}]},
            "missing_required_parameter",
            "item.content[0].type",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi", "mood": 1}]},
            "unknown_parameter",
            "item.content[0].mood",
        ),
        (
            {"type": "message", "role": "user", "content": [picture("https://example.com/cat.png")]},
            "invalid_value",
            "item.content[0].image_url",
        ),
        (
            {"type": "message", "role": "user", "content": [picture("data:image/png;base64,")]},
            "invalid_value",
            "item.content[0].image_url",
        ),
        (
            {"type": "message", "role": "user", "content": [{**picture(), "detail": "fine"}]},
            "invalid_value",
            "item.content[0].detail",
        ),
        (
            {"type": "message", "id": "i" * 33, "role": "user", "content": []},
            "string_above_max_length",
            "item.id",
        ),
        (
            {"type": "function_call", "call_id": "c" * 33, "name": "f", "arguments": "{}"},
            "string_above_max_length",
            "item.call_id",
        ),
        ({"type": "function_call_output", "call_id": "c", "output": ""}, "invalid_tool_call_id", "item.call_id"),
        (
            {"type": "mcp_approval_response", "approval_request_id": "a", "approve": True},
            "invalid_value",
            "item.approval_request_id",
        ),
    ],
)
def test_an_item_that_is_not_right(item: dict[str, Any], code: str, param: str) -> None:
    e = Emulated()
    (event,) = e.raw(json.dumps({"type": "conversation.item.create", "event_id": "mine", "item": item}))
    error = event.error
    assert (error.code, error.param, error.event_id) == (code, param, "mine")
    assert placed(e, "still alive").previous_item_id is None


def test_history_is_seeded() -> None:
    e = Emulated()
    items: list[Any] = [
        events.MessageItem(role="system", content=[events.InputText(text="Be kind.")]),
        events.MessageItem(role="user", content=[events.InputImage(image_url="data:image/png;base64,AA==")]),
        events.MessageItem(role="assistant", content=[events.OutputText(text="Nice.")]),
        events.FunctionCallItem(name="f", call_id="call_x", arguments="{}"),
        events.FunctionCallOutputItem(call_id="call_x", output="done"),
    ]
    for item in items:
        assert types(e.say(events.ConversationItemCreate(item=item))) == [
            "conversation.item.added",
            "conversation.item.done",
        ]
    call = every(e.seen, events.ConversationItemAdded)[3].item
    assert call.status == "completed"
    assert e.say(events.ConversationItemRetrieve(item_id=call.id))[0].item == call


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ([], "You sent me an empty message."),
        ([events.InputImage(image_url="data:image/jpeg;base64,AA==")], "You showed me a picture, but I cannot see."),
        ([events.InputText(text="a"), events.InputText(text="b")], "You wrote: a You wrote: b"),
    ],
)
def test_the_answer_to_other_messages(content: list[Any], answer: str) -> None:
    e = Emulated(AT_ONCE)
    e.say(events.ConversationItemCreate(item=events.MessageItem(role="user", content=content)))
    assert only(e.say(create(output_modalities=["text"])), events.ResponseOutputTextDone).text == answer


# ---- the buffer's refusals ----


@pytest.mark.parametrize(("ms", "held"), [(0, "0.00"), (50, "50.00"), (99, "99.00")])
def test_too_little_to_commit(ms: int, held: str) -> None:
    e = Emulated()
    e.say(PUSH_TO_TALK, append(silence(ms / 1000)))
    error = refusal(e.say(events.InputAudioBufferCommit(event_id="c")))
    assert (error.code, error.event_id) == ("input_audio_buffer_commit_empty", "c")
    assert f"Expected at least 100ms of audio, but buffer only has {held}ms of audio" in error.message


def test_what_the_detector_took_is_committed_already() -> None:
    e = Emulated(AT_ONCE)
    e.speak(silence(0.2) + voice(0.5) + silence(0.5))
    assert refusal(e.say(events.InputAudioBufferCommit())).code == "input_audio_buffer_commit_empty"


def test_a_full_buffer() -> None:
    e = Emulated(Settings(max_input_ms=1000))
    e.say(PUSH_TO_TALK, append(silence(0.8)))
    error = refusal(e.say(append(silence(0.3))))
    assert (error.code, error.param) == ("input_audio_buffer_full", "audio")
    assert types(e.say(events.InputAudioBufferCommit()))[0] == "input_audio_buffer.committed"
    assert e.say(append(silence(0.3))) == []


def test_a_turn_that_fills_the_buffer_ends() -> None:
    e = Emulated(Settings(max_input_ms=2000))
    told = types(e.speak(silence(0.2) + voice(3.0)))
    assert told[:3] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
    ]


def test_silence_never_fills_the_buffer_where_turns_are_detected() -> None:
    e = Emulated(Settings(max_input_ms=2000))
    assert e.speak(silence(5.0)) == []
    assert types(e.speak(voice(0.5) + silence(0.6)))[:3] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
    ]


def test_an_append_is_at_most_15_mib() -> None:
    e = Emulated()
    error = refusal(e.say(append(bytes(15 * 1024 * 1024 + 1))))
    assert (error.code, error.param) == ("invalid_value", "audio")


def test_a_long_silence_is_not_kept() -> None:
    e = Emulated(AT_ONCE)
    for _ in range(20):
        assert e.say(append(silence(30))) == []
    heard = e.say(append(voice(1.0) + silence(0.6)))
    assert only(heard, events.InputAudioBufferSpeechStarted).audio_start_ms == 20 * 30_000 - 300


# ---- other encodings ----


@pytest.mark.parametrize("encoding", [events.AudioPcmu(), events.AudioPcma()])
def test_a_telephone(encoding: Any) -> None:
    from rtproto_audio import alaw_decode, alaw_encode, rms, ulaw_decode, ulaw_encode

    encode, decode = (ulaw_encode, ulaw_decode) if encoding.type == "audio/pcmu" else (alaw_encode, alaw_decode)
    e = Emulated(AT_ONCE)
    both = events.AudioConfig(input=events.AudioInput(format=encoding), output=events.AudioOutput(format=encoding))
    e.say(events.SessionUpdate(session=events.RealtimeSession(audio=both)))
    pcm = silence(0.5, 8000) + voice(1.0, 8000) + silence(0.6, 8000)
    heard = e.say(append(encode(pcm)))
    assert only(heard, events.InputAudioBufferSpeechStarted).audio_start_ms == 200
    assert only(heard, events.InputAudioBufferSpeechStopped).audio_end_ms == 2000
    answer = decode(sound(heard))
    assert len(answer) / 16 == pytest.approx(1800, abs=10)
    assert rms(answer) == pytest.approx(rms(pcm[3200:32000]), rel=0.05)
    asked = only(heard, events.InputAudioBufferCommitted).item_id
    item = only(e.say(events.ConversationItemRetrieve(item_id=asked)), events.ConversationItemRetrieved).item
    assert item.content[0].audio == encode(pcm)[200 * 8 : 2000 * 8]


def test_another_encoding_in_the_middle() -> None:
    e = Emulated(AT_ONCE)
    e.say(PUSH_TO_TALK, append(silence(0.5)), hears(format=events.AudioPcmu()), append(b"\xff" * 4000))
    heard = e.say(events.InputAudioBufferCommit())
    asked = only(heard, events.InputAudioBufferCommitted).item_id
    item = only(e.say(events.ConversationItemRetrieve(item_id=asked)), events.ConversationItemRetrieved).item
    assert len(item.content[0].audio) == pytest.approx(8000, abs=8)


# ---- what is no event ----


def test_an_unknown_event() -> None:
    e = Emulated()
    (event,) = e.raw('{"type": "session.destroy", "event_id": "mine"}')
    error = event.error
    assert (error.code, error.param, error.event_id) == ("invalid_value", "type", "mine")
    assert error.message.startswith("Invalid value: 'session.destroy'. Supported values are: 'session.update', ")


def test_an_event_id_of_more_than_512_characters() -> None:
    e = Emulated()
    for length in (512, 513):
        said = wrote("x")
        said.event_id = "e" * length
        heard = e.say(said)
    error = refusal(heard)
    assert (error.code, error.param, error.event_id) == ("string_above_max_length", "event_id", "e" * 513)
    assert "maximum length 512" in error.message
    assert len(every(e.seen, events.ConversationItemAdded)) == 1


@pytest.mark.parametrize("text", ["{", "[]", '"hello"', '{"type": 7}', '{"no": "type"}'])
def test_no_event_at_all(text: str) -> None:
    e = Emulated()
    (event,) = e.raw(text)
    assert event.error.type == "invalid_request_error"
    assert types(e.say(wrote("still alive")))[0] == "conversation.item.added"


def test_what_is_not_for_websockets() -> None:
    assert refusal(Emulated().say(events.OutputAudioBufferClear())).code == "invalid_event_for_transport"


def test_a_field_that_there_is_not() -> None:
    e = Emulated()
    (event,) = e.raw('{"type": "input_audio_buffer.append", "audio": "AAAA", "rate": 8000, "event_id": "mine"}')
    assert (event.error.code, event.error.param, event.error.event_id) == ("unknown_parameter", "rate", "mine")
    assert event.error.message == "Unknown parameter: 'rate'."


# ---- responses ----


def test_one_response_at_a_time() -> None:
    e = Emulated()
    e.say(wrote("hello"), events.ResponseCreate())
    error = refusal(e.say(events.ResponseCreate(event_id="second")))
    assert (error.code, error.event_id) == ("conversation_already_has_active_response", "second")
    assert error.message == (
        "Conversation already has an active response in progress: resp_1. "
        "Wait until the response is finished before creating a new one."
    )
    assert len(every(e.finish(), events.ResponseDone)) == 1


@pytest.mark.parametrize("response_id", ["resp_lost", None])
def test_nothing_to_cancel(response_id: str | None) -> None:
    event = (
        events.ResponseCancel(event_id="c") if response_id is None else events.ResponseCancel(response_id=response_id)
    )
    error = refusal(Emulated().say(event))
    assert (error.code, error.message) == (
        "response_cancel_not_active",
        "Cancellation failed: no active response found",
    )


def test_too_many_responses_beside_the_conversation() -> None:
    e = Emulated(Settings(max_responses=2))
    aside = create(conversation="none")
    e.say(aside, aside)
    assert refusal(e.say(aside)).code == "too_many_active_responses"


@pytest.mark.parametrize(
    ("response", "code", "param"),
    [
        ({"conversation": "mine"}, "invalid_value", "response.conversation"),
        ({"output_modalities": ["audio", "text"]}, "invalid_value", "response.output_modalities"),
        ({"output_modalities": []}, "invalid_value", "response.output_modalities"),
        ({"max_output_tokens": 0}, "invalid_value", "response.max_output_tokens"),
        ({"metadata": {"n": 1}}, "invalid_type", "response.metadata.n"),
        ({"temperature": 1.0}, "unknown_parameter", "response.temperature"),
        ({"tool_choice": {"type": "function", "name": "f"}}, "invalid_value", "response.tool_choice.name"),
        ({"audio": {"output": {"voice": "bob"}}}, "invalid_value", "response.audio.output.voice"),
        ({"input": [{"type": "item_reference", "id": "a"}]}, "item_reference_invalid_item_id", "item_id"),
        (
            {"input": [{"type": "message", "role": "user", "content": [{"type": "input_text"}]}]},
            "missing_required_parameter",
            "response.input[0].content[0].text",
        ),
    ],
)
def test_a_response_that_cannot_be(response: dict[str, Any], code: str, param: str) -> None:
    e = Emulated()
    (event,) = e.raw(json.dumps({"type": "response.create", "event_id": "mine", "response": response}))
    assert (event.error.code, event.error.param, event.error.event_id) == (code, param, "mine")
    assert types(e.say(events.ResponseCreate()))[0] == "response.created"
