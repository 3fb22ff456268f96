"""The endpoint that environment variables configure."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from rtproto._endpoint import Endpoint
from rtproto._providers import azure, azure_preview, openai
from rtproto._url import split_url

Provider: TypeAlias = Literal["openai", "azure"]


def from_env(environ: Mapping[str, str], provider: "Provider | None" = None) -> "Endpoint | None":
    """The endpoint that environment variables configure (pass ``os.environ``), or None where they configure none.

    Azure, when any of its variables is set: AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_DEPLOYMENT, and AZURE_OPENAI_API_KEY or
    AZURE_OPENAI_TOKEN; AZURE_OPENAI_API_VERSION selects the preview API. Else OpenAI: OPENAI_API_KEY, and if wanted
    OPENAI_MODEL ("gpt-realtime") and OPENAI_BASE_URL. `provider` chooses one whatever else is set. A variable that is
    empty counts as not set.

    Raises ValueError that names the variable which is missing or wrong.
    """
    if provider not in (None, *_PROVIDERS):
        raise ValueError(f"the provider {provider!r} is not known: choose {' or '.join(_PROVIDERS)}")
    values = {name: value.strip() for name, value in environ.items() if value.strip()}
    for name, (variables, make) in _PROVIDERS.items():
        if provider == name or (provider is None and any(variable in values for variable in variables)):
            return make(values)
    return None


def _azure_from(values: Mapping[str, str]) -> Endpoint:
    url = _needed(values, "AZURE_OPENAI_ENDPOINT", "it is the resource's address, https://NAME.openai.azure.com")
    _check_url("AZURE_OPENAI_ENDPOINT", url)
    deployment = _needed(values, "AZURE_OPENAI_DEPLOYMENT", "it names the deployment of a realtime model")
    api_key, token = values.get("AZURE_OPENAI_API_KEY"), values.get("AZURE_OPENAI_TOKEN")
    if api_key and token:
        raise ValueError("AZURE_OPENAI_API_KEY and AZURE_OPENAI_TOKEN are both set: keep one of them")
    if not token:
        _needed(values, "AZURE_OPENAI_API_KEY", "set it, or AZURE_OPENAI_TOKEN")
    version = values.get("AZURE_OPENAI_API_VERSION")
    if version is None:
        return azure(url, deployment=deployment, api_key=api_key, token=token)
    return azure_preview(url, deployment=deployment, api_version=version, api_key=api_key, token=token)


def _openai_from(values: Mapping[str, str]) -> Endpoint:
    api_key = _needed(values, "OPENAI_API_KEY", "any text will do for a server that asks for none")
    base_url = values.get("OPENAI_BASE_URL", "wss://api.openai.com/v1")
    _check_url("OPENAI_BASE_URL", base_url)
    return openai(values.get("OPENAI_MODEL", "gpt-realtime"), api_key=api_key, base_url=base_url)


# In the order in which they are tried: the variables of which one is enough to mean the provider, and its maker.
_PROVIDERS = {
    "azure": (
        ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_DEPLOYMENT", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_TOKEN"),
        _azure_from,
    ),
    "openai": (("OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_BASE_URL"), _openai_from),
}


def _needed(values: Mapping[str, str], name: str, meaning: str) -> str:
    if name not in values:
        provider = "azure" if name.startswith("AZURE") else "openai"
        found = [variable for variable in _PROVIDERS[provider][0] if variable in values]
        because = f" ({', '.join(found)} {'is' if len(found) == 1 else 'are'} set)" if found else ""
        raise ValueError(f"{name} is not set: {meaning}{because}")
    return values[name]


def _check_url(variable: str, url: str) -> None:
    try:
        split_url(url)
    except ValueError as error:
        raise ValueError(f"{variable}: {error}") from None
