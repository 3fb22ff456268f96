"""Which events are about what, as the order rules see them."""

from rtproto import events
from rtproto._unset import value

PartDelta = events.ResponseOutputTextDelta | events.ResponseOutputAudioDelta | events.ResponseOutputAudioTranscriptDelta
PartDone = events.ResponseOutputTextDone | events.ResponseOutputAudioDone | events.ResponseOutputAudioTranscriptDone
Delta = PartDelta | events.ResponseFunctionCallArgumentsDelta
StreamDone = PartDone | events.ResponseFunctionCallArgumentsDone
WholeDone = (
    events.ResponseOutputTextDone | events.ResponseOutputAudioTranscriptDone | events.ResponseFunctionCallArgumentsDone
)
"""Holds the whole of what its deltas brought."""
ItemEvent = (
    Delta
    | StreamDone
    | events.ResponseContentPartAdded
    | events.ResponseContentPartDone
    | events.ResponseMcpCallArgumentsDelta
    | events.ResponseMcpCallArgumentsDone
    | events.ResponseOutputItemDone
)
"""About an item that a response has opened."""
OutputEvent = ItemEvent | events.ResponseOutputItemAdded
"""About an item of a response."""
ResponseEvent = OutputEvent | events.ResponseDone
"""About a response, and never after its end."""
PlaybackEvent = events.OutputAudioBufferStarted | events.OutputAudioBufferStopped | events.OutputAudioBufferCleared
"""About a response, often after its end: it is played more slowly than it is made."""
ItemAdded = events.ConversationItemAdded | events.ConversationItemCreated

_STREAMS: "dict[type, str]" = {
    events.ResponseOutputTextDelta: "text",
    events.ResponseOutputTextDone: "text",
    events.ResponseOutputAudioDelta: "audio",
    events.ResponseOutputAudioDone: "audio",
    events.ResponseOutputAudioTranscriptDelta: "transcript",
    events.ResponseOutputAudioTranscriptDone: "transcript",
    events.ResponseFunctionCallArgumentsDelta: "arguments",
    events.ResponseFunctionCallArgumentsDone: "arguments",
}


def streamed_by(event: "Delta | StreamDone") -> str:
    """What an event streams: also the name of the field that holds the whole in a `WholeDone`."""
    return next(name for cls, name in _STREAMS.items() if isinstance(event, cls))


def id_of(thing: "events.Item | events.RealtimeResponse") -> str:
    """The id of an item or a response, "" where it has none."""
    found = thing.raw.get("id") if isinstance(thing, events.UnknownObject) else getattr(thing, "id", None)
    return found if isinstance(found, str) else ""


def response_id(event: "ResponseEvent | PlaybackEvent") -> str:
    """The id of the response that `event` is about, "" where it names none."""
    return id_of(event.response) if isinstance(event, events.ResponseDone) else value(event.response_id, "")


def item_id(event: OutputEvent) -> str:
    """The id of the response's item that `event` is about, "" where it names none."""
    has_item = (events.ResponseOutputItemAdded, events.ResponseOutputItemDone)
    return id_of(event.item) if isinstance(event, has_item) else value(event.item_id, "")
