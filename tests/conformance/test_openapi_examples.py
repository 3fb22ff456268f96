"""The examples of the published description: typed, in the dialect that has such an event, and kept."""

import base64
import json
from typing import Any

import pytest
from shared import SPEC, read_jsonl

from rtproto import Role, events
from rtproto._codec import Codec, DecodeError
from rtproto._structure import decode_base64

FILE = SPEC / "examples" / "openapi-examples.jsonl"
DIALECTS = ("ga", "ga-translation", "beta")
NO_EVENTS = ("/paths/", "Webhook", "ClientSecret", "SessionCreate", "RealtimeTranslationSession/")
"""In the source of what never travels over the WebSocket: bodies of HTTP requests and answers, and webhooks."""


def _examples() -> list[dict[str, Any]]:
    return [] if not FILE.exists() else read_jsonl(FILE)


def _canonical(value: Any, audible: bool = False) -> Any:
    """`value` with the base64 of its sound as it should be: that of the examples is a placeholder."""
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {}
    for key, item in value.items():
        is_sound = (key == "audio" or (audible and key == "delta")) and isinstance(item, str)
        found[key] = _canonical_sound(item) if is_sound else _canonical(item)
    return found


def _canonical_sound(text: str) -> str:
    try:
        return base64.b64encode(decode_base64(text)).decode()
    except ValueError:
        return text  # cut short with dots


def _typed(dialect: str, wire: dict[str, Any]) -> Any:
    """The event that `wire` is in a dialect, of either side; None where it is none, or comes back otherwise."""
    client, server = Codec(Role.CLIENT, dialect, 200), Codec(Role.SERVER, dialect, 200)
    for decoder, encoder in ((client, server), (server, client)):
        try:
            event = decoder.decode(json.dumps(wire))
        except DecodeError:
            continue
        encoded = encoder.encode(event)
        if not isinstance(event, events.Unknown) and encoded is not None and json.loads(encoded) == wire:
            return event
    return None


def test_the_examples_are_there() -> None:
    assert len(read_jsonl(FILE)) == 141


@pytest.mark.parametrize("example", _examples(), ids=lambda example: example["source"].partition("#/")[2])
def test_every_example_is_typed_and_kept(example: dict[str, Any]) -> None:
    wire = example["payload"]
    kind = str(wire.get("type", "")).strip()  # one has a space before it
    if any(mark in example["source"] for mark in NO_EVENTS) and "." not in kind:
        session = wire if "audio" in wire or "modalities" in wire else wire.get("session")
        if session is None:
            return
        wire, kind = {"session": session}, "session.updated"
    elif "Webhook" in example["source"]:
        return
    wire = _canonical({**wire, "type": kind}, audible="audio.delta" in kind)
    assert any(_typed(dialect, wire) for dialect in DIALECTS), wire
