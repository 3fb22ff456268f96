"""What environment variables configure, and what is said where they are half set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rtproto import Endpoint, azure, azure_preview, from_env, openai

SECRET = "sk-very-secret"
RESOURCE = "https://name.openai.azure.com"
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
