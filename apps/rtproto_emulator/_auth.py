"""Who may come in: the keys that a server asks for, and where clients put theirs."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence

from ._denied import Denied
from ._secrets import ClientSecret, ClientSecrets

_SUBPROTOCOL = "openai-insecure-api-key."
_XAI_SUBPROTOCOL = "xai-client-secret."
_KEY = re.compile(r"[!-~]+")

_MISSING = (
    "You didn't provide an API key. Send it as 'Authorization: Bearer KEY', in the header 'api-key', as "
    f"'?api-key=KEY', or offer the subprotocol '{_SUBPROTOCOL}KEY' beside 'realtime'."
)
_WRONG = "Incorrect API key provided. Use one that the server was started with (--api-key or RTPROTO_API_KEY)."
_EXPIRED = "The client secret has expired: create another one."


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


class Access:
    """Whom a server lets in: holders of a key, and of a client secret until it expires."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = Keys(keys)
        self.secrets = ClientSecrets()

    def refusal(self, key: str | None) -> Denied | None:
        """Why who presents `key` may not create anything, if so: that takes a key for good."""
        if not self._keys or (key is not None and key in self._keys):
            return None
        return unauthorized(_MISSING if key is None else _WRONG)

    def admit(self, key: str | None, now: float) -> ClientSecret | Denied | None:
        """What a session may begin as that is opened with `key`; None: anything. `now` is in seconds since 1970."""
        secret = None if key is None else self.secrets.find(key)
        if secret is None:
            return self.refusal(key)
        return secret if now < secret.expires_at else unauthorized(_EXPIRED)


def presented(query: Mapping[str, str], headers: Mapping[str, str], subprotocols: Sequence[str] = ()) -> str | None:
    """The key of a request, None where it has none. Names of `headers` are lower-case."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    places = (
        token.strip() if scheme.lower() == "bearer" else "",
        headers.get("api-key", "").strip(),
        query.get("api-key", ""),
        *(
            name[len(start) :]
            for start in (_SUBPROTOCOL, _XAI_SUBPROTOCOL)
            for name in subprotocols
            if name.startswith(start)
        ),
    )
    return next(filter(None, places), None)


def selected(subprotocols: Sequence[str]) -> str | None:
    """The subprotocol to select of those offered: ``realtime``, and never one that holds a key.

    But xAI's browser clients offer nothing beside their client secret, and a browser hangs up where none is selected.
    """
    if "realtime" in subprotocols:
        return "realtime"
    only = subprotocols[0] if len(subprotocols) == 1 else ""
    return only if only.startswith(_XAI_SUBPROTOCOL) else None


def unauthorized(line: str) -> Denied:
    """The refusal of a key; `line` does not show it."""
    return Denied(401, line, "invalid_api_key", headers=(("WWW-Authenticate", "Bearer"),))


def checked_keys(keys: str | Iterable[str]) -> tuple[str, ...]:
    """`keys`, or the one key, each of which can be sent in a header. Raises ValueError, which does not show them."""
    found = (keys,) if isinstance(keys, str) else tuple(keys)
    for number, key in enumerate(found, 1):
        if not _KEY.fullmatch(key):
            what = "is empty" if not key else "has a space or a character that HTTP forbids"
            raise ValueError(f"API key {number} of {len(found)} {what}")
    return found
