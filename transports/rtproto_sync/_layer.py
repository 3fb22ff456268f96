"""What is between the machine's bytes and the socket's: nothing, or TLS. No I/O in here."""

from __future__ import annotations

import ssl

_RECORDS = 65536
"""Bytes decrypted at once: four TLS records."""


class Plain:
    """Bytes as they are."""

    ready = True
    ended = False

    def __init__(self) -> None:
        self._out: list[bytes] = []

    def receive(self, data: bytes) -> bytes:
        """What the peer said with `data`."""
        return data

    def send(self, data: bytes) -> None:
        """Says `data`."""
        self._out.append(data)

    def outgoing(self) -> bytes:
        """What must be written; given once."""
        data = b"".join(self._out)
        self._out.clear()
        return data


class Tls:
    """TLS between two memory buffers; the client speaks first. `ready` when its handshake is done, `ended` when the
    peer has said that nothing more follows.

    Every method may raise ssl.SSLError; `outgoing()` then still gives the alert for the peer.
    """

    def __init__(self, context: ssl.SSLContext, *, server_hostname: str | None = None) -> None:
        """`server_hostname` is that of the server for a client, None for a server."""
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_hostname is None, server_hostname=server_hostname
        )
        self.ready = False
        self.ended = False

    def receive(self, data: bytes) -> bytes:
        """What the peer said with `data`; b"" begins the handshake."""
        self._incoming.write(data)
        plain = bytearray()
        try:
            if not self.ready:
                self._object.do_handshake()
                self.ready = True
            while piece := self._object.read(_RECORDS):
                plain += piece
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        return bytes(plain)

    def send(self, data: bytes) -> None:
        """Says `data`, once `ready`."""
        self._object.write(data)

    def outgoing(self) -> bytes:
        """What must be written; given once."""
        return self._outgoing.read()
