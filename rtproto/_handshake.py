"""The opening handshake of a WebSocket (RFC 6455 section 4), for both ends. HTTP by h11, extensions by wsproto."""

import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import h11
from wsproto.extensions import Extension
from wsproto.utilities import generate_accept_token

from rtproto._deflate import accept_deflate, agreed_deflate, offer_deflate
from rtproto._http import (
    Answer,
    Exchange,
    HeaderCutter,
    Headers,
    HeaderTooLarge,
    decode_headers,
    header_list,
    is_authority,
    is_token,
    refuse_bad_headers,
)
from rtproto._redact import KEY_SUBPROTOCOL, redact_subprotocol, redact_subprotocols
from rtproto.errors import LocalProtocolError

USER_AGENT = "rtproto"
"""Sent where the caller names none: some gateways turn away requests without one."""

_TARGET = re.compile(r"/[!-~]*")
_ABSOLUTE_FORM = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?]*", re.IGNORECASE)
_SECONDS = re.compile(r"[0-9]{1,6}")

# By status, else by its first digit.
_HINTS = {
    2: "this address does not speak WebSocket",
    5: "try again later",
    400: "the model, the deployment or the query may be wrong",
    401: "check the API key or the token",
    403: "the key may not use this model, deployment or network",
    404: "check the address, and that the model, deployment or call exists",
    407: "a proxy wants a user name and a password",
    429: "too many requests or sessions",
}


@attrs.frozen(kw_only=True)
class Accepted:
    """Client: the server opened the WebSocket. `trailing` are the bytes that came after its header: frames."""

    status: int
    headers: Headers = attrs.field(repr=False)
    subprotocol: "str | None"
    extensions: list[Extension]
    trailing: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Rejected:
    """There will be no WebSocket; `reason` is a sentence for people.

    Client: `status` (None: no HTTP answer), `headers` and `body` (at most 64 KiB) are the server's answer.
    Server: `status` is the one in `response`, the bytes to write before closing.
    """

    status: "int | None"
    reason: str
    headers: Headers = attrs.field(default=(), repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    response: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen(kw_only=True)
class Request:
    """Server: a client asks to open a WebSocket.

    `path` and `query` are percent-decoded, header names are in lower case, `subprotocols` in the client's order.
    `trailing` are the bytes that came after the request's header.
    """

    path: str
    query: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    headers: Headers = attrs.field(repr=False)
    subprotocols: tuple[str, ...] = attrs.field(repr=redact_subprotocols)
    trailing: bytes = attrs.field(repr=False)


class ClientHandshake:
    """The client's end: write `request`, then `receive` what comes until there is a result.

    `host` is the Host header ("name", "name:port", "[v6]:port"), `target` the percent-encoded path and query,
    `max_size` the bytes that the header of the server's answer may have.
    Raises LocalProtocolError where an argument cannot be sent in HTTP; its text shows no values.
    """

    def __init__(
        self,
        *,
        host: str,
        target: str,
        headers: Sequence[tuple[str, str]] = (),
        subprotocols: Sequence[str] = (),
        max_size: int,
        compression: bool = False,
        nonce: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        refuse_bad_headers(headers)
        if not is_authority(host):
            raise _local_error("the host is not a host name or address, with or without a port")
        if not _TARGET.fullmatch(target):
            raise _local_error("the request target must begin with / and be percent-encoded")
        for name in subprotocols:
            if not is_token(name):
                raise _local_error(f"the subprotocol {redact_subprotocol(name)!r} has characters that HTTP forbids")
        self._key = b64encode(nonce(16))
        self._subprotocols = tuple(subprotocols)
        self._compression = compression
        optional = [
            ("Sec-WebSocket-Protocol", ", ".join(subprotocols)),
            ("Sec-WebSocket-Extensions", offer_deflate() if compression else ""),
            ("User-Agent", "" if any(name.lower() == "user-agent" for name, _ in headers) else USER_AGENT),
        ]
        request = h11.Request(
            method="GET",
            target=target,
            headers=[
                ("Host", host),
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Key", self._key.decode()),
                ("Sec-WebSocket-Version", "13"),
                *((name, value) for name, value in optional if value),
                *headers,
            ],
        )
        self._exchange = Exchange(request, peer="the server", max_size=max_size)
        self.request = self._exchange.request

    def receive(self, data: bytes) -> "Accepted | Rejected | None":
        """The result once the server's answer is complete; None: more is needed. Not to be called after a result."""
        answer = self._exchange.receive(data)
        return None if answer is None else self._judge(answer)

    def receive_eof(self) -> Rejected:
        """The result when the wire ends (or patience does): a refusal whose body was cut off is still given whole."""
        answer = self._exchange.receive_eof()
        return Rejected(status=answer.status, headers=answer.headers, body=answer.body, reason=_reason(answer))

    def _judge(self, answer: Answer) -> "Accepted | Rejected":
        if not answer.switched:
            return Rejected(status=answer.status, headers=answer.headers, body=answer.body, reason=_reason(answer))
        headers = tuple((name, _without_key(value)) for name, value in answer.headers)
        selected = header_list(answer.headers, "sec-websocket-protocol")
        extensions = agreed_deflate(header_list(answer.headers, "sec-websocket-extensions"))
        accept = generate_accept_token(self._key).decode()
        rules = (
            (_mentions(headers, "upgrade", "websocket"), "to another protocol than WebSocket"),
            (_mentions(headers, "connection", "upgrade"), "without the header Connection: Upgrade"),
            (
                [value for name, value in headers if name == "sec-websocket-accept"] == [accept],
                "with a Sec-WebSocket-Accept that does not fit the key sent: is something in between answering for it?",
            ),
            (
                len(selected) < 2 and set(selected) <= set(self._subprotocols),
                "with a subprotocol that was not offered",
            ),
            (
                extensions is not None and (self._compression or not extensions),
                "with an extension, or parameters of one, that was not offered",
            ),
        )
        for kept, complaint in rules:
            if not kept:
                return Rejected(status=answer.status, headers=headers, reason=f"the server switched {complaint}")
        return Accepted(
            status=101,
            headers=headers,
            subprotocol=_without_key(selected[0]) if selected else None,
            extensions=extensions or [],
            trailing=answer.trailing,
        )


class ServerHandshake:
    """The server's end: `receive` until there is a Request, then `accept` or `reject` it and write the bytes they give.

    `max_size` is what the request's header may have, in bytes.
    """

    def __init__(self, *, max_size: int, compression: bool = False) -> None:
        self._http = h11.Connection(h11.SERVER)
        self._max_size = max_size
        self._cutter = HeaderCutter(max_size)
        self._compression = compression
        self._request: h11.Request | None = None

    def receive(self, data: bytes) -> "Request | Rejected | None":
        """The request once it is complete; None: more is needed. Not to be called after a result."""
        self._cutter.rest += data
        if self._cutter.rest and not 0x21 <= self._cutter.rest[0] < 0x7F:
            return self._refuse(400, "the request is not HTTP")
        try:
            header = self._cutter.cut()
        except HeaderTooLarge:
            return self._refuse(431, f"the header of the request is larger than {self._max_size} bytes")
        if header is None:
            return None
        try:
            self._http.receive_data(header)
            request, end = self._http.next_event(), self._http.next_event()
        except h11.RemoteProtocolError as error:
            return self._refuse(error.error_status_hint, "the request is not valid HTTP/1.1")
        assert isinstance(request, h11.Request)
        headers = decode_headers(request.headers)
        for kept, status, extra, reason in _request_rules(request, headers, end):
            if not kept:
                return self._refuse(status, reason, extra, has_body=request.method != b"HEAD")
        self._request = request
        path, _, query = _origin_form(request).partition("?")
        return Request(
            path=unquote(path) or "/",
            query=tuple(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            subprotocols=tuple(header_list(headers, "sec-websocket-protocol")),
            trailing=bytes(self._cutter.rest),
        )

    def accept(
        self, subprotocol: "str | None" = None, headers: Sequence[tuple[str, str]] = ()
    ) -> tuple[bytes, list[Extension]]:
        """The answer that opens the WebSocket, and the extensions that are on from then.

        Raises LocalProtocolError for a subprotocol that the client did not offer or that holds its key
        (it must select ``realtime``), for a header that cannot be sent, and when there is no request to answer.
        """
        request = self._unanswered()
        refuse_bad_headers(headers)
        found = decode_headers(request.headers)
        if subprotocol is not None:
            shown = redact_subprotocol(subprotocol)
            if subprotocol not in header_list(found, "sec-websocket-protocol"):
                raise _local_error(f"the client did not offer the subprotocol {shown!r}")
            if subprotocol.startswith(KEY_SUBPROTOCOL):
                raise _local_error(f"the subprotocol {shown!r} holds the client's key: select another one")
        offers = header_list(found, "sec-websocket-extensions") if self._compression else []
        deflate, extensions = accept_deflate(offers)
        optional = [("Sec-WebSocket-Protocol", subprotocol or ""), ("Sec-WebSocket-Extensions", deflate)]
        key = header_list(found, "sec-websocket-key")[0].encode()
        response = h11.InformationalResponse(
            status_code=101,
            reason="Switching Protocols",
            headers=[
                ("Upgrade", "websocket"),
                ("Connection", "Upgrade"),
                ("Sec-WebSocket-Accept", generate_accept_token(key).decode()),
                *((name, value) for name, value in optional if value),
                *headers,
            ],
        )
        self._request = None
        return self._http.send(response), extensions

    def reject(self, status: int = 403, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> bytes:
        """The answer that refuses the WebSocket; write it, then close.

        Raises LocalProtocolError for a `status` outside 300 to 599, for a header that cannot be sent, and when there
        is no request to answer.
        """
        self._unanswered()
        refuse_bad_headers(headers)
        if not 300 <= status <= 599 or status == 304:
            raise _local_error(f"a WebSocket is refused with an HTTP status from 300 to 599 except 304, not {status}")
        self._request = None
        return self._respond(status, headers, body)

    def _unanswered(self) -> h11.Request:
        if self._request is None:
            raise _local_error("there is no request to answer: none came yet, or it was answered")
        return self._request

    def _refuse(self, status: int, reason: str, headers: Headers = (), *, has_body: bool = True) -> Rejected:
        headers = (("Content-Type", "text/plain; charset=utf-8"), *headers)
        response = self._respond(status, headers, f"{reason}\n".encode(), has_body=has_body)
        return Rejected(status=status, reason=reason, response=response)

    def _respond(self, status: int, headers: Sequence[tuple[str, str]], body: bytes, *, has_body: bool = True) -> bytes:
        response = h11.Response(
            status_code=status,
            headers=[*headers, ("Content-Length", str(len(body))), ("Connection", "close")],
        )
        data = self._http.send(response)
        if has_body:
            data += self._http.send(h11.Data(data=body))
        return data + self._http.send(h11.EndOfMessage())


def _local_error(reason: str) -> LocalProtocolError:
    return LocalProtocolError(None, None, reason)


def _origin_form(request: h11.Request) -> str:
    return _ABSOLUTE_FORM.sub("", request.target.decode("ascii"))


def _mentions(headers: Headers, name: str, token: str) -> bool:
    return token in (item.lower() for item in header_list(headers, name))


def _without_key(value: str) -> str:
    """A server may select the subprotocol that holds the key; what it said ends up in events and logs."""
    return redact_subprotocol(value) if value.startswith(KEY_SUBPROTOCOL) else value


def _is_key(values: list[str]) -> bool:
    try:
        return len(values) == 1 and len(b64decode(values[0], validate=True)) == 16
    except ValueError:
        return False


def _request_rules(request: h11.Request, headers: Headers, end: object) -> Iterable[tuple[bool, int, Headers, str]]:
    """What RFC 6455 section 4.2.1 asks of a request: whether it is so, and how to answer if not."""
    upgrade = (("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"))
    return (
        (request.http_version >= b"1.1", 505, (), "a WebSocket needs HTTP/1.1"),
        (
            request.method == b"GET",
            405,
            (("Allow", "GET"),),
            "this address speaks WebSocket, which is opened with the method GET",
        ),
        (isinstance(end, h11.EndOfMessage), 400, (), "the request must not have a body"),
        (_origin_form(request)[:1] in ("", "/", "?"), 400, (), "the request's target must be a path or a URL"),
        (
            _mentions(headers, "upgrade", "websocket"),
            426,
            upgrade,
            "this address speaks WebSocket: the header Upgrade: websocket is missing",
        ),
        (_mentions(headers, "connection", "upgrade"), 400, (), "the header Connection: Upgrade is missing"),
        (
            header_list(headers, "sec-websocket-version") == ["13"],
            426,
            upgrade,
            "the header Sec-WebSocket-Version must be 13",
        ),
        (
            _is_key([value for name, value in headers if name == "sec-websocket-key"]),
            400,
            (),
            "the header Sec-WebSocket-Key must be the base64 of 16 bytes",
        ),
    )


def _reason(answer: Answer) -> str:
    """Why there is no WebSocket, from the status alone: bodies and headers may repeat what was sent."""
    status = answer.status
    if status is None:
        return answer.problem
    if 300 <= status < 400:
        return f"the server redirects (HTTP {status}) to {_origin(answer.headers)}; redirects are never followed"
    hint = _HINTS.get(status) or _HINTS.get(status // 100)
    wait = next((value for name, value in answer.headers if name == "retry-after" and _SECONDS.fullmatch(value)), "")
    details = "; ".join(filter(None, (hint, f"retry after {wait} s" if wait else "")))
    return f"the server answered HTTP {status} instead of opening a WebSocket" + (f": {details}" if details else "")


def _origin(headers: Headers) -> str:
    location = next((value for name, value in headers if name == "location"), "")
    try:
        parts = urlsplit(location)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return "an unreadable address"
    if not parts.hostname:
        return "another path of the same server" if location else "an address that it does not name"
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"[:200] if parts.scheme else f"{host}{port}"[:200]
