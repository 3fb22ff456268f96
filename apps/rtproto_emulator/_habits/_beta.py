"""The beta, as OpenAI spoke it until 2026 and Azure's preview versions still do."""

from __future__ import annotations

import attrs

from rtproto import UNSET, events
from rtproto.events import beta

from ._habits import SERVER_VAD, WHOLE, Habits, Realtime, older


def _begun(session: Realtime) -> Realtime:
    """As recorded in 2025: 200 ms of silence, and a temperature."""
    own = {"extra": {"modalities": ["audio", "text"]}, "temperature": 0.8, "client_secret": None}
    return older(beta.RealtimeSession, session, _VAD, **own)


_VAD = attrs.evolve(SERVER_VAD, silence_duration_ms=200, idle_timeout_ms=UNSET)

BETA = Habits(
    dialect="beta",
    model="gpt-4o-realtime-preview",
    begun=_begun,
    whole=WHOLE | {events.ServerVad: _VAD},
    modalities=(["audio", "text"],),
    response=beta.RealtimeResponse,
    temperature=0.8,
    limits_after="response.created",
    item_object="realtime.item",
)
