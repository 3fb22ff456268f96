"""A service elsewhere that speaks one of OpenAI's HTTP APIs: where it is, its key, and how its failures are told."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import attrs

_SAID = 200
"""Characters of an error's text that are passed on."""


def _without_end(url: str) -> str:
    return url.rstrip("/")


@attrs.frozen
class Service:
    """`name` is such as "recogniser", `url` such as ``http://127.0.0.1:8000/v1``.

    Raises ValueError for what is no http or https URL, and for a key that no HTTP header can carry.
    """

    name: str
    url: str = attrs.field(converter=_without_end)
    key: str | None = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        if not _is_web(self.url):
            raise ValueError(f"the URL of a {self.name} must be like http://127.0.0.1:8000/v1")
        if self.key is not None and not (self.key.isascii() and self.key.isprintable()):
            raise ValueError(f"the {self.name}'s key has characters that no HTTP header can carry")

    @property
    def host(self) -> str:
        """With its port."""
        return urlsplit(self.url).netloc

    def failure(self, why: str) -> RuntimeError:
        """One line, without the key."""
        line = f"the {self.name} at {self.host} {why}"
        return RuntimeError(line.replace(self.key, "***") if self.key else line)

    def refused(self, status: int, answer: bytes) -> str:
        """Why there is no answer but an HTTP status: what an error says, if it says it as OpenAI does."""
        try:
            said = json.loads(answer)["error"]["message"]
        except (ValueError, KeyError, TypeError, RecursionError):
            said = answer.decode(errors="replace")
        return f"answered HTTP {status}" + (f": {reason}" if (reason := in_short(said)) else "")


def in_short(said: object) -> str:
    """An error's words, in one line."""
    return " ".join(str(said).split())[:_SAID]


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        )
    except ValueError:
        return False
