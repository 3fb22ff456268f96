"""The asyncio drivers against other implementations: websockets, and the official client of OpenAI."""

from __future__ import annotations

import asyncio
import json
import socket
from base64 import b64decode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
import rtproto_aio
from aiohttp import web
from openai import AsyncOpenAI
from websockets.asyncio.client import connect as other_connect
from websockets.asyncio.server import ServerConnection, serve

import rtproto
from rtproto import Config
from rtproto.events import (
    Closed,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCleared,
    RealtimeSession,
    SessionCreated,
    Unknown,
)

# How the official client opens websockets' connections, the newest websockets warns of.
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning")

KEY = "sk-very-secret"
APPEND = InputAudioBufferAppend(event_id="e1", audio=bytes(range(256)) * 100)
CONFIGS = [pytest.param(Config(), id="plain"), pytest.param(Config(compression=True), id="deflate")]
CONNECTS = [pytest.param(rtproto_aio.connect, id="aiohttp"), pytest.param(rtproto_aio.connect_stream, id="stream")]


def endpoint(port: int, **options: Any) -> rtproto.Endpoint:
    return rtproto.endpoint(f"ws://127.0.0.1:{port}/v1/realtime?model=m", api_key=KEY, **options)


# ---- our clients ----


async def _echo(other: ServerConnection) -> None:
    """Repeats what it hears as Unknown events, pings, and closes after a clear."""
    async for message in other:
        event = json.loads(message)
        if event["type"] == "input_audio_buffer.clear":
            await other.close(1001, "done")
        else:
            await (await other.ping())
            await other.send(json.dumps({**event, "type": "test.echo"}))


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("connect", CONNECTS)
def test_a_client_talks_to_websockets(connect: Callable[..., AbstractAsyncContextManager[Any]], config: Config) -> None:
    async def talk() -> list[Any]:
        async with serve(_echo, "127.0.0.1", 0, max_size=None) as other:
            port = next(iter(other.sockets)).getsockname()[1]
            async with connect(endpoint(port), config) as rt:
                heard = []
                for _ in range(20):
                    await rt.send(APPEND)
                    heard.append(await anext(rt))
                await rt.send(InputAudioBufferClear())
                return heard + [event async for event in rt]

    *echoes, closed = asyncio.run(talk())
    assert len(echoes) == 20
    for echo in echoes:
        assert isinstance(echo, Unknown)
        assert b64decode(echo.raw["audio"]) == APPEND.audio
    assert closed == Closed(clean=True, code=1001, reason="done")


# ---- our servers ----


async def _answer(rt: Any) -> None:
    """A short session: hears an append, answers with what it heard."""
    await rt.send(SessionCreated(event_id="s1", session=RealtimeSession()))
    async for event in rt:
        if isinstance(event, InputAudioBufferAppend):
            await rt.send(InputAudioBufferCleared(event_id=f"{len(event.audio)} bytes"))


@asynccontextmanager
async def aiohttp_server(config: Config, handle: Callable[[Any], Awaitable[None]] = _answer) -> AsyncIterator[int]:
    async def handler(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"message": "wrong key"}}, status=401)
        async with rtproto_aio.accept(request, config) as rt:
            await handle(rt)
        return rt.response

    application = web.Application()
    application.router.add_get("/v1/realtime", handler)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def stream_server(config: Config, handle: Callable[[Any], Awaitable[None]] = _answer) -> AsyncIterator[int]:
    async def handler(conn: rtproto_aio.ServerStream) -> None:
        if ("authorization", f"Bearer {KEY}") not in conn.requested.headers:
            await conn.reject(401, [("Content-Type", "application/json")], b'{"error": {"message": "wrong key"}}')
            return
        await conn.accept()
        await handle(conn)

    async with rtproto_aio.serve_stream(handler, "127.0.0.1", 0, config) as server:
        yield server.port


SERVERS = [pytest.param(aiohttp_server, id="aiohttp"), pytest.param(stream_server, id="stream")]
Serve = Callable[..., AbstractAsyncContextManager[int]]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("listen", SERVERS)
def test_a_server_talks_to_websockets(listen: Serve, config: Config) -> None:
    async def talk() -> list[Any]:
        async with listen(config) as port:
            url, key = f"ws://127.0.0.1:{port}/v1/realtime", {"Authorization": f"Bearer {KEY}"}
            # With a socket of its own, for it would ask the environment for a proxy.
            own = socket.create_connection(("127.0.0.1", port))
            async with other_connect(url, additional_headers=key, sock=own) as other:
                heard = [json.loads(await other.recv())]
                for size in (0, 1000, 100_000):
                    await other.send(json.dumps({"type": "input_audio_buffer.append", "audio": "AAAA" * size}))
                    await (await other.ping())
                    heard.append(json.loads(await other.recv()))
            return [*heard, other.protocol.close_code]

    created, *answers, code = asyncio.run(talk())
    assert created["type"] == "session.created"
    assert [answer["event_id"] for answer in answers] == ["0 bytes", "3000 bytes", "300000 bytes"]
    assert code == 1000


@pytest.mark.parametrize("listen", SERVERS)
def test_a_server_talks_to_the_official_client(listen: Serve) -> None:
    async def talk() -> list[Any]:
        async with (
            listen(Config()) as port,
            official_client(port) as client,
            client.realtime.connect(model="m") as other,
        ):
            heard: list[Any] = [await other.recv()]
            await other.input_audio_buffer.append(audio="AAAA" * 1000)
            heard.append(await other.recv())
            return heard

    created, cleared = asyncio.run(talk())
    assert (created.type, created.event_id) == ("session.created", "s1")
    assert (cleared.type, cleared.event_id) == ("input_audio_buffer.cleared", "3000 bytes")


@pytest.mark.parametrize("listen", SERVERS)
def test_the_official_client_sees_a_refusal(listen: Serve) -> None:
    async def talk() -> None:
        async with listen(Config()) as port, official_client(port, "sk-wrong") as client:
            await client.realtime.connect(model="m").__aenter__()

    with pytest.raises(Exception, match="401"):
        asyncio.run(talk())


def official_client(port: int, key: str = KEY) -> AsyncOpenAI:
    return AsyncOpenAI(api_key=key, base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)


@pytest.mark.parametrize("listen", SERVERS)
@pytest.mark.parametrize("connect", CONNECTS)
def test_both_ends(connect: Callable[..., AbstractAsyncContextManager[Any]], listen: Serve) -> None:
    async def talk() -> list[Any]:
        async with listen(Config()) as port, connect(endpoint(port)) as rt:
            await rt.send(APPEND)
            return [await anext(rt), await anext(rt)]

    created, cleared = asyncio.run(talk())
    assert isinstance(created, SessionCreated)
    assert cleared == InputAudioBufferCleared(event_id="25600 bytes")
