"""`serve()`: a server of the protocol, one thread a connection."""

from __future__ import annotations

import itertools
import logging
import math
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from rtproto import Config, Connection, State
from rtproto.errors import RtprotoError, SessionClosed
from rtproto.events import Requested
from rtproto_sync._defaults import with_fast_mask
from rtproto_sync._layer import Plain, Tls
from rtproto_sync._pump import Pump
from rtproto_sync._stream import ServerStream
from rtproto_sync._wake import SLICE, Wake, wait

logger = logging.getLogger(__name__)

Handler = Callable[[ServerStream], object]

_CAPACITY_PAUSE = 0.1
"""Seconds before the next accept() when the system has no more sockets or memory to give."""


def serve(
    handler: Handler, host: str, port: int, config: Config | None = None, *, ssl_context: ssl.SSLContext | None = None
) -> Server:
    """Serves in threads of its own until `Server.close()`, or to the end of a ``with`` block.

    `handler` is called in a thread for each client with its `ServerStream`: `requested` says what it wants,
    `accept()` or `reject()` answers. When the handler returns, the session is closed; when it raises, that is logged
    and the session closed with 1011. `host` "" means every interface, `port` 0 any free one.

    Raises OSError where it cannot listen there.
    """
    (family, *_), *_ = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listener = socket.create_server((host, port), family=family)
    return Server(handler, listener, with_fast_mask(config), ssl_context)


class Server:
    """A server that runs. `port` is the one it listens on."""

    def __init__(
        self, handler: Handler, listener: socket.socket, config: Config, ssl_context: ssl.SSLContext | None
    ) -> None:
        listener.setblocking(False)
        self.port: int = listener.getsockname()[1]
        self._handler = handler
        self._listener = listener
        self._config = config
        self._ssl_context = ssl_context
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._guests: dict[threading.Thread, ServerStream] = {}
        self._closing = False
        self._wake = Wake()
        self._thread = threading.Thread(target=self._accept, name=f"rtproto: port {self.port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops listening, closes every session with 1001 and waits for the handlers, at most ``Timeouts.close``.

        A handler that does not end by itself when its session has ended is left behind. May be called again, and by a
        handler.
        """
        self._closing = True
        self._wake.set()
        self._thread.join()
        with self._lock:
            guests = dict(self._guests)
        guests.pop(threading.current_thread(), None)
        patience = self._config.timeouts.close
        until = math.inf if patience is None else time.monotonic() + patience
        try:
            for connection in guests.values():
                connection._go_away()
            for connection in guests.values():
                connection._leave(until=until)
            for thread in guests:
                while thread.is_alive() and time.monotonic() < until:
                    thread.join(min(SLICE, until - time.monotonic()))
        finally:
            self._listener.close()
            self._wake.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while not self._closing:
            wait([(self._listener, selectors.EVENT_READ), (self._wake, selectors.EVENT_READ)], math.inf)
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                continue
            except OSError as error:
                logger.warning("cannot accept a connection: %s", error.strerror)
                time.sleep(_CAPACITY_PAUSE)
                continue
            try:
                self._welcome(sock)
            except Exception:
                sock.close()
                logger.exception("cannot serve a connection")

    def _welcome(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        layer = Plain() if self._ssl_context is None else Tls(self._ssl_context)
        machine = Connection.server(self._config, now=time.monotonic())
        connection = ServerStream(Pump(machine, sock, layer))
        number = next(self._numbers)
        name = f"rtproto: connection {number} of port {self.port}"
        thread = threading.Thread(target=self._attend, args=(connection, number), name=name, daemon=True)
        with self._lock:
            self._guests[thread] = connection
        thread.start()

    def _attend(self, connection: ServerStream, number: int) -> None:
        try:
            event = next(connection)
            if isinstance(event, Requested):
                connection.requested = event
                self._handle(connection, number)
        except Exception:
            logger.exception("connection %d failed", number)
        finally:
            with suppress(Exception):
                connection._leave()
            with self._lock:
                self._guests.pop(threading.current_thread(), None)

    def _handle(self, connection: ServerStream, number: int) -> None:
        logger.debug("connection %d asks for a session", number)
        try:
            self._handler(connection)
        except SessionClosed:
            logger.debug("connection %d was closed while its handler sent", number)
        except Exception:
            logger.exception("the handler of connection %d failed", number)
            with suppress(RtprotoError):
                if connection.state is State.CONNECTING:
                    connection.reject(500)
            connection._leave(1011)
        else:
            if connection.state is State.CONNECTING:
                logger.error("the handler of connection %d returned without accept() or reject()", number)
                connection.reject(500)
            connection.close()
