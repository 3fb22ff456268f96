"""Text <-> events: what is kept, what is refused, and how much may nest."""

import base64
import json

import pytest

import rtproto
from rtproto import UNSET, Role, events, to_dict, value
from rtproto._codec import Codec, DecodeError
from rtproto._jsontext import dumps, is_deeper_than, loads

CLIENT = Codec(Role.CLIENT, "ga", 200)
SERVER = Codec(Role.SERVER, "ga", 200)
PLACE = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}


def decode(**wire: object) -> object:
    return CLIENT.decode(json.dumps(wire))


def test_absent_null_and_present_differ_and_survive() -> None:
    base = {"type": "session.update"}
    for session in (
        {"type": "realtime"},
        {"type": "realtime", "instructions": None},
        {"type": "realtime", "instructions": ""},
        {"type": "realtime", "audio": {"input": {"turn_detection": None}}},
    ):
        event = SERVER.decode(json.dumps({**base, "session": session}))
        assert json.loads(CLIENT.encode(event) or b"") == {**base, "session": session}
    absent, null, empty = (events.RealtimeSession(instructions=x) for x in (UNSET, None, ""))
    assert (value(absent.instructions, "d"), value(null.instructions, "d"), value(empty.instructions, "d")) == (
        "d",
        "d",
        "",
    )
    assert not UNSET
    assert repr(UNSET) == "UNSET"


def test_unknown_fields_are_kept_at_every_level() -> None:
    wire = {
        "type": "response.done",
        "event_id": "e",
        "trace": [1, {"a": None}],
        "response": {"id": "r", "new": True, "usage": {"total_tokens": 3, "thinking": {"ms": 1.5}}},
    }
    event = CLIENT.decode(json.dumps(wire))
    assert isinstance(event, events.ResponseDone)
    assert event.extra == {"trace": [1, {"a": None}]}
    assert event.response.extra == {"new": True}
    assert event.response.usage
    assert event.response.usage.extra == {"thinking": {"ms": 1.5}}
    assert json.loads(SERVER.encode(event) or b"") == wire == to_dict(event)


def test_unknown_types_are_kept_whole() -> None:
    wire = {"type": "response.hologram.delta", "event_id": "e", "photons": [1, 2]}
    event = CLIENT.decode(json.dumps(wire))
    assert event == events.Unknown(raw=wire)
    assert event.wire_type == "response.hologram.delta"
    assert json.loads(SERVER.encode(event) or b"") == wire == to_dict(event)
    item = {"type": "hologram", "id": "i", "parts": [{}]}
    added = decode(type="conversation.item.added", item=item)
    assert isinstance(added, events.ConversationItemAdded)
    assert added.item == events.UnknownObject(raw=item)
    assert to_dict(added)["item"] == item


def test_what_the_other_side_says_is_unknown_here() -> None:
    event = CLIENT.decode('{"type": "response.create"}')
    assert event == events.Unknown(raw={"type": "response.create"})


def test_ids_that_are_absent_do_no_harm() -> None:
    key = CLIENT.decode('{"type": "input_audio_buffer.dtmf_event_received", "event": "5", "received_at": 1}')
    assert key.event_id is UNSET
    error = CLIENT.decode('{"type": "error", "event_id": "e", "error": {"type": "t", "message": "m"}}')
    assert error.error.event_id is UNSET


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(bytes(range(251))).decode(),
        base64.b64encode(bytes(range(251))).decode().rstrip("="),
        base64.urlsafe_b64encode(bytes(range(251))).decode(),
        base64.urlsafe_b64encode(bytes(range(251))).decode().rstrip("="),
        base64.encodebytes(bytes(range(251))).decode(),
    ],
    ids=["canonical", "unpadded", "url-safe", "url-safe unpadded", "lines"],
)
def test_base64_is_read_as_people_write_it(text: str) -> None:
    for wire in (
        {"type": "response.output_audio.delta", "delta": text, **PLACE},
        {"type": "response.content_part.done", "part": {"type": "audio", "audio": text}, **PLACE},
    ):
        event = CLIENT.decode(json.dumps(wire))
        audio = event.delta if isinstance(event, events.ResponseOutputAudioDelta) else event.part.audio
        assert audio == bytes(range(251))


@pytest.mark.parametrize("text", ["*", "A", "AA=A", "A===", "AAA\u00e9", "AAAAA"])
def test_what_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(DecodeError, match="delta must be base64 audio"):
        decode(type="response.output_audio.delta", delta=text, **PLACE)
    with pytest.raises(DecodeError, match=r"part.audio must be base64 audio or null"):
        decode(type="response.content_part.done", part={"type": "audio", "audio": text}, **PLACE)


def test_half_a_sample_survives() -> None:
    event = decode(type="response.output_audio.delta", delta="AQID", **PLACE)
    assert isinstance(event, events.ResponseOutputAudioDelta)
    assert event.delta == b"\x01\x02\x03"


@pytest.mark.parametrize(
    ("wire", "reason", "param"),
    [
        ({"type": "response.created", "response": []}, "response must be an object", "response"),
        ({"type": "response.created", "response": {"output": {}}}, "must be an array or null", "response.output"),
        (
            {"type": "response.created", "response": {"output": [{"type": "message", "role": 1}]}},
            "must be a string",
            "response.output[0].role",
        ),
        (
            {"type": "response.created", "response": {"max_output_tokens": 1.5}},
            "must be an integer or a string",
            "response.max_output_tokens",
        ),
        ({"type": "rate_limits.updated", "rate_limits": [{"limit": True}]}, "not a boolean", "rate_limits[0].limit"),
        ({"type": "rate_limits.updated", "rate_limits": 5}, "must be an array, not an integer", "rate_limits"),
        ({"type": "rate_limits.updated", "rate_limits": [5]}, "must be an object", "rate_limits[0]"),
        (
            {"type": "session.created", "session": {"type": "realtime", "include": [None]}},
            "must be a string, not null",
            "session.include[0]",
        ),
        (
            {
                "type": "session.created",
                "session": {"type": "realtime", "prompt": {"id": "p", "variables": {"city": 5}}},
            },
            "must be a string or an object",
            "session.prompt.variables.city",
        ),
        (
            {
                "type": "conversation.item.added",
                "item": {"type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "n"}]},
            },
            "is missing",
            "item.tools[0].input_schema",
        ),
        (
            {
                "type": "conversation.item.input_audio_transcription.segment",
                "item_id": "i",
                "id": "s",
                "speaker": "A",
                "start": "0",
                "end": 1,
                "text": "",
            },
            "must be a number, not a string",
            "start",
        ),
    ],
)
def test_a_wrong_type_is_named_by_its_path(wire: dict[str, object], reason: str, param: str) -> None:
    with pytest.raises(DecodeError, match=reason) as refused:
        CLIENT.decode(json.dumps(wire))
    assert refused.value.param == param
    assert refused.value.code == ("missing_required_parameter" if "missing" in reason else "invalid_type")


def test_numbers_stay_what_they_are() -> None:
    wire = {"type": "rate_limits.updated", "rate_limits": [{"reset_seconds": 1}, {"reset_seconds": 0.5}]}
    event = CLIENT.decode(json.dumps(wire))
    assert [type(limit.reset_seconds) for limit in event.rate_limits] == [int, float]
    assert json.loads(SERVER.encode(event) or b"") == wire


def test_values_of_several_kinds() -> None:
    for wire in (
        {"voice": "alloy"},
        {"voice": {"id": "voice_1"}},
        {"voice": {"type": "azure-standard", "name": "n"}},
    ):
        session = {"type": "realtime", "audio": {"output": wire}}
        event = CLIENT.decode(json.dumps({"type": "session.created", "session": session}))
        assert to_dict(event)["session"] == session
    for choice in ("auto", {"type": "function", "name": "f"}, {"type": "mcp", "server_label": "s"}, {"mode": "any"}):
        session = {"type": "realtime", "tool_choice": choice, "max_output_tokens": "inf"}
        event = CLIENT.decode(json.dumps({"type": "session.created", "session": session}))
        assert to_dict(event)["session"] == session
    for details in (None, "unimplemented", {"type": "cancelled", "reason": "turn_detected"}):
        event = CLIENT.decode(json.dumps({"type": "response.done", "response": {"status_details": details}}))
        assert to_dict(event)["response"] == {"status_details": details}
    for turn_detection in (None, {"type": None}, {"type": "none"}, {"type": "semantic_vad", "eagerness": "low"}):
        session = {"type": "realtime", "audio": {"input": {"turn_detection": turn_detection}}}
        event = CLIENT.decode(json.dumps({"type": "session.updated", "session": session}))
        assert to_dict(event)["session"] == session


def test_the_variables_of_a_prompt() -> None:
    variables = {"city": "Paris", "tone": {"type": "input_text", "text": "calm"}, "odd": {"type": "input_smell"}}
    session = {"type": "realtime", "prompt": {"id": "p", "variables": variables}}
    event = CLIENT.decode(json.dumps({"type": "session.updated", "session": session}))
    assert event.session.prompt.variables["tone"] == events.ResponseInputText(text="calm")
    assert to_dict(event)["session"] == session


def test_a_lone_surrogate_passes_both_ways() -> None:
    text = '{"type": "response.output_text.delta", "delta": "\\ud83d", "response_id": "r", "item_id": "i", '
    text += '"output_index": 0, "content_index": 0}'
    event = CLIENT.decode(text)
    assert event.delta == "\ud83d"
    assert json.loads(SERVER.encode(event) or b"") == json.loads(text)


def test_depth_is_limited_wherever_json_may_nest() -> None:
    def nested(levels: int) -> str:
        return "[" * levels + "]" * levels

    shallow = Codec(Role.CLIENT, "ga", 10)
    for template in (
        '{"type": "future", "x": %s}',
        '{"type": "input_audio_buffer.cleared", "x": %s}',
        '{"type": "session.created", "session": {"type": "realtime"}, "x": %s}',
    ):
        shallow.decode(template % nested(9))
        with pytest.raises(DecodeError, match="deeper than 10 levels"):
            shallow.decode(template % nested(10))
    for levels in (2_000, 100_000):
        with pytest.raises(DecodeError):
            CLIENT.decode(f'{{"type": "future", "x": {nested(levels)}}}')
    wide = '{{"type": "future", "x": [{}]}}'.format(",".join(["[]"] * 500))
    assert isinstance(shallow.decode(wide), events.Unknown)


def test_depth_counts_levels() -> None:
    assert not is_deeper_than(5, 1)
    assert not is_deeper_than({"a": 1}, 1)
    assert is_deeper_than({"a": [1]}, 1)
    assert not is_deeper_than([{"a": []}], 3)
    assert is_deeper_than([{"a": []}], 2)


def test_json_is_strict_where_it_must_be() -> None:
    for text in ("NaN", "[Infinity]", "[1e400]", "{'a': 1}", "", "[" * 100_000):
        with pytest.raises(ValueError, match=r"."):
            loads(text)
    assert loads('["\\ud83d", 1.5]') == ["\ud83d", 1.5]
    with pytest.raises(TypeError):
        dumps({"a": {1, 2}})
    with pytest.raises(TypeError):
        dumps({"\ud83d": {1, 2}})
    assert dumps({"a": "\ud83d"}) == b'{"a":"\\ud83d"}'


def test_audio_goes_out_whatever_holds_it_and_whatever_else_is_set() -> None:
    for sound in (b"\x01\x02\x03", bytearray(b"\x01\x02\x03"), memoryview(b"\x01\x02\x03")):
        append = events.InputAudioBufferAppend(audio=sound)  # type: ignore[arg-type]
        assert json.loads(CLIENT.encode(append) or b"") == {"type": append.type, "audio": "AQID"}
    append = events.InputAudioBufferAppend(audio=b"\x01\x02\x03", event_id="e", extra={"x": 1})
    expected = {"type": append.type, "audio": "AQID", "event_id": "e", "x": 1}
    assert json.loads(CLIENT.encode(append) or b"") == expected == to_dict(append)
    delta = events.ResponseOutputAudioDelta(delta=b"", **PLACE)  # type: ignore[arg-type]
    assert json.loads(SERVER.encode(delta) or b"") == {"type": delta.type, "delta": "", **PLACE}


def test_to_dict_is_for_what_travels() -> None:
    with pytest.raises(TypeError, match="never travels"):
        to_dict(events.Opened())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="item_id must be str"):
        to_dict(events.ConversationItemDelete(item_id=5))  # type: ignore[arg-type]


def test_subclasses_of_str_are_strings() -> None:
    class Voice(str):
        pass

    session = events.RealtimeSession(audio=events.AudioConfig(output=events.AudioOutput(voice=Voice("alloy"))))
    assert to_dict(events.SessionUpdate(session=session))["session"]["audio"]["output"] == {"voice": "alloy"}
    with pytest.raises(ValueError, match="parallel_tool_calls must be bool"):
        to_dict(events.SessionUpdate(session=events.RealtimeSession(parallel_tool_calls=1)))  # type: ignore[arg-type]


def test_events_show_what_is_there_and_neither_audio_nor_keys() -> None:
    append = events.InputAudioBufferAppend(audio=bytes(960), event_id="e")
    assert repr(append) == "InputAudioBufferAppend(event_id='e', audio=<960 bytes>)"
    tool = events.McpTool(server_label="s", authorization="sk-secret", headers={"x": "secret"})
    assert "secret" not in repr(tool)


def test_events_copy_and_compare_as_values() -> None:
    import copy
    import pickle

    event = CLIENT.decode(
        json.dumps({"type": "response.output_text.delta", "delta": "a", "obfuscation": "zz", "event_id": "e", **PLACE})
    )
    assert copy.deepcopy(event) == event == pickle.loads(pickle.dumps(event))
    assert event.type == event.wire_type == "response.output_text.delta"
    match event:
        case events.ResponseOutputTextDelta(delta=text):
            assert text == "a"


def test_the_public_names() -> None:
    for name in rtproto.__all__:
        assert getattr(rtproto, name) is not None
    for name in events.__all__:
        assert getattr(events, name) is not None


def test_a_flood_of_brackets_is_refused() -> None:
    for text in ("[" * 2_000_000, '{"type": "x", "y": ' + "[" * 1_000_000):
        with pytest.raises(DecodeError):
            CLIENT.decode(text)


def test_a_code_may_be_a_number() -> None:
    wire = {"type": "error", "error": {"code": 429, "message": "slow down"}}
    event = CLIENT.decode(json.dumps(wire))
    assert event.error.code == 429
    assert to_dict(event) == wire


def test_audio_of_any_kind_of_bytes_goes_into_items() -> None:
    for sound in (b"\x01\x02\x03", bytearray(b"\x01\x02\x03"), memoryview(b"\x01\x02\x03")):
        item = events.MessageItem(role="user", content=[events.InputAudio(audio=sound)])  # type: ignore[arg-type]
        wire = to_dict(events.ConversationItemCreate(item=item))
        assert wire["item"]["content"] == [{"type": "input_audio", "audio": "AQID"}]
        assert "3 bytes" in repr(item)


def test_a_wrong_value_in_a_list_is_named_by_its_index() -> None:
    item = events.MessageItem(role="user", content=[events.InputText(text="a"), events.InputText(text=5)])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"item\.content\[1\]\.text must be str"):
        to_dict(events.ConversationItemCreate(item=item))


def test_extra_never_overrides_what_is_typed() -> None:
    event = events.ConversationItemDelete(item_id="a", extra={"type": "foo", "item_id": "b", "x": 1})
    assert to_dict(event) == {"type": "conversation.item.delete", "item_id": "a", "x": 1}


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'telepathy'"):
        getattr(rtproto, "telepathy")  # noqa: B009  # a name that type checkers refuse


def test_testing_is_there_without_an_import_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(rtproto, "testing", raising=False)
    assert rtproto.testing.Playbook.__name__ == "Playbook"
