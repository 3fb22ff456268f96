"""What a client says (GA: 11 events)."""

from typing import ClassVar

import attrs

from rtproto._unset import UNSET, Opt
from rtproto.events._base import ClientEvent
from rtproto.events._items import Item
from rtproto.events._response import ResponseCreateParams
from rtproto.events._session import AnySession


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionUpdate(ClientEvent):
    """Changes the session: only the fields given change; None clears. Answered by `SessionUpdated` or an error."""

    type: ClassVar[str] = "session.update"

    session: AnySession


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferAppend(ClientEvent):
    """Sends sound: at most 15 MiB, in the session's input format. Not answered."""

    type: ClassVar[str] = "input_audio_buffer.append"

    audio: bytes


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferCommit(ClientEvent):
    """Makes the buffered sound (at least 100 ms) a user message. Answered by `InputAudioBufferCommitted`."""

    type: ClassVar[str] = "input_audio_buffer.commit"


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferClear(ClientEvent):
    """Drops the buffered sound. Answered by `InputAudioBufferCleared`."""

    type: ClassVar[str] = "input_audio_buffer.clear"


@attrs.define(kw_only=True, repr=False, eq=False)
class OutputAudioBufferClear(ClientEvent):
    """Stops the sound that the server plays (WebRTC and SIP only). Answered by `OutputAudioBufferCleared`."""

    type: ClassVar[str] = "output_audio_buffer.clear"


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemCreate(ClientEvent):
    """Adds an item after `previous_item_id` ("root": at the beginning; absent: at the end).

    Answered by `ConversationItemAdded` and `ConversationItemDone`.
    """

    type: ClassVar[str] = "conversation.item.create"

    previous_item_id: Opt[str] = UNSET
    item: Item


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemRetrieve(ClientEvent):
    """Asks for an item with its audio. Answered by `ConversationItemRetrieved`."""

    type: ClassVar[str] = "conversation.item.retrieve"

    item_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemTruncate(ClientEvent):
    """Says how much of an assistant's speech was heard: `audio_end_ms`, at most what was generated.

    Answered by `ConversationItemTruncated`.
    """

    type: ClassVar[str] = "conversation.item.truncate"

    item_id: str
    content_index: int
    audio_end_ms: int


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemDelete(ClientEvent):
    """Removes an item. Answered by `ConversationItemDeleted`."""

    type: ClassVar[str] = "conversation.item.delete"

    item_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseCreate(ClientEvent):
    """Asks for a response. Answered by `ResponseCreated` and all that follows, up to `ResponseDone`."""

    type: ClassVar[str] = "response.create"

    response: Opt[ResponseCreateParams] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseCancel(ClientEvent):
    """Cancels a response (absent: the active one). Answered by its `ResponseDone`, or an error where none is active."""

    type: ClassVar[str] = "response.cancel"

    response_id: Opt[str] = UNSET
