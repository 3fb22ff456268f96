"""The opening handshake, the server's end: what it takes for a request, and its answers."""

from __future__ import annotations

from typing import Any

import pytest
from handshakes import FRAMES, KEY, SECRET, SWITCH, Pairs, asking, client, fails, feed, message, said, server
from hypothesis import given
from hypothesis import strategies as st

from rtproto import errors
from rtproto._handshake import Rejected, Request


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
