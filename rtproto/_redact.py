"""Secrets out of what people read: URLs and subprotocols as they may be shown and logged."""

import re
from urllib.parse import unquote_plus

_SECRET_NAME = re.compile(r"key|token|secret|password|auth|credential|signature|^sig$", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&;])([^=&;#\s]*)=([^&;#\s]*)")
_USER = re.compile(r"//[^/?#\s]*@")
KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""What a browser puts before its key to send it as a subprotocol: it cannot set headers."""

_SUBPROTOCOL = re.compile(r"^(.*?(?:key|token|secret|bearer|auth)[^.]*\.).*", re.IGNORECASE | re.DOTALL)


def redact_url(url: str) -> str:
    """`url`, or any text that holds one, with passwords and the values of secret query parameters as ``***``."""
    return _PARAMETER.sub(_redact_parameter, _USER.sub("//***@", url))


def redact_subprotocol(name: str) -> str:
    """`name` as it may be shown: what follows a part that speaks of a key or a token is ``***``."""
    return _SUBPROTOCOL.sub(r"\1***", name)


def redact_subprotocols(names: tuple[str, ...]) -> str:
    """The repr of `names` without their keys."""
    return repr(tuple(redact_subprotocol(name) for name in names))


def _redact_parameter(match: re.Match[str]) -> str:
    separator, name, value = match.groups()
    return f"{separator}{name}={'***' if _SECRET_NAME.search(unquote_plus(name)) else value}"
