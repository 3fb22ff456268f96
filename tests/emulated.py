"""A client and the emulator's policy on a virtual wire and a virtual clock.

Everything passes through the core's sessions of both roles with ``strict=True``, so that every test here also proves
that the codec takes what the policy says and that its order keeps the rules.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import attrs
import numpy as np
from rtproto_emulator import Policy, Settings, Translation
from rtproto_emulator._unmute import Unmute

from rtproto import Close, Config, Role, Session, events

RATE = 24_000


def numbered() -> Callable[[str], str]:
    """Ids such as item_1, item_2, resp_1: each prefix counts for itself."""
    counters: dict[str, Any] = {}
    return lambda prefix: f"{prefix}_{next(counters.setdefault(prefix, count(1)))}"


def voice(seconds: float, rate: int = RATE) -> bytes:
    """PCM16 as loud as speech and as uneven: a tone in syllables, five a second."""
    time = np.arange(int(rate * seconds)) / rate
    loud = 0.3 * (0.6 + 0.4 * np.sin(2 * np.pi * 5 * time))
    pcm: bytes = np.rint(np.sin(2 * np.pi * 300 * time) * loud * 32767).astype("<i2").tobytes()
    return pcm


def silence(seconds: float, rate: int = RATE) -> bytes:
    """PCM16 with every sample 0."""
    return bytes(int(rate * seconds) * 2)


def append(pcm: bytes) -> events.InputAudioBufferAppend:
    return events.InputAudioBufferAppend(audio=pcm)


def chunks(pcm: bytes, size: int = 960) -> list[events.ClientEvent]:
    """The appends of a microphone: 20 ms each."""
    return [append(pcm[at : at + size]) for at in range(0, len(pcm), size)]


def wrote(text: str, **fields: Any) -> events.ConversationItemCreate:
    item = events.MessageItem(role="user", content=[events.InputText(text=text)], **fields)
    return events.ConversationItemCreate(item=item)


def update(**fields: Any) -> events.SessionUpdate:
    return events.SessionUpdate(session=events.RealtimeSession(**fields))


def hears(**fields: Any) -> events.SessionUpdate:
    return update(audio=events.AudioConfig(input=events.AudioInput(**fields)))


def create(**fields: Any) -> events.ResponseCreate:
    return events.ResponseCreate(response=events.ResponseCreateParams(**fields))


PUSH_TO_TALK = hears(turn_detection=None)
WRITTEN = update(output_modalities=["text"])


class Emulated:
    """One client of one policy; `now` is the virtual time, in seconds. One that is not `lawful` may say anything."""

    def __init__(
        self, settings: Settings | None = None, dialect: str = "ga", *, lawful: bool = True, **policy: Any
    ) -> None:
        settings = attrs.evolve(settings or Settings(), make_id=numbered())
        self.now = 100.0
        self.closed: Close | None = None
        self.seen: list[Any] = []
        self.wire: list[dict[str, Any]] = []
        """What the server said, as it travelled."""
        self.policy: Policy | Translation | Unmute
        if dialect == "ga-translation":
            self.policy = Translation(settings, **policy)
        elif dialect == "unmute":
            self.policy = Unmute(settings)
        else:
            self.policy = Policy(settings, dialect=dialect, **policy)
        self._server = Session(Role.SERVER, Config(strict=True, dialect=dialect))
        self._client = Session(Role.CLIENT, Config(strict=lawful, dialect=dialect))
        self._server.open(self.now)
        self._client.open(self.now)
        self._client.next_event()
        self.policy.start(self.now, unix_time=1_000_000.0)
        self.begin = self._carry()

    def say(self, *said: events.ClientEvent) -> list[Any]:
        """The client says these; returns what the server answers at once."""
        heard: list[Any] = []
        for event in said:
            self._client.send(event, self.now)
            for message in self._client.outgoing():
                self._server.receive(message, self.now)
            while (arrived := self._server.next_event()) is not None:
                if isinstance(arrived, events.ClientEvent):
                    self.policy.receive(arrived, self.now)
            heard += self._carry()
        return heard

    def raw(self, text: str) -> list[Any]:
        """The client says what may be no event."""
        self._client.send_raw(text, self.now)
        for message in self._client.outgoing():
            self._server.receive(message, self.now)
        while (arrived := self._server.next_event()) is not None:
            if isinstance(arrived, events.ClientEvent):
                self.policy.receive(arrived, self.now)
        return self._carry()

    def wait(self, seconds: float) -> list[Any]:
        """Time passes; returns what the server says meanwhile."""
        self.now += seconds
        self.policy.tick(self.now)
        return self._carry()

    def speak(self, pcm: bytes) -> list[Any]:
        """The client streams a microphone in real time."""
        heard: list[Any] = []
        for event in chunks(pcm):
            heard += self.say(event)
            heard += self.wait(0.02)
        return heard

    def finish(self) -> list[Any]:
        """Everything that the server still says within a minute."""
        return self.wait(60)

    def _carry(self) -> list[Any]:
        while (said := self.policy.next_event()) is not None:
            if isinstance(said, Close):
                self.closed = said
                continue
            self._server.send(said, self.now)
        for message in self._server.outgoing():
            if isinstance(message, str):
                self.wire.append(json.loads(message))
            self._client.receive(message, self.now)
        heard: list[Any] = []
        while (event := self._client.next_event()) is not None:
            assert isinstance(event, events.ServerEvent), event
            heard.append(event)
        self.seen += heard
        return heard


def types(heard: Iterable[Any]) -> list[str]:
    """The types in order, repeated ones once: how many deltas there are is nobody's business."""
    told: list[str] = []
    for event in heard:
        if not told or told[-1] != event.wire_type:
            told.append(event.wire_type)
    return told


def only(heard: Iterable[Any], cls: type) -> Any:
    """The one event of a class, as Any: a test knows what is in it."""
    (found,) = [event for event in heard if isinstance(event, cls)]
    return found


def every(heard: Iterable[Any], cls: type) -> list[Any]:
    return [event for event in heard if isinstance(event, cls)]


def refusal(heard: list[Any]) -> events.RealtimeError:
    """The error in an answer that is nothing but an error."""
    (event,) = heard
    assert isinstance(event, events.ErrorEvent)
    assert event.error.type == "invalid_request_error"
    return event.error


def sound(heard: Iterable[Any]) -> bytes:
    """What was spoken."""
    return b"".join(event.delta for event in every(heard, events.ResponseOutputAudioDelta))
