"""What a recording must not hold, and what it must (rtproto_cli)."""

from __future__ import annotations

from typing import Any

import pytest
from rtproto_cli._redaction import Redaction, keys_of

KEY = "sk-proj-0123456789abcdef"


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (
            {"tools": [{"type": "mcp", "authorization": "tok", "headers": {"X-Team": "hush"}, "server_label": "s"}]},
            {"tools": [{"type": "mcp", "authorization": "***", "headers": {"X-Team": "***"}, "server_label": "s"}]},
        ),
        (
            {"session": {"client_secret": {"value": "ek_123", "expires_at": 5}}},
            {"session": {"client_secret": {"value": "***", "expires_at": 5}}},
        ),
        ({"client_secret": "ek_1"}, {"client_secret": "***"}),
        ({"api_key": None, "x-api-key": ["a", 1]}, {"api_key": None, "x-api-key": ["***", 1]}),
        ({"urls": ["turn:h"], "credential": "c"}, {"urls": ["turn:h"], "credential": "***"}),
        ({"value": "ek_0123456789"}, {"value": "***"}),
        ({"message": f"Incorrect API key provided: {KEY}."}, {"message": "Incorrect API key provided: ***."}),
        ({"say": "Bearer 0123456789abcdef0"}, {"say": "***"}),
        ({"server_url": "https://u:p@h/mcp?token=t&x=1"}, {"server_url": "https://***@h/mcp?token=***&x=1"}),
        ({"jwt": "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln"}, {"jwt": "***"}),
        ({"odd ek_0123456789": 1}, {"odd ***": 1}),
    ],
)  # fmt: skip
def test_what_holds_a_key_is_hidden(event: dict[str, Any], told: dict[str, Any]) -> None:
    assert Redaction().event(event) == told


@pytest.mark.parametrize(
    "event",
    [
        {"max_output_tokens": "inf", "usage": {"input_tokens": 1, "cached_tokens_details": {"text_tokens": 2}}},
        {"logprobs": [{"token": "Hello", "logprob": -0.1, "bytes": [72]}]},
        {"parameters": {"type": "object", "properties": {"password": {"type": "string"}}}},
        {"delta": "ask-about the bearer of this. A token of love", "key": "C major"},
        {"audio": "eyJ/" * 4000, "tracing": None, "speed": 1.5, "flag": True},
    ],
)
def test_what_holds_none_stays(event: dict[str, Any]) -> None:
    assert Redaction().event(event) == event


def test_the_sessions_own_keys_are_hidden_wherever_they_stand() -> None:
    headers = [("api-key", "azure-key-1"), ("authorization", "Bearer long-key-2"), ("x-request-id", "r")]
    subprotocols = ["realtime", "openai-insecure-api-key.browser-key-3"]
    keys = keys_of(headers, [("token", "query-key-4"), ("model", "m"), ("auth", " ")], subprotocols)
    assert keys == ["azure-key-1", "long-key-2", "query-key-4", "browser-key-3"]
    redaction = Redaction([*keys, "x"])
    assert redaction.event({"a": " ".join(keys), "b": "xx"}) == {"a": "*** *** *** ***", "b": "xx"}
    assert redaction.headers([*headers, ("accept", "a"), ("accept", "b")]) == {
        "api-key": "***",
        "authorization": "***",
        "x-request-id": "r",
        "accept": "a, b",
    }
    assert redaction.subprotocols(subprotocols) == ["realtime", "openai-insecure-api-key.***"]
