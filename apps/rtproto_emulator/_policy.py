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

from ._asked import asked, refuse_transcription
from ._checks import check_known
from ._conversation import Conversation, place
from ._ears import Ears
from ._habits import habits_of
from ._items import sounds_of, taken
from ._outbox import Outbox
from ._refusal import Refusal, invalid
from ._responses import Responses
from ._session import default_session, updated_session
from ._settings import Settings
from ._transcriptions import Transcriptions
from ._turns import Turns
from ._vad import Started

_PATIENCE = 0.02
"""Seconds until an engine that had nothing yet is asked again: a fiftieth of a second is soon enough for speech."""


class Policy:
    """One session of the server.

    `model` is what the client asked for in its URL (None: it did not say), `transcription` whether it wants a session
    that only transcribes, `dialect` how it speaks.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        model: str | None = None,
        transcription: bool = False,
        dialect: str = "ga",
    ) -> None:
        self.settings = settings = settings or Settings()
        self._habits = habits_of(dialect)
        self._model = model
        self._transcription = transcription
        self._out = out = Outbox(
            settings.make_id, obfuscation=settings.obfuscation, item_object=self._habits.item_object
        )
        self._conversation = Conversation(
            settings.make_id("conv"),
            max_items=settings.max_items,
            max_text=settings.max_text,
            max_audio=settings.max_audio,
        )
        self._transcriptions = Transcriptions(out, settings.engines.transcriber)
        self._ears = Ears(settings.engines.activity, settings.max_input_ms, self._transcriptions.pause_ms)
        self._turns = Turns(out, self._habits, self._ears, self._conversation, self._transcriptions)
        self._responses = Responses(out, settings, self._habits, self._conversation, self._transcriptions)
        self._expires: float | None = None
        self._asked = 0.0

    # ---- what the host does ----

    def start(self, now: float, unix_time: float = 0.0) -> None:
        """The client is connected. `now` is in seconds of a monotonic clock, `unix_time` in seconds since 1970."""
        settings = self.settings
        self._session = self._default = default_session(
            settings.make_id("sess"),
            int(unix_time + settings.duration),
            self._habits,
            model=self._model or self._habits.model,
            transcription=self._transcription,
        )
        self._turns.follow(self._session)
        self._expires = now + settings.duration
        self._out.send(events.SessionCreated(session=self._session))

    def receive(self, event: events.ClientEvent, now: float) -> None:
        """Does what a client asks; what is wrong is answered with an `error` event that echoes its event_id."""
        self.tick(now)
        if self._expires is None:
            return
        # A dialect's own class of an event is derived from the one that all share.
        handler = next((self._HANDLERS[cls] for cls in type(event).__mro__ if cls in self._HANDLERS), None)
        try:
            if handler is None:
                raise invalid("type", event.wire_type, tuple(str(cls.type) for cls in self._HANDLERS))
            if event.extra is not None or not isinstance(event, events.InputAudioBufferAppend):
                check_known(event, self._habits.modalities)
            handler(self, event, now)
        except Refusal as refusal:
            given = event.raw.get("event_id") if isinstance(event, events.Unknown) else event.event_id
            self._refuse(refusal, given if isinstance(given, str) else None)
        self.tick(now)

    def next_event(self) -> events.ServerEvent | Close | None:
        """What must be sent next, None when there is nothing now. After a Close nothing comes any more."""
        return self._out.next()

    @property
    def pending(self) -> int:
        """How much waits in `next_event()`."""
        return len(self._out)

    def deadline(self) -> float | None:
        """When `tick()` is due; None: never."""
        moments = (self._expires, self._idle_at(), self._ask_at(), self._responses.due)
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
            self._responses.advance(moment)

    def _ask_at(self) -> float | None:
        """When to ask the engines again that had nothing yet; whoever hosts them may tick sooner."""
        waiting = self._transcriptions.pending or self._responses.waiting
        return self._asked + _PATIENCE if waiting and self._expires is not None else None

    def _ask_engines(self, now: float) -> None:
        self._asked = now
        self._transcriptions.advance()
        self._responses.ask(now)

    # ---- one method an event of the client ----

    def _update(self, event: events.SessionUpdate, now: float) -> None:
        current, change = self._session, event.session
        if self._model is None and isinstance(current, events.RealtimeSession) and getattr(change, "model", None):
            current = attrs.evolve(current, model=getattr(change, "model", None))
        self._session = updated_session(current, change, self._default, self._habits, spoke=self._responses.spoke)
        self._turns.follow(self._session)
        self._out.send(events.SessionUpdated(session=self._session))

    def _append(self, event: events.InputAudioBufferAppend, now: float) -> None:
        for turn in self._turns.append(event.audio):
            self._responses.quiet_since = None
            if isinstance(turn, Started):
                if self._turns.interrupts:
                    self._responses.interrupt(now)
            elif self._turns.asks:
                self._respond_unasked(now)

    def _commit(self, event: events.InputAudioBufferCommit, now: float) -> None:
        self._turns.commit()
        self._responses.quiet_since = None

    def _clear(self, event: events.InputAudioBufferClear, now: float) -> None:
        self._turns.clear()

    def _clear_output(self, event: events.OutputAudioBufferClear, now: float) -> None:
        message = "output_audio_buffer.clear is for WebRTC and SIP: over a WebSocket the client plays the audio."
        raise Refusal("invalid_event_for_transport", message, "type")

    def _create_item(self, event: events.ConversationItemCreate, now: float) -> None:
        conversation = self._conversation
        item = taken(event.item, self._out.make_id, conversation.call_ids(), "item")
        item_id = value(getattr(item, "id", None), "")
        previous = value(event.previous_item_id, None)
        conversation.check_place(item_id, previous)
        place(self._out, conversation, item, previous, done=self._habits.item_done)
        for index, sound in sounds_of(event.item, self._ears.buffer.encoding):
            conversation.add_sound(item_id, index, sound)
            self._transcriptions.start(item_id, sound, None, partial(conversation.transcribed, item_id, index))

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
        wanted = asked(session, event, self._habits, spoke=self._responses.spoke)
        if wanted.cancels_previous and not wanted.out_of_band and self._responses.active is not None:
            self._responses.cancel(None, now)
        self._responses.begin(wanted, self._ears.buffer.encoding, now)

    def _respond_unasked(self, now: float) -> None:
        """The server's own wish: where it cannot be, the error names no event of the client."""
        if isinstance(self._session, events.RealtimeSession):
            try:
                wanted = asked(self._session, events.ResponseCreate(), self._habits, spoke=self._responses.spoke)
                self._responses.begin(wanted, self._ears.buffer.encoding, now)
            except Refusal as refusal:
                self._refuse(refusal, None)

    def _cancel_response(self, event: events.ResponseCancel, now: float) -> None:
        self._responses.cancel(value(event.response_id, None), now)

    # ---- time ----

    def _idle_at(self) -> float | None:
        """When the silence since the last answer has lasted too long."""
        since, timeout = self._responses.quiet_since, self._turns.idle_ms
        return None if since is None or timeout is None or self._expires is None else since + timeout / 1000

    def _idle(self, now: float) -> None:
        self._responses.quiet_since = None
        self._turns.time_out()
        self._transcriptions.advance()
        self._respond_unasked(now)

    def _expire(self) -> None:
        minutes = f"{self.settings.duration / 60:g}"
        message = f"Your session hit the maximum duration of {minutes} minutes."
        self._refuse(Refusal("session_expired", message), None)
        self._out.close(Close(1001, message))
        self._expires = None
        self._responses.abandon()

    def _refuse(self, refusal: Refusal, event_id: str | None) -> None:
        if refusal.param is not None:
            refusal = refusal.at(self._habits.wire_path(refusal.param))
        self._out.send(events.ErrorEvent(error=refusal.error(event_id)))

    _HANDLERS: ClassVar[dict[type[Any], Callable[[Policy, Any, float], None]]] = {
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
