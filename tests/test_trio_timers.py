"""Timers, turns and cancelling of the trio driver, on trio's mock clock and streams in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from rtproto_trio import ClientStream
from rtproto_trio._wire import Wire

import rtproto
from rtproto import Config, Connection, Limits, State, Timeouts
from rtproto.errors import HandshakeError, RtprotoError, SessionClosed
from rtproto.events import Closed, InputAudioBufferAppend, InputAudioBufferClear, Requested, Unknown

pytestmark = pytest.mark.trio

ENDPOINT = rtproto.endpoint("ws://localhost:8080/v1/realtime")
CLEAR = InputAudioBufferClear()
APPEND = InputAudioBufferAppend(audio=bytes(3000))
PING = b"\x89"


class Far:
    """The other end: the core's server, moved by hand."""

    def __init__(self, stream: trio.StapledStream[Any, Any]) -> None:
        self.stream = stream
        self.machine = Connection.server(Config(timeouts=Timeouts(keepalive=None)), now=trio.current_time())
        self.heard: list[Any] = []

    async def read(self) -> bytes:
        """Takes what comes next, without answering."""
        data = bytes(await self.stream.receive_some())
        self.machine.receive(data, trio.current_time())
        while (event := self.machine.next_event()) is not None:
            self.heard.append(event)
        return data

    async def write(self) -> None:
        for data in self.machine.outgoing():
            await self.stream.send_all(data)

    async def say(self, *texts: str) -> None:
        for text in texts:
            self.machine.send_raw(text, trio.current_time())
        await self.write()

    async def accept(self) -> None:
        while not self.heard:
            await self.read()
        assert isinstance(self.heard.pop(), Requested)
        self.machine.accept(trio.current_time())
        await self.write()

    async def answer(self) -> None:
        """Reads and answers until the end."""
        while self.machine.closed is None:
            await self.read()
            await self.write()


@asynccontextmanager
async def opened(config: Config | None = None, *, lockstep: bool = False) -> AsyncIterator[tuple[ClientStream, Far]]:
    """A client over a stream in memory, and the far end. In lockstep a send waits until the other side reads."""
    near, far_stream = trio.testing.lockstep_stream_pair() if lockstep else trio.testing.memory_stream_pair()
    far = Far(far_stream)
    client = ClientStream(Connection.client(ENDPOINT, config, now=trio.current_time()), Wire(near))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(far.accept)
        client.opened = await client._open()
    yield client, far
    await client._leave()


def text(number: int) -> str:
    return f'{{"type":"test","n":{number}}}'


def said(*numbers: int) -> list[Unknown]:
    return [Unknown(raw={"type": "test", "n": n}) for n in numbers]


async def test_an_idle_wire_is_pinged_each_time_it_falls_silent(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(Config(timeouts=Timeouts(keepalive=20, pong=5))) as (client, far), trio.open_nursery() as nursery:
        nursery.start_soon(anext, client)
        for n in (1, 2, 3):
            assert (await far.read())[:1] == PING
            assert trio.current_time() == pytest.approx(20 * n)
            await far.write()
        nursery.cancel_scope.cancel()
        assert client.state is State.OPEN


async def test_a_ping_without_an_answer_ends_the_session(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(Config(timeouts=Timeouts(keepalive=20, pong=5))) as (client, far):
        (closed,) = [event async for event in client]
        assert isinstance(closed, Closed)
        assert (closed.clean, closed.code) == (False, 1011)
        # A farewell of a second lets the peer read why.
        assert 25 <= trio.current_time() <= 26.1
        while far.machine.closed is None:
            await far.read()
        assert far.machine.closed.code == 1011


async def test_a_close_without_an_answer_is_bounded(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(Config(timeouts=Timeouts(close=5))) as (client, _):
        await client.close(1000, "enough")
        assert trio.current_time() == pytest.approx(5)
        assert client.closed is not None
        assert not client.closed.clean
        assert [event async for event in client] == [client.closed]
        with pytest.raises(SessionClosed):
            await client.send(CLEAR)


async def test_a_handshake_without_an_answer_is_bounded(autojump_clock: trio.testing.MockClock) -> None:
    near, _ = trio.testing.memory_stream_pair()
    machine = Connection.client(ENDPOINT, Config(timeouts=Timeouts(open=7)), now=trio.current_time())
    with pytest.raises(HandshakeError, match="7 s"):
        await ClientStream(machine, Wire(near))._open()
    assert trio.current_time() == pytest.approx(7)


async def test_a_timer_that_another_task_moves_earlier_rings_in_the_task_that_waits(
    autojump_clock: trio.testing.MockClock,
) -> None:
    config = Config(timeouts=Timeouts(keepalive=None, close=5))
    async with opened(config) as (client, _), trio.open_nursery() as nursery:

        async def close_later() -> None:
            await trio.sleep(100)
            with trio.move_on_after(1):
                await client.close()

        nursery.start_soon(close_later)
        closed = await anext(client)
        assert isinstance(closed, Closed)
        assert trio.current_time() == pytest.approx(105)


async def test_timers_ring_for_a_program_that_only_sends(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(Config(timeouts=Timeouts(keepalive=20, pong=5))) as (client, far):
        await trio.sleep(21)
        await client.send(CLEAR)
        data = await far.read()
        while PING not in data:
            data += await far.read()
        await trio.sleep(6)
        await client.send(CLEAR)
        with pytest.raises(SessionClosed) as caught:
            await client.send(CLEAR)
        assert caught.value.closed.code == 1011


async def test_what_came_while_nobody_read_is_heard_before_a_timer(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(Config(timeouts=Timeouts(keepalive=20, pong=5))) as (client, far):
        with trio.move_on_after(21):
            await anext(client)
        await far.read()
        await far.write()  # the pong, at 21 s
        await far.say(text(1))
        await trio.sleep(1000)
        assert [await anext(client)] == said(1)
        assert client.state is State.OPEN


async def test_cancelled_reads_lose_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with opened() as (client, far), trio.open_nursery() as nursery:

        async def talk() -> None:
            for n in range(100):
                await far.say(text(n))
                await trio.sleep(0.07)

        nursery.start_soon(talk)
        events: list[Any] = []
        while len(events) < 100:
            with trio.move_on_after(0.05):
                events.append(await anext(client))
        assert events == said(*range(100))


async def test_a_send_that_waits_reads_meanwhile(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(lockstep=True) as (client, far):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, APPEND)
            # In lockstep these go through only when the client reads, which is in the middle of its send.
            await far.say(text(1), text(2))
            await trio.sleep(3)
            while not far.heard:
                await far.read()
        assert far.heard == [APPEND]
        assert [await anext(client), await anext(client)] == said(1, 2)


async def test_who_answers_a_ping_and_has_to_wait_still_reads(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(lockstep=True) as (client, far):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(anext, client)
            await far.stream.send_all(b"\x89\x00")
            await far.say(text(1), text(2), text(3))
            nursery.cancel_scope.cancel()
        assert client.state is State.CLOSED, "the task was cancelled within its pong"


async def test_a_send_that_is_cancelled_halfway_ends_the_session(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(lockstep=True) as (client, _):
        with trio.move_on_after(2) as scope:
            await client.send(APPEND)
        assert scope.cancelled_caught
        assert client.closed is not None
        assert (client.closed.clean, client.closed.code) == (False, 1006)
        assert [event async for event in client] == [client.closed]
        with pytest.raises(SessionClosed):
            await client.send(APPEND)


async def test_a_send_that_is_cancelled_before_it_begins_sends_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with opened() as (client, far):
        with trio.CancelScope() as scope:
            scope.cancel()
            await client.send(APPEND)
        assert scope.cancelled_caught
        await client.send(CLEAR)
        await far.read()
        assert far.heard == [CLEAR]


async def test_who_is_cancelled_in_the_queue_harms_nobody(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(lockstep=True) as (client, far):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, APPEND)
            await trio.testing.wait_all_tasks_blocked()
            with trio.move_on_after(1) as scope:
                await client.send(CLEAR)
            assert scope.cancelled_caught
            while len(far.heard) < 2:
                await far.read()
        assert far.heard == [APPEND, CLEAR]
        assert client.state is State.OPEN


async def test_a_write_that_never_ends_does_not_outlive_the_session(autojump_clock: trio.testing.MockClock) -> None:
    config = Config(timeouts=Timeouts(keepalive=20, pong=5))
    async with opened(config, lockstep=True) as (client, _):
        with pytest.raises(SessionClosed) as caught:
            await client.send(APPEND)
        assert caught.value.closed.code == 1011
        assert 25 <= trio.current_time() < 28


async def test_a_full_queue_and_a_deaf_peer_are_told_to_the_sender(autojump_clock: trio.testing.MockClock) -> None:
    config = Config(limits=Limits(max_queue=2), timeouts=Timeouts(keepalive=1, pong=20))
    async with opened(config, lockstep=True) as (client, far), trio.open_nursery() as nursery:

        async def say() -> None:
            with pytest.raises(trio.BrokenResourceError):
                await far.say(*(text(n) for n in range(5)))

        nursery.start_soon(say)
        with pytest.raises(RtprotoError, match="nobody takes the events: 2 of them wait"):
            await client.send(APPEND)
        assert 20 <= trio.current_time() < 22
        nursery.cancel_scope.cancel()


async def test_the_silence_of_a_peer_that_nobody_hears_is_no_death(autojump_clock: trio.testing.MockClock) -> None:
    """A full queue stops reading: what the peer says then is not known."""
    config = Config(limits=Limits(max_queue=2), timeouts=Timeouts(keepalive=5, pong=5))
    async with opened(config) as (client, far):
        await far.say(text(1), text(2), text(3))
        assert await anext(client) == said(1)[0]
        for _ in range(20):
            await trio.sleep(1)
            await client.send(CLEAR)
        assert [await anext(client), await anext(client)] == said(2, 3)
        assert client.state is State.OPEN


async def test_a_peer_that_takes_a_long_message_slowly_lives(autojump_clock: trio.testing.MockClock) -> None:
    config = Config(timeouts=Timeouts(keepalive=5, pong=5))
    async with opened(config, lockstep=True) as (client, far), trio.open_nursery() as nursery:
        large = InputAudioBufferAppend(audio=bytes(1_000_000))
        nursery.start_soon(client.send, large)
        while large not in far.heard:
            await trio.sleep(2)
            await far.read()
        assert trio.current_time() > 30
        assert client.state is State.OPEN


async def test_one_iterator_at_a_time(autojump_clock: trio.testing.MockClock) -> None:
    async with opened() as (client, _), trio.open_nursery() as nursery:
        nursery.start_soon(anext, client)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(RuntimeError, match="another task iterates"):
            await anext(client)
        nursery.cancel_scope.cancel()


async def test_other_tasks_get_their_turn_while_many_events_are_taken(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with opened() as (client, far), trio.open_nursery() as nursery:
        await far.say(*(text(n) for n in range(1000)))
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while True:
                turns += 1
                await trio.lowlevel.checkpoint()

        await anext(client)
        nursery.start_soon(count_turns)
        for _ in range(999):
            await anext(client)
        assert turns > 20
        nursery.cancel_scope.cancel()


async def test_a_wire_that_breaks_while_sending_tells_why(autojump_clock: trio.testing.MockClock) -> None:
    async with opened() as (client, far):
        far.machine.close(trio.current_time(), 1008, "no quota")
        await far.write()
        await far.stream.send_stream.aclose()
        await far.stream.receive_stream.aclose()
        with pytest.raises(SessionClosed, match="no quota"):
            await client.send(CLEAR)
