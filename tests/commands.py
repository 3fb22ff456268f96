"""Runs `rtproto` in the process of the test (rtproto_cli); the same with every version of what parses its arguments."""

import io
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

import attrs
from rtproto_cli._app import app


@attrs.frozen
class Done:
    """How a command ended, and what it printed."""

    exit_code: int
    stdout: str
    stderr: str


def run(*arguments: str, typed: bytes = b"") -> Done:
    """The command `rtproto` with these arguments; `typed` is its standard input."""
    stdin, out, err = (io.TextIOWrapper(io.BytesIO(held), encoding="utf-8") for held in (typed, b"", b""))
    with redirect_stdout(out), redirect_stderr(err), mock.patch("sys.stdin", stdin):
        try:
            app(list(arguments), prog_name="rtproto")
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
    return Done(code, _text(out), _text(err))


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
