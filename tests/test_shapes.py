"""Sessions written after what servers were seen to do that is in no recording here: odd orders, odd fields."""

import json
from pathlib import Path
from typing import Any

import pytest
from shared import dialect_of

from rtproto import Role, events
from rtproto._codec import Codec
from rtproto._rules import OrderRules
from rtproto.conversation import Conversation

SHAPES = sorted((Path(__file__).parent / "shapes").glob("*.jsonl"))
ITEMS = {"xai_push_to_talk": ["t", "a6", "o", "f"], "azure_voice_live_cascade": ["u", "m"]}


def replay(path: Path) -> list[tuple[bool, Any]]:
    """Whether the client said it, and the event, which comes back the same."""
    client, server = Codec(Role.CLIENT, dialect_of(path), 200), Codec(Role.SERVER, dialect_of(path), 200)
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        sent = record["dir"] == "sent"
        decoder, encoder = (server, client) if sent else (client, server)
        event = decoder.decode(json.dumps(record["event"]))
        assert not isinstance(event, events.Unknown)
        assert json.loads(encoder.encode(event) or b"") == record["event"]
        found.append((sent, event))
    return found


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
def test_it_is_typed_and_kept_and_breaks_no_rule(path: Path) -> None:
    rules = OrderRules()
    assert [breach for _, event in replay(path) for breach in rules.feed(event)] == []


@pytest.mark.parametrize("path", SHAPES, ids=lambda path: path.stem)
def test_its_conversation(path: Path) -> None:
    conversation = Conversation()
    for sent, event in replay(path):
        (conversation.sent if sent else conversation.received)(event)
    assert [item.id for item in conversation.items] == ITEMS[path.stem]
    assert conversation.active_response is None
    (response,) = conversation.responses
    assert (response.status, response.in_conversation) == ("completed", True)
    assert conversation.usage.total_tokens > 0
