"""What all kinds of sessions have in common: client events and the clock in, server events out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import attrs

from rtproto import Close, events

from ._habits import habits_of
from ._outbox import Outbox
from ._refusal import Refusal, too_long
from ._settings import Settings

_PATIENCE = 0.02
"""Seconds until an engine that had nothing yet is asked again: a fiftieth of a second is soon enough for speech."""

_MAX_EVENT_ID = 512
"""Characters, as at OpenAI."""


class Machine(ABC):
    """One session of the server. No I/O, no clock, no task, no thread.

    The law is the core's: mutate, then drain `next_event()`, then wait until `deadline()`; repeat. Under an injected
    `make_id` a session repeats exactly.
    """

    HANDLERS: ClassVar[Mapping[type[Any], Callable[[Any, Any, float], None]]]
    """What is done with each event of a client."""

    def __init__(self, settings: Settings | None, dialect: str) -> None:
        self._habits = habits = habits_of(dialect)
        settings = settings or Settings()
        self.settings = settings = attrs.evolve(settings, make_id=habits.ids(settings.make_id))
        self._out = self.outbox = Outbox(settings.make_id, habits, obfuscation=settings.obfuscation)
        self._since_1970 = 0.0
        """What a moment of the monotonic clock lacks."""
        self.tell_sound: Callable[[float, float], object] | None = None
        """Is told how many seconds were heard and said, by a session whose sound is compressed."""
        self._expires: float | None = None
        """When the session ends; None before it begins, and once it has ended."""
        self._asked = 0.0

    # ---- what the host does ----

    def start(self, now: float, unix_time: float = 0.0) -> None:
        """The client is connected. `now` is in seconds of a monotonic clock, `unix_time` in seconds since 1970."""
        self._expires = now + self.settings.duration
        self._since_1970 = unix_time - now
        self._out.at = unix_time
        self._begin(int(unix_time + self.settings.duration))

    def receive(self, event: events.ClientEvent, now: float) -> None:
        """Does what a client asks; what is wrong is answered with an `error` event that echoes its event_id."""
        self.tick(now)
        if self._expires is None:
            return
        given = event.raw.get("event_id") if isinstance(event, events.Unknown) else event.event_id
        event_id = given if isinstance(given, str) else None
        try:
            self._handle(event, event_id or "", now)
        except Refusal as refusal:
            self._refuse(refusal, event_id)
        self.tick(now)

    def _handle(self, event: events.ClientEvent, event_id: str, now: float) -> None:
        # A dialect's own class of an event is derived from the one that all share.
        handler = next((self.HANDLERS[cls] for cls in type(event).__mro__ if cls in self.HANDLERS), None)
        if handler is None:
            known = tuple(self._habits.wire_type(str(cls.type)) for cls in self.HANDLERS)
            raise self._habits.unknown_event(event.wire_type, known)
        self._check(event, event_id)
        handler(self, event, now)

    def _check(self, event: events.ClientEvent, event_id: str) -> None:
        """Refuses what no handler would see."""
        if len(event_id) > _MAX_EVENT_ID:
            raise too_long("event_id", event_id, _MAX_EVENT_ID)
        if event.extra is not None or not isinstance(event, events.InputAudioBufferAppend):
            self._habits.check_known(event)

    def next_event(self) -> events.ServerEvent | Close | None:
        """What must be sent next, None when there is nothing now. After a Close nothing comes any more."""
        return self._out.next()

    @property
    @abstractmethod
    def session_id(self) -> str:
        """Of the session, once it has started."""

    @property
    def pending(self) -> int:
        """How much waits in `next_event()`."""
        return len(self._out)

    def deadline(self) -> float | None:
        """When `tick()` is due; None: never."""
        if self._expires is None:
            return None
        patience = self._asked + _PATIENCE if self._waits() else None
        return min(moment for moment in (self._expires, patience, *self._moments()) if moment is not None)

    def tick(self, now: float) -> None:
        """Time has passed, or an engine has more. Early and repeated calls do nothing.

        Everything happens at its own moment: a late tick gives the same events as many early ones.
        """
        if self._expires is None:
            return
        self._asked = now
        self._out.at = self._since_1970 + now
        self._ask(now)
        while (moment := self.deadline()) is not None and moment <= now:
            self._out.at = self._since_1970 + moment
            if self._expires is not None and self._expires <= moment:
                self._expire()
            else:
                self._act(moment)
        self._out.at = self._since_1970 + now

    def stop(self) -> None:
        """The client is gone: drops all that engines still do for it."""
        self._expires = None
        self._abandon()

    def _end(self, close: Close) -> None:
        """Nothing comes after this."""
        self._out.close(close)
        self.stop()

    def _expire(self) -> None:
        message = f"Your session hit the maximum duration of {self.settings.duration / 60:g} minutes."
        self._refuse(Refusal("session_expired", message), None)
        self._end(Close(1001, message))

    def _refuse(self, refusal: Refusal, event_id: str | None) -> None:
        if refusal.param is not None:
            refusal = refusal.at(self._habits.wire_path(refusal.param))
        self._out.send(events.ErrorEvent(error=refusal.error(event_id)))

    def failed_transcription(
        self, event: events.ConversationItemInputAudioTranscriptionCompleted, code: str, message: str
    ) -> Iterable[events.ServerEvent]:
        """What is said instead of `event` where a transcription failed."""
        error = events.ErrorDetails(type="transcription_error", code=code, message=message, param=None)
        failed = events.ConversationItemInputAudioTranscriptionFailed(
            event_id=event.event_id, item_id=event.item_id, content_index=event.content_index, error=error
        )
        return self._out.accented(failed)

    # ---- what each kind of session does in its own way ----

    @abstractmethod
    def _begin(self, expires_at: int) -> None:
        """Greets the client. `expires_at` is in seconds since 1970."""

    @abstractmethod
    def _moments(self) -> Iterable[float | None]:
        """When something is due."""

    @abstractmethod
    def _act(self, moment: float) -> None:
        """Does what is due at `moment`, one step."""

    @abstractmethod
    def _waits(self) -> bool:
        """Whether an engine had nothing yet."""

    @abstractmethod
    def _ask(self, now: float) -> None:
        """Asks the engines again."""

    @abstractmethod
    def _abandon(self) -> None:
        """Lets go of what is under way."""
