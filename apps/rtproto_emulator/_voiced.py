"""Where words can be in a recording: a recogniser that is given silence or noise makes words of it."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ._engines import Speech, VoiceActivity
from ._sound import ENGINE_RATE
from ._vad import Started, Stopped, TurnDetector, TurnRules

_BYTES_PER_MS = 2 * ENGINE_RATE // 1000
_PADDING_MS = 250
"""Kept before and after what is voiced, for consonants without a voice."""
_PAUSE_MS = 400
"""A pause between words; parts are cut only there, where they can be."""
_AFTER = bytes(1000 * _BYTES_PER_MS)
"""Silence for the end, so that every detector has judged it all and is at rest."""


def voiced(speech: Speech, activity: Callable[[int], VoiceActivity], longest_ms: int) -> list[Speech]:
    """The parts of `speech` in which someone speaks, of at most `longest_ms` each."""
    spans: list[tuple[int, int]] = []
    for start, end in _spans(speech.pcm, activity):
        if spans and start - spans[-1][1] <= _PAUSE_MS and end - spans[-1][0] <= longest_ms:
            spans[-1] = (spans[-1][0], end)
        else:
            spans += ((at, min(at + longest_ms, end)) for at in range(start, end, longest_ms))
    return [attrs.evolve(speech, pcm=speech.pcm[start * _BYTES_PER_MS : end * _BYTES_PER_MS]) for start, end in spans]


def _spans(pcm: bytes, activity: Callable[[int], VoiceActivity]) -> list[tuple[int, int]]:
    """From where to where someone speaks without a pause, in ms."""
    rules = TurnRules(prefix_padding_ms=_PADDING_MS, silence_duration_ms=_PAUSE_MS)
    detector = TurnDetector(activity(ENGINE_RATE), rules, 0)
    turns = detector.feed(pcm + _AFTER)
    starts = [turn.at_ms for turn in turns if isinstance(turn, Started)]
    ends = [turn.at_ms - _PAUSE_MS + _PADDING_MS for turn in turns if isinstance(turn, Stopped)]
    return list(zip(starts, ends, strict=True))
