"""A client's session and its conversation, on recorded sessions of real servers and of our own."""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shared import dialect_of, read_jsonl, traces

from rtproto import Config, Role, Session, events, value
from rtproto._codec import CLIENT_EVENTS, Codec
from rtproto._conversation._dig import id_of
from rtproto.conversation import Conversation

WHOLE = {
    events.ResponseOutputTextDone: "text",
    events.ResponseOutputAudioTranscriptDone: "transcript",
    events.ResponseFunctionCallArgumentsDone: "arguments",
    events.ConversationItemInputAudioTranscriptionCompleted: "transcript",
}
"""Events that bring the whole of what was streamed, and the field that holds it."""

everywhere = pytest.mark.parametrize("trace", traces(), ids=lambda path: path.stem)


def replay(trace: Path) -> Iterator[tuple[bool, Any]]:
    """The events of a recording, and whether the client sent them; those received have passed a client's session."""
    config = Config(dialect=dialect_of(trace))
    session, server = Session(Role.CLIENT, config), Codec(Role.SERVER, dialect_of(trace), 200)
    session.open(0.0)
    session.next_event()
    for record in read_jsonl(trace):
        wire = record.get("event") or {}
        if "type" not in wire:
            continue
        if record["dir"] == "sent" or (record["dir"] is None and wire["type"] in CLIENT_EVENTS):
            yield True, server.decode(json.dumps(wire))
        else:
            session.receive(json.dumps(wire), 0.0)
            event = session.next_event()
            while event is not None:
                yield False, event
                event = session.next_event()


def feed(conversation: Conversation, recorded: Iterator[tuple[bool, Any]]) -> None:
    for sent, event in recorded:
        if sent:
            conversation.sent(event)
        else:
            assert not isinstance(event, events.Violation), event.reason
            assert conversation.received(event) == []


def accumulated(conversation: Conversation, event: Any, field: str) -> str:
    """What was streamed to the place that `event` is about."""
    item = conversation.item(event.item_id)
    if item is None or field == "arguments":
        return item.arguments if item else ""
    part = item.parts.get(value(event.content_index, 0))
    return str(getattr(part, field)) if part else ""


@everywhere
def test_the_joined_deltas_are_the_done_values(trace: Path) -> None:
    conversation = Conversation()
    streamed: defaultdict[str, int] = defaultdict(int)
    for sent, event in replay(trace):
        assert not isinstance(event, events.Violation)
        streamed[getattr(event, "item_id", "")] += hasattr(event, "delta")
        field = next((name for cls, name in WHOLE.items() if isinstance(event, cls)), None)
        if field and streamed[event.item_id]:
            joined = accumulated(conversation, event, field)
            # Recognisers begin their first word with a space, which is gone in the end.
            heard = isinstance(event, events.ConversationItemInputAudioTranscriptionCompleted)
            assert (joined.strip() if heard else joined) == (
                event.transcript.strip() if heard else getattr(event, field)
            )
        (conversation.sent if sent else conversation.received)(event)
        if field:
            assert accumulated(conversation, event, field) == getattr(event, field)


@everywhere
def test_the_items_stand_in_the_order_of_the_server(trace: Path) -> None:
    conversation = Conversation()
    feed(conversation, replay(trace))
    added = [
        (id_of(event.item), event.previous_item_id)
        for _, event in replay(trace)
        if isinstance(event, (events.ConversationItemAdded, events.ConversationItemCreated))
    ]
    order = [item.id for item in conversation.items]
    assert order == [item for item, _ in added]
    for item, before in added:
        if isinstance(before, str) and before in order:
            assert order.index(item) == order.index(before) + 1


@everywhere
def test_what_is_known_at_the_end_is_what_the_server_said(trace: Path) -> None:
    conversation = Conversation()
    feed(conversation, replay(trace))
    sessions = [e.session for _, e in replay(trace) if isinstance(e, (events.SessionCreated, events.SessionUpdated))]
    assert conversation.session == (sessions[-1] if sessions else None)
    done = [event.response for _, event in replay(trace) if isinstance(event, events.ResponseDone)]
    usages = [response.usage for response in done if response.usage]
    assert conversation.usage.total_tokens == sum(value(usage.total_tokens, 0) for usage in usages)
    assert conversation.usage.output_tokens == sum(value(usage.output_tokens, 0) for usage in usages)
    for response in done:
        tracked = conversation.response(id_of(response))
        assert tracked is not None
        assert (tracked.status, tracked.is_open) == (response.status, False)
        assert [item.id for item in tracked.items] == [id_of(item) for item in value(response.output, [])]
        for item, said in zip(tracked.items, value(response.output, []), strict=True):
            if isinstance(said, events.FunctionCallItem):
                assert (item.name, item.call_id, item.arguments) == (said.name, said.call_id, said.arguments)
    open_ones = [response.id for response in conversation.responses if response.is_open]
    created = [event.response.id for _, event in replay(trace) if isinstance(event, events.ResponseCreated)]
    assert open_ones == [found for found in created if found not in {response.id for response in done}]


@everywhere
def test_an_interruption_anywhere_cancels_what_is_active_and_truncates_what_was_played(trace: Path) -> None:
    recorded = list(replay(trace))
    for stop in range(0, len(recorded), 3):
        conversation, now = Conversation(), 0.0
        for sent, event in recorded[:stop]:
            if sent:
                conversation.sent(event)
            else:
                now += 0.0001
                conversation.received(event, now)
        active = conversation.active_response
        said = conversation.interrupt(now)
        cancels = [event for event in said if isinstance(event, events.ResponseCancel)]
        assert len(cancels) <= (active is not None)
        assert all(active and event.response_id == active.id for event in cancels)
        for event in said[len(cancels) :]:
            assert isinstance(event, events.ConversationItemTruncate)
            item = conversation.item(event.item_id)
            assert item is not None
            assert item.role == "assistant"
            assert 0 < event.audio_end_ms <= item.audio_ms
        assert conversation.interrupt(now) == [] or active is not None


@everywhere
def test_a_rebuilt_conversation_is_understood_by_the_same_kind_of_server(trace: Path) -> None:
    conversation = Conversation()
    feed(conversation, replay(trace))
    session = Session(Role.CLIENT, Config(dialect=dialect_of(trace)))
    server = Session(Role.SERVER, Config(dialect=dialect_of(trace)))
    session.open(0.0)
    server.open(0.0)
    again = Conversation()
    for said in conversation.rebuild():
        session.send(said, 0.0)
        for message in session.outgoing():
            server.receive(message, 0.0)
        heard = server.next_event()
        assert isinstance(heard, type(said))
        if isinstance(heard, events.ConversationItemCreate):
            again.received(events.ConversationItemAdded(item=heard.item))
    assert all(item.id in {kept.id for kept in conversation.items} for item in again.items)
    for item in again.items:
        before = conversation.item(item.id)
        assert before is not None
        assert item.arguments == before.arguments
        assert item.text == before.text + (before.transcript if item.role != "system" else "")
    calls = [item for item in conversation.items if item.type == "function_call" and item.status == "completed"]
    assert [item.id for item in again.items if item.type == "function_call"] == [item.id for item in calls]


@everywhere
def test_a_replay_is_deterministic_and_may_begin_anywhere(trace: Path) -> None:
    recorded = list(replay(trace))
    for start in range(0, len(recorded), 5):
        first, second = Conversation(), Conversation()
        for conversation in (first, second):
            feed(conversation, iter(recorded[start:]))
        assert first.items == second.items
        assert first.responses == second.responses
        assert first.usage == second.usage


@everywhere
def test_a_small_conversation_keeps_the_newest_items(trace: Path) -> None:
    full, small = Conversation(), Conversation(max_items=2)
    feed(full, replay(trace))
    feed(small, replay(trace))
    assert len(small.items) <= 2
    assert {item.id for item in small.items} <= {item.id for item in full.items}
