"""What the events change that bring text, speech, transcripts and arguments piece by piece."""

from collections.abc import Callable
from typing import Any, TypeAlias

from rtproto import events
from rtproto._conversation._dig import dig
from rtproto._conversation._part import TrackedPart
from rtproto._conversation._playback import pcm_of
from rtproto._conversation._state import State

Taker: TypeAlias = Callable[[State, Any], None]
"""What an event changes."""

OnPart: TypeAlias = Callable[[TrackedPart, Any], None]


def user_turn(item_id: str) -> events.MessageItem:
    """What is known of an item as soon as the user speaks."""
    return events.MessageItem(id=item_id, role="user")


def content_index(event: object) -> int:
    """Where in the item the part stands that `event` is about; the first, where it does not say."""
    found = dig(event, "content_index")
    return found if isinstance(found, int) else 0


def _on_part(state: State, event: Any, kind: "type[Any] | None", change: OnPart) -> None:
    item = state.item(event.item_id, getattr(event, "response_id", ""))
    if item is not None:
        part = item.part(content_index(event))
        if kind is events.InputAudio:
            item.said = item.said or user_turn(item.id)
        if kind is not None:
            part.stream(kind)
        change(part, event)
        state.weigh(item)


def _streams(kind: "type[Any]", change: OnPart) -> Taker:
    def take(state: State, event: Any) -> None:
        _on_part(state, event, kind, change)

    return take


# ---- what the assistant says ----


def _text_delta(part: TrackedPart, event: events.ResponseOutputTextDelta) -> None:
    part.text.grow(event.delta)


def _text_done(part: TrackedPart, event: events.ResponseOutputTextDone) -> None:
    part.text.replace(event.text)


def _transcript_delta(part: TrackedPart, event: events.ResponseOutputAudioTranscriptDelta) -> None:
    if part.audio_end_ms is None:
        part.transcript.grow(event.delta)


def _transcript_done(part: TrackedPart, event: events.ResponseOutputAudioTranscriptDone) -> None:
    if part.audio_end_ms is None:
        part.transcript.replace(event.transcript)


def _audio_delta(state: State, event: events.ResponseOutputAudioDelta) -> None:
    item = state.item(event.item_id, event.response_id)
    if item is None:
        return
    part = item.part(content_index(event))
    part.stream(events.OutputAudio)
    if part.audio_end_ms is None and event.delta:
        if not part.received:
            part.pcm = pcm_of(dig(state.responses.get(item.response_id), "said"), state.session)
        part.hear(event.delta, state.keep_audio)
        if not item.interrupted and part.cut_ms is None:
            state.playback.receive(item.id, content_index(event), part)
    state.weigh(item)


def _audio_done(part: TrackedPart, event: Any) -> None:
    part.sound_done = True


def _part(state: State, event: Any) -> None:
    part = event.part
    said: Any = part
    if isinstance(part, events.TextPart):
        said = events.OutputText(text=part.text)
    elif isinstance(part, events.AudioPart):
        said = events.OutputAudio(transcript=part.transcript, audio=part.audio)
    if said:
        _on_part(state, event, None, lambda tracked, _: tracked.say(said, state.keep_audio))


def _part_done(state: State, event: events.ResponseContentPartDone) -> None:
    _part(state, event)
    _on_part(state, event, None, _audio_done)


def _arguments_delta(state: State, event: Any) -> None:
    item = state.item(event.item_id, event.response_id)
    if item is not None:
        item.call_with(event.delta)
        state.weigh(item)


def _arguments_done(state: State, event: Any) -> None:
    item = state.item(event.item_id, event.response_id)
    if item is not None:
        item.called_with(event.arguments)
        state.weigh(item)


# ---- what the user says ----


def _transcribed_delta(part: TrackedPart, event: Any) -> None:
    # Qwen tells all of it each time, in two fields, and has no delta.
    sure = dig(event, "text")
    if isinstance(sure, str):
        part.transcript.replace(sure + (dig(event, "stash") or ""))
    else:
        part.transcript.grow(dig(event, "delta"))


def _transcript_so_far(part: TrackedPart, event: Any) -> None:
    part.transcript.replace(dig(event, "transcript"))


def _segment(part: TrackedPart, event: events.ConversationItemInputAudioTranscriptionSegment) -> None:
    part.add_segment(event)


def _transcribed(state: State, event: events.ConversationItemInputAudioTranscriptionCompleted) -> None:
    def change(part: TrackedPart, _: Any) -> None:
        part.transcript.replace(event.transcript)
        # Some servers complete a transcript again and again while it grows.
        if event.usage and not part.transcribed:
            part.transcribed = True
            state.usage.add_transcription(event.usage)

    if event.item_id:
        _on_part(state, event, events.InputAudio, change)
    else:
        state.usage.add_transcription(event.usage)


def _transcription_failed(state: State, event: events.ConversationItemInputAudioTranscriptionFailed) -> None:
    item = state.item(event.item_id)
    if item is not None:
        item.transcription_error = event.error
        # What was shown while it was recognised is not what was said.
        _on_part(state, event, events.InputAudio, lambda part, _: part.transcript.replace(""))


STREAMED: "dict[type, Taker]" = {
    events.ConversationItemInputAudioTranscriptionDelta: _streams(events.InputAudio, _transcribed_delta),
    events.ConversationItemInputAudioTranscriptionSegment: _streams(events.InputAudio, _segment),
    events.ConversationItemInputAudioTranscriptionCompleted: _transcribed,
    events.ConversationItemInputAudioTranscriptionFailed: _transcription_failed,
    events.ResponseContentPartAdded: _part,
    events.ResponseContentPartDone: _part_done,
    events.ResponseOutputTextDelta: _streams(events.OutputText, _text_delta),
    events.ResponseOutputTextDone: _streams(events.OutputText, _text_done),
    events.ResponseOutputAudioDelta: _audio_delta,
    events.ResponseOutputAudioDone: _streams(events.OutputAudio, _audio_done),
    events.ResponseOutputAudioTranscriptDelta: _streams(events.OutputAudio, _transcript_delta),
    events.ResponseOutputAudioTranscriptDone: _streams(events.OutputAudio, _transcript_done),
    events.ResponseFunctionCallArgumentsDelta: _arguments_delta,
    events.ResponseFunctionCallArgumentsDone: _arguments_done,
    events.ResponseMcpCallArgumentsDelta: _arguments_delta,
    events.ResponseMcpCallArgumentsDone: _arguments_done,
}
"""What each of these events changes."""

STREAMED_BY_NAME: "dict[str, Taker]" = {
    "conversation.item.input_audio_transcription.updated": _streams(events.InputAudio, _transcript_so_far),
    "conversation.item.input_audio_transcription.text": _streams(events.InputAudio, _transcribed_delta),
}
"""Events of one server alone, whose class is not known here: a transcript that is told whole each time."""
