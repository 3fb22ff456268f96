"""Short names for the events of a session, for the tests of the order rules."""

from typing import Any

import attrs

from rtproto import events
from rtproto._rules import OrderRules
from rtproto._unset import UNSET

SESSION = events.SessionCreated(session=events.RealtimeSession(id="sess_1"))
UPDATED = events.SessionUpdated(session=events.RealtimeSession(id="sess_1"))
ERROR = events.ErrorEvent(error=events.RealtimeError(message="no model"))
CLEARED = events.InputAudioBufferCleared()


def message(item: Any = "item_1") -> events.MessageItem:
    return events.MessageItem(id=item, role="assistant", content=[])


def call(item: str = "item_1", call_id: str = "call_1") -> events.FunctionCallItem:
    return events.FunctionCallItem(id=item, name="f", call_id=call_id, arguments="")


def created(response: Any = "resp_1", conversation: Any = None) -> events.ResponseCreated:
    return events.ResponseCreated(
        response=events.RealtimeResponse(id=response, status="in_progress", conversation_id=conversation)
    )


def done(*items: Any, response: Any = "resp_1", status: str = "completed", output: Any = UNSET) -> events.ResponseDone:
    listed: Any = [message(item) for item in items] if output is UNSET else output
    return events.ResponseDone(response=events.RealtimeResponse(id=response, status=status, output=listed))


def opened(item: Any = "item_1", response: str = "resp_1", index: int = 0) -> events.ResponseOutputItemAdded:
    it = message(item) if isinstance(item, str) else item
    return events.ResponseOutputItemAdded(response_id=response, output_index=index, item=it)


def closed(item: Any = "item_1", response: str = "resp_1", index: int = 0) -> events.ResponseOutputItemDone:
    it = message(item) if isinstance(item, str) else item
    return events.ResponseOutputItemDone(response_id=response, output_index=index, item=it)


def about(cls: Any, item: str = "item_1", part: int = 0, response: str = "resp_1", **more: Any) -> Any:
    return cls(response_id=response, item_id=item, output_index=more.pop("index", 0), content_index=part, **more)


def part(item: str = "item_1", part: int = 0) -> Any:
    return about(events.ResponseContentPartAdded, item, part)


def part_done(item: str = "item_1", part: int = 0) -> Any:
    return about(events.ResponseContentPartDone, item, part)


def text(delta: str, **more: Any) -> Any:
    return about(events.ResponseOutputTextDelta, delta=delta, **more)


def text_done(whole: str, **more: Any) -> Any:
    return about(events.ResponseOutputTextDone, text=whole, **more)


def audio(delta: bytes = b"\x00\x00") -> Any:
    return about(events.ResponseOutputAudioDelta, delta=delta)


AUDIO_DONE = about(events.ResponseOutputAudioDone)


def arguments(delta: str, index: Any = 0) -> Any:
    return events.ResponseFunctionCallArgumentsDelta(
        response_id="resp_1", item_id="item_1", output_index=index, call_id="call_1", delta=delta
    )


def arguments_done(whole: str) -> Any:
    return events.ResponseFunctionCallArgumentsDone(
        response_id="resp_1", item_id="item_1", output_index=0, call_id="call_1", arguments=whole
    )


def added(item: Any = "item_1") -> events.ConversationItemAdded:
    return events.ConversationItemAdded(item=message(item) if isinstance(item, str) else item)


def item_done(item: str = "item_1") -> events.ConversationItemDone:
    return events.ConversationItemDone(item=message(item))


def speaks(item: str = "item_u") -> events.InputAudioBufferSpeechStarted:
    return events.InputAudioBufferSpeechStarted(audio_start_ms=0, item_id=item)


def silent(item: str = "item_u") -> events.InputAudioBufferSpeechStopped:
    return events.InputAudioBufferSpeechStopped(audio_end_ms=900, item_id=item)


def timeout(item: str = "item_u") -> events.InputAudioBufferTimeoutTriggered:
    return events.InputAudioBufferTimeoutTriggered(audio_start_ms=0, audio_end_ms=5000, item_id=item)


def committed(item: str = "item_u", after: Any = UNSET) -> events.InputAudioBufferCommitted:
    return events.InputAudioBufferCommitted(item_id=item, previous_item_id=after)


def transcribed(item: str = "item_u") -> Any:
    return events.ConversationItemInputAudioTranscriptionCompleted(item_id=item, transcript="hi")


def transcribes(item: str = "item_u") -> Any:
    return events.ConversationItemInputAudioTranscriptionDelta(item_id=item, delta="hi")


def truncated(item: str = "item_1") -> Any:
    return events.ConversationItemTruncated(item_id=item, content_index=0, audio_end_ms=10)


def played(response: str = "resp_1") -> Any:
    return events.OutputAudioBufferStopped(response_id=response)


def create(item: Any) -> events.ConversationItemCreate:
    return events.ConversationItemCreate(item=item)


def answers(call_id: str = "call_1") -> events.ConversationItemCreate:
    return create(events.FunctionCallOutputItem(call_id=call_id, output="42"))


def truncate(audio_end_ms: int) -> events.ConversationItemTruncate:
    return events.ConversationItemTruncate(item_id="item_1", content_index=0, audio_end_ms=audio_end_ms)


def with_id(event: Any, event_id: str) -> Any:
    return attrs.evolve(event, event_id=event_id)


OPEN = [SESSION, created()]
ITEM = [*OPEN, opened()]
PART = [*ITEM, part()]
TEXT = [*PART, text("a"), text("b"), text_done("ab"), part_done(), closed()]
CALL = [*OPEN, opened(call()), arguments("{"), arguments("}"), arguments_done("{}"), closed(call())]
SPOKEN = [SESSION, speaks(), silent(), committed()]


def feed(sequence: Any, from_start: bool = True) -> list[tuple[str, str]]:
    """The rules and reasons of all that the events break."""
    rules = OrderRules(from_start)
    return [(breach.rule, breach.reason) for event in sequence for breach in rules.feed(event)]
