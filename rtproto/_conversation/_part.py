"""A content part as it stands: what the server said of it last, and what has been streamed since."""

from typing import Any

import attrs

from rtproto._conversation._dig import dig, size_of
from rtproto._conversation._playback import Pcm
from rtproto._unset import UNSET
from rtproto.events import (
    Content,
    ConversationItemInputAudioTranscriptionSegment,
    InputAudio,
    InputText,
    OutputAudio,
    OutputText,
    UnknownObject,
)

MAX_PARTS = 256
"""Content parts of one item: real ones have a few, and a prompt with pictures some dozens."""

_MAX_PIECES = 1024
"""Deltas that wait to be joined: joining each one as it comes takes a time that grows with the square of the text."""

_PIECE = 64
"""Bytes that a string takes in Python beside its characters, and its place in a list."""

FRAME = 1024
"""Bytes that an item or a part takes in Python beside what stands in it."""

Text = InputText | OutputText
Audio = InputAudio | OutputAudio


def _whole(text: str) -> str:
    """A character may be split between two deltas: in UTF-16 its halves join again."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return text


def _joined(pieces: list[str]) -> str:
    return _whole("".join(pieces))


@attrs.define
class Words:
    """A text that comes in pieces."""

    length: int = 0
    """Characters."""
    _pieces: list[str] = attrs.field(factory=list, eq=_joined)

    def __repr__(self) -> str:
        return repr(str(self))

    def __str__(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = [_joined(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return self.length + _PIECE * len(self._pieces)

    def grow(self, delta: object) -> None:
        """One more piece; what is no text, as a server may leave it out, changes nothing."""
        if not isinstance(delta, str):
            return
        self._pieces.append(delta)
        self.length += len(delta)
        if len(self._pieces) > _MAX_PIECES:
            self._pieces = ["".join(self._pieces)]

    def replace(self, whole: object) -> None:
        """The whole text; what is no text changes nothing."""
        if isinstance(whole, str):
            self._pieces, self.length = [whole], len(whole)


def heard(text: str, ms: int, of_ms: int) -> str:
    """About what of `text` was heard in `ms` of the `of_ms` milliseconds that it takes to say, in whole words."""
    if ms >= of_ms:
        return text if of_ms else ""
    length = len(text) * ms // of_ms
    if text[length : length + 1].isspace():
        return text[:length]
    words, space, _ = text[:length].rpartition(" ")
    # Without a space there are no words to cut between: Chinese, or a single long one.
    return words if space else text[:length]


@attrs.define(kw_only=True)
class TrackedPart:
    """A content part of an item. Sizes are in bytes of the wire's audio format."""

    content: "Content | None" = None
    """As the server said it last, without what stands in the fields below."""
    text: Words = attrs.field(factory=Words)
    transcript: Words = attrs.field(factory=Words)
    segments: list[ConversationItemInputAudioTranscriptionSegment] = attrs.field(factory=list)
    pcm: "Pcm | None" = attrs.field(factory=Pcm)
    """The format of the speech in deltas; None where it is not known."""
    received: int = 0
    played: int = 0
    sound_done: bool = False
    """All the speech has come."""
    audio: "bytearray | None" = attrs.field(default=None, repr=False)
    """The audio itself, where it is kept."""
    cut_ms: "int | None" = None
    """Where it was interrupted; the server is told so, unless it is 0."""
    audio_end_ms: "int | None" = None
    """Where the server says it is truncated."""
    transcribed: bool = False
    """The cost of its transcription is counted."""
    _heard: str = ""
    _content_size: int = attrs.field(default=0, repr=False)
    _segments_size: int = attrs.field(default=0, repr=False)

    @property
    def unplayed(self) -> int:
        """Bytes received and not played."""
        return self.received - self.played

    @property
    def audio_ms(self) -> int:
        """Milliseconds of speech received, or left after truncation."""
        received = self.pcm.ms(self.received) if self.pcm else 0
        return received if self.audio_end_ms is None else min(received, self.audio_end_ms)

    @property
    def heard(self) -> str:
        """The words that were heard: all, or an estimate where the speech was cut."""
        if self.audio_end_ms is not None:
            return self._heard
        said = str(self.transcript)
        return said if self.cut_ms is None else heard(said, self.cut_ms, self.audio_ms)

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        kept = len(self.audio) if self.audio is not None else 0
        said = self._content_size + self._segments_size + len(self._heard)
        return FRAME + said + self.text.size + self.transcript.size + kept

    def merged(self) -> "Content | None":
        """The content with all that is known of it."""
        content = self.content
        if isinstance(content, Text):
            return attrs.evolve(content, text=str(self.text)) if self.text.length else content
        if isinstance(content, Audio):
            content = attrs.evolve(content, transcript=str(self.transcript)) if self.transcript.length else content
            return content if self.audio is None else attrs.evolve(content, audio=bytes(self.audio))
        return content

    def say(self, content: Content, keep_audio: bool) -> None:
        """What the server says it is. Words that it leaves out were not taken back."""
        if isinstance(content, UnknownObject) and not isinstance(self.content, UnknownObject | None):
            return
        text, transcript = dig(content, "text"), dig(content, "transcript")
        # An item that was rebuilt has in writing what it had in speech before.
        if text and isinstance(text, str):
            self.text.replace(text)
            self.transcript.replace("")
        if transcript and isinstance(transcript, str) and self.audio_end_ms is None:
            self.transcript.replace(transcript)
            self.text.replace("")
        if keep_audio and isinstance(content, Audio) and content.audio:
            self.audio = bytearray(content.audio)
        self.content = _without_words(content)
        self._content_size = size_of(self.content)

    def stream(self, kind: "type[OutputText | OutputAudio | InputAudio]") -> None:
        """Something of this kind is streamed."""
        if self.content is None:
            self.content = kind()

    def hear(self, delta: bytes, keep_audio: bool) -> None:
        """More speech."""
        self.received += len(delta)
        if keep_audio:
            self.audio = self.audio if self.audio is not None else bytearray()
            self.audio += delta

    def add_segment(self, segment: ConversationItemInputAudioTranscriptionSegment) -> None:
        """What one speaker said."""
        self.segments.append(segment)
        self._segments_size += size_of(segment)

    def truncate(self, audio_end_ms: int) -> None:
        """The speech ends there, and its transcript is gone."""
        end = max(audio_end_ms, 0)
        self._heard = heard(str(self.transcript) if self.audio_end_ms is None else self._heard, end, self.audio_ms)
        self.transcript.replace("")
        self.audio_end_ms, self.sound_done = end, True
        if self.pcm is not None:
            left = self.pcm.size(end)
            self.received, self.played = min(self.received, left), min(self.played, left)
            if self.audio is not None:
                del self.audio[left:]


def _without_words(content: Content) -> Content:
    # `and`: what is absent or null stays so.
    if isinstance(content, Text):
        return attrs.evolve(content, text=content.text and "")
    if isinstance(content, Audio):
        content = attrs.evolve(content, transcript=content.transcript and "")
    if isinstance(content, UnknownObject):
        return UnknownObject(raw={key: value for key, value in content.raw.items() if key != "audio"})
    has_audio: Any = content if hasattr(content, "audio") else None
    return attrs.evolve(has_audio, audio=UNSET) if has_audio else content
