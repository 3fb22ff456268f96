"""relay: how much later messages come where `rtproto record` stands between: 20 ms appends up, 100 ms deltas down."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.contenders import Result, Unequal, in_turns
from bench.traffic import PCM_20_MS

HOME = Path(__file__).parents[1]
APPEND_SECONDS = 0.02
WARM_SECONDS = 0.5
"""At the beginning of each session, which are not counted: its handshake, and what is done there for the first time."""


@contextmanager
def running(*command: str) -> Iterator[int]:
    """A server in a process of its own; gives the port in its first line."""
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=HOME,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            yield int(line) if line.strip().isdigit() else int(line.split("ws://127.0.0.1:")[1].split("/")[0])
        finally:
            process.terminate()


async def talk(port: int, seconds: float) -> tuple[list[float], list[float]]:
    """A session of so many seconds: how late each append, and each delta, came, in microseconds."""
    import rtproto_aio

    import rtproto
    from bench.relay_server import DELTA_SECONDS, END, RAW, lateness, stamped
    from rtproto.events import Raw

    append = f'{{"type":"input_audio_buffer.append","audio":"{b64encode(bytes(PCM_20_MS)).decode()}"}}'
    loop, count = asyncio.get_running_loop(), round(seconds / APPEND_SECONDS)
    heard: list[str] = []
    late: list[float] = []
    async with rtproto_aio.connect_stream(rtproto.endpoint(f"ws://127.0.0.1:{port}/v1/realtime"), RAW) as wire:

        async def listen() -> None:
            async for event in wire:
                if isinstance(event, Raw) and isinstance(event.data, str):
                    heard.append(event.data)
                    if event.data[0] == "{":
                        late.append(lateness(event.data))

        listening = asyncio.ensure_future(listen())
        begun = loop.time()
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number * APPEND_SECONDS - loop.time()))
            await wire.send_raw(stamped(append))
        await wire.send_raw(END)
        await listening
    up = json.loads(heard[-1])
    if len(up) != count:
        raise Unequal(f"{len(up)} of {count} appends have come")
    return up[round(WARM_SECONDS / APPEND_SECONDS) :], late[round(WARM_SECONDS / DELTA_SECONDS) :]


def measure(*, seconds: float = 8.0, turns: int = 3) -> Result:
    """The lateness of all messages, both ways, with and without a relay between."""
    with ExitStack() as stack:
        direct = stack.enter_context(running("bench.relay_server"))
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "call.jsonl"
        upstream = f"ws://127.0.0.1:{direct}"
        command = ("rtproto_cli", "record", "--upstream", upstream, "--to", str(file), "--port", "0")
        relayed = stack.enter_context(running(*command))
        found: dict[str, list[list[float]]] = {"direct": [], "relayed": []}

        def session(name: str, port: int) -> Callable[[], float]:
            def once() -> float:
                up, down = asyncio.run(talk(port, seconds))
                found[name].append(sorted(up + down))
                return 0.0

            return once

        in_turns({"direct": session("direct", direct), "relayed": session("relayed", relayed)}, turns)
    times: dict[str, list[float]] = {}
    for label, figure in (("p99", _p99), ("median", statistics.median)):
        times |= {f"{name}, {label}": [figure(late) for late in runs] for name, runs in found.items()}
    return Result("relay: how late a message comes, 20 ms appends up and 100 ms deltas down", "us", times, {})


def _p99(late: list[float]) -> float:
    return late[int(len(late) * 0.99)]
