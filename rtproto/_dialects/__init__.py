"""How servers that speak otherwise say the same things.

The vocabulary of rtproto is the GA one. A dialect is data: names, shapes and paths, mapped onto it on the way in and
back on the way out. Each is loaded when it is first used.
"""

import importlib
from collections.abc import Sequence
from functools import cache

from rtproto._dialects._dialect import Dialect
from rtproto._dialects._ga import GA

_PLACES = {
    "ga": ("_ga", "GA"),
    "ga-transcription": ("_ga", "TRANSCRIPTION"),
    "ga-translation": ("_ga", "TRANSLATION"),
    "beta": ("_beta", "BETA"),
    "azure-voicelive": ("_voice_live", "VOICE_LIVE"),
    "xai": ("_xai", "XAI"),
    "qwen": ("_qwen", "QWEN"),
    "localai": ("_localai", "LOCALAI"),
    "unmute": ("_unmute", "UNMUTE"),
    "vllm": ("_vllm", "VLLM"),
}
DIALECTS = tuple(_PLACES)
"""The names of all dialects."""

__all__ = ["DIALECTS", "GA", "Dialect", "dialect", "recognised"]


@cache
def dialect(name: str) -> Dialect:
    """The dialect called `name`. Raises ValueError for a name there is not."""
    if name not in _PLACES:
        raise ValueError(f"there is no dialect {name!r}; choose one of {', '.join(DIALECTS)}")
    module, constant = _PLACES[name]
    found: Dialect = getattr(importlib.import_module(f"rtproto._dialects.{module}"), constant)
    return found


_PATHS = {
    "/realtime/translations": "ga-translation",
    "/voice-live/realtime": "azure-voicelive",
    "/api-ws/v1/realtime": "qwen",
    "/openai/realtime": "beta",
}
_BETA_VALUE = "realtime=v1"
_BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
_HOSTS = {"api.x.ai": "xai", ".aliyuncs.com": "qwen", "unmute.sh": "unmute"}
_MODELS = {"grok-": "xai", "qwen": "qwen"}


def recognised(
    path: str,
    query: Sequence[tuple[str, str]] = (),
    headers: Sequence[tuple[str, str]] = (),
    subprotocols: Sequence[str] = (),
    host: str = "",
) -> str:
    """The name of the dialect that a request calls for; "ga" where nothing tells. `path` is without the query.

    Source: the URLs of the providers, and the header and the subprotocol by which clients asked OpenAI for the beta.
    """
    path = path.rstrip("/")
    given = dict(query)
    model, host = given.get("model", "").lower(), host.lower()
    found = (
        *(name for ending, name in _PATHS.items() if path.endswith(ending)),
        *("beta" for name, value in headers if name.lower() == "openai-beta" and _BETA_VALUE in value.replace(" ", "")),
        *("beta" for name in subprotocols if name == _BETA_SUBPROTOCOL),
        *(name for ending, name in _HOSTS.items() if host.endswith(ending)),
        *(name for start, name in _MODELS.items() if model.startswith(start)),
        "ga-transcription" if given.get("intent") == "transcription" else "ga",
    )
    return found[0]
