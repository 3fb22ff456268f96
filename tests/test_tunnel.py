"""The CONNECT tunnel through an HTTP proxy, and the proxy's URL."""

from __future__ import annotations

import pytest

from rtproto._tunnel import Established, Proxy, Tunnel, proxy_authorization
from rtproto.errors import HandshakeError, LocalProtocolError

SECRET = "pa:ss wörd"
CREDENTIALS = (("Proxy-Authorization", proxy_authorization("ann", SECRET)),)
TLS = b"\x16\x03\x03\x00\x7a\r\n\r\n"
OK = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n"
REFUSED = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 5\r\n\r\nsorry"


def feed(tunnel: Tunnel, chunks: list[bytes]) -> tuple[Established | HandshakeError, bytes]:
    for index, chunk in enumerate(chunks):
        result = tunnel.receive(chunk)
        if result is not None:
            return result, getattr(result, "trailing", b"") + b"".join(chunks[index + 1 :])
    return tunnel.receive_eof(), b""


@pytest.mark.parametrize(
    ("host", "target"), [("api.openai.com", "api.openai.com:443"), ("2001:db8::1", "[2001:db8::1]:443")]
)
def test_the_request_names_the_server_and_carries_the_proxys_headers(host: str, target: str) -> None:
    tunnel = Tunnel(host, 443, CREDENTIALS)
    expected = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: {CREDENTIALS[0][1]}\r\n\r\n"
    assert tunnel.request == expected.encode()


@pytest.mark.parametrize(
    "answer", [OK + TLS, b"HTTP/1.1 102 Processing\r\n\r\n" + OK + TLS, b"HTTP/1.0 200\r\n\r\n" + TLS]
)
def test_an_established_tunnel_gives_the_servers_first_bytes_under_every_cut(answer: bytes) -> None:
    every_cut = [[answer[:i], answer[i:]] for i in range(1, len(answer))]
    for chunks in [[answer], *every_cut, [answer[i : i + 1] for i in range(len(answer))]]:
        result, trailing = feed(Tunnel("h", 443), chunks)
        assert isinstance(result, Established)
        assert trailing == TLS


@pytest.mark.parametrize(
    ("answer", "status", "body", "reason"),
    [
        (REFUSED, 407, b"sorry", "the proxy refused the user name or the password (HTTP 407)"),
        (REFUSED[:-3], 407, b"so", "the proxy refused the user name or the password (HTTP 407)"),
        (
            b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
            403,
            b"",
            "the proxy answered HTTP 403 when asked to connect to h:443",
        ),
        (b"SSH-2.0-x\r\n", None, b"", "the proxy's answer is not HTTP: it begins with 'SSH-2.0-x'"),
        (b"HTTP/1.1 101 X\r\n\r\n", None, b"", "the proxy's answer is not HTTP: its header is malformed"),
        (b"HTTP/1.1 200 X\r\nA: " + b"b" * 500, None, b"", "the header of the proxy's answer is larger than 400 bytes"),
        (b"", None, b"", "the proxy closed the connection without an answer"),
        (b"HTTP/1.1 200", None, b"", "the proxy closed the connection within the header of its answer"),
    ],
)
def test_a_failure_says_why_under_every_cut(answer: bytes, status: int | None, body: bytes, reason: str) -> None:
    every_cut = [[answer[:i], answer[i:]] for i in range(1, len(answer))]
    for chunks in [[answer], *every_cut, [answer[i : i + 1] for i in range(len(answer))]]:
        error, _ = feed(Tunnel("h", 443, CREDENTIALS, max_size=400), chunks)
        assert isinstance(error, HandshakeError)
        assert (error.status, error.body, str(error)) == (status, body, reason)
        assert CREDENTIALS[0][1] not in repr(error)


def test_a_proxy_that_wants_a_password_says_how_to_give_one() -> None:
    error, _ = feed(Tunnel("h", 443), [REFUSED])
    assert "write http://user:password@host:port" in str(error)


@pytest.mark.parametrize(
    ("host", "headers", "reason"),
    [
        ("", (), "host is not a host name"),
        ("h\r\nX: 1", (), "host is not a host name"),
        ("h/x", (), "host is not a host name"),
        ("h", (("Proxy-Authorization", "Basic c2VjcmV0\r\nX: 1"),), "header Proxy-Authorization has a line break"),
        ("h", (("Host", "c2VjcmV0"),), "written by the handshake itself"),
    ],
)
def test_what_cannot_be_sent_is_refused(host: str, headers: tuple[tuple[str, str], ...], reason: str) -> None:
    with pytest.raises(LocalProtocolError, match=reason) as caught:
        Tunnel(host, 443, headers)
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "host", "port", "headers"),
    [
        ("http://proxy.example:3128", "proxy.example", 3128, ()),
        ("http://proxy.example/", "proxy.example", 80, ()),
        ("HTTP://proxy.example", "proxy.example", 80, ()),
        ("proxy.example:3128", "proxy.example", 3128, ()),
        ("http://[2001:db8::1]:8080", "2001:db8::1", 8080, ()),
        ("http://ann:pa%3Ass%20w%C3%B6rd@p:1", "p", 1, CREDENTIALS),
        ("http://ann@p:1", "p", 1, (("Proxy-Authorization", proxy_authorization("ann", "")),)),
    ],
)
def test_a_proxys_url_is_read(url: str, host: str, port: int, headers: tuple[tuple[str, str], ...]) -> None:
    proxy = Proxy.parse(url)
    assert proxy == Proxy(host=host, port=port, headers=headers)
    assert "Basic" not in repr(proxy)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("socks5://ann:secret@p:1080", "'p:1080' must begin with http://"),
        ("https://p:443", "must begin with http://"),
        ("", "must be written as"),
        ("http://", "must be written as"),
        ("http://ann:secret@", "must be written as"),
        ("http://ann:secret@p:port", "'p:port' must be written as"),
        ("http://ann:secret@[p", "must be written as"),
        ("http://p:1/path", "must be written as"),
        ("http://p:1?q=1", "must be written as"),
        ("http://p:1#f", "must be written as"),
        ("http://p :1", "must be written as"),
        ("http://p\n:1", "must be written as"),
        ("http://an%3An:secret@p", "user name has a colon"),
    ],
)
def test_a_proxys_bad_url_is_refused_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("[", r"\[")) as caught:
        Proxy.parse(url)
    assert "secret" not in str(caught.value)


def test_a_password_is_sent_as_rfc_7617_says() -> None:
    assert proxy_authorization("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
