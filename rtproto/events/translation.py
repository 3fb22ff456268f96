"""What a translation session has: its own endpoint, no turns, no items, no responses (OpenAI GA)."""

from typing import ClassVar

import attrs

from rtproto import events
from rtproto._unset import UNSET, Opt


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioOutput(events.AudioOutput):
    """How the server speaks: in `language`, an ISO 639-1 code."""

    language: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class TranslationSession(events.VendorObject):
    """A translation session. The language (``audio.output.language``), the transcription and the noise reduction of
    the input can be changed; sound is PCM16 at 24 kHz both ways. `expires_at` is in seconds since 1970."""

    type: ClassVar[str] = "translation"

    id: Opt[str] = UNSET
    model: Opt[str] = UNSET
    expires_at: Opt[int] = UNSET
    audio: Opt[events.AudioConfig] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionClose(events.ClientEvent):
    """Ends the session once all that was said is translated. Answered by `SessionClosed`."""

    type: ClassVar[str] = "session.close"


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionClosed(events.ServerEvent):
    """Everything has been translated; nothing follows."""

    type: ClassVar[str] = "session.closed"


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionInputTranscriptDelta(events.ServerEvent):
    """More of what was said, in its own language. `elapsed_ms` is its place in the input's sound."""

    type: ClassVar[str] = "session.input_transcript.delta"

    delta: str
    elapsed_ms: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionOutputTranscriptDelta(events.ServerEvent):
    """More of the translation. `elapsed_ms` is its place in the output's sound."""

    type: ClassVar[str] = "session.output_transcript.delta"

    delta: str
    elapsed_ms: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionOutputAudioDelta(events.ServerEvent):
    """More of the translation, spoken: PCM16 ("pcm16") at `sample_rate` Hz (24000), with `channels` channels (1)."""

    type: ClassVar[str] = "session.output_audio.delta"

    delta: bytes
    sample_rate: Opt[int] = UNSET
    channels: Opt[int] = UNSET
    format: Opt[str] = UNSET
    elapsed_ms: Opt[int] = UNSET
