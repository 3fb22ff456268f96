"""How each event changes what a `Conversation` remembers: a table from event classes to small functions."""

from typing import Any

from rtproto import events
from rtproto._by_class import found_for
from rtproto._conversation._dig import dig, id_of
from rtproto._conversation._state import MAX_ASKED, Asked, Created, State
from rtproto._conversation._streams import STREAMED, STREAMED_BY_NAME, Taker, content_index, user_turn
from rtproto._conversation._tracked import TrackedItem
from rtproto._unset import UNSET, value

# ---- the session ----


def _nothing(state: State, event: Any) -> None:
    pass


def _session_created(state: State, event: events.SessionCreated) -> None:
    state.connection_ended()
    state.session = event.session


def _session_updated(state: State, event: events.SessionUpdated) -> None:
    state.session = event.session


def _closed(state: State, event: events.Closed) -> None:
    state.connection_ended()
    state.asked.clear()
    state.created.clear()


_NO_RESPONSE = ("conversation_already_has_active_response", "bad_response_create")
"""Codes with which servers refuse a ``response.create``; and they name one of its fields as `param`."""


def _error(state: State, event: events.ErrorEvent) -> None:
    """What was refused is not waited for."""
    refused = value(event.error.event_id, "")
    if refused:
        state.asked = [asked for asked in state.asked if asked.event_id != refused]
        state.created = [created for created in state.created if created.event_id != refused]
    elif event.error.code in _NO_RESPONSE or value(event.error.param, "").startswith("response."):
        nameless = next((asked for asked in state.asked if not asked.event_id and not asked.aside), None)
        state.asked = [asked for asked in state.asked if asked is not nameless]


# ---- items of the conversation ----

_ROOT = "root"
"""What a client names as predecessor for the beginning; servers that repeat what they were told send it back."""


def _item_added(state: State, event: Any) -> None:
    is_new = id_of(event.item) not in state.items
    item = state.said(event.item)
    if item is not None:
        created = _taken_from(state, event.item)
        # What has come of an item before, as the speech that it is, came after all that stands here.
        told = event.previous_item_id
        first = told == _ROOT or (told is None and _is_first(state, item, is_new, created))
        state.place(item, event.previous_item_id, first)
        state.weigh(item)


def _taken_from(state: State, item: events.Item) -> "Created | None":
    """What this client asked for, if it is this item."""
    for created in state.created:
        if created.item_id == id_of(item) if created.item_id else created.kind == _kind(item):
            state.created.remove(created)
            return created
    return None


def _is_first(state: State, item: TrackedItem, is_new: bool, created: "Created | None") -> bool:
    """Whether null means the beginning: some servers send it for whatever they put at the end."""
    if item.in_conversation:
        return False
    may_be = is_new and item.type == events.MessageItem.type and not item.response_id
    first = created.at_root if created is not None else may_be and not state.null_is_vague
    if not first and state.order:
        state.null_is_vague = True
    return first


def _kind(item: events.Item) -> tuple[str, str]:
    return str(dig(item, "type")), str(dig(item, "role"))


def _item_done(state: State, event: events.ConversationItemDone) -> None:
    item = state.said(event.item)
    if item is not None:
        # Its predecessor is not reliable, but better than none where "added" was missed.
        state.place(item, event.previous_item_id, first=False)
        item.finish()
        state.weigh(item)


def _item_retrieved(state: State, event: events.ConversationItemRetrieved) -> None:
    item = state.said(event.item)
    if item is not None:
        state.weigh(item)


def _item_deleted(state: State, event: events.ConversationItemDeleted) -> None:
    item = state.items.get(event.item_id)
    if item is not None:
        state.remove(item)


def _item_truncated(state: State, event: events.ConversationItemTruncated) -> None:
    item = state.items.get(event.item_id)
    if item is not None:
        item.part(content_index(event)).truncate(event.audio_end_ms)
        state.playback.forget(item.id)
        state.weigh(item)


def _speech(state: State, event: Any) -> None:
    """The turn of the user that becomes the item."""
    item = state.item(event.item_id)
    if item is not None:
        item.said = item.said or user_turn(item.id)
        state.weigh(item)


def _committed(state: State, event: events.InputAudioBufferCommitted) -> None:
    if event.previous_item_id is None and state.order:
        state.null_is_vague = True
    _speech(state, event)


def _speech_started(state: State, event: events.InputAudioBufferSpeechStarted) -> None:
    _speech(state, event)
    active = state.active()
    if active is not None:
        detection = dig(state.session, "audio", "input", "turn_detection")
        active.left_to_server = dig(detection, "interrupt_response") is True


# ---- responses ----


def _response_created(state: State, event: events.ResponseCreated) -> None:
    found = id_of(event.response)
    former = state.responses.get(found)
    if former is not None and not former.is_open:
        # Servers that give no ids use the same one, "", again.
        state.drop(found)
    response = state.response(event.response)
    asked = _answered(state, event.response)
    response.in_conversation = not asked.aside if asked else event.response.conversation_id is not None
    if asked is not None and asked.cancel and not response.cancelled:
        response.cancelled = response.interrupted = True
        state.out.append(events.ResponseCancel(response_id=response.id or UNSET))
    state.weigh(response)


def _answered(state: State, response: events.RealtimeResponse) -> "Asked | None":
    """What this client asked for and now gets; None where the server, or another client, began by itself."""
    aside, metadata = response.conversation_id is None, value(response.metadata, {})
    same = [asked for asked in state.asked if asked.metadata and asked.metadata == metadata]
    alike = [asked for asked in state.asked if asked.aside == aside]
    # Null, and nothing out-of-band was asked for: the server names no conversation at all.
    asked = next(iter(same or alike or (state.asked if aside else ())), None)
    state.asked = [other for other in state.asked if other is not asked]
    return asked


def _response_done(state: State, event: events.ResponseDone) -> None:
    response = state.response(event.response)
    if not response.is_done:
        response.is_done = True
        state.usage.add_response(value(event.response.usage, None))
    items = [state.said(item, response.id) for item in value(event.response.output, [])]
    for index, item in enumerate(items):
        if item is not None:
            state.link(response, item, index)
    state.finish(response)
    state.weigh(response)
    for item in items:
        if item is not None:
            state.weigh(item)


def _output_item(state: State, event: Any) -> "TrackedItem | None":
    response = state.responses.get(event.response_id)
    if response is None:
        response = state.response(events.RealtimeResponse(id=event.response_id))
    item = state.said(event.item, event.response_id)
    if item is not None:
        state.link(response, item, value(event.output_index, 0))
    return item


def _output_item_added(state: State, event: events.ResponseOutputItemAdded) -> None:
    item = _output_item(state, event)
    if item is not None:
        state.weigh(item)


def _output_item_done(state: State, event: events.ResponseOutputItemDone) -> None:
    item = _output_item(state, event)
    if item is not None:
        item.finish()
        state.weigh(item)


# ---- what the client says ----


def _remember(waiting: "list[Any]", asked: object) -> None:
    waiting.append(asked)
    del waiting[:-MAX_ASKED]


def _asks(state: State, event: events.ResponseCreate) -> None:
    aside = dig(event.response, "conversation") == "none"
    metadata = dig(event.response, "metadata")
    _remember(state.asked, Asked(value(event.event_id, ""), aside, metadata or {}))


def _cancels(state: State, event: events.ResponseCancel) -> None:
    response = state.responses.get(event.response_id) if event.response_id else state.active()
    if response is not None:
        response.cancelled = True
    elif not event.response_id:
        cancel_asked(state)


def cancel_asked(state: State) -> None:
    """What was asked for and will write to the conversation is cancelled as soon as it has an id."""
    for asked in state.asked:
        asked.cancel = asked.cancel or not asked.aside


def _creates(state: State, event: events.ConversationItemCreate) -> None:
    at_root = event.previous_item_id == _ROOT
    _remember(state.created, Created(value(event.event_id, ""), id_of(event.item), _kind(event.item), at_root))


def _truncates(state: State, event: events.ConversationItemTruncate) -> None:
    item = state.items.get(event.item_id)
    if item is not None:
        item.part(content_index(event)).cut_ms = event.audio_end_ms
        state.playback.forget(item.id)


# ---- which event changes what ----

_SENT: "dict[type, Taker]" = {
    events.ResponseCreate: _asks,
    events.ResponseCancel: _cancels,
    events.ConversationItemCreate: _creates,
    events.ConversationItemTruncate: _truncates,
}

_RECEIVED: "dict[type, Taker]" = {
    events.SessionCreated: _session_created,
    events.SessionUpdated: _session_updated,
    events.Closed: _closed,
    events.ErrorEvent: _error,
    events.ConversationItemAdded: _item_added,
    events.ConversationItemCreated: _item_added,
    events.ConversationItemDone: _item_done,
    events.ConversationItemRetrieved: _item_retrieved,
    events.ConversationItemDeleted: _item_deleted,
    events.ConversationItemTruncated: _item_truncated,
    events.InputAudioBufferSpeechStarted: _speech_started,
    events.InputAudioBufferTimeoutTriggered: _speech,
    events.InputAudioBufferCommitted: _committed,
    events.ResponseCreated: _response_created,
    events.ResponseDone: _response_done,
    events.ResponseOutputItemAdded: _output_item_added,
    events.ResponseOutputItemDone: _output_item_done,
    **STREAMED,
}


def take_sent(state: State, event: object) -> None:
    """Takes in an event of this client; what is none changes nothing."""
    _taker(_SENT, type(event))(state, event)


def take_received(state: State, event: object) -> None:
    """Takes in an event of the server or of the machine; what is none changes nothing."""
    _taker(_RECEIVED, type(event))(state, event)


def _taker(table: "dict[type, Taker]", cls: type) -> Taker:
    """What a dialect's own class changes is what its GA class does, or what its name tells."""
    return table.get(cls) or found_for(table, cls, STREAMED_BY_NAME.get(getattr(cls, "type", ""), _nothing))
