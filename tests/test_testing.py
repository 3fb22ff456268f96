"""The tools for testing, tested."""

import pytest

import rtproto
from rtproto import Close, Config, Connection, Role, Session, Timeouts, events
from rtproto.testing import Pair, Playbook

CREATED = events.SessionCreated(event_id="event_1", session=events.RealtimeSession(id="sess_1"))


def test_a_playbook_says_what_differs() -> None:
    p = Playbook(Session(Role.CLIENT))
    p >> CREATED
    with pytest.raises(AssertionError) as failed:
        p << events.SessionCreated(event_id="event_2", session=events.RealtimeSession(id="sess_1"))
    assert "-  event_id = 'event_2'" in str(failed.value)
    assert "+  event_id = 'event_1'" in str(failed.value)
    with pytest.raises(AssertionError, match="the wire carries something else"):
        p.wire(events.ResponseCreate())
    p.send(events.ResponseCreate())
    with pytest.raises(AssertionError):
        p.end()


def test_a_playbook_takes_an_opened_session_and_its_dialect() -> None:
    session = Session(Role.SERVER, Config(dialect="beta"))
    session.open(0.0)
    p = Playbook(session, now=5.0)
    p >> '{"type": "session.update", "session": {"voice": "ash"}}' << events.SessionUpdate
    p.send(CREATED).wire(CREATED)
    p.send(CREATED).wire('{"type":"session.created","event_id":"event_1","session":{"id":"sess_1"}}')
    p.close().wire(Close(1000)) @ 10.0 << events.Closed
    p.end()


@pytest.mark.parametrize("latency", [0.0, 0.25])
def test_a_pair_of_sessions_on_a_virtual_wire(latency: float) -> None:
    pair = Pair(Session(Role.CLIENT), Session(Role.SERVER), latency=latency)
    pair.client.send(events.ResponseCreate(), 0.0)
    pair.run()
    assert pair.server_events == ([] if latency else [events.ResponseCreate()])
    pair.advance(0.25)
    assert pair.server_events == [events.ResponseCreate()]
    assert pair.now == 0.25


def test_a_pair_lets_timers_ring_at_their_time() -> None:
    endpoint = rtproto.endpoint("ws://localhost/v1/realtime")
    quiet = Config(timeouts=Timeouts(keepalive=None))
    pair = Pair(
        Connection.client(endpoint, Config(timeouts=Timeouts(keepalive=10.0)), now=0.0),
        Connection.server(quiet, now=0.0),
        split=lambda data: [data[:5], data[5:]],
    )
    pair.advance(3600.0)
    assert pair.client.state is rtproto.State.OPEN
    assert pair.now == 3600.0
    pair.cut()
    assert isinstance(pair.client_events[-1], events.Closed)
    assert isinstance(pair.server_events[-1], events.Closed)
    assert pair.advance(1.0).client_events.count(pair.client_events[-1]) == 1
