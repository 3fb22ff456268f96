"""Handshakes for the tests of both ends: the machines, what their peers say, and how TCP may cut it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from rtproto._handshake import Accepted, ClientHandshake, Rejected, Request, ServerHandshake

SECRET = "sk-very-secret"
KEY = base64.b64encode(bytes(range(16))).decode()
ACCEPT = base64.b64encode(hashlib.sha1(f"{KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
SWITCH = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", ACCEPT)]
FRAMES = b"\x81\x02{}\r\n\r\n\x81"

Pairs = Sequence[tuple[str, str]]


def client(**changes: Any) -> ClientHandshake:
    arguments: dict[str, Any] = {
        "host": "api.example.com",
        "target": f"/v1/realtime?model=m&api-key={SECRET}",
        "headers": (("Authorization", f"Bearer {SECRET}"),),
        "subprotocols": ("realtime", f"openai-insecure-api-key.{SECRET}"),
        "max_size": 4096,
        "nonce": lambda size: bytes(range(size)),
    }
    return ClientHandshake(**{**arguments, **changes})


def server(max_size: int = 4096, *, compression: bool = False) -> ServerHandshake:
    return ServerHandshake(max_size=max_size, compression=compression)


def message(first_line: str, headers: Pairs, body: bytes = b"") -> bytes:
    lines = [first_line, *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def switching(*extra: tuple[str, str], without: str = "") -> bytes:
    return message("HTTP/1.1 101 Switching Protocols", [*(p for p in SWITCH if p[0] != without), *extra])


def asking(*extra: tuple[str, str], without: str = "", line: str = "GET /v1/realtime?model=m HTTP/1.1") -> bytes:
    headers = [("Host", "h"), ("Upgrade", "WebSocket"), ("Connection", "keep-alive, Upgrade")]
    headers += [("Sec-WebSocket-Key", KEY), ("Sec-WebSocket-Version", "13")]
    return message(line, [*(pair for pair in headers if pair[0] != without), *extra])


def feed(machine: Any, chunks: Sequence[bytes], *, eof: bool = False) -> tuple[Any, bytes]:
    """The result, and the bytes that are not the handshake's."""
    for index, chunk in enumerate(chunks):
        result = machine.receive(chunk)
        if result is not None:
            return result, getattr(result, "trailing", b"") + b"".join(chunks[index + 1 :])
    return (machine.receive_eof() if eof else None), b""


def cuts(data: bytes) -> Iterator[list[bytes]]:
    """The data in one piece, in two at every place, byte by byte, and with empty reads."""
    yield [data]
    yield from ([data[:i], data[i:]] for i in range(1, len(data)))
    yield [data[i : i + 1] for i in range(len(data))]
    yield [b"", *(data[i : i + 1] for i in range(len(data))), b""]


def said(result: Any) -> Any:
    """A result as something comparable; where the handshake's trailing bytes end is TCP's affair."""
    if isinstance(result, Accepted):
        return ("accepted", result.headers, result.subprotocol, [repr(e) for e in result.extensions])
    if isinstance(result, Request):
        return ("request", result.path, result.query, result.headers, result.subprotocols)
    return result


def fails(handshake: ClientHandshake, data: bytes, *, eof: bool = False) -> Rejected:
    result, _ = feed(handshake, [data], eof=eof)
    assert isinstance(result, Rejected), result
    assert SECRET not in result.reason
    assert SECRET not in repr(result)
    return result


BODY = b"a body \x00\xff of some length"
BODIES = {
    "length": message("HTTP/1.1 401 No", [("Content-Length", str(len(BODY)))], BODY),
    "chunked": message("HTTP/1.1 401 No", [("Transfer-Encoding", "chunked")])
    + b"3\r\n" + BODY[:3] + b"\r\n" + f"{len(BODY) - 3:x};ext=1\r\n".encode() + BODY[3:] + b"\r\n0\r\nX-T: 1\r\n\r\n",
}  # fmt: skip
