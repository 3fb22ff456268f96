"""TCP to a server, or to a proxy that connects to it, within a deadline."""

from __future__ import annotations

import errno
import math
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from rtproto import Endpoint
from rtproto._tunnel import Established, Proxy, Tunnel
from rtproto.errors import HandshakeError
from rtproto_sync._wake import SLICE, wait

_HEAD_START = 0.25
"""Seconds that one address gets before the next is tried beside it (RFC 8305 section 5)."""

_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0))
Address = tuple[int, int, int, str, Any]


class OutOfTime(Exception):
    """The deadline has passed."""


def reach(endpoint: Endpoint, proxy: Proxy | None, deadline: float) -> tuple[socket.socket, bytes]:
    """A connected, non-blocking socket, and what came of the server's bytes already.

    Raises OutOfTime at `deadline` (time.monotonic()), ConnectionError, and HandshakeError where the proxy refuses.
    """
    if proxy is None:
        return open_tcp(endpoint.host, endpoint.port, deadline), b""
    sock = open_tcp(proxy.host, proxy.port, deadline)
    try:
        return sock, _tunnel(sock, endpoint, proxy, deadline)
    except BaseException:
        sock.close()
        raise


def open_tcp(host: str, port: int, deadline: float) -> socket.socket:
    """Tries all addresses of `host`, each with a head start before the next; the first that answers wins."""
    left = deque(_resolve(host, port, deadline))
    trying: list[socket.socket] = []
    last = errno.EHOSTUNREACH
    next_start = 0.0
    try:
        while left or trying:
            now = time.monotonic()
            if now >= deadline:
                raise OutOfTime
            if left and (now >= next_start or not trying):
                next_start = now + _HEAD_START
                last = _start(left.popleft(), trying) or last
                continue
            wanted = [(sock, selectors.EVENT_WRITE) for sock in trying]
            for sock in wait(wanted, min(deadline, next_start if left else math.inf)):
                assert isinstance(sock, socket.socket)
                trying.remove(sock)
                failure = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not failure:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return sock
                sock.close()
                last, next_start = failure, now
    finally:
        for sock in trying:
            sock.close()
    kind = ConnectionRefusedError if last == errno.ECONNREFUSED else ConnectionError
    raise kind(f"cannot connect to {host}:{port}: {os.strerror(last)}")


def _start(address: Address, trying: list[socket.socket]) -> int:
    """Begins to connect; the error number where that fails at once."""
    family, kind, protocol, _, to = address
    try:
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        return error.errno or errno.EAFNOSUPPORT
    sock.setblocking(False)
    failure = sock.connect_ex(to)
    if failure not in _UNDER_WAY:
        sock.close()
        return failure
    trying.append(sock)
    return 0


def _resolve(host: str, port: int, deadline: float) -> Sequence[Address]:
    """The addresses of `host`. Resolvers know no deadline: a thread looks names up, and may be left behind."""
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    found: list[Address] = []
    failure: list[OSError] = []

    def look_up() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            failure.append(error)

    thread = threading.Thread(target=look_up, name=f"rtproto: address of {host}", daemon=True)
    thread.start()
    while thread.is_alive():
        left = deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        thread.join(min(SLICE, left))
    if failure:
        why = f"the name has no address ({failure[0].strerror or failure[0]})"
        raise ConnectionError(f"cannot connect to {host}:{port}: {why}")
    return found


def _tunnel(sock: socket.socket, endpoint: Endpoint, proxy: Proxy, deadline: float) -> bytes:
    tunnel = Tunnel(endpoint.host, endpoint.port, proxy.headers)
    result: Established | HandshakeError | None = None
    try:
        unsent = tunnel.request
        while unsent:
            _await(sock, selectors.EVENT_WRITE, deadline)
            unsent = unsent[sock.send(unsent) :]
        while result is None:
            _await(sock, selectors.EVENT_READ, deadline)
            data = sock.recv(65536)
            result = tunnel.receive(data) if data else tunnel.receive_eof()
    except OSError:
        result = tunnel.receive_eof()
    if isinstance(result, HandshakeError):
        raise result
    return result.trailing


def _await(sock: socket.socket, events: int, deadline: float) -> None:
    while not wait([(sock, events)], deadline):
        if time.monotonic() >= deadline:
            raise OutOfTime
