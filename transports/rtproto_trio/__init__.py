"""rtproto on trio: `connect()` and `serve()` over TCP and TLS, and the same over trio-websocket."""

try:
    import trio as _trio  # noqa: F401  # only to say which extra is missing
except ImportError as error:
    raise ImportError("rtproto_trio needs trio: pip install 'rtproto[trio]'") from error

from rtproto_trio._connect import connect
from rtproto_trio._serve import serve
from rtproto_trio._stream import ClientStream, ServerStream, StreamConnection

__all__ = ["ClientStream", "ServerStream", "StreamConnection", "connect", "serve"]
