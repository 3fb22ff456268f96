"""`rtproto stream`: a sound file goes to a realtime server, and what it answers is kept."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer
from dotenv import dotenv_values
from rich.console import Console
from rtproto_audio import AudioFileError, Raw, read_audio

import rtproto
from rtproto import Config, Endpoint, errors
from rtproto_cli._fatal import Fatal, fail, system_reason
from rtproto_cli._files import ReplyFiles, reply_directory
from rtproto_cli._job import Gone, Job
from rtproto_cli._run import RUNNERS
from rtproto_cli._turn import Options, Refused, Turn
from rtproto_cli._view import LiveView, PlainView, SilentView


class Provider(str, Enum):
    """Whom to talk to."""

    local = "local"
    openai = "openai"
    azure = "azure"


class Transport(str, Enum):
    """How to talk."""

    asyncio = "asyncio"
    trio = "trio"
    sync = "sync"


def stream(
    file: Annotated[Path, typer.Argument(help="A sound file: wav, flac, ogg, mp3, or raw PCM16 at 24 kHz.")],
    to: Annotated[Path | None, typer.Option(help="Where to write; by default a new directory FILE-reply.")] = None,
    provider: Annotated[Provider | None, typer.Option(help="By default what the environment configures.")] = None,
    url: Annotated[str | None, typer.Option(help="Any server: ws://… or wss://…")] = None,
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
    nothing, the embedded server answers: it needs neither key nor network, says how much it heard, and plays it back.

    Ctrl-C stops, and keeps what has arrived. Exit status: 0 done, 1 it went wrong, 2 what you gave is wrong.
    """
    options = Options(vad=vad, text=text, instructions=instructions, voice=voice, transcribe=transcribe)
    try:
        result = _stream(file, to, provider, url, transport, options, pace, timeout, as_json)
    except Fatal as fatal:
        if as_json:
            print(json.dumps({"status": "failed", "error": fatal.line}))
        fail(fatal)
    if as_json:
        print(json.dumps(result, ensure_ascii=False))


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
) -> "dict[str, Any]":
    try:
        raw = Raw() if file.suffix.lower() in (".raw", ".pcm") else None
        reader = read_audio(file, raw=raw)
    except AudioFileError as error:
        raise Fatal(str(error), 2) from None
    console = Console(stderr=True)
    turn = Turn(options)
    with _endpoint(provider, url) as endpoint:
        job = Job(
            endpoint=endpoint,
            config=Config(timeouts=rtproto.Timeouts(open=timeout)),
            reader=reader,
            turn=turn,
            open_files=lambda: _open_files(to, file),
            view=_view(console, file, reader.duration, silent=as_json),
            pace=pace,
            timeout=timeout,
        )
        try:
            with job.view:
                RUNNERS[transport.value](job)
        except KeyboardInterrupt:
            raise Fatal(f"stopped; {_kept(job)}", 130) from None
        except (Gone, Refused) as error:
            raise Fatal(str(error), 1) from None
        except AudioFileError as error:
            raise Fatal(str(error), 2) from None
        except errors.HandshakeError as error:
            raise Fatal(_handshake_line(error, endpoint), 1) from None
        except errors.RtprotoError as error:
            raise Fatal(str(error), 1) from None
        except OSError as error:
            where = f"{endpoint.host}:{endpoint.port}"
            raise Fatal(f"cannot reach {where}: {system_reason(error)}; does a server listen there?", 1) from None
        finally:
            job.close()
    for problem in turn.problems:
        console.print(f"note: {problem}", style="yellow", markup=False, highlight=False)
    if not as_json:
        console.print(_kept(job), highlight=False)
    return _result(job, file)


def _open_files(to: "Path | None", file: Path) -> ReplyFiles:
    try:
        return ReplyFiles(reply_directory(to, file))
    except (OSError, AudioFileError) as error:
        raise Fatal(f"cannot write to {to or file.stem + '-reply'}: {system_reason(error)}", 2) from None


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
        "problems": turn.problems,
        "files": {name: str(directory / name) for name in ("reply.wav", "transcript.txt", "events.jsonl")},
    }


@contextmanager
def _endpoint(provider: "Provider | None", url: "str | None") -> Iterator[Endpoint]:
    """The server to talk to; the embedded one runs as long as this is open."""
    environ = {**{k: v for k, v in dotenv_values(".env").items() if v is not None}, **os.environ}
    try:
        if url is not None:
            if provider is not None:
                raise ValueError("--url and --provider both say whom to talk to: give one of them")
            found: Endpoint | None = rtproto.endpoint(url, api_key=environ.get("OPENAI_API_KEY") or None)
        elif provider is Provider.local:
            found = None
        else:
            found = rtproto.from_env(environ, provider.value if provider else None)
    except ValueError as error:
        raise Fatal(str(error), 2) from None
    if found is not None:
        yield found
        return
    try:
        import rtproto_emulator
    except ImportError as error:
        raise Fatal(f"{error} (or name a server with --url or --provider)", 2) from None
    with rtproto_emulator.start() as emulator:
        yield rtproto.endpoint(emulator.url)


_STATUS_HINTS = {
    401: "the key is wrong or missing; check OPENAI_API_KEY or AZURE_OPENAI_API_KEY, also in .env",
    403: "the key may not do this; check its project and permissions",
    404: "the address is wrong; check the path, the model or the deployment",
    429: "too many requests, or the quota is used up; try again later",
}


def _handshake_line(error: errors.HandshakeError, endpoint: Endpoint) -> str:
    where = f"{endpoint.host}:{endpoint.port}"
    if error.status is None:
        return f"{where} does not open a WebSocket: {error.reason}"
    hint = _STATUS_HINTS.get(error.status, "is this a realtime server?")
    retry = next((value for name, value in error.headers if name.lower() == "retry-after"), None)
    after = f" (it asks to wait {retry} s)" if retry else ""
    return f"{where} answered HTTP {error.status}: {hint}{after}"
