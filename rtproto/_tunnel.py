"""Through an HTTP proxy: CONNECT (RFC 9110 section 9.3.6), and what a proxy's URL says."""

from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import attrs
import h11

from rtproto._http import Answer, Exchange, Headers, is_authority, refuse_bad_headers
from rtproto._url import WHITE_SPACE
from rtproto.errors import HandshakeError, LocalProtocolError


def proxy_authorization(user: str, password: str) -> str:
    """The value of the header Proxy-Authorization (RFC 7617, in UTF-8). Raises ValueError for a colon in `user`."""
    if ":" in user:
        raise ValueError("the proxy's user name has a colon, which HTTP cannot send")
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


@attrs.frozen(kw_only=True)
class Proxy:
    """An HTTP proxy: connect to `host` and `port`, then run ``Tunnel(..., headers=proxy.headers)``."""

    host: str
    port: int
    headers: Headers = attrs.field(default=(), repr=False)

    @classmethod
    def parse(cls, url: str) -> "Proxy":
        """From ``http://[user:password@]host[:port]`` (the scheme may be left out; port 80 is the default).

        Raises ValueError for another scheme, a missing host or a bad port; its text shows no password.
        """
        shown = url.rpartition("@")[2]
        try:
            parts = urlsplit(url if "://" in url else f"http://{url}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            parts, host, port = urlsplit(""), "", None
        if not is_authority(host) or WHITE_SPACE.search(url) or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"the proxy {shown!r} must be written as http://[user:password@]host[:port]")
        if parts.scheme != "http":
            raise ValueError(f"the proxy {shown!r} must begin with http://: other kinds of proxy are not supported")
        headers: Headers = ()
        if parts.username is not None:
            secret = proxy_authorization(unquote(parts.username), unquote(parts.password or ""))
            headers = (("Proxy-Authorization", secret),)
        return cls(host=host, port=port or 80, headers=headers)


@attrs.frozen(kw_only=True)
class Established:
    """The proxy connected: from here the wire is the server's. `trailing` are its first bytes, if any came."""

    trailing: bytes = attrs.field(default=b"", repr=False)


class Tunnel:
    """Asks a proxy for a connection to `host` and `port`: write `request`, then `receive` until there is a result.

    `headers` are for the proxy alone; `max_size` is what the header of its answer may have, in bytes.
    Raises LocalProtocolError where the host or a header cannot be sent in HTTP; its text shows no values.
    """

    def __init__(
        self, host: str, port: int, headers: Sequence[tuple[str, str]] = (), *, max_size: int = 64 * 1024
    ) -> None:
        self._target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._authorized = any(name.lower() == "proxy-authorization" for name, _ in headers)
        if not (host and is_authority(self._target)):
            raise LocalProtocolError(None, None, "the host is not a host name or address")
        refuse_bad_headers(headers)
        request = h11.Request(method="CONNECT", target=self._target, headers=[("Host", self._target), *headers])
        self._exchange = Exchange(request, peer="the proxy", max_size=max_size)
        self.request = self._exchange.request

    def receive(self, data: bytes) -> "Established | HandshakeError | None":
        """The result once the proxy's answer is complete; None: more is needed. Not to be called after a result."""
        answer = self._exchange.receive(data)
        if answer is None:
            return None
        return Established(trailing=answer.trailing) if answer.switched else self._failure(answer)

    def receive_eof(self) -> HandshakeError:
        """The failure when the wire ends before the tunnel stands."""
        return self._failure(self._exchange.receive_eof())

    def _failure(self, answer: Answer) -> HandshakeError:
        if answer.status is None:
            reason = answer.problem
        elif answer.status == 407 and self._authorized:
            reason = "the proxy refused the user name or the password (HTTP 407)"
        elif answer.status == 407:
            reason = "the proxy wants a user name and a password (HTTP 407): write http://user:password@host:port"
        else:
            reason = f"the proxy answered HTTP {answer.status} when asked to connect to {self._target}"
        return HandshakeError(answer.status, answer.headers, answer.body, reason)
