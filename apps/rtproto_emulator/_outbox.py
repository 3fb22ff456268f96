"""What the policy has to say, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from rtproto import UNSET, Close, events

from ._ending import Ending
from ._habits import Habits

_OF_AN_ITEM = (
    events.ConversationItemAdded,
    events.ConversationItemDone,
    events.ConversationItemRetrieved,
    events.ResponseOutputItemAdded,
    events.ResponseOutputItemDone,
)


@attrs.frozen
class Mark:
    """A place between two events, where a fault is due."""

    fault: str


class Outbox:
    """Server events, and at the end perhaps a Close, that wait for the host. Each event gets an id of its own here."""

    def __init__(self, make_id: Callable[[str], str], habits: Habits, *, obfuscation: bool = False) -> None:
        self.make_id = make_id
        self.at = 0.0
        """The moment at which things are said, in seconds since 1970."""
        self.on_send: Callable[[events.ServerEvent], object] | None = None
        """Sees each event when it is said; may raise an `Ending` for one of a response."""
        self.on_mark: Callable[[str], object] | None = None
        """Is told of a mark when all before it is taken."""
        self._obfuscation = obfuscation
        self._item_object = habits.item_object
        """What stands as `object` in every item."""
        self._unsaid = habits.unsaid
        """Types that the client's dialect does not have: nobody hears of them, so nothing counts or breaks them."""
        self._accent = habits.accent(make_id) if habits.accent else None
        self.event_ids = habits.event_ids
        """Whether each event has an id."""
        self._error = habits.error
        self._waiting: deque[events.ServerEvent | Close | Mark] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def send(self, event: events.ServerEvent) -> None:
        """Says `event`, which is nobody else's yet."""
        if event.type in self._unsaid:
            return
        if self._item_object is not UNSET:
            self._mark(event)
        if self._accent is None:
            self._say(event)
            return
        ending: Ending | None = None
        for said in self.accented(event):
            try:
                self._say(said)
            except Ending as raised:
                ending = raised
        if ending is not None:
            raise ending

    def accented(self, event: events.ServerEvent) -> Iterable[events.ServerEvent]:
        """What is said in place of `event` in the client's dialect."""
        return (event,) if self._accent is None else self._accent(event, self.at)

    def _say(self, event: events.ServerEvent) -> None:
        self._waiting.append(self.address(event))
        if self.on_send is not None:
            self.on_send(event)

    def address(self, event: events.ServerEvent) -> events.ServerEvent:
        """Gives `event` an id, where it has none and the client's dialect has one, and an error the dialect's shape."""
        if self.event_ids and event.event_id is UNSET:
            event.event_id = self.make_id("event")
        if self._error is not None and isinstance(event, events.ErrorEvent):
            event.error = self._error(event.error)
        return event

    def mark(self, fault: str) -> None:
        """Notes that `fault` is due here."""
        self._waiting.append(Mark(fault))

    def _mark(self, event: events.ServerEvent) -> None:
        if isinstance(event, _OF_AN_ITEM):
            event.item = self._marked(event.item)
        elif isinstance(event, (events.ResponseCreated, events.ResponseDone)):
            output = [self._marked(item) for item in event.response.output or ()]
            event.response = attrs.evolve(event.response, output=output)

    def _marked(self, item: events.Item) -> events.Item:
        changed: Any = item
        return attrs.evolve(changed, object=self._item_object) if hasattr(item, "object") else item

    def close(self, close: Close) -> None:
        """Ends the session after all that was said before."""
        self._waiting.append(close)

    def next(self) -> events.ServerEvent | Close | None:
        """The next one, None when there is none now."""
        while self._waiting:
            item = self._waiting.popleft()
            if not isinstance(item, Mark):
                return item
            if self.on_mark is not None:
                self.on_mark(item.fault)
        return None

    def padding(self, delta: str) -> str | None:
        """The `obfuscation` of a text delta, which hides its length; None where that is not wanted.

        Like real servers: random letters up to the next multiple of 16.
        """
        if not self._obfuscation:
            return None
        return (self.make_id("").strip("_") * 16)[: -len(delta) % 16]
