"""The client ends of sessions that are open already, with no socket below them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from rtproto import Config, Connection, endpoint
from rtproto.events import ClientEvent, ServerEvent


def rtproto_client(config: Config | None = None) -> Connection[ClientEvent, ServerEvent]:
    """An rtproto Connection after its handshake; limits, timers and checks as they are by default."""
    client = Connection.client(endpoint("ws://localhost/v1/realtime"), config, now=0.0)
    server = Connection.server(now=0.0)
    server.receive(b"".join(client.outgoing()), 0.0)
    server.next_event()
    server.accept(0.0)
    client.receive(b"".join(server.outgoing()), 0.0)
    client.next_event()
    return client


class WebSocketsWire:
    """Stands where openai-python has a connection of websockets: the same frames, without socket and event loop."""

    def __init__(self) -> None:
        from websockets.client import ClientProtocol
        from websockets.protocol import State
        from websockets.uri import parse_uri

        self.protocol = ClientProtocol(parse_uri("ws://localhost/v1/realtime"), state=State.OPEN, max_size=None)
        self.received: Iterator[Any] = iter(())

    def feed(self, data: bytes) -> int:
        """Takes bytes of the server; how many messages they completed."""
        self.protocol.receive_data(data)
        frames = self.protocol.events_received()
        self.received = iter(frames)
        return len(frames)

    def recv(self, decode: bool | None = None) -> bytes:
        return cast("bytes", next(self.received).data)

    def send(self, message: str | bytes) -> None:
        self.protocol.send_text(message.encode() if isinstance(message, str) else message)

    def written(self) -> list[bytes]:
        """What would have gone to the socket."""
        return self.protocol.data_to_send()
