"""How much of the received speech has been played."""

from typing import TYPE_CHECKING, Any

import attrs

from rtproto._conversation._dig import dig
from rtproto.events import AudioPcm, AudioPcma, AudioPcmu

if TYPE_CHECKING:
    from rtproto._conversation._part import TrackedPart

MAX_WAITING = 256
"""Content parts with sound that is not played yet: a response has a few, and the oldest will hardly be played."""

_RATE = 24_000
"""Hz, where the server tells no format: what OpenAI speaks by default."""


@attrs.frozen
class Pcm:
    """Uncompressed mono sound: samples a second, and bytes a sample."""

    rate: int = _RATE
    width: int = 2

    @property
    def byte_rate(self) -> int:
        """Bytes a second."""
        return self.rate * self.width

    def ms(self, size: int) -> int:
        """How long `size` bytes sound, in whole milliseconds, rounded down."""
        return size * 1000 // self.byte_rate

    def size(self, ms: int) -> int:
        """The bytes of the whole samples within `ms` milliseconds."""
        return ms * self.rate // 1000 * self.width


def pcm_of(*holders: Any) -> "Pcm | None":
    """The output format of the first of `holders` (a response, the session) that tells one; PCM16 at 24 kHz if none.

    None: a format rtproto does not know, in which bytes say nothing of time.
    """
    for holder in holders:
        found = dig(holder, "audio", "output", "format")
        if isinstance(found, AudioPcm):
            return Pcm(rate=found.rate) if isinstance(found.rate, int) and found.rate > 0 else Pcm()
        if isinstance(found, (AudioPcmu, AudioPcma)):
            return Pcm(rate=8000, width=1)
        if found:
            return None
    return Pcm()


class Playback:
    """How much of the received speech has been played. It is told in one of three ways; the first two switch the
    third off:

    - `played`: a player that takes the received audio as one stream tells how many bytes of it have sounded;
    - `played_ms`: a player that knows its items tells the position in each;
    - the clock: with ``Conversation.received(event, now)`` the sound counts as played in real time from when it came,
      one part after the other. A device that sounds later than that is told by a `now` that is as much earlier.
    """

    def __init__(self) -> None:
        self._parts: dict[tuple[str, int], TrackedPart] = {}
        """What is not played to its end, by item and content index, in the order in which its sound began to come."""
        self._told = False
        self._clock: float | None = None
        """Up to when sound has been counted as played."""

    def played(self, size: int) -> None:
        """`size` more bytes of the received audio, in the order received and in the format received, were played."""
        self._told = True
        for part in self._waiting():
            taken = min(size, part.unplayed)
            part.played += taken
            size -= taken

    def played_ms(self, item_id: str, ms: int, content_index: int = 0) -> None:
        """The speech of an item was played up to `ms` milliseconds from its beginning. Unknown items are ignored."""
        self._told = True
        part = self._parts.get((item_id, content_index))
        if part is not None and part.pcm is not None:
            part.played = min(max(part.played, part.pcm.size(ms)), part.received)

    # ---- what Conversation tells ----

    @property
    def is_known(self) -> bool:
        """Whether anything tells what is played."""
        return self._told or self._clock is not None

    def advance(self, now: float) -> None:
        """It is `now`, in seconds of a clock that never goes back."""
        if self._clock is None or now < self._clock:
            self._clock = now if self._clock is None else self._clock
            return
        left = 0.0 if self._told else now - self._clock
        self._clock = now
        for part in self._waiting():
            pcm = part.pcm or Pcm()
            taken = min(round(left * pcm.byte_rate), part.unplayed)
            part.played += taken
            left -= taken / pcm.byte_rate
            if part.unplayed:
                # Less than a byte's time is kept for the next call: left out each time, it would add up.
                self._clock = now - left
                return

    def receive(self, item_id: str, content_index: int, part: "TrackedPart") -> None:
        """More sound of `part` waits to be played."""
        self._parts.setdefault((item_id, content_index), part)
        if len(self._parts) > MAX_WAITING:
            self._waiting()
            if len(self._parts) > MAX_WAITING:
                del self._parts[next(iter(self._parts))]

    def stop(self) -> "list[tuple[str, int, TrackedPart]]":
        """Nothing more of what has come is played: what was not played to its end, with item and content index."""
        self._waiting()
        stopped = [(item_id, index, part) for (item_id, index), part in self._parts.items()]
        self._parts.clear()
        return stopped

    def forget(self, item_id: str) -> None:
        """The item is gone."""
        for key in [key for key in self._parts if key[0] == item_id]:
            del self._parts[key]

    def _waiting(self) -> "list[TrackedPart]":
        """What is not played to its end; the rest is forgotten."""
        self._parts = {key: part for key, part in self._parts.items() if part.unplayed or not part.sound_done}
        return list(self._parts.values())
