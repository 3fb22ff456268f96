"""`rtproto serve`: an OpenAI Realtime server on this machine."""

import logging
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtproto_cli._fatal import Fatal, fail, system_reason
from rtproto_cli._tls import TlsOptions
from rtproto_cli._tls import tls as secured
from rtproto_cli._until_stopped import until_stopped

if TYPE_CHECKING:
    import ssl

    import rtproto_emulator
    from rtproto_emulator import Scenario
    from rtproto_emulator._emulator import Engine as EngineName


class Engine(str, Enum):
    """What carries the server."""

    aiohttp = "aiohttp"
    stream = "stream"


class Dialect(str, Enum):
    """How a client speaks."""

    ga = "ga"
    beta = "beta"
    voice_live = "azure-voicelive"
    xai = "xai"
    qwen = "qwen"
    localai = "localai"
    vllm = "vllm"
    unmute = "unmute"


class Ears(str, Enum):
    """What hears whether someone speaks."""

    auto = "auto"
    silero = "silero"
    energy = "energy"


class Switch(str, Enum):
    """Whether to do it."""

    on = "on"
    off = "off"


class Brain(str, Enum):
    """What answers."""

    auto = "auto"
    rules = "rules"
    echo = "echo"
    chat = "chat"


class Voice(str, Enum):
    """What speaks."""

    auto = "auto"
    espeak = "espeak"
    tone = "tone"


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8080,
    pace: Annotated[
        float | None,
        typer.Option(min=0.1, help="How many times faster than real time it speaks; 8, and 1 for Unmute's clients."),
    ] = None,
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
    recogniser_processes: Annotated[
        int,
        typer.Option(min=1, max=64, help="How many pocketsphinx run, 100 MB each: as many as speak at the same time."),
    ] = 1,
    recogniser_model: Annotated[str, typer.Option(help="The model to ask for at that URL.")] = "whisper-1",
    brain: Annotated[
        Brain,
        typer.Option(
            help="What answers: a few rules (time, sums, spelling, functions), an echo of what was heard, or a chat "
            "server."
        ),
    ] = Brain.auto,
    chat_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A chat server, such as http://127.0.0.1:8000/v1: any with OpenAI's /chat/completions; its key is "
            "$RTPROTO_CHAT_KEY.",
        ),
    ] = None,
    chat_model: Annotated[str, typer.Option(help="The model to ask for there.")] = "gpt-4o-mini",
    voice: Annotated[Voice, typer.Option(help="What speaks: espeak-ng, or only a tone.")] = Voice.auto,
    api_key: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY",
            envvar="RTPROTO_API_KEY",
            help="Let in only who has this key; may be given again (in the variable: with spaces between). "
            "Others see command lines, so better use the variable.",
        ),
    ] = None,
    dialect: Annotated[
        Dialect,
        typer.Option(
            help="How clients speak that tell it neither by path (/api-ws/v1/realtime is Qwen's) nor by header nor by "
            "model (grok-... is xAI's)."
        ),
    ] = Dialect.ga,
    beta: Annotated[
        Switch, typer.Option(help="off: send away who asks for the beta protocol (close 4000), as OpenAI does.")
    ] = Switch.on,
    compression: Annotated[Switch, typer.Option(help="off: refuse permessage-deflate, which costs time.")] = Switch.on,
    tls: Annotated[
        bool, typer.Option("--tls", help="Speak TLS (wss://), with a certificate made on the spot.")
    ] = False,
    tls_folder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to keep the file that clients must trust for --tls."),
    ] = None,
    tls_name: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A name or address by which clients come with --tls; may be given again."),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Speak TLS with this certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The private key of --tls-cert.")] = None,
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
            "http://127.0.0.1:8080/_rtproto/faults. Others need an API key of this server.",
        ),
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log sessions (ids and sizes only).")] = False,
) -> None:
    """Run an OpenAI Realtime server, offline and without a key.

    It hears when someone speaks, understands English and speaks it, with the engines that are installed
    (`pip install 'rtproto[speech,espeak]'`). It answers by a few rules, calls functions, and says what it does not
    know; with **--chat-url** a model of yours answers. Without these engines it says how long someone spoke, and plays
    the words back.

    Clients find it at **/v1/realtime** (OpenAI, xAI), **/openai/v1/realtime** (Azure), **/openai/realtime** (Azure
    preview, beta protocol), **/voice-live/realtime** (Azure Voice Live), **/api-ws/v1/realtime** (Qwen) and
    **/api/v1/realtime** (Unmute, with `pip install 'rtproto[opus]'`). To point an official client at it:

        OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=any python your_program.py

    Browsers get a key that expires with a POST to **/v1/realtime/client_secrets**, as at OpenAI; **/healthz** and
    **/metrics** (Prometheus) need no key. With `--engine stream` there are only WebSockets.

    With `--tls` clients must trust a certificate that is made at each start, and printed where:

        SSL_CERT_FILE=/tmp/.../rtproto-ca.pem OPENAI_BASE_URL=https://127.0.0.1:8080/v1 python your_program.py

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
        choice = rtproto_emulator.choose(
            ears.value,
            recogniser,
            voice.value,
            brain.value,
            model=recogniser_model,
            processes=recogniser_processes,
            chat_url=chat_url,
            chat_model=chat_model,
        )
    except (rtproto_emulator.EngineMissing, ValueError) as error:
        fail(Fatal(str(error), 2))
    try:
        settings = rtproto_emulator.Settings(
            pace=pace,
            duration=duration,
            engines=choice.engines,
            api_keys=tuple(api_key or ()),
            dialect=dialect.value,
            beta=beta is Switch.on,
            compression=compression is Switch.on,
            scenario=script,
            seed=seed,
            faults=faults,
            control=control,
        )
    except ValueError as error:
        fail(Fatal(str(error), 2))

    options = TlsOptions(make=tls, folder=tls_folder, names=tls_name or (), certificate=tls_cert, key=tls_key)
    try:
        with secured(options, host) as (ssl_context, trust):
            about = [str(choice), *_told(faults, scenario, script), *([trust] if trust else ())]
            _run(host, port, settings, engine.value, ssl_context, about)
    except Fatal as fatal:
        fail(fatal)
    print("rtproto: stopped", file=sys.stderr)


def _run(
    host: str,
    port: int,
    settings: "rtproto_emulator.Settings",
    engine: "EngineName",
    ssl_context: "ssl.SSLContext | None",
    about: "Sequence[str]",
) -> None:
    """Serves until a signal comes. Raises Fatal."""
    from rtproto_emulator import serve

    def ready(url: str) -> None:
        for line in about:
            print(f"rtproto: {line}", file=sys.stderr, flush=True)
        if settings.control:
            where = url.replace("ws", "http", 1).replace("/v1/realtime", "/_rtproto/faults")
            print(f"rtproto: control at {where}", file=sys.stderr, flush=True)
        print(f"rtproto: listening on {url} (Ctrl-C stops)", flush=True)

    until_stopped(serve(host, port, settings, engine, ssl_context=ssl_context, ready=ready), host, port)


def _told(faults: "Sequence[str]", path: "Path | None", scenario: "Scenario | None") -> list[str]:
    """What is said at the start of what goes wrong and what is written down."""
    told = [f"fault {text}" for text in faults]
    return told if scenario is None else [*told, f"scenario {path}, {len(scenario.turns)} turns"]


def _read(read: "Callable[[Path], Scenario]", path: Path) -> "Scenario":
    try:
        return read(path)
    except OSError as error:
        fail(Fatal(f"cannot read {path}: {system_reason(error)}; check the path", 2))
    except (ValueError, ImportError) as error:
        fail(Fatal(str(error), 2))
