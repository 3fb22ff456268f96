"""What the habits of a server are, and those of OpenAI's of today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import attrs

from rtproto import UNSET, UnsetType, events
from rtproto._dialects import dialect
from rtproto.events import qwen

from .._checks import CHECKS, Check, walk
from .._refusal import Refusal, invalid, unknown

SERVER_VAD = events.ServerVad(
    threshold=0.5,
    prefix_padding_ms=300,
    silence_duration_ms=500,
    idle_timeout_ms=None,
    create_response=True,
    interrupt_response=True,
)
_PCM = events.AudioPcm(rate=24_000)

WHOLE: dict[type, Any] = {
    events.ServerVad: SERVER_VAD,
    events.SemanticVad: events.SemanticVad(eagerness="auto", create_response=True, interrupt_response=True),
    events.AudioTranscription: events.AudioTranscription(model="gpt-realtime-whisper", language=None, prompt=None),
    events.NoiseReduction: events.NoiseReduction(type="near_field"),
    events.AudioPcm: _PCM,
}
"""What an object begins with when a session gets one that it did not have."""

Realtime = events.RealtimeSession
Partial = events.ConversationItemInputAudioTranscriptionDelta

ITEMS = ("message", "function_call", "function_call_output", "mcp_approval_response")
"""Types of the items that a client may create at OpenAI."""
_QWENS = frozenset({qwen.InputImageBufferAppend, qwen.SessionFinish})


@attrs.frozen(kw_only=True, eq=False)
class Habits:
    """How a server of `dialect` behaves.

    `model` is the one it has where the client names none. `begun` makes of OpenAI's default session its own; `settled`
    is how it keeps an updated one. `whole` is what an object begins with that a session did not have; those named in
    `replaced` begin so at every update, and a null clears those in `cleared`, where others return to their default.
    `modalities` and `formats` are spellings of them beside the usual ones. `limits_after` is the event after which it
    tells rate limits. `item_object` stands in every item. Where it is not `item_done`, ``conversation.item.done`` comes
    for turns alone. Where it `cancels_previous`, a new response ends the active one. `transcription_usage` and
    `reasoning_usage` are whether it tells what a transcription and thinking cost.

    `unknown_events` are those of clients that it does not take, `items` the types of items that it does. Where it is
    not `fixes_voice`, the voice may change after it was heard. A threshold of turn detection below `least_threshold`
    counts as that. Where it is not `commits_turns`, a client commits only where no turns are detected; where it
    `answers_outputs`, it answers a function's output while they are, without being asked. `partial` makes what it says
    of a piece of a transcript that is a text by now; `rewrite` makes what it says of what OpenAI's server would.
    """

    dialect: str
    model: str = "gpt-realtime"
    begun: Callable[[Realtime], Realtime] = lambda session: session
    settled: Callable[[Realtime], Realtime] = lambda session: session
    whole: Mapping[type, Any] = attrs.field(default=WHOLE, repr=False)
    replaced: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset({"turn_detection"})
    checks: Mapping[tuple[type, str], Check] = attrs.field(default=CHECKS, repr=False)
    modalities: tuple[list[str], ...] = ()
    formats: tuple[str, ...] = ()
    response: Callable[..., events.RealtimeResponse] = events.RealtimeResponse
    temperature: float | UnsetType | None = UNSET
    limits_after: Literal["response.created", "response.done"] | None = "response.done"
    item_object: str | UnsetType = UNSET
    item_done: bool = True
    cancels_previous: bool = False
    transcription_usage: bool = True
    reasoning_usage: bool = False
    unknown_events: frozenset[type] = _QWENS
    items: tuple[str, ...] = ITEMS
    fixes_voice: bool = True
    least_threshold: float = 0.0
    commits_turns: bool = True
    answers_outputs: bool = False
    partial: Callable[[Partial, str], events.ServerEvent] = lambda piece, transcript: piece
    rewrite: Callable[[events.ServerEvent], Iterable[events.ServerEvent]] = lambda event: (event,)

    @property
    def unsaid(self) -> frozenset[str]:
        """Types of GA's events that it never says."""
        return dialect(self.dialect).unsaid

    def check_known(self, event: Any) -> None:
        """Refuses the first field, at any depth of `event`, that the protocol does not have.

        What the codec could not read as one of a few values stands in `extra`, too.
        """
        nests = dialect(self.dialect).nests_tools
        for holder, at in walk(event, ""):
            for name, held in (holder.extra or {}).items():
                if nests and name == "function" and isinstance(holder, events.FunctionTool):
                    continue
                param = f"{at}.{name}".lstrip(".")
                self._check_extra(param, held)

    def _check_extra(self, param: str, held: Any) -> None:
        which = dialect(self.dialect)
        holder, _, name = param.partition(".")
        moves = {"session": which.session, "response": which.params}.get(holder, ())
        move = next((move for move in moves if move.name == name and move.pairs), None)
        if move is None:
            raise unknown(param)
        if name.endswith("_audio_format") and held in self.formats:
            return
        if name != "modalities":
            raise invalid(param, held, tuple(dict.fromkeys(own for own, _ in move.pairs)))
        if held not in self.modalities:
            supported = "Supported combinations are: ['text'] and ['audio', 'text']."
            raise Refusal("invalid_value", f"Invalid modalities: {held!r}. {supported}", param)

    def wire_type(self, ga: str) -> str:
        """The type under which the client knows the event that GA calls `ga`."""
        return dialect(self.dialect).written_name(ga)

    def wire_path(self, param: str) -> str:
        """Where the field stands that has `param` as its dotted path in the words of GA."""
        return dialect(self.dialect).param(param)


def older(cls: type[Realtime], session: Realtime, detection: events.TurnDetection, **own: Any) -> Realtime:
    """`session` as one of `cls`, with its own turn detection and fields, and without what came after the beta."""
    fields: dict[str, Any] = attrs.asdict(session, recurse=False) | own
    for name in ("tracing", "truncation", "prompt"):
        del fields[name]
    audio = fields["audio"]
    fields["audio"] = attrs.evolve(audio, input=attrs.evolve(audio.input, turn_detection=detection))
    return cls(**fields)
