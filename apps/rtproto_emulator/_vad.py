"""Who speaks when: an energy detector, and the turns that a detector's judgements make."""

from __future__ import annotations

import math

import attrs
import numpy as np

from ._engines import VoiceActivity

_HALF_DB = 12.0
"""Decibels above the background at which speech is as likely as not."""
_SLOPE_DB = 4.0
_QUIETEST_DB = -57.0
"""Background below this counts as this: what is quieter than -45 dBFS is no speech, however silent the room."""
_LOUDEST_START_DB = -40.0
"""Background is never louder than this at the beginning: a stream that starts with speech is heard."""
_RISE_DB = 0.06
"""Per hop, 3 dB a second: a steady noise that sets in is background after some seconds."""
_FALL = 0.3
"""How much of the way down the background goes in one hop."""

_CONFIRM_MS = 60
"""A sound shorter than this is a click."""
_HYSTERESIS = 0.15
"""Speech ends this far below the threshold where it began; not below half of it, or a low one would never end."""


class EnergyActivity:
    """Speech is what is much louder than the background, whose level is followed: slowly up, quickly down.

    It cannot tell a voice from any other sound that comes and goes.
    """

    hop_ms = 20

    def __init__(self, rate: int) -> None:
        self._hop = rate * self.hop_ms // 1000
        self._rest = b""
        self._floor: float | None = None

    def feed(self, pcm: bytes) -> list[float]:
        """A probability of speech for each full 20 ms."""
        data = self._rest + pcm
        hops = len(data) // (2 * self._hop)
        self._rest = data[hops * 2 * self._hop :]
        samples = np.frombuffer(data, "<i2", hops * self._hop).reshape(hops, self._hop).astype(np.float64)
        power = np.einsum("ij,ij->i", samples, samples).tolist()
        scale = self._hop * 32768.0**2
        return [self._judge(10 * math.log10(energy / scale + 1e-12)) for energy in power]

    def _judge(self, level: float) -> float:
        if self._floor is None:
            self._floor = min(level, _LOUDEST_START_DB)
        step = (level - self._floor) * _FALL if level < self._floor else min(level - self._floor, _RISE_DB)
        self._floor = max(self._floor + step, _QUIETEST_DB)
        return 1 / (1 + math.exp(-(level - self._floor - _HALF_DB) / _SLOPE_DB))


@attrs.frozen(kw_only=True)
class TurnRules:
    """When a turn begins and ends: `threshold` is a probability, durations are in ms.

    A silence of `pause_ms`, if given, is told before it is long enough to end the turn. After one of `quiet_ms`, if
    given, the turn may be ended from outside.
    """

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 200
    pause_ms: int | None = None
    quiet_ms: int | None = None


@attrs.frozen
class Started:
    """Someone speaks, since `at_ms` of the session's audio, prefix padding included."""

    at_ms: int


@attrs.frozen
class Stopped:
    """The turn ended at `at_ms` of the session's audio, the silence after it included."""

    at_ms: int


@attrs.frozen
class Paused:
    """Nobody speaks now, at `at_ms` of the session's audio: the turn will end here, or be resumed."""

    at_ms: int


@attrs.frozen
class Resumed:
    """The turn goes on after a pause."""


Turning = Started | Paused | Resumed | Stopped


class TurnDetector:
    """Turns judgements about hops into turns. `start_ms` is where in the session's audio its first sample lies."""

    def __init__(self, activity: VoiceActivity, rules: TurnRules, start_ms: int) -> None:
        self.speaking = False
        self._activity = activity
        self._rules = rules
        self._at_ms = start_ms
        self._run_ms = 0
        """How long the current state has been contradicted."""
        self._paused = False

    def feed(self, pcm: bytes) -> list[Turning]:
        """Takes PCM16 of any length; returns the turns that begin and end in it."""
        found: list[Turning] = []
        for probability in self._activity.feed(pcm):
            self._at_ms += self._activity.hop_ms
            turn = self._hop(probability)
            if turn is not None:
                found.append(turn)
        return found

    @property
    def may_end(self) -> bool:
        """Whether the silence is long enough for that."""
        return self.speaking and self._rules.quiet_ms is not None and self._run_ms >= self._rules.quiet_ms

    def abandon(self) -> None:
        """Forgets the turn that goes on: its audio was taken or dropped."""
        self.speaking = self._paused = False
        self._run_ms = 0

    def _hop(self, probability: float) -> Turning | None:
        rules = self._rules
        ends = max(rules.threshold - _HYSTERESIS, rules.threshold / 2)
        speech = probability >= (ends if self.speaking else rules.threshold)
        self._run_ms = self._run_ms + self._activity.hop_ms if speech is not self.speaking else 0
        if self._run_ms == 0 or self._run_ms < (rules.silence_duration_ms if self.speaking else _CONFIRM_MS):
            return self._pause() if self.speaking else None
        self.speaking = not self.speaking
        self._paused = False
        began = self._at_ms - self._run_ms
        self._run_ms = 0
        return Started(max(0, began - rules.prefix_padding_ms)) if self.speaking else Stopped(self._at_ms)

    def _pause(self) -> Paused | Resumed | None:
        """Whether a silence within a turn has just become one to tell, or is over."""
        paused = self._rules.pause_ms is not None and self._run_ms >= self._rules.pause_ms
        if paused is self._paused:
            return None
        self._paused = paused
        return Paused(self._at_ms) if paused else Resumed()
