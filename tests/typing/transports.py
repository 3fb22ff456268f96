# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""Every transport's `connect()` and server end know their direction, too."""

import rtproto_aio
import rtproto_sync
import rtproto_trio
from aiohttp import web
from typing_extensions import assert_type

from rtproto import Config, Endpoint, events
from rtproto.events import ClientEvent, LocalEvent, ServerEvent

CREATED = events.SessionCreated(session=events.RealtimeSession())


async def asyncio_with_aiohttp(endpoint: Endpoint) -> None:
    async with rtproto_aio.connect(endpoint, Config()) as rt:
        await rt.send(events.ResponseCreate())
        await rt.send(CREATED)  # type: ignore[arg-type]
        async for event in rt:
            assert_type(event, ServerEvent | LocalEvent)
        assert_type(rt.opened, events.Opened)
        assert_type(rt.closed, events.Closed | None)
        await rt.close(1001, "enough")


async def asyncio_alone(endpoint: Endpoint) -> None:
    async with rtproto_aio.connect_stream(endpoint) as rt:
        await rt.send(events.ResponseCreate())
        await rt.send(CREATED)  # type: ignore[arg-type]
        async for event in rt:
            assert_type(event, ServerEvent | LocalEvent)


async def trio_alone(endpoint: Endpoint) -> None:
    async with rtproto_trio.connect(endpoint) as rt:
        await rt.send(events.ResponseCreate())
        await rt.send(CREATED)  # type: ignore[arg-type]
        async for event in rt:
            assert_type(event, ServerEvent | LocalEvent)


async def trio_with_trio_websocket(endpoint: Endpoint) -> None:
    async with rtproto_trio.connect_websocket(endpoint) as rt:
        await rt.send(events.ResponseCreate())
        await rt.send(CREATED)  # type: ignore[arg-type]
        async for event in rt:
            assert_type(event, ServerEvent | LocalEvent)


def threads(endpoint: Endpoint) -> None:
    with rtproto_sync.connect(endpoint) as rt:
        rt.send(events.ResponseCreate())
        rt.send(CREATED)  # type: ignore[arg-type]
        for event in rt:
            assert_type(event, ServerEvent | LocalEvent)
        assert_type(rt.next_event(timeout=1.0), ServerEvent | LocalEvent | None)


async def servers_over_aiohttp(request: web.Request) -> web.StreamResponse:
    async with rtproto_aio.accept(request) as rt:
        await rt.send(CREATED)
        await rt.send(events.ResponseCreate())  # type: ignore[arg-type]
        async for event in rt:
            assert_type(event, ClientEvent | LocalEvent)
        return rt.response


async def servers_over_streams(rt: rtproto_aio.ServerStream | rtproto_trio.ServerStream) -> None:
    assert_type(rt.requested, events.Requested)
    await rt.accept(subprotocol="realtime")
    await rt.send(CREATED)
    await rt.send(events.ResponseCreate())  # type: ignore[arg-type]
    async for event in rt:
        assert_type(event, ClientEvent | LocalEvent)


def servers_in_threads(rt: rtproto_sync.ServerStream) -> None:
    rt.accept(subprotocol="realtime")
    rt.send(CREATED)
    rt.send(events.ResponseCreate())  # type: ignore[arg-type]
    for event in rt:
        assert_type(event, ClientEvent | LocalEvent)


async def handlers_fit_their_servers() -> None:
    rtproto_aio.serve_stream(servers_over_streams, "127.0.0.1", 0)
    rtproto_aio.serve_stream(servers_in_threads, "127.0.0.1", 0)  # type: ignore[arg-type]
    await rtproto_trio.serve(servers_over_streams, "127.0.0.1", 0)
    await rtproto_trio.serve(servers_in_threads, "127.0.0.1", 0)  # type: ignore[arg-type]
    rtproto_sync.serve(servers_in_threads, "127.0.0.1", 0)
    rtproto_sync.serve(servers_over_streams, "127.0.0.1", 0)  # type: ignore[arg-type]


def blocks_are_of_the_right_kind(endpoint: Endpoint) -> None:
    with rtproto_aio.connect(endpoint):  # type: ignore[attr-defined]
        pass
