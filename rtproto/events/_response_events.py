"""What a server says while it responds."""

from typing import ClassVar

import attrs

from rtproto._unset import UNSET, Opt
from rtproto.events._base import ServerEvent
from rtproto.events._items import Item, Part
from rtproto.events._response import RateLimit, RealtimeResponse


@attrs.define(kw_only=True, repr=False, eq=False)
class ContentEvent(ServerEvent):
    """Names a content part of an item of a response."""

    response_id: str
    item_id: str
    output_index: int
    content_index: int


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseCreated(ServerEvent):
    """A response begins."""

    type: ClassVar[str] = "response.created"

    response: RealtimeResponse


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseDone(ServerEvent):
    """A response ended, in whatever way; the last event about it."""

    type: ClassVar[str] = "response.done"

    response: RealtimeResponse


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputItemAdded(ServerEvent):
    """A response opens an item. Several may be open at once."""

    type: ClassVar[str] = "response.output_item.added"

    response_id: str
    output_index: int
    item: Item


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputItemDone(ServerEvent):
    """A response closes an item."""

    type: ClassVar[str] = "response.output_item.done"

    response_id: str
    output_index: int
    item: Item


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseContentPartAdded(ContentEvent):
    """An item opens a content part."""

    type: ClassVar[str] = "response.content_part.added"

    part: Opt[Part] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseContentPartDone(ContentEvent):
    """An item closes a content part; `part` has the text or transcript, not the audio."""

    type: ClassVar[str] = "response.content_part.done"

    part: Opt[Part] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputTextDelta(ContentEvent):
    """More text."""

    type: ClassVar[str] = "response.output_text.delta"

    delta: str
    obfuscation: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputTextDone(ContentEvent):
    """All the text: the deltas, joined."""

    type: ClassVar[str] = "response.output_text.done"

    text: str


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputAudioDelta(ContentEvent):
    """More speech, in the session's output format. May end in half a sample: join before framing."""

    type: ClassVar[str] = "response.output_audio.delta"

    delta: bytes
    obfuscation: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputAudioDone(ContentEvent):
    """The speech is complete."""

    type: ClassVar[str] = "response.output_audio.done"


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputAudioTranscriptDelta(ContentEvent):
    """More of the words that are spoken; ahead of the sound."""

    type: ClassVar[str] = "response.output_audio_transcript.delta"

    delta: str
    obfuscation: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseOutputAudioTranscriptDone(ContentEvent):
    """All the words that were spoken: the deltas, joined."""

    type: ClassVar[str] = "response.output_audio_transcript.done"

    transcript: str


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseFunctionCallArgumentsDelta(ServerEvent):
    """More of a function call's arguments (JSON text)."""

    type: ClassVar[str] = "response.function_call_arguments.delta"

    response_id: str
    item_id: str
    output_index: Opt[int] = UNSET
    call_id: str
    delta: str
    obfuscation: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseFunctionCallArgumentsDone(ServerEvent):
    """A function call is complete; answer it with a `FunctionCallOutputItem`."""

    type: ClassVar[str] = "response.function_call_arguments.done"

    response_id: str
    item_id: str
    output_index: Opt[int] = UNSET
    call_id: str
    name: Opt[str] = UNSET
    arguments: str


@attrs.define(kw_only=True, repr=False, eq=False)
class RateLimitsUpdated(ServerEvent):
    """What is left of the limits; often after `ResponseDone`."""

    type: ClassVar[str] = "rate_limits.updated"

    rate_limits: list[RateLimit]
