"""How a session ends: cleanly, rudely, or not at all."""

from __future__ import annotations

import time

import pytest
from contract.conftest import Bench, numbers
from contract.peers import Background, Peer
from wsproto.events import BytesMessage, CloseConnection, Ping

from rtproto import Config, Role, State, Timeouts
from rtproto.errors import LocalProtocolError, SessionClosed
from rtproto.events import Closed, Raw, Violation


def test_our_close_is_answered(wire: Bench) -> None:
    link, peer = wire.open()
    closing = link.begin("close", 3001, "enough")
    heard = peer.until(CloseConnection)
    assert (heard.code, heard.reason) == (3001, "enough")
    peer.say_close(3001, "enough")
    closing.result()
    assert link.closed == Closed(clean=True, code=3001, reason="enough")
    assert link.take() == [link.closed]
    assert link.next() is None
    assert peer.hear() is None


@pytest.mark.parametrize(("code", "reason"), [(1001, "going away"), (1005, "")])
def test_the_peers_close_is_answered(wire: Bench, code: int, reason: str) -> None:
    link, peer = wire.open()
    peer.say(wire.text(1))
    peer.say_close(code, reason)
    event, closed = link.take()
    assert numbers([event]) == [1]
    assert closed == link.closed == Closed(clean=True, code=code, reason=reason)
    assert isinstance(peer.hear(), CloseConnection)
    assert peer.hear() is None


def test_a_raw_connection_hands_over_what_comes_and_says_what_it_is_told(wire: Bench) -> None:
    link, peer = wire.open(Config(raw=True))
    peer.say("{")
    assert link.next() == Raw(data="{")
    link.send_raw("}")
    link.send_raw(b"\x00\xff")
    assert peer.texts(1) == ["}"]
    assert bytes(peer.until(BytesMessage).data) == b"\x00\xff"
    closing = link.begin("close", 1005, "")
    assert isinstance(peer.until(CloseConnection), CloseConnection)
    peer.say_close()
    closing.result()


def test_what_comes_before_the_answer_to_our_close_is_delivered(wire: Bench) -> None:
    link, peer = wire.open()
    on_their_way = b"".join(peer.frame(wire.text(n)) for n in range(5))
    closing = link.begin("close", 1000, "")
    peer.until(CloseConnection)
    peer.sock.sendall(on_their_way)
    peer.say_close()
    closing.result()
    *events, closed = link.take()
    assert numbers(events) == [0, 1, 2, 3, 4]
    assert closed.clean


def test_a_close_in_a_flood_loses_nothing(wire: Bench) -> None:
    link, peer = wire.open()

    def flood() -> None:
        peer.say(*(wire.text(n, 1000) for n in range(1000)))
        assert peer.until(CloseConnection) is not None
        peer.say_close()

    flooding = Background(flood)
    first = link.take(10)
    link.close()
    flooding.result()
    *events, closed = link.take()
    assert numbers(first + events) == list(range(1000))
    assert closed.clean


def test_a_close_that_is_never_answered_is_bounded(wire: Bench) -> None:
    link, peer = wire.open(Config(timeouts=Timeouts(close=0.1)))
    begun = time.monotonic()
    link.close()
    assert 0.09 < time.monotonic() - begun < 3
    (closed,) = link.take()
    assert (closed.clean, closed.code) == (False, 1006)
    assert isinstance(peer.hear(), CloseConnection)
    assert peer.hear() is None


def test_a_timer_that_moves_earlier_rings_for_who_waits_already(wire: Bench) -> None:
    link, _ = wire.open(Config(timeouts=Timeouts(keepalive=30, close=0.1)))
    waiting = link.begin("next")
    time.sleep(0.05)
    begun = time.monotonic()
    closing = link.begin("close", 1000, "")
    closed = waiting.result()
    assert isinstance(closed, Closed)
    assert 0.09 < time.monotonic() - begun < 3
    closing.result()


def test_many_may_close_at_once(wire: Bench) -> None:
    link, peer = wire.open()
    closings = [link.begin("close", 1000, "") for _ in range(3)]
    peer.until(CloseConnection)
    peer.say_close()
    for closing in closings:
        closing.result()
    link.close()
    assert len(link.take()) == 1
    assert peer.hear() is None, "one Close is enough"


def test_half_closed_by_the_peer(wire: Bench) -> None:
    link, peer = wire.open()
    peer.say(wire.text(1), wire.text(2))
    peer.half_close()
    *events, closed = link.take()
    assert numbers(events) == [1, 2]
    assert (closed.clean, closed.code) == (False, 1006)
    peer.hear_out()


def test_half_closed_after_the_peers_close(wire: Bench) -> None:
    link, peer = wire.open()
    peer.say_close(1001, "bye")
    peer.half_close()
    assert link.take() == [Closed(clean=True, code=1001, reason="bye")]
    if wire.driver.streams:
        # Other libraries may give up at the end of the peer's direction.
        assert isinstance(peer.hear(), CloseConnection)


def test_reset_by_the_peer(wire: Bench) -> None:
    link, peer = wire.open()
    peer.say(wire.text(1))
    assert numbers(link.take(1)) == [1]
    peer.reset()
    (closed,) = link.take()
    assert (closed.clean, closed.code) == (False, 1006)
    with pytest.raises(SessionClosed):
        link.send(wire.event(1))


def test_sending_to_a_peer_that_is_gone_fails(wire: Bench) -> None:
    link, peer = wire.open()
    peer.reset()
    begun = time.monotonic()

    def send_on() -> None:
        while time.monotonic() < begun + 10:
            link.send_all([wire.event(n) for n in range(100)])

    with pytest.raises(SessionClosed) as caught:
        send_on()
    assert not caught.value.closed.clean
    (closed,) = link.take()
    assert closed.code == 1006


def test_why_the_peer_went_is_heard_by_who_only_sends(wire: Bench) -> None:
    link, peer = wire.open()
    peer.say(wire.text(1))
    peer.say_close(1008, "no quota")

    def send_on() -> None:
        for _ in range(1000):
            link.send_all([wire.event(n) for n in range(10)])
            time.sleep(0.002)

    with pytest.raises(SessionClosed):
        send_on()
    peer.close()
    event, closed = link.take()
    assert numbers([event]) == [1]
    assert closed == Closed(clean=True, code=1008, reason="no quota")


def test_nothing_can_be_sent_after_the_end(wire: Bench) -> None:
    link, peer = wire.open()
    peer.say_close(1000)
    link.take()
    with pytest.raises(SessionClosed) as caught:
        link.send(wire.event(1))
    assert caught.value.closed == link.closed
    with pytest.raises(SessionClosed):
        link.send_raw("{}")
    assert link.state is State.CLOSED


def test_nothing_can_be_sent_after_our_close(wire: Bench) -> None:
    link, peer = wire.open()
    closing = link.begin("close", 1000, "")
    peer.until(CloseConnection)
    with pytest.raises(SessionClosed):
        link.send(wire.event(1))
    peer.say_close()
    closing.result()


def test_a_bad_close_changes_nothing(wire: Bench) -> None:
    link, peer = wire.open()
    with pytest.raises(LocalProtocolError, match="1005"):
        link.close(1005)
    link.send(wire.event(1))
    assert numbers(peer.texts(1)) == [1]


def test_one_iterator_at_a_time(wire: Bench) -> None:
    link, peer = wire.open()
    waiting = link.begin("next")
    time.sleep(0.05)
    with pytest.raises(RuntimeError, match="iterat"):
        link.next()
    peer.say(wire.text(7))
    assert numbers([waiting.result()]) == [7]


def test_the_blocks_end_closes(wire: Bench) -> None:
    link, peer = wire.open()
    answering = Background(lambda: _answer_close(peer))
    link.leave()
    assert answering.result().code == 1000
    assert link.closed == Closed(clean=True, code=1000)


def test_an_error_that_leaves_the_block_is_never_hidden(wire: Bench) -> None:
    link, peer = wire.open()
    answering = Background(lambda: _answer_close(peer))
    if wire.role is Role.CLIENT:
        with pytest.raises(ZeroDivisionError, match="of the user"):
            link.leave(ZeroDivisionError("of the user"))
        assert answering.result().code == 1001
    else:
        link.leave(ZeroDivisionError("of the user"))
        assert answering.result().code == 1011
    assert link.closed is not None


def test_the_block_ends_although_the_peer_is_gone(wire: Bench) -> None:
    link, peer = wire.open()
    peer.reset()
    link.leave()
    assert link.closed is not None


def _answer_close(peer: Peer) -> CloseConnection:
    close: CloseConnection = peer.until(CloseConnection)
    peer.say_close(close.code)
    return close


def _hear_close(peer: Peer) -> int | None:
    """The code of the other's Close, None where none came; then the peer is gone."""
    close = peer.until(CloseConnection)
    peer.close()
    return None if close is None else int(close.code)


# ---- keepalive ----


def test_silence_is_answered_with_pings_and_then_with_the_end(wire: Bench) -> None:
    link, peer = wire.open(Config(timeouts=Timeouts(keepalive=0.05, pong=0.15)))
    taking = link.begin("take", None)
    for _ in range(2):
        ping = peer.until(Ping)
        peer.pong(bytes(ping.payload))
    begun = time.monotonic()
    dying = Background(lambda: _hear_close(peer))
    (closed,) = taking.result()
    assert (closed.clean, closed.code) == (False, 1011)
    assert "dead" in closed.reason
    assert time.monotonic() - begun < 4
    dying.result()


def test_the_next_ping_comes_as_soon_as_the_first(wire: Bench) -> None:
    """A Pong moves the timer earlier: from when it would be missed to when the next Ping is due."""
    link, peer = wire.open(Config(timeouts=Timeouts(keepalive=0.05, pong=30)))
    waiting = link.begin("next")
    begun = time.monotonic()
    for _ in range(3):
        ping = peer.until(Ping)
        peer.pong(bytes(ping.payload))
    assert time.monotonic() - begun < 5
    peer.say(wire.text(1))
    waiting.result()


def test_a_ping_that_falls_due_while_our_close_waits_harms_nobody(wire: Bench) -> None:
    link, peer = wire.open(Config(timeouts=Timeouts(keepalive=0.02, pong=5, close=5)))
    closing = link.begin("close", 1000, "")
    peer.until(CloseConnection)
    time.sleep(0.1)
    peer.say_close()
    closing.result()
    assert link.take()[-1].clean


def test_whatever_comes_is_a_sign_of_life(wire: Bench) -> None:
    link, peer = wire.open(Config(timeouts=Timeouts(keepalive=0.03, pong=0.2)))
    taking = link.begin("take", 10)
    for n in range(10):
        peer.say(wire.text(n))
        time.sleep(0.03)
    assert numbers(taking.result()) == list(range(10))


def test_pings_are_answered(wire: Bench) -> None:
    link, peer = wire.open()
    waiting = link.begin("next")
    peer.ping(b"are you there?")
    assert bytes(peer.hear().payload) == b"are you there?"  # type: ignore[union-attr]  # a Pong
    peer.say(wire.text(1))
    waiting.result()


# ---- peers that break the protocol ----


@pytest.mark.parametrize(
    ("broken", "code"),
    [(b"\x81\x02\xff\xfe", 1007), (b"\x83\x00", 1002), (b"\xf1\x00", 1002)],
    ids=["bad UTF-8", "unknown opcode", "reserved bits"],
)
def test_a_peer_that_breaks_the_framing_is_told_so(wire: Bench, broken: bytes, code: int) -> None:
    link, peer = wire.open()
    if wire.role is Role.SERVER:
        # The same with a mask of zeros.
        broken = bytes([broken[0], broken[1] | 0x80]) + bytes(4) + broken[2:]
    peer.sock.sendall(peer.frame(wire.text(1)) + broken)
    # Not before: two threads in one SSLSocket disturb each other on Python 3.13.
    hearing = Background(lambda: _hear_close(peer))
    event, closed = link.take()
    assert numbers([event]) == [1]
    assert (closed.clean, closed.code) == (False, code)
    assert closed.error is not None
    said = hearing.result()
    # Other libraries may just hang up.
    assert said == code or (said is None and not wire.driver.streams)


def test_a_message_that_is_no_event_ends_nothing(wire: Bench) -> None:
    link, peer = wire.open()
    peer.say("this is no JSON", wire.text(1))
    violation, event = link.take(2)
    assert isinstance(violation, Violation)
    assert numbers([event]) == [1]
    if wire.role is Role.SERVER:
        (answer,) = peer.texts(1)
        assert '"type":"error"' in answer
