"""What the habits of a server are, and those of OpenAI's of today."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import attrs

from rtproto import UNSET, UnsetType, events
from rtproto._dialects import dialect

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
PCM = events.AudioPcm(rate=24_000)

WHOLE: dict[type, Any] = {
    events.ServerVad: SERVER_VAD,
    events.SemanticVad: events.SemanticVad(eagerness="auto", create_response=True, interrupt_response=True),
    events.AudioTranscription: events.AudioTranscription(model="gpt-realtime-whisper", language=None, prompt=None),
    events.NoiseReduction: events.NoiseReduction(type="near_field"),
    events.AudioPcm: PCM,
}
"""What an object begins with when a session gets one that it did not have."""

Realtime = events.RealtimeSession
MakeId = Callable[[str], str]

Accent = Callable[[events.ServerEvent, float], Iterable[events.ServerEvent]]
"""What is said in place of an event of OpenAI's, at a moment (seconds since 1970). It may change the event."""


def _unknown_event(got: str, known: tuple[str, ...]) -> Refusal:
    return invalid("type", got, known)


@attrs.frozen(kw_only=True, eq=False)
class Habits:
    """How a server of `dialect` behaves.

    What it has of its own. `model` is the one where the client names none. `begun` makes of OpenAI's default session
    its own; `settled` is how it keeps an updated one, `heard` how it understands the `audio.input` of one. `whole` is
    what an object begins with that a session did not have; those named in `replaced` begin so at every update, and a
    null clears those in `cleared`, where others return to their default. `checks` are what fields may hold.
    `modalities` and `formats` are spellings of them beside the usual ones. `longest_id` is how many characters the id
    of a client's item may have.

    How it says things. `ids` makes its ids of OpenAI's, and `accent`, from what makes ids, the `Accent` of one session.
    `error` makes of OpenAI's error its own; `unknown_event` refuses an event of a type that it does not know, with the
    types that it does. `response` is the class of its responses, `item_object` stands in every item. `limits_after` is
    the event after which it tells rate limits. `silent` are types of GA's events that it never says; where it is not
    `item_done`, ``conversation.item.done`` comes for turns alone. `transcription_usage` and `reasoning_usage` are
    whether it tells what a transcription and thinking cost; `transcription_deltas`, whether the words of a turn that
    has ended come in deltas, too; `live_captions`, whether they do while semantic VAD waits for its end. Where its
    items do not overlap (`overlaps`), a call begins only after the message before it has ended.

    What it does, where that is no policy of its own. One that `transcribes` has sessions that do nothing else. Where it
    `cancels_previous`, a new response ends the active one. Where it `always_speaks`, it writes no answer, whatever is
    asked. Where it does not fix its voice (`fixes_voice`), that may change after it was heard. One that is `lenient`
    passes over fields that it does not know.
    """

    dialect: str
    model: str = "gpt-realtime"
    begun: Callable[[Realtime], Realtime] = lambda session: session
    settled: Callable[[Realtime], Realtime] = lambda session: session
    heard: Callable[[events.AudioInput], events.AudioInput] = lambda heard: heard
    whole: Mapping[type, Any] = attrs.field(default=WHOLE, repr=False)
    replaced: frozenset[str] = frozenset()
    cleared: frozenset[str] = frozenset({"turn_detection"})
    checks: Mapping[tuple[type, str], Check] = attrs.field(default=CHECKS, repr=False)
    modalities: tuple[list[str], ...] = ()
    formats: tuple[str, ...] = ()
    temperature: float | UnsetType | None = UNSET
    longest_id: int = 32

    ids: Callable[[MakeId], MakeId] = attrs.field(default=lambda make_id: make_id, repr=False)
    accent: Callable[[MakeId], Accent] | None = attrs.field(default=None, repr=False)
    error: Callable[[events.RealtimeError], events.RealtimeError] | None = None
    unknown_event: Callable[[str, tuple[str, ...]], Refusal] = _unknown_event
    response: Callable[..., events.RealtimeResponse] = events.RealtimeResponse
    item_object: str | UnsetType = UNSET
    limits_after: Literal["response.created", "response.done"] = "response.done"
    silent: frozenset[str] = frozenset()
    item_done: bool = True
    transcription_usage: bool = True
    reasoning_usage: bool = False
    transcription_deltas: bool = True
    live_captions: bool = False
    overlaps: bool = True

    transcribes: bool = True
    cancels_previous: bool = False
    always_speaks: bool = False
    fixes_voice: bool = True
    lenient: bool = False

    @property
    def event_ids(self) -> bool:
        """Whether each of its events has an id."""
        return dialect(self.dialect).event_ids

    @property
    def unsaid(self) -> frozenset[str]:
        """Types of GA's events that it never says."""
        return dialect(self.dialect).unsaid | self.silent

    def check_known(self, event: Any) -> None:
        """Refuses the first field, at any depth of `event`, that the protocol does not have.

        What the codec could not read as one of a few values stands in `extra`, too.
        """
        if self.lenient:
            return
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
