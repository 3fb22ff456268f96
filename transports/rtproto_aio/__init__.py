"""rtproto on asyncio: `connect()` and `accept()` with aiohttp, `connect_stream()` and `serve_stream()` without."""

from rtproto_aio._connect import connect_stream
from rtproto_aio._serve import StreamServer, serve_stream
from rtproto_aio._stream import ClientStream, ServerStream, StreamConnection

__all__ = [
    "ClientStream",
    "ServerStream",
    "StreamConnection",
    "StreamServer",
    "connect_stream",
    "serve_stream",
]
