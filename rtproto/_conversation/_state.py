"""What a `Conversation` remembers, within bounds."""

from typing import Any

import attrs

from rtproto import events
from rtproto._conversation._dig import id_of, size_of
from rtproto._conversation._playback import Playback
from rtproto._conversation._tracked import TrackedItem, TrackedResponse
from rtproto._conversation._usage import Usage

MAX_FINISHED = 32
"""Responses that have ended: enough to look up the last turns and what ran beside them."""

MAX_OPEN = 64
"""Responses in progress: one in the conversation, and a few beside it."""

MAX_ASKED = 64
"""Client events that wait for their answer: servers answer in order and within seconds."""


@attrs.define
class Asked:
    """A ``response.create`` that no response.created has answered yet."""

    event_id: str
    aside: bool
    """It asks for an out-of-band response."""
    metadata: dict[str, Any]
    cancel: bool = False
    """Cancel the response as soon as it has an id: before that, servers ignore a cancel."""


@attrs.define
class Created:
    """A ``conversation.item.create`` that is not answered yet; `item_id` may be ""."""

    event_id: str
    item_id: str
    kind: tuple[str, str]
    at_root: bool


@attrs.define(kw_only=True)
class State:
    """What is known of a conversation, within bounds: `max_items` items, about `max_size` bytes of all kinds."""

    max_items: int
    max_size: int
    keep_audio: bool
    session: "events.AnySession | None" = None
    usage: Usage = attrs.field(factory=Usage)
    playback: Playback = attrs.field(factory=Playback)
    items: dict[str, TrackedItem] = attrs.field(factory=dict)
    """Every item by id, also out-of-band ones and those of which only parts have come; the oldest first."""
    order: list[TrackedItem] = attrs.field(factory=list)
    """The items of the default conversation in its order."""
    responses: dict[str, TrackedResponse] = attrs.field(factory=dict)
    """By id, the oldest first."""
    asked: list[Asked] = attrs.field(factory=list)
    created: list[Created] = attrs.field(factory=list)
    null_is_vague: bool = False
    """The server says that an item has no predecessor of items that cannot be first."""
    out: list[events.ClientEvent] = attrs.field(factory=list)
    """What must be sent because of what was received."""
    size: int = 0

    def active(self) -> "TrackedResponse | None":
        """The response that writes to the default conversation."""
        writing = (r for r in reversed(self.responses.values()) if r.is_open and r.in_conversation)
        return next(writing, None)

    # ---- items ----

    def item(self, item_id: str, response_id: str = "") -> "TrackedItem | None":
        """The item, from now on if it was not known; None where it has no id."""
        if not item_id or not isinstance(item_id, str):
            return None
        item = self.items.get(item_id)
        if item is None:
            item = self.items[item_id] = TrackedItem(id=item_id)
        # One of a response without an id stays its item: whatever else claims it.
        if response_id and not item.response_id and self.maker(item) is None:
            item.response_id = response_id
        return item

    def said(self, said: events.Item, response_id: str = "") -> "TrackedItem | None":
        """The item that the server tells of."""
        item = self.item(id_of(said), response_id)
        if item is not None:
            item.say(said, self.keep_audio)
        return item

    def maker(self, item: TrackedItem) -> "TrackedResponse | None":
        """The response that made the item, if it is still held."""
        response = self.responses.get(item.response_id)
        return response if response is not None and item.id in response.places else None

    def is_aside(self, item: TrackedItem) -> bool:
        """Whether the item belongs to an out-of-band response."""
        response = self.maker(item)
        return response is not None and not response.in_conversation

    def place(self, item: TrackedItem, after: Any, first: bool) -> None:
        """Puts the item into the conversation: behind the item `after`, at the beginning, or at the end."""
        if item.in_conversation or self.is_aside(item):
            return
        before = self.items.get(after) if isinstance(after, str) else None
        if before is not None and before.in_conversation:
            place = self._place_of(before) + 1
        else:
            place = 0 if first else len(self.order)
        self.order.insert(place, item)
        item.in_conversation = True

    def _place_of(self, item: TrackedItem) -> int:
        """Where in the conversation the item stands: mostly last. By identity, as two items may have equal values."""
        return next(i for i in range(len(self.order) - 1, -1, -1) if self.order[i] is item)

    def remove(self, item: TrackedItem) -> None:
        """The item is gone."""
        response = self.maker(item)
        if response is not None:
            del response.places[item.id]
        del self.items[item.id]
        if item.in_conversation:
            del self.order[self._place_of(item)]
            item.in_conversation = False
        self.size -= item.counted
        self.playback.forget(item.id)

    def weigh(self, changed: "TrackedItem | TrackedResponse") -> None:
        """Counts anew what has changed, and drops the oldest where that is too much."""
        held: dict[str, Any] = self.items if isinstance(changed, TrackedItem) else self.responses
        if held.get(changed.id) is not changed:
            return
        size = changed.size if isinstance(changed, TrackedItem) else size_of(changed.said)
        self.size += size - changed.counted
        changed.counted = size
        while self.items and (len(self.items) > self.max_items or self.size > self.max_size):
            self.remove(self._oldest_item())
        while self.responses and self.size > self.max_size:
            self.drop(next(iter(self.responses)))

    def _oldest_item(self) -> TrackedItem:
        """That of an open response only where there is no other: it still grows."""
        still = (item for item in self.items.values() if not self._is_growing(item))
        return next(still, None) or next(iter(self.items.values()))

    def _is_growing(self, item: TrackedItem) -> bool:
        response = self.maker(item)
        return response is not None and response.is_open

    # ---- responses ----

    def response(self, said: events.RealtimeResponse) -> TrackedResponse:
        """The response that the server tells of."""
        response = self.responses.get(id_of(said))
        if response is None:
            response = self.responses[id_of(said)] = TrackedResponse(id=id_of(said), said=said, held=self.items)
            self._bound(open_ones=True)
        response.say(said)
        return response

    def drop(self, response_id: str) -> None:
        """Forgets the response."""
        self.size -= self.responses.pop(response_id).counted

    def _bound(self, open_ones: bool) -> None:
        """Forgets the oldest where there are too many that are open, or ended."""
        same = [found for found, response in self.responses.items() if response.is_open == open_ones]
        for found in same[: max(len(same) - (MAX_OPEN if open_ones else MAX_FINISHED), 0)]:
            self.drop(found)

    def link(self, response: TrackedResponse, item: TrackedItem, output_index: int) -> None:
        """The item is one of the response."""
        if item.response_id == response.id:
            response.places[item.id] = output_index
        item.interrupted = item.interrupted or response.interrupted

    def finish(self, response: TrackedResponse) -> None:
        """Nothing more of the response comes."""
        response.is_open = False
        for item in response.items:
            item.finish()
        # Behind those that ended before: the last that ended is forgotten last.
        self.responses[response.id] = self.responses.pop(response.id)
        self._bound(open_ones=False)

    def connection_ended(self) -> None:
        """What was in progress ends with the connection that it came on."""
        for response in [response for response in self.responses.values() if response.is_open]:
            self.finish(response)
        self.playback.stop()
        # What is first on the next connection comes behind all that was here before.
        self.null_is_vague = bool(self.order)
