"""Faults on demand in dialects other than GA: what is said has the shape of the dialect, and its names tell places."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from emulated import append, hears, numbered, voice
from rtproto_emulator import Faults, Settings, parse_fault
from rtproto_emulator._fault_plan import FaultPlan
from rtproto_emulator._injection import Deed, Injected
from rtproto_emulator._visit import Visit

from rtproto import Config, Role, Session, events
from rtproto._dialects import dialect as dialect_of

WORDS: dict[str, dict[str, Any]] = {
    "localai": {"type": "invalid_request_error", "code": "c", "message": "m"},
    "qwen": {"type": "invalid_request_error", "code": "c", "message": "m"},
    "unmute": {"type": "invalid_request_error", "code": "c", "message": "m", "param": None, "details": None},
    "xai": {"type": "invalid_request_error", "code": "c", "message": "m", "param": None, "event_id": None},
}


def travels(injected: Injected, dialect: str) -> list[dict[str, Any]]:
    """What the client would receive now."""
    server = Session(Role.SERVER, Config(dialect=dialect))
    server.open(0.0)
    while (said := injected.next_event()) is not None:
        event = said.event if isinstance(said, Deed) else said
        assert isinstance(event, events.ServerEvent)
        server.send(event, 0.0)
    return [json.loads(message) for message in server.outgoing() if isinstance(message, str)]


def broken(dialect: str, fault: str, **policy: Any) -> Injected:
    wanted = {"dialect": dialect, "subprotocol": None, "model": None, "transcription": False, **policy}
    machine = Visit(**wanted).policy(Settings(pace=math.inf, make_id=numbered()))
    injected = Injected(machine, FaultPlan(Faults([fault]), 1))
    injected.start(0.0)
    return injected


@pytest.mark.parametrize("dialect", [*WORDS, "vllm"])
def test_a_refusal_on_demand_has_the_shape_of_the_dialect(dialect: str) -> None:
    if dialect == "unmute":
        pytest.importorskip("sphn", reason="sphn has no wheel for this system")
    injected = broken(dialect, "error:c:m@input_audio_buffer.append")
    injected.receive(append(bytes(4)), 0.0)
    error = travels(injected, dialect)[-1]
    assert ("event_id" in error) == (dialect not in ("localai", "vllm"))
    assert ("previous_item_id" in error) == (dialect == "xai")
    if dialect == "vllm":
        assert error == {"type": "error", "error": "m", "code": "c"}
    else:
        assert error["error"] == WORDS[dialect]


@pytest.mark.parametrize(("dialect", "ids"), [("qwen", True), ("localai", False), ("vllm", False)])
def test_an_unknown_event_has_an_id_where_events_have_one(dialect: str, ids: bool) -> None:
    unknown, created = travels(broken(dialect, "unknown-event"), dialect)
    assert unknown["type"] == "rtproto.unheard_of"
    assert ("event_id" in unknown, "event_id" in created) == (ids, ids)


@pytest.mark.parametrize(("dialect", "rate"), [("qwen", 16_000), ("xai", 24_000)])
def test_a_transcription_that_fails_has_the_shape_of_the_dialect(dialect: str, rate: int) -> None:
    injected = broken(dialect, "transcription-failed:c:m")
    if dialect == "qwen":
        injected.receive(hears(turn_detection=None), 0.0)
    injected.receive(append(voice(0.5, rate)), 0.0)
    injected.receive(events.InputAudioBufferCommit(), 0.0)
    injected.tick(60.0)
    kind = "conversation.item.input_audio_transcription.failed"
    (failed,) = [event for event in travels(injected, dialect) if event["type"] == kind]
    assert failed["error"]["code"] == "c"
    assert ("type" in failed["error"]) == (dialect == "xai")
    assert ("previous_item_id" in failed) == (dialect == "xai")


@pytest.mark.parametrize(
    ("dialect", "named", "ga"),
    [
        ("qwen", "conversation.item.created", "conversation.item.added"),
        ("qwen", "response.audio.delta", "response.output_audio.delta"),
        ("vllm", "transcription.done", "conversation.item.input_audio_transcription.completed"),
    ],
)
def test_an_event_may_be_named_as_its_dialect_does(dialect: str, named: str, ga: str) -> None:
    assert parse_fault(f"drop@{named}#2") == parse_fault(f"drop@{ga}#2")
    assert dialect_of(dialect).names[named] == ga
