"""How a command ends when it cannot go on."""

import os
import socket
import sys
from contextlib import suppress
from typing import NoReturn

import typer

from rtproto._dialects import Dialect, dialect


class Fatal(Exception):
    """Ends the command: one line for people, and the exit status (2: what you gave is wrong; 1: it went wrong).

    The line is "" where nobody is left to read it.
    """

    def __init__(self, line: str, status: int) -> None:
        super().__init__(line)
        self.line = line
        self.status = status


def fail(fatal: Fatal) -> NoReturn:
    """Says the line and exits."""
    if fatal.line:
        with suppress(OSError):  # the status still tells
            print(f"rtproto: {fatal.line}", file=sys.stderr)
    raise typer.Exit(fatal.status)


def say(text: str) -> None:
    """Writes `text` to standard output, now. Raises Fatal."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        line = lost(error)
        give_up()
        raise Fatal(line, 1) from None


def lost(error: OSError) -> str:
    """The line for what could not be printed; "" where the reader has left, as `head` does when it has enough."""
    if isinstance(error, BrokenPipeError):
        return ""
    return f"cannot write to standard output: {system_reason(error)}; send it somewhere else"


def give_up() -> None:
    """Drops what standard output and error cannot get rid of; the interpreter would try, and complain, at its end."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def system_reason(error: BaseException) -> str:
    """What the operating system says, as the end of a sentence."""
    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, socket.gaierror):  # the resolver's numbers are its own
        text = error.strerror or str(error)
    else:
        text = os.strerror(number) if number else str(error) or type(error).__name__
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def known_dialect(name: str) -> Dialect:
    """The dialect that the user named. Raises Fatal for one there is not."""
    try:
        return dialect(name)
    except ValueError as error:
        raise Fatal(f"{error} (see `rtproto events`)", 2) from None
