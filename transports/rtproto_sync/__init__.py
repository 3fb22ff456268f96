"""rtproto for threads: `connect()` and `serve()` over sockets and TLS, blocking, without an event loop."""

from rtproto_sync._connect import connect
from rtproto_sync._serve import Server, serve
from rtproto_sync._stream import ClientStream, ServerStream, StreamConnection

__all__ = ["ClientStream", "Server", "ServerStream", "StreamConnection", "connect", "serve"]
