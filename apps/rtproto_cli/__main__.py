"""Starts the command; `rtproto` and `python -m rtproto_cli` come here."""

import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def main() -> None:
    """Runs `rtproto`; says in a line what is missing, or where its output went, instead of failing with a traceback."""
    _take_any_text()
    try:
        with _quiet_interrupts():
            from rtproto_cli._app import app
            from rtproto_cli._fatal import give_up, lost
    except ImportError as error:
        what, advice, _ = str(error).partition(": pip install")
        if not advice and error.name is None:  # not a missing package; it says itself what it lacks
            sys.exit(f"rtproto: {error}")
        # Whatever is missing: with these, the command runs.
        sys.exit(f"rtproto: {what}: pip install 'rtproto[cli,emulator]'")
    try:
        try:
            app()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    except OSError as error:
        line = lost(error)
        give_up()
        sys.exit(f"rtproto: {line}" if line else 1)


def _take_any_text() -> None:
    """A server may say what the terminal cannot show, even half a character, and files may be named so."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _quiet_interrupts() -> Iterator[None]:
    """Ctrl-C while we import just ends: an exception there may be swallowed, or hurt what is half imported."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


if __name__ == "__main__":
    main()
