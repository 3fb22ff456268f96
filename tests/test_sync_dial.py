"""How the threads driver finds its way: names, addresses, TLS; each step bounded."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import rtproto_sync
import trustme
from rtproto_sync._dial import OutOfTime, open_tcp
from rtproto_sync._layer import Plain, Tls
from rtproto_sync._wake import Wake, wait

import rtproto
from rtproto import Config, Timeouts
from rtproto.errors import HandshakeError

Address = tuple[int, int, int, str, Any]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)


def test_the_next_address_is_tried_when_one_refuses(
    monkeypatch: pytest.MonkeyPatch, listener: socket.socket, closed_port: int
) -> None:
    good = listener.getsockname()
    resolve_to(monkeypatch, ("127.0.0.1", closed_port), good)
    with open_tcp("two.example", 1, time.monotonic() + 5) as sock:
        assert sock.getpeername() == good
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.fixture
def silent() -> Iterator[tuple[str, int]]:
    """An address where a connection gets no answer: its backlog is full."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(5)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        yield full.getsockname()
        for sock in waiting:
            sock.close()


def test_an_address_that_says_nothing_costs_only_its_head_start(
    monkeypatch: pytest.MonkeyPatch, listener: socket.socket, silent: tuple[str, int]
) -> None:
    resolve_to(monkeypatch, silent, listener.getsockname())
    with open_tcp("two.example", 1, time.monotonic() + 5) as sock:
        assert sock.getpeername() == listener.getsockname()


def test_when_all_addresses_refuse(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    resolve_to(monkeypatch, ("127.0.0.1", closed_port), ("127.0.0.1", closed_port))
    with pytest.raises(ConnectionRefusedError, match=r"cannot connect to two.example:7: Connection refused"):
        open_tcp("two.example", 7, time.monotonic() + 5)


def test_connecting_is_bounded(silent: tuple[str, int]) -> None:
    with pytest.raises(OutOfTime):
        open_tcp(*silent, time.monotonic() + 0.1)


def test_looking_up_a_name_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: asked.wait(10) and [])
    endpoint = rtproto.endpoint("ws://slow.example/v1/realtime")
    with pytest.raises(HandshakeError, match=r"slow.example:80 did not answer within 0.1 s"):
        rtproto_sync.connect(endpoint, Config(timeouts=Timeouts(open=0.1)))
    asked.set()


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    client = ssl.create_default_context()
    authority.configure_trust(client)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("voice.example").configure_cert(server)
    return client, server


def shake_hands(client: Tls, server: Tls) -> None:
    client.receive(b"")
    for _ in range(3):
        assert server.receive(client.outgoing()) == b""
        assert client.receive(server.outgoing()) == b""
    assert client.ready
    assert server.ready


@pytest.mark.parametrize("piece", [1, 1000, 1_000_000])
def test_tls_carries_bytes_however_they_are_cut(contexts: tuple[ssl.SSLContext, ssl.SSLContext], piece: int) -> None:
    client, server = Tls(contexts[0], server_hostname="voice.example"), Tls(contexts[1])
    shake_hands(client, server)
    words = bytes(range(256)) * (4 if piece == 1 else 1000)
    client.send(words)
    wire = client.outgoing()
    assert words[:50] not in wire
    heard = b"".join(server.receive(wire[at : at + piece]) for at in range(0, len(wire), piece))
    assert heard == words
    assert client.outgoing() == b""
    assert not server.ended


def test_a_tls_goodbye_is_the_end(contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    client, server = Tls(contexts[0], server_hostname="voice.example"), Tls(contexts[1])
    shake_hands(client, server)
    server.send(b"last words")
    with pytest.raises(ssl.SSLWantReadError):
        server._object.unwrap()
    assert client.receive(server.outgoing()) == b"last words"
    assert client.ended


def test_a_certificate_for_another_name_is_refused_with_an_alert(
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    client, server = Tls(contexts[0], server_hostname="other.example"), Tls(contexts[1])
    client.receive(b"")
    server.receive(client.outgoing())
    with pytest.raises(ssl.SSLCertVerificationError):
        client.receive(server.outgoing())
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        server.receive(client.outgoing())


def test_without_tls_bytes_pass() -> None:
    layer = Plain()
    layer.send(b"a")
    layer.send(b"b")
    assert layer.outgoing() == b"ab"
    assert layer.outgoing() == b""
    assert layer.receive(b"c") == b"c"


def test_a_wake_wakes_until_it_is_cleared() -> None:
    wake = Wake()
    wanted = [(wake, 1)]
    assert wait(wanted, 0.0) == []
    for _ in range(10_000):  # more than its buffer holds
        wake.set()
    assert wait(wanted, time.monotonic() + 10) == [wake]
    wake.clear()
    assert wait(wanted, 0.0) == []
    wake.close()
    wake.set()
