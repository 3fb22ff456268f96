"""Named timers: when each rings, and which rings next. Time is the caller's monotonic clock, in seconds."""

from enum import Enum


class Timer(Enum):
    """What a machine may wait for."""

    OPEN = "open"
    KEEPALIVE = "keepalive"
    PONG = "pong"
    CLOSE = "close"

    # Enum's own hash is a Python function, and every read restarts a timer.
    __hash__ = object.__hash__


class Timers:
    """A table of timers and the time each one rings."""

    __slots__ = ("_at",)

    def __init__(self) -> None:
        self._at: dict[Timer, float] = {}

    def set(self, timer: Timer, now: float, after: "float | None") -> None:
        """(Re)starts `timer` to ring `after` seconds from `now`; None never rings."""
        if after is None:
            self._at.pop(timer, None)
        else:
            self._at[timer] = now + after

    def stop(self, timer: Timer) -> None:
        """Stops `timer`, running or not."""
        self._at.pop(timer, None)

    def stop_all(self) -> None:
        """Stops every timer."""
        self._at.clear()

    def next(self) -> "float | None":
        """The time of the earliest ring, None when nothing runs."""
        return min(self._at.values()) if self._at else None

    def rung(self, now: float) -> "list[Timer]":
        """The timers that have rung by `now`, earliest first; they run no more."""
        if not self._at:
            return []
        due = sorted((at, timer.name, timer) for timer, at in self._at.items() if at <= now)
        for _, _, timer in due:
            del self._at[timer]
        return [timer for _, _, timer in due]
