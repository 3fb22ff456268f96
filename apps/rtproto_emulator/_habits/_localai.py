"""LocalAI with a pipeline's defaults.

By its code of 2026: `core/http/endpoints/openai/realtime*.go` in mudler/LocalAI.
"""

from __future__ import annotations

from typing import Any

import attrs

from rtproto import UNSET, events

from .._checks import LOCALAI_CHECKS
from .._refusal import Refusal
from ._habits import SERVER_VAD, WHOLE, Habits, Realtime

_VAD = attrs.evolve(SERVER_VAD, idle_timeout_ms=UNSET, interrupt_response=UNSET)
_TRANSCRIPTION = events.AudioTranscription(model="whisper-1")
"""Which model it is the pipeline says; there always is one."""
_WHOLE: dict[type, Any] = {events.ServerVad: _VAD, events.AudioTranscription: _TRANSCRIPTION}


def _begun(session: Realtime) -> Realtime:
    """It transcribes from the beginning on."""
    assert session.audio
    assert session.audio.input
    heard = attrs.evolve(session.audio.input, turn_detection=_VAD, transcription=_TRANSCRIPTION)
    return attrs.evolve(session, audio=attrs.evolve(session.audio, input=heard))


def _error(error: events.RealtimeError) -> events.RealtimeError:
    """Nothing tells which field is wrong, or what the client called its event."""
    return events.RealtimeError(type=error.type, code=error.code, message=error.message)


LOCALAI = Habits(
    dialect="localai",
    begun=_begun,
    whole=WHOLE | _WHOLE,
    checks=LOCALAI_CHECKS,
    silent=frozenset({"conversation.item.done", "rate_limits.updated"}),
    cancels_previous=True,
    transcription_usage=False,
    transcription_deltas=False,
    live_captions=True,
    lenient=True,
    unknown_event=lambda got, known: Refusal("invalid_json", "Invalid JSON format"),
    error=_error,
)
