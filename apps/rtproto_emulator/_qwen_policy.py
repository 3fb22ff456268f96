"""Qwen-Omni's server, where it does otherwise than OpenAI's (as it is documented, and as its clients found)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from rtproto import events
from rtproto.events import qwen

from ._policy import Policy
from ._refusal import Refusal, invalid

_OUTPUT = "function_call_output"

_UNTAKEN = frozenset(
    {
        events.ConversationItemDelete,
        events.ConversationItemRetrieve,
        events.ConversationItemTruncate,
        events.OutputAudioBufferClear,
    }
)
"""Events of OpenAI's clients that it does not know."""
_TAKEN = {cls: do for cls, do in Policy.HANDLERS.items() if cls not in _UNTAKEN}


class QwenPolicy(Policy):
    """A session of a conversation with Qwen-Omni.

    A client may show pictures, and create no items but the outputs of functions. Where turns are detected a commit is
    refused, and the last output that is missing is answered unasked. A client that has nothing more to say is told when
    the server has not either.
    """

    _finishes: float | None = None
    """Since when the client has nothing more to say."""

    # ---- time ----

    def _moments(self) -> Iterable[float | None]:
        return (*super()._moments(), self._finished_at())

    def _act(self, moment: float) -> None:
        finished_at = self._finished_at()
        if finished_at is not None and finished_at <= moment:
            self._finishes = None
            self._out.send(qwen.SessionFinished())
        else:
            super()._act(moment)

    def _finished_at(self) -> float | None:
        busy = not self._responses.idle or self._transcriptions.pending or self._owes is not None
        return None if self._finishes is None or busy else max(self._finishes, self._responses.ended)

    # ---- one method an event of the client ----

    def _commit(self, event: events.InputAudioBufferCommit, now: float) -> None:
        if self._turns.detects:
            message = "Turns are detected: they are committed without being asked."
            raise Refusal("input_audio_buffer_commit_empty", message)
        super()._commit(event, now)

    def _create_item(self, event: events.ConversationItemCreate, now: float) -> None:
        kind = getattr(event.item, "type", _OUTPUT)
        if kind != _OUTPUT:
            raise invalid("item.type", kind, (_OUTPUT,))
        super()._create_item(event, now)
        if self._turns.detects and self._turns.asks and not self._conversation.open_calls():
            self._owes = now

    def _show(self, event: qwen.InputImageBufferAppend, now: float) -> None:
        self._turns.show(event.image)

    def _finish(self, event: qwen.SessionFinish, now: float) -> None:
        if self._turns.end() and self._turns.asks:
            self._owes = now
        self._finishes = now

    HANDLERS: ClassVar[Mapping[type[Any], Callable[[Any, Any, float], None]]] = {
        **_TAKEN,
        events.InputAudioBufferCommit: _commit,
        events.ConversationItemCreate: _create_item,
        qwen.InputImageBufferAppend: _show,
        qwen.SessionFinish: _finish,
    }
