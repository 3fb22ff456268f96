"""`rtproto serve` with real ears and a real voice (rtproto_cli, rtproto_emulator): heard at the pace of speech."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import rtproto_aio
import rtproto_audio
import rtproto_emulator

import rtproto
from rtproto import events

TEST_DATA = Path(__file__).resolve().parents[2] / "test_data"
QUESTION = "what is the weather in paris"
SPEECH_ENDS = 1.81
"""Seconds of question.wav."""
CHUNK = 960
SECONDS = 20.0


@attrs.frozen
class Server:
    """A running `rtproto serve`."""

    process: subprocess.Popen[str]
    url: str
    told: str


def start() -> Server:
    command = [sys.executable, "-m", "rtproto_cli", "serve", "--port", "0", "--pace", "8"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    told = process.stderr.readline()
    return Server(process, process.stdout.readline().split("listening on ")[1].split()[0], told)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = start()
    yield running
    running.process.terminate()
    _, err = running.process.communicate(timeout=20)
    assert "Traceback" not in err


@attrs.define
class Talk:
    """What came of one file; times are in seconds since its first sample was sent."""

    seen: list[Any] = attrs.field(factory=list)
    audio: bytes = b""
    first_audio: float = 0.0

    @property
    def transcripts(self) -> list[str]:
        cls = events.ConversationItemInputAudioTranscriptionCompleted
        return [event.transcript for event in self.seen if isinstance(event, cls)]

    def has(self, cls: type) -> bool:
        return any(isinstance(event, cls) for event in self.seen)


async def talk(url: str, name: str, *, until: type | None = events.ResponseDone, silence: float = 1.0) -> Talk:
    """Streams a file and some silence in real time; listens until an event, or until all is sent."""
    found = Talk()
    pcm = b"".join(rtproto_audio.read_audio(TEST_DATA / name)) + bytes(int(silence * 48_000))
    async with rtproto_aio.connect(rtproto.endpoint(url)) as rt:
        heard = events.AudioInput(
            transcription=events.AudioTranscription(model="any"),
            turn_detection=events.ServerVad(silence_duration_ms=500),
        )
        await rt.send(events.SessionUpdate(session=events.RealtimeSession(audio=events.AudioConfig(input=heard))))
        begun = time.perf_counter()

        async def listen() -> None:
            async for event in rt:
                found.seen.append(event)
                if isinstance(event, events.ResponseOutputAudioDelta):
                    found.first_audio = found.first_audio or time.perf_counter() - begun
                    found.audio += event.delta
                if until is not None and isinstance(event, until):
                    return

        listening = asyncio.ensure_future(listen())
        for at in range(0, len(pcm), CHUNK):
            await asyncio.sleep(begun + at / 48_000 - time.perf_counter())
            await rt.send(events.InputAudioBufferAppend(audio=pcm[at : at + CHUNK]))
        if until is None:
            listening.cancel()
        await asyncio.wait([listening], timeout=SECONDS)
    return found


def run(*talks: Awaitable[Talk]) -> list[Talk]:
    async def all_of_them() -> list[Talk]:
        return list(await asyncio.gather(*talks))

    return asyncio.run(all_of_them())


def test_it_says_what_it_uses(server: Server) -> None:
    assert server.told == "rtproto: ears silero, recogniser pocketsphinx, brain rules, voice espeak\n"


def test_a_question_is_understood_and_answered_soon(server: Server) -> None:
    (found,) = run(talk(server.url, "question.wav"))
    assert found.transcripts == [QUESTION]
    assert found.first_audio - SPEECH_ENDS < 1.5
    (said,) = [event for event in found.seen if isinstance(event, events.ResponseOutputAudioTranscriptDone)]
    assert said.transcript == f"I heard {QUESTION}. I do not know the answer."
    assert 2.0 < len(found.audio) / 48_000 < 5.5
    assert 0.02 < rtproto_audio.rms(found.audio) < 0.3


def test_noise_and_silence_are_no_turn(server: Server) -> None:
    for found in run(*(talk(server.url, name, until=None) for name in ("noise.wav", "silence.wav"))):
        assert not found.has(events.InputAudioBufferSpeechStarted)
        assert not found.has(events.ResponseCreated)


def test_two_who_speak_at_once(server: Server) -> None:
    for found in run(talk(server.url, "question.wav"), talk(server.url, "question.wav")):
        assert found.transcripts == [QUESTION]
        assert found.first_audio - SPEECH_ENDS < 2.5


def test_nothing_outlives_a_server_that_was_killed() -> None:
    doomed = start()
    heard = run(talk(doomed.url, "question.wav", until=events.InputAudioBufferSpeechStarted, silence=0.0))
    assert heard[0].has(events.InputAudioBufferSpeechStarted)
    doomed.process.kill()
    # The recogniser's process writes its errors to the same pipe, which ends when both have ended.
    _, err = doomed.process.communicate(timeout=20)
    assert err == ""


class Heartbeat:
    """How long an event loop was ever busy with one thing, in seconds."""

    longest = 0.0

    async def beat(self) -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0.005)
            now = time.perf_counter()
            self.longest = max(self.longest, now - before)
            before = now


def test_a_server_that_recognises_does_not_stop() -> None:
    heart = Heartbeat()

    async def serve_and_ask() -> Talk:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        settings = rtproto_emulator.Settings(engines=rtproto_emulator.real_engines())
        serving = asyncio.ensure_future(rtproto_emulator.serve(settings=settings, ready=ready.set_result))
        url = await ready
        beating = asyncio.ensure_future(heart.beat())
        try:
            return await talk(url, "question.wav")
        finally:
            for task in (beating, serving):
                task.cancel()
            await asyncio.gather(beating, serving, return_exceptions=True)

    found = asyncio.run(serve_and_ask())
    assert found.transcripts == [QUESTION]
    assert heart.longest < 0.15


def test_a_recogniser_that_is_killed_in_the_middle() -> None:
    killed: list[int] = []

    def kill(transcriber: Any) -> None:
        killed.extend(transcriber.pids)
        for pid in killed:
            os.kill(pid, 9)

    engines = rtproto_emulator.real_engines()
    with rtproto_emulator.start(settings=rtproto_emulator.Settings(engines=engines)) as emulator:

        async def disturbed() -> Talk:
            asyncio.get_running_loop().call_later(SPEECH_ENDS + 0.4, kill, engines.transcriber)
            return await talk(emulator.url, "question.wav")

        found = asyncio.run(disturbed())
    assert found.transcripts == [QUESTION]
    assert len(killed) == 1
