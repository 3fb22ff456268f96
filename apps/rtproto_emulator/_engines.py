"""Ears, brain and voice: what the policy asks of them, as Protocols.

Their answers are iterators of pieces. A piece None means "nothing yet": the policy asks again at its next `tick()`,
20 ms later if nothing else happens, so an engine may work in another thread or process. Dropping the iterator cancels
the work. An engine that raises makes the transcription or response fail, never the session. All audio is little-endian
PCM16, mono, 24 000 Hz unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import attrs

from rtproto import events

from ._sound import sized


@attrs.frozen(kw_only=True)
class Speech:
    """What a transcriber is given: `pcm` of one turn, and what the session says of it.

    `asker` stands for the session: a transcriber that many share is fair between them.
    """

    pcm: bytes = attrs.field(repr=sized)
    language: str | None = None
    prompt: str | None = None
    asker: object = attrs.field(default=None, repr=False, eq=False)


@attrs.frozen(kw_only=True)
class Context:
    """What a response is made from: the conversation (or the response's own input), and its settings.

    `items` are in order, transcripts filled in. `heard` is the audio of the last user message, empty if it was written;
    `heard_ms` the length of all user audio in `items`.
    """

    items: Sequence[events.Item] = ()
    heard: bytes = attrs.field(default=b"", repr=sized)
    heard_ms: int = 0
    instructions: str = ""
    tools: Sequence[events.FunctionTool] = ()
    tool_choice: events.ToolChoice = "auto"
    modality: str = "audio"
    voice: str = "alloy"
    speed: float = 1.0


@attrs.frozen
class Say:
    """Part of the answer's words, with the spaces that belong to them."""

    text: str


@attrs.frozen(kw_only=True)
class Call:
    """The answer calls the function `name`; `arguments` is JSON text."""

    name: str
    arguments: str


class VoiceActivity(Protocol):
    """Hears whether someone speaks. One is made for a session, for the sample rate of its input."""

    hop_ms: int
    """How much audio one judgement is about."""

    def feed(self, pcm: bytes) -> Sequence[float]:
        """Takes PCM16 cut anywhere, at the rate it was made for; returns a probability of speech for each full hop."""
        ...


class Transcriber(Protocol):
    """Understands words."""

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        """The transcript, in pieces that are never taken back; none at all where nothing was said."""
        ...


@runtime_checkable
class EarlyTranscriber(Transcriber, Protocol):
    """One that takes long, and so is asked already in the silence that may be the end of a turn.

    Where speech goes on, what it was asked is dropped, and later it is asked again.
    """

    pause_ms: int
    """How long the silence has lasted then."""

    def prepare(self) -> None:
        """Someone has begun to speak: it will be asked soon."""
        ...


class Responder(Protocol):
    """Decides what to answer."""

    def respond(self, context: Context) -> Iterator[Say | Call | None]:
        """The answer, in order."""
        ...


@runtime_checkable
class InstructedResponder(Responder, Protocol):
    """One that has orders of its own."""

    instructions: str
    """Those of a session whose client gives none."""


class Speaker(Protocol):
    """Says words."""

    def speak(self, text: str, context: Context) -> Iterator[bytes | None]:
        """The sound of `text`, in pieces of any size."""
        ...
