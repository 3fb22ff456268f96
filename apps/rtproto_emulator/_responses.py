"""The responses of a session: which are being made, and when the last one was heard to its end."""

from __future__ import annotations

from functools import partial
from typing import Any

from rtproto import events

from ._asked import Asked
from ._conversation import Conversation
from ._engines import Context
from ._habits import Habits
from ._items import Inputs
from ._outbox import Outbox
from ._refusal import Refusal
from ._response import Response
from ._settings import Settings
from ._sound import Encoding
from ._tokens import rate_limits
from ._transcriptions import Transcriptions


class Responses:
    """At most one of them writes to the default conversation; others may run beside it."""

    def __init__(
        self,
        out: Outbox,
        settings: Settings,
        habits: Habits,
        conversation: Conversation,
        transcriptions: Transcriptions,
    ) -> None:
        self.quiet_since: float | None = None
        """When the last answer was heard to its end; None while someone speaks or answers."""
        self.ended = float("-inf")
        """When the last one ended."""
        self._out = out
        self._settings = settings
        self._habits = habits
        self._conversation = conversation
        self._transcriptions = transcriptions
        self._open: list[Response] = []
        self._memory: dict[object, Any] = {}
        """What the brain remembers of this session."""
        self._spoke = False
        self._last: tuple[str, float] | None = None
        """The last message that was spoken, and when its sound began."""

    @property
    def spoke(self) -> bool:
        """Whether the assistant was ever heard."""
        return self._spoke or (self.active is not None and self.active.audio_ms > 0)

    @property
    def active(self) -> Response | None:
        """The one that writes to the default conversation."""
        return next((response for response in self._open if not response.asked.out_of_band), None)

    def begin(self, wanted: Asked, encoding: Encoding, now: float) -> None:
        """Begins a response; `encoding` is that of audio among its input. Refuses a second one at a time."""
        active = self.active
        if active is not None and not wanted.out_of_band:
            message = (
                f"Conversation already has an active response in progress: {active.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise Refusal("conversation_already_has_active_response", message)
        if len(self._open) >= self._settings.max_responses:
            message = f"At most {self._settings.max_responses} responses may be active at once: wait for one to finish."
            raise Refusal("too_many_active_responses", message)
        inputs = Inputs(wanted, self._conversation, self._out.make_id, encoding)
        for item_id, index, sound in inputs.own_sounds():
            self._transcriptions.start(item_id, sound, None, partial(inputs.transcribed, item_id, index))
        if not wanted.out_of_band:
            self.quiet_since = None
        response = Response(
            self._out.make_id("resp"),
            wanted,
            conversation=self._conversation,
            context=partial(self._context, wanted, inputs),
            out=self._out,
            settings=self._settings,
            now=now,
        )
        self._open.append(response)
        if self._habits.limits_after == "response.created":
            self._out.send(rate_limits(0))

    def _context(self, wanted: Asked, inputs: Inputs) -> Context | None:
        """What a response is made from; None while words are still unknown."""
        return None if self._transcriptions.pending else inputs.context(wanted, self._memory)

    def cancel(self, response_id: str | None, now: float) -> None:
        """Cancels that response, or the one of the default conversation. Refuses where there is none."""
        for response in self._open:
            if response.id == response_id or (response_id is None and not response.asked.out_of_band):
                response.cancel("client_cancelled")
                self._reap(now)
                return
        raise Refusal("response_cancel_not_active", "Cancellation failed: no active response found")

    def interrupt(self, now: float) -> None:
        """Somebody speaks: what is being said to the default conversation ends."""
        if self.active is not None:
            self.active.cancel("turn_detected")
            self._reap(now)
        self.quiet_since = None

    def truncate(self, now: float) -> None:
        """Truncates the last answer where its sound, played since it came, would not be over yet."""
        item_id, since = self._last or ("", now)
        sound = self._conversation.sound(item_id, 0)
        played_ms = int((now - since) * 1000)
        self._last = None
        if sound is not None and played_ms < sound.ms:
            self._conversation.truncate(item_id, 0, played_ms)
            self._out.send(events.ConversationItemTruncated(item_id=item_id, content_index=0, audio_end_ms=played_ms))

    def abandon(self) -> None:
        """The session is over: what engines still do for it is dropped."""
        for response in self._open:
            response.drop()
        self._open.clear()

    # ---- time ----

    @property
    def idle(self) -> bool:
        """Whether none is being made."""
        return not self._open

    @property
    def waiting(self) -> bool:
        """Whether one of them waits for an engine."""
        return any(response.due is None for response in self._open)

    @property
    def due(self) -> float | None:
        """When the next of them goes on."""
        return min((response.due for response in self._open if response.due is not None), default=None)

    def advance(self, moment: float) -> None:
        """Goes on with what is due at `moment`, one step."""
        due = (response for response in self._open if response.due is not None and response.due <= moment)
        next(due).advance(moment)
        self._reap(moment)

    def ask(self, now: float) -> None:
        """Asks the engines again that had nothing yet."""
        for response in [response for response in self._open if response.due is None]:
            response.advance(now)
        self._reap(now)

    def _reap(self, now: float) -> None:
        """Lets go of the responses that have ended."""
        for response in [response for response in self._open if response.done is not None]:
            self._open.remove(response)
            self.ended = now
            if not response.asked.out_of_band:
                self._spoke = self._spoke or response.audio_ms > 0
                self._last = response.spoken or self._last
                self.quiet_since = now + response.audio_ms / 1000
            if self._habits.limits_after == "response.done":
                self._out.send(rate_limits(response.tokens))
