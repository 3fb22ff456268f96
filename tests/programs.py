"""Runs command lines: in a process of its own, as a user does, or in the test's process where nothing is lost by it.

A process spends most of its life importing. What needs one (signals, a clean exit of the interpreter, an event loop
that can be run once) gets one; for the rest `run_here()` gives the same answer in a tenth of the time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from unittest import mock

import attrs
import pytest


@attrs.frozen
class Ended:
    """How a command line ended."""

    returncode: int
    stdout: str
    stderr: str


def run_process(command: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> Ended:
    """Runs a program in a process of its own, which knows nothing but `environ`."""
    done = subprocess.run(
        command, cwd=cwd, env=environ, capture_output=True, text=True, encoding="utf-8", timeout=50, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def run_here(main: Callable[[], object], command: Sequence[str], *, cwd: Path, environ: Mapping[str, str]) -> Ended:
    """Runs `main()` as the program of `command` in this process; whatever else it raises than SystemExit goes on."""
    status: object = None
    with (
        mock.patch.dict(os.environ, environ, clear=True),
        pytest.MonkeyPatch.context() as patch,
        redirect_stdout(StringIO()) as out,
        redirect_stderr(StringIO()) as err,
    ):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", [*command])
        try:
            main()
        except SystemExit as end:
            status = end.code
        if isinstance(status, str):
            err.write(f"{status}\n")  # as the interpreter does it
    return Ended(status if isinstance(status, int) else int(status is not None), out.getvalue(), err.getvalue())
