"""The server of the blast: sends frames made beforehand as fast as a client takes them. Runs as a process of its own.

It writes its port to stdout and serves one client after the other, until its stdin ends.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
from base64 import b64encode
from hashlib import sha1

from bench.traffic import mix

ACCEPT = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n"
)
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CLOSE = b"\x88\x02\x03\xe8"
"""A Close frame with code 1000."""

PATIENCE = 30.0
"""Seconds that a client may be silent or take nothing."""


def serve_one(client: socket.socket, cycle: bytes) -> None:
    """Answers ``GET ...?cycles=N`` with a WebSocket, N times `cycle`, and a Close."""
    client.settimeout(PATIENCE)
    request = b""
    while b"\r\n\r\n" not in request:
        piece = client.recv(65536)
        if not piece:
            return
        request += piece
    key = re.search(rb"(?i)\r\nsec-websocket-key: *(\S+)", request)
    cycles = re.search(rb"[?&]cycles=(\d+)", request)
    assert key is not None
    assert cycles is not None
    client.sendall(ACCEPT.format(b64encode(sha1(key[1] + GUID).digest()).decode()).encode())
    for _ in range(int(cycles[1])):
        client.sendall(cycle)
    client.sendall(CLOSE)
    client.shutdown(socket.SHUT_WR)
    while client.recv(65536):
        pass


def main(pairs: int) -> None:
    cycle = mix(pairs).stream()
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def leave() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=leave, daemon=True).start()
    while True:
        client, _ = listener.accept()
        with client:
            try:
                serve_one(client, cycle)
            except OSError as error:
                print(f"blast server: {error}", file=sys.stderr)


if __name__ == "__main__":
    main(int(sys.argv[1]))
