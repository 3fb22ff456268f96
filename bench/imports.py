"""imports: the processor time of an import, each time in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial

from bench.contenders import Result, in_turns

STATEMENTS = {
    "rtproto": "import rtproto",
    "what it imports of others": "import attrs, cattrs, h11, orjson, pybase64, wsproto.frame_protocol",
    "openai-python, realtime": "import openai.resources.realtime.realtime",
}

PROGRAM = """
import time
start = time.process_time()
try:
    {}
except ImportError as missing:
    print("skipped:", missing)
else:
    print((time.process_time() - start) * 1e3)
"""


def run_import(statement: str) -> float:
    """Milliseconds of processor time. Raises ImportError."""
    command = [sys.executable, "-c", PROGRAM.format(statement)]
    # What is installed has its bytecode beside it; a checkout gets it on the first turn.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, env=environ).stdout.strip()
    if said.startswith("skipped: "):
        raise ImportError(said.removeprefix("skipped: "))
    return float(said)


def measure(*, turns: int = 11) -> Result:
    """Times all imports, the files of all of them in the operating system's cache."""
    skipped: dict[str, str] = {}
    runs: dict[str, Callable[[], float]] = {}
    for name, statement in STATEMENTS.items():
        try:
            run_import(statement)
        except ImportError as missing:
            skipped[name] = str(missing)
        else:
            runs[name] = partial(run_import, statement)
    return Result("imports: in a fresh process", "ms", in_turns(runs, turns), skipped)
