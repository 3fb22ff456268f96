"""`rtproto serve`: an OpenAI Realtime server on this machine."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtproto_cli._fatal import Fatal, fail, system_reason

if TYPE_CHECKING:
    from rtproto_emulator import Scenario


class Engine(str, Enum):
    """What carries the server."""

    aiohttp = "aiohttp"
    stream = "stream"


class Ears(str, Enum):
    """What hears whether someone speaks."""

    auto = "auto"
    silero = "silero"
    energy = "energy"


class Voice(str, Enum):
    """What speaks."""

    auto = "auto"
    espeak = "espeak"
    tone = "tone"


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8080,
    pace: Annotated[float, typer.Option(min=0.1, help="How many times faster than real time it speaks.")] = 8.0,
    duration: Annotated[float, typer.Option(min=1.0, help="Seconds until a session expires.")] = 3600.0,
    engine: Annotated[Engine, typer.Option(help="aiohttp, or rtproto's own byte driver.")] = Engine.aiohttp,
    ears: Annotated[
        Ears, typer.Option(help="What hears whether someone speaks: the Silero net, or loudness alone.")
    ] = Ears.auto,
    recogniser: Annotated[
        str,
        typer.Option(
            metavar="auto|pocketsphinx|none|URL",
            help="What understands words. A URL, such as http://127.0.0.1:8000/v1, is any server with OpenAI's "
            "/audio/transcriptions; its key is $RTPROTO_RECOGNISER_KEY.",
        ),
    ] = "auto",
    recogniser_model: Annotated[str, typer.Option(help="The model to ask for at that URL.")] = "whisper-1",
    voice: Annotated[Voice, typer.Option(help="What speaks: espeak-ng, or only a tone.")] = Voice.auto,
    scenario: Annotated[
        Path | None,
        typer.Option(
            help="What it hears and answers, written down: a YAML file with, for one, 'turns: [{match: weather, say: "
            "Sunny.}]'. What no turn is meant for is answered as ever."
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Makes ids and faults the same on every run, such as --seed 7.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="Something that goes wrong, such as 'close:1011@response.output_audio.delta#3' or 'http:429:2*3'; can "
            "be given several times. --fault help lists all."
        ),
    ] = None,
    control: Annotated[
        bool,
        typer.Option(
            "--control",
            help='Let this machine add faults while it runs, over HTTP: curl -d \'{"fault": "abort"}\' '
            "http://127.0.0.1:8080/_rtproto/faults. Others need the key in $RTPROTO_CONTROL_KEY, if it is set.",
        ),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log sessions (ids and sizes only).")] = False,
) -> None:
    """Run an OpenAI Realtime server, offline and without a key.

    It hears when someone speaks, understands English and speaks it, with the engines that are installed
    (`pip install 'rtproto[speech,espeak]'`); its answers say what it heard, no more. Without these engines it says how
    long someone spoke, and plays the words back.

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
    faults = fault or []
    if "help" in faults:
        print(rtproto_emulator.fault_grammar())
        return
    script = None if scenario is None else _read(rtproto_emulator.read_scenario, scenario)
    try:
        for text in faults:
            rtproto_emulator.parse_fault(text)
    except ValueError as error:
        fail(Fatal(f"--fault: {error}", 2))
    if control and engine is not Engine.aiohttp:
        fail(Fatal(f"--control is plain HTTP, which --engine {engine.value} does not speak: leave out one of both", 2))
    try:
        choice = rtproto_emulator.choose(ears.value, recogniser, voice.value, model=recogniser_model)
    except (rtproto_emulator.EngineMissing, ValueError) as error:
        fail(Fatal(str(error), 2))
    settings = rtproto_emulator.Settings(
        pace=pace,
        duration=duration,
        engines=choice.engines,
        scenario=script,
        seed=seed,
        faults=faults,
        control=control,
        control_key=os.environ.get("RTPROTO_CONTROL_KEY") or None,
    )

    def ready(url: str) -> None:
        print(f"rtproto: {choice}", file=sys.stderr, flush=True)
        for text in faults:
            print(f"rtproto: fault {text}", file=sys.stderr, flush=True)
        if script is not None:
            print(f"rtproto: scenario {scenario}, {len(script.turns)} turns", file=sys.stderr, flush=True)
        if control:
            where = url.replace("ws://", "http://").replace("/v1/realtime", "/_rtproto/faults")
            print(f"rtproto: control at {where}", file=sys.stderr, flush=True)
        print(f"rtproto: listening on {url} (Ctrl-C stops)", flush=True)

    async def run() -> None:
        serving = asyncio.ensure_future(rtproto_emulator.serve(host, port, settings, engine.value, ready=ready))
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


def _read(read: "Callable[[Path], Scenario]", path: Path) -> "Scenario":
    try:
        return read(path)
    except OSError as error:
        fail(Fatal(f"cannot read {path}: {system_reason(error)}; check the path", 2))
    except (ValueError, ImportError) as error:
        fail(Fatal(str(error), 2))
