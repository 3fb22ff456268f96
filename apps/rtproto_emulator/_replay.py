"""Plays one side of a recorded session: messages of the other side and the clock in, recorded messages out. Pure.

The law is the core's: mutate, then drain `next_event()`, then wait until `deadline()`; repeat.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict, deque

from rtproto._codec import Side
from rtproto._recording import End

from ._recorded import APPEND, Script, Step, heard

_DELTA = ".delta"
"""How many deltas a server makes of an answer is nobody's business."""


class Replay:
    """Says what `side` said in `script`, each message when what the other side had said before it has come.

    What comes is matched by type, in order: the third `response.create` is the third one recorded, whatever stands
    between. Sound is matched by its length, so a client may cut it otherwise; and whoever says what followed it has
    said it. What was never recorded is let pass. Between, it keeps the recorded pace, `speed` times as fast
    (`math.inf`: at once).

    `patience`: seconds of silence after which what is missing is taken as never to come; None waits for ever.
    """

    def __init__(self, script: Script, side: Side, *, speed: float = 1.0, patience: float | None = None) -> None:
        if not speed > 0:
            raise ValueError(f"the speed is {speed}; it must be more than 0")
        self._script = script
        self._side: Side = side
        self._speed = speed
        self._patience = patience
        self._at = 0
        self._needed: Counter[str] = Counter()
        self._came: Counter[str] = Counter()
        self._sound_before = _sound_before(script, side)
        self._absent: set[str] = set()
        self._waits = False
        self._out: deque[Step | End] = deque()
        self._over = False
        self._moment = self._heard_at = 0.0
        """When what was last played, or waited for, happened ..."""
        self._t: float | None = None
        """... and when it had happened in the recording."""

    @property
    def waits_for(self) -> str | None:
        """The type of what the other side must say next; None while it is our turn, and at the end."""
        return self._script.steps[self._at].type if self._waits else None

    @property
    def finished(self) -> bool:
        """Whether everything that was recorded has been said and heard."""
        return self._at == len(self._script.steps)

    @property
    def left(self) -> list[str]:
        """The types of what the other side has yet to say, in order; sound that was cut into many pieces once."""
        needed = self._needed.copy()
        left: list[str] = []
        for step in self._script.steps[self._at :]:
            if step.side == self._side or step.type in self._absent or step.type.endswith(_DELTA):
                continue
            needed[step.type] += step.audio if step.type == APPEND else 1
            if self._came[step.type] < needed[step.type] and not (step.type == APPEND and left[-1:] == [APPEND]):
                left.append(step.type)
        return left

    def start(self, now: float) -> None:
        """The session is open. `now` is in seconds of a monotonic clock."""
        self._moment = self._heard_at = now
        self._t = self._script.steps[0].t
        self._advance(now)

    def receive(self, message: str | bytes, now: float) -> None:
        """The other side has said something."""
        name, sound, _ = heard(message)
        self._heard_at = now
        self._absent.discard(name)
        if name == APPEND:
            self._came[name] += sound
        elif name in self._sound_before:  # what was never recorded is not counted either
            self._came[name] += 1
            earlier = self._sound_before[name]
            if earlier:
                self._came[APPEND] = max(self._came[APPEND], earlier.popleft())
        self._advance(now)

    def next_event(self) -> Step | End | None:
        """What must be sent next, None when there is nothing now. After an End nothing comes any more."""
        return self._out.popleft() if self._out else None

    def deadline(self) -> float | None:
        """When `tick()` is due; None: never."""
        if self._over:
            return None
        if self._waits:
            return None if self._patience is None else self._heard_at + self._patience
        return self._due(self._next_t())

    def tick(self, now: float) -> None:
        """Time has passed. Early and repeated calls do nothing."""
        due = self.deadline()
        if due is None or now < due:
            return
        if self._waits:
            self._give_up()
            self._heard_at = now
        self._advance(now)

    # ---- inside ----

    def _advance(self, now: float) -> None:
        steps = self._script.steps
        while self._at < len(steps):
            step = steps[self._at]
            if not (self._say(step, now) if step.side == self._side else self._hear(step, now)):
                return
            self._at += 1
        self._finish(now)

    def _give_up(self) -> None:
        """Of what we wait for until our next turn, nothing more will come."""
        for step in self._script.steps[self._at :]:
            if step.side == self._side:
                return
            if self._came[step.type] <= self._needed[step.type]:
                self._absent.add(step.type)

    def _say(self, step: Step, now: float) -> bool:
        due = self._due(step.t)
        if due > now:
            return False
        self._out.append(step)
        self._anchor(step.t, due)
        return True

    def _hear(self, step: Step, now: float) -> bool:
        free = step.type in self._absent or step.type.endswith(_DELTA)
        needed = self._needed[step.type] + (step.audio if step.type == APPEND else 1)
        if not free and self._came[step.type] < needed:
            self._waits = True
            return False
        if not free:
            self._needed[step.type] = needed
        if step.type == APPEND:
            # Sound flows beside what is said: it sets the pace only where it comes later than recorded.
            if self._waits and now > self._due(step.t):
                self._anchor(step.t, now)
        elif self._waits:
            self._anchor(step.t, now)
        elif not free:
            self._anchor(step.t, self._moment)
        self._waits = False
        return True

    def _finish(self, now: float) -> None:
        end = self._script.end
        if self._over:
            return
        if self._side == "client":
            # How a client ended is its own affair; it has heard all that it waits for.
            self._over = True
            self._out.append(End(1000))
        elif end is None or end.side != self._side:
            self._over = True
        elif self._due(end.t) <= now:
            self._over = True
            self._out.append(end)

    def _next_t(self) -> float | None:
        steps, end = self._script.steps, self._script.end
        if self._at < len(steps):
            return steps[self._at].t
        return None if end is None else end.t

    def _due(self, t: float | None) -> float:
        if t is None or self._t is None or self._speed == math.inf:
            return self._moment
        return self._moment + max(0.0, t - self._t) / self._speed

    def _anchor(self, t: float | None, moment: float) -> None:
        self._moment = moment
        if t is not None:
            self._t = t


def _sound_before(script: Script, side: Side) -> defaultdict[str, deque[int]]:
    """For each message of the other side that is no sound, by type and in order: the bytes of sound before it."""
    found: defaultdict[str, deque[int]] = defaultdict(deque)
    total = 0
    for step in script.steps:
        if step.side == side:
            continue
        if step.type == APPEND:
            total += step.audio
        else:
            found[step.type].append(total)
    return found
