"""The order rules on recorded sessions: real servers keep them, and a recording with a hole does not."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from shared import dialect_of, read_jsonl, traces

from rtproto import Role
from rtproto._codec import CLIENT_EVENTS, Codec
from rtproto._rules import Breach, OrderRules

EXCERPTS = {"openai_idle_timeout_excerpt", "beta_out_of_band_text"}
"""Recordings that begin in the middle of a session."""

NEEDED = {
    "response.created": "response-created-first",
    "response.output_item.added": "output-item-added-first",
    "response.output_item.done": "response-done-closes",
    "response.content_part.added": "content-part-added-first",
    "response.content_part.done": "response-done-closes",
    "response.output_text.delta": "deltas-joined",
    "response.output_audio_transcript.delta": "deltas-joined",
    "response.function_call_arguments.delta": "deltas-joined",
    "input_audio_buffer.speech_started": "speech-stopped-item",
}
"""What every session needs (GA names), and the rule that notices when it is missing."""


def session(trace: Path) -> list[Any]:
    """The events of a recording, decoded; None where a connection ended and the next one began."""
    dialect = dialect_of(trace)
    client, server = Codec(Role.CLIENT, dialect, 200), Codec(Role.SERVER, dialect, 200)
    events: list[Any] = []
    for record in read_jsonl(trace):
        event = record.get("event") or {}
        if record.get("kind") == "close":
            events.append(None)
        elif "type" in event:
            sent = record["dir"] == "sent" or (record["dir"] is None and event["type"] in CLIENT_EVENTS)
            events.append((server if sent else client).decode(json.dumps(event)))
    return events


def judge(trace: Path, events: Iterable[Any]) -> list[Breach]:
    from_start = trace.stem not in EXCERPTS
    rules, breaches = OrderRules(from_start), []
    for event in events:
        if event is None:
            rules = OrderRules()
        breaches += rules.feed(event)
    return breaches


@pytest.mark.parametrize("trace", traces(), ids=lambda path: path.stem)
def test_a_recorded_session_breaks_no_rule(trace: Path) -> None:
    events = session(trace)
    assert len(events) > 5
    assert judge(trace, events) == []


@pytest.mark.parametrize("trace", traces(), ids=lambda path: path.stem)
def test_a_recorded_session_may_be_judged_from_any_point(trace: Path) -> None:
    events = session(trace)
    for start in range(0, len(events), 7):
        rules = OrderRules(from_start=False)
        assert [breach for event in events[start:] for breach in rules.feed(event)] == []


@pytest.mark.parametrize("trace", [t for t in traces() if t.stem not in EXCERPTS], ids=lambda path: path.stem)
def test_a_recorded_session_with_a_hole_is_noticed(trace: Path) -> None:
    events = session(trace)
    sideband = "sideband" in trace.stem
    for name, rule in NEEDED.items():
        places = [i for i, event in enumerate(events) if event.type == name]
        # A sideband may have missed a response's beginning; a stream of one delta may as well have none.
        if not places or (sideband and name == "response.created") or (name.endswith(".delta") and len(places) < 3):
            continue
        without = [event for i, event in enumerate(events) if i != places[0]]
        assert rule in {breach.rule for breach in judge(trace, without)}, name


@pytest.mark.parametrize("trace", traces(), ids=lambda path: path.stem)
def test_a_recorded_session_with_an_echo_is_noticed(trace: Path) -> None:
    events = session(trace)
    at = max(i for i, event in enumerate(events) if event.event_id)
    assert "event-id-unique" in {breach.rule for breach in judge(trace, [*events[: at + 1], *events[at:]])}
