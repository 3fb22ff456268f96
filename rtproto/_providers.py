"""The endpoints of the providers: each function knows one provider's ways."""

import re
from typing import Literal
from urllib.parse import parse_qsl, urlunsplit

from rtproto._endpoint import Endpoint, endpoint_at, secret
from rtproto._redact import KEY_SUBPROTOCOL
from rtproto._url import Pairs, pairs, split_url

_AZURE_PATHS = re.compile(r"/(?:openai|voice-live|api/projects)(?:/.*)?$")
_PORTAL_QUERY = frozenset(("api-version", "deployment", "model"))


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
    api_key = secret("api_key", api_key)
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
    return endpoint_at(
        base_url,
        path if path.endswith("/realtime") else f"{path}/realtime",
        (*_session_query("model", model, intent, call_id), *pairs(query)),
        (*own, *pairs(headers)),
        subprotocols,
    )


def openai_translation(
    model: str = "gpt-realtime-translate",
    *,
    api_key: str,
    base_url: str = "wss://api.openai.com/v1",
    query: Pairs = (),
    headers: Pairs = (),
) -> Endpoint:
    """OpenAI's live translation: sound in, sound in another language out. Its own events are in
    `rtproto.events.translation`. Raises ValueError for an empty key and for what cannot be sent.
    """
    own = ("Authorization", f"Bearer {secret('api_key', api_key)}")
    path = split_url(base_url).path.rstrip("/").removesuffix("/realtime")
    return endpoint_at(
        base_url, f"{path}/realtime/translations", (("model", model), *pairs(query)), (own, *pairs(headers)), ()
    )


def xai(
    model: str = "grok-voice-latest",
    *,
    api_key: str,
    base_url: str = "wss://api.x.ai/v1",
    query: Pairs = (),
    headers: Pairs = (),
) -> Endpoint:
    """xAI's Grok Voice. Its own events are in `rtproto.events.xai`.

    Raises ValueError for an empty key and for what cannot be sent.
    """
    return _compatible(base_url, model, api_key, query, headers, "xai")


def qwen(
    model: str,
    *,
    api_key: str,
    base_url: str = "wss://dashscope-intl.aliyuncs.com/api-ws/v1",
    query: Pairs = (),
    headers: Pairs = (),
) -> Endpoint:
    """Qwen-Omni at Alibaba Cloud Model Studio. Its own events are in `rtproto.events.qwen`.

    `base_url` is that of the region: this one is Singapore, ``wss://dashscope.aliyuncs.com/api-ws/v1`` is Beijing.
    Raises ValueError for an empty key and for what cannot be sent.
    """
    return _compatible(base_url, model, api_key, query, headers, "qwen")


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
    return _azure(endpoint_url, "/openai/v1/realtime", wanted, api_key, token, query, headers)


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
    return _azure(endpoint_url, "/openai/realtime", wanted, api_key, token, query, headers)


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
    return _azure(endpoint_url, "/voice-live/realtime", given, api_key, token, query, headers)


def _compatible(base_url: str, model: str, api_key: str, query: Pairs, headers: Pairs, dialect: str) -> Endpoint:
    own = ("Authorization", f"Bearer {secret('api_key', api_key)}")
    path = split_url(base_url).path.rstrip("/").removesuffix("/realtime")
    given = (("model", model), *pairs(query))
    return endpoint_at(base_url, f"{path}/realtime", given, (own, *pairs(headers)), (), dialect)


def _azure(
    endpoint_url: str,
    path: str,
    wanted: list[tuple[str, str]],
    api_key: "str | None",
    token: "str | None",
    query: Pairs,
    headers: Pairs,
) -> Endpoint:
    if (api_key is None) == (token is None):
        raise ValueError("give either api_key or token, " + ("not both" if api_key is not None else "one of them"))
    own = (
        ("api-key", secret("api_key", api_key))
        if api_key is not None
        else ("Authorization", f"Bearer {secret('token', token)}")
    )
    parts = split_url(endpoint_url)
    kept = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name.lower() not in _PORTAL_QUERY
    ]
    base = urlunsplit(parts._replace(query=""))
    prefix = _AZURE_PATHS.sub("", parts.path.rstrip("/"))
    return endpoint_at(base, prefix + path, (*wanted, *kept, *pairs(query)), (own, *pairs(headers)), ())


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
