"""Agreeing on permessage-deflate within the handshake, at both ends."""

from __future__ import annotations

import pytest
from handshakes import asking, client, fails, feed, server, switching

from rtproto._handshake import Accepted


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
