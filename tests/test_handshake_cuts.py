"""The opening handshake of both ends together: TCP's cuts change nothing."""

from __future__ import annotations

import pytest
from handshakes import BODIES, BODY, FRAMES, asking, client, cuts, feed, message, said, server, switching
from hypothesis import given
from hypothesis import strategies as st

from rtproto._handshake import Accepted, Rejected, Request

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
