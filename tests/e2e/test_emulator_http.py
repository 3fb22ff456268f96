"""The emulator as a server on the net: compression, TLS, and what it answers over plain HTTP."""

from __future__ import annotations

import gzip
import http.client
import json
import math
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import rtproto_emulator
import rtproto_sync
from emulated import create, wrote
from rtproto_emulator import Emulator, Settings, _aiohttp_host
from rtproto_emulator._rest import REST_PATHS

import rtproto
from rtproto import Config, Limits, events
from rtproto.errors import HandshakeError, SessionClosed

ENGINES: list[Any] = ["aiohttp", "stream"]
SECONDS = 20.0


@pytest.fixture(params=ENGINES)
def begin(request: pytest.FixtureRequest) -> Iterator[Callable[..., Emulator]]:
    """Starts an emulator with some settings."""
    with ExitStack() as stack:

        def start(**settings: Any) -> Emulator:
            tls = settings.pop("ssl_context", None)
            settings = {"pace": math.inf, **settings}
            emulator = rtproto_emulator.start(settings=Settings(**settings), engine=request.param, ssl_context=tls)
            return stack.enter_context(emulator)

        yield start


def a_written_turn(rt: Any) -> None:
    rt.send(wrote("hello"))
    rt.send(create(output_modalities=["text"]))
    for event in rt:
        assert not isinstance(event, events.Closed | events.ErrorEvent), event
        if isinstance(event, events.ResponseDone):
            break


# ---- compression ----


@pytest.mark.parametrize("compression", [True, False])
def test_compression_is_the_servers_to_give(begin: Callable[..., Emulator], compression: bool) -> None:
    emulator = begin(compression=compression)
    with rtproto_sync.connect(rtproto.endpoint(emulator.url), Config(compression=True, strict=True)) as rt:
        agreed = [value for name, value in rt.opened.headers if name == "sec-websocket-extensions"]
        assert [value.partition(";")[0] for value in agreed] == ["permessage-deflate"] * compression
        a_written_turn(rt)


def test_what_grows_too_large_is_refused(begin: Callable[..., Emulator]) -> None:
    """32 MiB in a few kilobytes."""
    emulator = begin()
    config = Config(compression=True, limits=Limits(max_message=64 * 1024 * 1024))
    with rtproto_sync.connect(rtproto.endpoint(emulator.url), config) as rt:
        with suppress(SessionClosed):
            rt.send_raw("[" + " " * 32 * 1024 * 1024 + "]")
        *_, closed = rt
    assert isinstance(closed, events.Closed)
    assert closed.code == 1009


# ---- TLS ----


@pytest.mark.usefixtures("tls_of_asyncio")
def test_a_session_over_tls(begin: Callable[..., Emulator], tmp_path: Path) -> None:
    made = rtproto_emulator.self_signed(tmp_path)
    emulator = begin(ssl_context=made.ssl_context)
    assert emulator.url == f"wss://127.0.0.1:{emulator.port}/v1/realtime"
    trusting = ssl.create_default_context(cafile=str(made.authority))
    with rtproto_sync.connect(rtproto.endpoint(emulator.url), ssl_context=trusting) as rt:
        a_written_turn(rt)
    suspicious = ssl.create_default_context()
    with (
        pytest.raises(ConnectionError, match=r"certificate|issuer"),
        rtproto_sync.connect(rtproto.endpoint(emulator.url), ssl_context=suspicious),
    ):
        pass
    plain = rtproto.endpoint(emulator.url.replace("wss", "ws"))
    with pytest.raises((HandshakeError, ConnectionError)), rtproto_sync.connect(plain):
        pass
    with rtproto_sync.connect(rtproto.endpoint(emulator.url), ssl_context=trusting) as rt:
        a_written_turn(rt)


# ---- REST ----


@pytest.fixture
def desk() -> Iterator[Emulator]:
    with rtproto_emulator.start(settings=Settings(pace=math.inf)) as running:
        yield running


def ask(emulator: Emulator, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=SECONDS)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
        response = connection.getresponse()
        said = response.read()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(said) if is_json else said.decode(), response.headers
    finally:
        connection.close()


@pytest.mark.parametrize("path", REST_PATHS)
def test_a_page_in_a_browser_may_ask(desk: Emulator, path: str) -> None:
    asked: Any = {"Origin": "http://localhost:3000", "Access_Control_Request_Headers": "authorization,content-type"}
    status, _, headers = ask(desk, "OPTIONS", path, Access_Control_Request_Method="POST", **asked)
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert {"authorization", "content-type"} <= {*headers["Access-Control-Allow-Headers"].lower().split(", ")}
    status, said, headers = ask(desk, "POST", path, b"{", Content_Type="application/json")
    assert (status, headers["Access-Control-Allow-Origin"]) == (400, "*")
    assert "JSON" in said["error"]["message"]


def test_a_post_elsewhere(desk: Emulator) -> None:
    status, said, _ = ask(desk, "POST", "/v1/realtime", b"{}", Content_Type="application/json")
    assert status == 404
    assert "/v1/realtime/client_secrets" in said["error"]["message"]
    assert ask(desk, "OPTIONS", "/v1/realtime")[0] == 404


@pytest.mark.parametrize("compressed", [False, True])
def test_a_body_that_is_too_large(desk: Emulator, compressed: bool) -> None:
    body = b"{" + b" " * 32 * 1024 * 1024 + b"}"
    more: Any = {"Content_Encoding": "gzip"} if compressed else {}
    sent = gzip.compress(body, 1) if compressed else body[: 2 * 1024 * 1024]
    status, said, _ = ask(desk, "POST", REST_PATHS[0], sent, Content_Type="application/json", **more)
    assert status == 413
    assert said["error"]["message"] == "The body is larger than 1048576 bytes."


def test_a_body_that_will_be_too_large_is_refused_at_once(desk: Emulator) -> None:
    head = b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: a\r\nContent-Length: 99000000\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", desk.port), SECONDS) as client:
        client.sendall(head)
        assert client.recv(100).startswith(b"HTTP/1.1 413 ")


def test_a_post_that_is_cut_off(desk: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    head = b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    for rest in (
        b"Content-Length: 100\r\n\r\n{",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Content-Length: -1\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", desk.port), SECONDS) as client:
            client.sendall(head + rest)
    assert ask(desk, "POST", REST_PATHS[0])[0] == 200
    status, said, _ = ask(desk, "POST", REST_PATHS[0], b"{}", Content_Encoding="gzip")
    assert (status, said["error"]["message"][:4]) == (400, "The ")
    assert [record for record in caplog.records if record.exc_info] == []


def test_a_body_that_does_not_come(desk: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_aiohttp_host, "_PATIENCE", 0.05)
    with socket.create_connection(("127.0.0.1", desk.port), SECONDS) as client:
        client.sendall(b"POST /v1/realtime/client_secrets HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")
        assert client.recv(65536).startswith(b"HTTP/1.1 408 ")


def test_the_byte_driver_says_that_it_speaks_websocket_alone() -> None:
    with rtproto_emulator.start(engine="stream") as emulator:
        status, said, headers = ask(emulator, "POST", REST_PATHS[0], b"{}")
    assert (status, headers["Allow"]) == (405, "GET")
    assert said == "this address speaks WebSocket, which is opened with the method GET\n"


def test_the_numbers_of_a_server(desk: Emulator) -> None:
    with rtproto_sync.connect(rtproto.endpoint(desk.url)) as rt:
        a_written_turn(rt)
        status, said, headers = ask(desk, "GET", "/metrics")
        assert 'rtproto_sessions_open{dialect="ga"} 1.0' in said.splitlines()
    assert ask(desk, "GET", "/nowhere")[0] == 404
    wanted = [
        'rtproto_sessions_total{dialect="ga",outcome="closed_by_client"} 1.0',
        'rtproto_events_received_total{type="response.create"} 1.0',
        'rtproto_responses_total{status="completed"} 1.0',
        'rtproto_requests_refused_total{status="404"} 1.0',
    ]
    end = time.monotonic() + SECONDS
    while not {*wanted} <= {*said.splitlines()} and time.monotonic() < end:
        status, said, headers = ask(desk, "GET", "/metrics")
    assert [line for line in wanted if line not in said] == []
    assert (status, headers.get_content_type()) == (200, "text/plain")
