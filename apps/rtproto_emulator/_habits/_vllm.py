"""vLLM's realtime endpoint, by its code of 2026: `vllm/entrypoints/speech_to_text/realtime/` in vllm-project/vllm."""

from __future__ import annotations

from rtproto import events

from .._refusal import Refusal
from ._habits import Habits


def _error(error: events.RealtimeError) -> events.RealtimeError:
    """A text and a code: nothing tells which field is wrong, or what the client called its event."""
    return events.RealtimeError(code=error.code, message=error.message)


VLLM = Habits(
    dialect="vllm",
    lenient=True,
    unknown_event=lambda got, known: Refusal("unknown_event", f"Unknown event type: {got}"),
    error=_error,
)
