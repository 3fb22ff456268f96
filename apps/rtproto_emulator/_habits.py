"""What a server does otherwise in another dialect than OpenAI's of today: one value for each dialect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal

import attrs

from rtproto import UNSET, UnsetType, events
from rtproto._dialects import dialect
from rtproto.events import beta, voice_live

from ._checks import CHECKS, VOICE_LIVE_CHECKS, VOICES, Check, walk
from ._refusal import Refusal, invalid, unknown

_SERVER_VAD = events.ServerVad(
    threshold=0.5,
    prefix_padding_ms=300,
    silence_duration_ms=500,
    idle_timeout_ms=None,
    create_response=True,
    interrupt_response=True,
)
_PCM = events.AudioPcm(rate=24_000)

WHOLE: dict[type, Any] = {
    events.ServerVad: _SERVER_VAD,
    events.SemanticVad: events.SemanticVad(eagerness="auto", create_response=True, interrupt_response=True),
    events.AudioTranscription: events.AudioTranscription(model="gpt-realtime-whisper", language=None, prompt=None),
    events.NoiseReduction: events.NoiseReduction(type="near_field"),
    events.AudioPcm: _PCM,
}
"""What an object begins with when a session gets one that it did not have."""

Realtime = events.RealtimeSession


@attrs.frozen(kw_only=True, eq=False)
class Habits:
    """How a server of `dialect` behaves.

    `model` is the one it has where the client names none. `begun` makes of OpenAI's default session its own; `settled`
    is how it keeps an updated one. `whole` is what an object begins with that a session did not have; those named in
    `replaced` begin so at every update. `modalities` are spellings of them beside the usual one. `limits_after` is the
    event after which it tells rate limits. `item_object` stands in every item. Where it is not `item_done`,
    ``conversation.item.done`` comes for turns alone. Where it `cancels_previous`, a new response ends the active one.
    `transcription_usage` and `reasoning_usage` are whether it tells what a transcription and thinking cost.
    """

    dialect: str
    model: str = "gpt-realtime"
    begun: Callable[[Realtime], Realtime] = lambda session: session
    settled: Callable[[Realtime], Realtime] = lambda session: session
    whole: Mapping[type, Any] = attrs.field(default=WHOLE, repr=False)
    replaced: frozenset[str] = frozenset()
    checks: Mapping[tuple[type, str], Check] = attrs.field(default=CHECKS, repr=False)
    modalities: tuple[list[str], ...] = ()
    response: Callable[..., events.RealtimeResponse] = events.RealtimeResponse
    temperature: float | UnsetType | None = UNSET
    limits_after: Literal["response.created", "response.done"] | None = "response.done"
    item_object: str | UnsetType = UNSET
    item_done: bool = True
    cancels_previous: bool = False
    transcription_usage: bool = True
    reasoning_usage: bool = False

    @property
    def unsaid(self) -> frozenset[str]:
        """Types of GA's events that it never says."""
        return dialect(self.dialect).unsaid

    def check_known(self, event: Any) -> None:
        """Refuses the first field, at any depth of `event`, that the protocol does not have.

        What the codec could not read as one of a few values stands in `extra`, too.
        """
        for holder, at in walk(event, ""):
            for name, held in (holder.extra or {}).items():
                param = f"{at}.{name}".lstrip(".")
                self._check_extra(param, held)

    def _check_extra(self, param: str, held: Any) -> None:
        which = dialect(self.dialect)
        holder, _, name = param.partition(".")
        moves = {"session": which.session, "response": which.params}.get(holder, ())
        move = next((move for move in moves if move.name == name and move.pairs), None)
        if move is None:
            raise unknown(param)
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


# ---- beta ----


def _beta_session(session: Realtime) -> Realtime:
    """As recorded in 2025: 200 ms of silence, and a temperature."""
    own = {"extra": {"modalities": ["audio", "text"]}, "temperature": 0.8, "client_secret": None}
    return _older(beta.RealtimeSession, session, _BETA_VAD, **own)


def _older(cls: type[Realtime], session: Realtime, detection: events.TurnDetection, **own: Any) -> Realtime:
    """`session` as one of `cls`, with its own turn detection and fields, and without what came after the beta."""
    fields: dict[str, Any] = attrs.asdict(session, recurse=False) | own
    for name in ("tracing", "truncation", "prompt"):
        del fields[name]
    audio = fields["audio"]
    fields["audio"] = attrs.evolve(audio, input=attrs.evolve(audio.input, turn_detection=detection))
    return cls(**fields)


_BETA_VAD = attrs.evolve(_SERVER_VAD, silence_duration_ms=200, idle_timeout_ms=UNSET)

_BETA = Habits(
    dialect="beta",
    model="gpt-4o-realtime-preview",
    begun=_beta_session,
    whole=WHOLE | {events.ServerVad: _BETA_VAD},
    modalities=(["audio", "text"],),
    response=beta.RealtimeResponse,
    temperature=0.8,
    limits_after="response.created",
    item_object="realtime.item",
)

# ---- Azure Voice Live ----

_AZURE_VAD = voice_live.ServerVad(
    **attrs.asdict(_SERVER_VAD, recurse=False),
    speech_duration_ms=None,
    end_of_utterance_detection=None,
    auto_truncate=False,
    appended_text_after_truncation=None,
)
_AZURE_SEMANTIC: dict[str, Any] = {
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "speech_duration_ms": 80,
    "end_of_utterance_detection": None,
    "remove_filler_words": False,
    "auto_truncate": False,
    "create_response": True,
    "interrupt_response": True,
}
"""Azure's documented defaults."""
_AZURE_WHOLE: dict[type, Any] = {
    **{cls: attrs.evolve(_AZURE_VAD, prefix_padding_ms=400) for cls in (events.ServerVad, voice_live.ServerVad)},
    voice_live.AzureSemanticVad: voice_live.AzureSemanticVad(**_AZURE_SEMANTIC, languages=None),
    voice_live.AzureSemanticVadEn: voice_live.AzureSemanticVadEn(**_AZURE_SEMANTIC),
    voice_live.AzureSemanticVadMultilingual: voice_live.AzureSemanticVadMultilingual(**_AZURE_SEMANTIC, languages=None),
    **dict.fromkeys(
        (events.AudioTranscription, voice_live.AudioTranscription),
        voice_live.AudioTranscription(
            model="whisper-1", language=None, prompt=None, custom_speech=None, phrase_list=None
        ),
    ),
}
"""Recorded: an update that names a server_vad alone gives 400 ms of padding and 500 ms of silence."""


def _azure_session(session: Realtime) -> Realtime:
    """As recorded in 2026: 300 ms of padding and 200 ms of silence, until an update says something of them."""
    assert session.audio
    output = events.AudioOutput(format=None, voice=_azure_voice("alloy"))
    nothing = ("animation", "avatar", "input_audio_echo_cancellation", "output_audio_timestamp_types")
    return _older(
        voice_live.RealtimeSession,
        session,
        attrs.evolve(_AZURE_VAD, silence_duration_ms=200),
        audio=attrs.evolve(session.audio, output=output),
        extra={"modalities": ["audio"]},
        input_audio_sampling_rate=24_000,
        truncation_strategy=None,
        **dict.fromkeys(nothing),
    )


def _azure_voice(voice: Any) -> Any:
    """A voice is always told as an object; a client may give its name alone."""
    if not isinstance(voice, str):
        return voice
    return voice_live.OpenAIVoice(name=voice) if voice in VOICES else voice_live.AzureStandardVoice(name=voice)


def _azure_settled(session: Realtime) -> Realtime:
    """The voice is an object, and PCM has the rate that the client gave beside its format."""
    audio = session.audio
    assert audio
    assert audio.input
    assert audio.output
    heard, rate = audio.input, getattr(session, "input_audio_sampling_rate", None)
    if isinstance(heard.format, events.AudioPcm):
        heard = attrs.evolve(heard, format=events.AudioPcm(rate=rate or 24_000))
    output = attrs.evolve(audio.output, voice=_azure_voice(audio.output.voice))
    return attrs.evolve(session, audio=attrs.evolve(audio, input=heard, output=output))


_VOICE_LIVE = Habits(
    dialect="azure-voicelive",
    begun=_azure_session,
    settled=_azure_settled,
    whole=WHOLE | _AZURE_WHOLE,
    replaced=frozenset({"turn_detection"}),
    checks=VOICE_LIVE_CHECKS,
    modalities=(["audio", "text"], ["audio"]),
    response=voice_live.RealtimeResponse,
    temperature=None,
    limits_after=None,
    item_object="realtime.item",
    item_done=False,
    cancels_previous=True,
    transcription_usage=False,
    reasoning_usage=True,
)

_TRANSLATION = Habits(dialect="ga-translation", model="gpt-realtime-translate")

_OTHERS = {habits.dialect: habits for habits in (_BETA, _VOICE_LIVE, _TRANSLATION)}


@cache
def habits_of(name: str) -> Habits:
    """The habits of a server that speaks the dialect called `name`."""
    return _OTHERS.get(name) or Habits(dialect=name)
