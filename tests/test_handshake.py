"""The opening handshake, both ends: what it accepts and refuses, and that TCP's cuts change nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtproto import errors
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


# ---- the client's request ----


def test_the_request_is_what_rfc_6455_asks_for() -> None:
    assert client().request == message(
        f"GET /v1/realtime?model=m&api-key={SECRET} HTTP/1.1",
        [
            ("Host", "api.example.com"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", KEY),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", f"realtime, openai-insecure-api-key.{SECRET}"),
            ("User-Agent", "rtproto"),
            ("Authorization", f"Bearer {SECRET}"),
        ],
    )


def test_optional_headers_are_left_out_and_the_user_agent_can_be_named() -> None:
    request = client(headers=[("user-agent", "mine/1")], subprotocols=()).request
    assert b"user-agent: mine/1" in request
    assert b"rtproto" not in request
    assert b"Sec-WebSocket-Protocol" not in request
    assert b"Sec-WebSocket-Extensions" not in request


def test_every_handshake_has_its_own_key() -> None:
    first, second = (ClientHandshake(host="h", target="/", max_size=100) for _ in range(2))
    assert first.request != second.request


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"headers": [("Authorization", f"Bearer {SECRET}\r\nX-Evil: 1")]}, "Authorization has a line break"),
        ({"headers": [("Authorization", f"Bearer {SECRET}\n")]}, "Authorization has a line break"),
        ({"headers": [("Authorization", f" {SECRET}")]}, "white space around it"),
        ({"headers": [("Authorization", f"{SECRET}é")]}, "not ASCII"),
        ({"headers": [("X Evil", SECRET)]}, "'X Evil' is not a header name"),
        ({"headers": [("X-Evil: 1\r\nY", SECRET)]}, "is not a header name"),
        ({"headers": [("Sec-WebSocket-Key", SECRET)]}, "written by the handshake itself"),
        ({"headers": [("content-LENGTH", SECRET)]}, "written by the handshake itself"),
        ({"target": f"/?key={SECRET} HTTP/1.1\r\nX-Evil: 1"}, "must begin with / and be percent-encoded"),
        ({"target": "realtime"}, "must begin with /"),
        ({"host": "h\r\nX-Evil: 1"}, "host is not a host name"),
        ({"host": ""}, "host is not a host name"),
        ({"host": "h/path"}, "host is not a host name"),
        ({"subprotocols": [f"openai-insecure-api-key.{SECRET}\r\nX-Evil: 1"]}, "openai-insecure-api-key.***"),
        ({"subprotocols": ["a,b"]}, "'a,b' has characters that HTTP forbids"),
    ],
)
def test_what_cannot_be_sent_is_refused_without_showing_it(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(errors.LocalProtocolError, match=reason.replace("*", r"\*")) as caught:
        client(**changes)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


# ---- the server's answer ----


def test_an_accepted_handshake_gives_what_the_server_chose() -> None:
    answer = switching(("Sec-WebSocket-Protocol", "realtime"), ("X-Request-Id", "req_1"))
    result, rest = feed(client(), [answer + FRAMES])
    assert isinstance(result, Accepted)
    assert (result.status, result.subprotocol, result.extensions, rest) == (101, "realtime", [], FRAMES)
    assert ("x-request-id", "req_1") in result.headers


def test_a_server_may_select_no_subprotocol() -> None:
    result, _ = feed(client(), [switching()])
    assert isinstance(result, Accepted)
    assert result.subprotocol is None


def test_a_server_that_selects_the_key_does_not_bring_it_into_the_logs() -> None:
    result, _ = feed(client(), [switching(("Sec-WebSocket-Protocol", f"openai-insecure-api-key.{SECRET}"))])
    assert isinstance(result, Accepted)
    assert result.subprotocol == "openai-insecure-api-key.***"
    assert SECRET not in repr((result, result.headers))


def test_interim_answers_are_passed_over() -> None:
    early = message("HTTP/1.1 103 Early Hints", [("Link", "</x>")]) + message("HTTP/1.1 100 Continue", [])
    result, rest = feed(client(), [early + switching() + FRAMES])
    assert isinstance(result, Accepted)
    assert rest == FRAMES


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (switching(without="Upgrade"), "another protocol than WebSocket"),
        (switching(("Upgrade", "h2c"), without="Upgrade"), "another protocol than WebSocket"),
        (switching(without="Connection"), "without the header Connection: Upgrade"),
        (switching(without="Sec-WebSocket-Accept"), "Sec-WebSocket-Accept that does not fit"),
        (
            switching(("Sec-WebSocket-Accept", ACCEPT[::-1]), without="Sec-WebSocket-Accept"),
            "Sec-WebSocket-Accept that does not fit",
        ),
        (switching(("Sec-WebSocket-Accept", ACCEPT)), "Sec-WebSocket-Accept that does not fit"),
        (switching(("Sec-WebSocket-Protocol", "other")), "subprotocol that was not offered"),
        (
            switching(("Sec-WebSocket-Protocol", "realtime"), ("Sec-WebSocket-Protocol", "realtime")),
            "subprotocol that was not offered",
        ),
        (switching(("Sec-WebSocket-Extensions", "permessage-deflate")), "extension, or parameters of one"),
    ],
)
def test_a_wrong_switch_is_refused(answer: bytes, reason: str) -> None:
    result = fails(client(), answer)
    assert result.status == 101
    assert reason in result.reason


@pytest.mark.parametrize(
    ("status", "headers", "hint"),
    [
        (400, [], ": the model, the deployment or the query may be wrong"),
        (401, [], ": check the API key or the token"),
        (403, [], ": the key may not use"),
        (404, [], ": check the address"),
        (418, [], "instead of opening a WebSocket"),
        (429, [], ": too many requests or sessions"),
        (429, [("Retry-After", "7")], "; retry after 7 s"),
        (429, [("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT")], ": too many requests or sessions"),
        (200, [], ": this address does not speak WebSocket"),
        (503, [("Retry-After", "120")], ": try again later; retry after 120 s"),
    ],
)
def test_a_refusal_shows_the_whole_answer_and_says_what_to_do(status: int, headers: Pairs, hint: str) -> None:
    body = b'{"error":{"message":"no"}}'
    result = fails(client(), message(f"HTTP/1.1 {status} X", [*headers, ("Content-Length", str(len(body)))], body))
    assert (result.status, result.body) == (status, body)
    assert set(result.headers) >= {(name.lower(), value) for name, value in headers}
    assert f"HTTP {status}" in result.reason
    assert result.reason.endswith(hint) or f"{hint} " in result.reason or f"{hint}," in result.reason


@pytest.mark.parametrize(
    ("location", "where"),
    [
        (f"https://other.example:8443/a?api-key={SECRET}", "to https://other.example:8443;"),
        (f"https://user:{SECRET}@other.example/", "to https://other.example;"),
        ("http://[2001:db8::1]/x", "to http://[2001:db8::1];"),
        ("//other.example/x", "to other.example;"),
        (f"/login?token={SECRET}", "to another path of the same server;"),
        ("https://other.example:notaport/", "to an unreadable address;"),
        ("https://[broken/", "to an unreadable address;"),
        ("", "to an address that it does not name;"),
    ],
)
def test_a_redirect_is_never_followed_and_its_origin_is_named(location: str, where: str) -> None:
    headers = [("Location", location)] if location else []
    result = fails(client(), message("HTTP/1.1 307 X", [*headers, ("Content-Length", "0")]))
    assert result.status == 307
    assert where in result.reason
    assert "never followed" in result.reason


BODY = b"a body \x00\xff of some length"
BODIES = {
    "length": message("HTTP/1.1 401 No", [("Content-Length", str(len(BODY)))], BODY),
    "chunked": message("HTTP/1.1 401 No", [("Transfer-Encoding", "chunked")])
    + b"3\r\n" + BODY[:3] + b"\r\n" + f"{len(BODY) - 3:x};ext=1\r\n".encode() + BODY[3:] + b"\r\n0\r\nX-T: 1\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("answer", BODIES.values(), ids=BODIES)
def test_a_body_is_collected_whatever_its_framing(answer: bytes) -> None:
    assert fails(client(), answer + b"more").body == BODY


def test_a_body_without_length_ends_with_the_connection() -> None:
    handshake = client()
    assert handshake.receive(message("HTTP/1.1 401 No", [], BODY)) is None
    assert handshake.receive_eof().body == BODY


@pytest.mark.parametrize("answer", [a[:-9] for a in BODIES.values()], ids=BODIES)
def test_a_body_that_is_cut_off_is_still_given(answer: bytes) -> None:
    result = fails(client(), answer, eof=True)
    assert result.status == 401
    assert BODY.startswith(result.body[:3])
    assert result.body


def test_a_body_is_given_up_to_where_its_chunks_break() -> None:
    answer = message("HTTP/1.1 401 No", [("Transfer-Encoding", "chunked")], b"3\r\nabc\r\nnonsense\r\n")
    assert fails(client(), answer).body == b"abc"


@pytest.mark.parametrize("step", [1000, 200_000])
def test_at_most_64_kib_of_a_body_are_kept(step: int) -> None:
    answer = message("HTTP/1.1 500 X", [], b"x" * 200_000)
    result, _ = feed(client(), [answer[i : i + step] for i in range(0, len(answer), step)])
    assert isinstance(result, Rejected)
    assert result.body == b"x" * 65_536


@pytest.mark.parametrize("step", [1000, 700_000])
def test_a_body_of_nothing_but_overhead_ends_too(step: int) -> None:
    answer = message("HTTP/1.1 500 X", [("Transfer-Encoding", "chunked")], b"1\r\nx\r\n" * 100_000)
    result, _ = feed(client(), [answer[i : i + step] for i in range(0, len(answer), step)])
    assert isinstance(result, Rejected)
    assert result.body == b"x" * len(result.body)
    assert len(result.body) == 43_691  # 256 KiB of chunks of six bytes


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "the server's answer is not HTTP: it begins with 'SSH-2.0-OpenSSH_9.6'"),
        (b"x" * 80, f"begins with '{'x' * 80}'"),
        (b"HTTX/1.1 200 OK\r\n", "begins with 'HTTX/1.1 200 OK'"),
        (b"220 caf\xc3\xa9\n", r"begins with '220 caf\\xc3\\xa9'"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "the byte 0x15 (it speaks TLS: use a wss:// or https:// address)"),
        (b"\x00\x00\x12\x04", "begins with the byte 0x00"),
        (b"\x81\x02{}", "begins with the byte 0x81"),
        (b"\r\nHTTP/1.1 101 X\r\n\r\n", "begins with the byte 0x0d"),
        (b"HTTP/1.1 hello\r\n\r\n", "not HTTP: its header is malformed"),
        (b"HTTP/1.1 101 X\r\nno colon\r\n\r\n", "not HTTP: its header is malformed"),
        (b"HTTP/1.1 200 X\r\nTransfer-Encoding: gzip\r\n\r\n", "not HTTP: its header is malformed"),
    ],
)
def test_an_answer_that_is_not_http_says_what_it_looks_like(data: bytes, reason: str) -> None:
    result = fails(client(), data)
    assert result.status is None
    assert reason in result.reason


def test_a_server_that_echoes_does_not_bring_the_key_into_the_reason() -> None:
    handshake = client()
    assert "begins with 'GET /v1/realtime'" in fails(handshake, handshake.request).reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 101 Switching", "closed the connection within the header of its answer"),
        (b"HT", "closed the connection within the header of its answer"),
        (b"go away", "not HTTP: it begins with 'go away'"),
    ],
)
def test_a_connection_that_ends_early_says_where(data: bytes, reason: str) -> None:
    result = fails(client(), data, eof=True)
    assert result.status is None
    assert reason in result.reason


@pytest.mark.parametrize("interim", [b"", message("HTTP/1.1 103 X", [("A", "b" * 50)])])
def test_an_answer_may_be_as_large_as_the_limit_and_no_larger(interim: bytes) -> None:
    answer = interim + switching()
    for chunks in ([answer + FRAMES], [answer[i : i + 1] for i in range(len(answer))]):
        assert isinstance(feed(client(max_size=len(answer)), chunks)[0], Accepted)
        result, _ = feed(client(max_size=len(answer) - 1), chunks)
        assert isinstance(result, Rejected)
        assert result.reason == f"the header of the server's answer is larger than {len(answer) - 1} bytes"


@given(st.binary(max_size=300), st.integers(1, 40))
def test_no_answer_whatever_makes_the_client_raise(data: bytes, step: int) -> None:
    for prefix in (b"", b"HTTP/1.1 ", b"HTTP/1.1 101 X\r\n", b"HTTP/1.1 404 X\r\nTransfer-Encoding: chunked\r\n\r\n"):
        whole, _ = feed(client(), [prefix + data], eof=True)
        pieces = [(prefix + data)[i : i + step] for i in range(0, len(prefix + data), step)]
        assert said(feed(client(), pieces, eof=True)[0]) == said(whole)


# ---- compression ----


@pytest.mark.parametrize(
    "answer",
    [
        "permessage-deflate",
        "permessage-deflate; server_max_window_bits=10",
        'permessage-deflate; client_max_window_bits="9"; server_no_context_takeover; client_no_context_takeover',
    ],
)
def test_compression_that_was_offered_is_on(answer: str) -> None:
    handshake = client(compression=True)
    assert b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15;" in handshake.request
    result, _ = feed(handshake, [switching(("Sec-WebSocket-Extensions", answer))])
    assert isinstance(result, Accepted)
    assert [extension.enabled() for extension in result.extensions] == [True]
    for parameter in answer.replace('"', "").split("; ")[1:]:
        name, _, bits = parameter.partition("=")
        assert getattr(result.extensions[0], name) == (int(bits) if bits else True)


@pytest.mark.parametrize(
    "answer",
    [
        "x-other",
        "permessage-deflate, permessage-deflate",
        "permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=abc",
        "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; unheard_of",
        "permessage-deflate;",
    ],
)
def test_compression_that_was_not_offered_like_this_is_refused(answer: str) -> None:
    result = fails(client(compression=True), switching(("Sec-WebSocket-Extensions", answer)))
    assert "extension, or parameters of one, that was not offered" in result.reason


@pytest.mark.parametrize(
    ("offers", "chosen"),
    [
        (["permessage-deflate"], b"permessage-deflate\r\n"),
        (["permessage-deflate; client_max_window_bits"], b"permessage-deflate; client_max_window_bits=15\r\n"),
        (["permessage-deflate; server_max_window_bits=9"], b"permessage-deflate; server_max_window_bits=9\r\n"),
        (
            ["x-other, permessage-deflate; server_no_context_takeover"],
            b"permessage-deflate; server_no_context_takeover",
        ),
        (["permessage-deflate; server_max_window_bits=8, permessage-deflate"], b"permessage-deflate\r\n"),
        (["permessage-deflate; unheard_of", "permessage-deflate"], b"permessage-deflate\r\n"),
    ],
)
def test_the_server_takes_the_first_compression_it_understands(offers: list[str], chosen: bytes) -> None:
    handshake = server(compression=True)
    feed(handshake, [asking(*(("Sec-WebSocket-Extensions", offer) for offer in offers))])
    answer, extensions = handshake.accept()
    assert b"Sec-WebSocket-Extensions: " + chosen in answer
    assert [extension.enabled() for extension in extensions] == [True]


@pytest.mark.parametrize(
    ("offer", "compression"),
    [
        ("permessage-deflate", False),
        ("x-other", True),
        ("permessage-deflate; server_max_window_bits", True),
        ("permessage-deflate; client_max_window_bits=abc", True),
    ],
)
def test_the_server_declines_other_compression(offer: str, compression: bool) -> None:
    handshake = server(compression=compression)
    feed(handshake, [asking(("Sec-WebSocket-Extensions", offer))])
    answer, extensions = handshake.accept()
    assert b"Extensions" not in answer
    assert extensions == []


# ---- the server's end ----


def test_a_request_gives_what_an_application_decides_by() -> None:
    target = "/openai/v1/realtime%20x?model=a%20b&flag&model=c"
    protocols = (
        ("Sec-WebSocket-Protocol", f"realtime,openai-insecure-api-key.{SECRET}"),
        ("Sec-WebSocket-Protocol", "b"),
    )
    data = asking(*protocols, ("Authorization", f"Bearer {SECRET}"), line=f"GET {target} HTTP/1.1")
    result, rest = feed(server(), [data + FRAMES])
    assert isinstance(result, Request)
    assert (result.path, result.query) == ("/openai/v1/realtime x", (("model", "a b"), ("flag", ""), ("model", "c")))
    assert result.subprotocols == ("realtime", f"openai-insecure-api-key.{SECRET}", "b")
    assert ("authorization", f"Bearer {SECRET}") in result.headers
    assert rest == FRAMES
    assert SECRET not in repr(result)


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://h:80/v1/realtime?model=m", "/v1/realtime"),
        ("HTTP://h?model=m", "/"),
        ("/?model=m", "/"),
        ("//x?model=m", "//x"),
    ],
)
def test_a_request_may_name_a_url(target: str, path: str) -> None:
    result, _ = feed(server(), [asking(line=f"GET {target} HTTP/1.1")])
    assert isinstance(result, Request)
    assert (result.path, result.query) == (path, (("model", "m"),))


def test_accepting_answers_the_key_that_was_sent() -> None:
    handshake = server()
    feed(handshake, [asking(("Sec-WebSocket-Protocol", "a, realtime"))])
    answer, extensions = handshake.accept("realtime", [("X-Request-Id", "req_1")])
    expected = [*SWITCH, ("Sec-WebSocket-Protocol", "realtime"), ("X-Request-Id", "req_1")]
    assert answer == message("HTTP/1.1 101 Switching Protocols", expected)
    assert extensions == []


def test_rejecting_closes_with_a_complete_answer() -> None:
    handshake = server()
    feed(handshake, [asking()])
    data = handshake.reject(429, [("Retry-After", "3")], b"slow down")
    result = fails(client(), data)
    assert (result.status, result.body) == (429, b"slow down")
    assert set(result.headers) == {("retry-after", "3"), ("content-length", "9"), ("connection", "close")}


def refused(data: bytes, max_size: int = 4096) -> tuple[Rejected, Rejected]:
    """What the server says of the data, and how a client sees its answer."""
    result, _ = feed(server(max_size), [data])
    assert isinstance(result, Rejected), result
    assert SECRET not in result.reason
    assert SECRET.encode() not in result.response
    seen = fails(client(), result.response)
    assert seen.status == result.status
    assert ("connection", "close") in seen.headers
    assert seen.body.decode() == f"{result.reason}\n"
    return result, seen


@pytest.mark.parametrize(
    ("data", "status", "headers", "reason"),
    [
        (asking(line="POST / HTTP/1.1"), 405, [("allow", "GET")], "method GET"),
        (asking(line="GET / HTTP/1.0"), 505, [], "needs HTTP/1.1"),
        (asking(line="GET * HTTP/1.1"), 400, [], "must be a path or a URL"),
        (asking(("Content-Length", "5")), 400, [], "must not have a body"),
        (asking(("Transfer-Encoding", "chunked")), 400, [], "must not have a body"),
        (asking(("Transfer-Encoding", "gzip")), 501, [], "not valid HTTP/1.1"),
        (asking(without="Host"), 400, [], "not valid HTTP/1.1"),
        (asking(without="Upgrade"), 426, [("upgrade", "websocket")], "Upgrade: websocket is missing"),
        (asking(without="Connection"), 400, [], "Connection: Upgrade is missing"),
        (asking(without="Sec-WebSocket-Version"), 426, [("sec-websocket-version", "13")], "Version must be 13"),
        (
            asking(("Sec-WebSocket-Version", "8"), without="Sec-WebSocket-Version"),
            426,
            [("sec-websocket-version", "13")],
            "Version must be 13",
        ),
        (asking(without="Sec-WebSocket-Key"), 400, [], "base64 of 16 bytes"),
        (asking(("Sec-WebSocket-Key", KEY)), 400, [], "base64 of 16 bytes"),
        (asking(("Sec-WebSocket-Key", "c2hvcnQ="), without="Sec-WebSocket-Key"), 400, [], "base64 of 16 bytes"),
        (asking(("Sec-WebSocket-Key", "\xff" * 24), without="Sec-WebSocket-Key"), 400, [], "base64 of 16 bytes"),
        (b"hello\r\n\r\n", 400, [], "not valid HTTP/1.1"),
        (f"GET / HTTP/1.1\r\nAuthorization {SECRET}\r\n\r\n".encode(), 400, [], "not valid HTTP/1.1"),
        (b"\x16\x03\x01\x02\x00\x01", 400, [], "not HTTP"),
    ],
)
def test_what_is_not_a_websocket_request_gets_an_answer_that_says_so(
    data: bytes, status: int, headers: Pairs, reason: str
) -> None:
    result, seen = refused(data)
    assert result.status == status
    assert reason in result.reason
    assert set(headers) <= set(seen.headers)


def test_a_head_request_gets_no_body() -> None:
    result, _ = feed(server(), [asking(line="HEAD / HTTP/1.1")])
    assert isinstance(result, Rejected)
    assert result.status == 405
    assert result.response.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("step", [1, 10_000])
def test_a_request_may_be_as_large_as_the_limit_and_no_larger(step: int) -> None:
    data = asking(("X", "y" * 500))
    chunks = [data[i : i + step] for i in range(0, len(data), step)]
    assert isinstance(feed(server(len(data)), [*chunks, FRAMES])[0], Request)
    result, _ = feed(server(len(data) - 1), chunks)
    assert isinstance(result, Rejected)
    assert result.status == 431
    assert result.response.startswith(b"HTTP/1.1 431 ")
    assert str(len(data) - 1) in result.reason


def test_a_request_without_end_is_cut_at_the_limit() -> None:
    assert refused(b"GET /" + b"a" * 4096, max_size=4096)[0].status == 431


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda s: s.accept("other"), "did not offer the subprotocol 'other'"),
        (lambda s: s.accept(f"openai-insecure-api-key.{SECRET}"), "holds the client's key"),
        (lambda s: s.accept(f"openai-insecure-api-key.x{SECRET}"), "did not offer"),
        (lambda s: s.accept(None, [("X", f"{SECRET}\r\nY: 1")]), "the header X has a line break"),
        (lambda s: s.accept(None, [("Upgrade", "h2c")]), "written by the handshake itself"),
        (lambda s: s.reject(403, [("X", f"{SECRET}\n")]), "the header X has a line break"),
        (lambda s: s.reject(200), "from 300 to 599 except 304, not 200"),
        (lambda s: s.reject(304), "from 300 to 599 except 304, not 304"),
        (lambda s: s.reject(600), "from 300 to 599 except 304, not 600"),
    ],
)
def test_a_wrong_answer_is_the_callers_error_and_a_right_one_still_goes_out(call: Any, reason: str) -> None:
    handshake = server()
    feed(handshake, [asking(("Sec-WebSocket-Protocol", f"realtime, openai-insecure-api-key.{SECRET}"))])
    with pytest.raises(errors.LocalProtocolError) as caught:
        call(handshake)
    assert reason in str(caught.value)
    assert SECRET not in str(caught.value)
    assert handshake.accept("realtime")[0].startswith(b"HTTP/1.1 101")


def test_a_request_is_answered_once() -> None:
    handshake = server()
    with pytest.raises(errors.LocalProtocolError, match="no request to answer"):
        handshake.accept()
    feed(handshake, [asking()])
    handshake.reject()
    with pytest.raises(errors.LocalProtocolError, match="no request to answer"):
        handshake.reject()
    accepted = server()
    feed(accepted, [asking()])
    accepted.accept()
    with pytest.raises(errors.LocalProtocolError, match="no request to answer"):
        accepted.accept()


@given(st.binary(max_size=300), st.integers(1, 40))
def test_no_request_whatever_makes_the_server_raise(data: bytes, step: int) -> None:
    for prefix in (b"", b"GET ", asking()[:-2]):
        whole = prefix + data + b"\r\n\r\n"
        result, rest = feed(server(), [whole])
        again, rest_again = feed(server(), [whole[i : i + step] for i in range(0, len(whole), step)])
        assert said(result) == said(again)
        assert isinstance(result, Rejected) or rest == rest_again


# ---- TCP's cuts ----

ANSWERS = {
    "accepted": switching(("Sec-WebSocket-Protocol", "realtime")) + FRAMES,
    "accepted-after-103": message("HTTP/1.1 103 X", [("Link", "x")]) + switching() + FRAMES,
    "bare-newlines": switching().replace(b"\r\n", b"\n") + FRAMES,
    "wrong-accept": switching(without="Sec-WebSocket-Accept") + FRAMES,
    "length": BODIES["length"],
    "chunked": BODIES["chunked"],
    "broken-chunks": message("HTTP/1.1 401 No", [("Transfer-Encoding", "chunked")], b"2\r\nab\r\nzz\r\n"),
    "until-eof": message("HTTP/1.1 500 X", [], BODY),
    "empty": message("HTTP/1.1 302 X", [("Location", "https://x/"), ("Content-Length", "0")]),
    "malformed": b"HTTP/1.1 101 X\r\nbad header\r\n\r\n",
    "banner": b"SSH-2.0-OpenSSH_9.6\r\nmore",
    "unfinished-banner": b"busy, try later",
    "tls": b"\x15\x03\x01\x00\x02\x02\x46",
    "too-large": b"HTTP/1.1 101 X\r\nA: " + b"b" * 500,
    "unfinished": b"HTTP/1.1 101 X\r\nA: b\r\n",
}
REQUESTS = {
    "request": asking(("Sec-WebSocket-Protocol", "realtime")) + FRAMES,
    "bare-newlines": asking().replace(b"\r\n", b"\n") + FRAMES,
    "no-upgrade": asking(without="Upgrade"),
    "head": asking(line="HEAD / HTTP/1.1"),
    "malformed": b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00",
    "too-large": asking(("A", "b" * 400)),
    "unfinished": asking()[:-1],
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_cuts_change_nothing_for_a_client(answer: bytes) -> None:
    expected, expected_rest = feed(client(max_size=400), [answer], eof=True)
    for chunks in cuts(answer):
        result, rest = feed(client(max_size=400), chunks, eof=True)
        assert said(result) == said(expected)
        assert isinstance(result, Rejected) or rest == expected_rest


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_cuts_change_nothing_for_a_server(request_: bytes) -> None:
    expected, expected_rest = feed(server(400), [request_])
    for chunks in cuts(request_):
        result, rest = feed(server(400), chunks)
        assert said(result) == said(expected)
        assert isinstance(result, Rejected) or rest == expected_rest


@pytest.mark.parametrize("limit", range(8))
@pytest.mark.parametrize("answer", [b"HTTPX/1.1 200 OK\n", b"HTTP/1.1 200 OK\r\n\r\n", b"HELLO\n"])
def test_cuts_change_nothing_even_under_absurd_limits(limit: int, answer: bytes) -> None:
    expected, _ = feed(client(max_size=limit), [answer])
    assert isinstance(expected, Rejected)
    for chunks in cuts(answer):
        assert feed(client(max_size=limit), chunks)[0] == expected


@given(st.lists(st.integers(0, 400), max_size=6), st.sampled_from([False, True]))
def test_both_ends_agree_under_every_cut(places: list[int], compression: bool) -> None:
    ours, theirs = client(compression=compression), server(compression=compression)
    ends = sorted({min(place, len(ours.request)) for place in places} | {len(ours.request)})
    asked, _ = feed(theirs, [ours.request[a:b] for a, b in zip([0, *ends], ends, strict=False)])
    assert isinstance(asked, Request)
    answer, extensions = theirs.accept("realtime")
    answer += FRAMES
    ends = sorted({min(place, len(answer)) for place in places} | {len(answer)})
    result, rest = feed(ours, [answer[a:b] for a, b in zip([0, *ends], ends, strict=False)])
    assert isinstance(result, Accepted)
    assert (result.subprotocol, rest) == ("realtime", FRAMES)
    assert list(map(repr, result.extensions)) == list(map(repr, extensions))
