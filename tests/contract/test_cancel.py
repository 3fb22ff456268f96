"""Whoever is cancelled harms nobody else, and leaves no half frame on a wire that lives."""

from __future__ import annotations

import random
import time
from contextlib import suppress

import pytest
from contract.conftest import Bench, numbers
from contract.driver import Call, Link, WasCancelled
from contract.peers import SMALL, Background
from wsproto.events import CloseConnection

from rtproto import Config, State, Timeouts
from rtproto.errors import SessionClosed
from rtproto.events import Closed

pytestmark = pytest.mark.cancels


def stuck(wire: Bench, link: Link) -> Call:
    """Someone who sends until the peer's buffers, the kernel's, and those of the transport are full."""
    sending = link.begin("send_all", [wire.event(1, 400_000) for _ in range(12)])
    time.sleep(0.1)
    assert not sending.done()
    return sending


def test_a_write_that_is_cancelled_halfway_ends_the_session(wire: Bench) -> None:
    link, _ = wire.open(buffers=SMALL)
    sending = stuck(wire, link)
    sending.cancel()
    with pytest.raises(WasCancelled):
        sending.result()
    assert link.state is State.CLOSED
    (closed,) = link.take()
    assert isinstance(closed, Closed)
    assert (closed.clean, closed.code) == (False, 1006)
    with pytest.raises(SessionClosed):
        link.send(wire.event(2))
    link.leave()


def test_who_is_cancelled_while_queued_harms_nobody(wire: Bench) -> None:
    link, peer = wire.open(buffers=SMALL)
    first = stuck(wire, link)
    queued = [link.begin("send", wire.event(n)) for n in (2, 3, 4)]
    time.sleep(0.05)
    assert not any(call.done() for call in (first, *queued))
    queued[1].cancel()
    with pytest.raises(WasCancelled):
        queued[1].result()
    assert link.state is State.OPEN

    def hear() -> list[int]:
        """Up to the last. What the cancelled one had queued may still be sent: it is whole."""
        heard = [0]
        while heard[-1] != 5:
            heard += numbers(peer.texts(1))
        return heard[1:]

    hearing = Background(hear)
    for call in (first, queued[0], queued[2]):
        call.result(30)
    link.send(wire.event(5))
    heard = hearing.result(30)
    assert sorted(n for n in heard if n != 3) == [1] * 12 + [2, 4, 5]


def test_three_hundred_cancelled_reads_lose_nothing(wire: Bench) -> None:
    link, peer = wire.open()
    count = 300
    pause = random.Random(1)

    def talk() -> None:
        for n in range(count):
            peer.say(wire.text(n))
            time.sleep(pause.choice((0, 0, 0.001)))

    talking = Background(talk)
    events = []
    for _ in range(300):
        reading = link.begin("next")
        reading.cancel()
        with suppress(WasCancelled):
            events.append(reading.result())
    talking.result()
    events += link.take(count - len(events))
    assert numbers(events) == list(range(count))


def test_a_cancelled_close_can_be_said_again(wire: Bench) -> None:
    link, peer = wire.open(Config(timeouts=Timeouts(close=5)))
    closing = link.begin("close", 1000, "")
    peer.until(CloseConnection)
    closing.cancel()
    peer.say_close()
    link.close()
    assert link.take() == [Closed(clean=True, code=1000)]
