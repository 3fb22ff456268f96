"""Whatever a client says, in whatever order: the emulator answers by the rules of the protocol and ends what it begins.

The server's session is strict: an event of the emulator that breaks a rule fails the test.
"""

from __future__ import annotations

import json
from typing import Any

from emulated import Emulated, append, create, every, hears, silence, update, voice, wrote
from hypothesis import given, settings
from hypothesis import strategies as st
from rtproto_emulator import Settings
from scale import scaled

from rtproto import events

IDS = st.sampled_from(["item_1", "item_2", "item_3", "item_4", "mine", "lost", "root", ""])
TOOL = events.FunctionTool(name="f", parameters={"type": "object", "required": ["a"]})

SAID: st.SearchStrategy[events.ClientEvent] = st.one_of(
    st.sampled_from(
        [
            append(voice(0.4)),
            append(silence(0.4)),
            append(b"\1\2\3"),
            events.InputAudioBufferCommit(),
            events.InputAudioBufferClear(),
            events.OutputAudioBufferClear(),
            events.ResponseCreate(),
            events.ResponseCancel(),
            wrote("hello there"),
            wrote("hello again", id="mine"),
            create(output_modalities=["text"]),
            create(conversation="none", metadata={"a": "b"}),
            create(conversation="none", input=[events.ItemReference(id="item_1")]),
            create(max_output_tokens=2),
            create(tools=[TOOL], tool_choice="required"),
            hears(turn_detection=None),
            hears(turn_detection=events.ServerVad(idle_timeout_ms=5000, silence_duration_ms=200)),
            hears(turn_detection=events.SemanticVad(eagerness="high", interrupt_response=False)),
            hears(transcription=events.AudioTranscription(model="whisper-1")),
            hears(format=events.AudioPcmu()),
            hears(format=events.AudioPcm(rate=24000)),
            update(output_modalities=["text"], tools=[]),
            update(audio=events.AudioConfig(output=events.AudioOutput(voice="marin", format=events.AudioPcma()))),
            events.ConversationItemCreate(item=events.FunctionCallOutputItem(call_id="call_1", output="x")),
        ]
    ),
    st.builds(events.ConversationItemDelete, item_id=IDS),
    st.builds(events.ConversationItemRetrieve, item_id=IDS),
    st.builds(events.ConversationItemCreate, previous_item_id=IDS, item=st.just(wrote("placed").item)),
    st.builds(events.ResponseCancel, response_id=st.sampled_from(["resp_1", "resp_2", "resp_3", "lost"])),
    st.builds(
        events.ConversationItemTruncate,
        item_id=IDS,
        content_index=st.integers(0, 2),
        audio_end_ms=st.sampled_from([0, 1, 100, 100_000]),
    ),
)
STORY = st.lists(st.one_of(SAID, st.floats(0.001, 7)), max_size=40)


@settings(max_examples=scaled(100))
@given(STORY, st.sampled_from(["ga", "beta", "localai", "qwen", "xai"]))
def test_any_client(story: list[Any], dialect: str) -> None:
    limits = Settings(pace=2.0, max_items=6, max_audio=200_000, max_input_ms=3000, max_responses=3)
    e = Emulated(limits, dialect, lawful=False)
    for step in story:
        if isinstance(step, float):
            e.wait(step)
        else:
            e.say(step)
    e.say(hears(turn_detection=None))
    e.wait(600)
    created = [event.response.id for event in every(e.seen, events.ResponseCreated)]
    done = [event.response.id for event in every(e.seen, events.ResponseDone)]
    assert sorted(created) == sorted(done)
    assert e.closed is None


@settings(max_examples=scaled(50))
@given(STORY)
def test_the_same_client_hears_the_same(story: list[Any]) -> None:
    told = []
    for _ in range(2):
        e = Emulated(lawful=False)
        for step in story:
            if isinstance(step, float):
                e.wait(step)
            else:
                e.say(step)
        told.append(e.seen)
    assert told[0] == told[1]


WIRES: list[dict[str, Any]] = [
    {
        "type": "session.update",
        "session": {
            "type": "realtime",
            "output_modalities": ["text"],
            "instructions": "x",
            "max_output_tokens": 5,
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object", "required": ["a"]}}],
            "tool_choice": {"type": "function", "name": "f"},
            "tracing": {"workflow_name": "w"},
            "truncation": {"type": "retention_ratio", "retention_ratio": 0.5},
            "prompt": {"id": "p", "variables": {"a": "b"}},
            "include": ["item.input_audio_transcription.logprobs"],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "transcription": {"model": "m", "language": "en"},
                    "noise_reduction": {"type": "near_field"},
                    "turn_detection": {"type": "server_vad", "threshold": 0.4, "idle_timeout_ms": 5000},
                },
                "output": {"format": {"type": "audio/pcmu"}, "voice": {"id": "v"}, "speed": 1.5},
            },
        },
    },
    {
        "type": "conversation.item.create",
        "previous_item_id": "root",
        "item": {
            "type": "message",
            "id": "mine",
            "role": "user",
            "content": [{"type": "input_text", "text": "x"}, {"type": "input_audio", "audio": "AAAA"}],
        },
    },
    {
        "type": "response.create",
        "response": {
            "conversation": "none",
            "input": [{"type": "item_reference", "id": "mine"}, {"type": "message", "role": "user", "content": []}],
            "audio": {"output": {"voice": "ash", "format": {"type": "audio/pcm"}}},
            "tools": [{"type": "function", "name": "f", "parameters": {}}],
            "tool_choice": "required",
            "metadata": {"a": "b"},
        },
    },
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "conversation.item.truncate", "item_id": "mine", "content_index": 0, "audio_end_ms": 0},
]
JSON = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "x", "auto", "none", "mine", "semantic_vad", "audio/pcma", "inf", "AAAA"]),
    st.lists(st.sampled_from(["text", {"type": "x"}, 1]), max_size=2),
    st.dictionaries(st.sampled_from(["type", "id", "name", "x"]), st.sampled_from(["x", None, 1]), max_size=2),
)


def places(wire: Any) -> list[tuple[Any, Any]]:
    """Every field and element of a message, as its holder and key."""
    keys = list(wire) if isinstance(wire, dict) else list(range(len(wire))) if isinstance(wire, list) else []
    return [(wire, key) for key in keys] + [place for key in keys for place in places(wire[key])]


@settings(max_examples=scaled(200))
@given(st.data())
def test_any_field(data: st.DataObject) -> None:
    e = Emulated(lawful=False)
    for _ in range(4):
        wire = json.loads(json.dumps(data.draw(st.sampled_from(WIRES))))
        for _ in range(data.draw(st.integers(0, 2))):
            holder, key = data.draw(st.sampled_from(places(wire)[1:] or [(wire, "type")]))
            holder[key] = json.loads(json.dumps(data.draw(JSON)))
        heard = e.raw(json.dumps({**wire, "event_id": "said"}))
        errors = every(heard, events.ErrorEvent)
        assert len(errors) <= 1
        assert all(event.error.event_id == "said" and event.error.message for event in errors)
    e.wait(60)
