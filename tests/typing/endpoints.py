# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""Endpoints are values, made by functions that know what each provider wants."""

import os

from typing_extensions import assert_type

import rtproto
from rtproto import Connection, Endpoint


def each_function_gives_one() -> None:
    assert_type(rtproto.openai("gpt-realtime", api_key="k"), Endpoint)
    assert_type(rtproto.openai(api_key="k", intent="transcription"), Endpoint)
    assert_type(rtproto.azure("https://name.openai.azure.com", deployment="d", token="t"), Endpoint)
    assert_type(rtproto.azure_preview("https://name.openai.azure.com", deployment="d", api_key="k"), Endpoint)
    assert_type(rtproto.voice_live("https://name.services.ai.azure.com", model="m", api_key="k"), Endpoint)
    assert_type(rtproto.endpoint("ws://localhost:8080/v1/realtime", headers={"x-trace": "1"}), Endpoint)


def what_they_need_is_needed() -> None:
    rtproto.openai("gpt-realtime")  # type: ignore[call-arg]
    rtproto.openai(api_key="k", intent="translation")  # type: ignore[arg-type]
    rtproto.azure_preview("https://name.openai.azure.com", api_key="k")  # type: ignore[call-arg]


def the_environment_may_configure_none() -> None:
    found = rtproto.from_env(os.environ)
    assert_type(found, Endpoint | None)
    Connection.client(found, now=0.0)  # type: ignore[arg-type]
    if found is not None:
        Connection.client(found, now=0.0)
    rtproto.from_env(os.environ, "azure")
    rtproto.from_env(os.environ, "google")  # type: ignore[arg-type]


def an_endpoint_does_not_change(endpoint: Endpoint) -> None:
    assert_type((endpoint.host, endpoint.port, endpoint.secure), tuple[str, int, bool])
    endpoint.url = "wss://elsewhere/"  # type: ignore[misc]
