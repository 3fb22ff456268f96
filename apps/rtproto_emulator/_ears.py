"""What the session hears: the input buffer, and the turns in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rtproto import events, value

from ._buffer import InputBuffer
from ._engines import VoiceActivity
from ._refusal import Refusal
from ._sound import Sound, encoding_of
from ._vad import Stopped, TurnDetector, Turning, TurnRules

MAX_APPEND = 15 * 1024 * 1024
"""Bytes of one append, as at real servers."""

_KEPT_MS = 30_000
"""While nobody speaks this much is kept: an idle timeout, at most 30 s, makes a message of it."""

_WAIT_MS = {"low": 8_000, "medium": 4_000, "auto": 4_000, "high": 2_000}
"""How long semantic VAD waits at most: where words are not known, or sound as if they went on."""
_QUIET_MS = {"low": 1_500, "medium": 800, "auto": 800, "high": 400}
"""How long it waits where words sound finished. OpenAI tells no figures; people take turns faster than any of these."""


def turn_rules(detection: Any, pause_ms: int | None = None) -> TurnRules:
    """What a session's `turn_detection` asks of the detector. Azure's and Qwen's semantic ones have the fields of a
    server_vad."""
    if _by_words(detection):
        eagerness = value(detection.eagerness, "auto")
        return TurnRules(silence_duration_ms=_WAIT_MS[eagerness], quiet_ms=_QUIET_MS[eagerness], pause_ms=pause_ms)
    return TurnRules(
        threshold=value(detection.threshold, 0.5),
        prefix_padding_ms=value(detection.prefix_padding_ms, 300),
        silence_duration_ms=value(detection.silence_duration_ms, 500),
        pause_ms=pause_ms,
    )


def _by_words(detection: object) -> bool:
    """Whether the words decide when a turn ends: OpenAI's semantic VAD, which has no silence of its own."""
    return isinstance(detection, events.SemanticVad) and not hasattr(detection, "silence_duration_ms")


def check_size(data: bytes) -> None:
    """Refuses more than 15 MiB at once."""
    if len(data) > MAX_APPEND:
        message = f"Invalid 'audio': {len(data)} bytes. At most {MAX_APPEND} bytes may be appended at once."
        raise Refusal("invalid_value", message, "audio")


class Ears:
    """Takes appended audio and finds the turns in it, where the session wants that, and pauses of `pause_ms`."""

    def __init__(self, activity: Callable[[int], VoiceActivity], max_ms: int, pause_ms: int | None = None) -> None:
        self.buffer = InputBuffer(max_ms)
        self._activity = activity
        self._pause_ms = pause_ms
        self._detector: TurnDetector | None = None
        self._configured: events.AudioInput | None = None

    def configure(self, heard: events.AudioInput) -> None:
        """Follows a session's `audio.input`. Changed turn detection begins anew."""
        before, self._configured = self._configured, heard
        same_format = before is not None and before.format == heard.format
        if not same_format:
            self.buffer.convert(encoding_of(heard.format))
        if same_format and before is not None and before.turn_detection == heard.turn_detection:
            return
        detection = heard.turn_detection
        self._detector = None
        if detection:
            activity = self._activity(self.buffer.encoding.rate)
            self._detector = TurnDetector(activity, turn_rules(detection, self._pause_ms), self.buffer.position_ms)

    @property
    def speaking(self) -> bool:
        """Whether a turn goes on."""
        return self._detector is not None and self._detector.speaking

    @property
    def may_end(self) -> bool:
        """Whether the silence is long enough to end a turn whose words sound finished."""
        return self._detector is not None and self._detector.may_end

    def end(self) -> Stopped:
        """Ends the turn that goes on."""
        assert self._detector is not None
        self._detector.abandon()
        return Stopped(self.buffer.position_ms)

    def append(self, data: bytes) -> Iterator[Turning]:
        """Takes more audio; gives the turns that begin and end in it, each to be dealt with before the next.

        Refuses more than 15 MiB at once, or more than the buffer holds; a turn that fills the buffer ends there.
        """
        check_size(data)
        buffer, detector = self.buffer, self._detector
        if detector is not None and detector.speaking and not buffer.has_room(data):
            detector.abandon()
            yield Stopped(buffer.position_ms)
        elif detector is not None and not detector.speaking:
            buffer.make_room(data)
        buffer.append(data)
        if detector is None:
            return
        yield from detector.feed(buffer.encoding.to_pcm16(data))
        if not detector.speaking:
            buffer.keep_last(_KEPT_MS)

    def commit(self) -> Sound:
        """Takes everything that is buffered, whoever still speaks."""
        sound = self.buffer.commit()
        self._abandon()
        return sound

    def clear(self) -> None:
        """Drops everything that is buffered."""
        self.buffer.clear()
        self._abandon()

    def _abandon(self) -> None:
        if self._detector is not None:
            self._detector.abandon()
