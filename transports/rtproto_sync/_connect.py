"""`connect()`: TCP, a proxy's tunnel, TLS and the handshake, all within ``Timeouts.open``."""

from __future__ import annotations

import logging
import math
import ssl
import time

from rtproto import Config, Connection, Endpoint
from rtproto._tls import untrusted
from rtproto._tunnel import Proxy
from rtproto.errors import HandshakeError
from rtproto_sync._defaults import client_context, with_fast_mask
from rtproto_sync._dial import OutOfTime, reach
from rtproto_sync._layer import Plain, Tls
from rtproto_sync._pump import Pump
from rtproto_sync._stream import ClientStream

logger = logging.getLogger(__name__)


def connect(
    endpoint: Endpoint,
    config: Config | None = None,
    *,
    ssl_context: ssl.SSLContext | None = None,
    proxy: str | None = None,
) -> ClientStream:
    """Opens a session with `endpoint`; ``with connect(...) as rt:`` closes it at the end of the block.

    `ssl_context` replaces the default one for wss:// endpoints. `proxy` is an HTTP proxy that knows CONNECT,
    ``http://[user:password@]host[:port]``. Redirects are never followed.

    Raises HandshakeError when the server or the proxy refuses or does not answer within ``Timeouts.open``,
    ConnectionError when it cannot be reached or TLS fails, ValueError for a bad proxy URL.
    """
    via = None if proxy is None else Proxy.parse(proxy)
    machine = Connection.client(endpoint, with_fast_mask(config), now=time.monotonic())
    deadline = machine.deadline()
    layer = Tls(ssl_context or client_context(), server_hostname=endpoint.host) if endpoint.secure else Plain()
    where = f"{endpoint.host}:{endpoint.port}"
    try:
        sock, early = reach(endpoint, via, math.inf if deadline is None else deadline)
    except OutOfTime:
        reason = f"{where} did not answer within {machine.config.timeouts.open:g} s"
        raise HandshakeError(None, reason=reason) from None
    pump = Pump(machine, sock, layer, early)
    connection = ClientStream(pump)
    try:
        connection._shake_hands()
    except BaseException:
        connection._leave()
        if pump.failure is not None:
            raise untrusted(endpoint.host, endpoint.port, pump.failure) from None
        raise
    logger.debug("opened a session with %s", endpoint.host)
    return connection
