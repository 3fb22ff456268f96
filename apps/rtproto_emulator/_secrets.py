"""Client secrets: keys for browsers, which expire, and what a session that is opened with one begins as."""

from __future__ import annotations

import hashlib
import secrets

import attrs

from rtproto import events

from ._denied import Denied

_MAX_HELD = 64 * 1024 * 1024
"""Bytes of all that is remembered: 16 000 small ones, or 250 for sessions with 250 kB of instructions and tools."""
_OWN_SIZE = 4096
"""Bytes that count for a secret beside its session."""


@attrs.frozen(kw_only=True)
class ClientSecret:
    """`value` is the key, which is told once; `expires_at` in seconds since 1970."""

    value: str = attrs.field(repr=False)
    expires_at: int
    session: events.AnySession | None = None
    """What its creator wants of a session; None: nothing special."""
    dialect: str = "ga"
    """In which it was asked for: one of the beta is for the beta, one of a translation for a translation."""


class ClientSecrets:
    """Those that a server has given out; expired ones, too, while there is room: they are told from wrong ones."""

    def __init__(self, room: int = _MAX_HELD) -> None:
        self._room = room
        self._size = 0
        self._held: dict[bytes, tuple[ClientSecret, int]] = {}

    def make(
        self, seconds: int, now: float, *, session: events.AnySession | None, dialect: str, size: int
    ) -> ClientSecret | Denied:
        """A new secret for so many seconds from `now`, for a session that was asked for in `size` bytes."""
        size += _OWN_SIZE
        if self._size + size > self._room:
            self._forget(now)
        if self._size + size > self._room:
            line = f"{len(self._held)} client secrets are in use, which is the limit of this server: try again later."
            return Denied(429, line, "rate_limit_exceeded")
        value = f"ek_{secrets.token_hex(16)}"
        made = ClientSecret(value=value, expires_at=int(now) + seconds, session=session, dialect=dialect)
        self._held[_hashed(value)] = made, size
        self._size += size
        return made

    def find(self, key: str) -> ClientSecret | None:
        """The secret whose value is `key`, be it expired or not."""
        found, _ = self._held.get(_hashed(key), (None, 0))
        return found

    def _forget(self, now: float) -> None:
        """Lets go of the expired ones."""
        for name, (secret, size) in list(self._held.items()):
            if secret.expires_at <= now:
                del self._held[name]
                self._size -= size


def _hashed(key: str) -> bytes:
    """What is compared instead of the key, so that the time it takes tells nothing about it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
