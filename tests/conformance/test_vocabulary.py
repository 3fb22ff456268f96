"""The vocabulary of every dialect against the machine-readable description of the protocol."""

import json
import re
from functools import cache
from typing import Any, Literal

import attrs
import pytest
from shared import SPEC, need

from rtproto import Role, events
from rtproto._codec import Codec, vocabulary
from rtproto._dialects import dialect

DESCRIBED = ("ga", "ga-transcription", "ga-translation", "beta", "azure-voicelive")
BORROWED = {"ga-transcription": "ga"}
"""A dialect whose description leaves out objects that another one has."""

ALSO_UNDERSTOOD = {
    ("beta", "server"): {
        "transcription_session.created",
        "output_audio_buffer.audio_started",
        "output_audio_buffer.audio_stopped",
        "output_audio_buffer.audio_cleared",
    },
    ("azure-voicelive", "server"): {"conversation.item.done"},
}
"""Names that were met on the wire, and are not in the description."""

ATOMS: dict[str, Any] = {
    "string": "a",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "any": {"k": [1, None]},
    "bytes": "AAAA",
    "datetime": 1784668573,
}
AUDIO = re.compile(r"input_audio_buffer\.append|audio\.delta|turn\.append|video\.delta")

LUMPED = re.compile(r"(\.content\[\d+\]|\.part)\.extra")
"""Objects of whose kinds the descriptions lump the fields together; other tests sort them."""
LUMPED_IN = {
    "beta": re.compile(
        r"(\.content\[\d+\]|\.part|\.item|\.(in|out)put\[\d+\]|\.turn_detection)(\.extra|$)"
        r"|\.session\.extra\['input_audio_format'"
    ),
    "azure-voicelive": re.compile(r"(\.content\[\d+\]|\.part)$|\.require_approval\.extra|\.error$|\.error\.extra"),
}

Side = Literal["client", "server"]


@cache
def _described(name: str) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(need(SPEC / "events.json").read_text(encoding="utf-8"))["dialects"]
    found = described[name]
    return {**found, "objects": {**described[BORROWED.get(name, name)]["objects"], **found["objects"]}}


def _types() -> list[tuple[str, Side, str]]:
    if not (SPEC / "events.json").exists():
        return []
    sides: tuple[Side, ...] = ("client", "server")
    return [(name, side, event) for name in DESCRIBED for side in sides for event in _described(name)[f"{side}_events"]]


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


def _samples(text: str, spec: dict[str, Any]) -> list[Any]:
    """A value for every alternative of a described type."""
    found: list[Any] = []
    arms = _alternatives(text)
    for arm in arms:
        if arm == "string" and any(other.startswith('"') for other in arms):
            continue  # any other value is no error, but means nothing
        if arm == "null":
            found.append(None)
        elif arm.startswith("$"):
            described = spec["objects"][arm[1:]]
            for variant in described.get("variants", {}).values():
                found += _samples(f"${variant}", spec)
            if "variants" not in described:
                found += _objects(described["fields"], spec)
        elif arm.startswith("list["):
            found += [[], _samples(arm[5:-1], spec)]
        elif arm.startswith("map["):
            found.append({f"k{i}": v for i, v in enumerate(_samples(arm[4:-1].split(",", 1)[1], spec))})
        else:
            found.append(ATOMS[arm] if arm in ATOMS else json.loads(arm))
    return found


def _objects(fields: list[dict[str, Any]], spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Objects with only what is required, and with everything: each alternative of each field at least once."""
    samples = {
        f["name"]: ["AAAA"] if f["name"] == "audio" and f["type"].startswith("string") else _samples(f["type"], spec)
        for f in fields
    }
    tagged = {f["name"] for f in fields if f["name"] in ("type", "role")}
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
    counts = {name: [len(_described(name)[f"{side}_events"]) for side in ("client", "server")] for name in DESCRIBED}
    assert counts == {
        "ga": [11, 46],
        "ga-transcription": [6, 16],
        "ga-translation": [3, 7],
        "beta": [12, 34],
        "azure-voicelive": [19, 56],
    }


@pytest.mark.parametrize(("name", "side", "event_type"), _types())
def test_every_event_and_every_field_is_typed_and_nothing_is_lost(name: str, side: Side, event_type: str) -> None:
    spec = _described(name)
    client, server = Codec(Role.CLIENT, name, 200), Codec(Role.SERVER, name, 200)
    decoder, encoder = (client, server) if side == "server" else (server, client)
    may_lack = dialect(name).may_lack.get(vocabulary(side, dialect(name))[event_type].type, ())
    for wire in _objects(spec[f"{side}_events"][event_type]["fields"], spec):
        if AUDIO.search(event_type):
            wire |= {key: "AAAA" for key in ("audio", "delta") if key in wire}
        event = decoder.decode(json.dumps(wire))
        assert isinstance(event, events.Unknown) is any(wire.get(field) is None for field in may_lack)
        lumped = LUMPED_IN.get(name, LUMPED)
        assert [place for place in _unknown_places(event) if not lumped.search(place)] == []
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
    assert {field["name"] for field in _described("ga")["objects"][described]["fields"]} <= ours


@pytest.mark.parametrize("side", ["client", "server"])
@pytest.mark.parametrize("name", DESCRIBED)
def test_nothing_is_named_that_the_protocol_does_not_have(name: str, side: Side) -> None:
    named = set(vocabulary(side, dialect(name))) - ALSO_UNDERSTOOD.get((name, side), set())
    assert named == set(_described(name)[f"{side}_events"])
