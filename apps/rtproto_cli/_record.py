"""`rtproto record`: a relay that keeps what passes."""

import asyncio
import sys
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import rtproto
from rtproto_cli._fatal import Fatal, fail
from rtproto_cli._recorder import Recordings
from rtproto_cli._server import environment
from rtproto_cli._until_stopped import until_stopped
from rtproto_cli._upstream import Upstream, own_key

if TYPE_CHECKING:
    from rtproto_cli._relay import Relay


class Hosted(str, Enum):
    """Whose key the environment holds."""

    openai = "openai"
    azure = "azure"


def record(
    to: Annotated[Path, typer.Option("--to", metavar="FILE.jsonl", help="Where the recording goes.")],
    upstream: Annotated[
        str | None, typer.Option(metavar="URL", help="The server to pass sessions on to; by default the environment's.")
    ] = None,
    provider: Annotated[
        Hosted | None, typer.Option(help="Whose key to take from the environment for clients that bring none.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in, who may then use your key.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8081,
    audio: Annotated[bool, typer.Option("--audio/--no-audio", help="Keep audio, or its length alone.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Write over FILE.")] = False,
) -> None:
    """Stand between a client and a realtime server, and record what they say.

    Point the client at this instead of the server. Every message passes unchanged, both ways, and so do the path, the
    query, headers, subprotocols, refusals and how sessions end:

        rtproto record --upstream wss://api.openai.com --to call.jsonl

        OPENAI_BASE_URL=http://127.0.0.1:8081/v1 python your_program.py

    A client's key is passed on; one that brings none gets yours (OPENAI_API_KEY, AZURE_OPENAI_API_KEY..., also in
    .env). Without --upstream these variables say where to, as for `rtproto stream`. A URL without a path takes the
    client's.

    FILE gets one JSON object a line, `{"t": SECONDS, "dir": "sent" | "received", "event": {...}}`, at the latest a
    second after it has passed. **Keys are replaced by `***`**, but what was said is not: keep the file as you would the
    conversation. A second session goes to FILE-2, and so on. `rtproto validate` judges the file, and `rtproto replay`
    plays it.

    Ctrl-C closes every session and stops.
    """
    try:
        where = _upstream(upstream, provider.value if provider else None)
        try:
            from rtproto_cli._relay import Relay
        except ImportError as error:
            raise Fatal(str(error), 2) from None
        recordings = Recordings(to, _tell, force=force, audio=audio)
        try:
            until_stopped(_serve(Relay(where, recordings, _tell), host, port, where), host, port)
        finally:
            recordings.close()
    except Fatal as fatal:
        fail(fatal)
    _tell("stopped")


def _upstream(url: "str | None", provider: "str | None") -> Upstream:
    environ = environment()
    try:
        if url is not None:
            return Upstream(rtproto.endpoint(url).url, own_key(environ, url, provider))
        found = rtproto.from_env(environ, "azure" if provider == "azure" else "openai" if provider else None)
    except ValueError as error:
        raise Fatal(str(error), 2) from None
    if found is None:
        raise Fatal("say which server to pass sessions on to: --upstream wss://api.openai.com", 2)
    return Upstream(found.url, found.headers)


async def _serve(relay: "Relay", host: str, port: int, where: Upstream) -> None:
    async with relay.running(host, port) as bound:
        shown = f"[{host}]" if ":" in host else host
        print(f"rtproto: listening on ws://{shown}:{bound}/v1/realtime (Ctrl-C stops)", flush=True)
        _tell(f"passing sessions on to {rtproto.endpoint(where.url)}")
        await asyncio.Event().wait()


def _tell(line: str) -> None:
    with suppress(OSError):  # the terminal has gone: the sessions go on
        print(f"rtproto: {line}", file=sys.stderr, flush=True)
