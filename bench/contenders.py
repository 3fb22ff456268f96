"""What every benchmark's contenders have in common, and the check that they did the same work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bench.traffic import Traffic

Take = Callable[[Any], Any]
"""Gets each result: payloads (bytes or str) when decoding, wire frames (bytes) when encoding."""

Run = Callable[[Sequence[bytes], Take], None]
"""One pass over the given reads or PCM chunks."""


class Contender(NamedTuple):
    """A library at work. `prepare()` imports it and sets up what a live connection has; it raises ImportError."""

    name: str
    prepare: Callable[[], Run]


class Unequal(Exception):
    """A contender did not do the work that was asked of it: its time would mean nothing."""


def check_decoder(name: str, run: Run, traffic: Traffic) -> None:
    """Raises Unequal unless `run` finds exactly the payloads of `traffic`."""
    seen: list[bytes | str] = []
    run(traffic.reads(), seen.append)
    if seen != traffic.payloads:
        right = sum(a == b for a, b in zip(seen, traffic.payloads, strict=False))
        raise Unequal(f"{name} gave {len(seen)} payloads, {right} of {len(traffic.payloads)} as they were sent")


def check_encoder(name: str, run: Run, chunks: Sequence[bytes]) -> None:
    """Raises Unequal unless `run` makes masked frames that a server reads as the appends of exactly `chunks`."""
    import base64
    import json

    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import TextMessage

    frames: list[bytes] = []
    run(chunks, frames.append)
    seen: list[bytes] = []
    server = Connection(ConnectionType.SERVER)
    for frame in frames:
        server.receive_data(frame)
        text = "".join(event.data for event in server.events() if isinstance(event, TextMessage))
        event = json.loads(text)
        if event["type"] == "input_audio_buffer.append":
            seen.append(base64.b64decode(event["audio"], validate=True))
    if seen != list(chunks):
        right = sum(a == b for a, b in zip(seen, chunks, strict=False))
        raise Unequal(f"{name} made {len(frames)} frames, {right} of {len(chunks)} as they should be")
