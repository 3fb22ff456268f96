"""Kyutai's Unmute, by its code of 2026; what it does when is in a machine of its own."""

from __future__ import annotations

from rtproto import events
from rtproto.events import unmute

from ._habits import Habits


def _error(error: events.RealtimeError) -> events.RealtimeError:
    """It has `details`, mostly none; nothing tells what the client called its event."""
    details = (error.extra or {}).get("details")
    return unmute.RealtimeError(
        type=error.type, code=error.code or None, message=error.message, param=error.param or None, details=details
    )


UNMUTE = Habits(dialect="unmute", error=_error)
