"""What a client asks for when it connects, read from its request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from rtproto.events import Requested

from ._machine import Machine
from ._policy import Policy
from ._settings import Settings
from ._translation import Translation

PATHS = (
    "/v1/realtime",
    "/v1/realtime/translations",
    "/openai/v1/realtime",
    "/openai/v1/realtime/translations",
    "/openai/realtime",
    "/voice-live/realtime",
)
"""Where sessions are: OpenAI's paths, Azure's, Azure's preview, and Azure Voice Live's."""


NO_CALL = "No session found for the provided call_id"
"""What OpenAI says where a sideband looks for a call that there is not: without WebRTC and SIP there is none here."""


@attrs.frozen(kw_only=True)
class Visit:
    """A session that is wanted. `subprotocol` is the one to select; never one that holds a key."""

    dialect: str
    subprotocol: str | None
    model: str | None
    transcription: bool

    def policy(self, settings: Settings) -> Machine:
        """What answers it."""
        if self.dialect == "ga-translation":
            return Translation(settings, model=self.model)
        return Policy(settings, model=self.model, transcription=self.transcription, dialect=self.dialect)


@attrs.frozen
class Denied:
    """A request that is refused, with one line that says what to do."""

    status: int
    line: str


def visit(
    path: str, query: Mapping[str, str], headers: Mapping[str, str], subprotocols: Sequence[str]
) -> Visit | Denied:
    """What a request asks for. Names of `headers` are lower-case."""
    if path not in PATHS:
        return Denied(404, f"There is nothing at {path}: the Realtime API is at {', '.join(PATHS)}.")
    if "call_id" in query:
        return Denied(404, NO_CALL)
    requested = Requested(
        path=path, query=tuple(query.items()), headers=tuple(headers.items()), subprotocols=tuple(subprotocols)
    )
    return Visit(
        dialect=requested.dialect,
        subprotocol="realtime" if "realtime" in subprotocols else None,
        model=query.get("model") or query.get("deployment") or query.get("agent-name"),
        transcription=query.get("intent") == "transcription",
    )
