"""The default conversation: items in order, and the audio that belongs to them."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from rtproto import events, value

from ._outbox import Outbox
from ._refusal import Refusal, no_such_item
from ._sound import Encoding, Sound
from ._tokens import length

ROOT = "root"
"""As a previous_item_id: put it first."""


class Conversation:
    """Items by their ids.

    Beyond `max_items`, or `max_text` characters in all, the oldest item is forgotten; beyond `max_audio` bytes the
    oldest audio.
    """

    def __init__(self, conversation_id: str, *, max_items: int, max_text: int, max_audio: int) -> None:
        self.id = conversation_id
        self._max_items = max_items
        self._max_text = max_text
        self._max_audio = max_audio
        self._order: list[str] = []
        self._items: dict[str, events.Item] = {}
        self._sounds: dict[tuple[str, int], tuple[Encoding, bytearray]] = {}
        """By item id and content index, oldest first."""
        self._truncated: set[str] = set()
        """Items of which nothing is heard any more, though they may still be said."""
        self._text = 0
        """Characters of all items."""
        self._audio = 0
        """Bytes of all of them."""

    def items(self) -> list[events.Item]:
        """All items, in order."""
        return [self._items[item_id] for item_id in self._order]

    def get(self, item_id: str, action: str, verb: str) -> events.Item:
        """The item; refuses an unknown id, in the words that belong to `action`."""
        if item_id not in self._items:
            raise no_such_item(action, verb, item_id)
        return self._items[item_id]

    def previous(self, item_id: str) -> str | None:
        """The id of the item before; None for the first."""
        at = self._order.index(item_id)
        return self._order[at - 1] if at else None

    def previous_when_done(self, item_id: str) -> str | None:
        """The previous_item_id of `conversation.item.done`, with a habit of OpenAI's: null also for the second item.

        An application that trusts it fails there, and so should fail here; that of `conversation.item.added` is right.
        """
        at = self._order.index(item_id)
        return self._order[at - 1] if at > 1 else None

    def tail(self) -> str | None:
        """The id of the last item."""
        return self._order[-1] if self._order else None

    def check_place(self, item_id: str, previous: str | None) -> None:
        """Refuses an id that is taken, and a `previous` that is neither None (at the end), "root" nor an item's id."""
        if item_id in self._items:
            message = f"Error adding item: an item with id '{item_id}' already exists in the conversation."
            raise Refusal("item_create_duplicate_item_id", message, "item.id")
        if previous is not None and previous != ROOT and previous not in self._items:
            message = f"Error adding item: the previous item with id '{previous}' does not exist."
            raise Refusal("item_create_invalid_previous_item_id", message, "previous_item_id")

    def add(self, item_id: str, item: events.Item, previous: str | None = None) -> str | None:
        """Puts an item after `previous` (None: at the end); returns the id of the item before it."""
        at = len(self._order) if previous is None else 0 if previous == ROOT else self._order.index(previous) + 1
        self._order.insert(at, item_id)
        self._put(item_id, item)
        while len(self._order) > 1 and (len(self._order) > self._max_items or self._text > self._max_text):
            self.remove(next(known for known in self._order if known != item_id))
        return self.previous(item_id)

    def replace(self, item_id: str, item: events.Item) -> bool:
        """Puts the next form of an item in its place; False where it was deleted."""
        if item_id not in self._items:
            return False
        self._put(item_id, item)
        return True

    def _put(self, item_id: str, item: events.Item) -> None:
        if item_id in self._truncated:
            item = _without_transcripts(item)
        self._text += length(item) - (length(self._items[item_id]) if item_id in self._items else 0)
        self._items[item_id] = item

    def remove(self, item_id: str) -> None:
        """Forgets an item and its audio."""
        self._order.remove(item_id)
        self._truncated.discard(item_id)
        self._text -= length(self._items.pop(item_id))
        for key in [key for key in self._sounds if key[0] == item_id]:
            self._forget(key)

    # ---- audio ----

    def add_sound(self, item_id: str, content_index: int, sound: Sound) -> None:
        """Keeps audio of a part of an item, after what is kept of it already."""
        if item_id not in self._items or item_id in self._truncated:
            return
        _, data = self._sounds.setdefault((item_id, content_index), (sound.encoding, bytearray()))
        data += sound.data
        self._audio += len(sound.data)
        while self._audio > self._max_audio:
            self._forget(next(iter(self._sounds)))

    def sound(self, item_id: str, content_index: int) -> Sound | None:
        """The audio of a part of an item, where there is any and it is still kept."""
        if (item_id, content_index) not in self._sounds:
            return None
        encoding, data = self._sounds[item_id, content_index]
        return Sound(data=bytes(data), encoding=encoding)

    def _forget(self, key: tuple[str, int]) -> None:
        self._audio -= len(self._sounds.pop(key)[1])

    def with_audio(self, item_id: str, item: events.Item) -> events.Item:
        """The item as `retrieve` gives it: with its audio."""
        if not isinstance(item, events.MessageItem) or not item.content:
            return item
        content: list[events.Content] = []
        for index, part in enumerate(item.content):
            sound = self.sound(item_id, index)
            if sound is not None and isinstance(part, (events.InputAudio, events.OutputAudio)):
                part = attrs.evolve(part, audio=sound.data)
            content.append(part)
        return attrs.evolve(item, content=content)

    def transcribed(self, item_id: str, content_index: int, transcript: str) -> None:
        """The words of a spoken part of a user message are known."""
        if item_id in self._items:
            self._put(item_id, with_transcript(self._items[item_id], content_index, transcript))

    def call_ids(self) -> set[str]:
        """The calls that a function_call_output may answer."""
        return call_ids(self._items.values())

    def open_calls(self) -> set[str]:
        """The calls whose output has not come."""
        items = self._items.values()
        return call_ids(items) - {item.call_id for item in items if isinstance(item, events.FunctionCallOutputItem)}

    def approval_requests(self) -> set[str]:
        """The requests that an mcp_approval_response may answer: those that none has answered yet."""
        items = self._items.values()
        answered = {item.approval_request_id for item in items if isinstance(item, events.McpApprovalResponseItem)}
        requests = (value(item.id, "") for item in items if isinstance(item, events.McpApprovalRequestItem))
        return {request for request in requests if request not in answered}

    def truncate(self, item_id: str, content_index: int, audio_end_ms: int) -> None:
        """Cuts an assistant's speech. Refuses what is no assistant's speech, and what is shorter already."""
        item = self.get(item_id, "truncate", "truncating")
        part = _part(item, content_index)
        sound = self.sound(item_id, content_index)
        if not isinstance(part, events.OutputAudio) or sound is None:
            raise Refusal("invalid_value", "Only model output audio messages can be truncated", "item_id")
        if audio_end_ms < 0:
            message = f"Invalid 'audio_end_ms': {audio_end_ms}. Expected a value of at least 0."
            raise Refusal("invalid_value", message, "audio_end_ms")
        if audio_end_ms > sound.ms:
            message = f"Audio content of {sound.ms}ms is already shorter than {audio_end_ms}ms"
            raise Refusal("invalid_value", message, "audio_end_ms")
        self._forget((item_id, content_index))
        self._truncated.discard(item_id)
        self.add_sound(item_id, content_index, sound.cut(audio_end_ms))
        self._truncated.add(item_id)
        self._put(item_id, item)


def place(
    out: Outbox, conversation: Conversation, item: events.Item, previous: str | None = None, *, done: bool = True
) -> None:
    """Puts a complete `item` after `previous` and tells the client, also that it is `done` where servers say so."""
    item_id = value(getattr(item, "id", None), "")
    before = conversation.add(item_id, item, previous)
    out.send(events.ConversationItemAdded(previous_item_id=before, item=item))
    if done:
        out.send(events.ConversationItemDone(previous_item_id=conversation.previous_when_done(item_id), item=item))


def _part(item: events.Item, content_index: int) -> events.Content | None:
    if not isinstance(item, events.MessageItem) or item.role != "assistant":
        return None
    content = item.content or []
    if not 0 <= content_index < len(content):
        message = f"Invalid 'content_index': {content_index}. The item has {len(content)} content parts."
        raise Refusal("invalid_value", message, "content_index")
    return content[content_index]


def _without_transcripts(item: events.Item) -> events.Item:
    """An answer of which nobody knows how many of its words were heard."""
    if not isinstance(item, events.MessageItem) or not item.content:
        return item
    content = [
        attrs.evolve(part, transcript=None) if isinstance(part, events.OutputAudio) else part for part in item.content
    ]
    return attrs.evolve(item, content=content)


def with_transcript(item: events.Item, content_index: int, transcript: str) -> events.Item:
    """A user message with the words of one of its spoken parts."""
    if not isinstance(item, events.MessageItem) or not item.content:
        return item
    content = list(item.content)
    part = content[content_index]
    if isinstance(part, events.InputAudio):
        content[content_index] = attrs.evolve(part, transcript=transcript)
    return attrs.evolve(item, content=content)


def call_ids(items: Iterable[events.Item]) -> set[str]:
    """The ids of the function calls among `items`."""
    return {value(item.call_id, "") for item in items if isinstance(item, events.FunctionCallItem)}
