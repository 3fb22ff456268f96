"""How a session is carried: in order, with patience for a slow client that has a limit, and to an end of any kind."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from emulated import create, every, wrote
from rtproto_emulator import Settings
from rtproto_emulator._sessions import Sessions
from rtproto_emulator._visit import Visit

from rtproto import events
from rtproto.errors import LocalProtocolError, SessionClosed

VISIT = Visit(dialect="ga", subprotocol=None, model=None, transcription=False)


class Wire:
    """A driver's end without a socket: gives `said` to the server, and takes what it says while the gate is open."""

    def __init__(self, said: list[Any]) -> None:
        self.said = said
        self.taken = 0
        self.heard: list[Any] = []
        self.closed: tuple[int, str] | None = None
        self.gate = asyncio.Event()
        self.blocked = asyncio.Event()
        self.gone = asyncio.Event()

    async def send(self, event: events.ServerEvent) -> None:
        if not self.gate.is_set():
            self.blocked.set()
            await self.gate.wait()
        self.heard.append(event)

    async def send_raw(self, text: str) -> None:
        raise AssertionError("nothing goes wrong here")

    @property
    def transport(self) -> asyncio.Transport:
        raise AssertionError("nothing goes wrong here")

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self.closed = (code, reason)
        self.gone.set()

    async def __aiter__(self) -> AsyncIterator[Any]:
        for event in self.said:
            self.taken += 1
            yield event
        await self.gone.wait()
        yield events.Closed(clean=True, code=1000)


def carry(wire: Wire, script: Any, settings: Settings | None = None) -> None:
    async def run() -> None:
        talk = asyncio.ensure_future(Sessions(settings or Settings()).converse(wire, VISIT))
        try:
            await asyncio.wait_for(script(), 40)
            wire.gone.set()
            await asyncio.wait_for(talk, 10)
        finally:
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)

    asyncio.run(run())


async def settle() -> None:
    """Lets every task go as far as it can without time."""
    for _ in range(2000):
        await asyncio.sleep(0)


QUESTIONS = [wrote(f"question {number}") for number in range(1000)]


def test_a_client_that_reads_late_is_read_late() -> None:
    wire = Wire(QUESTIONS)

    async def script() -> None:
        await wire.blocked.wait()
        await settle()
        assert wire.taken == 0
        wire.gate.set()
        await settle()
        assert wire.taken == len(QUESTIONS)

    carry(wire, script)
    added = [event.item.content[0].text for event in every(wire.heard, events.ConversationItemAdded)]
    assert added == [f"question {number}" for number in range(1000)]


def test_an_observer_is_told_what_comes_and_goes() -> None:
    violation = events.Violation(reason="no JSON", raw="{")
    wire = Wire([wrote("hello"), violation])
    told: list[tuple[str, Any]] = []
    wire.gate.set()
    carry(wire, settle, Settings(observe=lambda side, event: told.append((side, event))))
    assert [event for side, event in told if side == "client"] == [*wire.said, events.Closed(clean=True, code=1000)]
    assert [event for side, event in told if side == "server"] == wire.heard
    assert every(wire.heard, events.ConversationItemAdded)


def test_while_the_clock_writes_the_reader_goes_on_up_to_a_limit() -> None:
    class Stuck(Wire):
        """Takes nothing more from the second piece of the answer on, which the clock writes; then asks a lot."""

        async def send(self, event: events.ServerEvent) -> None:
            if not every(self.heard, events.ResponseOutputAudioDelta):
                self.heard.append(event)
            else:
                await super().send(event)

        async def __aiter__(self) -> AsyncIterator[Any]:
            yield wrote("one two three")
            yield events.ResponseCreate()
            await self.blocked.wait()
            async for event in super().__aiter__():
                yield event

    wire = Stuck(QUESTIONS)

    async def script() -> None:
        await wire.blocked.wait()
        await settle()
        assert 400 < wire.taken <= 501  # each makes two events, the answer some, and a thousand may wait
        wire.gate.set()
        await settle()
        assert wire.taken == len(QUESTIONS)

    carry(wire, script)


@pytest.mark.parametrize("error", [SessionClosed(events.Closed(clean=True, code=1000)), None])
def test_a_client_that_leaves_while_it_is_told(error: SessionClosed | None, caplog: pytest.LogCaptureFixture) -> None:
    class Leaving(Wire):
        async def send(self, event: events.ServerEvent) -> None:
            if isinstance(event, events.ResponseDone):
                self.gone.set()
                raise error or LocalProtocolError(event, None, "an event that breaks the rules")

    wire = Leaving([create(output_modalities=["text"])])

    async def script() -> None:
        await wire.gone.wait()
        await settle()

    with caplog.at_level(logging.ERROR):
        carry(wire, script)
    assert wire.closed == (None if error else (1011, "the server failed"))
    assert ("breaks the rules" in caplog.text) is (error is None)
