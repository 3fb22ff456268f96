"""What a recording must not hold: keys, wherever they travel. Pure, like the core."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from rtproto._redact import KEY_SUBPROTOCOL, redact_subprotocol, redact_url

HIDDEN = "***"

_FIELD = re.compile(
    r"(?:.*[_-])?(?:authorization|api[_-]?key|(?:access|refresh|id|auth|bearer|session)[_-]token|secret|password|"
    r"credentials?|cookies?|headers)(?:[_-]value)?",
    re.IGNORECASE,
)
"""Fields of events that hold a key: not `max_output_tokens`, and not the `token` of a logprob."""

_HEADER = re.compile(r"key|token|secret|password|auth|credential|cookie|signature", re.IGNORECASE)
"""Headers and query parameters that hold one."""

_KEY = re.compile(
    r"\b(?:ek_|sk-|xai-)[\w-]{8,}|\bBearer +[\w.~+/=-]{16,}|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]+)?", re.IGNORECASE
)
_MARKS = ("_", "-", " ", ".")
"""One of these is in whatever `_KEY` finds; none of them is in base64, of which most of a session consists."""

_SCHEMES = ("http://", "https://", "ws://", "wss://")
_SHORTEST = 8
"""Characters of a key that is looked for everywhere: whoever says "x" for a key shall keep the other x's."""

Pairs = Iterable[tuple[str, str]]


class Redaction:
    """Hides the keys of one session: `keys` wherever they stand, and what a field's name or its own look gives away."""

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._keys = sorted({key for key in keys if len(key) >= _SHORTEST}, key=len, reverse=True)

    def event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """A copy without keys; nested at most as deep as Python can follow."""
        return {self.text(name): self._field(name, value) for name, value in event.items()}

    def text(self, text: str) -> str:
        """Any text."""
        for key in self._keys:
            if key in text:
                text = text.replace(key, HIDDEN)
        if any(mark in text for mark in _MARKS):
            text = _KEY.sub(HIDDEN, text)
        return redact_url(text) if text.startswith(_SCHEMES) else text

    def headers(self, headers: Pairs) -> dict[str, str]:
        """Headers by their names; those that come twice are joined."""
        told: dict[str, str] = {}
        for name, value in headers:
            shown = HIDDEN if _HEADER.search(name) else self.text(value)
            told[name] = f"{told[name]}, {shown}" if name in told else shown
        return told

    def subprotocols(self, names: Iterable[str]) -> list[str]:
        """Subprotocols as offered."""
        return [self.text(redact_subprotocol(name)) for name in names]

    def _field(self, name: str, value: Any) -> Any:
        return _hidden(value) if _is_secret(name) else self._value(value, name)

    def _value(self, value: Any, name: str = "") -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            if name == "properties":  # of a JSON schema: the names are those of arguments
                return {key: self._value(held) for key, held in value.items()}
            return self.event(value)
        return [self._value(held) for held in value] if isinstance(value, list) else value


def keys_of(headers: Pairs, query: Pairs, subprotocols: Sequence[str]) -> list[str]:
    """The keys that a request brings."""
    found = [value.split()[-1] for name, value in (*headers, *query) if _HEADER.search(name) and value.strip()]
    return found + [name.removeprefix(KEY_SUBPROTOCOL) for name in subprotocols if name.startswith(KEY_SUBPROTOCOL)]


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    return _FIELD.fullmatch(name) is not None


def _hidden(value: Any) -> Any:
    """`value` with every string in it hidden: its shape stays."""
    if isinstance(value, dict):
        return {name: _hidden(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_hidden(held) for held in value]
    return HIDDEN if isinstance(value, str) and value else value
