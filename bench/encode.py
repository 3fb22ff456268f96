"""encode: 20 ms of PCM -> a masked frame with an `input_audio_buffer.append` event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from bench.contenders import Result, Run, Take, check_frames, prepare_all, time_passes
from bench.sessions import WebSocketsWire, rtproto_client
from bench.traffic import speech
from rtproto import Config


def _rtproto(config: Config) -> Run:
    from rtproto.events import InputAudioBufferAppend

    connection = rtproto_client(config)
    now = 0.0

    def run(chunks: Sequence[bytes], take: Take) -> None:
        nonlocal now
        for chunk in chunks:
            now += 0.02
            connection.send(InputAudioBufferAppend(audio=chunk), now)
            for frame in connection.outgoing():
                take(frame)
            connection.deadline()

    return run


def rtproto() -> Run:
    from websockets.speedups import apply_mask

    return _rtproto(Config(mask=apply_mask))


def rtproto_pure() -> Run:
    return _rtproto(Config())


def reference() -> Run:
    from os import urandom

    from websockets.speedups import apply_mask

    from bench.reference import encode

    def run(chunks: Sequence[bytes], take: Take) -> None:
        for chunk in chunks:
            take(encode(chunk, urandom(4), apply_mask))

    return run


def wsproto_orjson() -> Run:
    import orjson
    from pybase64 import b64encode
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import TextMessage

    connection = Connection(ConnectionType.CLIENT)

    def run(chunks: Sequence[bytes], take: Take) -> None:
        for chunk in chunks:
            event = {"type": "input_audio_buffer.append", "audio": b64encode(chunk).decode()}
            take(connection.send(TextMessage(data=orjson.dumps(event).decode())))

    return run


def openai_python() -> Run:
    from base64 import b64encode

    from openai.resources.realtime.realtime import RealtimeConnection

    wire = WebSocketsWire()
    connection = RealtimeConnection(cast(Any, wire))

    def run(chunks: Sequence[bytes], take: Take) -> None:
        for chunk in chunks:
            connection.input_audio_buffer.append(audio=b64encode(chunk).decode())
            for frame in wire.written():
                take(frame)

    return run


CONTENDERS = {
    "rtproto, C mask": rtproto,
    "rtproto, pure Python mask": rtproto_pure,
    "reference": reference,
    "wsproto + orjson + pybase64": wsproto_orjson,
    "openai-python": openai_python,
}


def measure(*, chunks: int = 200, turns: int = 51) -> Result:
    """Times all contenders on `chunks` of 20 ms. Raises Unequal where one makes a wrong frame."""
    sound = speech(chunks)
    ready, skipped = prepare_all(CONTENDERS)
    for name, run in ready.items():
        frames: list[bytes] = []
        run(sound, frames.append)
        check_frames(name, frames, sound)
    return Result(
        "encode: 20 ms of PCM to a masked frame", "us/event", time_passes(ready, sound, chunks, turns), skipped
    )
