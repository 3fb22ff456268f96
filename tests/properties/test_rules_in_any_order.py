"""The order rules, fed with any events in any order."""

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st
from rule_words import CALL, SPOKEN, TEXT, added, answers, created, done, feed, item_done, truncated

from rtproto import events
from rtproto._codec import CLIENT_EVENTS, SERVER_EVENTS
from rtproto._rules import RULES, OrderRules
from rtproto._unset import UNSET

IDS = st.sampled_from(["a", "b", ""])
MAYBE_IDS = st.one_of(IDS, st.sampled_from([None, UNSET]))
ITEMS = st.one_of(
    st.builds(events.MessageItem, id=MAYBE_IDS, role=st.just("user")),
    st.builds(events.FunctionCallItem, id=MAYBE_IDS, name=IDS, call_id=MAYBE_IDS, arguments=IDS),
    st.builds(events.FunctionCallOutputItem, id=MAYBE_IDS, call_id=IDS, output=IDS),
    st.builds(events.ItemReference, id=IDS),
    st.builds(events.UnknownObject, raw=st.fixed_dictionaries({"id": st.one_of(MAYBE_IDS, st.just([]))})),
)
RESPONSES = st.builds(
    events.RealtimeResponse,
    id=MAYBE_IDS,
    status=st.sampled_from(["in_progress", "completed", "cancelled", None, UNSET]),
    conversation_id=MAYBE_IDS,
    output=st.one_of(st.sampled_from([None, UNSET]), st.lists(ITEMS, max_size=3)),
)
SMALL = st.integers(-1, 1)
VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: IDS,
    int: SMALL,
    float: st.just(0.5),
    bytes: st.just(b"\0"),
    bool: st.booleans(),
}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "item": ITEMS,
    "response": RESPONSES,
    "event_id": MAYBE_IDS,
    "output_index": SMALL,
    "delta": st.sampled_from(["a", "\ud83d", ""]),
    "session": st.just(events.RealtimeSession()),
    "conversation": st.just(events.Conversation()),
    "error": st.just(events.RealtimeError(message="no")),
    "rate_limits": st.just([]),
}


def any_of(cls: Any) -> st.SearchStrategy[Any]:
    wanted = {
        field.name: VALUES[bytes] if field.type is bytes else FIELDS.get(field.name, VALUES.get(field.type, IDS))
        for field in attrs.fields(cls)
        if field.init and (field.default is attrs.NOTHING or field.name in ("event_id", "output_index"))
    }
    return st.builds(cls, **wanted)


USUAL = [
    *TEXT,
    *CALL,
    *SPOKEN,
    added(),
    item_done(),
    created("resp_2", "conv_1"),
    done("item_1"),
    truncated(),
    answers(),
]
ANY_EVENT = st.one_of(
    st.sampled_from(USUAL), *(any_of(cls) for cls in (*CLIENT_EVENTS.values(), *SERVER_EVENTS.values()))
)


@given(st.lists(ANY_EVENT, max_size=40), st.booleans())
def test_any_events_in_any_order_are_judged(sequence: list[Any], from_start: bool) -> None:
    assert {rule for rule, _ in feed(sequence, from_start)} <= {rule.name for rule in RULES}


@given(st.lists(st.tuples(ANY_EVENT, st.lists(ANY_EVENT, max_size=3)), max_size=30), st.booleans())
def test_check_changes_nothing(sequence: list[tuple[Any, list[Any]]], from_start: bool) -> None:
    asked, unasked = OrderRules(from_start), OrderRules(from_start)
    for event, others in sequence:
        for other in others:
            asked.check(other)
        told = asked.check(event)
        assert told == asked.feed(event) == unasked.feed(event)
