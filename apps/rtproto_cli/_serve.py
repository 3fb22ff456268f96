"""`rtproto serve`: an OpenAI Realtime server on this machine."""

import asyncio
import logging
import signal
import socket
import sys
from contextlib import suppress
from enum import Enum
from typing import Annotated

import typer

from rtproto_cli._fatal import Fatal, fail, system_reason


class Engine(str, Enum):
    """What carries the server."""

    aiohttp = "aiohttp"
    stream = "stream"


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8080,
    pace: Annotated[float, typer.Option(min=0.1, help="How many times faster than real time it speaks.")] = 8.0,
    duration: Annotated[float, typer.Option(min=1.0, help="Seconds until a session expires.")] = 3600.0,
    engine: Annotated[Engine, typer.Option(help="aiohttp, or rtproto's own byte driver.")] = Engine.aiohttp,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log sessions (ids and sizes only).")] = False,
) -> None:
    """Run an OpenAI Realtime server, offline and without a key.

    It hears when someone speaks, says how much it heard and plays the user's words back; it understands nothing.
    Clients find it at **/v1/realtime** (OpenAI), **/openai/v1/realtime** (Azure) and **/openai/realtime** (Azure
    preview, beta protocol). To point an official client at it:

        OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=any python your_program.py

    Ctrl-C closes every session and stops.
    """
    try:
        import rtproto_emulator
    except ImportError as error:
        fail(Fatal(str(error), 2))
    if verbose:
        logging.basicConfig(level=logging.DEBUG, format="%(asctime)s %(name)s %(message)s", stream=sys.stderr)
        logging.getLogger("asyncio").setLevel(logging.INFO)
    settings = rtproto_emulator.Settings(pace=pace, duration=duration)

    async def run() -> None:
        serving = asyncio.ensure_future(rtproto_emulator.serve(host, port, settings, engine.value, ready=_say_where))
        with suppress(NotImplementedError):  # Windows, where Ctrl-C ends asyncio.run() itself
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        with suppress(asyncio.CancelledError):
            await serving

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        pass
    except socket.gaierror as error:
        fail(Fatal(f"cannot listen on {host}: {system_reason(error)}; try another --host", 1))
    except OSError as error:
        fail(Fatal(f"cannot listen on {host}:{port}: {system_reason(error)}; try another --port", 1))
    print("rtproto: stopped", file=sys.stderr)


def _say_where(url: str) -> None:
    print(f"rtproto: listening on {url} (Ctrl-C stops)", flush=True)
