"""The conversation, fed with any events in any order: it never fails, repeats exactly, and stays within its bounds."""

import json
import random
from functools import cache
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_words import CALL, SPOKEN, TEXT, added, audio, created, done, item_done, opened, text, truncated
from shared import dialect_of, read_jsonl, traces

from rtproto import UNSET, Role, events
from rtproto._codec import CLIENT_EVENTS, SERVER_EVENTS, Codec
from rtproto._conversation._playback import MAX_WAITING
from rtproto._conversation._state import MAX_ASKED, MAX_FINISHED, MAX_OPEN
from rtproto.conversation import Conversation

IDS = st.sampled_from(["a", "b", "c", "item_1", "resp_1", "root", ""])
OPT_IDS = st.one_of(IDS, st.sampled_from([None, UNSET]))
WORDS = st.sampled_from(["a", "one two", "\ud83d", "", "x" * 300])
OPT_WORDS = st.one_of(WORDS, st.sampled_from([None, UNSET]))
BYTES = st.sampled_from([b"", b"\0", bytes(96), bytes(4801)])
SMALL = st.integers(-2, 3)
OPT_NUMBERS = st.one_of(SMALL, st.sampled_from([None, UNSET, 10**30]))
ODD = st.builds(
    events.UnknownObject,
    raw=st.dictionaries(
        st.sampled_from(["id", "type", "text", "transcript", "audio", "role", "content"]),
        st.one_of(WORDS, st.sampled_from([None, 7, [], {}, "message", "function_call"])),
        max_size=4,
    ),
)


def kept(cls: Any, **fields: Any) -> Any:
    return st.builds(cls, **fields)


CONTENTS = st.one_of(
    kept(events.InputText, text=OPT_WORDS),
    kept(events.OutputText, text=OPT_WORDS),
    kept(events.InputAudio, transcript=OPT_WORDS, audio=st.one_of(BYTES, st.just(UNSET))),
    kept(events.OutputAudio, transcript=OPT_WORDS, audio=st.one_of(BYTES, st.just(UNSET))),
    kept(events.InputImage, image_url=OPT_WORDS),
    ODD,
)
STATUS = st.sampled_from(["in_progress", "completed", "incomplete", "odd", None, UNSET])
ITEMS = st.one_of(
    kept(
        events.MessageItem,
        id=OPT_IDS,
        status=STATUS,
        role=st.sampled_from(["user", "assistant", "system", "tool"]),
        content=st.one_of(st.sampled_from([None, UNSET]), st.lists(CONTENTS, max_size=3)),
    ),
    kept(events.FunctionCallItem, id=OPT_IDS, status=STATUS, name=WORDS, call_id=OPT_IDS, arguments=WORDS),
    kept(events.FunctionCallOutputItem, id=OPT_IDS, call_id=IDS, output=WORDS),
    kept(events.McpCallItem, id=IDS, server_label=WORDS, name=WORDS, arguments=WORDS),
    kept(events.ItemReference, id=IDS),
    ODD,
)
USAGE = kept(events.ResponseUsage, total_tokens=OPT_NUMBERS, input_tokens=OPT_NUMBERS)
FORMATS = st.one_of(ODD, kept(events.AudioPcm, rate=OPT_NUMBERS), st.sampled_from([events.AudioPcmu(), None, UNSET]))
AUDIO = st.builds(
    lambda form, detection: events.AudioConfig(
        output=events.AudioOutput(format=form), input=events.AudioInput(turn_detection=detection)
    ),
    FORMATS,
    st.one_of(ODD, st.sampled_from([None, UNSET, events.ServerVad(interrupt_response=True)])),
)
OPT_AUDIO = st.one_of(AUDIO, st.sampled_from([None, UNSET]))
RESPONSES = kept(
    events.RealtimeResponse,
    id=OPT_IDS,
    status=STATUS,
    conversation_id=OPT_IDS,
    audio=OPT_AUDIO,
    output=st.one_of(st.sampled_from([None, UNSET]), st.lists(ITEMS, max_size=3)),
    metadata=st.sampled_from([None, UNSET, {}, {"a": "b"}]),
    usage=st.one_of(USAGE, st.sampled_from([None, UNSET])),
)
PARAMS = kept(
    events.ResponseCreateParams,
    conversation=st.sampled_from(["none", "auto", None, UNSET]),
    metadata=st.sampled_from([None, UNSET, {}, {"a": "b"}]),
)
SESSIONS = st.one_of(
    kept(events.RealtimeSession, id=OPT_IDS, audio=OPT_AUDIO, instructions=OPT_WORDS),
    kept(events.TranscriptionSession, audio=OPT_AUDIO),
    ODD,
)
FIELDS: dict[str, Any] = {
    "item": ITEMS,
    "event_id": OPT_IDS,
    "session": SESSIONS,
    "conversation": st.just(events.Conversation()),
    "error": kept(
        events.RealtimeError,
        message=WORDS,
        event_id=OPT_IDS,
        code=st.sampled_from([None, UNSET, 7, "conversation_already_has_active_response"]),
    ),
    "part": st.one_of(ODD, st.sampled_from([None, UNSET]), kept(events.TextPart, text=OPT_WORDS)),
    "usage": st.one_of(ODD, st.sampled_from([None, UNSET]), kept(events.UsageDuration, seconds=st.just(1.5))),
    "previous_item_id": OPT_IDS,
    "rate_limits": st.just([]),
}
TYPES: dict[Any, Any] = {str: IDS, int: SMALL, float: st.just(0.5), bytes: BYTES}
OPTIONAL = {"event_id", "part", "usage", "previous_item_id"}


def any_of(cls: Any) -> Any:
    """An event of this class, with any values that its types allow."""
    fields = [field for field in attrs.fields(cls) if field.init]
    wanted = {
        field.name: FIELDS.get(field.name, TYPES.get(field.type, WORDS))
        for field in fields
        if field.default is attrs.NOTHING or field.name in OPTIONAL
    }
    if "response" in {field.name for field in fields}:
        wanted["response"] = PARAMS if cls is events.ResponseCreate else RESPONSES
    if cls is events.ConversationItemInputAudioTranscriptionFailed:
        wanted["error"] = st.just(events.ErrorDetails())
    return st.builds(cls, **wanted)


USUAL = [*TEXT, *CALL, *SPOKEN, added(), audio(), created("resp_1", "conv_1"), item_done(), done("item_1"), truncated()]
LOCAL = [events.Closed(clean=True, code=1000), events.Opened(), events.Violation(reason="bad", raw="{")]
ANY_EVENT = st.one_of(
    st.sampled_from([*USUAL, *LOCAL, events.Unknown(raw={})]),
    *(any_of(cls) for cls in (*CLIENT_EVENTS.values(), *SERVER_EVENTS.values())),
)
STEPS = st.one_of(
    st.tuples(st.just("received"), ANY_EVENT, st.one_of(st.none(), st.floats(0, 10))),
    st.tuples(st.just("sent"), ANY_EVENT, st.none()),
    st.tuples(st.just("interrupt"), st.none(), st.one_of(st.none(), st.floats(0, 10))),
    st.tuples(st.just("played"), st.integers(0, 9999), st.none()),
    st.tuples(st.just("played_ms"), st.integers(0, 99), IDS),
)


def take(conversation: Conversation, step: tuple[str, Any, Any]) -> Any:
    what, thing, more = step
    if what == "received":
        return conversation.received(thing, more)
    if what == "sent":
        return conversation.sent(thing)
    if what == "interrupt":
        return conversation.interrupt(more)
    if what == "played":
        return conversation.playback.played(thing)
    return conversation.playback.played_ms(more, thing)


def look(conversation: Conversation) -> list[Any]:
    """All that can be read."""
    items = [
        (i.id, i.item, i.type, i.role, i.status, i.name, i.call_id, i.text, i.transcript, i.arguments, i.audio_ms)
        for i in conversation.items
    ]
    responses = [
        (r.id, r.status, r.status_details, r.metadata, r.usage, [item.id for item in r.items])
        for r in conversation.responses
    ]
    return [items, responses, conversation.session, conversation.usage, conversation.rebuild()]


def check(conversation: Conversation, max_items: int, max_size: int) -> None:
    state = conversation._state
    assert len(state.items) <= max_items
    counted = [item.counted for item in state.items.values()] + [r.counted for r in state.responses.values()]
    assert state.size == sum(counted) <= max_size
    assert len(state.responses) <= MAX_OPEN + MAX_FINISHED
    assert max(len(state.asked), len(state.created)) <= MAX_ASKED
    assert len(state.playback._parts) <= MAX_WAITING
    assert {id(item) for item in state.order} == {id(i) for i in state.items.values() if i.in_conversation}
    for response in state.responses.values():
        assert set(response.places) <= set(state.items)


@given(st.lists(STEPS, max_size=40), st.integers(1, 4), st.sampled_from([2000, 9000, 10**6]), st.booleans())
def test_any_story(story: list[Any], max_items: int, max_size: int, keep_audio: bool) -> None:
    conversation = Conversation(max_items=max_items, max_size=max_size, keep_audio=keep_audio)
    for step in story:
        for said in take(conversation, step) or []:
            assert isinstance(said, (events.ResponseCancel, events.ConversationItemTruncate))
        check(conversation, max_items, max_size)
    look(conversation)


@given(st.lists(STEPS, max_size=40))
def test_the_same_story_gives_the_same(story: list[Any]) -> None:
    first, second = Conversation(), Conversation()
    for step in story:
        before = repr(step[1])
        assert take(first, step) == take(second, step)
        assert repr(step[1]) == before
        look(second)
    assert look(first) == look(second)


@given(st.lists(WORDS, min_size=1), st.booleans())
def test_deltas_are_joined(deltas: list[str], read_each: bool) -> None:
    conversation = Conversation()
    conversation.received(opened())
    item = conversation.item("item_1")
    assert item is not None
    for delta in deltas:
        conversation.received(text(delta))
        if read_each:
            assert item.text == _joined(item.text)
    assert item.text == _joined("".join(deltas))


def _joined(text: str) -> str:
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@cache
def recorded(name: str) -> list[Any]:
    (trace,) = [trace for trace in traces() if trace.stem == name]
    client, server = (Codec(role, dialect_of(trace), 200) for role in (Role.CLIENT, Role.SERVER))
    found: list[Any] = []
    for record in read_jsonl(trace):
        wire = record.get("event") or {}
        if "type" in wire:
            sent = record["dir"] == "sent" or (record["dir"] is None and wire["type"] in CLIENT_EVENTS)
            found.append(("sent" if sent else "received", (server if sent else client).decode(json.dumps(wire)), None))
    return found


@pytest.mark.skipif(not traces(), reason="the reference material is absent: ../shared/spec/examples/traces")
@given(
    st.sampled_from([trace.stem for trace in traces()] or [""]), st.integers(0, 2**32), st.sampled_from([0.0, 0.2, 1.0])
)
def test_a_recording_with_holes_or_out_of_order(name: str, seed: int, disorder: float) -> None:
    chance = random.Random(seed)
    story = [step for step in recorded(name) if chance.random() < 0.8]
    order = sorted(range(len(story)), key=lambda at: at + disorder * chance.random() * len(story))
    first, second = Conversation(max_items=6), Conversation(max_items=6)
    for at in order:
        assert take(first, story[at]) == take(second, story[at])
        check(first, 6, 2**30)
        if chance.random() < 0.05:
            assert first.interrupt(float(at)) == second.interrupt(float(at))
    assert look(first) == look(second)
