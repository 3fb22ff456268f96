"""Sends a sound file and prints every event of the server as it comes: the low-level API, and nothing else.

    python examples/low_level_sample.py FILE <azure|openai>
    python examples/low_level_sample.py FILE [--url ws://127.0.0.1:8080/v1/realtime]

azure reads AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_DEPLOYMENT and AZURE_OPENAI_API_KEY, openai reads OPENAI_API_KEY and
OPENAI_MODEL, both also from .env. With neither and no --url: what is configured, else the embedded server. The server
finds the ends of the turns (server VAD) and answers each; the program ends with the last answer.
"""

import argparse
import asyncio
import contextlib
import os
from collections.abc import Iterator
from typing import Any

import rtproto_aio
import rtproto_emulator
from rtproto_audio import AudioReader, read_audio

import rtproto
from rtproto import Endpoint, errors, events

SILENCE = bytes(48_000)
"""A second of it, PCM16 at 24 kHz: where a file stops with its last word, nothing else would end the turn."""

LEFT_OUT = {"type", "event_id", "response_id", "output_index", "content_index", "obfuscation"}
SHOWN_OF_OBJECTS = ("id", "model", "role", "status", "code", "message", "text", "transcript")


def session_update() -> events.SessionUpdate:
    """PCM16 both ways, server VAD, and a transcription of what was said."""
    pcm = events.AudioPcm(rate=24_000)
    vad = events.ServerVad(threshold=0.5, prefix_padding_ms=300, silence_duration_ms=500)
    whisper = events.AudioTranscription(model="whisper-1")
    audio = events.AudioConfig(
        input=events.AudioInput(format=pcm, turn_detection=vad, transcription=whisper),
        output=events.AudioOutput(format=pcm),
    )
    return events.SessionUpdate(session=events.RealtimeSession(audio=audio))


def described(event: Any) -> Iterator[str]:
    """The type of an event, and `name=value` of what is short enough to print; audio as its size."""
    if isinstance(event, events.LocalEvent):
        yield repr(event)
        return
    yield event.type
    for name, value in rtproto.to_dict(event).items():
        if isinstance(value, dict):
            yield from (f"{name}.{inner}={value[inner]!r}" for inner in SHOWN_OF_OBJECTS if value.get(inner))
        elif isinstance(event, events.ResponseOutputAudioDelta) and name == "delta":
            yield f"delta=<{len(event.delta)} bytes>"
        elif name not in LEFT_OUT and isinstance(value, (str, int, float)):
            yield f"{name}={value!r}"


async def send_audio(rt: rtproto_aio.ClientWebSocket, question: AudioReader) -> None:
    await rt.send(session_update())
    for chunk in question:
        await rt.send(events.InputAudioBufferAppend(audio=chunk))
    await rt.send(events.InputAudioBufferAppend(audio=SILENCE))


async def converse(endpoint: Endpoint, question: AudioReader) -> None:
    """Prints what the server says, until it has answered every turn and been quiet for a second."""
    async with rtproto_aio.connect(endpoint) as rt:
        sending = asyncio.create_task(send_audio(rt, question))
        turns = answers = 0
        try:
            while True:
                satisfied = sending.done() and sending.result() is None and answers >= turns > 0
                try:
                    event = await asyncio.wait_for(rt.__anext__(), 1.0 if satisfied else 15.0)
                except asyncio.TimeoutError:
                    if satisfied:
                        return
                    raise errors.RtprotoError(
                        "the server has said nothing for 15 s; is there speech in the file?"
                    ) from None
                if isinstance(event, events.Closed):
                    raise errors.SessionClosed(event)
                turns += isinstance(event, events.InputAudioBufferSpeechStarted)
                answers += isinstance(event, events.ResponseDone)
                print(*described(event), flush=True)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)


def main() -> None:
    """The command line: errors are one line; exit status 2 for what was given, 1 for what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file")
    parser.add_argument("provider", nargs="?", choices=("azure", "openai"))
    parser.add_argument("--url", help="any server: ws://… or wss://…")
    given = parser.parse_args()
    with contextlib.suppress(ImportError):
        import dotenv

        dotenv.load_dotenv(".env")
    with contextlib.ExitStack() as stack:
        try:
            endpoint = rtproto.endpoint(given.url) if given.url else rtproto.from_env(os.environ, given.provider)
            endpoint = endpoint or rtproto.endpoint(stack.enter_context(rtproto_emulator.start()).url)
            asyncio.run(converse(endpoint, read_audio(given.file)))
        except (ValueError, OSError, errors.RtprotoError) as error:
            parser.exit(2 if isinstance(error, ValueError) else 1, f"{error}\n")


if __name__ == "__main__":
    main()
