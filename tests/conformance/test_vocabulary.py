"""The vocabulary against the machine-readable description of the protocol."""

import json
import re
from typing import Any

import attrs
import pytest
from shared import SPEC, need

from rtproto import Role, events
from rtproto._codec import CLIENT_EVENTS, SERVER_EVENTS, Codec

CODECS = {
    "client": (Codec(Role.SERVER, "ga", 200), Codec(Role.CLIENT, "ga", 200)),
    "server": (Codec(Role.CLIENT, "ga", 200), Codec(Role.SERVER, "ga", 200)),
}
"""Who says it -> who decodes it, who encodes it."""

ATOMS: dict[str, Any] = {"string": "a", "integer": 1, "number": 1.5, "boolean": True, "any": {"k": [1, None]}}


IN_CONTENT = re.compile(r"(\.content\[\d+\]|\.part)\.extra")
"""The description lumps the fields of all content together; `test_every_field_of_content_is_typed` sorts them."""


def _ga() -> dict[str, Any]:
    described: dict[str, Any] = json.loads(need(SPEC / "events.json").read_text(encoding="utf-8"))["dialects"]["ga"]
    return described


def _types() -> list[tuple[str, str]]:
    if not (SPEC / "events.json").exists():
        return []
    return [(side, name) for side in ("client", "server") for name in _ga()[f"{side}_events"]]


def _alternatives(text: str) -> list[str]:
    """Splits a described type at its top-level bars."""
    parts, depth, part = [], 0, ""
    for char in text:
        depth += (char in "[") - (char in "]")
        if char == "|" and depth == 0:
            parts.append(part.strip())
            part = ""
        else:
            part += char
    return [*parts, part.strip()]


def _samples(text: str, ga: dict[str, Any]) -> list[Any]:
    """A value for every alternative of a described type."""
    found: list[Any] = []
    for arm in _alternatives(text):
        if arm == "null":
            found.append(None)
        elif arm.startswith("$"):
            found += _objects(ga["objects"][arm[1:]]["fields"], ga)
        elif arm.startswith("list["):
            found += [[], _samples(arm[5:-1], ga)]
        elif arm.startswith("map["):
            found.append({f"k{i}": v for i, v in enumerate(_samples(arm[4:-1].split(",", 1)[1], ga))})
        else:
            found.append(ATOMS[arm] if arm in ATOMS else json.loads(arm))
    return found


def _objects(fields: list[dict[str, Any]], ga: dict[str, Any]) -> list[dict[str, Any]]:
    """Objects with only what is required, and with everything: each alternative of each field at least once."""
    samples = {
        f["name"]: (
            ["AAAA"] if f["name"] in ("audio", "delta") and f["type"].startswith("string") else _samples(f["type"], ga)
        )
        for f in fields
    }
    tagged = {f["name"] for f in fields if f["name"] == "type"}
    longest = max(map(len, samples.values()), default=1)
    least = {f["name"]: samples[f["name"]][0] for f in fields if f["required"] or f["name"] in tagged}
    full = [
        {name: values[0] if name in tagged else values[i % len(values)] for name, values in samples.items()}
        for i in range(longest)
    ]
    return [least, *full]


def _unknown_places(value: Any, path: str = "") -> list[str]:
    """Where a decoded value holds something that rtproto has no name for."""
    if isinstance(value, events.UnknownObject):
        return [path]
    found = []
    if attrs.has(type(value)):
        found += [f"{path}.extra{list(value.extra)}"] if getattr(value, "extra", None) else []
        for field in attrs.fields(type(value)):
            found += _unknown_places(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, (list, dict)):
        for key, item in enumerate(value) if isinstance(value, list) else value.items():
            found += _unknown_places(item, f"{path}[{key}]")
    return found


def test_the_description_is_there() -> None:
    assert len(_ga()["client_events"]) == 11
    assert len(_ga()["server_events"]) == 46


@pytest.mark.parametrize(("side", "name"), _types())
def test_every_event_and_every_field_is_typed_and_nothing_is_lost(side: str, name: str) -> None:
    ga = _ga()
    decoder, encoder = CODECS[side]
    for wire in _objects(ga[f"{side}_events"][name]["fields"], ga):
        if name == "input_audio_buffer.append" or "audio.delta" in name:
            wire = {**wire, ("audio" if side == "client" else "delta"): "AAAA"}
        event = decoder.decode(json.dumps(wire))
        assert not isinstance(event, events.Unknown)
        assert [place for place in _unknown_places(event) if "extra" in place and not IN_CONTENT.search(place)] == []
        assert json.loads(encoder.encode(event) or b"") == wire


@pytest.mark.parametrize(
    ("described", "classes"),
    [
        ("realtime_conversation_item_system_message.Content", [events.InputText]),
        (
            "realtime_conversation_item_user_message.Content",
            [events.InputText, events.InputAudio, events.InputImage],
        ),
        ("realtime_conversation_item_assistant_message.Content", [events.OutputText, events.OutputAudio]),
        ("response_content_part_done_event.Part", [events.TextPart, events.AudioPart]),
    ],
)
def test_every_field_of_content_is_typed(described: str, classes: list[type]) -> None:
    ours = {field.name for cls in classes for field in attrs.fields(cls)} | {"type"}
    assert {field["name"] for field in _ga()["objects"][described]["fields"]} <= ours


def test_nothing_is_named_that_the_protocol_does_not_have() -> None:
    ga = _ga()
    assert set(CLIENT_EVENTS) == set(ga["client_events"])
    assert set(SERVER_EVENTS) == set(ga["server_events"])
