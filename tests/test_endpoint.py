"""Endpoints: the addresses and credentials of every provider, what the environment configures, and no secret shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtproto._endpoint import Endpoint, azure, azure_preview, endpoint, from_env, openai, voice_live

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
    assert found == Endpoint(url=url, headers=[BEARER])
    assert found.dialect == "ga"
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


# ---- any server ----


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


# ---- the environment ----

AZURE = {"AZURE_OPENAI_ENDPOINT": RESOURCE, "AZURE_OPENAI_DEPLOYMENT": "d", "AZURE_OPENAI_API_KEY": SECRET}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"OPENAI_API_KEY": "", "AZURE_OPENAI_ENDPOINT": "  ", "PATH": "/bin"}, None),
        ({"AZURE_OPENAI_API_VERSION": "2024-10-01-preview"}, None),
        ({"OPENAI_API_KEY": SECRET}, openai("gpt-realtime", api_key=SECRET)),
        (
            {"OPENAI_API_KEY": f" {SECRET}\n", "OPENAI_MODEL": "m", "OPENAI_BASE_URL": "http://localhost:8000/v1"},
            openai("m", api_key=SECRET, base_url="ws://localhost:8000/v1"),
        ),
        (AZURE, azure(RESOURCE, deployment="d", api_key=SECRET)),
        ({**AZURE, "OPENAI_API_KEY": "other"}, azure(RESOURCE, deployment="d", api_key=SECRET)),
        (
            {**AZURE, "AZURE_OPENAI_API_VERSION": "2024-10-01-preview"},
            azure_preview(RESOURCE, deployment="d", api_version="2024-10-01-preview", api_key=SECRET),
        ),
        (
            {**AZURE, "AZURE_OPENAI_API_KEY": "", "AZURE_OPENAI_TOKEN": SECRET},
            azure(RESOURCE, deployment="d", token=SECRET),
        ),
    ],
)
def test_the_environment_configures(environ: dict[str, str], expected: Endpoint | None) -> None:
    assert from_env(environ) == expected


def test_a_provider_can_be_chosen() -> None:
    environ = {**AZURE, "OPENAI_API_KEY": "other"}
    assert from_env(environ, "openai") == openai("gpt-realtime", api_key="other")
    assert from_env(environ, "azure") == from_env(environ)


@pytest.mark.parametrize(
    ("environ", "provider", "reason"),
    [
        ({}, "azure", "^AZURE_OPENAI_ENDPOINT is not set"),
        ({}, "openai", "^OPENAI_API_KEY is not set"),
        (AZURE, "openai", "^OPENAI_API_KEY is not set"),
        ({}, "other", "'other' is not known: choose azure or openai"),
        ({"OPENAI_MODEL": "m"}, None, r"^OPENAI_API_KEY is not set: .* \(OPENAI_MODEL is set\)"),
        ({"OPENAI_BASE_URL": "http://h/v1"}, None, "^OPENAI_API_KEY is not set"),
        ({"AZURE_OPENAI_API_KEY": SECRET, "OPENAI_API_KEY": SECRET}, None, "^AZURE_OPENAI_ENDPOINT is not set"),
        ({**AZURE, "AZURE_OPENAI_DEPLOYMENT": ""}, None, "^AZURE_OPENAI_DEPLOYMENT is not set"),
        (
            {**AZURE, "AZURE_OPENAI_API_KEY": ""},
            None,
            "^AZURE_OPENAI_API_KEY is not set: set it, or AZURE_OPENAI_TOKEN "
            r"\(AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_DEPLOYMENT are set\)",
        ),
        ({**AZURE, "AZURE_OPENAI_TOKEN": SECRET}, None, "AZURE_OPENAI_API_KEY and AZURE_OPENAI_TOKEN are both set"),
        ({**AZURE, "AZURE_OPENAI_ENDPOINT": "name"}, None, "^AZURE_OPENAI_ENDPOINT: the URL 'name' must begin with"),
        ({"OPENAI_API_KEY": SECRET, "OPENAI_BASE_URL": "h:1"}, None, "^OPENAI_BASE_URL: the URL 'h:1' must begin"),
    ],
)
def test_half_a_configuration_names_what_is_missing(environ: dict[str, str], provider: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        from_env(environ, provider)
    assert SECRET not in str(caught.value)


def test_the_committed_template_lists_every_variable_and_sets_none() -> None:
    template = Path(__file__).parent.parent / "development.env"
    if not template.exists():
        pytest.skip("development.env is in the checkout, not in the installed package")
    lines = [line for line in template.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    variables = dict(line.split("=", 1) for line in lines)
    assert from_env(variables) is None
    assert set(variables.values()) == {""}
    assert set(variables) == {
        *("OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_DEPLOYMENT"),
        *("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_TOKEN", "AZURE_OPENAI_API_VERSION"),
    }
