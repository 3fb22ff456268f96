"""Where servers differ about the type of a field, and every form must be read, told apart and written again."""

import json
from typing import Any

import pytest

from rtproto import UNSET, Role, events
from rtproto._codec import Codec

CLIENT = Codec(Role.CLIENT, "ga", 200)
SERVER = Codec(Role.SERVER, "ga", 200)
PLACE = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
DONE = "conversation.item.input_audio_transcription.completed"


def heard(dialect: str = "ga", **wire: Any) -> Any:
    """The event that a client hears; it comes back the same from a server."""
    event = Codec(Role.CLIENT, dialect, 200).decode(json.dumps(wire))
    assert json.loads(Codec(Role.SERVER, dialect, 200).encode(event) or b"") == wire
    return event


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "audio", "transcript": "hi"}, events.AudioPart(transcript="hi")),
        ({"type": "text", "text": "hi"}, events.TextPart(text="hi")),
        ({"type": "output_audio"}, events.UnknownObject(raw={"type": "output_audio"})),
    ],
)
@pytest.mark.parametrize("dialect", ["ga", "beta"])
def test_a_part_is_audio_or_text_in_every_dialect(dialect: str, part: dict[str, Any], expected: object) -> None:
    assert heard(dialect, type="response.content_part.added", part=part, **PLACE).part == expected


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ("unimplemented", "unimplemented"),
        (None, None),
        ({"type": "cancelled", "reason": "turn_detected"}, events.ResponseStatusDetails),
        ({"type": "failed", "error": {"type": "tokens", "code": "rate_limit_exceeded"}}, events.ResponseStatusDetails),
    ],
)
def test_status_details_are_an_object_or_a_string(details: object, expected: Any) -> None:
    found = heard(type="response.done", response={"id": "r", "status_details": details}).response.status_details
    assert isinstance(found, expected) if isinstance(expected, type) else found == expected


@pytest.mark.parametrize(
    ("voice", "expected"),
    [
        ("marin", "marin"),
        ({"id": "voice_1"}, events.VoiceId(id="voice_1")),
        (None, None),
    ],
)
def test_a_voice_is_a_name_or_an_object(voice: object, expected: object) -> None:
    session = {"type": "realtime", "audio": {"output": {"voice": voice}}}
    assert heard(type="session.updated", session=session).session.audio.output.voice == expected


@pytest.mark.parametrize("limit", [4096, "inf", None])
def test_max_output_tokens_are_a_number_or_inf(limit: object) -> None:
    session = {"type": "realtime", "max_output_tokens": limit}
    assert heard(type="session.updated", session=session).session.max_output_tokens == limit


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ({"type": "function", "name": "f"}, events.ToolChoiceFunction(name="f")),
        ({"type": "mcp", "server_label": "s"}, events.ToolChoiceMcp(server_label="s")),
        ({"type": "custom"}, events.UnknownObject(raw={"type": "custom"})),
    ],
)
def test_a_tool_choice_is_a_word_or_an_object(choice: object, expected: object) -> None:
    session = {"type": "realtime", "tool_choice": choice}
    assert heard(type="session.updated", session=session).session.tool_choice == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            {"usage": {"type": "tokens", "total_tokens": 3, "input_tokens": 2, "output_tokens": 1}},
            events.UsageTokens(total_tokens=3, input_tokens=2, output_tokens=1),
        ),
        ({"usage": {"type": "duration", "seconds": 1}}, events.UsageDuration(seconds=1)),
        ({"usage": {"type": "duration", "seconds": 1.5}}, events.UsageDuration(seconds=1.5)),
        ({"usage": None}, None),
        ({}, UNSET),
    ],
)
def test_the_usage_of_a_transcription(given: dict[str, Any], expected: object) -> None:
    assert heard(type=DONE, item_id="i", content_index=0, transcript="hi", **given).usage == expected


@pytest.mark.parametrize(
    ("given", "expected"), [({}, UNSET), ({"previous_item_id": None}, None), ({"previous_item_id": ""}, "")]
)
def test_the_previous_item_is_absent_null_or_empty(given: dict[str, Any], expected: object) -> None:
    item = {"type": "message", "role": "user", "content": []}
    for name in ("conversation.item.added", "conversation.item.done"):
        assert heard(type=name, item=item, **given).previous_item_id == expected
    assert heard(type="input_audio_buffer.committed", item_id="i", **given).previous_item_id == expected


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        (None, None),
        ({"type": None}, events.UnknownObject(raw={"type": None})),
        ({"type": "none"}, events.UnknownObject(raw={"type": "none"})),
        ({"type": "server_vad", "idle_timeout_ms": None}, events.ServerVad(idle_timeout_ms=None)),
        ({"type": "semantic_vad", "eagerness": "low"}, events.SemanticVad(eagerness="low")),
    ],
)
def test_turn_detection_is_off_in_several_ways(detection: object, expected: object) -> None:
    nested = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
    assert heard(type="session.updated", session=nested).session.audio.input.turn_detection == expected
    for dialect in ("beta", "azure-voicelive", "xai", "qwen"):
        flat = heard(dialect, type="session.updated", session={"turn_detection": detection})
        assert flat.session.audio.input.turn_detection == expected


def test_an_error_may_say_little() -> None:
    least = heard(type="error", error={"message": "m"})
    assert (least.event_id, least.error.event_id, least.error.code, least.error.param) == (UNSET,) * 4
    nulls = heard(type="error", event_id="e", error={"message": "m", "code": None, "param": None, "event_id": None})
    assert (nulls.error.event_id, nulls.error.code, nulls.error.param) == (None,) * 3


def test_an_event_may_have_no_event_id() -> None:
    pressed = heard(type="input_audio_buffer.dtmf_event_received", event="5", received_at=1)
    assert pressed.event_id is UNSET


def test_arguments_are_text_whatever_is_in_them() -> None:
    for arguments in ('{ "a" :\n 1 }', '{"a": "cut o', ""):
        done = heard(
            type="response.function_call_arguments.done",
            response_id="r",
            item_id="i",
            output_index=0,
            call_id="c",
            arguments=arguments,
        )
        assert done.arguments == arguments
