"""What the server does: client events and the clock in, server events out. No I/O, no clock, no task, no thread.

The law is the core's: mutate, then drain `next_event()`, then wait until `deadline()`; repeat. Under an injected
`make_id` a session repeats exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import attrs

from rtproto import Close, events, value

from ._asked import Asked, asked, refuse_transcription
from ._checks import check_known
from ._conversation import Conversation
from ._ears import Ears
from ._engines import Context
from ._items import Inputs, idle_note, sounds_of, taken
from ._mcp import McpLists
from ._outbox import Outbox
from ._refusal import Refusal, invalid
from ._response import Response
from ._script import acting
from ._session import audio_input, default_session, updated_session
from ._settings import Settings
from ._sound import Sound
from ._tokens import rate_limits
from ._transcriptions import Early, Transcriptions
from ._vad import Paused, Resumed, Started, Stopped, Turning

_PATIENCE = 0.02
"""Seconds until an engine that had nothing yet is asked again: a fiftieth of a second is soon enough for speech."""


@attrs.define
class _Speech:
    """The turn that goes on: the id of the item that it will be, where it began, and its words if it ends here."""

    item_id: str
    start_ms: int
    early: Early | None = None


class Policy:
    """One session of the server.

    `model` is what the client asked for in its URL (None: it did not say), `transcription` whether it wants a session
    that only transcribes, `beta` whether it speaks the beta protocol, which knows a temperature and reports rate
    limits earlier.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        model: str | None = None,
        transcription: bool = False,
        beta: bool = False,
    ) -> None:
        self.settings = acting(settings or Settings())
        self._out = self.outbox = Outbox(self.settings.make_id, obfuscation=self.settings.obfuscation)
        self._model = model
        self._transcription = transcription
        self._beta = beta
        engines = self.settings.engines
        self._transcriptions = Transcriptions(self._out, engines.transcriber)
        self._ears = Ears(engines.activity, self.settings.max_input_ms, self._transcriptions.pause_ms)
        scenario = self.settings.scenario
        self._mcp = McpLists(self._out, scenario.mcp if scenario else {})
        self._memory: dict[object, Any] = {}
        self._responses: list[Response] = []
        self._speech: _Speech | None = None
        self._spoke = False
        self._quiet_since: float | None = None
        """When the last answer was heard to its end; None while someone speaks or answers."""
        self._expires: float | None = None
        self._asked = 0.0

    # ---- what the host does ----

    def start(self, now: float, unix_time: float = 0.0) -> None:
        """The client is connected. `now` is in seconds of a monotonic clock, `unix_time` in seconds since 1970."""
        make_id, settings = self._out.make_id, self.settings
        self._conversation = Conversation(
            make_id("conv"),
            max_items=settings.max_items,
            max_text=settings.max_text,
            max_audio=settings.max_audio,
        )
        self._session = self._default = default_session(
            make_id("sess"),
            int(unix_time + settings.duration),
            model=self._model or "gpt-realtime",
            transcription=self._transcription,
            beta=self._beta,
        )
        self._ears.configure(audio_input(self._session))
        self._expires = now + settings.duration
        self._out.send(events.SessionCreated(session=self._session))

    def receive(self, event: events.ClientEvent, now: float) -> None:
        """Does what a client asks; what is wrong is answered with an `error` event that echoes its event_id."""
        self.tick(now)
        if self._expires is None:
            return
        handler = self._HANDLERS.get(type(event))
        try:
            if handler is None:
                raise invalid("type", event.wire_type, tuple(str(cls.type) for cls in self._HANDLERS))
            if event.extra is not None or not isinstance(event, events.InputAudioBufferAppend):
                check_known(event, beta=self._beta)
            handler(self, event, now)
        except Refusal as refusal:
            given = event.raw.get("event_id") if isinstance(event, events.Unknown) else event.event_id
            self._refuse(refusal, given if isinstance(given, str) else None)
        self.tick(now)

    def next_event(self) -> events.ServerEvent | Close | None:
        """What must be sent next, None when there is nothing now. After a Close nothing comes any more."""
        return self._out.next()

    @property
    def session_id(self) -> str:
        """Of the session, once it has started."""
        return value(self._session.id, "")

    @property
    def pending(self) -> int:
        """How much waits in `next_event()`."""
        return len(self._out)

    def deadline(self) -> float | None:
        """When `tick()` is due; None: never."""
        moments = [self._expires, self._idle_at(), self._ask_at(), *(response.due for response in self._responses)]
        return min((moment for moment in moments if moment is not None), default=None)

    def tick(self, now: float) -> None:
        """Time has passed, or an engine has more. Early and repeated calls do nothing.

        Everything happens at its own moment: a late tick gives the same events as many early ones.
        """
        self._ask_engines(now)
        while (moment := self.deadline()) is not None and moment <= now:
            self._act(moment)

    def _act(self, moment: float) -> None:
        """Does what is due at `moment`."""
        if _due(self._expires, moment):
            self._expire()
        elif _due(self._idle_at(), moment):
            self._idle(moment)
        else:
            next(response for response in self._responses if _due(response.due, moment)).advance(moment)
            self._reap(moment)

    def _ask_at(self) -> float | None:
        """When to ask the engines again that had nothing yet; whoever hosts them may tick sooner."""
        waiting = self._transcriptions.pending or any(response.due is None for response in self._responses)
        return self._asked + _PATIENCE if waiting and self._expires is not None else None

    def _ask_engines(self, now: float) -> None:
        self._asked = now
        self._transcriptions.advance()
        for response in [response for response in self._responses if response.due is None]:
            response.advance(now)
        self._reap(now)

    # ---- one method an event of the client ----

    def _update(self, event: events.SessionUpdate, now: float) -> None:
        current, change = self._session, event.session
        if self._model is None and isinstance(current, events.RealtimeSession) and getattr(change, "model", None):
            current = attrs.evolve(current, model=getattr(change, "model", None))
        self._session = updated_session(current, change, self._default, spoke=self._spoke)
        self._ears.configure(audio_input(self._session))
        if not self._ears.speaking:
            self._speech = None
        self._out.send(events.SessionUpdated(session=self._session))
        self._mcp.named(getattr(self._session, "tools", None), self._conversation)

    def _append(self, event: events.InputAudioBufferAppend, now: float) -> None:
        for turn in self._ears.append(event.audio):
            self._TURNS[type(turn)](self, turn, now)

    def _commit(self, event: events.InputAudioBufferCommit, now: float) -> None:
        sound = self._ears.commit()
        speech, self._speech = self._speech, None
        self._take_turn(speech.item_id if speech else self._out.make_id("item"), sound)

    def _clear(self, event: events.InputAudioBufferClear, now: float) -> None:
        self._ears.clear()
        self._speech = None
        self._out.send(events.InputAudioBufferCleared())

    def _clear_output(self, event: events.OutputAudioBufferClear, now: float) -> None:
        message = "output_audio_buffer.clear is for WebRTC and SIP: over a WebSocket the client plays the audio."
        raise Refusal("invalid_event_for_transport", message, "type")

    def _create_item(self, event: events.ConversationItemCreate, now: float) -> None:
        conversation = self._conversation
        approvals = conversation.approval_requests()
        item = taken(event.item, self._out.make_id, conversation.call_ids(), "item", approvals)
        item_id = value(getattr(item, "id", None), "")
        previous = value(event.previous_item_id, None)
        conversation.check_place(item_id, previous)
        self._add_done(item_id, item, previous)
        for index, sound in sounds_of(event.item, self._ears.buffer.encoding):
            conversation.add_sound(item_id, index, sound)
            self._transcriptions.start(item_id, sound, None, partial(conversation.transcribed, item_id, index))
        if isinstance(item, events.McpApprovalResponseItem) and item.approve and self._active() is None:
            self._respond_unasked(now)

    def _delete_item(self, event: events.ConversationItemDelete, now: float) -> None:
        self._conversation.get(event.item_id, "delete", "deleting")
        self._conversation.remove(event.item_id)
        self._out.send(events.ConversationItemDeleted(item_id=event.item_id))

    def _retrieve_item(self, event: events.ConversationItemRetrieve, now: float) -> None:
        item = self._conversation.get(event.item_id, "retrieve", "retrieving")
        self._out.send(events.ConversationItemRetrieved(item=self._conversation.with_audio(event.item_id, item)))

    def _truncate_item(self, event: events.ConversationItemTruncate, now: float) -> None:
        self._conversation.truncate(event.item_id, event.content_index, event.audio_end_ms)
        self._out.send(
            events.ConversationItemTruncated(
                item_id=event.item_id, content_index=event.content_index, audio_end_ms=event.audio_end_ms
            )
        )

    def _create_response(self, event: events.ResponseCreate, now: float) -> None:
        session = refuse_transcription(self._session)
        self._mcp.named(event.response.tools if event.response else None, self._conversation)
        self._respond(asked(session, event.response or None, spoke=self._spoke), now)

    def _cancel_response(self, event: events.ResponseCancel, now: float) -> None:
        wanted = value(event.response_id, None)
        for response in self._responses:
            if response.id == wanted or (wanted is None and not response.asked.out_of_band):
                response.cancel("client_cancelled")
                self._reap(now)
                return
        raise Refusal("response_cancel_not_active", "Cancellation failed: no active response found")

    # ---- turns ----

    def _speech_started(self, turn: Started, now: float) -> None:
        self._quiet_since = None
        start = max(turn.at_ms, self._ears.buffer.origin_ms)
        speech = self._speech = _Speech(self._out.make_id("item"), start)
        self._out.send(events.InputAudioBufferSpeechStarted(audio_start_ms=start, item_id=speech.item_id))
        self._transcriptions.prepare()
        active = self._active()
        if active is not None and value(getattr(self._detection(), "interrupt_response", None), True):
            active.cancel("turn_detected")
            self._reap(now)

    def _speech_paused(self, turn: Paused | Resumed, now: float) -> None:
        """Where the turn may have ended its words are looked for; where it goes on they are dropped."""
        if self._speech is not None:
            sound = self._ears.buffer.peek(self._speech.start_ms, turn.at_ms) if isinstance(turn, Paused) else None
            self._speech.early = self._transcriptions.begin(sound, self._wanted()) if sound else None

    def _speech_stopped(self, turn: Stopped, now: float) -> None:
        speech, self._speech = self._speech, None
        assert speech is not None, "a turn ends only after it began"
        self._out.send(events.InputAudioBufferSpeechStopped(audio_end_ms=turn.at_ms, item_id=speech.item_id))
        self._take_turn(speech.item_id, self._ears.buffer.take(speech.start_ms, turn.at_ms), speech.early)
        if value(getattr(self._detection(), "create_response", None), True):
            self._respond_unasked(now)

    def _take_turn(self, item_id: str, sound: Sound, early: Early | None = None) -> None:
        """Makes committed audio a user message."""
        conversation = self._conversation
        self._quiet_since = None
        self._out.send(events.InputAudioBufferCommitted(previous_item_id=conversation.tail(), item_id=item_id))
        item = events.MessageItem(
            id=item_id, status="completed", role="user", content=[events.InputAudio(transcript=None)]
        )
        self._add_done(item_id, item, None)
        conversation.add_sound(item_id, 0, sound)
        self._transcriptions.start(item_id, sound, self._wanted(), partial(conversation.transcribed, item_id, 0), early)

    def _add_done(self, item_id: str, item: events.Item, previous: str | None) -> None:
        before = self._conversation.add(item_id, item, previous)
        self._out.send(events.ConversationItemAdded(previous_item_id=before, item=item))
        done_after = self._conversation.previous_when_done(item_id)
        self._out.send(events.ConversationItemDone(previous_item_id=done_after, item=item))

    def _wanted(self) -> events.AudioTranscription | None:
        return audio_input(self._session).transcription or None

    def _detection(self) -> object:
        return audio_input(self._session).turn_detection

    # ---- responses ----

    def _active(self) -> Response | None:
        """The one that writes to the default conversation."""
        return next((response for response in self._responses if not response.asked.out_of_band), None)

    def _respond(self, wanted: Asked, now: float) -> None:
        active = self._active()
        if active is not None and not wanted.out_of_band:
            message = (
                f"Conversation already has an active response in progress: {active.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise Refusal("conversation_already_has_active_response", message)
        if len(self._responses) >= self.settings.max_responses:
            message = f"At most {self.settings.max_responses} responses may be active at once: wait for one to finish."
            raise Refusal("too_many_active_responses", message)
        inputs = Inputs(wanted.input, self._conversation, self._out.make_id, self._ears.buffer.encoding)
        for item_id, index, sound in inputs.own_sounds():
            self._transcriptions.start(item_id, sound, None, partial(inputs.transcribed, item_id, index))
        if not wanted.out_of_band:
            self._quiet_since = None
        response = Response(
            self._out.make_id("resp"),
            wanted,
            conversation=self._conversation,
            context=partial(self._context, wanted, inputs),
            out=self._out,
            settings=self.settings,
            now=now,
        )
        self._responses.append(response)
        if self._beta:
            self._out.send(rate_limits(0))

    def _respond_unasked(self, now: float) -> None:
        """The server's own wish: where it cannot be, the error names no event of the client."""
        if isinstance(self._session, events.RealtimeSession):
            try:
                self._respond(asked(self._session, None, spoke=self._spoke), now)
            except Refusal as refusal:
                self._refuse(refusal, None)

    def _context(self, wanted: Asked, inputs: Inputs) -> Context | None:
        """What a response is made from; None while words are still unknown."""
        return None if self._transcriptions.pending else inputs.context(wanted, self._memory)

    def _reap(self, now: float) -> None:
        """Lets go of the responses that have ended."""
        for response in [response for response in self._responses if response.done is not None]:
            self._responses.remove(response)
            if not response.asked.out_of_band:
                self._spoke = self._spoke or response.audio_ms > 0
                self._quiet_since = now + response.audio_ms / 1000
            if not self._beta:
                self._out.send(rate_limits(response.tokens))

    # ---- time ----

    def _idle_at(self) -> float | None:
        """When the silence since the last answer has lasted too long."""
        timeout = getattr(self._detection(), "idle_timeout_ms", None) if self._expires is not None else None
        if self._quiet_since is None or not timeout:
            return None
        seconds: float = timeout / 1000
        return self._quiet_since + seconds

    def _idle(self, now: float) -> None:
        """Nobody spoke: what was heard meanwhile becomes a message, and the model is told."""
        buffer = self._ears.buffer
        timeout: int = value(getattr(self._detection(), "idle_timeout_ms", None), 0)
        end = buffer.position_ms
        start = max(buffer.origin_ms, end - timeout)
        item_id = self._out.make_id("item")
        self._out.send(events.InputAudioBufferTimeoutTriggered(audio_start_ms=start, audio_end_ms=end, item_id=item_id))
        note = idle_note(self._out.make_id("item"))
        self._add_done(value(note.id, ""), note, None)
        self._take_turn(item_id, buffer.take(start, end))
        self._transcriptions.advance()
        self._respond_unasked(now)

    def _expire(self) -> None:
        minutes = f"{self.settings.duration / 60:g}"
        message = f"Your session hit the maximum duration of {minutes} minutes."
        self._refuse(Refusal("session_expired", message), None)
        self._out.close(Close(1001, message))
        self._expires = None
        self._responses.clear()

    def _refuse(self, refusal: Refusal, event_id: str | None) -> None:
        self._out.send(events.ErrorEvent(error=refusal.error(event_id)))

    _TURNS: ClassVar[dict[type[Turning], Callable[[Policy, Any, float], None]]] = {
        Started: _speech_started,
        Paused: _speech_paused,
        Resumed: _speech_paused,
        Stopped: _speech_stopped,
    }
    _HANDLERS: ClassVar[dict[type[events.ClientEvent], Callable[[Policy, Any, float], None]]] = {
        events.SessionUpdate: _update,
        events.InputAudioBufferAppend: _append,
        events.InputAudioBufferCommit: _commit,
        events.InputAudioBufferClear: _clear,
        events.ConversationItemCreate: _create_item,
        events.ConversationItemTruncate: _truncate_item,
        events.ConversationItemDelete: _delete_item,
        events.ConversationItemRetrieve: _retrieve_item,
        events.ResponseCreate: _create_response,
        events.ResponseCancel: _cancel_response,
        events.OutputAudioBufferClear: _clear_output,
    }


def _due(moment: float | None, now: float) -> bool:
    return moment is not None and moment <= now
