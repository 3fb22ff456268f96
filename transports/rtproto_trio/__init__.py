"""rtproto on trio: `connect()` and `serve()` over TCP and TLS; `connect_websocket()` and `accept_websocket()` over
trio-websocket.
"""

from typing import TYPE_CHECKING

try:
    import trio as _trio  # noqa: F401  # only to say which extra is missing
except ModuleNotFoundError as error:
    raise ImportError("rtproto_trio needs trio: pip install 'rtproto[trio]'") from error

from rtproto_trio._connect import connect
from rtproto_trio._connection import TrioConnection
from rtproto_trio._serve import serve
from rtproto_trio._stream import ClientStream, ServerStream

if TYPE_CHECKING:
    from rtproto_trio._message import ClientWebSocket, ServerWebSocket
    from rtproto_trio._websocket import accept_websocket, connect_websocket

__all__ = [
    "ClientStream",
    "ClientWebSocket",
    "ServerStream",
    "ServerWebSocket",
    "TrioConnection",
    "accept_websocket",
    "connect",
    "connect_websocket",
    "serve",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """What needs trio-websocket is imported when it is asked for: the byte driver works without."""
        if name not in __all__:
            raise AttributeError(f"module 'rtproto_trio' has no attribute {name!r}")
        try:
            from rtproto_trio import _websocket
        except ModuleNotFoundError as error:
            if error.name != "trio_websocket":
                raise
            raise ImportError(f"rtproto_trio.{name} needs trio-websocket: pip install 'rtproto[trio]'") from error
        return getattr(_websocket, name)
