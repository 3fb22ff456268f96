"""Where a relay passes a session on to, and as whom (rtproto_cli)."""

from __future__ import annotations

from typing import Any

import pytest
from rtproto_cli._upstream import Upstream, answered, brings_key, own_key

from rtproto import events

KEY = (("Authorization", "Bearer own"),)


def asked(path: str = "/v1/realtime", **fields: Any) -> events.Requested:
    return events.Requested(path=path, **fields)


@pytest.mark.parametrize(
    ("url", "path", "query", "passed"),
    [
        ("wss://h", "/v1/realtime", [("model", "m")], "wss://h/v1/realtime?model=m"),
        ("https://h/", "/openai/v1/realtime", [("deployment", "a b")], "wss://h/openai/v1/realtime?deployment=a%20b"),
        ("wss://h/v1", "/v1/realtime", [], "wss://h/v1/realtime"),
        ("wss://h/proxy", "/v1/realtime", [], "wss://h/proxy/v1/realtime"),
        ("wss://h/x/realtime", "/v1/realtime", [], "wss://h/x/realtime"),
        ("wss://h/v1/realtime", "/v1/realtime/translations", [], "wss://h/v1/realtime/translations"),
        ("wss://h?model=mine&v=1", "/realtime", [("model", "m")], "wss://h/realtime?model=m&v=1"),
        ("ws://h:81", "/a é", [("x", "")], "ws://h:81/a%20%C3%A9?x="),
    ],
)
def test_the_address(url: str, path: str, query: list[tuple[str, str]], passed: str) -> None:
    assert Upstream(url).endpoint(asked(path, query=query)).url == passed


def test_headers_of_one_connection_are_not_passed_on() -> None:
    hop = [("host", "a"), ("connection", "Upgrade"), ("sec-websocket-key", "k"), ("proxy-authorization", "p")]
    kept = [("authorization", "Bearer x"), ("openai-beta", "realtime=v1"), ("cookie", "c"), ("origin", "https://o")]
    endpoint = Upstream("ws://h", KEY).endpoint(asked(headers=[*hop, *kept], subprotocols=("realtime", "x")))
    assert endpoint.headers == tuple(kept)
    assert endpoint.subprotocols == ("realtime", "x")


def test_of_an_answer_only_what_can_be_sent_is_told() -> None:
    told = [("retry-after", "7"), ("server", "caf\xe9"), ("content-length", "3"), ("set-cookie", "a=b")]
    assert answered(told) == (("retry-after", "7"), ("set-cookie", "a=b"))


def test_who_brings_no_key_gets_ours() -> None:
    assert Upstream("ws://h", KEY).endpoint(asked()).headers == KEY
    for brought in (
        asked(headers=[("api-key", "k")]),
        asked(query=[("api-key", "k")]),
        asked(subprotocols=("realtime", "openai-insecure-api-key.k")),
    ):
        assert brings_key(brought)
        assert KEY[0] not in Upstream("ws://h", KEY).endpoint(brought).headers


def test_a_page_of_elsewhere_does_not_get_our_key() -> None:
    page = asked(headers=[("origin", "https://evil.example")])
    with pytest.raises(ValueError, match="must bring its own key"):
        Upstream("ws://h", KEY).endpoint(page)
    assert Upstream("ws://h").endpoint(page).headers == (("origin", "https://evil.example"),)
    assert KEY[0] in Upstream("ws://h", KEY).endpoint(asked(headers=[("origin", "http://localhost:3000")])).headers


@pytest.mark.parametrize(
    ("url", "provider", "headers"),
    [
        ("wss://api.openai.com", None, (("Authorization", "Bearer o"),)),
        ("https://n.openai.azure.com", None, (("api-key", "a"),)),
        ("ws://gateway", "azure", (("api-key", "a"),)),
        ("https://n.openai.azure.com", "openai", (("Authorization", "Bearer o"),)),
    ],
)
def test_the_environments_key(url: str, provider: str | None, headers: tuple[tuple[str, str], ...]) -> None:
    assert (
        own_key({"OPENAI_API_KEY": "o", "AZURE_OPENAI_API_KEY": "a", "AZURE_OPENAI_TOKEN": "t"}, url, provider)
        == headers
    )
    assert own_key({"OPENAI_API_KEY": " "}, url, provider) == ()
