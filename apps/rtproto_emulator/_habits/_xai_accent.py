"""How xAI tells what OpenAI tells otherwise: fields of its own, others that it lacks, and another order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import attrs

from rtproto import UNSET, events, value
from rtproto.events import xai

from .._sound import Encoding, encoding_of

_Said = Iterable[events.ServerEvent]


@attrs.define
class _Answer:
    """A response that is being said, since `began`."""

    began: float
    encoding: Encoding
    spoken_ms: float = 0.0
    words: str = ""
    """The id of the words that are being spoken."""
    unsaid: list[events.ServerEvent] = attrs.field(factory=list)
    """Words that wait for the first of their sound, which is told before them."""

    def catch_up(self) -> _Said:
        unsaid, self.unsaid = self.unsaid, []
        return unsaid


class Accent:
    """Of one session; `make_id` makes its ids. Recorded: xai_*.jsonl, and push-to-talk."""

    def __init__(self, make_id: Callable[[str], str]) -> None:
        self._make_id = make_id
        self._caption = False
        """Whether the client reads along while the user speaks."""
        self._heard: dict[str, str] = {}
        """What was understood so far of each item whose words are not whole."""
        self._placed = ""
        """The item of the user that was told when its speech began, and is not added yet."""
        self._since = 0.0
        """When the conversation began: time is what it bills."""
        self._going_on: dict[str, _Answer] = {}
        """Those that go on, by their ids."""

    def __call__(self, event: events.ServerEvent, at: float) -> _Said:
        change = self._CHANGES.get(type(event))
        for said in (event,) if change is None else change(self, event, at):
            yield said if isinstance(said, events.SessionCreated) else _placed(said)

    # ---- the session ----

    def _created(self, event: Any, at: float) -> _Said:
        session = event.session
        detection = session.audio.input.turn_detection or events.UnknownObject(raw={"type": None})
        told = xai.RealtimeSession(
            id=session.id,
            object=session.object,
            instructions=session.instructions,
            output_modalities=session.output_modalities,
            extra=_spelt(session.extra),
            tools=[_nested(tool) for tool in session.tools or []],
            model=session.model,
            audio=events.AudioConfig(
                input=xai.AudioInput(turn_detection=detection), output=xai.AudioOutput(voice=session.audio.output.voice)
            ),
        )
        self._since = at
        self._follow(session)
        yield attrs.evolve(event, session=told)
        conversation = events.Conversation(id=self._make_id("conv"), object="realtime.conversation")
        yield events.ConversationCreated(conversation=conversation)
        yield xai.Ping(timestamp=round(at * 1000))

    def _updated(self, event: Any, at: float) -> _Said:
        session = event.session
        heard, spoken = session.audio.input, session.audio.output
        self._follow(session)
        wanted = heard.transcription if heard.transcription != xai.AudioTranscription() else UNSET
        told = attrs.evolve(
            session,
            id=UNSET,
            object=UNSET,
            expires_at=UNSET,
            tracing=UNSET,
            truncation=UNSET,
            prompt=UNSET,
            tools=[_nested(tool) for tool in session.tools or []] or UNSET,
            audio=events.AudioConfig(
                input=attrs.evolve(heard, transcription=wanted, turn_detection=heard.turn_detection or UNSET),
                output=attrs.evolve(spoken, voice=UNSET),
            ),
            enable_noise_suppression=value(session.enable_noise_suppression, heard.turn_detection is not None),
            input_audio_format="not specified",
            output_audio_format="not specified",
            input_audio_transcription=wanted or None,
            extra=_spelt(session.extra),
        )
        yield attrs.evolve(event, session=told)

    def _follow(self, session: Any) -> None:
        heard = session.audio.input.transcription
        self._caption = heard is not None and bool(heard.model)

    # ---- what the user says ----

    def _started(self, event: Any, at: float) -> _Said:
        self._placed = event.item_id
        yield event
        yield events.ConversationItemAdded(item=_speech(event.item_id))

    def _added(self, event: Any, at: float) -> _Said:
        item = event.item
        if item.id == self._placed:
            self._placed = ""
        else:
            previous = event.previous_item_id if getattr(item, "role", None) == "assistant" else None
            yield attrs.evolve(event, item=_as_role(item, "tool"), previous_item_id=previous)

    def _more(self, event: Any, at: float) -> _Said:
        if self._caption:
            heard = self._heard[event.item_id] = self._heard.get(event.item_id, "") + event.delta
            yield xai.InputAudioTranscriptionUpdated(item_id=event.item_id, content_index=0, transcript=heard)

    def _transcribed(self, event: Any, at: float) -> _Said:
        self._heard.pop(event.item_id, None)
        yield xai.ConversationItemInputAudioTranscriptionCompleted(
            item_id=event.item_id, content_index=0, transcript=event.transcript, status="completed"
        )

    def _not_transcribed(self, event: Any, at: float) -> _Said:
        self._heard.pop(event.item_id, None)
        yield event

    # ---- what the assistant says ----

    def _answers(self, event: Any, at: float) -> _Said:
        self._going_on[event.response.id] = _Answer(at, encoding_of(event.response.audio.output.format))
        yield attrs.evolve(event, response=_response(event.response))

    def _answered(self, event: Any, at: float) -> _Said:
        usage, response = event.response.usage, _response(event.response)
        spoken_ms = self._going_on.pop(event.response.id).spoken_ms
        response.usage = xai.ResponseUsage(
            input_tokens=usage.input_tokens,
            input_token_details=_by_kind(xai.InputTokenDetails, usage.input_token_details),
            output_tokens=usage.output_tokens,
            output_token_details=_by_kind(xai.OutputTokenDetails, usage.output_token_details),
            total_tokens=usage.total_tokens,
            output_audio_seconds=spoken_ms / 1000,
            billable_audio_seconds=int(at - self._since),
        )
        response.extra = None
        yield xai.ResponseDone(response=response, response_id=response.id)

    def _item(self, event: Any, at: float) -> _Said:
        item = _as_role(event.item, "user")
        if isinstance(item, events.MessageItem):
            item = attrs.evolve(item, content=UNSET)
        yield attrs.evolve(event, item=item)

    def _says(self, event: Any, at: float) -> _Said:
        answer, said = self._going_on[event.response_id], self._make_id("event")
        delta = xai.ResponseOutputAudioTranscriptDelta(
            **_where(event), event_id=said, rid=said, start_time=answer.spoken_ms / 1000
        )
        if answer.spoken_ms:
            answer.words = said
            yield delta
        else:
            answer.words = answer.words or said
            answer.unsaid.append(delta)

    def _said(self, event: Any, at: float) -> _Said:
        yield from self._going_on[event.response_id].catch_up()
        yield event

    def _sounds(self, event: Any, at: float) -> _Said:
        answer = self._going_on[event.response_id]
        ms = len(event.delta) / answer.encoding.bytes_per_ms
        latency = UNSET if answer.spoken_ms else f"{at - answer.began:.2f}"
        answer.spoken_ms += ms
        yield xai.ResponseOutputAudioDelta(
            **_where(event), rid=answer.words, latency=latency, audio_duration_ms=round(ms), ts=round(at * 1000)
        )
        yield from answer.catch_up()

    def _sounded(self, event: Any, at: float) -> _Said:
        return ()  # it comes after its part

    def _part(self, event: Any, at: float) -> _Said:
        yield attrs.evolve(event, part=UNSET)
        if isinstance(event.part, events.AudioPart):
            where = {name: held for name, held in _where(event).items() if name != "delta"}
            yield events.ResponseOutputAudioDone(**where)

    def _opens(self, event: Any, at: float) -> _Said:
        event.extra = {"previous_item_id": "0"}
        yield event

    def _calls(self, event: Any, at: float) -> _Said:
        yield attrs.evolve(event, output_index=UNSET, obfuscation=UNSET)

    def _writes(self, event: Any, at: float) -> _Said:
        yield attrs.evolve(event, obfuscation=UNSET)

    _CHANGES: ClassVar[dict[type, Callable[[Accent, Any, float], _Said]]] = {
        events.SessionCreated: _created,
        events.SessionUpdated: _updated,
        events.InputAudioBufferSpeechStarted: _started,
        events.ConversationItemAdded: _added,
        events.ConversationItemInputAudioTranscriptionDelta: _more,
        events.ConversationItemInputAudioTranscriptionCompleted: _transcribed,
        events.ConversationItemInputAudioTranscriptionFailed: _not_transcribed,
        events.ResponseCreated: _answers,
        events.ResponseDone: _answered,
        events.ResponseOutputItemAdded: _item,
        events.ResponseOutputItemDone: _item,
        events.ResponseOutputAudioTranscriptDelta: _says,
        events.ResponseOutputAudioTranscriptDone: _said,
        events.ResponseOutputAudioDelta: _sounds,
        events.ResponseOutputAudioDone: _sounded,
        events.ResponseContentPartAdded: _opens,
        events.ResponseContentPartDone: _part,
        events.ResponseFunctionCallArgumentsDelta: _calls,
        events.ResponseOutputTextDelta: _writes,
    }


def _placed(event: Any) -> events.ServerEvent:
    """Every event names a previous item, mostly none; every item is the first."""
    if hasattr(event, "previous_item_id"):
        previous = event.previous_item_id or None
        event.previous_item_id = previous if event.type == events.ConversationItemAdded.type else None
    else:
        event.extra = {"previous_item_id": None, **(event.extra or {})}
    if value(getattr(event, "output_index", None), None) is not None:
        event.output_index = 0
    said: events.ServerEvent = event
    return said


def _spelt(extra: dict[str, Any] | None) -> dict[str, Any] | None:
    """The modalities, where the client spelt them in another way."""
    return {"modalities": extra["modalities"]} if extra and "modalities" in extra else None


def _where(event: Any) -> dict[str, Any]:
    """What an event about a content part says."""
    names = ("item_id", "response_id", "content_index", "output_index", "delta")
    return {name: getattr(event, name) for name in names if hasattr(event, name)}


def _speech(item_id: str) -> events.MessageItem:
    content: list[events.Content] = [events.InputAudio(transcript="")]
    return events.MessageItem(id=item_id, object="realtime.item", status="in_progress", role="user", content=content)


def _as_role(item: Any, role: str) -> Any:
    """Calls and their outputs have a role, too."""
    if isinstance(item, events.FunctionCallOutputItem):
        return attrs.evolve(item, status="completed", extra={"role": "tool"})
    return attrs.evolve(item, extra={"role": role}) if isinstance(item, events.FunctionCallItem) else item


def _response(response: events.RealtimeResponse) -> events.RealtimeResponse:
    """Little is told of it, and of its end only why it failed."""
    details: Any = "unimplemented" if response.status != "failed" else response.status_details
    return events.RealtimeResponse(
        id=response.id,
        object=response.object,
        output=[_as_role(item, "user") for item in response.output or []],
        status=response.status,
        status_details=details,
        # Not recorded, but a client of livekit's knows its answers by it.
        metadata=response.metadata or UNSET,
        extra={"usage": {}},
    )


def _by_kind(cls: Any, details: Any) -> Any:
    text, audio = (value(getattr(details, name, 0), 0) for name in ("text_tokens", "audio_tokens"))
    return cls(text_tokens=text, audio_tokens=audio, grok_tokens=0)


def _nested(tool: Any) -> Any:
    """Functions are told with their fields in an object of their own."""
    if not isinstance(tool, events.FunctionTool):
        return tool
    fields = {name: getattr(tool, name) for name in ("name", "description", "parameters")}
    function = {name: held for name, held in fields.items() if held is not UNSET}
    return events.UnknownObject(raw={"type": "function", "function": function})
