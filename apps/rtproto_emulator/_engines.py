"""Ears, brain and voice: what the policy asks of them, as Protocols.

Their answers are iterators of pieces. A piece None means "nothing yet": the policy asks again at its next `tick()`,
20 ms later if nothing else happens, so an engine may work in another thread or process. Dropping the iterator cancels
the work. An engine that raises makes the transcription or response fail, never the session. All audio is little-endian
PCM16, mono, 24 000 Hz unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

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
    `heard_ms` the length of all user audio in `items`. `mcp` are the MCP servers that it may use. `memory` belongs to
    the session: what a responder keeps there under a key of its own it finds again at the next response.
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
    mcp: Sequence[events.McpTool] = ()
    memory: dict[object, Any] = attrs.field(factory=dict, repr=False, eq=False)


@attrs.frozen
class Say:
    """Part of the answer's words, with the spaces that belong to them."""

    text: str


@attrs.frozen(kw_only=True)
class Call:
    """The answer calls the function `name`; `arguments` is JSON text."""

    name: str
    arguments: str


@attrs.frozen
class Play:
    """The answer plays `pcm` (PCM16, 24 kHz), with these words as its transcript."""

    pcm: bytes = attrs.field(repr=sized)
    transcript: str = ""


@attrs.frozen
class Wait:
    """The answer pauses."""

    seconds: float


@attrs.frozen(kw_only=True)
class Tell:
    """The server says an `error` event, and the answer goes on."""

    code: str
    message: str
    type: str = "server_error"


@attrs.frozen(kw_only=True)
class Fail:
    """The response fails here."""

    code: str
    message: str
    type: str = "server_error"


@attrs.frozen
class Incomplete:
    """The response is cut here: `reason` is "content_filter" or "max_output_tokens"."""

    reason: str


@attrs.frozen
class Inject:
    """The fault that this text writes happens here, or from here on at the event that it names."""

    fault: str


@attrs.frozen(kw_only=True)
class McpCall:
    """The server calls a tool of an MCP server, which gives `output` or `error`; `arguments` is JSON text."""

    server: str
    name: str
    arguments: str
    output: str | None = None
    error: events.McpError | None = None
    approval_request_id: str | None = None


@attrs.frozen(kw_only=True)
class McpApproval:
    """The server asks whether it may call a tool of an MCP server."""

    server: str
    name: str
    arguments: str


Piece = Say | Call | Play | Wait | Tell | Fail | Incomplete | Inject | McpCall | McpApproval
"""What an answer is made of."""


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

    def respond(self, context: Context) -> Iterator[Piece | None]:
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
