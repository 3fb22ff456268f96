"""What a client asks for when it connects, read from its request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from rtproto.events import Requested

from ._policy import Policy
from ._settings import Settings

PATHS = ("/v1/realtime", "/openai/v1/realtime", "/openai/realtime")
"""Where sessions are: OpenAI's path, Azure's, and Azure's preview."""


@attrs.frozen(kw_only=True)
class Visit:
    """A session that is wanted. `subprotocol` is the one to select; never one that holds a key."""

    dialect: str
    subprotocol: str | None
    model: str | None
    transcription: bool

    def policy(self, settings: Settings) -> Policy:
        """What answers it."""
        return Policy(settings, model=self.model, transcription=self.transcription, beta=self.dialect == "beta")


@attrs.frozen
class Denied:
    """A request that is refused, with one line that says what to do."""

    status: int
    line: str
    headers: tuple[tuple[str, str], ...] = ()


def visit(
    path: str, query: Mapping[str, str], headers: Mapping[str, str], subprotocols: Sequence[str]
) -> Visit | Denied:
    """What a request asks for. Names of `headers` are lower-case."""
    if path not in PATHS:
        return Denied(404, f"There is nothing at {path}: the Realtime API is at {', '.join(PATHS)}.")
    requested = Requested(
        path=path, query=tuple(query.items()), headers=tuple(headers.items()), subprotocols=tuple(subprotocols)
    )
    return Visit(
        dialect=requested.dialect,
        subprotocol="realtime" if "realtime" in subprotocols else None,
        model=query.get("model") or query.get("deployment"),
        transcription=query.get("intent") == "transcription",
    )
