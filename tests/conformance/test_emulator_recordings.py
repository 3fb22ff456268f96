"""The emulator beside recorded sessions of the real server: the same client, the same order, the same fields.

What the recorded client said is said to the emulator's policy. Ids, texts, sounds and the number of deltas differ; the
types of events and their fields do not.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from emulated import Emulated, silence, voice
from rtproto_emulator import Call, Context, EchoResponder, Engines, Say, Settings
from shared import SPEC, need, read_jsonl

from rtproto import events, value

TRACES = SPEC / "examples" / "traces"
LOOSE = {"obfuscation"}
"""Comes and goes in the recordings themselves."""


class Caller(EchoResponder):
    """Calls the first function there is, unless it has just answered, as the recorded model did of its own accord.

    A `talkative` one says so first.
    """

    def __init__(self, *, talkative: bool) -> None:
        self._talkative = talkative

    def respond(self, context: Context) -> Iterator[Say | Call | None]:
        answered = isinstance(context.items[-1], events.FunctionCallOutputItem)
        if context.tools and not answered:
            if self._talkative:
                yield Say("I will look it up.")
            yield Call(name=value(context.tools[0].name, ""), arguments='{"city": "London"}')
        else:
            yield from super().respond(context)


def recorded(name: str) -> list[dict[str, Any]]:
    lines = read_jsonl(need(TRACES / f"{name}.jsonl"))
    return [line for line in lines if line.get("kind") == "message" and line["event"]]


def replay(lines: list[dict[str, Any]], dialect: str) -> list[dict[str, Any]]:
    """What the emulator says to the recorded client; its audio is replaced by speech, which the recorder cut away."""
    settings = Settings(pace=math.inf, obfuscation=True, engines=Engines(responder=Caller(talkative=dialect == "xai")))
    e = Emulated(settings, dialect, model="gpt-realtime")
    calls: list[str] = []
    spoke = False
    for line in lines:
        said = line["event"]
        if line["dir"] != "sent":
            continue
        if said["type"] == "input_audio_buffer.append":
            spoke = True
            continue
        if said.get("item", {}).get("type") == "function_call_output":
            said["item"]["call_id"] = calls.pop(0)
        heard = e.raw(json.dumps(said))
        calls += [event.call_id for event in heard if isinstance(event, events.ResponseFunctionCallArgumentsDone)]
    if spoke:
        e.speak(silence(1.0) + voice(1.0) + silence(1.0))
    e.finish()
    return e.wire


def order(said: list[dict[str, Any]]) -> list[str]:
    """The types of a session, without what has no fixed place: transcriptions of the user, and limits.

    Of an interleaved run of deltas only the first of each type counts.
    """
    loose = ("conversation.item.input_audio_transcription", "rate_limits")
    told: list[str] = []
    for event in said:
        kind = event["type"]
        if kind.startswith(loose) or (kind.endswith(".delta") and kind in told[-3:]):
            continue
        told.append(kind)
    return told


def fields(said: Any, at: str = "") -> set[str]:
    """The path of every field of an object, and whether it is null, an object or something else."""
    if isinstance(said, dict):
        found = set()
        for name, held in said.items():
            if name not in LOOSE:
                kind = "null" if held is None else "object" if isinstance(held, (dict, list)) else "value"
                found |= {f"{at}.{name}: {kind}"} | fields(held, f"{at}.{name}")
        return found
    if isinstance(said, list):
        return set[str]().union(*(fields(held, f"{at}[]") for held in said))
    return set()


def shapes(said: list[dict[str, Any]]) -> dict[str, set[frozenset[str]]]:
    table: dict[str, set[frozenset[str]]] = {}
    for event in said:
        table.setdefault(event["type"], set()).add(frozenset(fields(event)))
    return table


NAMES = {
    "openai_text_in_audio_out_turn": "ga",
    "openai_audio_in_server_vad_turn": "ga",
    "openai_tool_call_round": "ga",
    "openai_message_history_seeding": "ga",
    "azure_voice_live_text_in_audio_out_turn": "azure-voicelive",
    "azure_voice_live_audio_in_server_vad_turn": "azure-voicelive",
    "xai_text_in_audio_out_turn": "xai",
    "xai_tool_call_round": "xai",
}
"""The recordings, each with the dialect of its server."""
BETA = ["beta_webrtc_interruption", "beta_out_of_band_text"]


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_events(name: str) -> None:
    lines = recorded(name)
    theirs = order([line["event"] for line in lines if line["dir"] == "received"])
    ours = order(replay(lines, NAMES[name]))
    # The real client sent the function's output before the answer of the call had ended: there the two interleave.
    if name == "openai_tool_call_round":
        assert sorted(ours) == sorted(theirs)
    else:
        assert ours == theirs


@pytest.mark.parametrize("name", NAMES)
def test_the_fields_of_events(name: str) -> None:
    lines = recorded(name)
    theirs = shapes([line["event"] for line in lines if line["dir"] == "received"])
    for kind, ours in shapes(replay(lines, NAMES[name])).items():
        if kind not in theirs:
            assert kind.startswith(("rate_limits", "conversation.item.input_audio_transcription")), kind
            continue
        strange = [sorted(shape ^ nearest(shape, theirs[kind])) for shape in ours - theirs[kind]]
        assert strange == [], kind


OBJECTS = (
    "session.created",
    "conversation.item.created",
    "response.created",
    "response.output_item",
    "response.content",
)


@pytest.mark.parametrize("name", BETA)
def test_the_objects_of_the_beta(name: str) -> None:
    """These were recorded over WebRTC and not from the start: only their objects can be compared."""
    theirs = shapes([line["event"] for line in read_jsonl(need(TRACES / f"{name}.jsonl")) if line["event"]])
    written, answering = (Emulated(Settings(pace=math.inf), "beta", model="gpt-4o-realtime-preview") for _ in range(2))
    for text in ("first", "second"):
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content}
        written.raw(json.dumps({"type": "conversation.item.create", "item": item}))
    written.speak(silence(1.0) + voice(1.0) + silence(1.0))
    written.finish()
    answering.raw('{"type": "response.create", "response": {"modalities": ["text"], "metadata": {"request_id": "1"}}}')
    answering.finish()
    ours = shapes(written.wire + answering.wire)
    for kind in theirs:
        if kind.startswith(OBJECTS):
            strange = [sorted(shape ^ nearest(shape, ours[kind])) for shape in theirs[kind] - ours[kind]]
            assert strange == [], kind


def nearest(shape: frozenset[str], known: set[frozenset[str]]) -> frozenset[str]:
    return min(known, key=lambda other: len(shape ^ other))
