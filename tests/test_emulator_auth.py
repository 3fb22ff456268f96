"""Who may come in, and how the others are told (rtproto_emulator._auth, ._denied, ._visit)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rtproto_emulator import Settings
from rtproto_emulator._auth import Access, Keys, presented
from rtproto_emulator._denied import Denied
from rtproto_emulator._visit import Visit, visit

KEYS = Keys(["sk-one", "sk-two"])


@pytest.mark.parametrize(
    ("query", "headers", "subprotocols", "key"),
    [
        ({}, {"authorization": "Bearer sk-one"}, [], "sk-one"),
        ({}, {"authorization": "bearer   sk-one "}, [], "sk-one"),
        ({}, {"api-key": "sk-one"}, [], "sk-one"),
        ({"api-key": "sk-one"}, {}, [], "sk-one"),
        ({}, {}, ["realtime", "openai-insecure-api-key.sk-one"], "sk-one"),
        ({}, {}, ["openai-insecure-api-key.sk-one", "openai-organization.o", "openai-beta.realtime-v1"], "sk-one"),
        # A proxy's own password is no key.
        ({}, {"authorization": "Basic c2s6b25l", "api-key": "sk-one"}, [], "sk-one"),
        ({"api-key": "sk-two"}, {"authorization": "Bearer sk-one"}, [], "sk-one"),
        ({}, {"authorization": "Bearer"}, ["realtime", "openai-insecure-api-key."], None),
        ({"key": "sk-one"}, {"x-api-key": "sk-one"}, [], None),
    ],
)
def test_where_a_key_may_stand(query: Any, headers: Any, subprotocols: Any, key: str | None) -> None:
    assert presented(query, headers, subprotocols) == key


@pytest.mark.parametrize(
    "key", ["", "sk-", "sk-on", "sk-one ", "sk-onee", "SK-ONE", "sk-\udcff", "\ud800", "sk-\xf6ne"]
)
def test_only_the_whole_key_is_the_key(key: str) -> None:
    assert key not in KEYS
    assert "sk-one" in KEYS
    assert "sk-two" in KEYS


@pytest.mark.parametrize(("path", "code"), [("/v1/realtime", "invalid_api_key"), ("/openai/v1/realtime", "401")])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer sk-wrong"}])
def test_a_refusal_in_the_words_of_its_path(path: str, code: str, headers: Any) -> None:
    denied = visit(path, {}, headers, [], Access(["sk-one", "sk-two"]), 0.0)
    assert isinstance(denied, Denied)
    assert denied.status == 401
    error = json.loads(denied.body(path))["error"]
    assert ("didn't provide" in error["message"]) == (not headers)
    assert error.pop("message")
    assert error == (
        {"code": code} if code == "401" else {"type": "invalid_request_error", "param": None, "code": code}
    )
    assert "sk-wrong" not in repr(denied)


def test_without_keys_all_may_come() -> None:
    for headers in ({}, {"authorization": "Bearer whatever"}):
        assert isinstance(visit("/v1/realtime", {}, headers, [], Access(), 0.0), Visit)


def test_a_refusal_can_be_sent_whatever_the_client_wrote() -> None:
    denied = visit("/v1/\udcff\ud800\r\nX: y", {}, {}, [], Access(), 0.0)
    assert isinstance(denied, Denied)
    body = denied.body("/v1/\udcff")
    assert body.isascii()
    assert json.loads(body)["error"]["message"].startswith("There is nothing at /v1/")


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("", "API key 2 of 2 is empty"),
        ("sk two", "API key 2 of 2 has a space or a character that HTTP forbids"),
        ("sk-\r\n", "API key 2 of 2 has a space or a character that HTTP forbids"),
        ("sk-\xf6", "API key 2 of 2 has a space or a character that HTTP forbids"),
    ],
)
def test_a_key_that_no_client_could_send(key: str, line: str) -> None:
    with pytest.raises(ValueError, match="API key 2") as refused:
        Settings(api_keys=("sk-one", key))
    assert str(refused.value) == line


def test_one_key_is_not_taken_for_its_letters() -> None:
    one: Any = "sk-one"
    assert Settings(api_keys=one).api_keys == ("sk-one",)


def test_settings_show_no_key() -> None:
    assert "sk-one" not in repr(Settings(api_keys=("sk-one",)))
