"""Qwen-Omni-Realtime of Alibaba Cloud, by its documentation of 2026 and what its clients report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import attrs

from rtproto import UNSET, events, value
from rtproto.events import qwen

from .._checks import QWEN_CHECKS
from .._refusal import Refusal
from ._habits import SERVER_VAD, WHOLE, Habits, MakeId, Realtime, older

_VAD = attrs.evolve(SERVER_VAD, silence_duration_ms=800, idle_timeout_ms=UNSET)
_SEMANTIC = qwen.SemanticVad(
    threshold=0.5,
    prefix_padding_ms=300,
    silence_duration_ms=800,
    create_response=True,
    interrupt_response=True,
)
_LEAST_THRESHOLD = 0.1
"""Thresholds begin at -1 here, and the documented examples have 0.1: below it a turn would hear no silence, and end
never."""
_TRANSCRIPTION = events.AudioTranscription(model="qwen3-asr-flash-realtime")
_INPUT = events.AudioInput(format=events.AudioPcm(rate=16_000), transcription=_TRANSCRIPTION, turn_detection=_VAD)

_MODELS = {"qwen3.8": ("Tina", 0.7), "qwen3.5": ("Tina", 0.7), "qwen-omni-turbo": ("Chelsie", 1.0)}
"""How the names of models begin -> their voice and temperature. Those of the others are in the documented example."""
_TOOLLESS = ("qwen3-omni-flash", "qwen-omni-turbo")
"""Models that call no functions: their sessions drop the tools without a word (reported)."""


def _begun(session: Realtime) -> Realtime:
    model = value(session.model, "")
    voice, temperature = next((own for start, own in _MODELS.items() if model.startswith(start)), ("Cherry", 0.8))
    output = events.AudioOutput(format=events.AudioPcm(rate=24_000), voice=voice)
    unsaid = dict.fromkeys(("expires_at", "instructions", "include", "max_output_tokens"), UNSET)
    return older(
        qwen.RealtimeSession,
        session,
        _VAD,
        audio=events.AudioConfig(input=_INPUT, output=output),
        temperature=temperature,
        enable_search=False,
        search_options={},
        **unsaid,
    )


def _settled(session: Realtime) -> Realtime:
    """As it is told: in the usual spelling, and without what the model cannot."""
    audio, tools = session.audio, session.tools
    assert audio
    assert audio.input
    assert audio.output
    if tools and value(session.model, "").startswith(_TOOLLESS):
        tools = None
    if tools and getattr(session, "enable_search", False):
        message = "Invalid 'session.enable_search': a session has either tools or the search."
        raise Refusal("invalid_value", message, "session.enable_search")
    heard = attrs.evolve(audio.input, format=_usual(audio.input.format, 16_000))
    spoken = attrs.evolve(audio.output, format=_usual(audio.output.format, 24_000))
    return attrs.evolve(session, audio=events.AudioConfig(input=heard, output=spoken), tools=tools, extra=None)


def _understood(heard: events.AudioInput) -> events.AudioInput:
    detection: Any = heard.turn_detection
    if not detection or value(detection.threshold, _LEAST_THRESHOLD) >= _LEAST_THRESHOLD:
        return heard
    return attrs.evolve(heard, turn_detection=attrs.evolve(detection, threshold=_LEAST_THRESHOLD))


def _usual(given: Any, rate: int) -> Any:
    """An object that says no more than the usual name does is told as that."""
    says_more = isinstance(given, events.UnknownObject) and given.raw.get("sample_rate", rate) != rate
    return given if says_more else events.AudioPcm(rate=rate)


def _response(**said: Any) -> events.RealtimeResponse:
    for name in ("temperature", "max_output_tokens", "metadata"):
        said.pop(name, None)
    return events.RealtimeResponse(**said)


# ---- what it says otherwise ----

_WORDS = {
    "input_audio_buffer_commit_empty": "Error committing input audio buffer, maybe no invalid audio stream.",
    "response_cancel_not_active": "Conversation has none active response",
}
"""Errors of OpenAI -> what Qwen says, without a code, as reported."""


class Accent:
    """Of one session: what Qwen's server says where OpenAI's says an event."""

    def __init__(self, make_id: MakeId) -> None:
        self._heard: dict[str, str] = {}
        """The words by now, by item."""

    def __call__(self, event: events.ServerEvent, at: float) -> Iterable[events.ServerEvent]:
        change = _CHANGES.get(type(event))
        if isinstance(event, events.ConversationItemInputAudioTranscriptionDelta):
            yield self._partial(event)
            return
        if change is not None:
            change(event)
        if isinstance(event, _WHOLE_WORDS):
            self._heard.pop(event.item_id, None)
        yield event

    def _partial(self, piece: events.ConversationItemInputAudioTranscriptionDelta) -> events.ServerEvent:
        """All of the words, of which the newest may change."""
        certain, newest = self._heard.get(piece.item_id, ""), value(piece.delta, "")
        self._heard[piece.item_id] = certain + newest
        return qwen.ConversationItemInputAudioTranscriptionDelta(
            item_id=piece.item_id, content_index=piece.content_index, text=certain, stash=newest
        )


_WHOLE_WORDS = (
    events.ConversationItemInputAudioTranscriptionCompleted,
    events.ConversationItemInputAudioTranscriptionFailed,
)


def _error(error: events.RealtimeError) -> events.RealtimeError:
    message = _WORDS.get(str(error.code))
    return events.RealtimeError(
        type=error.type,
        code=UNSET if message else error.code or UNSET,
        message=message or error.message,
        param=error.param or UNSET,
    )


def _committed(event: events.InputAudioBufferCommitted) -> None:
    event.previous_item_id = UNSET


def _created(event: events.ConversationItemAdded) -> None:
    event.previous_item_id = UNSET
    item = event.item
    if isinstance(item, events.MessageItem) and item.role == "user":
        event.item = attrs.evolve(
            item, status="in_progress", content=[_without_data(part) for part in item.content or []]
        )


def _without_data(part: events.Content) -> events.Content:
    if isinstance(part, events.InputAudio):
        return events.InputAudio()
    return events.InputImage() if isinstance(part, events.InputImage) else part


def _part(event: events.ResponseContentPartAdded | events.ResponseContentPartDone) -> None:
    """The words of a spoken part are its text."""
    if isinstance(event.part, events.AudioPart):
        event.part = events.AudioPart(extra={"text": value(event.part.transcript, "")})


def _item_done(event: events.ResponseOutputItemDone) -> None:
    if isinstance(event.item, events.MessageItem):
        content = [
            events.OutputAudio(extra={"text": value(part.transcript, "")})
            if isinstance(part, events.OutputAudio)
            else part
            for part in event.item.content or []
        ]
        event.item = attrs.evolve(event.item, content=content)


def _transcription_failed(event: events.ConversationItemInputAudioTranscriptionFailed) -> None:
    event.error = attrs.evolve(event.error, type=UNSET)


def _responding(event: events.ResponseCreated | events.ResponseDone) -> None:
    response = event.response
    event.response = attrs.evolve(
        response,
        status_details=response.status_details or UNSET,
        usage=_usage(response.usage) if response.usage else UNSET,
    )


def _usage(usage: events.ResponseUsage) -> qwen.ResponseUsage:
    heard, spoken = usage.input_token_details, usage.output_token_details
    return qwen.ResponseUsage(
        total_tokens=usage.total_tokens,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        input_tokens_details=_details(heard) if heard else UNSET,
        output_tokens_details=_details(spoken) if spoken else UNSET,
    )


def _details(details: events.InputTokenDetails | events.OutputTokenDetails) -> qwen.TokensDetails:
    return qwen.TokensDetails(text_tokens=details.text_tokens, audio_tokens=details.audio_tokens)


_CHANGES: dict[type, Callable[[Any], None]] = {
    events.InputAudioBufferCommitted: _committed,
    events.ConversationItemAdded: _created,
    events.ResponseContentPartAdded: _part,
    events.ResponseContentPartDone: _part,
    events.ResponseOutputItemDone: _item_done,
    events.ConversationItemInputAudioTranscriptionFailed: _transcription_failed,
    events.ResponseCreated: _responding,
    events.ResponseDone: _responding,
}

QWEN = Habits(
    dialect="qwen",
    model="qwen3-omni-flash-realtime",
    begun=_begun,
    settled=_settled,
    whole=WHOLE
    | {
        events.ServerVad: _VAD,
        events.SemanticVad: _SEMANTIC,
        qwen.SemanticVad: _SEMANTIC,
        events.AudioTranscription: _TRANSCRIPTION,
    },
    cleared=frozenset({"turn_detection", "transcription", "smooth_output", "top_k"}),
    checks=QWEN_CHECKS,
    modalities=(["audio", "text"],),
    formats=("pcm16", "pcm24"),
    accent=Accent,
    error=_error,
    response=_response,
    silent=frozenset({"rate_limits.updated"}),
    item_object="realtime.item",
    item_done=False,
    transcription_usage=False,
    transcribes=False,
    fixes_voice=False,
    heard=_understood,
)
