"""What the order rules remember of a session: a bounded summary, changed by `Facts.take` alone."""

import zlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import attrs

from rtproto import events
from rtproto._by_class import by_class, found_for
from rtproto._codec import SERVER_EVENTS
from rtproto._rule_events import (
    Delta,
    ItemAdded,
    ItemEvent,
    OutputEvent,
    PartDelta,
    PartDone,
    ResponseEvent,
    StreamDone,
    id_of,
    item_id,
    response_id,
    streamed_by,
)
from rtproto._unset import value

MAX_RECENT = 4096
"""Ids of one kind. What is sent twice by mistake is sent twice soon; an hour of talk has some hundred items."""

MAX_OPEN = 64
"""Responses in progress: one in the conversation, and a few beside it."""

MAX_PIECES = 256
"""Items of one response, and parts and streams of one item: real ones have a few. A larger one goes unchecked."""


@attrs.define
class Recent:
    """The last ids of a kind; `forgot`: there were more, so that absence proves nothing."""

    forgot: bool = False
    _hashes: "OrderedDict[int, None]" = attrs.field(factory=OrderedDict)

    def add(self, found: str) -> None:
        """Remembers `found`."""
        # The hash, as an id may be as long as a message.
        self._hashes[hash(found)] = None
        if len(self._hashes) > MAX_RECENT:
            self._hashes.popitem(last=False)
            self.forgot = True

    def __contains__(self, sought: str) -> bool:
        return hash(sought) in self._hashes

    def lacks(self, sought: str) -> bool:
        """Whether `sought` never came."""
        return not self.forgot and sought not in self


@attrs.define
class Stream:
    """The deltas of one kind in one place; a checksum stands for their text, however long it grows."""

    checksum: int = 0
    size: int = 0
    done: bool = False

    def grow(self, delta: str) -> None:
        """Takes in one more delta."""
        data = _utf16(delta)
        self.checksum = zlib.crc32(data, self.checksum)
        self.size += len(data)

    def is_joined_in(self, whole: str) -> bool:
        """Whether `whole` is all the deltas."""
        data = _utf16(whole)
        return len(data) == self.size and zlib.crc32(data) == self.checksum


def _utf16(text: str) -> bytes:
    # A character may be split between two deltas: in UTF-16 its halves join again.
    return text.encode("utf-16-le", "surrogatepass")


@attrs.define
class OpenItem:
    """An item of an open response. `parts`: content_index -> open, or None where its beginning was not seen."""

    output_index: int
    in_conversation: bool
    begun: bool = False
    done: bool = False
    parts: "dict[int, bool | None]" = attrs.field(factory=dict)
    streams: dict[tuple[str, int], Stream] = attrs.field(factory=dict)


@attrs.define
class OpenResponse:
    """A response whose beginning was seen. `items`: id -> the item, in order; None where it cannot be judged.

    `conversation` is "" where the server names none: out-of-band, or of a vendor that leaves it out.
    """

    conversation: str
    items: "dict[str, OpenItem | None]" = attrs.field(factory=dict)


@attrs.define
class Facts:
    """What is known of a session. `complete`: all of it passed here, so that what did not pass does not exist."""

    complete: bool
    started: bool
    event_ids: Recent = attrs.field(factory=Recent)
    responses: "dict[str, OpenResponse | None]" = attrs.field(factory=dict)
    """The open ones; None where it cannot be judged."""
    ended: Recent = attrs.field(factory=Recent)
    items: Recent = attrs.field(factory=Recent)
    """Items that were mentioned in any way."""
    added: Recent = attrs.field(factory=Recent)
    """Items that were put into the conversation."""
    calls: Recent = attrs.field(factory=Recent)
    speaking: "str | None" = None
    """The item of the speech that goes on; "" in silence; None where that is not certain."""
    turn: str = ""
    """The item of a turn that has ended and is not committed yet."""
    committed: str = ""
    """The item that was committed last, while it has not been seen in the conversation."""

    @classmethod
    def at(cls, from_start: bool) -> "Facts":
        """Nothing known yet, at the start of a session or somewhere in it."""
        return cls(complete=from_start, started=not from_start, speaking="" if from_start else None)

    def response(self, event: ResponseEvent) -> "OpenResponse | None":
        """The response that `event` is about, if it can be judged."""
        return self.responses.get(response_id(event))

    def item(self, event: OutputEvent) -> "OpenItem | None":
        """The response's item that `event` is about, if it can be judged."""
        response = self.response(event)
        return response.items.get(item_id(event)) if response else None

    def stream(self, event: "Delta | StreamDone") -> "Stream | None":
        """The stream that `event` belongs to, if it has begun."""
        item = self.item(event)
        return item.streams.get(_stream_key(event)) if item else None

    def take(self, event: object) -> None:
        """Takes in an event of either direction; what never travels changes nothing."""
        for taker in found_for(_TAKERS, event.__class__, ()):
            taker(self, event)


# ---- how an event changes it ----


def _server(facts: Facts, event: events.ServerEvent) -> None:
    facts.event_ids.add(value(event.event_id, ""))
    if not facts.started and not isinstance(event, (events.ErrorEvent, events.ConversationCreated)):
        facts.started = True
        # The mark of a sideband, whose call may have begun long ago.
        if isinstance(event, events.SessionUpdated):
            facts.complete, facts.speaking = False, None


def _response_created(facts: Facts, event: events.ResponseCreated) -> None:
    response = OpenResponse(conversation=value(event.response.conversation_id, ""))
    facts.responses.setdefault(id_of(event.response), response)
    _bound_responses(facts)


def _response_named(facts: Facts, event: ResponseEvent) -> None:
    if response_id(event) not in facts.ended:
        facts.responses.setdefault(response_id(event), None)
        _bound_responses(facts)


def _bound_responses(facts: Facts) -> None:
    if len(facts.responses) > MAX_OPEN:
        del facts.responses[next(iter(facts.responses))]
        facts.complete = False


def _response_done(facts: Facts, event: events.ResponseDone) -> None:
    facts.responses.pop(response_id(event), None)
    facts.ended.add(response_id(event))
    for item in value(event.response.output, []):
        _call(facts, item)


def _item_opened(facts: Facts, event: events.ResponseOutputItemAdded) -> None:
    facts.items.add(item_id(event))
    response = facts.response(event)
    if response:
        known = isinstance(event.item, (events.MessageItem, events.FunctionCallItem))
        item = OpenItem(output_index=event.output_index, in_conversation=known and bool(response.conversation))
        response.items.setdefault(item_id(event), item)


def _item_event(facts: Facts, event: ItemEvent) -> None:
    response = facts.response(event)
    item = response.items.setdefault(item_id(event), None) if response else None
    if response and item:
        item.begun = True
        for taker in found_for(_ITEM_TAKERS, event.__class__, ()):
            taker(item, event)
        if len(item.parts) + len(item.streams) > MAX_PIECES:
            response.items[item_id(event)] = None


def _bound_items(facts: Facts, event: OutputEvent) -> None:
    response = facts.response(event)
    if response and len(response.items) > MAX_PIECES:
        facts.responses[event.response_id] = None


def _item_closed(item: OpenItem, event: events.ResponseOutputItemDone) -> None:
    item.done = True


def _part_opened(item: OpenItem, event: events.ResponseContentPartAdded) -> None:
    item.parts[event.content_index] = True


def _part_closed(item: OpenItem, event: events.ResponseContentPartDone) -> None:
    item.parts[event.content_index] = False


def _part_named(item: OpenItem, event: "PartDelta | PartDone") -> None:
    item.parts.setdefault(event.content_index, None)


def _streamed(item: OpenItem, event: Delta) -> None:
    stream = item.streams.setdefault(_stream_key(event), Stream())
    if isinstance(event.delta, str):
        stream.grow(event.delta)


def _stream_ended(item: OpenItem, event: StreamDone) -> None:
    item.streams.setdefault(_stream_key(event), Stream()).done = True


def _stream_key(event: "Delta | StreamDone") -> tuple[str, int]:
    return streamed_by(event), getattr(event, "content_index", 0)


def _item_shown(facts: Facts, event: Any) -> None:
    facts.items.add(id_of(event.item))
    _call(facts, event.item)


def _item_named(facts: Facts, event: Any) -> None:
    facts.items.add(event.item_id)


def _in_conversation(facts: Facts, event: "ItemAdded | events.ConversationItemDone") -> None:
    facts.added.add(id_of(event.item))
    if facts.committed == id_of(event.item):
        facts.committed = ""


def _call(facts: Facts, item: events.Item) -> None:
    if isinstance(item, events.FunctionCallItem):
        facts.calls.add(value(item.call_id, ""))


def _call_named(facts: Facts, event: Any) -> None:
    facts.calls.add(event.call_id)


def _speech_started(facts: Facts, event: events.InputAudioBufferSpeechStarted) -> None:
    facts.speaking, facts.turn = event.item_id, ""


def _speech_stopped(facts: Facts, event: events.InputAudioBufferSpeechStopped) -> None:
    facts.speaking, facts.turn = "", event.item_id


def _timed_out(facts: Facts, event: events.InputAudioBufferTimeoutTriggered) -> None:
    facts.turn = event.item_id


def _committed(facts: Facts, event: events.InputAudioBufferCommitted) -> None:
    awaited = facts.complete and facts.added.lacks(event.item_id)
    facts.committed = event.item_id if awaited else ""


def _buffer_emptied(facts: Facts, event: Any) -> None:
    facts.turn = ""
    # The client took the sound while someone spoke: how that speech goes on is not recorded anywhere.
    if facts.speaking:
        facts.speaking = None


_ITEM_TAKERS: "dict[type, tuple[Callable[[OpenItem, Any], None], ...]]" = by_class(
    [
        (events.ResponseOutputItemDone, _item_closed),
        (events.ResponseContentPartAdded, _part_opened),
        (events.ResponseContentPartDone, _part_closed),
        (PartDelta | PartDone, _part_named),
        (Delta, _streamed),
        (StreamDone, _stream_ended),
    ]
)

_TAKERS: "dict[type, tuple[Callable[[Facts, Any], None], ...]]" = by_class(
    [
        (tuple(SERVER_EVENTS.values()), _server),
        (events.ResponseCreated, _response_created),
        (ResponseEvent, _response_named),
        (events.ResponseDone, _response_done),
        (events.ResponseOutputItemAdded, _item_opened),
        (ItemEvent, _item_event),
        (OutputEvent, _bound_items),
        (
            ItemAdded
            | events.ConversationItemDone
            | events.ConversationItemRetrieved
            | events.ConversationItemCreate
            | events.ResponseOutputItemAdded
            | events.ResponseOutputItemDone,
            _item_shown,
        ),
        (
            events.InputAudioBufferSpeechStarted
            | events.InputAudioBufferCommitted
            | events.InputAudioBufferTimeoutTriggered
            | events.ConversationItemInputAudioTranscriptionDelta,
            _item_named,
        ),
        (ItemAdded | events.ConversationItemDone, _in_conversation),
        (events.ResponseFunctionCallArgumentsDelta | events.ResponseFunctionCallArgumentsDone, _call_named),
        (events.InputAudioBufferSpeechStarted, _speech_started),
        (events.InputAudioBufferSpeechStopped, _speech_stopped),
        (events.InputAudioBufferTimeoutTriggered, _timed_out),
        (events.InputAudioBufferCommitted, _committed),
        (events.InputAudioBufferCommitted | events.InputAudioBufferCleared, _buffer_emptied),
    ]
)
"""For each class what it changes, in this order."""
