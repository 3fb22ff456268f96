"""Azure's own client of Voice Live, unmodified, against the emulator on both of its hosts."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import rtproto_emulator
from emulated import silence, voice
from rtproto_emulator import Settings

pytest.importorskip("azure.ai.voicelive", reason="Azure's client is not installed: pip install azure-ai-voicelive")
from azure.ai.voicelive import models
from azure.ai.voicelive.aio import connect
from azure.core.credentials import AzureKeyCredential

SECONDS = 20.0
Talk = Callable[[Any], Awaitable[Any]]


@pytest.fixture(scope="module", params=["aiohttp", "stream"])
def emulator(request: pytest.FixtureRequest) -> Iterator[rtproto_emulator.Emulator]:
    with rtproto_emulator.start(engine=request.param, settings=Settings(pace=20.0)) as running:
        yield running


def talk(emulator: rtproto_emulator.Emulator, script: Talk, **where: Any) -> Any:
    async def run() -> Any:
        where.setdefault("model", "gpt-realtime")
        place = f"http://127.0.0.1:{emulator.port}"
        async with connect(credential=AzureKeyCredential("x"), endpoint=place, **where) as connection:
            return await asyncio.wait_for(script(connection), SECONDS)

    return asyncio.run(run())


async def until(connection: Any, kind: str) -> list[Any]:
    """Every event up to the first of a kind, each one that the client has a model of."""
    seen: list[Any] = []
    while not seen or seen[-1].type != kind:
        event = await connection.recv()
        # Recorded from the real server for turns, though the client has no model of it.
        known = type(event) is not models.ServerEvent or event.type == "conversation.item.done"
        assert known, f"the client does not know {event}"
        assert event.type != "error" or kind == "error", event
        seen.append(event)
    return seen


def kinds(seen: list[Any]) -> list[str]:
    return [str(getattr(event.type, "value", event.type)) for event in seen]


async def write(connection: Any, text: str) -> None:
    item = models.UserMessageItem(content=[models.InputTextContentPart(text=text)])
    await connection.conversation.item.create(item=item)


async def speak(connection: Any, pcm: bytes) -> None:
    for at in range(0, len(pcm), 4800):
        await connection.input_audio_buffer.append(audio=base64.b64encode(pcm[at : at + 4800]).decode())


def test_a_written_turn(emulator: rtproto_emulator.Emulator) -> None:
    async def script(connection: Any) -> None:
        (created,) = await until(connection, "session.created")
        assert created.session.model == "gpt-realtime"
        assert created.session.voice == {"type": "openai", "name": "alloy"}
        session = models.RequestSession(
            modalities=["text", "audio"],
            voice=models.AzureStandardVoice(name="en-US-AvaNeural"),
            output_audio_format=models.OutputAudioFormat.PCM16_16000_HZ,
            input_audio_noise_reduction=models.AudioNoiseReduction(type="azure_deep_noise_suppression"),
            input_audio_echo_cancellation=models.AudioEchoCancellation(),
        )
        await connection.session.update(session=session)
        updated = (await until(connection, "session.updated"))[-1].session
        assert updated.voice["type"] == "azure-standard"
        await write(connection, "hello")
        await connection.response.create()
        seen = await until(connection, "response.done")
        assert seen[-1].response.status == "completed"
        assert seen[-1].response.output[0].content[0].transcript == "You wrote: hello"
        sound = b"".join(event.delta for event in seen if event.type == "response.audio.delta")
        assert len(sound) == pytest.approx(0.9 * 32_000, rel=0.01)

    talk(emulator, script)


def test_a_spoken_turn(emulator: rtproto_emulator.Emulator) -> None:
    async def script(connection: Any) -> None:
        session = models.RequestSession(
            turn_detection=models.AzureSemanticVadMultilingual(silence_duration_ms=300),
            input_audio_transcription=models.AudioInputTranscriptionOptions(model="azure-speech"),
        )
        await connection.session.update(session=session)
        await speak(connection, silence(0.5) + voice(1.0) + silence(0.6))
        seen = await until(connection, "response.done")
        told = [kind for kind in kinds(seen) if kind.startswith(("input_audio_buffer", "conversation.item."))]
        assert told[:5] == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.created",
            "conversation.item.done",
        ]
        (heard,) = [event for event in seen if event.type == "conversation.item.input_audio_transcription.completed"]
        assert heard.transcript == "(1.0 seconds of speech)"

    talk(emulator, script)


def test_an_interruption(emulator: rtproto_emulator.Emulator) -> None:
    async def script(connection: Any) -> None:
        await write(connection, " ".join(["word"] * 200))
        await connection.response.create()
        begun = (await until(connection, "response.audio.delta"))[-1]
        await speak(connection, silence(0.3) + voice(0.5))
        seen = await until(connection, "response.done")
        assert "input_audio_buffer.speech_started" in kinds(seen)
        assert seen[-1].response.status == "cancelled"
        assert seen[-1].response.status_details.reason == "turn_detected"
        await connection.conversation.item.truncate(item_id=begun.item_id, content_index=0, audio_end_ms=20)
        assert (await until(connection, "conversation.item.truncated"))[-1].audio_end_ms == 20

    talk(emulator, script)


def test_a_function_call(emulator: rtproto_emulator.Emulator) -> None:
    async def script(connection: Any) -> None:
        schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
        tool = models.FunctionTool(name="get_weather", description="The weather.", parameters=schema)
        await connection.session.update(session=models.RequestSession(tools=[tool], tool_choice="required"))
        await write(connection, "London")
        await connection.response.create()
        seen = await until(connection, "response.done")
        (call,) = [event for event in seen if event.type == "response.function_call_arguments.done"]
        assert (call.name, call.arguments) == ("get_weather", '{"city": "London"}')
        output = models.FunctionCallOutputItem(call_id=call.call_id, output="It rains.")
        await connection.conversation.item.create(item=output)
        await connection.response.create()
        seen = await until(connection, "response.done")
        assert seen[-1].response.output[0].content[0].transcript == "It rains."

    talk(emulator, script)


def test_an_agent(emulator: rtproto_emulator.Emulator) -> None:
    async def script(connection: Any) -> str:
        (created,) = await until(connection, "session.created")
        return str(created.session.model)

    assert talk(emulator, script, model=None, agent_name="helper", project_name="p", agent_version="2") == "helper"
