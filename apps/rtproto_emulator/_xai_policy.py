"""xAI's server, where it does otherwise than OpenAI's (as its clients found)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from rtproto import events

from ._policy import Policy


class XaiPolicy(Policy):
    """A session of a conversation with Grok Voice.

    Where turns are detected a commit does nothing. Where they are not, a commit of speech is answered at once, a commit
    of silence never; and once speech is answered, a ``response.create`` does nothing until something else has come.
    """

    _answered = False
    """Whether the latest that came was speech, and it has its answer."""

    def _commit(self, event: events.InputAudioBufferCommit, now: float) -> None:
        if not self.push_to_talk or not self._turns.end():
            return
        self._responses.quiet_since = None
        self._respond_unasked(now)
        self._answered = True

    def _create_response(self, event: events.ResponseCreate, now: float) -> None:
        if self.push_to_talk and self._turns.end():
            self._answered = False
        if not self._answered:
            super()._create_response(event, now)

    def _clear(self, event: events.InputAudioBufferClear, now: float) -> None:
        self._answered = False
        super()._clear(event, now)

    def _create_item(self, event: events.ConversationItemCreate, now: float) -> None:
        self._answered = False
        super()._create_item(event, now)

    HANDLERS: ClassVar[Mapping[type[Any], Callable[[Any, Any, float], None]]] = {
        **Policy.HANDLERS,
        events.InputAudioBufferCommit: _commit,
        events.InputAudioBufferClear: _clear,
        events.ConversationItemCreate: _create_item,
        events.ResponseCreate: _create_response,
    }
