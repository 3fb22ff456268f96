"""Much traffic, slow peers, slow applications, big messages."""

from __future__ import annotations

import math
import statistics
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from contract.conftest import Bench, numbers
from contract.peers import SMALL, Background, Buffers, wait_until
from wsproto.events import CloseConnection, Pong, TextMessage

from rtproto import Config, Limits, State, Timeouts
from rtproto.errors import LocalProtocolError, RtprotoError, SessionClosed
from rtproto.events import Closed


def test_two_that_flood_each_other_through_small_buffers_go_on(wire: Bench) -> None:
    """The peer says all before it hears anything; nobody iterates before all is sent."""
    link, peer = wire.open(buffers=SMALL)
    count, size = 125, 32_000

    def flood() -> list[str]:
        for n in range(count):
            peer.say(wire.text(n, size))
        return peer.texts(count)

    flooding = Background(flood)
    sending = link.begin("send_all", [wire.event(n, size) for n in range(count)])
    sending.result(30)
    assert numbers(flooding.result(30)) == list(range(count))
    assert numbers(link.take(count)) == list(range(count))


@pytest.mark.plain
def test_a_program_that_only_sends(client: Bench) -> None:
    """Ten minutes of audio as fast as it goes, to a server that replies when it hears voices; nobody iterates."""
    link, peer = client.open()
    chunks, every = 1500, 30
    replies = 5 * chunks // every

    def serve() -> list[int]:
        heard, said, pongs = 0, 0, [0]
        while heard < chunks or pongs[-1] < chunks:
            event = peer.hear()
            if isinstance(event, TextMessage):
                heard += 1
                if heard % every == 0:
                    peer.say(*(client.text(said + n, 2000) for n in range(5)))
                    peer.ping(b"%d" % heard)
                    said += 5
            else:
                assert isinstance(event, Pong), event
                pongs.append(int(event.payload))
        peer.say(client.text(said))
        return pongs

    serving = Background(serve)
    # 400 ms of PCM16 at 24 kHz in each.
    link.send_all([client.event(n, 19_200) for n in range(chunks)], timeout=30)
    events = link.take(replies + 1)
    assert numbers(events) == list(range(replies + 1))
    # Of Pings that wait together only the last is answered.
    assert len(serving.result()) > 3


def test_a_program_that_only_sends_slowly_answers_pings(wire: Bench) -> None:
    link, peer = wire.open()
    peer.ping(b"still there?")

    def wait_for_pong() -> bytes:
        pong = peer.until(Pong)
        return bytes(pong.payload)

    hearing = Background(wait_for_pong)
    end = time.monotonic() + 5
    while not hearing.done() and time.monotonic() < end:
        link.send(wire.event(1))
        time.sleep(0.05)
    assert hearing.result() == b"still there?"


def test_sending_while_nobody_takes_the_events_fails_in_words(wire: Bench) -> None:
    """The peer waits for us to read, we wait for the application: it is told so, instead of waiting for ever."""
    config = Config(limits=Limits(max_queue=20), timeouts=Timeouts(keepalive=None, pong=0.15, close=0.2))
    link, peer = wire.open(config, SMALL)

    def flood() -> None:
        with suppress(OSError):
            while True:
                peer.say(wire.text(0, 50_000))

    flooding = Background(flood)
    sending = link.begin("send_all", [wire.event(n, 50_000) for n in range(1000)])
    with pytest.raises(RtprotoError, match="nobody takes the events"):
        sending.result(20)
    events = link.take(20)
    assert numbers(events) == [0] * 20
    link.leave()
    peer.close()
    flooding.result(20)


def test_a_slow_application_slows_its_peer_and_loses_nothing(wire: Bench) -> None:
    """What waits is bounded, and what the application is slow to take is no silence of the peer."""
    config = Config(limits=Limits(max_queue=10), timeouts=Timeouts(keepalive=0.05, pong=0.2))
    link, peer = wire.open(config, Buffers(131_072))
    # How much fits into the system's buffer is its own affair, some MB at most; this is 26.
    much, size = 1000, 20_000
    said: list[int] = []
    enough = threading.Event()

    def flood() -> None:
        while len(said) < much and not enough.is_set():
            peer.say(wire.text(len(said), size))
            said.append(len(said))
        peer.say_close()
        peer.hear_out()

    def stuck() -> bool:
        before = len(said)
        time.sleep(0.3)  # longer than a Ping and its Pong may take
        return len(said) == before

    flooding = Background(flood)
    first = link.take(1)
    wait_until(stuck)
    assert len(said) < much
    assert link.state is State.OPEN
    enough.set()
    *rest, closed = link.take(timeout=30)
    flooding.result()
    assert numbers(first + rest) == said
    assert closed.clean


@pytest.mark.streams
def test_pings_in_their_thousands_are_answered_only_when_the_peer_listens(wire: Bench) -> None:
    """A peer that pings and does not read must not fill our memory with Pongs."""
    link, peer = wire.open(buffers=SMALL)
    sending = link.begin("send_all", [wire.event(1, 400_000) for _ in range(12)])
    time.sleep(0.1)
    assert not sending.done()
    for n in range(2000):
        peer.ping(b"%d" % n)
    pongs: list[bytes] = []
    heard = 0
    while heard < 12 or pongs[-1:] != [b"1999"]:
        event = peer.hear()
        if isinstance(event, Pong):
            pongs.append(bytes(event.payload))
        else:
            assert isinstance(event, TextMessage), event
            heard += 1
    sending.result()
    assert len(pongs) < 400, len(pongs)


LATE = 0.05
"""Seconds: what others may be late beside much traffic."""


def lateness(wire: Bench) -> float:
    """How late others typically are for a while, or for the calmest of three whiles: a busy machine makes one late, a
    loop that lets nobody in makes all of them late.
    """
    late = math.inf
    for _ in range(3):
        late = statistics.median(wire.driver.heartbeat(0.1).result())
        if late < LATE:
            break
    return late


def test_others_get_their_turn_beside_a_flood(wire: Bench) -> None:
    link, peer = wire.open(buffers=Buffers(65_536))
    frames = peer.frame(wire.text(1, 60)) * 50
    enough = threading.Event()

    def flood() -> int:
        count = 0
        while not enough.is_set():
            peer.sock.sendall(frames)
            count += 50
        peer.say_close()
        return count

    flooding = Background(flood)
    taking = link.begin("take", None)
    late = lateness(wire)
    enough.set()
    *events, closed = taking.result()
    assert len(events) == flooding.result()
    assert closed.clean
    assert late < LATE


def test_others_get_their_turn_beside_one_who_sends(wire: Bench) -> None:
    link, peer = wire.open()
    enough = threading.Event()
    # Who lets nobody in would never be told that it is enough.
    end = time.monotonic() + 5

    def endless() -> Iterator[Any]:
        for n in count(1):
            if enough.is_set() or time.monotonic() > end:
                return
            yield wire.event(n, 60)

    def hear() -> list[int]:
        heard = numbers(peer.texts(1))
        while heard[-1] != 0:
            heard += numbers(peer.texts(1))
        return heard

    hearing = Background(hear)
    sending = link.begin("send_all", endless())
    late = lateness(wire)
    assert not sending.done(), "nobody else had a turn"
    enough.set()
    sending.result()
    link.send(wire.event(0))
    heard = hearing.result()
    assert heard == [*range(1, len(heard)), 0]
    assert late < LATE


def test_large_messages_both_ways(wire: Bench) -> None:
    """4.5 MiB: more than aiohttp and trio-websocket take unless they are told to."""
    link, peer = wire.open()
    size = 9 * 1024 * 1024 // 2 * 3 // 4
    text = wire.text(1, size)
    hearing = Background(lambda: peer.texts(1))
    link.send(wire.event(2, size))
    (heard,) = hearing.result()
    assert b64encode(bytes([2]) * size).decode() in heard
    saying = Background(lambda: peer.say(text))
    (event,) = link.take(1)
    saying.result()
    assert numbers([event]) == [1]
    assert bytes([1]) * size in (getattr(event, "delta", b""), getattr(event, "audio", b""))


def test_a_message_beyond_the_limit_ends_the_session(wire: Bench) -> None:
    link, peer = wire.open(Config(limits=Limits(max_message=5000)))
    peer.say(wire.text(1), wire.text(2, 5000))

    def hear_close() -> int:
        close = peer.until(CloseConnection)
        peer.close()
        return int(close.code)

    hearing = Background(hear_close)
    event, closed = link.take()
    assert numbers([event]) == [1]
    assert isinstance(closed, Closed)
    assert (closed.clean, closed.code) == (False, 1009)
    assert closed.error is not None
    assert hearing.result() == 1009
    with pytest.raises(SessionClosed):
        link.send(wire.event(1))


def test_what_is_too_large_to_send_changes_nothing(wire: Bench) -> None:
    link, peer = wire.open(Config(limits=Limits(max_message=5000)))
    with pytest.raises(LocalProtocolError, match="5000"):
        link.send(wire.event(1, 5000))
    link.send(wire.event(2))
    assert numbers(peer.texts(1)) == [2]


def test_a_message_in_pieces(wire: Bench) -> None:
    """Frames cut anywhere, and a message in three frames with a Ping among them."""
    link, peer = wire.open()
    frame = peer.frame(wire.text(1))
    for at in range(0, len(frame), 7):
        peer.sock.sendall(frame[at : at + 7])
        time.sleep(0.0005)
    text = wire.text(2)
    parts = [text[:10], text[10:30], text[30:]]
    for number, part in enumerate(parts):
        peer.sock.sendall(peer._ws.send(TextMessage(data=part, message_finished=number == 2)))
        peer.ping(b"%d" % number)
    assert numbers(link.take(2)) == [1, 2]
