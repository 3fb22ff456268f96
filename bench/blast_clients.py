"""The clients of the blast: each takes everything that a session brings. One runs at a time, in a process of its own.

`python -m bench.blast_clients NAME PORT CYCLES PAIRS` writes its processor time to stdout, in microseconds an event.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson
from pybase64 import b64decode

import rtproto
from bench import reference
from bench.contenders import Take, check_payloads
from bench.traffic import READ, mix
from rtproto.events import ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta

DELTAS = (ResponseOutputAudioDelta, ResponseOutputAudioTranscriptDelta)
AUDIO = "response.output_audio.delta"


class Task(NamedTuple):
    """A session to take: `connected()` is called after the handshake, `take` with each payload."""

    port: int
    cycles: int
    take: Take
    connected: Callable[[], None]

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v1/realtime?cycles={self.cycles}"


def take_untyped(take: Take, text: str | bytes | memoryview) -> None:
    event = orjson.loads(text)
    take(b64decode(event["delta"], None, True) if event["type"] == AUDIO else event["delta"])


def rtproto_aiohttp(task: Task) -> None:
    from rtproto_aio import connect

    async def main() -> None:
        async with connect(rtproto.endpoint(task.url)) as rt:
            task.connected()
            async for event in rt:
                if isinstance(event, DELTAS):
                    task.take(event.delta)

    asyncio.run(main())


def rtproto_asyncio(task: Task) -> None:
    from rtproto_aio import connect_stream

    async def main() -> None:
        async with connect_stream(rtproto.endpoint(task.url)) as rt:
            task.connected()
            async for event in rt:
                if isinstance(event, DELTAS):
                    task.take(event.delta)

    asyncio.run(main())


def rtproto_trio(task: Task) -> None:
    import trio
    from rtproto_trio import connect

    async def main() -> None:
        async with connect(rtproto.endpoint(task.url)) as rt:
            task.connected()
            async for event in rt:
                if isinstance(event, DELTAS):
                    task.take(event.delta)

    trio.run(main)


def rtproto_sync(task: Task) -> None:
    from rtproto_sync import connect

    with connect(rtproto.endpoint(task.url)) as rt:
        task.connected()
        for event in rt:
            if isinstance(event, DELTAS):
                task.take(event.delta)


def raw_socket(task: Task) -> None:
    """The reference over a blocking socket: what remains when nothing is checked."""
    request = f"GET /?cycles={task.cycles} HTTP/1.1\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    with socket.create_connection(("127.0.0.1", task.port)) as wire:
        wire.sendall(request.encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += wire.recv(READ)
        task.connected()

        def reads() -> Iterator[bytes]:
            yield answer.partition(b"\r\n\r\n")[2]
            while data := wire.recv(READ):
                yield data

        for event in reference.decode(reads()):
            task.take(event["delta"])


def picows_orjson(task: Task) -> None:
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

    class Listener(WSListener):
        def on_ws_connected(self, transport: WSTransport) -> None:
            task.connected()

        def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.TEXT:
                take_untyped(task.take, frame.get_payload_as_memoryview())
            elif frame.msg_type == WSMsgType.CLOSE:
                transport.disconnect()

    async def main() -> None:
        transport, _ = await ws_connect(Listener, task.url)
        await transport.wait_disconnected()

    asyncio.run(main())


def aiohttp_orjson(task: Task) -> None:
    import aiohttp

    async def main() -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(task.url, max_msg_size=0) as wire:
            task.connected()
            async for message in wire:
                take_untyped(task.take, message.data)

    asyncio.run(main())


def openai_python(task: Task) -> None:
    from base64 import b64decode

    from openai import AsyncOpenAI

    async def main() -> None:
        client = AsyncOpenAI(api_key="none", websocket_base_url=f"ws://127.0.0.1:{task.port}/v1")
        query = {"cycles": str(task.cycles)}
        async with client.realtime.connect(model="none", extra_query=query) as connection:
            task.connected()
            async for event in connection:
                if event.type == "response.output_audio.delta":
                    task.take(b64decode(event.delta))
                elif event.type == "response.output_audio_transcript.delta":
                    task.take(event.delta)

    asyncio.run(main())


CLIENTS: dict[str, Callable[[Task], None]] = {
    "rtproto, sync": rtproto_sync,
    "rtproto, asyncio": rtproto_asyncio,
    "rtproto, aiohttp": rtproto_aiohttp,
    "rtproto, trio": rtproto_trio,
    "raw socket + reference": raw_socket,
    "picows + orjson + pybase64": picows_orjson,
    "aiohttp + orjson + pybase64": aiohttp_orjson,
    "openai-python": openai_python,
}


def measure(name: str, port: int, cycles: int, pairs: int) -> float:
    """Microseconds an event of processor time, between the handshake and the end. Raises ImportError and Unequal."""
    traffic = mix(pairs)
    started = 0.0

    def start() -> None:
        nonlocal started
        started = time.process_time()

    # A first session makes what a library makes at first use.
    for count in (1, cycles):
        seen = deque[Any](maxlen=len(traffic.payloads))
        CLIENTS[name](Task(port, count, seen.append, start))
        spent = time.process_time() - started
        check_payloads(name, list(seen), traffic)
    return spent * 1e6 / (cycles * len(traffic.payloads))


if __name__ == "__main__":
    client, *numbers = sys.argv[1:]
    try:
        print(measure(client, *map(int, numbers)))
    except ImportError as missing:
        print(f"skipped: {missing}")
