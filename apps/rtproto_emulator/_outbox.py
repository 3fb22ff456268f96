"""What the policy has to say, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import Any

import attrs

from rtproto import UNSET, Close, UnsetType, events

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

    def __init__(
        self,
        make_id: Callable[[str], str],
        *,
        obfuscation: bool = False,
        item_object: str | UnsetType = UNSET,
        unsaid: Collection[str] = (),
        rewrite: Callable[[events.ServerEvent], Iterable[events.ServerEvent]] = lambda event: (event,),
    ) -> None:
        self.make_id = make_id
        self.on_send: Callable[[events.ServerEvent], object] | None = None
        """Sees each event when it is said; may raise an `Ending` for one of a response."""
        self.on_mark: Callable[[str], object] | None = None
        """Is told of a mark when all before it is taken."""
        self._obfuscation = obfuscation
        self._item_object = item_object
        """What stands as `object` in every item."""
        self._unsaid = unsaid
        """Types that the client's dialect does not have: nobody hears of them, so nothing counts or breaks them."""
        self._rewrite = rewrite
        """Makes of an event what the client's dialect says in its place."""
        self._waiting: deque[events.ServerEvent | Close | Mark] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def send(self, event: events.ServerEvent) -> None:
        """Says `event`, which is nobody else's yet."""
        for said in self._rewrite(event):
            if said.type not in self._unsaid:
                self._say(said)

    def _say(self, event: events.ServerEvent) -> None:
        event.event_id = self.make_id("event")
        if self._item_object is not UNSET:
            self._mark(event)
        self._waiting.append(event)
        if self.on_send is not None:
            self.on_send(event)

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
