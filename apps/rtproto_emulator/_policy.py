"""What the server does in a conversation, or where it only transcribes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import attrs

from rtproto import Close, events, value

from ._asked import asked, refuse_transcription
from ._conversation import Conversation, place
from ._ears import Ears
from ._items import sounds_of, taken
from ._machine import Machine
from ._mcp import McpLists
from ._refusal import Refusal
from ._responses import Responses
from ._script import acting
from ._session import Session, default_session, instructions_of, updated_session
from ._settings import Settings
from ._transcriptions import Transcriptions
from ._turns import Turns
from ._vad import Started, Stopped

_NO_BETA = "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API."


class Policy(Machine):
    """A session of a conversation.

    `model` is what the client asked for in its URL (None: it did not say), `transcription` whether it wants a session
    that only transcribes, `dialect` how it speaks. `session` is what the session begins as, where the client's secret
    says so.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        model: str | None = None,
        transcription: bool = False,
        dialect: str = "ga",
        session: events.AnySession | None = None,
    ) -> None:
        super().__init__(acting(settings or Settings()), dialect)
        settings, out = self.settings, self._out
        self._wanted_session = session
        self._model = getattr(session, "model", None) or model
        wanted = transcription if session is None else isinstance(session, events.TranscriptionSession)
        self._transcription = wanted and self._habits.transcribes
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
        self._owes: float | None = None
        """Since when a response is due that nobody asked for, as soon as no other is active."""
        scenario = settings.scenario
        self._mcp = McpLists(out, scenario.mcp if scenario else {})

    @property
    def session_id(self) -> str:
        return value(self._session.id, "")

    # ---- time ----

    def _begin(self, expires_at: int) -> None:
        session_id = self.settings.make_id("sess")
        self._session = self._default = self._new_session(session_id, expires_at, transcription=self._transcription)
        if self._habits.dialect == "beta" and not self.settings.beta:
            self._refuse(Refusal("beta_api_shape_disabled", _NO_BETA), None)
            self._end(Close(4000, "invalid_request_error.beta_api_shape_disabled"))
            return
        refused: Refusal | None = None
        if self._wanted_session is not None:
            try:
                self._session = updated_session(
                    self._session, self._wanted_session, self._default, self._habits, spoke=False, busy=False
                )
            except Refusal as refusal:
                # A secret was checked by the words of the server that made it; this is another's path.
                refused = refusal
        self._turns.follow(self._session)
        self._out.send(events.SessionCreated(session=self._session))
        if refused is not None:
            self._refuse(refused, None)

    def _new_session(self, session_id: str, expires_at: int, *, transcription: bool) -> Session:
        return default_session(
            session_id,
            expires_at,
            self._habits,
            model=self._model or self._habits.model,
            instructions=instructions_of(self.settings.engines.responder),
            transcription=transcription,
        )

    def _moments(self) -> Iterable[float | None]:
        return (self._idle_at(), self._owed_at(), self._responses.due)

    def _act(self, moment: float) -> None:
        idle_at, owed_at = self._idle_at(), self._owed_at()
        if idle_at is not None and idle_at <= moment:
            self._idle(moment)
        elif owed_at is not None and owed_at <= moment:
            self._owes = None
            self._respond_unasked(moment)
        else:
            self._responses.advance(moment)

    def _idle_at(self) -> float | None:
        """When the silence since the last answer has lasted too long."""
        since, timeout = self._responses.quiet_since, self._turns.idle_ms
        return None if since is None or timeout is None else since + timeout / 1000

    def _owed_at(self) -> float | None:
        if self._owes is None or self._responses.active is not None:
            return None
        return max(self._owes, self._responses.ended)

    def _idle(self, now: float) -> None:
        self._responses.quiet_since = None
        self._turns.time_out()
        self._transcriptions.advance()
        self._respond_unasked(now)

    def _waits(self) -> bool:
        return self._transcriptions.pending or self._responses.waiting or self._turns.waits

    def _ask(self, now: float) -> None:
        # The client may be silent meanwhile: words end a turn without more of its sound.
        for turn in self._turns.look():
            self._turned(turn, now)
        self._transcriptions.advance()
        self._responses.ask(now)

    def _abandon(self) -> None:
        self._responses.abandon()
        self._transcriptions.stop()

    @property
    def _keeps_voice(self) -> bool:
        """Whether the assistant was heard, and so has its voice for good."""
        return self._habits.fixes_voice and self._responses.spoke

    # ---- one method an event of the client ----

    def _update(self, event: events.SessionUpdate, now: float) -> None:
        current, change = self._session, event.session
        if self._model is None and isinstance(current, events.RealtimeSession) and getattr(change, "model", None):
            current = attrs.evolve(current, model=getattr(change, "model", None))
        self._session = updated_session(
            current,
            change,
            self._default,
            self._habits,
            spoke=self._keeps_voice,
            busy=self._responses.active is not None,
        )
        self._turns.follow(self._session)
        self._out.send(events.SessionUpdated(session=self._session))
        self._mcp.named(getattr(self._session, "tools", None), self._conversation)

    def _append(self, event: events.InputAudioBufferAppend, now: float) -> None:
        for turn in self._turns.append(event.audio):
            self._turned(turn, now)

    def _turned(self, turn: Started | Stopped, now: float) -> None:
        self._responses.quiet_since = None
        if isinstance(turn, Started):
            self._owes = None
            if self._turns.interrupts:
                self._responses.interrupt(now)
                if self._turns.truncates:
                    self._responses.truncate(now)
        elif self._turns.asks:
            self._answer_turn(now)

    def _commit(self, event: events.InputAudioBufferCommit, now: float) -> None:
        self._turns.commit()
        self._responses.quiet_since = None

    def _answer_turn(self, now: float) -> None:
        self._respond_unasked(now)

    def _clear(self, event: events.InputAudioBufferClear, now: float) -> None:
        self._turns.clear()

    def _clear_output(self, event: events.OutputAudioBufferClear, now: float) -> None:
        message = "output_audio_buffer.clear is for WebRTC and SIP: over a WebSocket the client plays the audio."
        raise Refusal("invalid_event_for_transport", message, "type")

    def _create_item(self, event: events.ConversationItemCreate, now: float) -> None:
        conversation = self._conversation
        approvals = conversation.approval_requests()
        item = taken(event.item, self._out.make_id, conversation.call_ids(), "item", approvals, self._habits.longest_id)
        item_id = value(getattr(item, "id", None), "")
        previous = value(event.previous_item_id, None)
        conversation.check_place(item_id, previous)
        place(self._out, conversation, item, previous, done=self._habits.item_done)
        for index, sound in sounds_of(event.item, self._ears.buffer.encoding):
            conversation.add_sound(item_id, index, sound)
            self._transcriptions.start(item_id, sound, None, partial(conversation.transcribed, item_id, index))
        if isinstance(item, events.McpApprovalResponseItem) and item.approve and self._responses.active is None:
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
        self._owes = None
        self._mcp.named(event.response.tools if event.response else None, self._conversation)
        wanted = asked(session, event, self._habits, spoke=self._keeps_voice)
        if wanted.cancels_previous and not wanted.out_of_band and self._responses.active is not None:
            self._responses.cancel(None, now)
        self._responses.begin(wanted, self._ears.buffer.encoding, now)

    def _respond_unasked(self, now: float) -> None:
        """The server's own wish: where it cannot be, the error names no event of the client."""
        if isinstance(self._session, events.RealtimeSession):
            try:
                wanted = asked(self._session, events.ResponseCreate(), self._habits, spoke=self._keeps_voice)
                self._responses.begin(wanted, self._ears.buffer.encoding, now)
            except Refusal as refusal:
                self._refuse(refusal, None)

    def _cancel_response(self, event: events.ResponseCancel, now: float) -> None:
        self._responses.cancel(value(event.response_id, None), now)

    HANDLERS: ClassVar[Mapping[type[Any], Callable[[Any, Any, float], None]]] = {
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
