"""What the benchmarks share: contenders, the clock, turns, and the check that all did the same work."""

from __future__ import annotations

import base64
import gc
import json
import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from bench.traffic import Traffic

Take = Callable[[Any], Any]
"""Gets each result: payloads (bytes or str) when decoding, wire frames (bytes) when encoding."""

Run = Callable[[Sequence[bytes], Take], None]
"""One pass over reads or PCM chunks."""

Prepare = Callable[[], Run]
"""Imports a library and gives it what it has in the middle of a session. Raises ImportError."""

# The processor's time, where its clock is fine enough to time a pass of a millisecond (on Windows it is not).
_FINE = time.get_clock_info("process_time").resolution < 1e-6
clock: Callable[[], float] = time.process_time if _FINE else time.perf_counter


class Unequal(Exception):
    """A contender did not do the work that was asked of it, so that its time would mean nothing."""


class Result(NamedTuple):
    """What one benchmark found. `times`: contender -> one figure a turn; `skipped`: contender -> why."""

    title: str
    unit: str
    times: Mapping[str, Sequence[float]]
    skipped: Mapping[str, str]

    def median(self, name: str) -> float:
        return statistics.median(self.times[name])


class Figures(NamedTuple):
    """What a benchmark without contenders found: what was measured -> (figure, unit)."""

    title: str
    figures: Mapping[str, tuple[float, str]]


def prepare_all(contenders: Mapping[str, Prepare]) -> tuple[dict[str, Run], dict[str, str]]:
    """The contenders that are installed, ready to run, and why the others are not."""
    ready: dict[str, Run] = {}
    skipped: dict[str, str] = {}
    for name, prepare in contenders.items():
        try:
            ready[name] = prepare()
        except ImportError as missing:
            skipped[name] = str(missing)
    return ready, skipped


def in_turns(runs: Mapping[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """Calls each of `runs`, A B C A B C ..., so that a slow moment of the machine hits all of them alike."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(turns):
        for name, run in runs.items():
            times[name].append(run())
    return times


PASSES = 5
"""Passes in a row: the first finds the processor's caches full of what the contender before left there."""


def time_passes(ready: Mapping[str, Run], data: Sequence[bytes], events: int, turns: int) -> dict[str, list[float]]:
    """Processor time in microseconds an event, of a few passes in each turn."""
    take = deque[Any](maxlen=0).append

    def timed(run: Run) -> Callable[[], float]:
        def once() -> float:
            start = clock()
            for _ in range(PASSES):
                run(data, take)
            return (clock() - start) * 1e6 / (PASSES * events)

        return once

    # Else each contender pays for looking through the objects of all the others.
    gc.collect()
    gc.freeze()
    try:
        return in_turns({name: timed(run) for name, run in ready.items()}, turns)
    finally:
        gc.unfreeze()


def check_payloads(name: str, seen: Sequence[bytes | str], traffic: Traffic) -> None:
    """Raises Unequal unless `seen` are exactly the payloads of `traffic`."""
    if list(seen) != traffic.payloads:
        right = sum(a == b for a, b in zip(seen, traffic.payloads, strict=False))
        raise Unequal(f"{name} gave {len(seen)} payloads; {right} of {len(traffic.payloads)} are what was sent")


def check_frames(name: str, frames: Sequence[bytes], chunks: Sequence[bytes]) -> None:
    """Raises Unequal unless a server finds in `frames`, all masked, exactly `chunks` as `input_audio_buffer.append`."""
    from wsproto.connection import Connection, ConnectionType
    from wsproto.events import TextMessage

    seen: list[bytes] = []
    server = Connection(ConnectionType.SERVER)
    for frame in frames:
        server.receive_data(frame)
        event = json.loads("".join(part.data for part in server.events() if isinstance(part, TextMessage)))
        if event["type"] == "input_audio_buffer.append":
            seen.append(base64.b64decode(event["audio"], validate=True))
    if seen != list(chunks):
        right = sum(a == b for a, b in zip(seen, chunks, strict=False))
        raise Unequal(f"{name} made {len(frames)} frames; {right} of {len(chunks)} are what was asked for")
