"""What a server says of the conversation's items and their transcription."""

from typing import ClassVar

import attrs

from rtproto._unset import UNSET, Opt
from rtproto.events._base import ServerEvent
from rtproto.events._items import Item
from rtproto.events._response import ErrorDetails, Logprob, TranscriptionLanguage, TranscriptionUsage


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemAdded(ServerEvent):
    """An item stands in the conversation, after `previous_item_id` (None: first). It may still grow."""

    type: ClassVar[str] = "conversation.item.added"

    previous_item_id: Opt[str] = UNSET
    item: Item


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemDone(ServerEvent):
    """An item is complete. Its `previous_item_id` is not reliable; that of `ConversationItemAdded` is."""

    type: ClassVar[str] = "conversation.item.done"

    previous_item_id: Opt[str] = UNSET
    item: Item


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemCreated(ServerEvent):
    """Declared for the GA protocol, but added and done are sent; some other servers send it."""

    type: ClassVar[str] = "conversation.item.created"

    previous_item_id: Opt[str] = UNSET
    item: Item


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemRetrieved(ServerEvent):
    """The answer to `ConversationItemRetrieve`."""

    type: ClassVar[str] = "conversation.item.retrieved"

    item: Item


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemTruncated(ServerEvent):
    """An assistant's speech now ends at `audio_end_ms`; its transcript is gone."""

    type: ClassVar[str] = "conversation.item.truncated"

    item_id: str
    content_index: int
    audio_end_ms: int


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemDeleted(ServerEvent):
    """An item is gone."""

    type: ClassVar[str] = "conversation.item.deleted"

    item_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionDelta(ServerEvent):
    """More of what the user said. It may come before the item itself."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.delta"

    item_id: str
    content_index: Opt[int] = UNSET
    delta: Opt[str] = UNSET
    logprobs: Opt[list[Logprob]] = UNSET
    obfuscation: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionCompleted(ServerEvent):
    """All that the user said. Items do not complete in order."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.completed"

    item_id: str
    content_index: Opt[int] = UNSET
    transcript: str
    logprobs: Opt[list[Logprob]] = UNSET
    languages: Opt[list[TranscriptionLanguage]] = UNSET
    usage: Opt[TranscriptionUsage] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionSegment(ServerEvent):
    """What one speaker said, from `start` to `end` seconds (diarising models)."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.segment"

    item_id: str
    content_index: Opt[int] = UNSET
    id: str
    speaker: str
    start: float
    end: float
    text: str


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionFailed(ServerEvent):
    """The transcription failed; the session goes on."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.failed"

    item_id: str
    content_index: Opt[int] = UNSET
    error: ErrorDetails
