"""The opening handshake, the client's end: what it sends, accepts and refuses."""

from __future__ import annotations

from typing import Any

import pytest
from handshakes import (
    ACCEPT,
    BODIES,
    BODY,
    FRAMES,
    KEY,
    SECRET,
    Pairs,
    client,
    fails,
    feed,
    message,
    said,
    switching,
)
from hypothesis import given
from hypothesis import strategies as st

from rtproto import errors
from rtproto._handshake import Accepted, ClientHandshake, Rejected

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
