"""decode: the bytes of a server's frames -> events and their payloads (audio as bytes)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from bench.contenders import Result, Run, Take, check_payloads, prepare_all, time_passes
from bench.sessions import WebSocketsWire, rtproto_client
from bench.traffic import mix


def rtproto() -> Run:
    from rtproto.events import ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta

    connection = rtproto_client()
    now = 0.0

    def run(reads: Sequence[bytes], take: Take) -> None:
        nonlocal now
        for read in reads:
            now += 0.001
            connection.receive(read, now)
            while (event := connection.next_event()) is not None:
                if isinstance(event, (ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta)):
                    take(event.delta)
            connection.outgoing()
            connection.deadline()

    return run


def reference() -> Run:
    from bench.reference import decode

    def run(reads: Sequence[bytes], take: Take) -> None:
        for event in decode(iter(reads)):
            take(event["delta"])

    return run


def wsproto_orjson() -> Run:
    import orjson
    from pybase64 import b64decode
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import TextMessage

    connection = Connection(ConnectionType.CLIENT)
    pieces: list[str] = []

    def run(reads: Sequence[bytes], take: Take) -> None:
        for read in reads:
            connection.receive_data(read)
            for message in connection.events():
                if not isinstance(message, TextMessage):
                    continue
                pieces.append(message.data)
                if not message.message_finished:
                    continue
                event = orjson.loads("".join(pieces))
                pieces.clear()
                if event["type"] == "response.output_audio.delta":
                    take(b64decode(event["delta"], None, True))
                else:
                    take(event["delta"])

    return run


def openai_python() -> Run:
    from base64 import b64decode

    from openai.resources.realtime.realtime import RealtimeConnection

    wire = WebSocketsWire()
    connection = RealtimeConnection(cast(Any, wire))

    def run(reads: Sequence[bytes], take: Take) -> None:
        for read in reads:
            for _ in range(wire.feed(read)):
                event = connection.recv()
                if event.type == "response.output_audio.delta":
                    take(b64decode(event.delta))
                elif event.type == "response.output_audio_transcript.delta":
                    take(event.delta)

    return run


CONTENDERS = {
    "rtproto": rtproto,
    "reference": reference,
    "wsproto + orjson + pybase64": wsproto_orjson,
    "openai-python": openai_python,
}


def measure(*, pairs: int = 100, turns: int = 51) -> Result:
    """Times all contenders on `pairs` of deltas. Raises Unequal where one gets them wrong."""
    traffic = mix(pairs)
    reads = traffic.reads()
    ready, skipped = prepare_all(CONTENDERS)
    for name, run in ready.items():
        seen: list[bytes | str] = []
        run(reads, seen.append)
        check_payloads(name, seen, traffic)
    times = time_passes(ready, reads, len(traffic.texts), turns)
    return Result("decode: 8 kB audio and 250 B text deltas, in reads of 64 KiB", "us/event", times, skipped)
