"""The server of the relay benchmark, a process of its own: sends a delta every 100 ms, and tells how late appends come.

It writes its port to stdout and serves until its stdin ends. Each message carries the time at which it was sent, by a
clock that all processes share.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from time import perf_counter_ns

import rtproto_aio

from bench.traffic import mix
from rtproto import Config
from rtproto.events import Raw

RAW = Config(raw=True)
DELTA_SECONDS = 0.1
END = "end"


def stamped(event: str) -> str:
    """An event with the time of now in it."""
    return event[:-1] + f',"sent":{perf_counter_ns()}}}'


def lateness(text: str) -> float:
    """Microseconds since it was stamped."""
    return (perf_counter_ns() - int(text[text.rindex(":") + 1 : -1])) / 1000


async def serve_one(wire: rtproto_aio.ServerStream) -> None:
    await wire.accept()
    delta = mix(1).texts[0].decode()
    late: list[float] = []

    async def speak() -> None:
        while True:
            await wire.send_raw(stamped(delta))
            await asyncio.sleep(DELTA_SECONDS)

    speaking = asyncio.ensure_future(speak())
    async for event in wire:
        if isinstance(event, Raw) and isinstance(event.data, str):
            if event.data == END:
                break
            late.append(lateness(event.data))
    speaking.cancel()
    await wire.send_raw(json.dumps(late))
    await wire.close()


async def main() -> None:
    async with rtproto_aio.serve_stream(serve_one, "127.0.0.1", 0, RAW) as server:
        print(server.port, flush=True)
        await asyncio.Event().wait()


def _leave() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=_leave, daemon=True).start()
    asyncio.run(main())
