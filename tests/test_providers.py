"""The endpoints of the providers: their addresses and credentials, and no secret shown."""

from __future__ import annotations

from typing import Any

import pytest

from rtproto import Endpoint, azure, azure_preview, openai, openai_translation, qwen, voice_live, xai

SECRET = "sk-very-secret"
RESOURCE = "https://name.openai.azure.com"
BEARER = ("Authorization", f"Bearer {SECRET}")
API_KEY = ("api-key", SECRET)


def shows_nothing(found: Endpoint) -> None:
    for shown in (repr(found), str(found), f"{found}", str([found])):
        assert SECRET not in shown


# ---- OpenAI ----


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ({"model": "gpt-realtime"}, "wss://api.openai.com/v1/realtime?model=gpt-realtime"),
        ({"intent": "transcription"}, "wss://api.openai.com/v1/realtime?intent=transcription"),
        ({"call_id": "rtc_1"}, "wss://api.openai.com/v1/realtime?call_id=rtc_1"),
        ({}, "wss://api.openai.com/v1/realtime"),
        ({"model": "a/b c&d=ü"}, "wss://api.openai.com/v1/realtime?model=a%2Fb%20c%26d%3D%C3%BC"),
        ({"model": "m", "query": {"language": "de"}}, "wss://api.openai.com/v1/realtime?model=m&language=de"),
        ({"base_url": "http://localhost:8000/v1"}, "ws://localhost:8000/v1/realtime"),
        ({"base_url": "https://gate.example/x/v1/"}, "wss://gate.example/x/v1/realtime"),
        ({"base_url": "wss://gate.example/v1/realtime"}, "wss://gate.example/v1/realtime"),
        ({"model": "m", "base_url": "ws://g/v1?user=1"}, "ws://g/v1/realtime?user=1&model=m"),
    ],
)
def test_openai_addresses(arguments: dict[str, Any], url: str) -> None:
    found = openai(**arguments, api_key=SECRET)
    dialect = "ga-transcription" if "intent" in arguments else "ga"
    assert found == Endpoint(url=url, headers=[BEARER], dialect=dialect)
    shows_nothing(found)


def test_openai_names_organization_project_and_user() -> None:
    found = openai(
        "m", api_key=SECRET, organization="org-1", project="proj-1", safety_identifier="user-1", headers={"X-A": "b"}
    )
    assert found.headers == (
        BEARER,
        ("OpenAI-Organization", "org-1"),
        ("OpenAI-Project", "proj-1"),
        ("OpenAI-Safety-Identifier", "user-1"),
        ("X-A", "b"),
    )


def test_openai_as_a_browser_sends_the_key_as_a_subprotocol() -> None:
    found = openai("m", api_key=SECRET, organization="org-1", project="proj-1", browser=True)
    assert found.subprotocols == (
        "realtime",
        f"openai-insecure-api-key.{SECRET}",
        "openai-organization.org-1",
        "openai-project.proj-1",
    )
    assert found.headers == ()
    assert "'realtime', 'openai-insecure-api-key.***', 'openai-organization.org-1'" in repr(found)
    shows_nothing(found)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"api_key": ""}, "api_key is empty"),
        ({"api_key": None}, "api_key is empty"),
        ({"model": "m", "call_id": "rtc_1"}, "only one of model and call_id"),
        ({"model": "m", "intent": "transcription"}, "only one of model and intent"),
        ({"intent": "translation"}, "the intent 'translation' is not known"),
        ({"api_key": f"{SECRET}\n"}, "header Authorization has a line break"),
        ({"api_key": f"{SECRET}\n", "browser": True}, r"openai-insecure-api-key\.\*\*\*.* has characters"),
        ({"base_url": "ftp://api.openai.com"}, "'ftp://api.openai.com' must begin with wss://"),
    ],
)
def test_openai_refuses_what_cannot_work(arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        openai(**{"api_key": SECRET, **arguments})
    assert SECRET not in str(caught.value)


# ---- Azure ----


@pytest.mark.parametrize(
    "url",
    [
        RESOURCE,
        f"{RESOURCE}/",
        f"{RESOURCE}/openai",
        f"{RESOURCE}/openai/v1/",
        f"{RESOURCE}/openai/v1/realtime?model=other",
        f"{RESOURCE}/openai/realtime?api-version=2024-10-01-preview&deployment=other",
        f"{RESOURCE}/api/projects/mine",
        "wss://name.openai.azure.com:443",
    ],
)
def test_azure_takes_the_resources_address_as_portals_write_it(url: str) -> None:
    expected = "wss://name.openai.azure.com/openai/v1/realtime?model=my%20deployment"
    assert azure(url, deployment="my deployment", api_key=SECRET) == Endpoint(url=expected, headers=[API_KEY])


def test_azure_keeps_a_gateways_prefix_and_query() -> None:
    found = azure("https://gate.example/team/openai?flag=&subscription-key=" + SECRET, deployment="d", token="t")
    assert found.url == f"wss://gate.example/team/openai/v1/realtime?model=d&flag=&subscription-key={SECRET}"
    assert found.headers == (("Authorization", "Bearer t"),)
    shows_nothing(found)


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({"call_id": "rtc_1"}, "call_id=rtc_1"),
        ({"intent": "transcription"}, "intent=transcription"),
        ({"deployment": "d", "query": [("a", "b")]}, "model=d&a=b"),
    ],
)
def test_azure_sessions_of_other_kinds(arguments: dict[str, Any], query: str) -> None:
    found = azure(RESOURCE, token=SECRET, headers=[("X-A", "b")], **arguments)
    assert found.url == f"wss://name.openai.azure.com/openai/v1/realtime?{query}"
    assert found.headers == (BEARER, ("X-A", "b"))


def test_azure_preview_speaks_beta_at_the_old_path() -> None:
    base = "wss://name.openai.azure.com/openai/realtime?api-version="
    found = azure_preview(RESOURCE, deployment="d", api_key=SECRET)
    assert found == Endpoint(url=f"{base}2025-04-01-preview&deployment=d", headers=[API_KEY], dialect="beta")
    old = azure_preview(RESOURCE, deployment="d", api_version="2024-10-01-preview", token="t")
    assert old.url == f"{base}2024-10-01-preview&deployment=d"


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ({"model": "gpt-realtime"}, "model=gpt-realtime"),
        ({"agent_name": "a", "agent_project_name": "p"}, "agent-name=a&agent-project-name=p"),
        (
            {
                "model": "m",
                "agent_name": "a",
                "agent_project_name": "p",
                "agent_version": "3",
                "conversation_id": "c",
                "agent_authentication_identity_client_id": "i",
                "foundry_resource_override": "f",
            },
            "model=m&agent-name=a&agent-project-name=p&agent-version=3&conversation-id=c"
            "&agent-authentication-identity-client-id=i&foundry-resource-override=f",
        ),
    ],
)
def test_voice_live_with_a_model_or_an_agent(arguments: dict[str, Any], query: str) -> None:
    found = voice_live("https://name.services.ai.azure.com/", api_key=SECRET, **arguments)
    base = "wss://name.services.ai.azure.com/voice-live/realtime?api-version=2026-07-15&"
    assert found == Endpoint(url=base + query, headers=[API_KEY], dialect="azure-voicelive")


@pytest.mark.parametrize(
    ("make", "arguments", "reason"),
    [
        (azure, {"api_key": SECRET}, "deployment is missing"),
        (azure, {"api_key": SECRET, "deployment": ""}, "deployment is missing"),
        (azure, {"api_key": SECRET, "deployment": "d", "call_id": "c"}, "only one of deployment and call_id"),
        (azure, {"deployment": "d"}, "give either api_key or token, one of them"),
        (azure, {"deployment": "d", "api_key": SECRET, "token": SECRET}, "either api_key or token, not both"),
        (azure, {"deployment": "d", "api_key": ""}, "api_key is empty"),
        (azure, {"deployment": "d", "token": ""}, "token is empty"),
        (azure_preview, {"deployment": "d"}, "give either api_key or token"),
        (voice_live, {"api_key": SECRET}, "model is missing"),
        (voice_live, {"api_key": SECRET, "agent_name": "a"}, "needs both agent_name and agent_project_name"),
        (voice_live, {"api_key": SECRET, "model": "m", "conversation_id": "c"}, "needs both agent_name"),
        (voice_live, {"model": "m"}, "give either api_key or token"),
    ],
)
def test_azure_refuses_what_cannot_work(make: Any, arguments: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        make(RESOURCE, **arguments)
    assert SECRET not in str(caught.value)


# ---- others ----


@pytest.mark.parametrize(
    ("found", "url", "dialect"),
    [
        (
            openai_translation(api_key=SECRET),
            "wss://api.openai.com/v1/realtime/translations?model=gpt-realtime-translate",
            "ga-translation",
        ),
        (
            openai_translation("m", api_key=SECRET, base_url="http://g/v1/realtime", query={"a": "b"}),
            "ws://g/v1/realtime/translations?model=m&a=b",
            "ga-translation",
        ),
        (xai(api_key=SECRET), "wss://api.x.ai/v1/realtime?model=grok-voice-latest", "xai"),
        (xai("m", api_key=SECRET, base_url="ws://gate/v1/realtime/"), "ws://gate/v1/realtime?model=m", "xai"),
        (
            qwen("qwen3-omni-flash-realtime", api_key=SECRET),
            "wss://dashscope-intl.aliyuncs.com/api-ws/v1/realtime?model=qwen3-omni-flash-realtime",
            "qwen",
        ),
    ],
)
def test_other_servers(found: Endpoint, url: str, dialect: str) -> None:
    assert found == Endpoint(url=url, headers=[BEARER], dialect=dialect)
    shows_nothing(found)


@pytest.mark.parametrize("make", [openai_translation, xai, qwen])
def test_other_servers_need_a_key(make: Any) -> None:
    with pytest.raises(ValueError, match="api_key is empty"):
        make("m", api_key="")
