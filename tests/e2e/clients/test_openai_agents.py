"""The Python package `openai-agents`, unmodified. It validates each event against a union of models and logs what fits
none: nothing may be logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import rtproto_emulator
from emulated import silence, voice
from rtproto_emulator import Settings

agents = pytest.importorskip("agents", reason="openai-agents is not installed: pip install --group clients")
realtime = pytest.importorskip("agents.realtime", reason="openai-agents is too old: pip install --group clients")

SECONDS = 20.0

SERVER_VAD = {"audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
PUSH_TO_TALK = {"audio": {"input": {"turn_detection": None}}}
WRITTEN = {"output_modalities": ["text"]}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with rtproto_emulator.start(settings=Settings(pace=20.0)) as running:
        yield running.url


@pytest.fixture(autouse=True)
def nothing_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.WARNING)
    yield
    assert [record.getMessage() for record in caplog.get_records("call")] == []


class Talk:
    """A session, and what it has told so far."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.seen: list[Any] = []

    async def until(self, found: Callable[[Any], bool]) -> None:
        """Reads the session's events up to the first such; an error of any kind ends the test."""

        async def read() -> None:
            async for event in self.session:
                self.seen.append(event)
                assert event.type != "error", event
                assert model_event(event) not in ("error", "exception", "other"), event
                if found(event):
                    return

        await asyncio.wait_for(read(), SECONDS)

    async def answered(self, times: int = 1) -> None:
        await self.until(lambda _: self.count("agent_end") == times)

    def count(self, kind: str) -> int:
        return sum(event.type == kind for event in self.seen)

    def said(self) -> str | None:
        """The last words of the history, which the package keeps from the events."""
        content = self.session._history[-1].content[-1]
        words: str | None = getattr(content, "text", None) or content.transcript
        return words

    def heard(self) -> bytes:
        return b"".join(event.audio.data for event in self.seen if event.type == "audio")


def model_event(event: Any) -> str:
    kind: str = event.data.type if event.type == "raw_model_event" else ""
    return kind


def raw(kind: str) -> Callable[[Any], bool]:
    """Whether an event holds a server event of a type."""
    return lambda event: model_event(event) == "raw_server_event" and event.data.data["type"] == kind


@asynccontextmanager
async def talking(url: str, settings: dict[str, Any]) -> AsyncIterator[Talk]:
    def get_weather(city: str) -> str:
        """Says the weather of a city."""
        return f"It is sunny in {city}."

    agent = realtime.RealtimeAgent(
        name="assistant", instructions="Be brief.", tools=[agents.function_tool(get_weather)]
    )
    config = {"url": url, "api_key": "x", "initial_model_settings": settings}
    async with await realtime.RealtimeRunner(agent).run(model_config=config) as session:
        yield Talk(session)


def test_a_written_turn(url: str) -> None:
    async def run() -> None:
        async with talking(url, WRITTEN) as talk:
            await talk.session.send_message("hello")
            await talk.answered()
            assert talk.said() == "You wrote: hello"

    asyncio.run(run())


def test_a_spoken_turn(url: str) -> None:
    async def run() -> None:
        async with talking(url, SERVER_VAD) as talk:
            await talk.session.send_audio(silence(0.5) + voice(1.0) + silence(0.6))
            await talk.answered()
            assert talk.session._history[0].content[0].transcript == "(1.0 seconds of speech)"
            assert talk.said() == "I heard 1.0 seconds of speech."
            assert talk.heard() == silence(0.3) + voice(1.0) + silence(0.5)

    asyncio.run(run())


def test_a_spoken_turn_as_the_package_configures_it(url: str) -> None:
    async def run() -> None:
        async with talking(url, {}) as talk:
            await talk.session.send_audio(silence(0.5) + voice(1.0) + silence(4.2))
            await talk.answered()
            assert talk.said() == "I heard 1.0 seconds of speech."

    asyncio.run(run())


def test_push_to_talk(url: str) -> None:
    async def run() -> None:
        async with talking(url, PUSH_TO_TALK) as talk:
            await talk.session.send_audio(voice(0.5))
            await talk.session.send_audio(voice(0.5), commit=True)
            respond = realtime.RealtimeModelSendRawMessage(message={"type": "response.create"})
            await talk.session.model.send_event(respond)
            await talk.answered()
            assert talk.heard() == voice(0.5) * 2

    asyncio.run(run())


def test_an_interruption(url: str) -> None:
    async def run() -> None:
        async with talking(url, SERVER_VAD) as talk:
            await talk.session.send_message("tell me a story " * 100)
            await talk.until(lambda event: event.type == "audio")
            await talk.session.send_audio(silence(0.2) + voice(0.5))
            await talk.until(lambda event: event.type == "audio_interrupted")
            await talk.until(raw("response.done"))
            assert talk.seen[-1].data.data["response"]["status_details"]["reason"] == "turn_detected"
            # The package says by itself how much was played, and asks what is left of the item.
            await talk.until(raw("conversation.item.truncated"))
            await talk.until(raw("conversation.item.retrieved"))

    asyncio.run(run())


def test_a_tool(url: str) -> None:
    async def run() -> None:
        async with talking(url, WRITTEN | {"tool_choice": "required"}) as talk:
            await talk.session.send_message("Paris")
            await talk.answered(2)
            (end,) = [event for event in talk.seen if event.type == "tool_end"]
            assert end.output == "It is sunny in Paris."
            assert talk.said() == "It is sunny in Paris."

    asyncio.run(run())
