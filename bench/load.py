"""load: sessions that speak to the local server at once, in real time; memory: its size over many sessions."""

from __future__ import annotations

import asyncio
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contenders import Figures

if TYPE_CHECKING:
    import rtproto_aio

HOME = Path(__file__).parents[1]
SILENCE_MS = 500
"""Of the session's turn detection: an answer cannot come before."""
CHUNK_MS = 20
ALLOWED_MS = 150
"""At the 99th percentile, from the end of that silence to the first audio of the answer."""
BYTES_PER_MS = 48
LOUD = 184
"""Mean amplitude of 16-bit samples at -45 dBFS, below which the energy detector takes nothing for speech."""


@contextmanager
def server(ears: str, pace: str) -> Iterator[tuple[int, int]]:
    """A local server; gives its port and its process id."""
    command = [sys.executable, "-m", "bench.load_server", ears, pace]
    with subprocess.Popen(command, cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.stdin.close()


@cache
def question() -> list[bytes]:
    """Somebody asks something: PCM16 at 24 kHz in chunks of 20 ms, the last of which ends the speech."""
    from rtproto_audio import read_audio

    pcm = b"".join(read_audio(HOME / "test_data" / "question.wav"))
    size = CHUNK_MS * BYTES_PER_MS
    chunks = [pcm[at : at + size] for at in range(0, len(pcm) - size + 1, size)]
    loud = [
        index for index, chunk in enumerate(chunks) if statistics.fmean(map(abs, memoryview(chunk).cast("h"))) > LOUD
    ]
    return chunks[: loud[-1] + 1]


class Speaker:
    """One client: asks, listens to the answer to its end, and asks again, silent meanwhile as a microphone is."""

    def __init__(self, turns: int, start: float) -> None:
        self.turns = turns
        self.start = start
        self.first_audio_ms: list[float] = []
        """After the silence that ended each turn."""
        self.late_ms: list[float] = []
        """How far behind real time each delta of audio came, measured from the first of its answer."""
        self.lag_ms: list[float] = []
        """How far behind real time each of our own chunks was sent: the load on this side."""
        self._ended = 0.0
        self._answered = asyncio.Event()

    async def run(self, port: int) -> None:
        import rtproto_aio

        import rtproto

        async with rtproto_aio.connect_stream(rtproto.endpoint(f"ws://127.0.0.1:{port}/v1/realtime")) as wire:
            listening = asyncio.ensure_future(self._listen(wire))
            try:
                await self._speak(wire)
            finally:
                listening.cancel()
                with suppress(asyncio.CancelledError):
                    await listening

    async def _speak(self, wire: rtproto_aio.ClientStream) -> None:
        from rtproto.events import InputAudioBufferAppend

        chunks = question()
        silence = bytes(CHUNK_MS * BYTES_PER_MS)
        due = self.start
        for _ in range(self.turns):
            self._answered.clear()
            spoken = 0
            while not self._answered.is_set():
                due += CHUNK_MS / 1000
                await asyncio.sleep(due - time.perf_counter())
                self.lag_ms.append((time.perf_counter() - due) * 1000)
                await wire.send(InputAudioBufferAppend(audio=chunks[spoken] if spoken < len(chunks) else silence))
                spoken += 1
                if spoken == len(chunks):
                    self._ended = time.perf_counter()

    async def _listen(self, wire: rtproto_aio.ClientStream) -> None:
        from rtproto.events import ResponseDone, ResponseOutputAudioDelta

        began: float | None = None
        heard_ms = 0.0
        async for event in wire:
            if isinstance(event, ResponseOutputAudioDelta):
                now = time.perf_counter()
                if began is None:
                    began, heard_ms = now, 0.0
                    self.first_audio_ms.append((now - self._ended) * 1000 - SILENCE_MS)
                self.late_ms.append((now - began) * 1000 - heard_ms)
                heard_ms += len(event.delta) / BYTES_PER_MS
            elif isinstance(event, ResponseDone):
                began = None
                self._answered.set()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def crowd(port: int, sessions: int, turns: int) -> list[Speaker]:
    """Everybody speaks, each beginning at a moment of its own within three seconds."""
    chance = random.Random(1)
    begin = time.perf_counter() + 1.0
    speakers = [Speaker(turns, begin + chance.uniform(0.0, 3.0)) for _ in range(sessions)]
    await asyncio.gather(*(speaker.run(port) for speaker in speakers))
    return speakers


def speak_at_once(ears: str, sessions: int, turns: int) -> dict[str, tuple[float, str]]:
    """What `sessions` that speak at once notice, and what they cost."""
    import psutil

    question()
    with server(ears, "1") as (port, pid):
        process = psutil.Process(pid)
        before, began = process.cpu_times(), time.perf_counter()
        speakers = asyncio.run(crowd(port, sessions, turns))
        after, took = process.cpu_times(), time.perf_counter() - began
        rss = process.memory_info().rss / 2**20
    first = [ms for speaker in speakers for ms in speaker.first_audio_ms]
    late = [ms for speaker in speakers for ms in speaker.late_ms]
    lag = [ms for speaker in speakers for ms in speaker.lag_ms]
    cpu = (after.user + after.system - before.user - before.system) / took
    name = f"{ears}, {sessions} sessions"
    return {
        f"{name}: answers of {sessions * turns} turns": (len(first), ""),
        f"{name}: first audio after the silence, median": (statistics.median(first), "ms"),
        f"{name}: first audio after the silence, p99": (percentile(first, 0.99), "ms"),
        f"{name}: audio delta behind real time, p99": (percentile(late, 0.99), "ms"),
        f"{name}: own chunk behind real time, p99": (percentile(lag, 0.99), "ms"),
        f"{name}: processor of the server": (100 * cpu, "% of a core"),
        f"{name}: memory of the server": (rss, "MiB"),
    }


def measure(*, sessions: int = 50, turns: int = 3, silero: tuple[int, ...] = (10, 20, 30, 40, 50)) -> Figures:
    """Energy and tone voice with `sessions`, then the Silero net with more and more until they wait too long."""
    figures = speak_at_once("energy", sessions, turns)
    most = 0
    for count in silero:
        found = speak_at_once("silero", count, turns)
        figures |= found
        if found[f"silero, {count} sessions: first audio after the silence, p99"][0] > ALLOWED_MS:
            break
        most = count
    figures[f"silero: sessions answered within {ALLOWED_MS} ms (p99), of those tried"] = (most, "")
    return Figures(f"load: sessions that speak at once; the silence that ends a turn is {SILENCE_MS} ms", figures)


# ---- memory ----


async def visit(port: int) -> None:
    """A short session with one spoken turn and its answer."""
    import rtproto_aio

    import rtproto
    from rtproto import events

    async with rtproto_aio.connect_stream(rtproto.endpoint(f"ws://127.0.0.1:{port}/v1/realtime")) as wire:
        heard = events.AudioInput(turn_detection=None)
        session = events.RealtimeSession(audio=events.AudioConfig(input=heard))
        await wire.send(events.SessionUpdate(session=session))
        await wire.send(events.InputAudioBufferAppend(audio=b"".join(question())))
        await wire.send(events.InputAudioBufferCommit())
        await wire.send(events.ResponseCreate())
        async for event in wire:
            if isinstance(event, events.ResponseDone):
                return


async def _visits(port: int, count: int) -> None:
    limit = asyncio.Semaphore(20)

    async def one() -> None:
        async with limit:
            await visit(port)

    await asyncio.gather(*(one() for _ in range(count)))


def measure_memory(*, sessions: int = 1000, steps: int = 10) -> Figures:
    """Memory of the server after each of `steps` parts of `sessions`, 20 of them at a time."""
    import psutil

    figures: dict[str, tuple[float, str]] = {}
    with server("energy", "inf") as (port, pid):
        process = psutil.Process(pid)
        figures["before the first session"] = (process.memory_info().rss / 2**20, "MiB")
        for step in range(1, steps + 1):
            asyncio.run(_visits(port, sessions // steps))
            figures[f"after {sessions // steps * step} sessions"] = (process.memory_info().rss / 2**20, "MiB")
    return Figures("memory: the local server over many sessions, 20 at a time, each with one spoken turn", figures)
