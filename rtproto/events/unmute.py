"""What Kyutai's Unmute alone has, by its source. The rest is in `rtproto.events`.

Its events name neither response nor item: these fields are `UNSET` in what it says, and may be given to none of them.
"""

# mypy: disable-error-code="assignment"
# pyright: reportIncompatibleVariableOverride=false
# The classes below lack what those they derive from always have: a program that reads these reads Unmute, too.

from typing import Any, ClassVar

import attrs

from rtproto import events
from rtproto._unset import UNSET, Opt
from rtproto.events._base import WireObject

# ---- objects ----


@attrs.define(kw_only=True, repr=False, eq=False)
class Instructions(WireObject):
    """Instructions that are no text alone: `type` is constant, which has the `text`, or a role that Unmute can play, as
    smalltalk and quiz_show; `language` is en, fr, en/fr or fr/en."""

    type: Opt[str] = UNSET
    text: Opt[str] = UNSET
    language: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeSession(events.RealtimeSession):
    """A conversation session. A text as `instructions` travels as an `Instructions` object of the type constant."""

    instructions: Opt[str | Instructions] = UNSET
    allow_recording: Opt[bool] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeResponse(events.RealtimeResponse):
    """A response, without an id; `chat_history` is what the language model is told: a list of messages, each with its
    `role` and `content`."""

    chat_history: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeError(events.RealtimeError):
    """What went wrong: `type` is also warning, or fatal before the server closes. `details` say which field is bad."""

    details: Any = UNSET


# ---- what a client says ----


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferAppendAnonymized(events.ClientEvent):
    """Stands for an append in Unmute's recordings: how many samples there were, without the sound."""

    type: ClassVar[str] = "unmute.input_audio_buffer.append_anonymized"

    number_of_samples: int


# ---- what a server says ----


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferSpeechStarted(events.InputAudioBufferSpeechStarted):
    """The first word of a turn was understood."""

    audio_start_ms: Opt[int] = UNSET
    item_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferSpeechStopped(events.InputAudioBufferSpeechStopped):
    """The user pauses; the answer follows."""

    audio_end_ms: Opt[int] = UNSET
    item_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionDelta(events.ConversationItemInputAudioTranscriptionDelta):
    """A word of the user, from `start_time` seconds on; the space before it may be missing."""

    item_id: Opt[str] = UNSET
    start_time: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputTextDelta(events.ResponseOutputTextDelta):
    """A word as it is spoken; the space before it may be missing."""

    response_id: Opt[str] = UNSET
    item_id: Opt[str] = UNSET
    output_index: Opt[int] = UNSET
    content_index: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputTextDone(events.ResponseOutputTextDone):
    """All that the language model wrote; mostly long before it is spoken."""

    response_id: Opt[str] = UNSET
    item_id: Opt[str] = UNSET
    output_index: Opt[int] = UNSET
    content_index: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputAudioDelta(events.ResponseOutputAudioDelta):
    """More speech: the next bytes of an Ogg stream with Opus in it, one for the whole connection."""

    response_id: Opt[str] = UNSET
    item_id: Opt[str] = UNSET
    output_index: Opt[int] = UNSET
    content_index: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputAudioDone(events.ResponseOutputAudioDone):
    """The speech is complete: the last event of an answer."""

    response_id: Opt[str] = UNSET
    item_id: Opt[str] = UNSET
    output_index: Opt[int] = UNSET
    content_index: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InterruptedByVad(events.ServerEvent):
    """The user cut in: the answer ends here, and its end is not told."""

    type: ClassVar[str] = "unmute.interrupted_by_vad"


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseTextDeltaReady(events.ServerEvent):
    """The language model wrote this; `ResponseOutputTextDelta` comes when it is spoken."""

    type: ClassVar[str] = "unmute.response.text.delta.ready"

    delta: str


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseAudioDeltaReady(events.ServerEvent):
    """So many samples have been made."""

    type: ClassVar[str] = "unmute.response.audio.delta.ready"

    number_of_samples: int


@attrs.define(kw_only=True, repr=False, eq=False)
class AdditionalOutputs(events.ServerEvent):
    """What Unmute's own page shows to those who work on it."""

    type: ClassVar[str] = "unmute.additional_outputs"

    args: Any = UNSET
