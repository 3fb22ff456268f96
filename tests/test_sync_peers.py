"""The threads driver against another WebSocket implementation, and its server's life."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import rtproto_sync
from websockets.sync.client import connect as other_connect
from websockets.sync.server import Server, ServerConnection
from websockets.sync.server import serve as other_serve

import rtproto
from rtproto import Config, Timeouts
from rtproto.errors import HandshakeError, SessionClosed
from rtproto.events import Closed, InputAudioBufferAppend, InputAudioBufferClear, Unknown

KEY = "sk-very-secret"
APPEND = InputAudioBufferAppend(event_id="e1", audio=bytes(range(256)) * 100)
DONE = '{"type":"test.done"}'
CONFIGS = [pytest.param(Config(), id="plain"), pytest.param(Config(compression=True), id="deflate")]


@contextmanager
def other_server(**options: Any) -> Iterator[Server]:
    """Repeats what it hears as Unknown events, and closes after a clear."""

    def handler(other: ServerConnection) -> None:
        for message in other:
            event = json.loads(message)
            if event["type"] == "input_audio_buffer.clear":
                other.send(DONE)
                return
            other.send(json.dumps({**event, "type": "test.echo"}))

    with other_serve(handler, "127.0.0.1", 0, max_size=None, **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
    thread.join()


def own(port: int) -> socket.socket:
    """A socket for websockets, which else would ask the environment for a proxy."""
    return socket.create_connection(("127.0.0.1", port))


def endpoint(port: int, **options: Any) -> rtproto.Endpoint:
    return rtproto.endpoint(f"ws://127.0.0.1:{port}/v1/realtime", api_key=KEY, **options)


def talk(client: Any) -> None:
    for n in range(50):
        client.send(InputAudioBufferAppend(event_id=f"e{n}", audio=APPEND.audio))
    client.send(InputAudioBufferClear())
    events = list(client)
    assert [event.raw["event_id"] for event in events[:-2]] == [f"e{n}" for n in range(50)]
    assert events[-2] == Unknown(raw=json.loads(DONE))
    assert events[-1] == Closed(clean=True, code=1000)


@pytest.mark.parametrize("config", CONFIGS)
def test_a_client_of_websockets(config: Config) -> None:
    with other_server() as server, rtproto_sync.connect(endpoint(server.socket.getsockname()[1]), config) as client:
        talk(client)


def test_without_a_block() -> None:
    with other_server() as server:
        client = rtproto_sync.connect(endpoint(server.socket.getsockname()[1]))
        client.send(APPEND)
        assert isinstance(next(client), Unknown)
        client.close()
        assert client.closed == Closed(clean=True, code=1000)


def echo(connection: rtproto_sync.ServerStream) -> None:
    connection.accept()
    for event in connection:
        if isinstance(event, InputAudioBufferClear):
            connection.send_raw(DONE)
            return
        if isinstance(event, InputAudioBufferAppend):
            connection.send_raw(json.dumps({"type": "test.echo", "event_id": event.event_id}))


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_a_server_for_websockets(compression: str | None) -> None:
    with (
        rtproto_sync.serve(echo, "127.0.0.1", 0, Config(compression=True)) as server,
        other_connect(f"ws://127.0.0.1:{server.port}/", compression=compression, sock=own(server.port)) as other,
    ):
        other.send(json.dumps(rtproto.to_dict(APPEND)))
        other.send('{"type":"input_audio_buffer.clear"}')
        heard = list(other)
    assert [json.loads(message)["type"] for message in heard] == ["test.echo", "test.done"]


def test_both_ends() -> None:
    with rtproto_sync.serve(echo, "localhost", 0) as server, rtproto_sync.connect(endpoint(server.port)) as client:
        talk(client)


def test_a_refusal_of_websockets() -> None:
    def refuse(other: ServerConnection, request: Any) -> Any:
        return other.respond(401, "who are you?\n")

    with (
        other_server(process_request=refuse) as server,
        pytest.raises(HandshakeError, match=r"HTTP 401.*key") as caught,
    ):
        rtproto_sync.connect(endpoint(server.socket.getsockname()[1]))
    assert caught.value.status == 401
    assert caught.value.body == b"who are you?\n"
    assert KEY not in str(caught.value)


def test_a_server_lives_on_when_handlers_fail_and_tells_the_log(caplog: pytest.LogCaptureFixture) -> None:
    def fail(connection: rtproto_sync.ServerStream) -> None:
        connection.accept()
        next(connection)
        raise ZeroDivisionError

    with caplog.at_level(logging.DEBUG, logger="rtproto_sync"), rtproto_sync.serve(fail, "127.0.0.1", 0) as server:
        for _ in range(2):
            with rtproto_sync.connect(endpoint(server.port)) as client:
                client.send(APPEND)
                assert list(client) == [Closed(clean=True, code=1011)]
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(failures) == 2
    assert all("handler" in record.getMessage() for record in failures)
    assert KEY not in caplog.text


def test_a_handler_whose_client_left_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    def send_for_ever(connection: rtproto_sync.ServerStream) -> None:
        connection.accept()
        while True:
            connection.send_raw(DONE)

    with rtproto_sync.serve(send_for_ever, "127.0.0.1", 0) as server, rtproto_sync.connect(endpoint(server.port)) as rt:
        next(rt)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def threads_of(server: rtproto_sync.Server) -> list[str]:
    return [thread.name for thread in threading.enumerate() if f"port {server.port}" in thread.name]


def test_a_server_that_closes_ends_all_its_threads() -> None:
    def iterate(connection: rtproto_sync.ServerStream) -> None:
        connection.accept()
        for _ in connection:
            pass

    server = rtproto_sync.serve(iterate, "127.0.0.1", 0)
    clients = [rtproto_sync.connect(endpoint(server.port)) for _ in range(3)]
    assert len(threads_of(server)) == 4
    ends: list[Any] = []
    waiting = [threading.Thread(target=lambda client=client: ends.extend(client)) for client in clients]
    for thread in waiting:
        thread.start()
    server.close()
    assert threads_of(server) == []
    for thread in waiting:
        thread.join(10)
    assert ends == [Closed(clean=True, code=1001, reason="the server is going away")] * 3
    server.close()
    with pytest.raises(ConnectionRefusedError):
        rtproto_sync.connect(endpoint(server.port))


def test_clients_that_do_not_answer_hold_no_server_back() -> None:
    config = Config(timeouts=Timeouts(close=0.2))
    leaving = threading.Event()
    served: list[rtproto_sync.ServerStream] = []

    def wait(connection: rtproto_sync.ServerStream) -> None:
        connection.accept()
        served.append(connection)
        leaving.wait(10)

    server = rtproto_sync.serve(wait, "127.0.0.1", 0, config)
    client = rtproto_sync.connect(endpoint(server.port))
    server.close()
    assert served[0].closed is not None
    with pytest.raises(SessionClosed):
        served[0].send_raw(DONE)
    leaving.set()
    client.close()
    assert client.closed is not None
    assert client.closed.code == 1001


def test_a_port_that_is_taken() -> None:
    with rtproto_sync.serve(echo, "127.0.0.1", 0) as server, pytest.raises(OSError, match="in use"):
        rtproto_sync.serve(echo, "127.0.0.1", server.port)
