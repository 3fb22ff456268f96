"""xAI's server, where it does otherwise than OpenAI's (as its clients found)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import attrs

from rtproto import events
from rtproto.events import xai

from ._asked import asked, refuse_transcription
from ._policy import Policy
from ._refusal import missing
from ._session import audio_input


class XaiPolicy(Policy):
    """A session of a conversation with Grok Voice.

    Where turns are detected a commit does nothing. Where they are not, a commit of speech is answered at once, a commit
    of silence never; and once speech is answered, a ``response.create`` does nothing until something else has come.
    """

    _answered = False
    """Whether the latest that came was speech, and it has its answer."""

    @property
    def _push_to_talk(self) -> bool:
        """Whether it is the client that ends turns."""
        return not audio_input(self._session).turn_detection

    def _commit(self, event: events.InputAudioBufferCommit, now: float) -> None:
        if not self._push_to_talk or not self._turns.end():
            return
        self._responses.quiet_since = None
        self._respond_unasked(now)
        self._answered = True

    def _create_response(self, event: events.ResponseCreate, now: float) -> None:
        if self._push_to_talk and not self._turns.end() and self._answered:
            return
        self._answered = False
        super()._create_response(event, now)

    def _clear(self, event: events.InputAudioBufferClear, now: float) -> None:
        self._answered = False
        super()._clear(event, now)

    def _create_item(self, event: events.ConversationItemCreate, now: float) -> None:
        self._answered = False
        if isinstance(event.item, xai.ForceMessageItem):
            self._say_as_it_is(event.item, now)
        else:
            super()._create_item(event, now)

    def _say_as_it_is(self, item: xai.ForceMessageItem, now: float) -> None:
        """Nobody asks the model, and it is no item of the conversation but an answer."""
        wanted = asked(refuse_transcription(self._session), events.ResponseCreate(), self._habits, spoke=False)
        said = _forced_text(item)
        if not said:
            raise missing("item.content[0].text")
        wanted = attrs.evolve(wanted, text=said)
        if item.voice:
            wanted = attrs.evolve(wanted, output=attrs.evolve(wanted.output, voice=item.voice))
        self._responses.begin(wanted, self._ears.buffer.encoding, now)

    HANDLERS: ClassVar[Mapping[type[Any], Callable[[Any, Any, float], None]]] = {
        **Policy.HANDLERS,
        events.InputAudioBufferCommit: _commit,
        events.InputAudioBufferClear: _clear,
        events.ConversationItemCreate: _create_item,
        events.ResponseCreate: _create_response,
    }


def _forced_text(item: xai.ForceMessageItem) -> str:
    """The words that are to be said; xAI's documentation calls their part by several types."""
    parts = item.content or []
    texts = (
        part.raw.get("text") if isinstance(part, events.UnknownObject) else getattr(part, "text", "") for part in parts
    )
    return "".join(text for text in texts if isinstance(text, str))
