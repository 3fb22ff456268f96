"""Recorded sessions and published examples, decoded and encoded again."""

import json
from pathlib import Path
from typing import Any

import pytest
from shared import SPEC, dialect_of, read_jsonl, traces

from rtproto import Role, events
from rtproto._codec import CLIENT_EVENTS, Codec


def _codecs(dialect: str, sent: bool) -> tuple[Codec, Codec]:
    client, server = Codec(Role.CLIENT, dialect, 200), Codec(Role.SERVER, dialect, 200)
    return (server, client) if sent else (client, server)


def _is_sent(record: dict[str, Any]) -> bool:
    return record.get("dir") == "sent" or (record.get("dir") is None and record["event"]["type"] in CLIENT_EVENTS)


@pytest.mark.parametrize("trace", traces(), ids=lambda path: path.stem)
def test_every_recorded_event_is_typed(trace: Path) -> None:
    dialect = dialect_of(trace)
    decoded = 0
    for record in read_jsonl(trace):
        if not (record.get("event") or {}).get("type"):
            continue
        decoder, encoder = _codecs(dialect, _is_sent(record))
        event = decoder.decode(json.dumps(record["event"]))
        assert not isinstance(event, events.Unknown), record
        encoded = encoder.encode(event)
        assert encoded is not None
        assert json.loads(encoded) == record["event"]
        decoded += 1
    assert decoded > 0


def test_every_error_that_people_met_is_typed() -> None:
    decoder, encoder = _codecs("ga", sent=False)
    for record in read_jsonl(SPEC / "examples" / "errors-observed.jsonl"):
        if record["type"] != "error":
            continue  # HTTP bodies
        event = decoder.decode(json.dumps(record["payload"]))
        assert isinstance(event, events.ErrorEvent)
        assert json.loads(encoder.encode(event) or b"") == record["payload"]
