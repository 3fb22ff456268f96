"""Faults on the wire of both hosts, as a raw client sees them."""

from __future__ import annotations

import json
import math
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import rtproto_emulator
import rtproto_sync
from contract.peers import Peer, raw_connect, read_header, wait_until
from emulated import WRITTEN, wrote
from rtproto_emulator import Emulator, Settings, _injection
from wsproto.events import CloseConnection, TextMessage

import rtproto
from rtproto import events
from rtproto.errors import HandshakeError

_HANDSHAKE = (
    b"GET /v1/realtime HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SHORT = 0.3
"""Seconds in which nothing must come: a server that says something here says it within milliseconds."""


@pytest.fixture(scope="module", params=["aiohttp", "stream"])
def server(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with rtproto_emulator.start(settings=Settings(pace=math.inf), engine=request.param) as emulator:
        yield emulator


@pytest.fixture
def emulator(server: Emulator) -> Iterator[Emulator]:
    yield server
    server.faults.clear()


@pytest.fixture
def connect(emulator: Emulator) -> Iterator[Callable[[], Peer]]:
    """Makes raw clients, which are gone after the test."""
    with ExitStack() as stack:

        def make() -> Peer:
            peer = Peer.connect(emulator.port)
            stack.callback(peer.close)
            return peer

        yield make


def said(event: TextMessage | str) -> Any:
    return json.loads(event if isinstance(event, str) else event.data)


def ask(peer: Peer) -> None:
    peer.say('{"type":"response.create","response":{"output_modalities":["text"]}}')


def ended(sock: socket.socket) -> tuple[bytes, bool]:
    """What comes until the connection ends, and whether it was reset."""
    data = b""
    try:
        while piece := sock.recv(65536):
            data += piece
    except ConnectionResetError:
        return data, True
    return data, False


# ---- before the session ----


def test_a_connection_that_is_reset(emulator: Emulator) -> None:
    emulator.faults.add("refuse*1")
    with raw_connect(emulator.port) as sock:
        sock.sendall(_HANDSHAKE)
        assert ended(sock) == (b"", True)
    assert emulator.faults.list() == []


def test_a_handshake_that_is_never_answered(emulator: Emulator) -> None:
    emulator.faults.add("refuse:silent")
    with raw_connect(emulator.port) as sock:
        sock.sendall(_HANDSHAKE)
        sock.settimeout(SHORT)
        with pytest.raises(TimeoutError):
            sock.recv(1)


@pytest.mark.parametrize(("fault", "retry"), [("http:401", None), ("http:429:2", "2"), ("http:503", None)])
def test_a_handshake_that_is_refused(emulator: Emulator, fault: str, retry: str | None) -> None:
    emulator.faults.add(fault)
    with pytest.raises(HandshakeError) as refused, rtproto_sync.connect(rtproto.endpoint(emulator.url)):
        pass
    headers = {name.lower(): value for name, value in refused.value.headers}
    assert refused.value.status == int(fault[5:8])
    assert headers.get("retry-after") == retry
    assert f"the fault {fault}".encode() in refused.value.body


# ---- the end ----


def test_an_abrupt_loss(emulator: Emulator, connect: Callable[[], Peer]) -> None:
    emulator.faults.add("abort@response.output_text.delta#3")
    peer = connect()
    ask(peer)
    heard = []
    while isinstance(event := peer.hear(), TextMessage):
        heard.append(said(event)["type"])
    assert event is None
    assert heard.count("response.output_text.delta") <= 2


@pytest.mark.parametrize("fault", ["abort", "half-frame"])
def test_what_never_came_is_not_counted(emulator: Emulator, connect: Callable[[], Peer], fault: str) -> None:
    sent = emulator._sessions.metrics.sent
    before = sent.get(events.SessionCreated, 0)
    emulator.faults.add(f"{fault}@session.created")
    assert connect().hear() is None
    assert sent.get(events.SessionCreated, 0) == before


@pytest.mark.parametrize("code", [1001, 1011, 4000])
def test_a_close_at_an_event(emulator: Emulator, connect: Callable[[], Peer], code: int) -> None:
    emulator.faults.add(f"close:{code}:enough@response.output_text.delta#3")
    peer = connect()
    ask(peer)
    heard = []
    while isinstance(event := peer.hear(), TextMessage):
        heard.append(said(event)["type"])
    assert isinstance(event, CloseConnection)
    assert (event.code, event.reason) == (code, "enough")
    assert heard.count("response.output_text.delta") == 2


def test_a_close_that_is_never_answered(emulator: Emulator, connect: Callable[[], Peer]) -> None:
    emulator.faults.add("no-close@session.updated")
    peer = connect()
    peer.texts(1)
    peer.say('{"type":"session.update","session":{"type":"realtime","instructions":"%s"}}' % ("x" * 70_000))
    assert said(peer.texts(1)[0])["type"] == "session.updated"
    peer.say('{"type":"conversation.item.retrieve","item_id":"%s"}' % ("x" * 300))
    assert said(peer.texts(1)[0])["type"] == "error"
    peer.say_close()
    with pytest.raises(TimeoutError):
        peer.hear(SHORT)


# ---- what is no event ----


def test_half_a_frame(emulator: Emulator, connect: Callable[[], Peer]) -> None:
    emulator.faults.add("half-frame@session.updated")
    peer = connect()
    peer.texts(1)
    peer.say('{"type":"session.update","session":{"type":"realtime","instructions":"here"}}')
    data, _ = ended(peer.sock)
    assert data[:2] == b"\x81\x7e"
    assert len(data) - 4 < int.from_bytes(data[2:4], "big")
    assert b'"session.updated"' in data


def test_text_that_is_not_utf8(emulator: Emulator) -> None:
    emulator.faults.add("bad-utf8@session.updated")
    with rtproto_sync.connect(rtproto.endpoint(emulator.url)) as rt:
        rt.send(WRITTEN)
        created, closed = list(rt)
    assert isinstance(created, events.SessionCreated)
    assert isinstance(closed, events.Closed)
    assert closed.code == 1007


def test_what_is_no_json_and_what_nobody_knows(emulator: Emulator) -> None:
    emulator.faults.add("bad-json@conversation.item.added")
    emulator.faults.add("unknown-event:odd@conversation.item.done")
    with rtproto_sync.connect(rtproto.endpoint(emulator.url)) as rt:
        rt.send(wrote("hi"))
        seen = [next(rt) for _ in range(4)]
    assert [type(event).__name__ for event in seen] == [
        "SessionCreated",
        "Violation",
        "Unknown",
        "ConversationItemDone",
    ]


def test_events_twice_and_in_another_order_in_the_clients_dialect(emulator: Emulator) -> None:
    for fault in ("duplicate@session.updated", "reorder@response.created", "drop@rate_limits.updated"):
        emulator.faults.add(fault)
    where = rtproto.endpoint(emulator.url, dialect="beta", headers=(("OpenAI-Beta", "realtime=v1"),))
    with rtproto_sync.connect(where) as rt:
        rt.send(WRITTEN)
        rt.send(events.ResponseCreate())
        seen = [getattr(next(rt), "wire_type", None) for _ in range(5)]
    once = ["session.created", "session.updated"]
    assert seen == [*once, "session.updated", "response.output_item.added", "response.created"]


# ---- time ----


def test_what_nothing_overtakes_comes_late(
    emulator: Emulator, connect: Callable[[], Peer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_injection, "_MAX_HELD", 0.05)
    emulator.faults.add("reorder@session.created")
    assert said(connect().texts(1)[0])["type"] == "session.created"


def test_a_slow_reader(emulator: Emulator, connect: Callable[[], Peer]) -> None:
    emulator.faults.add("slow-reader:0.4@session.updated*1")
    peer = connect()
    peer.texts(1)
    peer.say('{"type":"session.update","session":{"type":"realtime"}}')
    peer.texts(1)
    began = time.monotonic()
    ask(peer)
    assert said(peer.texts(1)[0])["type"] == "response.created"
    assert 0.3 < time.monotonic() - began < 5


def test_a_stall_and_latency(emulator: Emulator, connect: Callable[[], Peer]) -> None:
    emulator.faults.add("stall:0.2@session.created*1")
    emulator.faults.add("latency:0.2@session.updated*1")
    began = time.monotonic()
    peer = connect()
    peer.texts(1)
    assert 0.15 < time.monotonic() - began < 5
    peer.say('{"type":"session.update","session":{"type":"realtime"}}')
    began = time.monotonic()
    peer.texts(1)
    assert 0.15 < time.monotonic() - began < 5


def test_after_all_that_nobody_is_left(emulator: Emulator) -> None:
    wait_until(lambda: not emulator._sessions.open())
    with raw_connect(emulator.port) as sock:
        sock.sendall(_HANDSHAKE)
        assert read_header(sock).startswith("HTTP/1.1 101")


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 10).close()
    except ConnectionRefusedError:
        return True
    return False


def take_down(emulator: Emulator) -> None:
    emulator.faults.add("down")
    wait_until(lambda: not emulator.faults.list())
    wait_until(lambda: is_refused(emulator.port))


def test_down(emulator: Emulator, connect: Callable[[], Peer]) -> None:
    peer = connect()
    assert said(peer.texts(1)[0])["type"] == "session.created"
    take_down(emulator)
    ask(peer)
    assert said(peer.texts(1)[0])["type"] == "response.created"
    assert is_refused(emulator.port)
    emulator.faults.clear()
    wait_until(lambda: not is_refused(emulator.port))
    assert said(connect().texts(1)[0])["type"] == "session.created"


@pytest.mark.parametrize("engine", ["aiohttp", "stream"])
def test_down_from_the_beginning(engine: Any) -> None:
    with rtproto_emulator.start(settings=Settings(faults=[f"down:{SHORT}"]), engine=engine) as emulator:
        assert is_refused(emulator.port)
        wait_until(lambda: not is_refused(emulator.port))
        with rtproto_sync.connect(rtproto.endpoint(emulator.url)) as rt:
            assert isinstance(rt.next_event(10), events.SessionCreated)


def test_a_close_code_that_nobody_may_send_is_a_protocol_error(connect: Callable[[], Peer]) -> None:
    peer = connect()
    peer.texts(1)
    mask = bytes(4)
    peer.sock.sendall(b"\x88\x82" + mask + (5001).to_bytes(2, "big"))
    assert peer.until(CloseConnection).code == 1002
