"""In which order events come: one table of rules, and a checker that any side of a session can feed.

The order is what servers were recorded to do, not a law of the wire; so it is checked on request only
(``Config(strict=True)``, and the tools that judge a recording). A rule stands here where every recorded vendor keeps
it, or where it stays silent about those that leave out what it looks at (ids, or a whole kind of event).
"""

from collections.abc import Callable
from typing import Any

import attrs

from rtproto import _rule_checks as checks
from rtproto import events
from rtproto._by_class import by_class, found_for
from rtproto._codec import SERVER_EVENTS
from rtproto._rule_checks import AfterPart, OldItemEvent, PartUse
from rtproto._rule_events import Delta, ItemEvent, PlaybackEvent, ResponseEvent, WholeDone
from rtproto._rule_state import Facts


@attrs.frozen
class Breach:
    """A rule, by its name in `RULES`, that an event breaks; `reason` is a sentence that names the ids and values."""

    rule: str
    reason: str


@attrs.frozen
class Rule:
    """A rule: its name, what it says, the event classes it looks at, and what finds why an event breaks it."""

    name: str
    statement: str
    looks_at: Any
    find: "Callable[[Facts, Any], str | None]"


_ANY_SERVER_EVENT = tuple(SERVER_EVENTS.values())
_MAY_BE_FIRST = {events.SessionCreated, events.SessionUpdated, events.ConversationCreated, events.ErrorEvent}
_MUST_NOT_BE_FIRST = tuple(cls for cls in _ANY_SERVER_EVENT if cls not in _MAY_BE_FIRST)

RULES: tuple[Rule, ...] = (
    Rule(
        "session-created-first",
        "A server begins with session.created (a sideband with session.updated); an error may come before it.",
        _MUST_NOT_BE_FIRST,
        checks.not_first,
    ),
    Rule(
        "event-id-unique",
        "No two events of a server have the same event_id.",
        _ANY_SERVER_EVENT,
        checks.same_event_id,
    ),
    Rule(
        "response-created-first",
        "response.created comes before all that names the response.",
        ResponseEvent | PlaybackEvent,
        checks.response_not_created,
    ),
    Rule(
        "response-created-once",
        "A response is created once.",
        events.ResponseCreated,
        checks.response_created_twice,
    ),
    Rule(
        "one-open-response",
        "At most one response is open in a conversation; out-of-band ones may be open beside it.",
        events.ResponseCreated,
        checks.second_open_response,
    ),
    Rule(
        "response-done-last",
        "After response.done nothing comes about that response, except its playback.",
        ResponseEvent,
        checks.after_response_done,
    ),
    Rule(
        "response-done-status",
        "response.done has a final status, which in_progress is not.",
        events.ResponseDone,
        checks.done_in_progress,
    ),
    Rule(
        "response-done-closes",
        "Every item and part that was opened is closed before response.done, also when the response is cancelled.",
        events.ResponseDone,
        checks.done_leaves_open,
    ),
    Rule(
        "response-done-output",
        "response.done lists the items in the order they were opened, and all of them when the response is completed.",
        events.ResponseDone,
        checks.done_lists_otherwise,
    ),
    Rule(
        "output-item-added-first",
        "response.output_item.added comes before the parts, the content and the end of the item.",
        ItemEvent,
        checks.item_not_opened,
    ),
    Rule(
        "output-item-added-once",
        "A response opens an item once.",
        events.ResponseOutputItemAdded,
        checks.item_opened_twice,
    ),
    Rule(
        "output-item-done-last",
        "After response.output_item.done the response says nothing more of the item.",
        ItemEvent,
        checks.after_item_done,
    ),
    Rule(
        "output-item-index",
        "All events of an item have the output_index at which it was opened.",
        ItemEvent,
        checks.other_output_index,
    ),
    Rule(
        "output-item-in-conversation",
        "conversation.item.added comes before the content of an item, where the response belongs to a conversation.",
        ItemEvent,
        checks.not_in_conversation,
    ),
    Rule(
        "content-part-added-first",
        "response.content_part.added comes before the content and the end of the part.",
        PartUse,
        checks.part_not_opened,
    ),
    Rule(
        "content-part-added-once",
        "An item opens a part once.",
        events.ResponseContentPartAdded,
        checks.part_opened_twice,
    ),
    Rule(
        "content-part-done-last",
        "After response.content_part.done no delta of the part comes.",
        AfterPart,
        checks.after_part_done,
    ),
    Rule(
        "delta-before-done",
        "The deltas of a text, a speech, a transcript or a call's arguments come before its done event.",
        Delta,
        checks.after_stream_done,
    ),
    Rule(
        "deltas-joined",
        "The deltas of a text, a transcript or a call's arguments, joined, are the value of its done event.",
        WholeDone,
        checks.not_joined,
    ),
    Rule(
        "speech-stopped-item",
        "input_audio_buffer.speech_stopped names the item of the speech_started before it.",
        events.InputAudioBufferSpeechStopped,
        checks.stopped_otherwise,
    ),
    Rule(
        "committed-item",
        "input_audio_buffer.committed names the item of the turn that ended (speech_stopped or timeout_triggered).",
        events.InputAudioBufferCommitted,
        checks.committed_otherwise,
    ),
    Rule(
        "committed-item-added",
        "A committed item stands in the conversation before a response to it is created there.",
        events.ResponseCreated,
        checks.committed_not_added,
    ),
    Rule(
        "conversation-item-added-first",
        "conversation.item.added comes before the conversation.item.done of the item.",
        events.ConversationItemDone,
        checks.item_not_added,
    ),
    Rule(
        "conversation-item-known",
        "An item that is truncated, deleted, retrieved or fully transcribed was named before.",
        OldItemEvent,
        checks.item_not_known,
    ),
    Rule(
        "truncate-position",
        "The audio_end_ms of conversation.item.truncate is not negative.",
        events.ConversationItemTruncate,
        checks.truncated_below_zero,
    ),
    Rule(
        "call-known",
        "A function_call_output answers a function call of the same session.",
        events.ConversationItemCreate,
        checks.call_not_known,
    ),
)
"""Every rule, in the order in which breaches are told."""

_RULES_BY_CLASS: dict[type, tuple[Rule, ...]] = by_class((rule.looks_at, rule) for rule in RULES)


class OrderRules:
    """Judges the events of one session, those of both directions in the order they pass.

    ``from_start=False``: the first event is not the session's first (an excerpt of a recording), so that nothing is
    held to be missing. The memory is bounded, however long the session is.
    """

    def __init__(self, from_start: bool = True) -> None:
        self._facts = Facts.at(from_start)

    def check(self, event: object) -> list[Breach]:
        """What `event` would break if it came now; changes nothing. What never travels breaks nothing."""
        found = ((rule.name, rule.find(self._facts, event)) for rule in found_for(_RULES_BY_CLASS, event.__class__, ()))
        return [Breach(name, reason) for name, reason in found if reason is not None]

    def feed(self, event: object) -> list[Breach]:
        """Takes `event` in, and tells what it breaks."""
        breaches = self.check(event)
        self._facts.take(event)
        return breaches
