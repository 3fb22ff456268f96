"""`rtproto stream`: a sound file goes to a realtime server, and what it answers is kept."""

import errno
import importlib
import json
import sys
from contextlib import nullcontext, suppress
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import attrs
import typer
from rich.console import Console
from rtproto_audio import AudioFileError, Raw, read_audio

import rtproto
from rtproto import Config, errors
from rtproto._dialects import dialect
from rtproto_cli._fatal import Fatal, fail, say, system_reason
from rtproto_cli._files import ReplyFiles, reply_directory
from rtproto_cli._interrupt import Interrupt, Stopped
from rtproto_cli._job import Gone, Job
from rtproto_cli._run import RUNNERS
from rtproto_cli._server import Provider, configured, embedded, handshake_line
from rtproto_cli._turn import Options, Refused, Turn
from rtproto_cli._view import LiveView, PlainView, SilentView


class Transport(str, Enum):
    """How to talk."""

    asyncio = "asyncio"
    trio = "trio"
    sync = "sync"


_CONNECTS = {
    Transport.asyncio: ("rtproto_aio", "connect"),
    Transport.trio: ("rtproto_trio", "connect"),
    Transport.sync: ("rtproto_sync", "connect"),
}

_CLOSE = 1.0
"""Seconds for the server's answer to our Close: all that we want has come, and OpenAI often sends none."""


def stream(
    # Whether it can be read is said by who reads it, in one line.
    file: Annotated[
        Path, typer.Argument(readable=False, help="A sound file: wav, flac, ogg, mp3, or raw PCM16 at 24 kHz.")
    ],
    to: Annotated[Path | None, typer.Option(help="Where to write; by default a new directory FILE-reply.")] = None,
    provider: Annotated[Provider | None, typer.Option(help="By default what the environment configures.")] = None,
    url: Annotated[str | None, typer.Option(help="Any server: ws://… or wss://… It gets OPENAI_API_KEY.")] = None,
    transport: Annotated[Transport, typer.Option(help="What carries it.")] = Transport.asyncio,
    vad: Annotated[bool, typer.Option(help="Let the server find the turns, or ask for one answer at the end.")] = True,
    pace: Annotated[bool, typer.Option(help="Send as fast as one speaks, or as fast as the wire takes it.")] = True,
    text: Annotated[bool, typer.Option("--text", help="Ask for text instead of speech.")] = False,
    instructions: Annotated[str | None, typer.Option(help="How the server shall answer.")] = None,
    voice: Annotated[str | None, typer.Option(help="Which voice it shall speak with.")] = None,
    transcribe: Annotated[str | None, typer.Option(help="Also transcribe FILE, with this model.")] = None,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds a server may be silent.")] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of progress.")] = False,
) -> None:
    """Stream a sound FILE to a realtime server and keep what it answers.

    Writes **reply.wav**, **transcript.txt** and **events.jsonl** (every event; audio replaced by its size).

    Without --provider and --url the environment decides, also a .env file: AZURE_OPENAI_ENDPOINT,
    AZURE_OPENAI_DEPLOYMENT and AZURE_OPENAI_API_KEY, or OPENAI_API_KEY (see development.env). Where it configures
    nothing, the embedded server answers: it needs neither key nor network, and says so where it knows no answer.

    Ctrl-C stops, and keeps what has arrived; a second one stops at once. Exit status: 0 done, 1 it went wrong, 2 what
    you gave is wrong.
    """
    options = Options(vad=vad, text=text, instructions=instructions, voice=voice, transcribe=transcribe)
    interrupt = Interrupt()
    try:
        if sys.stdout is None:
            raise Fatal("standard output is closed; open it, or send it to /dev/null", 1)
        try:
            with interrupt:
                result = _stream(file, to, provider, url, transport, options, pace, timeout, as_json, interrupt)
        except Stopped:
            raise Fatal("stopped; nothing had arrived", interrupt.status) from None
        if as_json:
            say(_json(result))
    except Fatal as fatal:
        if as_json and fatal.line and sys.stdout is not None:
            with suppress(Fatal):  # the one at hand is the cause
                say(_json({"status": "failed", "error": fatal.line}))
        fail(fatal)


def _stream(
    file: Path,
    to: "Path | None",
    provider: "Provider | None",
    url: "str | None",
    transport: Transport,
    options: Options,
    pace: bool,
    timeout: float,
    as_json: bool,
    interrupt: Interrupt,
) -> "dict[str, Any]":
    named = configured(provider, url)
    if named is not None:
        options = attrs.evolve(options, rate=dialect(named.dialect).input_rate)
    try:
        raw = Raw() if file.suffix.lower() in (".raw", ".pcm") else None
        reader = read_audio(file, rate=options.rate, raw=raw)
    except AudioFileError as error:
        raise Fatal(str(error), 2) from None
    _import(transport)
    console = Console(stderr=True)
    turn = Turn(options)
    turn_seconds = None if options.vad else reader.duration
    tell = Console(stderr=True, quiet=as_json, markup=False, highlight=False, soft_wrap=True).print
    with nullcontext(named) if named is not None else embedded(turn_seconds, tell) as endpoint:
        job = Job(
            endpoint=endpoint,
            config=Config(timeouts=rtproto.Timeouts(open=timeout, close=_CLOSE)),
            reader=reader,
            turn=turn,
            open_files=lambda: _open_files(to, file),
            view=_view(console, file, reader.duration, silent=as_json),
            pace=pace,
            timeout=timeout,
            interrupt=interrupt,
        )
        try:
            interrupt.check()  # the embedded server has taken its time to start
            with job.finishing(), job.view:
                RUNNERS[transport.value](job)
        except Stopped:
            raise Fatal(f"stopped; {_kept(job)}", interrupt.status) from None
        except (Gone, Refused) as error:
            raise Fatal(str(error), 1) from None
        except AudioFileError as error:
            raise Fatal(str(error), 2) from None
        except errors.HandshakeError as error:
            raise Fatal(handshake_line(error, endpoint), 1) from None
        except errors.RtprotoError as error:
            raise Fatal(str(error), 1) from None
        except ConnectionError as error:
            where = f"{endpoint.host}:{endpoint.port}"
            raise Fatal(f"cannot reach {where}: {system_reason(error)}; does a server listen there?", 1) from None
        except OSError as error:
            raise Fatal(system_reason(error), 1) from None
    for problem in _problems(turn):
        console.print(f"note: {problem}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    if not as_json:
        console.print(_kept(job), markup=False, highlight=False, soft_wrap=True)
    return _result(job, file)


def _import(transport: Transport) -> None:
    """Says which extra is missing before anything else happens."""
    try:
        module, function = _CONNECTS[transport]
        getattr(importlib.import_module(module), function)
    except ImportError as error:
        raise Fatal(str(error), 2) from None


def _json(result: "dict[str, Any]") -> str:
    utf8 = (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"
    return json.dumps(result, ensure_ascii=not utf8) + "\n"


def _problems(turn: Turn) -> "list[str]":
    more = [f"{turn.more_problems} more of the kind"] if turn.more_problems else []
    return [*turn.problems, *more]


def _open_files(to: "Path | None", file: Path) -> ReplyFiles:
    try:
        return ReplyFiles(reply_directory(to, file))
    except OSError as error:
        full = error.errno == errno.ENOSPC
        where = to or file.stem + "-reply"
        raise Fatal(f"cannot write to {where}: {system_reason(error)}", 1 if full else 2) from None


def _view(console: Console, file: Path, seconds: "float | None", *, silent: bool) -> "LiveView | PlainView":
    if silent:
        return SilentView()
    if console.is_terminal and sys.stdout.isatty():
        return LiveView(console, file.name, seconds)
    return PlainView()


def _kept(job: Job) -> str:
    if job.files is None:
        return "nothing had arrived"
    return f"{job.audio_ms / 1000:.1f} s of speech, the text and every event are in {job.files.directory}"


def _result(job: Job, file: Path) -> "dict[str, Any]":
    turn = job.turn
    directory = job.files.directory if job.files is not None else Path()
    latency = None
    if turn.first_audio_at is not None and turn.speech_ended_at is not None:
        latency = round((turn.first_audio_at - turn.speech_ended_at) * 1000)
    return {
        "status": "completed" if set(turn.statuses.values()) <= {"completed"} else "incomplete",
        "file": str(file),
        "server": str(job.endpoint),
        "sent_ms": round(job.uploaded_seconds * 1000),
        "heard": turn.heard,
        "text": turn.summary(),
        "responses": [{"id": i, "status": s, "text": turn.replies.get(i, "")} for i, s in turn.statuses.items()],
        "audio_ms": round(job.audio_ms),
        "first_audio_ms": latency,
        "usage": turn.usage,
        "problems": _problems(turn),
        "files": {name: str(directory / name) for name in ("reply.wav", "transcript.txt", "events.jsonl")},
    }
