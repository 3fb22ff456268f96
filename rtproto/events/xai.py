"""What xAI's Grok Voice alone has (recorded in 2026). Its other events and objects are those of `rtproto.events`."""

from typing import ClassVar

import attrs

from rtproto import events
from rtproto._unset import UNSET, Opt
from rtproto.events._base import WireObject

# ---- objects ----


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioTranscription(events.AudioTranscription):
    """How the input audio is transcribed: `language_hint` is a BCP 47 code, `keyterms` names rare words.

    Only with `model` (grok-transcribe) what is understood so far is told while the user speaks.
    """

    language_hint: Opt[str] = UNSET
    keyterms: Opt[list[str]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioInput(events.AudioInput):
    """What the server hears. `transport` is json, or binary: sound in binary messages, which rtproto does not read."""

    transport: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioOutput(events.AudioOutput):
    """How the server speaks; `transport` as in `AudioInput`."""

    transport: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class Resumption(WireObject):
    """Whether a session can be gone on with later, by ``conversation_id`` in the URL."""

    enabled: Opt[bool] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeSession(events.RealtimeSession):
    """A conversation session. The flat fields repeat what `audio` says, as older clients expect it."""

    temperature: Opt[float] = UNSET
    keep_context: Opt[bool] = UNSET
    enable_noise_suppression: Opt[bool] = UNSET
    enable_phonetic_spelling: Opt[bool] = UNSET
    resumption: Opt[Resumption] = UNSET
    input_audio_format: Opt[str] = UNSET
    output_audio_format: Opt[str] = UNSET
    input_audio_transcription: Opt[AudioTranscription] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class OutputTokenDetails(events.OutputTokenDetails):
    """Output tokens by kind."""

    grok_tokens: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InputTokenDetails(events.InputTokenDetails):
    """Input tokens by kind."""

    grok_tokens: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseUsage(events.ResponseUsage):
    """What a response cost; audio also in seconds."""

    output_audio_seconds: Opt[float] = UNSET
    billable_audio_seconds: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ForceMessageItem(events.VendorObject):
    """Words that the assistant is to say as they are, in `voice`; nobody may interrupt it where not `interruptible`."""

    type: ClassVar[str] = "force_message"

    id: Opt[str] = UNSET
    object: Opt[str] = UNSET
    status: Opt[str] = UNSET
    role: Opt[str] = UNSET
    content: Opt[list[events.Content]] = UNSET
    interruptible: Opt[bool] = UNSET
    voice: Opt[str] = UNSET


# ---- events ----


@attrs.define(kw_only=True, repr=False, eq=False)
class Ping(events.ServerEvent):
    """A sign of life; needs no answer. `timestamp` is in ms since 1970."""

    type: ClassVar[str] = "ping"

    timestamp: Opt[int] = UNSET
    previous_item_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioTranscriptionUpdated(events.ServerEvent):
    """All that was understood so far: it replaces what came before."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.updated"

    item_id: str
    content_index: Opt[int] = UNSET
    transcript: str
    previous_item_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionCompleted(events.ConversationItemInputAudioTranscriptionCompleted):
    """All that the user said; it comes again as long as `status` is in_progress."""

    status: Opt[str] = UNSET
    previous_item_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputAudioDelta(events.ResponseOutputAudioDelta):
    """More speech: `audio_duration_ms` of it, made at `ts` (ms since 1970), `latency` seconds after the request."""

    rid: Opt[str] = UNSET
    ts: Opt[int] = UNSET
    latency: Opt[str | float] = UNSET
    audio_duration_ms: Opt[float] = UNSET
    previous_item_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputAudioTranscriptDelta(events.ResponseOutputAudioTranscriptDelta):
    """More of the words that are spoken, from `start_time` seconds on."""

    rid: Opt[str] = UNSET
    start_time: Opt[float] = UNSET
    previous_item_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseDone(events.ResponseDone):
    """A response ended, in whatever way; the last event about it."""

    response_id: Opt[str] = UNSET
    previous_item_id: Opt[str] = UNSET
