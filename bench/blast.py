"""blast: a server sends as fast as it can over a loopback socket; what its client's processor spends on each event."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.blast_clients import CLIENTS
from bench.contenders import Result, Unequal, in_turns

HOME = Path(__file__).parents[1]
TOO_LONG = 60
"""Seconds after which a client is given up."""


@contextmanager
def server(pairs: int) -> Iterator[int]:
    """A blasting server; gives its port."""
    command = [sys.executable, "-m", "bench.blast_server", str(pairs)]
    with subprocess.Popen(command, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def run_client(name: str, *numbers: int) -> float:
    """Runs one client in a process of its own. Raises ImportError where it is not installed, Unequal where it fails."""
    command = [sys.executable, "-m", "bench.blast_clients", name, *map(str, numbers)]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, timeout=TOO_LONG)
    said = done.stdout.strip()
    if done.returncode:
        raise Unequal(f"{name} failed:\n{done.stderr.strip()}")
    if said.startswith("skipped: "):
        raise ImportError(said.removeprefix("skipped: "))
    return float(said)


def measure(*, cycles: int = 50, turns: int = 5, pairs: int = 100) -> Result:
    """Times all clients on `cycles` times `pairs` of deltas."""
    skipped: dict[str, str] = {}
    runs: dict[str, Callable[[], float]] = {}
    with server(pairs) as port:
        for name in CLIENTS:
            try:
                run_client(name, port, 1, pairs)
            except ImportError as missing:
                skipped[name] = str(missing)
            else:
                runs[name] = partial(run_client, name, port, cycles, pairs)
        times = in_turns(runs, turns)
    return Result("blast: the same over a loopback socket, processor time of the client", "us/event", times, skipped)
