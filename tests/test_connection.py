"""Bytes in, events out: handshake, frames, timers and the end, over a virtual wire."""

from typing import Any, TypeAlias

import pytest

import rtproto
from rtproto import Config, Connection, Limits, State, Timeouts, events
from rtproto.errors import HandshakeError, LocalProtocolError, RemoteProtocolError, SessionClosed
from rtproto.events import ClientEvent, ServerEvent
from rtproto.testing import Pair

ENDPOINT = rtproto.endpoint("ws://localhost:8080/v1/realtime?model=m", api_key="sk-secret", subprotocols=("realtime",))
CREATED = events.SessionCreated(event_id="event_1", session=events.RealtimeSession(id="sess_1"))
APPEND = events.InputAudioBufferAppend(audio=b"\x01\x02" * 480)
PING = b"\x89\x00"


Wire: TypeAlias = "Pair[Connection[ClientEvent, ServerEvent], Connection[ServerEvent, ClientEvent]]"


def pair(client: "Config | None" = None, server: "Config | None" = None, **how: Any) -> Wire:
    return Pair(Connection.client(ENDPOINT, client, now=0.0), Connection.server(server, now=0.0), **how)


def opened(client: "Config | None" = None, server: "Config | None" = None, **how: Any) -> Wire:
    wire = pair(client, server, **how).run()
    wire.client_events.clear()
    wire.server_events.clear()
    return wire


@pytest.mark.parametrize("split", [None, 1, 2, 7, 64])
def test_both_directions_however_the_bytes_are_cut(split: "int | None") -> None:
    wire = pair(split=split)
    wire.client.send(APPEND, 0.0)  # before the handshake: it waits
    wire.run()
    wire.server.send(CREATED, 0.0)
    wire.client.send_raw('{"type":"custom.event","n":1}', 0.0)
    wire.run()
    request, append, custom = wire.server_events
    assert isinstance(request, events.Requested)
    assert (request.path, tuple(request.query)) == ("/v1/realtime", (("model", "m"),))
    assert ("authorization", "Bearer sk-secret") in [(name.lower(), v) for name, v in request.headers]
    assert tuple(request.subprotocols) == ("realtime",)
    assert "secret" not in repr(request)
    assert append == APPEND
    assert custom == events.Unknown(raw={"type": "custom.event", "n": 1})
    open_, created = wire.client_events
    assert isinstance(open_, events.Opened)
    assert (open_.status, open_.subprotocol) == (101, "realtime")
    assert created == CREATED


def test_a_relay_carries_what_is_no_event() -> None:
    wire = opened(Config(raw=True), Config(raw=True))
    wire.client.send_raw("{", 0.0)
    wire.client.send_raw(b"\x00\xff", 0.0)
    wire.client.close(0.0, 1005)
    wire.run()
    text, binary, closed = wire.server_events
    assert (text, binary) == (events.Raw(data="{"), events.Raw(data=b"\x00\xff"))
    assert closed == events.Closed(clean=True, code=1005)


def test_the_closing_handshake_from_either_side() -> None:
    for closer in ("client", "server"):
        wire = pair(latency=0.05).advance(1.0)
        wire.client_events.clear()
        wire.server_events.clear()
        getattr(wire, closer).close(wire.now, 1000, "enough")
        wire.advance(1.0)
        expected = [events.Closed(clean=True, code=1000, reason="enough")]
        assert wire.client_events == wire.server_events == expected
        assert wire.client.state is wire.server.state is State.CLOSED
        assert wire.client.closed == wire.server.closed == expected[0]
        wire.client_events[0].raise_for_error()
        assert wire.client.deadline() is wire.server.deadline() is None


def test_events_sent_just_before_a_close_arrive() -> None:
    wire = opened()
    wire.server.send(CREATED, 0.0)
    wire.server.close(0.0)
    wire.client.send(APPEND, 0.0)
    wire.run()
    assert wire.client_events[0] == CREATED
    assert wire.server_events[0] == APPEND


def test_the_wire_is_cut() -> None:
    wire = opened()
    wire.cut().cut()
    for seen in (wire.client_events, wire.server_events):
        lost = "the connection was lost without a Close"
        assert seen == [events.Closed(clean=False, code=1006, reason=lost, error=RemoteProtocolError(lost))]
    wire.client.receive(b"late", 0.0)
    wire.client.tick(99.0)
    assert wire.client.next_event() is None
    assert wire.client.outgoing() == []
    with pytest.raises(SessionClosed):
        wire.client.send(APPEND, 0.0)


def test_a_rejected_request_shows_status_headers_and_body() -> None:
    wire = pair(accept=False).run()
    wire.server.reject(0.0, 429, [("Retry-After", "7")], b'{"error": "slow down"}')
    wire.run()
    (closed,) = wire.client_events
    error = closed.error
    assert isinstance(error, HandshakeError)
    assert (error.status, error.body) == (429, b'{"error": "slow down"}')
    assert ("retry-after", "7") in [(name.lower(), v) for name, v in error.headers]
    assert wire.client.state is State.CLOSED
    (_, server_closed) = wire.server_events
    assert not server_closed.clean
    assert server_closed.error is None
    with pytest.raises(HandshakeError, match="429"):
        closed.raise_for_error()


def test_a_server_answers_a_request_once() -> None:
    server = Connection.server(now=0.0)
    with pytest.raises(LocalProtocolError, match="Requested"):
        server.accept(0.0)
    wire = opened()
    for answer in (wire.server.accept, wire.server.reject):
        with pytest.raises(LocalProtocolError, match="Requested"):
            answer(0.0)
    with pytest.raises(LocalProtocolError, match="Requested"):
        wire.client.accept(0.0)


def test_a_server_that_gets_no_websocket_request_answers_and_ends() -> None:
    server = Connection.server(now=0.0)
    server.receive(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0.0)
    closed = server.next_event()
    assert isinstance(closed, events.Closed)
    assert isinstance(closed.error, HandshakeError)
    assert b"".join(server.outgoing()).startswith(b"HTTP/1.1 4")


def test_the_server_ends_while_connecting() -> None:
    client = Connection.client(ENDPOINT, now=0.0)
    client.receive(b"HTTP/1.1 200 OK\r\n", 0.0)
    client.receive_eof(0.0)
    closed = client.next_event()
    assert isinstance(closed, events.Closed)
    assert isinstance(closed.error, HandshakeError)
    assert client.next_event() is None


def test_the_client_ends_while_the_server_waits_for_its_request() -> None:
    server = Connection.server(now=0.0)
    server.receive(b"GET /", 0.0)
    server.receive_eof(0.0)
    closed = server.next_event()
    assert isinstance(closed, events.Closed)
    assert not closed.clean


def test_closing_while_connecting_sends_nothing_more() -> None:
    client = Connection.client(ENDPOINT, now=0.0)
    client.close(0.0)
    assert client.outgoing() == []
    closed = client.next_event()
    assert isinstance(closed, events.Closed)
    assert not closed.clean


@pytest.mark.parametrize("role", ["client", "server"])
def test_a_handshake_that_does_not_end_in_time(role: str) -> None:
    config = Config(timeouts=Timeouts(open=10.0))
    if role == "client":
        conn: Connection[Any, Any] = Connection.client(ENDPOINT, config, now=5.0)
    else:
        conn = Connection.server(config, now=5.0)
    assert conn.deadline() == 15.0
    conn.tick(14.9)
    assert conn.state is State.CONNECTING
    conn.tick(15.0)
    closed = conn.next_event()
    assert isinstance(closed, events.Closed)
    assert isinstance(closed.error, HandshakeError)
    assert closed.error.status is None
    assert "10 s" in closed.reason
    assert conn.deadline() is None


def test_a_refusal_whose_body_never_ends_is_still_a_refusal() -> None:
    client = Connection.client(ENDPOINT, Config(timeouts=Timeouts(open=10.0)), now=0.0)
    client.receive(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nwrong k", 1.0)
    client.tick(10.0)
    closed = client.next_event()
    assert isinstance(closed, events.Closed)
    assert isinstance(closed.error, HandshakeError)
    assert (closed.error.status, closed.error.body) == (401, b"wrong k")


def test_a_request_that_is_too_early_followed_by_too_much() -> None:
    wire = pair(accept=False, server=Config(limits=Limits(max_handshake=2000))).run()
    wire.server.receive(b"x" * 1000, 0.0)
    enough = wire.server.state
    wire.server.receive(b"x" * 1001, 0.0)
    assert (enough, wire.server.state) == (State.CONNECTING, State.CLOSED)


def test_frames_that_come_with_the_request_are_kept_until_it_is_accepted() -> None:
    wire = pair(accept=False)
    client = wire.client
    first = Connection.client(ENDPOINT, now=0.0)
    helper = Pair(first, Connection.server(now=0.0)).run()
    first.send(APPEND, 0.0)
    early = b"".join(first.outgoing())
    wire.server.receive(b"".join(client.outgoing()) + early[:100], 0.0)
    wire.server.receive(early[100:], 0.0)
    wire.server.accept(0.0)
    assert isinstance(wire.server.next_event(), events.Requested)
    assert wire.server.next_event() == APPEND
    assert helper.client.state is State.OPEN


def test_keepalive_pings_an_idle_wire_and_any_byte_is_life() -> None:
    config = Config(timeouts=Timeouts(keepalive=20.0, pong=5.0))
    wire = opened(config, Config(timeouts=Timeouts(keepalive=None)))
    assert wire.client.deadline() == 20.0
    wire.client.tick(20.0)
    assert wire.client.deadline() == 25.0
    ping = b"".join(wire.client.outgoing())
    assert ping[0] == 0x89
    wire.server.receive(ping, 20.0)
    pong = b"".join(wire.server.outgoing())
    assert pong[0] == 0x8A
    wire.client.receive(pong[:1], 21.0)  # half a pong is life, too
    assert wire.client.deadline() == 41.0
    wire.client.receive(pong[1:], 22.0)
    assert wire.client.deadline() == 42.0
    assert wire.client.next_event() is None


def test_a_wire_that_does_not_answer_a_ping_is_dead() -> None:
    wire = opened(Config(timeouts=Timeouts(keepalive=20.0, pong=5.0)))
    wire.client.tick(20.0)
    wire.client.outgoing()
    wire.client.tick(25.0)
    closed = wire.client.next_event()
    assert isinstance(closed, events.Closed)
    assert (closed.clean, closed.code) == (False, 1011)
    assert isinstance(closed.error, RemoteProtocolError)
    assert b"".join(wire.client.outgoing())[0] == 0x88
    assert wire.client.deadline() is None


def test_nothing_is_pinged_while_closing_and_the_close_is_bounded() -> None:
    wire = opened(Config(timeouts=Timeouts(keepalive=1.0, close=5.0)))
    wire.client.close(0.5)
    wire.client.outgoing()
    wire.client.tick(1.0)
    assert wire.client.outgoing() == []
    assert wire.client.deadline() == 5.5
    wire.client.receive(PING, 3.0)
    assert wire.client.deadline() == 5.5
    wire.client.tick(5.5)
    closed = wire.client.next_event()
    assert isinstance(closed, events.Closed)
    assert not closed.clean
    assert wire.client.next_event() is None


def test_after_a_tick_the_deadline_lies_in_the_future() -> None:
    wire = opened(Config(timeouts=Timeouts(keepalive=1.0, pong=1.0)))
    for _ in range(3):
        deadline = wire.client.deadline()
        if deadline is None:
            break
        wire.client.tick(deadline)
        after = wire.client.deadline()
        assert after is None or after > deadline


def test_good_events_before_bad_bytes_are_delivered_first() -> None:
    wire = opened()
    wire.server.send(CREATED, 0.0)
    good = b"".join(wire.server.outgoing())
    wire.client.receive(good + b"\xff\xff\xff", 0.0)
    wire.run()
    created, closed = wire.client_events
    assert created == CREATED
    assert (closed.clean, closed.code) == (False, 1002)
    assert isinstance(closed.error, RemoteProtocolError)
    assert isinstance(wire.server_events[-1], events.Closed)
    assert wire.server_events[-1].code == 1002


def test_a_message_over_the_limit_ends_with_1009() -> None:
    wire = opened(server=Config(limits=Limits(max_message=500)))
    wire.client.send(APPEND, 0.0)
    wire.run()
    assert wire.server_events[-1].code == wire.client_events[-1].code == 1009


def test_a_strict_violation_stops_what_came_after_it() -> None:
    wire = opened(Config(strict=True))
    wire.server.send_raw("{", 0.0)
    wire.server.send(CREATED, 0.0)
    wire.run()
    violation, closed = wire.client_events
    assert isinstance(violation, events.Violation)
    assert closed.code == 1008
    assert wire.server_events[-1].code == 1008


def test_pings_of_the_peer_are_answered_and_keep_nothing() -> None:
    wire = opened()
    wire.client.receive(PING * 1000, 0.0)
    assert len(b"".join(wire.client.outgoing())) == 6
    assert wire.client.next_event() is None


def test_compression_is_used_when_both_want_it() -> None:
    compressing = Config(compression=True)
    text = events.SessionUpdate(session=events.RealtimeSession(instructions="be brief " * 200))
    sizes = []
    for client, server in ((compressing, compressing), (compressing, Config()), (Config(), compressing)):
        wire = opened(client, server)
        wire.client.send(text, 0.0)
        data = b"".join(wire.client.outgoing())
        sizes.append(len(data))
        wire.server.receive(data, 0.0)
        assert wire.server.next_event() == text
    assert sizes[0] < 200 < 1800 < sizes[1] == sizes[2]


def test_the_dialect_of_the_endpoint_and_of_the_request() -> None:
    azure = rtproto.azure_preview("https://r.openai.azure.com", deployment="d", api_key="k")
    wire = Pair(Connection.client(azure, now=0.0), Connection.server(now=0.0), accept=False).run()
    wire.server.accept(0.0, dialect="beta")
    session = events.RealtimeSession(output_modalities=["text"])
    wire.client.send(events.SessionUpdate(session=session), 0.0)
    data = b"".join(wire.client.outgoing())
    assert data == b""  # the handshake's answer is still under way
    wire.run()
    assert wire.server_events[-1] == events.SessionUpdate(session=session)
    other = Connection.client(azure, Config(dialect="ga"), now=0.0)
    assert other.config.dialect == "ga"


def test_pending_counts_what_waits() -> None:
    wire = opened()
    wire.server.send(CREATED, 0.0)
    wire.server.send(CREATED, 0.0)
    wire.client.receive(b"".join(wire.server.outgoing()), 0.0)
    assert wire.client.pending == 2
    wire.client.next_event()
    assert wire.client.pending == 1
    assert wire.client.role is rtproto.Role.CLIENT


def test_an_error_reply_is_said_before_the_close_that_came_with_its_cause() -> None:
    for bad in ("nope", None):
        wire = opened()
        if bad is None:
            framing: Any = wire.client._framing
            framing.send_bytes(b"binary")
        else:
            wire.client.send_raw(bad, 0.0)
        wire.client.close(0.0)
        wire.server.receive(b"".join(wire.client.outgoing()), 0.0)
        wire.run()
        error, closed = wire.client_events
        assert isinstance(error, events.ErrorEvent)
        assert closed.clean


def test_an_event_that_comes_with_the_handshakes_answer() -> None:
    wire = pair()
    wire.server.receive(b"".join(wire.client.outgoing()), 0.0)
    wire.server.accept(0.0)
    wire.server.send(CREATED, 0.0)
    wire.client.receive(b"".join(wire.server.outgoing()), 0.0)
    assert isinstance(wire.client.next_event(), events.Opened)
    assert wire.client.next_event() == CREATED


def test_two_timers_that_ring_in_one_tick() -> None:
    wire = opened(Config(timeouts=Timeouts(keepalive=20.0, pong=20.0, close=5.0)))
    wire.client.tick(20.0)
    wire.client.close(38.0)
    wire.client.tick(50.0)
    assert wire.client.state is State.CLOSED
    closed = wire.client.next_event()
    assert isinstance(closed, events.Closed)
    assert wire.client.next_event() is None


def test_an_end_as_recv_says_it() -> None:
    wire = opened()
    wire.client.receive(b"", 1.0)
    assert wire.client.state is State.CLOSED
    early = Connection.client(ENDPOINT, now=0.0)
    early.receive(b"", 0.0)
    assert early.state is State.CLOSED


def test_closing_a_request_that_waits_answers_it() -> None:
    wire = pair(accept=False).run()
    wire.server.close(0.0)
    wire.run()
    error = wire.client_events[0].error
    assert isinstance(error, HandshakeError)
    assert error.status == 503


def test_closing_after_a_rejection_keeps_the_answer() -> None:
    wire = pair(accept=False).run()
    wire.server.reject(0.0, 403)
    wire.server.close(0.0)
    wire.run()
    assert wire.client_events[0].error.status == 403


def test_answering_a_client_that_has_left_is_a_race_and_no_bug() -> None:
    for answer in ("accept", "reject"):
        wire = pair(accept=False).run()
        wire.server.receive_eof(0.0)
        with pytest.raises(SessionClosed):
            getattr(wire.server, answer)(0.0)


def test_a_wrong_dialect_leaves_the_request_to_be_answered() -> None:
    wire = pair(accept=False).run()
    with pytest.raises(LocalProtocolError, match="no dialect 'latin'"):
        wire.server.accept(0.0, dialect="latin")
    with pytest.raises(LocalProtocolError, match="bytes"):
        wire.server.reject(0.0, 403, body="text")  # type: ignore[arg-type]
    wire.server.accept(0.0)
    wire.run()
    assert isinstance(wire.client_events[0], events.Opened)


def test_a_reader_that_pauses_does_not_take_its_peer_for_dead() -> None:
    wire = opened(Config(limits=Limits(max_queue=2), timeouts=Timeouts(keepalive=20.0, pong=20.0)))
    for _ in range(3):
        wire.server.send(CREATED, 0.0)
    data = b"".join(wire.server.outgoing())
    wire.client.receive(data, 0.0)
    assert wire.client.full
    for now in (20.0, 40.0, 60.0):
        wire.client.tick(now)
    assert wire.client.outgoing() == []
    while wire.client.next_event() is not None:
        pass
    wire.client.tick(80.0)
    wire.client.receive(data, 81.0)
    wire.client.tick(100.0)
    assert wire.client.state is State.OPEN
    assert wire.client.deadline() == 101.0


def test_no_secret_and_no_flood_in_what_is_shown() -> None:
    request = events.Requested(path="/v1/realtime", query=(("api-key", "sk-secret"), ("model", "m")))
    assert "secret" not in repr(request)
    error = HandshakeError(401, [("x-echo", "sk-secret")], b"sk-secret is wrong")
    assert "secret" not in repr(events.Closed(clean=False, code=1006, error=error))
    assert len(repr(events.Violation(reason="no", raw="x" * 1000))) < 100
