"""The trio drivers against other people's WebSockets, and each against the other."""

from __future__ import annotations

import json
import logging
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import rtproto_trio
import trio
import trio_websocket
import trustme
from websockets.sync.client import connect as other_connect
from websockets.sync.server import Server, ServerConnection
from websockets.sync.server import serve as other_serve

import rtproto
from rtproto import Config, Limits
from rtproto.errors import HandshakeError, LocalProtocolError, SessionClosed
from rtproto.events import Closed, InputAudioBufferAppend, InputAudioBufferClear, Unknown

pytestmark = pytest.mark.trio

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


async def talk(client: Any) -> None:
    for n in range(50):
        await client.send(InputAudioBufferAppend(event_id=f"e{n}", audio=APPEND.audio))
    await client.send(InputAudioBufferClear())
    events = [event async for event in client]
    assert [event.raw["event_id"] for event in events[:-2]] == [f"e{n}" for n in range(50)]
    assert events[-2] == Unknown(raw=json.loads(DONE))
    assert events[-1] == Closed(clean=True, code=1000)


@pytest.mark.parametrize("config", CONFIGS)
async def test_a_client_of_websockets(config: Config) -> None:
    with other_server() as server:
        async with rtproto_trio.connect(endpoint(server.socket.getsockname()[1]), config) as client:
            await talk(client)


async def test_a_client_over_trio_websocket_of_websockets() -> None:
    with other_server() as server:
        async with rtproto_trio.connect_websocket(endpoint(server.socket.getsockname()[1])) as client:
            await talk(client)


async def echo(rt: Any) -> None:
    async for event in rt:
        if isinstance(event, InputAudioBufferClear):
            await rt.send_raw(DONE)
            return
        if isinstance(event, InputAudioBufferAppend):
            await rt.send_raw(json.dumps({"type": "test.echo", "event_id": event.event_id}))


async def accept_and_echo(connection: rtproto_trio.ServerStream) -> None:
    await connection.accept()
    await echo(connection)


async def accept_websocket_and_echo(request: trio_websocket.WebSocketRequest) -> None:
    async with rtproto_trio.accept_websocket(request) as rt:
        await echo(rt)


async def listen(nursery: trio.Nursery, *, websocket: bool, config: Config | None = None) -> int:
    if websocket:
        run = partial(trio_websocket.serve_websocket, accept_websocket_and_echo, "127.0.0.1", 0, None)
        server: trio_websocket.WebSocketServer = await nursery.start(run)
        return server.port
    port: int = await nursery.start(rtproto_trio.serve, accept_and_echo, "127.0.0.1", 0, config)
    return port


@pytest.mark.parametrize("websocket", [False, True], ids=["serve", "accept_websocket"])
@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_a_server_for_websockets(websocket: bool, compression: str | None) -> None:
    def talk_to(port: int) -> list[str | bytes]:
        with other_connect(f"ws://127.0.0.1:{port}/", compression=compression, sock=own(port)) as other:
            other.send(rtproto_text(APPEND))
            other.send('{"type":"input_audio_buffer.clear"}')
            return list(other)

    async with trio.open_nursery() as nursery:
        port = await listen(nursery, websocket=websocket, config=Config(compression=True))
        heard = await trio.to_thread.run_sync(talk_to, port)
        assert [json.loads(message)["type"] for message in heard] == ["test.echo", "test.done"]
        nursery.cancel_scope.cancel()


def rtproto_text(event: Any) -> str:
    return json.dumps(rtproto.to_dict(event))


@pytest.mark.parametrize("client_websocket", [False, True], ids=["connect", "connect_websocket"])
@pytest.mark.parametrize("server_websocket", [False, True], ids=["serve", "accept_websocket"])
async def test_both_ends(client_websocket: bool, server_websocket: bool) -> None:
    connect: Any = rtproto_trio.connect_websocket if client_websocket else rtproto_trio.connect
    async with trio.open_nursery() as nursery:
        port = await listen(nursery, websocket=server_websocket)
        async with connect(endpoint(port)) as client:
            await talk(client)
        nursery.cancel_scope.cancel()


async def test_what_a_block_raises_comes_out_as_it_is() -> None:
    for connect in (rtproto_trio.connect, rtproto_trio.connect_websocket):
        with other_server() as server, pytest.raises(ZeroDivisionError):
            async with connect(endpoint(server.socket.getsockname()[1])):
                raise ZeroDivisionError


async def test_a_block_that_is_cancelled_ends() -> None:
    for connect in (rtproto_trio.connect, rtproto_trio.connect_websocket):
        with other_server() as server:
            clients: list[Any] = []
            with trio.move_on_after(0.05) as scope:
                async with connect(endpoint(server.socket.getsockname()[1])) as client:
                    clients.append(client)
                    await anext(client)
            assert scope.cancelled_caught
            assert clients[0].closed is not None


@pytest.mark.parametrize("connect", ["connect", "connect_websocket"])
async def test_a_refusal_of_websockets(connect: str) -> None:
    def refuse(other: ServerConnection, request: Any) -> Any:
        return other.respond(401, "who are you?\n")

    with (
        other_server(process_request=refuse) as server,
        pytest.raises(HandshakeError, match=r"HTTP 401.*key") as caught,
    ):
        async with getattr(rtproto_trio, connect)(endpoint(server.socket.getsockname()[1])):
            pass
    assert caught.value.status == 401
    assert caught.value.body == b"who are you?\n"
    assert KEY not in str(caught.value)


async def test_a_server_lives_on_when_handlers_fail_and_tells_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(connection: rtproto_trio.ServerStream) -> None:
        await connection.accept()
        await anext(connection)
        raise ZeroDivisionError

    with caplog.at_level(logging.DEBUG, logger="rtproto_trio"):
        async with trio.open_nursery() as nursery:
            port: int = await nursery.start(rtproto_trio.serve, fail, "127.0.0.1", 0)
            for _ in range(2):
                async with rtproto_trio.connect(endpoint(port)) as client:
                    await client.send(APPEND)
                    assert [event async for event in client] == [Closed(clean=True, code=1011)]
            nursery.cancel_scope.cancel()
    failures = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(failures) == 2
    assert all("handler" in record.getMessage() for record in failures)
    assert KEY not in caplog.text


async def test_a_handler_whose_client_left_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    ended = trio.Event()

    async def send_for_ever(connection: rtproto_trio.ServerStream) -> None:
        await connection.accept()
        try:
            while True:
                await connection.send_raw(DONE)
        finally:
            ended.set()

    async with trio.open_nursery() as nursery:
        port: int = await nursery.start(rtproto_trio.serve, send_for_ever, "127.0.0.1", 0)
        async with rtproto_trio.connect(endpoint(port)) as client:
            await anext(client)
        with trio.fail_after(5):
            await ended.wait()
        nursery.cancel_scope.cancel()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_who_only_sends_hears_everything_below_tls() -> None:
    """TLS gives one record at a time: what it still holds shows at no socket."""
    authority = trustme.CA()
    trusting, trusted = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(trusting)
    authority.issue_cert("127.0.0.1").configure_cert(trusted)

    async def say_much(connection: rtproto_trio.ServerStream) -> None:
        await connection.accept()
        await connection.send_raw(json.dumps({"type": "test.large", "text": "x" * 100_000}))
        async for _ in connection:
            pass

    async with trio.open_nursery() as nursery:
        serve = partial(rtproto_trio.serve, say_much, "127.0.0.1", 0, ssl_context=trusted)
        port: int = await nursery.start(serve)
        secure = rtproto.endpoint(f"wss://127.0.0.1:{port}/v1/realtime")
        async with rtproto_trio.connect(secure, ssl_context=trusting) as client:
            with trio.fail_after(5):
                while not client._machine.pending:
                    await client.send(InputAudioBufferClear())  # so small that it never waits, and reads meanwhile
        nursery.cancel_scope.cancel()


async def test_accept_websocket_refuses_what_it_cannot_say() -> None:
    failures: list[Exception] = []

    async def handler(request: trio_websocket.WebSocketRequest) -> None:
        bad: list[dict[str, Any]] = [
            {"subprotocol": "chat"},
            {"subprotocol": "openai-insecure-api-key.sk-1"},
            {"headers": [("X-Bad", "a\nb")]},
        ]
        for options in bad:
            try:
                async with rtproto_trio.accept_websocket(request, **options):
                    pass
            except LocalProtocolError as error:
                failures.append(error)
        async with rtproto_trio.accept_websocket(request, subprotocol="realtime") as rt:
            assert rt.requested.path == "/v1/realtime"

    offered = ("realtime", "openai-insecure-api-key.sk-1")
    async with trio.open_nursery() as nursery:
        run = partial(trio_websocket.serve_websocket, handler, "127.0.0.1", 0, None)
        server: trio_websocket.WebSocketServer = await nursery.start(run)
        async with rtproto_trio.connect(endpoint(server.port, subprotocols=offered)) as client:
            assert client.opened.subprotocol == "realtime"
        nursery.cancel_scope.cancel()
    assert len(failures) == 3
    assert "sk-1" not in str(failures)


async def test_a_message_beyond_the_limit_of_a_client_over_trio_websocket() -> None:
    """Beyond twice the limit trio-websocket itself gives up; the session's end is told in the same way."""

    async def handler(connection: rtproto_trio.ServerStream) -> None:
        await connection.accept()
        await connection.send_raw('{"type":"' + "x" * 5000 + '"}')
        async for _ in connection:
            pass

    config = Config(limits=Limits(max_message=1000))
    async with trio.open_nursery() as nursery:
        port: int = await nursery.start(rtproto_trio.serve, handler, "127.0.0.1", 0)
        async with rtproto_trio.connect_websocket(endpoint(port), config) as client:
            (closed,) = [event async for event in client]
            assert isinstance(closed, Closed)
            assert (closed.clean, closed.code) == (False, 1009)
            with pytest.raises(SessionClosed):
                await client.send(APPEND)
        nursery.cancel_scope.cancel()


async def failure_of(program: str) -> str:
    run = await trio.run_process([sys.executable, "-c", program], capture_stdout=True, capture_stderr=True, check=False)
    assert run.returncode == 1
    return run.stderr.decode()


async def test_the_byte_driver_needs_no_trio_websocket() -> None:
    program = """
import sys
sys.modules["trio_websocket"] = None
import rtproto_trio
print(rtproto_trio.connect, rtproto_trio.serve)
rtproto_trio.connect_websocket
"""
    failure = await failure_of(program)
    assert "ImportError: rtproto_trio.connect_websocket needs trio-websocket: pip install 'rtproto[trio]'" in failure


async def test_a_missing_trio_is_named_with_its_extra() -> None:
    failure = await failure_of("import sys; sys.modules['trio'] = None; import rtproto_trio")
    assert "ImportError: rtproto_trio needs trio: pip install 'rtproto[trio]'" in failure


async def test_nothing_else_is_missing() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'conect'"):
        rtproto_trio.conect  # type: ignore[attr-defined]  # noqa: B018  # the point of the test
