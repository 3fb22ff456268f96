"""The order rules: for each what keeps it and what breaks it, what vendors leave out, and what is forgotten."""

import re
from typing import Any

import pytest
from rule_words import (
    AUDIO_DONE,
    CALL,
    CLEARED,
    ERROR,
    ITEM,
    OPEN,
    PART,
    SESSION,
    SPOKEN,
    TEXT,
    UPDATED,
    added,
    answers,
    arguments,
    arguments_done,
    audio,
    call,
    closed,
    committed,
    create,
    created,
    done,
    feed,
    item_done,
    message,
    opened,
    part,
    part_done,
    played,
    silent,
    speaks,
    text,
    text_done,
    timeout,
    transcribed,
    transcribes,
    truncate,
    truncated,
    with_id,
)

from rtproto import Config, Role, Session, events
from rtproto._rule_state import MAX_OPEN, MAX_PIECES, MAX_RECENT
from rtproto._rules import RULES, OrderRules
from rtproto._unset import UNSET
from rtproto.errors import LocalProtocolError

# ---- what keeps the rules ----

KEPT: dict[str, list[Any]] = {
    "a text answer": [*TEXT, done("item_1")],
    "a call and its answer": [*CALL, done(output=[call()]), answers()],
    "a spoken turn": [*SPOKEN, added("item_u"), item_done("item_u"), created("resp_1", "conv_1"), transcribed()],
    "an error before the session, and a conversation": [
        ERROR,
        events.ConversationCreated(conversation=events.Conversation(id="conv_1")),
        SESSION,
        ERROR,
    ],
    "a client that speaks first": [events.ResponseCreate(), create(message()), SESSION],
    "different event_ids, and none": [
        with_id(SESSION, "a"),
        with_id(UPDATED, "b"),
        UPDATED,
        with_id(UPDATED, ""),
        UPDATED,
    ],
    "the same event_id from a client and the server": [with_id(events.ResponseCreate(), "a"), with_id(SESSION, "a")],
    "playback that ends after the response": [*OPEN, done(), played()],
    "one response after another": [*OPEN, done(), created("resp_2", "conv_1"), done(response="resp_2")],
    "responses beside that of the conversation": [SESSION, created("r1", "conv_1"), created("r2"), created("r3", "")],
    "responses of servers that give no ids": [
        SESSION,
        created(UNSET),
        created(None),
        done(response=UNSET),
        created(UNSET),
    ],
    "responses without ids, ended twice": [SESSION, done(response=UNSET), done(response=UNSET), closed(response="")],
    "a response cancelled before it had anything": [*OPEN, done(status="cancelled")],
    "a cancelled response without its unfinished item": [
        *ITEM,
        closed(),
        opened("i2", index=1),
        closed("i2", index=1),
        done("i2", status="cancelled"),
    ],
    "an interruption": [
        *PART,
        audio(),
        speaks(),
        events.OutputAudioBufferCleared(response_id="resp_1"),
        audio(),
        AUDIO_DONE,
        part_done(),
        closed(),
        done("item_1", status="cancelled"),
        truncated(),
        silent(),
        committed(),
        transcribed(),
        transcribed(),
        added("item_u"),
        created("resp_2", "conv_1"),
    ],
    "a response that lists nothing": [*ITEM, closed(), done(output=None)],
    "a response that lists items without ids": [*ITEM, closed(), done(output=[message(UNSET)])],
    "an item of a kind that is not known": [
        *OPEN,
        opened(events.UnknownObject(raw={"id": "x"})),
        closed(events.UnknownObject(raw={"id": "x"})),
        done("x"),
    ],
    "an item whose id is no string": [*OPEN, opened(events.UnknownObject(raw={"id": [1]})), closed(message(None))],
    "two items at once": [
        *PART,
        text("a"),
        opened("i2", index=1),
        text("b"),
        text_done("ab"),
        part_done(),
        closed(),
        closed("i2", index=1),
        done("item_1", "i2"),
    ],
    "events without an output_index": [*OPEN, opened(call(), index=3), arguments("{}", index=UNSET)],
    "deltas of speech and words, closed in any order": [
        *PART,
        audio(),
        part_done(),
        AUDIO_DONE,
        closed(),
        done("item_1"),
    ],
    "the whole without deltas": [*PART, text_done("all at once")],
    "a character that two deltas share": [*PART, text("\ud83d"), text("\ude00"), text_done("\U0001f600")],
    "an item that is added to the conversation at once": [
        SESSION,
        created("resp_1", "conv_1"),
        opened(),
        added(),
        part(),
    ],
    "an mcp call, which is not": [
        SESSION,
        created("resp_1", "conv_1"),
        opened(events.McpCallItem(id="m", server_label="s", name="n", arguments="")),
        closed(message("m")),
    ],
    "speech that the client commits itself": [SESSION, speaks("a"), committed("a"), silent("b"), committed("b")],
    "speech that the client clears": [
        SESSION,
        speaks("a"),
        silent("a"),
        CLEARED,
        committed("b"),
        CLEARED,
        speaks("c"),
        CLEARED,
        silent("d"),
    ],
    "speech that goes on after a stop": [SESSION, speaks("a"), silent("a"), speaks("b"), silent("b"), committed("b")],
    "silence that becomes a turn": [
        SESSION,
        timeout(),
        added("system"),
        committed(),
        added("item_u"),
        created("r", "conv_1"),
    ],
    "a push to talk": [SESSION, committed("a"), added("a"), committed("b"), added("b")],
    "an item that is added before it is committed, and again": [
        SESSION,
        speaks(),
        added("item_u"),
        silent(),
        committed(),
        created("r", "conv_1"),
        added("item_u"),
    ],
    "an item that is added late, where no conversation is named": [
        *SPOKEN,
        transcribed(),
        created("r", ""),
        added("item_u"),
    ],
    "the old name of conversation.item.added": [
        SESSION,
        committed("a"),
        events.ConversationItemCreated(item=message("a")),
        item_done("a"),
        created("r", "conv_1"),
    ],
    "a transcript before its item": [SESSION, transcribes("a"), transcribed("a")],
    "an item that the client named": [
        SESSION,
        create(message("mine")),
        events.ConversationItemRetrieved(item=message("mine")),
        truncated("mine"),
        events.ConversationItemDeleted(item_id="mine"),
    ],
    "an answer before the server has spoken": [answers(), SESSION],
    "a truncation at the beginning": [truncate(0)],
    "a call that the client made up itself": [SESSION, create(call()), answers()],
    "what never travels, and what is not known": [
        SESSION,
        events.Opened(),
        events.Violation(reason="", raw=""),
        events.Unknown(raw={"type": "ping"}),
        None,
        {},
    ],
    "an unknown event first": [events.Unknown(raw={"type": "ping", "event_id": "a"}), with_id(SESSION, "a")],
    "a sideband, which knows nothing of what was before": [
        UPDATED,
        played("r"),
        closed("i", "r"),
        truncated(),
        silent(),
        item_done("i"),
        answers(),
    ],
}


@pytest.mark.parametrize("sequence", KEPT.values(), ids=KEPT.keys())
def test_what_keeps_the_rules(sequence: list[Any]) -> None:
    assert feed(sequence) == []


# ---- what breaks them: the last event, in one way ----

BROKEN: list[tuple[str, list[Any], str]] = [
    ("session-created-first", [created()], "response.created came before session.created"),
    ("session-created-first", [ERROR, CLEARED], "input_audio_buffer.cleared came before session.created"),
    (
        "event-id-unique",
        [with_id(SESSION, "e1"), UPDATED, with_id(UPDATED, "e1")],
        "session.updated has the event_id 'e1'",
    ),
    ("response-created-first", [SESSION, opened()], "response.output_item.added names the response 'resp_1'"),
    ("response-created-first", [SESSION, done()], "response.done names the response 'resp_1'"),
    ("response-created-first", [SESSION, text("a")], "response.output_text.delta names the response 'resp_1'"),
    ("response-created-first", [*OPEN, played("resp_2")], "output_audio_buffer.stopped names the response 'resp_2'"),
    ("response-created-once", [*OPEN, created()], "twice for the response 'resp_1'"),
    ("response-created-once", [*OPEN, done(), created()], "twice for the response 'resp_1'"),
    ("one-open-response", [SESSION, created("r1", "conv_1"), created("r2", "conv_1")], "'r2' while 'r1' is open"),
    (
        "response-done-last",
        [*OPEN, done(), opened()],
        "output_item.added came after the response.done of the response 'resp_1'",
    ),
    ("response-done-last", [*OPEN, done(), done()], "response.done came after the response.done"),
    ("response-done-last", [*TEXT, done("item_1"), text("c")], "output_text.delta came after the response.done"),
    ("response-done-status", [*OPEN, done(status="in_progress")], "'resp_1' is still in_progress"),
    ("response-done-closes", [*ITEM, done("item_1")], "the item 'item_1' lacks its response.output_item.done"),
    ("response-done-closes", [*ITEM, done("item_1", status="cancelled")], "the item 'item_1' lacks"),
    ("response-done-closes", [*PART, closed(), done("item_1")], "part 0 of the item 'item_1' lacks"),
    ("response-done-output", [*TEXT, done()], r"lists the items \[\], but they were opened as \['item_1'\]"),
    ("response-done-output", [*OPEN, done("item_1")], r"lists the items \['item_1'\]"),
    (
        "response-done-output",
        [*ITEM, closed(), opened("i2"), closed("i2"), done("i2", "item_1", status="failed")],
        "'i2', 'item_1'",
    ),
    ("response-done-output", [*OPEN, done(*"abcdefghij")], r"'h', \.\.\.\]"),
    ("output-item-added-first", [*OPEN, closed()], "response.output_item.done names the item 'item_1'"),
    ("output-item-added-first", [*OPEN, part()], "response.content_part.added names the item 'item_1'"),
    ("output-item-added-first", [*ITEM, text("a", item="i2")], "response.output_text.delta names the item 'i2'"),
    ("output-item-added-first", [*OPEN, arguments("{")], "arguments.delta names the item 'item_1'"),
    ("output-item-added-once", [*ITEM, opened()], "twice for the item 'item_1'"),
    ("output-item-added-once", [*TEXT, opened(index=1)], "twice for the item 'item_1'"),
    ("output-item-done-last", [*ITEM, closed(), part()], "content_part.added came after the response.output_item.done"),
    ("output-item-done-last", [*ITEM, closed(), closed()], "output_item.done came after"),
    ("output-item-index", [*ITEM, part(), text("a", index=1)], "output_index 1, but its item 'item_1' was opened at 0"),
    (
        "output-item-in-conversation",
        [SESSION, created("resp_1", "conv_1"), opened(), part()],
        "content_part.added came before the conversation.item.added",
    ),
    (
        "output-item-in-conversation",
        [SESSION, created("resp_1", "conv_1"), opened(call()), arguments("{")],
        "item 'item_1'",
    ),
    (
        "content-part-added-first",
        [*ITEM, text("a")],
        "delta came before the response.content_part.added of part 0 of the item 'item_1'",
    ),
    ("content-part-added-first", [*PART, text("a", part=1)], "part 1 of the item 'item_1'"),
    ("content-part-added-first", [*ITEM, text_done("a")], "output_text.done came before"),
    ("content-part-added-first", [*ITEM, part_done()], "content_part.done came before"),
    ("content-part-added-once", [*PART, part()], "twice for part 0"),
    (
        "content-part-done-last",
        [*PART, part_done(), audio()],
        "output_audio.delta came after the response.content_part.done",
    ),
    ("content-part-done-last", [*PART, part_done(), part_done()], "content_part.done came after"),
    (
        "delta-before-done",
        [*PART, text("a"), text_done("a"), text("b")],
        "after the text of the item 'item_1' was done",
    ),
    ("delta-before-done", [*PART, audio(), AUDIO_DONE, audio()], "after the audio of the item 'item_1' was done"),
    ("delta-before-done", [*ITEM, arguments_done("{}"), arguments("}")], "after the arguments of the item"),
    (
        "deltas-joined",
        [*PART, text("a"), text("b"), text_done("ba")],
        "the text of response.output_text.done is not the deltas",
    ),
    ("deltas-joined", [*PART, text("a"), text_done("ab")], "the text of"),
    ("deltas-joined", [*ITEM, arguments("{"), arguments_done("{}")], "the arguments of"),
    ("speech-stopped-item", [SESSION, silent()], "names the item 'item_u', but no speech goes on"),
    ("speech-stopped-item", [SESSION, speaks(), silent(), silent()], "but no speech goes on"),
    (
        "speech-stopped-item",
        [SESSION, speaks("a"), silent("b")],
        "names the item 'b', but the speech that goes on is the item 'a'",
    ),
    (
        "committed-item",
        [SESSION, speaks("a"), silent("a"), committed("b")],
        "names the item 'b', but the turn that ended is the item 'a'",
    ),
    ("committed-item", [SESSION, timeout("a"), committed("b")], "is the item 'a'"),
    (
        "committed-item-added",
        [*SPOKEN, created("r", "conv_1")],
        "before the conversation.item.added of the committed item 'item_u'",
    ),
    (
        "conversation-item-added-first",
        [SESSION, item_done()],
        "conversation.item.done came before the conversation.item.added",
    ),
    ("conversation-item-known", [SESSION, truncated()], "conversation.item.truncated names the item 'item_1'"),
    ("conversation-item-known", [SESSION, events.ConversationItemDeleted(item_id="x")], "deleted names the item 'x'"),
    (
        "conversation-item-known",
        [SESSION, events.ConversationItemRetrieved(item=message("x"))],
        "retrieved names the item 'x'",
    ),
    ("conversation-item-known", [SESSION, transcribed("x")], "completed names the item 'x'"),
    ("truncate-position", [truncate(-1)], "conversation.item.truncate has the audio_end_ms -1"),
    ("call-known", [*CALL, answers("call_2")], "answers the call 'call_2', which nobody made"),
]


@pytest.mark.parametrize(("rule", "sequence", "reason"), BROKEN)
def test_what_breaks_a_rule(rule: str, sequence: list[Any], reason: str) -> None:
    assert feed(sequence[:-1]) == []
    [(broken, why)] = feed(sequence)
    assert broken == rule
    assert re.search(reason, why), why


def test_every_rule_is_broken_here_once() -> None:
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)
    assert {rule for rule, _, _ in BROKEN} == set(names)
    assert all(rule.statement.endswith(".") for rule in RULES)


# ---- a breach is told once, and nothing is held against what follows from it ----


def test_a_call_that_only_response_done_shows_may_be_answered() -> None:
    rules = [rule for rule, _ in feed([*OPEN, done(output=[call("x", "call_9")]), answers("call_9")])]
    assert rules == ["response-done-output"]


def test_a_response_that_was_never_created_is_reported_once() -> None:
    sequence = [SESSION, *TEXT[2:], created(), done("item_1"), text("late")]
    assert [rule for rule, _ in feed(sequence)] == ["response-created-first", "response-done-last"]


def test_an_item_that_was_never_opened_is_reported_once() -> None:
    sequence = [*OPEN, *TEXT[3:], text("more"), done("item_1")]
    assert [rule for rule, _ in feed(sequence)] == ["output-item-added-first"]


def test_a_part_that_was_never_opened_is_reported_once() -> None:
    sequence = [*ITEM, text("a"), text("b"), text_done("ab"), closed(), done("item_1")]
    assert [rule for rule, _ in feed(sequence)] == ["content-part-added-first"]


def test_an_item_that_is_missing_in_the_conversation_is_reported_once() -> None:
    sequence = [SESSION, created("resp_1", "conv_1"), *TEXT[2:], done("item_1")]
    assert [rule for rule, _ in feed(sequence)] == ["output-item-in-conversation"]


def test_long_ids_are_cut_in_a_reason() -> None:
    [(_, reason)] = feed([SESSION, opened(response="r" * 100_000)])
    assert len(reason) < 200


# ---- a recording that begins in the middle ----


@pytest.mark.parametrize("sequence", KEPT.values(), ids=KEPT.keys())
def test_what_came_before_an_excerpt_is_not_missed(sequence: list[Any]) -> None:
    for start in range(len(sequence)):
        assert feed(sequence[start:], from_start=False) == []


def test_what_an_excerpt_shows_from_its_beginning_is_judged() -> None:
    assert feed([*PART[1:], text("a"), text_done("b")], from_start=False)[0][0] == "deltas-joined"
    assert feed([done(), done()], from_start=False)[0][0] == "response-done-last"
    assert feed([speaks("a"), silent("b")], from_start=False)[0][0] == "speech-stopped-item"


# ---- strict sessions ----


def test_a_refused_send_leaves_the_rules_as_they_were() -> None:
    session = Session(Role.SERVER, Config(strict=True))
    session.open(0.0)
    with pytest.raises(LocalProtocolError, match=r"before session\.created"):
        session.send(CLEARED, 0.0)
    for event in [SESSION, created()]:
        session.send(event, 0.0)
    with pytest.raises(LocalProtocolError, match="of which no response"):
        session.send(closed(), 0.0)
    for event in [opened(), closed(), done("item_1")]:
        session.send(event, 0.0)
    assert len(session.outgoing()) == 5


# ---- what is forgotten ----


def test_a_long_session_is_forgotten_from_its_beginning() -> None:
    rules = OrderRules()
    turn = [committed("u"), added("u"), created("r"), done(response="r"), create(call("i", "c"))]
    for event in [with_id(SESSION, "e"), *turn]:
        assert rules.feed(event) == []
    assert [breach.rule for breach in rules.check(with_id(UPDATED, "e"))] == ["event-id-unique"]
    assert [breach.rule for breach in rules.check(created("r"))] == ["response-created-once"]
    for i in range(MAX_RECENT):
        later = [
            committed(f"u{i}"),
            added(f"u{i}"),
            created(f"r{i}"),
            done(response=f"r{i}"),
            create(call("i", f"c{i}")),
        ]
        assert [breach for j, event in enumerate(later) for breach in rules.feed(with_id(event, f"e{i}.{j}"))] == []
    for event in [with_id(UPDATED, "e"), created("r"), truncated("u"), item_done("u"), answers("c")]:
        assert rules.check(event) == []


def test_responses_that_never_end_are_forgotten() -> None:
    rules = OrderRules()
    for event in [SESSION, *(created(f"r{i}") for i in range(MAX_OPEN + 1))]:
        assert rules.feed(event) == []
    assert rules.check(done(response="r0")) == []
    assert [breach.rule for breach in rules.check(created("r1"))] == ["response-created-once"]


def test_a_response_of_too_many_items_goes_unchecked() -> None:
    rules = OrderRules()
    for event in [*OPEN, *(opened(f"i{i}") for i in range(MAX_PIECES + 1))]:
        assert rules.feed(event) == []
    assert rules.feed(closed("never")) == rules.feed(done()) == []
    assert [breach.rule for breach in rules.check(done())] == ["response-done-last"]


def test_an_item_of_too_many_parts_goes_unchecked() -> None:
    rules = OrderRules()
    for event in [*ITEM, *(part(part=i) for i in range(MAX_PIECES + 1))]:
        assert rules.feed(event) == []
    assert rules.feed(text("a", part=-1)) == rules.feed(closed()) == rules.feed(done("item_1")) == []
