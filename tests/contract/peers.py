"""The other end of the wire, played by hand: blocking sockets and plain wsproto, nothing of rtproto.

A `Peer` says and hears WebSocket frames, whole or cut, and can be rude: silent, half closed, reset. A `Listener` runs a
script in a thread for every connection; what a script raises is raised again when the listener is closed.
"""

from __future__ import annotations

import queue
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import attrs
from contract.driver import PATIENCE
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason

_READ = 65536


@attrs.frozen
class Buffers:
    """Bytes that the system is to hold for a socket, in each direction."""

    size: int


SMALL = Buffers(4096)


class Peer:
    """One end of a WebSocket. Made by `Peer.connect()` or by a `PeerServer`."""

    requested: Request
    """What was asked of a server."""

    accepted: AcceptConnection
    """What a client was answered."""

    def __init__(self, sock: socket.socket, kind: ConnectionType) -> None:
        sock.settimeout(PATIENCE)
        self.sock = sock
        self._ws = WSConnection(kind)
        self._heard: list[Event] = []
        self._text = ""

    @classmethod
    def connect(
        cls,
        port: int,
        tls: ssl.SSLContext | None = None,
        *,
        target: str = "/v1/realtime?model=m",
        subprotocols: Sequence[str] = (),
        buffers: Buffers | None = None,
    ) -> Peer:
        """A client, after its handshake."""
        sock = raw_connect(port, tls, buffers)
        peer = cls(sock, ConnectionType.CLIENT)
        request = Request(host=f"127.0.0.1:{port}", target=target, subprotocols=list(subprotocols))
        sock.sendall(peer._ws.send(request))
        answer = peer.hear()
        assert isinstance(answer, AcceptConnection), f"the server refused: {answer}"
        peer.accepted = answer
        return peer

    def accept(self) -> None:
        """The handshake of a server."""
        request = self.hear()
        assert isinstance(request, Request), f"no request came: {request}"
        self.requested = request
        self._say(AcceptConnection(subprotocol=next(iter(request.subprotocols), None)))

    # ---- saying ----

    def say(self, *texts: str) -> None:
        for text in texts:
            self.sock.sendall(self.frame(text))

    def frame(self, text: str) -> bytes:
        """The bytes of a text message."""
        return self._ws.send(TextMessage(data=text))

    def ping(self, payload: bytes = b"") -> None:
        self._say(Ping(payload=payload))

    def pong(self, payload: bytes = b"") -> None:
        self._say(Pong(payload=payload))

    def say_close(self, code: int = 1000, reason: str = "") -> None:
        # wsproto knows the codes that stand for "none" by their identity.
        known = code in CloseReason.__members__.values()
        self._say(CloseConnection(code=CloseReason(code) if known else code, reason=reason or None))

    def _say(self, event: Event) -> None:
        self.sock.sendall(self._ws.send(event))

    # ---- hearing ----

    def hear(self, timeout: float = PATIENCE) -> Event | None:
        """The next event of wsproto; a text message comes whole. None: the wire has ended."""
        self.sock.settimeout(timeout)
        while not self._heard:
            try:
                data = self.sock.recv(_READ)
            except (ConnectionResetError, ssl.SSLEOFError, BrokenPipeError):
                return None
            if not data:
                return None
            self._ws.receive_data(data)
            self._heard += self._whole(self._ws.events())
        return self._heard.pop(0)

    def _whole(self, events: Any) -> list[Event]:
        whole: list[Event] = []
        for event in events:
            if isinstance(event, TextMessage):
                self._text += str(event.data)
                if event.message_finished:
                    whole.append(TextMessage(data=self._text))
                    self._text = ""
            else:
                whole.append(event)
        return whole

    def texts(self, count: int) -> list[str]:
        """The next `count` text messages; control frames between them are skipped, Pings answered."""
        found: list[str] = []
        while len(found) < count:
            event = self.hear()
            if isinstance(event, TextMessage):
                found.append(event.data)
            elif isinstance(event, Ping):
                self.pong(bytes(event.payload))
            else:
                assert isinstance(event, Pong), f"{len(found)} of {count} messages came, then {event}"
        return found

    def until(self, kind: type[Event]) -> Any:
        """The next event of this kind; None where the wire ends before. Others are skipped."""
        while (event := self.hear()) is not None and not isinstance(event, kind):
            pass
        return event

    def hear_out(self) -> None:
        """Reads until the wire ends."""
        while self.hear() is not None:
            pass

    # ---- the end ----

    def half_close(self) -> None:
        """Ends the own direction of TCP, without a goodbye in TLS; the other stays open."""
        socket.socket.shutdown(self.sock, socket.SHUT_WR)

    def reset(self) -> None:
        """Ends the wire with a TCP RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # A TLS socket would say goodbye first.
        socket.socket(fileno=self.sock.detach()).close()

    def close(self) -> None:
        self.sock.close()


class Listener:
    """Listens on a free port of 127.0.0.1 and runs `script(sock)` in a thread for each connection."""

    def __init__(
        self,
        script: Callable[[socket.socket], None],
        tls: ssl.SSLContext | None = None,
        buffers: Buffers | None = None,
    ) -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        _set_buffers(self._listener, buffers)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self._failures: list[BaseException] = []
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def _listen(self) -> None:
        with self._listener:
            while True:
                sock, _ = self._listener.accept()
                if self._stopping.is_set():
                    sock.close()
                    return
                self.connections += 1
                thread = threading.Thread(target=self._run, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _run(self, sock: socket.socket) -> None:
        try:
            sock.settimeout(PATIENCE)
            self._script(sock if self._tls is None else self._tls.wrap_socket(sock, server_side=True))
        except BaseException as error:
            self._failures.append(error)

    def close(self) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            socket.create_connection(("127.0.0.1", self.port), PATIENCE).close()
        for thread in self._threads:
            thread.join(PATIENCE)
        if self._failures:
            raise self._failures.pop()

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self.close()
        except BaseException:
            if error is None:
                raise


class PeerServer(Listener):
    """Accepts WebSockets; each comes out of `peer()`."""

    def __init__(self, tls: ssl.SSLContext | None = None, buffers: Buffers | None = None) -> None:
        self._peers: queue.Queue[Peer] = queue.Queue()
        super().__init__(self._accept, tls, buffers)

    def _accept(self, sock: socket.socket) -> None:
        peer = Peer(sock, ConnectionType.SERVER)
        peer.accept()
        self._peers.put(peer)

    def peer(self) -> Peer:
        return self._peers.get(timeout=PATIENCE)


class Background:
    """Runs `work()` in a thread; `result()` gives what it returned or raised."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._failure: BaseException | None = None
        self._result: Any = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._work()
        except BaseException as error:
            self._failure = error

    def done(self) -> bool:
        return not self._thread.is_alive()

    def result(self, timeout: float = PATIENCE) -> Any:
        self._thread.join(timeout)
        assert not self._thread.is_alive(), f"the peer still works after {timeout} s"
        if self._failure is not None:
            raise self._failure
        return self._result


def raw_connect(port: int, tls: ssl.SSLContext | None = None, buffers: Buffers | None = None) -> socket.socket:
    """A connected socket, TLS done."""
    sock = socket.socket()
    _set_buffers(sock, buffers)
    sock.settimeout(PATIENCE)
    try:
        sock.connect(("127.0.0.1", port))
        return sock if tls is None else tls.wrap_socket(sock, server_hostname="127.0.0.1")
    except BaseException:
        sock.close()
        raise


def read_header(sock: socket.socket) -> str:
    """An HTTP header, to its blank line."""
    data = b""
    while b"\r\n\r\n" not in data and (piece := sock.recv(_READ)):
        data += piece
    return data.decode("latin-1")


def http_answer(status: str, headers: Sequence[str] = (), body: bytes = b"") -> bytes:
    """An HTTP response with its Content-Length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def wait_until(condition: Callable[[], bool], timeout: float = PATIENCE) -> None:
    """Waits for `condition`, which nobody announces."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"it has not happened within {timeout} s"
        time.sleep(0.002)


def _set_buffers(sock: socket.socket, buffers: Buffers | None) -> None:
    if buffers is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers.size)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers.size)
