# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""The tools of `rtproto.testing` take and give what they should."""

from typing_extensions import assert_type

from rtproto import Close, Connection, Endpoint, Role, Session, events
from rtproto.events import ClientEvent, ServerEvent
from rtproto.testing import Pair, Playbook


def a_story_of_one_machine() -> None:
    p = Playbook(Session(Role.CLIENT))
    assert_type(p.send(events.ResponseCreate()).wire(events.ResponseCreate()), Playbook)
    assert_type(p >> Close(1001) << events.Closed, Playbook)
    assert_type(p.close().wire(Close(1000)) @ 5.0 << None, Playbook)
    p >> 1001  # type: ignore[operator]
    assert_type(p.now, float)
    p.end()


def two_machines_on_a_wire(endpoint: Endpoint) -> None:
    pair = Pair(Session(Role.CLIENT), Session(Role.SERVER), latency=0.1)
    same = pair.run().advance(1.0).cut()
    assert_type(same.client, Session[ClientEvent, ServerEvent])
    assert_type(same.server, Session[ServerEvent, ClientEvent])
    Pair(Connection.client(endpoint, now=0.0), Connection.server(now=0.0), split=1)
    Pair(endpoint, Connection.server(now=0.0))  # type: ignore[type-var]
