"""Endpoints: any server's address and credentials, how it speaks, and no secret shown."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtproto import Endpoint, endpoint, openai

SECRET = "sk-very-secret"
BEARER = ("Authorization", f"Bearer {SECRET}")


def shows_nothing(found: Endpoint) -> None:
    for shown in (repr(found), str(found), f"{found}", str([found])):
        assert SECRET not in shown


@pytest.mark.parametrize(
    ("url", "host", "port", "secure", "authority", "target"),
    [
        ("ws://localhost:8000/v1/realtime", "localhost", 8000, False, "localhost:8000", "/v1/realtime"),
        ("http://LocalHost", "localhost", 80, False, "localhost", "/"),
        ("https://h?a=b?/c", "h", 443, True, "h", "/?a=b?/c"),
        ("wss://h:443/a%20b?c=d%20e", "h", 443, True, "h", "/a%20b?c=d%20e"),
        ("ws://h:443/", "h", 443, False, "h:443", "/"),
        ("wss://[2001:DB8::1]:8443/x", "2001:db8::1", 8443, True, "[2001:db8::1]:8443", "/x"),
        ("wss://bücher.example/ü?ß=1", "xn--bcher-kva.example", 443, True, "xn--bcher-kva.example", "/%C3%BC?%C3%9F=1"),
    ],
)
def test_the_parts_of_an_address(url: str, host: str, port: int, secure: bool, authority: str, target: str) -> None:
    found = endpoint(url)
    assert (found.host, found.port, found.secure) == (host, port, secure)
    assert (found.authority, found.target) == (authority, target)
    assert found.origin == f"{'wss' if secure else 'ws'}://{authority}"
    assert endpoint(found.url) == found


def test_any_server_takes_credentials_query_subprotocols_and_a_dialect() -> None:
    found = endpoint(
        "wss://h/v1/realtime?a=1",
        api_key=SECRET,
        headers=[("X-A", "1"), ("X-A", "2")],
        query={"b": "2 3", "api_key": SECRET},
        subprotocols=["realtime"],
        dialect="qwen",
    )
    assert found.url == f"wss://h/v1/realtime?a=1&b=2%203&api_key={SECRET}"
    assert found.headers == (BEARER, ("X-A", "1"), ("X-A", "2"))
    assert (found.subprotocols, found.dialect) == (("realtime",), "qwen")
    assert str(found) == "wss://h/v1/realtime?a=1&b=2%203&api_key=***"
    shows_nothing(found)


@pytest.mark.parametrize(
    "name", ["api-key", "api_key", "API%2DKEY", "to%6Ben", "key", "token", "access_token", "sig", "code;secret"]
)
def test_secrets_of_the_query_are_not_shown(name: str) -> None:
    found = endpoint(f"wss://h/x?a=1&{name}={SECRET}&model=m")
    assert str(found) == f"wss://h/x?a=1&{name}=***&model=m"
    assert SECRET in found.target
    shows_nothing(found)


def test_subprotocols_with_tokens_of_other_kinds_are_not_shown() -> None:
    shows_nothing(endpoint("wss://h", subprotocols=[f"base64url.bearer.authorization.example.{SECRET}"]))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "'' must begin with wss://"),
        ("localhost:8000/v1/realtime", "must begin with wss://"),
        ("ftp://h/", "must begin with wss://"),
        ("wss:///v1/realtime", "names no host"),
        ("wss://h:port/", "a bad host or port"),
        ("wss://h:70000/", "a bad host or port"),
        ("wss://[::1/", "a bad host or port"),
        ("wss://a..b/", "a bad host or port"),
        (f"wss://user:{SECRET}@h/", r"'wss://\*\*\*@h/' has a user name in it"),
        ("wss://h/#part", "has a #fragment"),
        (f"wss://h/?key={SECRET}\r\nX: 1", "white space or a line break"),
        ("wss://h/a b", "write a space as %20"),
        ("wss://h\t/", "white space or a line break"),
    ],
)
def test_a_bad_address_is_refused(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        endpoint(url)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"headers": {"X-A": f"{SECRET}\r\nX-B: 1"}}, "the value of the header X-A has a line break"),
        ({"headers": {"X-A\r\nX-B": "1"}}, "is not a header name"),
        ({"headers": {"Host": "other"}}, "written by the handshake itself"),
        ({"subprotocols": ["a b"]}, "'a b' has characters that HTTP forbids"),
        ({"api_key": ""}, "api_key is empty"),
    ],
)
def test_what_cannot_be_sent_is_refused(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        endpoint("wss://h", **arguments)
    assert SECRET not in str(caught.value)


@given(st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=5), st.text())
def test_query_values_arrive_as_they_were_given(query: list[tuple[str, str]], model: str) -> None:
    try:
        "".join([model, *(text for pair in query for text in pair)]).encode()
    except UnicodeEncodeError:
        return  # a lone surrogate is no text that a URL could carry
    found = endpoint("wss://h/p", query=[("model", model), *query])
    assert found.target.isascii()
    assert parse_qsl(urlsplit(found.url).query, keep_blank_values=True) == [("model", model), *query]


def test_endpoints_are_values() -> None:
    assert openai("m", api_key=SECRET) == openai("m", api_key=SECRET)
    assert hash(openai("m", api_key=SECRET)) == hash(openai("m", api_key=SECRET))


@pytest.mark.parametrize(
    ("url", "given", "dialect"),
    [
        ("ws://localhost:8000/v1/realtime?model=gpt-realtime", {}, "ga"),
        ("ws://localhost/v1/realtime", {"query": {"intent": "transcription"}}, "ga-transcription"),
        ("ws://localhost/v1/realtime/translations", {}, "ga-translation"),
        ("ws://localhost/v1/realtime", {"headers": {"OpenAI-Beta": "realtime=v1"}}, "beta"),
        ("ws://localhost/v1/realtime", {"headers": {"openai-beta": "assistants=v2, realtime=v1"}}, "beta"),
        ("ws://localhost/v1/realtime", {"headers": {"openai-beta": "assistants=v2"}}, "ga"),
        ("ws://localhost/v1/realtime", {"subprotocols": ["realtime", "openai-beta.realtime-v1"]}, "beta"),
        ("wss://r.openai.azure.com/openai/realtime?api-version=x&deployment=d", {}, "beta"),
        ("wss://r.openai.azure.com/openai/v1/realtime?model=d", {}, "ga"),
        ("wss://r.services.ai.azure.com/voice-live/realtime/", {}, "azure-voicelive"),
        ("wss://api.x.ai/v1/realtime", {}, "xai"),
        ("wss://gateway.example/v1/realtime?model=Grok-voice-latest", {}, "xai"),
        ("wss://dashscope.aliyuncs.com/api-ws/v1/realtime", {}, "qwen"),
        ("wss://w.r.maas.aliyuncs.com/v1/realtime", {}, "qwen"),
        ("wss://unmute.sh/api/v1/realtime", {"subprotocols": ["realtime"]}, "unmute"),
        ("ws://localhost:8000/v1/realtime", {"subprotocols": ["realtime"], "dialect": "unmute"}, "unmute"),
        ("ws://localhost:8000/v1/realtime", {"dialect": "vllm"}, "vllm"),
        ("wss://api.x.ai/v1/realtime", {"dialect": "ga"}, "ga"),
    ],
)
def test_an_address_tells_its_dialect(url: str, given: dict[str, Any], dialect: str) -> None:
    assert endpoint(url, **given).dialect == dialect


def test_a_dialect_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no dialect 'latin'; choose one of ga, "):
        endpoint("ws://localhost/v1/realtime", dialect="latin")
