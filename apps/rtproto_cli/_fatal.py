"""How a command ends when it cannot go on."""

import os
import sys
from typing import NoReturn

import typer

from rtproto._dialects import Dialect, dialect


class Fatal(Exception):
    """Ends the command: one line for people, and the exit status (2: what you gave is wrong; 1: it went wrong)."""

    def __init__(self, line: str, status: int) -> None:
        super().__init__(line)
        self.line = line
        self.status = status


def fail(fatal: Fatal) -> NoReturn:
    """Says the line and exits."""
    print(f"rtproto: {fatal.line}", file=sys.stderr)
    raise typer.Exit(fatal.status)


def system_reason(error: BaseException) -> str:
    """What the operating system says, as the end of a sentence."""
    number = error.errno if isinstance(error, OSError) else None
    text = os.strerror(number) if number else str(error) or type(error).__name__
    return text[:1].lower() + text[1:]


def known_dialect(name: str) -> Dialect:
    """The dialect that the user named. Raises Fatal for one there is not."""
    try:
        return dialect(name)
    except ValueError as error:
        raise Fatal(f"{error} (see `rtproto events`)", 2) from None
