"""rtproto on asyncio: `connect()` and `accept()` with aiohttp, `connect_stream()` and `serve_stream()` without."""

from typing import TYPE_CHECKING

from rtproto_aio._connect import connect_stream
from rtproto_aio._serve import StreamServer, serve_stream
from rtproto_aio._stream import ClientStream, ServerStream, StreamConnection

if TYPE_CHECKING:
    from rtproto_aio._aiohttp import accept, connect
    from rtproto_aio._websocket import ClientWebSocket, ServerWebSocket, WebSocketConnection

__all__ = [
    "ClientStream",
    "ClientWebSocket",
    "ServerStream",
    "ServerWebSocket",
    "StreamConnection",
    "StreamServer",
    "WebSocketConnection",
    "accept",
    "connect",
    "connect_stream",
    "serve_stream",
]


def __getattr__(name: str) -> object:
    """What needs aiohttp is imported when it is asked for: the byte driver works without."""
    if name not in __all__:
        raise AttributeError(f"module 'rtproto_aio' has no attribute {name!r}")
    from rtproto_aio import _aiohttp

    return getattr(_aiohttp, name)
