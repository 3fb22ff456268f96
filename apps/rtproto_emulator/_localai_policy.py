"""LocalAI's server, where it does otherwise than OpenAI's: see `_habits/_localai.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from rtproto import events, value

from ._policy import Policy
from ._refusal import Refusal
from ._session import hearing_as


class LocalaiPolicy(Policy):
    """A session of a conversation with LocalAI.

    An update may make a transcription session of it, and back. A turn is answered when its words are known; one that
    the client commits, too, and where turns are detected it may commit none. A cancel where nothing is said does
    nothing.
    """

    def _owed_at(self) -> float | None:
        return None if self._transcriptions.pending else super()._owed_at()

    def _answer_turn(self, now: float) -> None:
        self._owes = now

    def _update(self, event: events.SessionUpdate, now: float) -> None:
        session, default, change = self._session, self._default, event.session
        if not isinstance(change, events.UnknownObject) and change.type != session.type:
            transcription = isinstance(change, events.TranscriptionSession)
            expires_at = value(session.expires_at, 0)
            self._default = self._new_session(self.session_id, expires_at, transcription=transcription)
            self._session = hearing_as(self._default, session)
        try:
            super()._update(event, now)
        except Refusal:
            self._session, self._default = session, default
            raise

    def _commit(self, event: events.InputAudioBufferCommit, now: float) -> None:
        if self._turns.detects:
            raise Refusal("not_implemented", "input_audio_buffer.commit in conjunction with VAD")
        super()._commit(event, now)
        self._answer_turn(now)

    def _cancel_response(self, event: events.ResponseCancel, now: float) -> None:
        if self._responses.active is not None:
            super()._cancel_response(event, now)

    HANDLERS: ClassVar[Mapping[type[Any], Callable[[Any, Any, float], None]]] = {
        **Policy.HANDLERS,
        events.SessionUpdate: _update,
        events.InputAudioBufferCommit: _commit,
        events.ResponseCancel: _cancel_response,
    }
