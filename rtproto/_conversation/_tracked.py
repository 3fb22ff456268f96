"""Items and responses as they stand: what the server said of them last, and what has been streamed since."""

from typing import Any

import attrs

from rtproto._conversation._dig import dig, size_of
from rtproto._conversation._part import FRAME, MAX_PARTS, TrackedPart, Words
from rtproto._unset import UNSET, value
from rtproto.events import (
    Content,
    ConversationItemInputAudioTranscriptionSegment,
    ErrorDetails,
    FunctionCallItem,
    Item,
    McpCallItem,
    MessageItem,
    RealtimeResponse,
    ResponseStatusDetails,
    ResponseUsage,
)


@attrs.define(kw_only=True)
class TrackedItem:
    """An item: what the server said of it last, and what has been streamed since."""

    id: str
    response_id: str = ""
    """The response that made it; "" where none did."""
    said: "Item | None" = None
    """As the server said it last, without what stands in the fields below; None: only parts of it have come."""
    parts: dict[int, TrackedPart] = attrs.field(factory=dict)
    """Content parts by content index."""
    in_conversation: bool = False
    """It stands in the default conversation."""
    interrupted: bool = False
    """``Conversation.interrupt()`` stopped it: what still comes of its speech must not be played."""
    transcription_error: "ErrorDetails | None" = None
    """Why its speech could not be transcribed."""
    counted: int = attrs.field(default=0, repr=False)
    """The bytes that the conversation counts for it."""
    _arguments: Words = attrs.field(factory=Words)
    _said_size: int = attrs.field(default=0, repr=False)

    @property
    def item(self) -> "Item | None":
        """The item as a typed object, with all that is known of it; None as long as the server has not said it."""
        if isinstance(self.said, MessageItem):
            return attrs.evolve(self.said, content=self.content) if self.parts else self.said
        if isinstance(self.said, (FunctionCallItem, McpCallItem)):
            return attrs.evolve(self.said, arguments=self.arguments)
        return self.said

    @property
    def content(self) -> list[Content]:
        """The content parts as typed objects, with all that is known of them."""
        merged = (part.merged() for part in self._in_order())
        return [content for content in merged if content is not None]

    @property
    def type(self) -> str:
        """message, function_call...; "" where it is not known."""
        return self._said("type")

    @property
    def role(self) -> str:
        """user, assistant or system; "" where it has none or it is not known."""
        return self._said("role")

    @property
    def status(self) -> str:
        """in_progress, completed or incomplete; "" where the server does not tell."""
        return self._said("status")

    @property
    def name(self) -> str:
        """The function that is called; "" for other items."""
        return self._said("name")

    @property
    def call_id(self) -> str:
        """What joins a function call and its output; "" for other items."""
        return self._said("call_id")

    @property
    def arguments(self) -> str:
        """The arguments of a call (JSON text), as far as they have come."""
        return str(self._arguments)

    @property
    def text(self) -> str:
        """What is written in it, as far as it has come."""
        return "".join(str(part.text) for part in self._in_order())

    @property
    def transcript(self) -> str:
        """What is spoken in it, as far as it is known; nothing once it is truncated."""
        return "".join(str(part.transcript) for part in self._in_order())

    @property
    def segments(self) -> list[ConversationItemInputAudioTranscriptionSegment]:
        """What each speaker said, from diarising models."""
        return [segment for part in self._in_order() for segment in part.segments]

    @property
    def audio(self) -> bytes:
        """The speech itself, where it is kept."""
        return b"".join(bytes(part.audio) for part in self._in_order() if part.audio is not None)

    @property
    def audio_ms(self) -> int:
        """Milliseconds of speech received, or left after truncation."""
        return sum(part.audio_ms for part in self.parts.values())

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        ids = len(self.id) + len(self.response_id)
        error = size_of(self.transcription_error) if self.transcription_error else 0
        parts = sum(part.size for part in self.parts.values())
        return FRAME + ids + error + self._said_size + self._arguments.size + parts

    def say(self, item: Item, keep_audio: bool) -> None:
        """What the server says it is. What it leaves out was not taken back."""
        if isinstance(item, MessageItem):
            for index, content in enumerate(value(item.content, [])[:MAX_PARTS]):
                self.part(index).say(content, keep_audio)
            self.said = attrs.evolve(item, content=UNSET)
        elif isinstance(item, (FunctionCallItem, McpCallItem)):
            self._arguments.replace(item.arguments or self.arguments)
            self.said = attrs.evolve(item, arguments="")
        else:
            self.said = item
        self._said_size = size_of(self.said)

    def part(self, content_index: int) -> TrackedPart:
        """The part at `content_index`, from now on if there was none."""
        if content_index not in self.parts and len(self.parts) >= MAX_PARTS:
            return TrackedPart()
        return self.parts.setdefault(content_index, TrackedPart())

    def call_with(self, delta: str) -> None:
        """More of a call's arguments."""
        self._arguments.grow(delta)

    def called_with(self, arguments: str) -> None:
        """All of a call's arguments."""
        self._arguments.replace(arguments)

    def finish(self) -> None:
        """Nothing more of it comes."""
        for part in self.parts.values():
            part.sound_done = True

    def _said(self, name: str) -> str:
        found = dig(self.said, name)
        return found if isinstance(found, str) else ""

    def _in_order(self) -> list[TrackedPart]:
        return [self.parts[index] for index in sorted(self.parts)]


@attrs.define(kw_only=True)
class TrackedResponse:
    """A response: what the server said of it last, and its items."""

    id: str
    said: RealtimeResponse
    """As the server said it last, without its output."""
    is_open: bool = True
    """Neither response.done nor the end of the connection came."""
    in_conversation: bool = True
    """It writes to the default conversation; else it is out-of-band."""
    interrupted: bool = False
    """``Conversation.interrupt()`` stopped it: what still comes of its speech must not be played."""
    cancelled: bool = attrs.field(default=False, repr=False)
    """The server was told to cancel it."""
    left_to_server: bool = attrs.field(default=False, repr=False)
    """The server cancels it by itself, as the user has begun to speak."""
    is_done: bool = attrs.field(default=False, repr=False)
    """response.done came, and its cost is counted."""
    places: dict[str, int] = attrs.field(factory=dict, repr=False)
    """The ids of its items, and the output index of each."""
    counted: int = attrs.field(default=0, repr=False)
    """The bytes that the conversation counts for it."""
    held: dict[str, TrackedItem] = attrs.field(factory=dict, eq=False, repr=False)
    """All items that the conversation holds, by id."""

    @property
    def items(self) -> list[TrackedItem]:
        """Its items that are still held, in output order."""
        return [self.held[item_id] for item_id in sorted(self.places, key=self.places.__getitem__)]

    @property
    def status(self) -> str:
        """in_progress, completed, cancelled, failed or incomplete; "" where the server does not tell."""
        return value(self.said.status, "")

    @property
    def status_details(self) -> "str | ResponseStatusDetails | None":
        """Why it ended as it did; some servers say it in a word."""
        found = self.said.status_details
        return None if found is UNSET else found

    @property
    def metadata(self) -> dict[str, Any]:
        """What the client gave it in ``response.create``: tells which request it answers."""
        return value(self.said.metadata, {})

    @property
    def usage(self) -> "ResponseUsage | None":
        """What it cost; None where the server does not tell."""
        return value(self.said.usage, None)

    def say(self, response: RealtimeResponse) -> None:
        """What the server says it is."""
        self.said = attrs.evolve(response, output=UNSET)
