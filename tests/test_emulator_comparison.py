"""How a server's answers differ from recorded ones (rtproto_emulator)."""

from __future__ import annotations

import json
from typing import Any

from rtproto_emulator._comparison import Comparer, Comparison
from rtproto_emulator._recorded import Script, Step


def comparer(*server: Any, ignored: tuple[str, ...] = ()) -> Comparer:
    events = [{"type": event} if isinstance(event, str) else event for event in server]
    return Comparer(Script(tuple(Step("server", event["type"], json.dumps(event)) for event in events)), ignored)


def found(which: Comparer, *heard: Any) -> Comparison:
    for event in heard:
        which.receive(json.dumps({"type": event} if isinstance(event, str) else event))
    return which.comparison()


def test_the_same() -> None:
    same = found(comparer("a", "b"), "a", "b")
    assert same.same
    assert same.lines == ["  a", "  b"]


def test_what_differs_is_told_in_order() -> None:
    error = {"type": "error", "error": {"code": "bad", "message": "no"}}
    differs = found(comparer("a", "b", "c"), "a", error, "c", "d")
    assert not differs.same
    assert differs.lines == ["  a", "- b", "+ error: bad: no", "  c", "+ d"]


def test_nobody_counts_deltas() -> None:
    recorded = comparer("a", "x.delta", "y.delta", "x.delta", "x.done")
    assert found(recorded, "a", "y.delta", "x.delta", "y.delta", "y.delta", "x.done").same
    assert found(comparer("a", "x.delta"), "a").lines == ["  a", "- x.delta"]


def test_types_may_be_left_out() -> None:
    assert found(comparer("a", "limits", "b", ignored=("limits", "more")), "a", "more", "b").same


def test_what_is_no_event_is_compared_too() -> None:
    which = comparer("a")
    which.receive("{")
    assert which.comparison().lines == ["- a", "+ (no event)"]


def test_the_clients_words_have_the_ids_of_the_new_session() -> None:
    which = comparer(
        {"type": "item", "item": {"id": "item_old", "content": [{"call_id": "call_old"}]}},
        {"type": "item", "item": {"id": "item_2", "content": []}},
    )
    output = (
        '{"type":"x","item":{"call_id":"call_old","output":"call_old"},"previous_item_id":"item_old","n":[{"id":1}]}'
    )
    assert which.translated(output) == output
    which.receive('{"type": "item", "item": {"id": "item_new", "content": [{"call_id": "call_new"}, 5]}}')
    which.receive('{"type": "item", "item": 5}')
    which.receive('{"type": "item", "item": {"id": "one more"}}')
    assert which.translated(output) == output.replace('"call_id":"call_old"', '"call_id":"call_new"').replace(
        "item_old", "item_new"
    )
    for odd in ("{", b"\x00", '{"type": "y"}'):
        assert which.translated(odd) == odd
