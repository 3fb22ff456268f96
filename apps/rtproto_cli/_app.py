"""The command `rtproto`."""

from importlib import metadata
from typing import Annotated

import typer

from rtproto_cli._events import events
from rtproto_cli._record import record
from rtproto_cli._replay import replay
from rtproto_cli._serve import serve
from rtproto_cli._stream import stream
from rtproto_cli._validate import validate

app = typer.Typer(
    name="rtproto",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"rtproto {metadata.version('rtproto')}")
        raise typer.Exit


@app.callback()
def rtproto_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Talk to OpenAI Realtime servers, and run one of your own."""


app.command()(stream)
app.command()(serve)
app.command()(record)
app.command()(replay)
app.command()(validate)
app.command()(events)
