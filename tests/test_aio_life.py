"""What belongs to asyncio alone: cancelled connecting, the caller's own aiohttp session, what is missing, the ends."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import rtproto_aio
import trustme
from aiohttp import web
from contract.peers import PeerServer
from rtproto_aio import _defaults

import rtproto
from rtproto import Config, Limits, State, Timeouts
from rtproto.errors import HandshakeError, LocalProtocolError, SessionClosed
from rtproto.events import Closed, InputAudioBufferAppend, InputAudioBufferClear, Unknown

CLEAR = InputAudioBufferClear(event_id="e1")
Connect = Callable[..., AbstractAsyncContextManager[Any]]
CONNECTS = [pytest.param(rtproto_aio.connect, id="aiohttp"), pytest.param(rtproto_aio.connect_stream, id="stream")]


def endpoint(port: int, **options: Any) -> rtproto.Endpoint:
    return rtproto.endpoint(f"ws://127.0.0.1:{port}/v1/realtime", **options)


@asynccontextmanager
async def aiohttp_server(handler: Callable[[web.Request], Any]) -> AsyncIterator[int]:
    application = web.Application()
    application.router.add_get("/v1/realtime", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def meeting(
    handler: Callable[[rtproto_aio.ServerStream], Awaitable[object]], config: Config | None = None
) -> AsyncIterator[tuple[rtproto_aio.StreamServer, rtproto_aio.ClientStream]]:
    """A server, and a client of it."""
    async with (
        rtproto_aio.serve_stream(handler, "127.0.0.1", 0, config) as server,
        rtproto_aio.connect_stream(endpoint(server.port, api_key="sk-1")) as rt,
    ):
        yield server, rt


async def _listen_only(conn: rtproto_aio.ServerStream) -> None:
    await conn.accept()
    async for _ in conn:
        pass


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Takes connections and says nothing."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


# ---- connecting ----


@pytest.mark.parametrize("connect", CONNECTS)
def test_connecting_can_be_cancelled(connect: Connect) -> None:
    async def run() -> None:
        async with silent_server() as port:
            opening = asyncio.ensure_future(connect(endpoint(port)).__aenter__())
            await asyncio.sleep(0.05)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            await asyncio.sleep(0.01)

    asyncio.run(run())


@pytest.mark.parametrize("connect", CONNECTS)
def test_a_block_can_be_cancelled(connect: Connect) -> None:
    async def run() -> Any:
        async with rtproto_aio.serve_stream(_listen_only, "127.0.0.1", 0) as server:
            held: list[Any] = []

            async def program() -> None:
                async with connect(endpoint(server.port)) as rt:
                    held.append(rt)
                    async for _ in rt:
                        pass

            running = asyncio.ensure_future(program())
            await asyncio.sleep(0.05)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            return held[0].closed

    assert asyncio.run(run()) == Closed(clean=True, code=1001)


def test_a_session_of_the_caller_is_used_and_stays_open() -> None:
    async def run() -> tuple[web.Request, bool]:
        seen: list[web.Request] = []

        async def handler(request: web.Request) -> web.StreamResponse:
            seen.append(request)
            async with rtproto_aio.accept(request) as rt:
                async for _ in rt:
                    pass
            return rt.response

        jar = aiohttp.CookieJar(unsafe=True)
        async with (
            aiohttp_server(handler) as port,
            aiohttp.ClientSession(headers={"X-Mine": "1"}, cookie_jar=jar) as own,
        ):
            own.cookie_jar.update_cookies({"biscuit": "yes"})
            async with rtproto_aio.connect(endpoint(port, api_key="sk-1"), session=own) as rt:
                await rt.send(CLEAR)
            with pytest.raises(HandshakeError):
                await rtproto_aio.connect(rtproto.endpoint(f"ws://127.0.0.1:{port}/no"), session=own).__aenter__()
            # A redirect would be followed by this session, but not for us.
            async with own.get(f"http://127.0.0.1:{port}/no") as answer:
                return seen[0], answer.status == 404

    request, works = asyncio.run(run())
    assert works
    assert request.headers["X-Mine"] == "1"
    assert request.headers["Authorization"] == "Bearer sk-1"
    assert request.cookies["biscuit"] == "yes"


def test_a_session_of_the_caller_that_is_closed() -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as own:
            pass
        await rtproto_aio.connect(endpoint(1), session=own).__aenter__()

    with pytest.raises(RuntimeError, match="session is closed"):
        asyncio.run(run())


@pytest.mark.parametrize("connect", CONNECTS)
def test_long_headers_are_no_failure(connect: Connect) -> None:
    async def handler(conn: rtproto_aio.ServerStream) -> None:
        await conn.accept(headers=[("Set-Cookie", "x" * 20_000)])

    async def run() -> int:
        async with rtproto_aio.serve_stream(handler, "127.0.0.1", 0) as server, connect(endpoint(server.port)) as rt:
            return len(dict(rt.opened.headers)["set-cookie"])

    assert asyncio.run(run()) == 20_000


def test_a_refusal_whose_body_never_ends_is_still_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rtproto_aio._aiohttp._BODY_PATIENCE", 0.05)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nhalf")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
            await rtproto_aio.connect(endpoint(server.sockets[0].getsockname()[1])).__aenter__()

    with pytest.raises(HandshakeError) as caught:
        asyncio.run(run())
    assert (caught.value.status, caught.value.body) == (401, b"half")


# ---- serving ----


def test_a_subprotocol_is_checked_before_anything_is_answered() -> None:
    failures: list[LocalProtocolError] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        for name in ("chat", "openai-insecure-api-key.sk-1"):
            try:
                await rtproto_aio.accept(request, subprotocol=name).__aenter__()
            except LocalProtocolError as failure:
                failures.append(failure)
        async with rtproto_aio.accept(request, subprotocol="realtime") as rt:
            assert rt.requested.subprotocols == ("realtime", "openai-insecure-api-key.sk-1")
        return rt.response

    async def run() -> Any:
        async with aiohttp_server(handler) as port:
            offered = ("realtime", "openai-insecure-api-key.sk-1")
            async with rtproto_aio.connect(endpoint(port, subprotocols=offered)) as rt:
                return rt.opened.subprotocol

    assert asyncio.run(run()) == "realtime"
    assert "'chat'" in str(failures[0])
    assert "sk-1" not in str(failures[1])


def test_what_is_no_websocket_is_answered_by_aiohttp() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        async with rtproto_aio.accept(request) as rt:
            return rt.response

    async def run() -> int:
        async with (
            aiohttp_server(handler) as port,
            aiohttp.ClientSession() as other,
            other.get(f"http://127.0.0.1:{port}/v1/realtime") as answer,
        ):
            return answer.status

    assert asyncio.run(run()) == 400


def test_a_server_that_stops_cancels_handlers_that_go_on() -> None:
    ends: list[str] = []

    async def handler(conn: rtproto_aio.ServerStream) -> None:
        await conn.accept()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    async def run() -> Any:
        config = Config(timeouts=Timeouts(close=0.1))
        async with meeting(handler, config) as (server, rt):
            await server.close()
            return [event async for event in rt]

    assert asyncio.run(run()) == [Closed(clean=True, code=1001)]
    assert ends == ["cancelled"]


def test_a_failing_handler_is_logged_without_what_was_said(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(conn: rtproto_aio.ServerStream) -> None:
        await conn.accept()
        await anext(conn)
        raise ZeroDivisionError

    async def run() -> Any:
        async with meeting(handler) as (_, rt):
            await rt.send(InputAudioBufferAppend(audio=b"sound"))
            return [event async for event in rt]

    with caplog.at_level(logging.DEBUG, logger="rtproto_aio"):
        (closed,) = asyncio.run(run())
    assert closed.code == 1011
    assert "the handler of connection" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    for secret in ("sk-1", "sound", "c291bmQ"):
        assert secret not in caplog.text


def test_a_handler_whose_client_has_left_ends_quietly(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(conn: rtproto_aio.ServerStream) -> None:
        await conn.accept()
        while True:
            await conn.send_raw('{"type": "x"}')
            await asyncio.sleep(0.001)

    async def run() -> None:
        async with meeting(handler) as (_, rt):
            await anext(rt)

    asyncio.run(run())
    assert "failed" not in caplog.text


def test_a_queue_of_one_event_is_room_enough() -> None:
    async def handler(conn: rtproto_aio.ServerStream) -> None:
        await conn.accept()
        for _ in range(3):
            await conn.send_raw('{"type": "x"}')

    async def run() -> int:
        narrow = Config(limits=Limits(max_queue=1))
        async with rtproto_aio.serve_stream(handler, "127.0.0.1", 0, narrow) as server:
            endpoint = rtproto.endpoint(f"ws://127.0.0.1:{server.port}")
            async with rtproto_aio.connect_stream(endpoint, narrow) as rt:
                return len([event async for event in rt])

    assert asyncio.run(asyncio.wait_for(run(), 5)) == 4


def test_the_request_can_be_answered_once() -> None:
    async def handler(conn: rtproto_aio.ServerStream) -> None:
        await conn.accept()
        with pytest.raises(LocalProtocolError, match="once"):
            await conn.accept()
        with pytest.raises(LocalProtocolError, match="once"):
            await conn.reject()
        await conn.send_raw('{"type": "fine"}')

    async def run() -> Any:
        async with meeting(handler) as (_, rt):
            return await anext(rt)

    assert asyncio.run(run()) == Unknown(raw={"type": "fine"})


def test_a_port_that_is_taken() -> None:
    async def run(port: int) -> None:
        async with rtproto_aio.serve_stream(_listen_only, "127.0.0.1", port):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        asyncio.run(run(taken.getsockname()[1]))


@pytest.mark.parametrize("turns", range(4))
def test_a_client_that_comes_while_the_server_stops_is_not_left_waiting(turns: int) -> None:
    """Whether asyncio has accepted it by then or not: `turns` of the loop lie between."""

    async def run() -> None:
        async with rtproto_aio.serve_stream(_listen_only, "127.0.0.1", 0) as server:
            with socket.create_connection(("127.0.0.1", server.port), 5) as client:
                client.sendall(b"nonsense\r\n\r\n")
                for _ in range(turns):
                    await asyncio.sleep(0)
                await server.stop_listening()
                with suppress(ConnectionError):
                    assert b"400" in await asyncio.get_running_loop().run_in_executor(None, client.recv, 100)

    asyncio.run(run())


def test_a_client_that_fails_at_tls_leaves_nothing_behind() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async def run() -> int:
        async with rtproto_aio.serve_stream(_listen_only, "127.0.0.1", 0, ssl_context=context) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(b"GET / HTTP/1.1\r\n\r\n")
            with suppress(ConnectionError):
                await reader.read()
            writer.close()
            return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1


# ---- what a connection says of itself ----


@pytest.mark.parametrize("connect", CONNECTS)
def test_the_state_of_a_connection(connect: Connect) -> None:
    async def run() -> None:
        async with rtproto_aio.serve_stream(_listen_only, "127.0.0.1", 0) as server:
            async with connect(endpoint(server.port)) as rt:
                assert (rt.state, rt.closed, rt.opened.status) == (State.OPEN, None, 101)
                await rt.close()
                assert (rt.state, rt.closed.code) == (State.CLOSED, 1000)
                with pytest.raises(SessionClosed):
                    await rt.send(CLEAR)
            assert [event async for event in rt] == [rt.closed]

    asyncio.run(run())


# ---- turns ----


@pytest.mark.parametrize("connect", CONNECTS)
def test_who_takes_what_has_long_been_there_gives_others_their_turn(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: asyncio.Event

    async def handler(conn: rtproto_aio.ServerStream) -> None:
        await conn.accept()
        for _ in range(200):
            await conn.send_raw("{}")
        async for _ in conn:
            sent.set()

    async def run() -> int:
        nonlocal sent
        sent = asyncio.Event()
        monkeypatch.setattr("rtproto_aio._stream._TURN", 0)
        monkeypatch.setattr("rtproto_aio._websocket._TURN", 0)
        async with rtproto_aio.serve_stream(handler, "127.0.0.1", 0) as server, connect(endpoint(server.port)) as rt:
            # The server hears this when it has said all, and its Close comes last: then all is here.
            await rt.send(CLEAR)
            await sent.wait()
            await rt.close()
            turns = 0

            async def other() -> None:
                nonlocal turns
                while True:
                    await asyncio.sleep(0)
                    turns += 1

            counting = asyncio.ensure_future(other())
            events = [event async for event in rt]
            counting.cancel()
            assert len(events) == 201
            return turns

    assert asyncio.run(run()) > 190


@pytest.mark.parametrize("connect", CONNECTS)
def test_who_only_sends_gives_others_their_turn(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> int:
        monkeypatch.setattr("rtproto_aio._stream._TURN", 0)
        monkeypatch.setattr("rtproto_aio._websocket._TURN", 0)
        async with (
            rtproto_aio.serve_stream(_listen_only, "127.0.0.1", 0) as server,
            connect(endpoint(server.port)) as rt,
        ):
            turns = 0

            async def other() -> None:
                nonlocal turns
                while True:
                    await asyncio.sleep(0)
                    turns += 1

            counting = asyncio.ensure_future(other())
            for _ in range(200):
                await rt.send(CLEAR)
            counting.cancel()
            return turns

    assert asyncio.run(run()) > 190


def test_what_the_peer_said_is_heard_although_writing_fails_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The peer closes while the loop is busy; the loop's next write fails before it has read the reason."""
    monkeypatch.setattr("rtproto_aio._stream._TURN", 60)

    async def run() -> list[Any]:
        listener = PeerServer()
        try:
            async with rtproto_aio.connect_stream(endpoint(listener.port)) as rt:
                peer = listener.peer()
                peer.say_close(1008, "no quota")
                peer.close()
                for _ in range(3):
                    await rt.send(CLEAR)
                return [event async for event in rt]
        finally:
            listener.close()

    assert asyncio.run(run()) == [Closed(clean=True, code=1008, reason="no quota")]


# ---- what is installed, and what is not ----


def test_the_byte_driver_needs_no_aiohttp() -> None:
    program = """
        import asyncio, sys
        sys.modules["aiohttp"] = None
        import rtproto, rtproto_aio

        async def handler(conn):
            await conn.accept()

        async def main():
            async with rtproto_aio.serve_stream(handler, "127.0.0.1", 0) as server:
                async with rtproto_aio.connect_stream(rtproto.endpoint(f"ws://127.0.0.1:{server.port}/")) as rt:
                    return [event async for event in rt]

        print(asyncio.run(main()))
        try:
            from rtproto_aio import connect
        except ImportError as error:
            print(error)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=30, check=True
    )
    assert "Closed(clean=True, code=1000" in ran.stdout
    assert "pip install 'rtproto[aiohttp]'" in ran.stdout


def test_the_fast_mask_is_used_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    speedups = pytest.importorskip("websockets.speedups", reason="websockets has no C extension here")
    assert _defaults.with_fast_mask(None).mask is speedups.apply_mask
    mine = Config(mask=lambda data, mask: data)
    assert _defaults.with_fast_mask(mine) is mine
    monkeypatch.setattr(_defaults, "apply_mask", None)
    assert _defaults.with_fast_mask(None) == Config()


def test_a_system_without_certificates_gets_those_of_certifi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certifi = pytest.importorskip("certifi", reason="certifi is not installed")
    nowhere = ssl.get_default_verify_paths()._replace(capath=str(tmp_path))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: nowhere)
    monkeypatch.setattr(ssl, "create_default_context", lambda: ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    loaded = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    loaded.load_verify_locations(certifi.where())
    _defaults.client_context.cache_clear()
    try:
        assert _defaults.client_context().cert_store_stats() == loaded.cert_store_stats()
    finally:
        _defaults.client_context.cache_clear()


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        rtproto_aio.no_such_thing  # noqa: B018  # looking is the point
