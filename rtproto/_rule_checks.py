"""What breaks an order rule: one function for each, pure, giving the reason as a sentence or None."""

from rtproto import events
from rtproto._rule_events import (
    Delta,
    ItemEvent,
    PartDelta,
    PartDone,
    PlaybackEvent,
    ResponseEvent,
    WholeDone,
    id_of,
    item_id,
    response_id,
    streamed_by,
)
from rtproto._rule_state import Facts
from rtproto._unset import UNSET, value

PartUse = PartDelta | PartDone | events.ResponseContentPartDone
"""Needs a part that was opened."""
AfterPart = PartDelta | events.ResponseContentPartDone
"""Needs a part that is still open."""
OldItemEvent = (
    events.ConversationItemTruncated
    | events.ConversationItemDeleted
    | events.ConversationItemRetrieved
    | events.ConversationItemInputAudioTranscriptionCompleted
    | events.ConversationItemInputAudioTranscriptionFailed
    | events.ConversationItemInputAudioTranscriptionSegment
)
"""About an item of which something came before."""


def _q(text: str) -> str:
    """`text` in quotes, cut where it is too long for a sentence."""
    return repr(text if len(text) <= 64 else text[:61] + "...")


# ---- the session ----


def not_first(facts: Facts, event: events.ServerEvent) -> "str | None":
    if facts.started or _lacks_ids(event):
        return None
    return f"{event.wire_type} came before session.created, with which a server begins"


def _lacks_ids(event: events.ServerEvent) -> bool:
    """Whether it is of a server without ids, Unmute, which has no session.created either."""
    response = getattr(event, "response", None)
    found = (getattr(event, "item_id", ""), getattr(event, "response_id", ""), getattr(response, "id", ""))
    return UNSET in found


def same_event_id(facts: Facts, event: events.ServerEvent) -> "str | None":
    found = value(event.event_id, "")
    if not found or found not in facts.event_ids:
        return None
    return f"{event.wire_type} has the event_id {_q(found)} of an earlier event"


# ---- responses ----


def response_not_created(facts: Facts, event: "ResponseEvent | PlaybackEvent") -> "str | None":
    found = response_id(event)
    if not facts.complete or not found or found in facts.responses or found in facts.ended:
        return None
    return f"{event.wire_type} names the response {_q(found)}, of which no response.created came"


def response_created_twice(facts: Facts, event: events.ResponseCreated) -> "str | None":
    found = id_of(event.response)
    if not found or (facts.responses.get(found) is None and found not in facts.ended):
        return None
    return f"response.created came twice for the response {_q(found)}"


def second_open_response(facts: Facts, event: events.ResponseCreated) -> "str | None":
    conversation, found = value(event.response.conversation_id, ""), id_of(event.response)
    for other, response in facts.responses.items():
        if response and conversation and response.conversation == conversation and other != found:
            return f"response.created opens the response {_q(found)} while {_q(other)} is open in the same conversation"
    return None


def after_response_done(facts: Facts, event: ResponseEvent) -> "str | None":
    found = response_id(event)
    if not found or found not in facts.ended:
        return None
    return f"{event.wire_type} came after the response.done of the response {_q(found)}"


def done_in_progress(facts: Facts, event: events.ResponseDone) -> "str | None":
    if event.response.status != "in_progress":
        return None
    return f"response.done says that the response {_q(response_id(event))} is still in_progress"


def done_leaves_open(facts: Facts, event: events.ResponseDone) -> "str | None":
    response = facts.response(event)
    for found, item in response.items.items() if response else ():
        for index, is_open in item.parts.items() if item else ():
            if is_open:
                part = f"part {index} of the item {_q(found)}"
                return f"response.done came while {part} lacks its response.content_part.done"
        if item and not item.done:
            return f"response.done came while the item {_q(found)} lacks its response.output_item.done"
    return None


def done_lists_otherwise(facts: Facts, event: events.ResponseDone) -> "str | None":
    response, output = facts.response(event), value(event.response.output, None)
    if response is None or output is None:
        return None
    opened, listed = list(response.items), [id_of(item) for item in output]
    # Of what was cut off, servers may leave out what never became anything.
    remaining = iter(opened)
    in_order = all(found in remaining for found in listed)
    if "" in listed or listed == opened or (in_order and event.response.status != "completed"):
        return None
    return f"response.done lists the items {_names(listed)}, but they were opened as {_names(opened)}"


def _names(ids: list[str]) -> str:
    return f"[{', '.join(map(_q, ids[:8]))}{', ...' if len(ids) > 8 else ''}]"


# ---- items of a response ----


def item_not_opened(facts: Facts, event: ItemEvent) -> "str | None":
    response, found = facts.response(event), item_id(event)
    if response is None or not found or found in response.items:
        return None
    return f"{event.wire_type} names the item {_q(found)}, of which no response.output_item.added came"


def item_opened_twice(facts: Facts, event: events.ResponseOutputItemAdded) -> "str | None":
    if facts.item(event) is None:
        return None
    return f"response.output_item.added came twice for the item {_q(item_id(event))}"


def after_item_done(facts: Facts, event: ItemEvent) -> "str | None":
    item = facts.item(event)
    if item is None or not item.done:
        return None
    return f"{event.wire_type} came after the response.output_item.done of the item {_q(item_id(event))}"


def other_output_index(facts: Facts, event: ItemEvent) -> "str | None":
    item = facts.item(event)
    if item is None or value(event.output_index, item.output_index) == item.output_index:
        return None
    opened = f"was opened at {item.output_index}"
    return f"{event.wire_type} has the output_index {event.output_index}, but its item {_q(item_id(event))} {opened}"


def not_in_conversation(facts: Facts, event: ItemEvent) -> "str | None":
    item = facts.item(event)
    if item is None or item.begun or not item.in_conversation or not facts.added.lacks(item_id(event)):
        return None
    return f"{event.wire_type} came before the conversation.item.added of its item {_q(item_id(event))}"


# ---- parts and streams of an item ----


def part_not_opened(facts: Facts, event: PartUse) -> "str | None":
    item = facts.item(event)
    if item is None or event.content_index in item.parts:
        return None
    return f"{event.wire_type} came before the response.content_part.added of {_part(event)}"


def part_opened_twice(facts: Facts, event: events.ResponseContentPartAdded) -> "str | None":
    item = facts.item(event)
    if item is None or item.parts.get(event.content_index) is None:
        return None
    return f"response.content_part.added came twice for {_part(event)}"


def after_part_done(facts: Facts, event: AfterPart) -> "str | None":
    item = facts.item(event)
    if item is None or item.parts.get(event.content_index) is not False:
        return None
    return f"{event.wire_type} came after the response.content_part.done of {_part(event)}"


def _part(event: PartUse | events.ResponseContentPartAdded) -> str:
    return f"part {event.content_index} of the item {_q(item_id(event))}"


def after_stream_done(facts: Facts, event: Delta) -> "str | None":
    stream = facts.stream(event)
    if stream is None or not stream.done:
        return None
    return f"{event.wire_type} came after the {streamed_by(event)} of the item {_q(item_id(event))} was done"


def not_joined(facts: Facts, event: WholeDone) -> "str | None":
    stream, name = facts.stream(event), streamed_by(event)
    # A server that streams nothing but the whole at the end has no deltas to join.
    if stream is None or not stream.size or stream.is_joined_in(getattr(event, name)):
        return None
    return f"the {name} of {event.wire_type} is not the deltas of the item {_q(item_id(event))}, joined"


# ---- the input buffer ----


def stopped_otherwise(facts: Facts, event: events.InputAudioBufferSpeechStopped) -> "str | None":
    if facts.speaking is None or not event.item_id or event.item_id == facts.speaking:
        return None
    started = f"the speech that goes on is the item {_q(facts.speaking)}" if facts.speaking else "no speech goes on"
    return f"{event.wire_type} names the item {_q(event.item_id)}, but {started}"


def committed_otherwise(facts: Facts, event: events.InputAudioBufferCommitted) -> "str | None":
    if facts.turn in ("", event.item_id):
        return None
    return f"{event.wire_type} names the item {_q(event.item_id)}, but the turn that ended is the item {_q(facts.turn)}"


def committed_not_added(facts: Facts, event: events.ResponseCreated) -> "str | None":
    if not facts.committed or not value(event.response.conversation_id, ""):
        return None
    return f"response.created came before the conversation.item.added of the committed item {_q(facts.committed)}"


# ---- the conversation ----


def item_not_added(facts: Facts, event: events.ConversationItemDone) -> "str | None":
    found = id_of(event.item)
    if not facts.complete or not facts.added.lacks(found):
        return None
    return f"{event.wire_type} came before the conversation.item.added of the item {_q(found)}"


def item_not_known(facts: Facts, event: OldItemEvent) -> "str | None":
    found = id_of(event.item) if isinstance(event, events.ConversationItemRetrieved) else event.item_id
    if not facts.complete or not found or not facts.items.lacks(found):
        return None
    return f"{event.wire_type} names the item {_q(found)}, of which nothing came before"


# ---- what a client says ----


def truncated_below_zero(facts: Facts, event: events.ConversationItemTruncate) -> "str | None":
    if event.audio_end_ms >= 0:
        return None
    return f"{event.wire_type} has the audio_end_ms {event.audio_end_ms}; it counts from 0, the beginning of the speech"


def call_not_known(facts: Facts, event: events.ConversationItemCreate) -> "str | None":
    item = event.item
    if not isinstance(item, events.FunctionCallOutputItem) or not facts.complete or not facts.started:
        return None
    found = value(item.call_id, "")
    if not found or not facts.calls.lacks(found):
        return None
    return f"the function_call_output answers the call {_q(found)}, which nobody made in this session"
