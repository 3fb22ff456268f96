"""What holds for every input: nothing a peer says raises, and no cut of the bytes changes the result."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from scale import scaled

import rtproto
from rtproto import Close, Config, Connection, Role, Session, State, Timeouts, events
from rtproto.errors import SessionClosed
from rtproto.testing import Pair

ENDPOINT = rtproto.endpoint("ws://localhost/v1/realtime")
QUIET = Config(timeouts=Timeouts(keepalive=None))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)
TYPES = st.sampled_from(["session.created", "response.done", "conversation.item.added", "error", "rate_limits.updated"])
KEYS = st.sampled_from(
    ["session", "response", "item", "error", "rate_limits", "event_id", "audio", "id", "content", "x"]
)
WIRE_EVENTS = st.dictionaries(KEYS, JSON, max_size=5).flatmap(
    lambda body: TYPES.map(lambda name: json.dumps({"type": name, **body}))
)


def drain(machine: Any) -> list[Any]:
    seen = []
    while (event := machine.next_event()) is not None:
        seen.append(event)
    return seen


@given(st.lists(st.text() | st.binary() | WIRE_EVENTS | JSON.map(json.dumps), max_size=8))
def test_no_message_raises_and_each_one_is_answered_for(messages: list[Any]) -> None:
    for role, dialect in ((Role.CLIENT, "ga"), (Role.CLIENT, "beta"), (Role.SERVER, "ga"), (Role.SERVER, "beta")):
        session: Session[Any, Any] = Session(role, Config(dialect=dialect))
        session.open(0.0)
        drain(session)
        for message in messages:
            session.receive(message, 0.0)
        seen = drain(session)
        assert len(seen) == len(messages)
        assert session.state is State.OPEN
        violations = sum(isinstance(event, events.Violation) for event in seen)
        assert len(session.outgoing()) == (violations if role is Role.SERVER else 0)


@given(WIRE_EVENTS)
def test_what_decodes_encodes_to_the_same_json(text: str) -> None:
    client, server = Session(Role.CLIENT), Session(Role.SERVER)
    client.open(0.0)
    server.open(0.0)
    drain(client)
    client.receive(text, 0.0)
    (event,) = drain(client)
    if not isinstance(event, events.Violation):
        server.send(event, 0.0)
        (again,) = server.outgoing()
        assert json.loads(str(again)) == json.loads(text)


def talk(cuts: list[int]) -> "tuple[list[Any], list[Any]]":
    """A short session, its bytes cut at these places; what both sides see."""

    def split(chunk: bytes) -> list[bytes]:
        return [chunk[a:b] for a, b in zip([0, *cuts], [*cuts, len(chunk)], strict=True)]

    client, server = Connection.client(ENDPOINT, QUIET, now=0.0), Connection.server(QUIET, now=0.0)
    pair = Pair(client, server, split=split).run()
    for n in range(3):
        pair.client.send(events.InputAudioBufferAppend(audio=bytes(100 * n)), 0.0)
        pair.server.send(events.InputAudioBufferCleared(event_id=f"event_{n}"), 0.0)
        pair.server.send_raw("{", 0.0)
    pair.server.close(0.0, 1001, "bye")
    pair.run()
    return pair.client_events[1:], pair.server_events[1:]


@given(st.lists(st.integers(0, 400), max_size=6).map(sorted))
def test_no_cut_changes_what_is_seen(cuts: list[int]) -> None:
    assert talk(cuts) == talk([])


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_raise(data: bytes, opened: bool) -> None:
    for which in ("client", "server"):
        pair = Pair(Connection.client(ENDPOINT, QUIET, now=0.0), Connection.server(QUIET, now=0.0))
        if opened:
            pair.run()
        machine = getattr(pair, which)
        machine.receive(data, 0.0)
        machine.receive_eof(0.0)
        seen = drain(machine)
        assert isinstance(seen[-1], events.Closed)
        assert sum(isinstance(event, events.Closed) for event in seen) == 1
        assert machine.deadline() is None


class TwoMachines(RuleBasedStateMachine):
    """Two connections on a virtual wire, in any order of calls: nothing is lost, nothing hangs, Closed is last."""

    def __init__(self) -> None:
        super().__init__()
        config = Config(timeouts=Timeouts(open=30.0, keepalive=20.0, pong=20.0, close=5.0))
        self.pair = Pair(
            Connection.client(ENDPOINT, config, now=0.0), Connection.server(config, now=0.0), latency=0.1, split=170
        )
        self.sent: dict[str, int] = {"client": 0, "server": 0}
        self.cut_or_closed = False

    @rule(n=st.integers(1, 5))
    def client_says(self, n: int) -> None:
        for _ in range(n):
            try:
                self.pair.client.send(events.ConversationItemDelete(item_id=str(self.sent["client"])), self.pair.now)
                self.sent["client"] += 1
            except SessionClosed:
                self.cut_or_closed = True

    @precondition(lambda self: self.pair.server.state is not State.CONNECTING)
    @rule()
    def server_says(self) -> None:
        try:
            event = events.ConversationItemDeleted(item_id=str(self.sent["server"]))
            self.pair.server.send(event, self.pair.now)
            self.sent["server"] += 1
        except SessionClosed:
            self.cut_or_closed = True

    @rule(seconds=st.floats(0.0, 30.0))
    def time_passes(self, seconds: float) -> None:
        self.pair.advance(seconds)

    @rule(who=st.sampled_from(["client", "server"]))
    def someone_closes(self, who: str) -> None:
        getattr(self.pair, who).close(self.pair.now)
        self.cut_or_closed = True

    @rule()
    def the_wire_is_cut(self) -> None:
        self.pair.cut()
        self.cut_or_closed = True

    @invariant()
    def events_come_in_order_and_closed_is_last(self) -> None:
        for who, seen in (("server", self.pair.client_events), ("client", self.pair.server_events)):
            ids = [int(event.item_id) for event in seen if hasattr(event, "item_id")]
            assert ids == list(range(len(ids)))
            assert len(ids) <= self.sent[who]
            ends = [i for i, event in enumerate(seen) if isinstance(event, events.Closed)]
            assert ends in ([], [len(seen) - 1])

    def teardown(self) -> None:
        if not self.cut_or_closed:
            self.pair.advance(1.0)
            assert len(self.pair.server_events) - 1 == self.sent["client"]
            assert len(self.pair.client_events) - 1 == self.sent["server"]
        self.pair.client.close(self.pair.now)
        self.pair.advance(60.0)
        for machine, seen in (
            (self.pair.client, self.pair.client_events),
            (self.pair.server, self.pair.server_events),
        ):
            assert machine.state is State.CLOSED
            assert isinstance(seen[-1], events.Closed)
            assert machine.deadline() is None


TestTwoMachines = TwoMachines.TestCase
TestTwoMachines.settings = settings(max_examples=scaled(40), stateful_step_count=20)


def test_a_close_travels_as_it_is() -> None:
    pair = Pair(Session(Role.CLIENT), Session(Role.SERVER)).run()
    pair.client.close(0.0, 4000, "beta_api_shape_disabled")
    assert pair.client.outgoing() == [Close(4000, "beta_api_shape_disabled")]
