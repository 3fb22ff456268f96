"""Where to connect and as whom: endpoints are values, and the functions that make them know each provider's ways."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import attrs

from rtproto._http import Headers, header_problem, is_token
from rtproto._redact import KEY_SUBPROTOCOL, redact_subprotocol, redact_subprotocols, redact_url
from rtproto._url import DEFAULT_PORTS, Pairs, join_query, pairs, split_url

Provider: TypeAlias = Literal["openai", "azure"]

_AZURE_PATHS = re.compile(r"/(?:openai|voice-live|api/projects)(?:/.*)?$")
_PORTAL_QUERY = frozenset(("api-version", "deployment", "model"))


def _normal_url(url: str) -> str:
    return urlunsplit(split_url(url))


def _shown_url(url: str) -> str:
    return repr(redact_url(url))


def _names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(names)


@attrs.frozen(kw_only=True)
class Endpoint:
    """A server's WebSocket address, and what to say when knocking. Its repr and str show no secrets.

    `url` begins with ws:// or wss:// (http(s) URLs are turned into these) and is complete, so log ``str(endpoint)``
    instead. `headers` and `subprotocols` are sent with the handshake. `dialect` is the server's way of speaking: "ga",
    "beta", "azure-voicelive", "xai" or "qwen".

    Raises ValueError where a part cannot be sent in a handshake.
    """

    url: str = attrs.field(converter=_normal_url, repr=_shown_url)
    headers: Headers = attrs.field(default=(), converter=pairs, repr=False)
    subprotocols: tuple[str, ...] = attrs.field(default=(), converter=_names, repr=redact_subprotocols)
    dialect: str = "ga"

    def __attrs_post_init__(self) -> None:
        for name, value in self.headers:
            if problem := header_problem(name, value):
                raise ValueError(problem)
        for name in self.subprotocols:
            if not is_token(name):
                raise ValueError(f"the subprotocol {redact_subprotocol(name)!r} has characters that HTTP forbids")

    def __str__(self) -> str:
        return redact_url(self.url)

    @property
    def secure(self) -> bool:
        """Whether the connection is TLS."""
        return urlsplit(self.url).scheme == "wss"

    @property
    def host(self) -> str:
        """The name or address to connect to (IPv6 without brackets)."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port to connect to: 443 with TLS and 80 without, unless the URL names one."""
        parts = urlsplit(self.url)
        return DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port

    @property
    def authority(self) -> str:
        """The Host header: the host (IPv6 in brackets), and the port where it is not the default."""
        return urlsplit(self.url).netloc

    @property
    def target(self) -> str:
        """The path and query to request, percent-encoded, with the query's secrets."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    @property
    def origin(self) -> str:
        """Scheme, host and port: what a redirect would leave."""
        return f"{urlsplit(self.url).scheme}://{self.authority}"


def endpoint(
    url: str,
    *,
    api_key: "str | None" = None,
    headers: Pairs = (),
    query: Pairs = (),
    subprotocols: Iterable[str] = (),
    dialect: str = "ga",
) -> Endpoint:
    """Any server that speaks the protocol: `url` is the whole address, such as ``ws://localhost:8000/v1/realtime``.

    `api_key` is sent as ``Authorization: Bearer``; servers that want it elsewhere get it by `headers` or `query`.
    Raises ValueError for a URL, header or subprotocol that cannot be sent.
    """
    authorization = () if api_key is None else (("Authorization", f"Bearer {_secret('api_key', api_key)}"),)
    return _endpoint(url, None, pairs(query), (*authorization, *pairs(headers)), subprotocols, dialect)


def openai(
    model: "str | None" = None,
    *,
    api_key: str,
    base_url: str = "wss://api.openai.com/v1",
    intent: 'Literal["transcription"] | None' = None,
    call_id: "str | None" = None,
    organization: "str | None" = None,
    project: "str | None" = None,
    safety_identifier: "str | None" = None,
    query: Pairs = (),
    headers: Pairs = (),
    browser: bool = False,
) -> Endpoint:
    """OpenAI, or a server with its paths at `base_url` (``/realtime`` is appended).

    One of: `model` for a conversation; ``intent="transcription"`` for a transcription session, which a model in the
    URL would prevent; `call_id` to attach to a WebRTC or SIP call. None of them where the client secret or the server
    decides. `api_key` is a key or a client secret (``ek_...``). With `browser` the key, organization and project
    travel as subprotocols, as browsers must do it.

    Raises ValueError for an empty key, for more than one of the three, and for what cannot be sent.
    Source: OpenAI's guides to the Realtime API with WebSocket, to transcription and to server-side controls.
    """
    api_key = _secret("api_key", api_key)
    identities = [
        (name, value)
        for name, value in (("OpenAI-Organization", organization), ("OpenAI-Project", project))
        if value is not None
    ]
    own: list[tuple[str, str]] = []
    subprotocols: tuple[str, ...] = ()
    if browser:
        subprotocols = ("realtime", KEY_SUBPROTOCOL + api_key, *(f"{n.lower()}.{value}" for n, value in identities))
    else:
        own = [("Authorization", f"Bearer {api_key}"), *identities]
    if safety_identifier is not None:
        own.append(("OpenAI-Safety-Identifier", safety_identifier))
    parts = split_url(base_url)
    path = parts.path.rstrip("/")
    return _endpoint(
        base_url,
        path if path.endswith("/realtime") else f"{path}/realtime",
        (*_session_query("model", model, intent, call_id), *pairs(query)),
        (*own, *pairs(headers)),
        subprotocols,
    )


def azure(
    endpoint_url: str,
    *,
    deployment: "str | None" = None,
    api_key: "str | None" = None,
    token: "str | None" = None,
    intent: 'Literal["transcription"] | None' = None,
    call_id: "str | None" = None,
    query: Pairs = (),
    headers: Pairs = (),
) -> Endpoint:
    """Azure OpenAI (GA): `endpoint_url` is the resource's, such as ``https://NAME.openai.azure.com``.

    One of: `deployment`, the name of a realtime model's deployment; ``intent="transcription"``; `call_id`.
    One of: `api_key`; `token`, an Entra ID token for the scope ``https://ai.azure.com/.default`` (it expires).
    A path or query that the portal adds to the address is replaced; a gateway's own prefix is kept.

    Raises ValueError when not exactly one of each is given, and for what cannot be sent.
    """
    wanted = _session_query("deployment", deployment, intent, call_id)
    if not wanted:
        raise ValueError("deployment is missing: name the deployment of a realtime model (or give intent or call_id)")
    return _azure(endpoint_url, "/openai/v1/realtime", wanted, api_key, token, query, headers, "ga")


def azure_preview(
    endpoint_url: str,
    *,
    deployment: str,
    api_version: str = "2025-04-01-preview",
    api_key: "str | None" = None,
    token: "str | None" = None,
    query: Pairs = (),
    headers: Pairs = (),
) -> Endpoint:
    """Azure OpenAI before GA: the path ``/openai/realtime``, a preview `api_version`, dialect "beta"; else as `azure`.

    Azure has deprecated these versions; new programs take `azure`.
    """
    wanted = [("api-version", api_version), ("deployment", deployment)]
    return _azure(endpoint_url, "/openai/realtime", wanted, api_key, token, query, headers, "beta")


def voice_live(
    endpoint_url: str,
    *,
    model: "str | None" = None,
    agent_name: "str | None" = None,
    agent_project_name: "str | None" = None,
    agent_version: "str | None" = None,
    conversation_id: "str | None" = None,
    agent_authentication_identity_client_id: "str | None" = None,
    foundry_resource_override: "str | None" = None,
    api_version: str = "2026-07-15",
    api_key: "str | None" = None,
    token: "str | None" = None,
    query: Pairs = (),
    headers: Pairs = (),
) -> Endpoint:
    """Azure Voice Live: `endpoint_url` is the resource's, such as ``https://NAME.services.ai.azure.com``.

    `model`, or an agent: `agent_name` with `agent_project_name`; the other agent parameters go with these.
    One of `api_key` and `token` (Entra ID), as for `azure`. Dialect "azure-voicelive".

    Raises ValueError when neither model nor agent is given, when the agent is given by halves, when not exactly one of
    key and token is, and for what cannot be sent.
    """
    agent = {
        "agent-name": agent_name,
        "agent-project-name": agent_project_name,
        "agent-version": agent_version,
        "conversation-id": conversation_id,
        "agent-authentication-identity-client-id": agent_authentication_identity_client_id,
        "foundry-resource-override": foundry_resource_override,
    }
    if not (model or agent_name):
        raise ValueError("model is missing: name one, or an agent (agent_name and agent_project_name)")
    if any(agent.values()) and not (agent_name and agent_project_name):
        raise ValueError("an agent needs both agent_name and agent_project_name")
    wanted = [("api-version", api_version), ("model", model), *agent.items()]
    given = [(name, value) for name, value in wanted if value]
    return _azure(endpoint_url, "/voice-live/realtime", given, api_key, token, query, headers, "azure-voicelive")


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


def _endpoint(
    url: str,
    path: "str | None",
    query: tuple[tuple[str, str], ...],
    headers: Headers,
    subprotocols: Iterable[str],
    dialect: str = "ga",
) -> Endpoint:
    parts = split_url(url)
    parts = parts._replace(path=parts.path if path is None else path, query=join_query(parts.query, query))
    return Endpoint(url=urlunsplit(parts), headers=headers, subprotocols=subprotocols, dialect=dialect)


def _azure(
    endpoint_url: str,
    path: str,
    wanted: list[tuple[str, str]],
    api_key: "str | None",
    token: "str | None",
    query: Pairs,
    headers: Pairs,
    dialect: str,
) -> Endpoint:
    if (api_key is None) == (token is None):
        raise ValueError("give either api_key or token, " + ("not both" if api_key is not None else "one of them"))
    own = (
        ("api-key", _secret("api_key", api_key))
        if api_key is not None
        else ("Authorization", f"Bearer {_secret('token', token)}")
    )
    parts = split_url(endpoint_url)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in _PORTAL_QUERY
    ]
    base = urlunsplit(parts._replace(query=""))
    prefix = _AZURE_PATHS.sub("", parts.path.rstrip("/"))
    return _endpoint(base, prefix + path, (*wanted, *kept, *pairs(query)), (own, *pairs(headers)), (), dialect)


def _session_query(
    model_name: str, model: "str | None", intent: "str | None", call_id: "str | None"
) -> list[tuple[str, str]]:
    given = {model_name: model, "intent": intent, "call_id": call_id}
    found = [name for name, value in given.items() if value]
    if len(found) > 1:
        raise ValueError(f"give only one of {' and '.join(found)}: each of them names another kind of session")
    if intent and intent != "transcription":
        raise ValueError(f"the intent {intent!r} is not known: 'transcription' is; others go into query")
    return [("model" if name == model_name else name, value) for name, value in given.items() if value]


def _secret(name: str, value: "str | None") -> str:
    if not value:
        raise ValueError(f"{name} is empty: is the variable that holds it set?")
    return value
