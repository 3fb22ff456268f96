"""`rtproto replay`: a recorded session again, as its server or as its client."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtproto import errors
from rtproto_cli._fatal import Fatal, fail, system_reason
from rtproto_cli._server import configured, handshake_line
from rtproto_cli._until_stopped import until_stopped
from rtproto_cli._validation import printable

if TYPE_CHECKING:
    import rtproto_emulator


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="A recorded session.")],
    to: Annotated[
        str | None, typer.Option(metavar="URL", help="Play the client to this server, and compare its answers.")
    ] = None,
    speed: Annotated[float, typer.Option(help="How many times faster than recorded; inf: at once.")] = 1.0,
    host: Annotated[str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8082,
    patience: Annotated[
        float, typer.Option(min=0.01, help="With --to: seconds of silence until an answer counts as missing.")
    ] = 5.0,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="TYPE", help="With --to: do not compare these events.")
    ] = None,
) -> None:
    """Play a recorded session again: as the server, for a client under test, or with --to as the client.

    **As the server** it sends each event when the client has sent what the recorded client had sent before, so a client
    that is slower or faster works as well. Events are matched by their types, in order, and audio by its length. The
    n-th client gets the n-th session of FILE.

        rtproto replay call.jsonl --speed inf

        OPENAI_BASE_URL=http://127.0.0.1:8082/v1 OPENAI_API_KEY=any python your_program.py

    **As the client** it sends each event when the server has said what it had said before, and prints how the types of
    the server's events differ from the recorded ones: `-` only recorded, `+` only now. How many deltas there are is not
    compared. The key is $OPENAI_API_KEY. Only the first session of FILE is played.

        rtproto replay call.jsonl --to ws://127.0.0.1:8080/v1/realtime

    Exit status with --to: 0 they are the same, 1 they differ, 2 what you gave is wrong. In tests:
    `rtproto_emulator.replay("call.jsonl")`.
    """
    try:
        try:
            import rtproto_emulator
        except ImportError as error:
            raise Fatal(str(error), 2) from None
        if not speed > 0:
            raise Fatal(f"--speed is {speed:g}; it must be more than 0", 2)
        recording = _load(file)
        if to is not None:
            same = _compare(recording, to, speed, patience, ignore or [])
            raise typer.Exit(0 if same else 1)
        until_stopped(rtproto_emulator.serve_replay(recording, host, port, speed=speed, ready=_ready), host, port)
    except Fatal as fatal:
        fail(fatal)
    print("rtproto: stopped", file=sys.stderr)


def _load(file: Path) -> "rtproto_emulator.Recording":
    import rtproto_emulator

    try:
        return rtproto_emulator.Recording.load(file)
    except OSError as error:
        raise Fatal(f"cannot read {printable(str(file))}: {system_reason(error)}", 2) from None
    except ValueError as error:
        raise Fatal(printable(str(error)), 2) from None


def _ready(url: str) -> None:
    print(f"rtproto: listening on {url} (Ctrl-C stops)", flush=True)


def _compare(
    recording: "rtproto_emulator.Recording", url: str, speed: float, patience: float, ignored: list[str]
) -> bool:
    import rtproto_emulator

    endpoint = configured(None, url)
    assert endpoint is not None  # a URL was given
    try:
        found = asyncio.run(
            rtproto_emulator.replay_to(endpoint, recording, speed=speed, patience=patience, ignored=ignored)
        )
    except errors.HandshakeError as error:
        raise Fatal(handshake_line(error, endpoint), 1) from None
    except (errors.RtprotoError, OSError) as error:
        raise Fatal(str(error), 1) from None
    for line in found.lines:
        print(printable(line))
    print("the same" if found.same else "they differ: - only recorded, + only now")
    return found.same
