"""Who may come in: the keys that a server asks for, and where clients put theirs."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence

from ._denied import Denied

_SUBPROTOCOL = "openai-insecure-api-key."
_KEY = re.compile(r"[!-~]+")

_MISSING = (
    "You didn't provide an API key. Send it as 'Authorization: Bearer KEY', in the header 'api-key', as "
    f"'?api-key=KEY', or offer the subprotocol '{_SUBPROTOCOL}KEY' beside 'realtime'."
)
_WRONG = "Incorrect API key provided. Use one that the server was started with (--api-key or RTPROTO_API_KEY)."


class Keys:
    """The API keys that a server takes; with none of them it takes any, and clients without one."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = tuple(key.encode() for key in keys)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __contains__(self, key: str) -> bool:
        """Whether `key` is one of them; takes as long for any key of one length."""
        given = key.encode("utf-8", "surrogatepass")
        return sum(hmac.compare_digest(given, known) for known in self._keys) > 0


def presented(query: Mapping[str, str], headers: Mapping[str, str], subprotocols: Sequence[str] = ()) -> str | None:
    """The key of a request, None where it has none. Names of `headers` are lower-case."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    places = (
        token.strip() if scheme.lower() == "bearer" else "",
        headers.get("api-key", "").strip(),
        query.get("api-key", ""),
        *(name[len(_SUBPROTOCOL) :] for name in subprotocols if name.startswith(_SUBPROTOCOL)),
    )
    return next(filter(None, places), None)


def unauthorized(line: str) -> Denied:
    """The refusal of a key; `line` does not show it."""
    return Denied(401, line, "invalid_api_key", headers=(("WWW-Authenticate", "Bearer"),))


def refused(key: str | None) -> Denied:
    """The refusal of a request with a `key` that is not known, or with none."""
    return unauthorized(_MISSING if key is None else _WRONG)


def checked_keys(keys: Iterable[str]) -> tuple[str, ...]:
    """`keys`, each of which can be sent in a header. Raises ValueError, which does not show them."""
    found = tuple(keys)
    for number, key in enumerate(found, 1):
        if not _KEY.fullmatch(key):
            what = "is empty" if not key else "has a space or a character that HTTP forbids"
            raise ValueError(f"API key {number} of {len(found)} {what}")
    return found
