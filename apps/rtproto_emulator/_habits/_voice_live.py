"""Azure Voice Live, as recorded in 2026."""

from __future__ import annotations

from typing import Any

import attrs

from rtproto import events
from rtproto.events import voice_live

from .._checks import VOICE_LIVE_CHECKS, VOICES
from ._habits import SERVER_VAD, WHOLE, Habits, Realtime, older

_VAD = voice_live.ServerVad(
    **attrs.asdict(SERVER_VAD, recurse=False),
    speech_duration_ms=None,
    end_of_utterance_detection=None,
    auto_truncate=False,
    appended_text_after_truncation=None,
)
_SEMANTIC: dict[str, Any] = {
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
_WHOLE: dict[type, Any] = {
    **{cls: attrs.evolve(_VAD, prefix_padding_ms=400) for cls in (events.ServerVad, voice_live.ServerVad)},
    voice_live.AzureSemanticVad: voice_live.AzureSemanticVad(**_SEMANTIC, languages=None),
    voice_live.AzureSemanticVadEn: voice_live.AzureSemanticVadEn(**_SEMANTIC),
    voice_live.AzureSemanticVadMultilingual: voice_live.AzureSemanticVadMultilingual(**_SEMANTIC, languages=None),
    **dict.fromkeys(
        (events.AudioTranscription, voice_live.AudioTranscription),
        voice_live.AudioTranscription(
            model="whisper-1", language=None, prompt=None, custom_speech=None, phrase_list=None
        ),
    ),
}
"""Recorded: an update that names a server_vad alone gives 400 ms of padding and 500 ms of silence."""


def _begun(session: Realtime) -> Realtime:
    """As recorded in 2026: 300 ms of padding and 200 ms of silence, until an update says something of them."""
    assert session.audio
    output = events.AudioOutput(format=None, voice=_voice("alloy"))
    nothing = ("animation", "avatar", "input_audio_echo_cancellation", "output_audio_timestamp_types")
    return older(
        voice_live.RealtimeSession,
        session,
        attrs.evolve(_VAD, silence_duration_ms=200),
        audio=attrs.evolve(session.audio, output=output),
        extra={"modalities": ["audio"]},
        input_audio_sampling_rate=24_000,
        truncation_strategy=None,
        **dict.fromkeys(nothing),
    )


def _voice(voice: Any) -> Any:
    """A voice is always told as an object; a client may give its name alone."""
    if not isinstance(voice, str):
        return voice
    return voice_live.OpenAIVoice(name=voice) if voice in VOICES else voice_live.AzureStandardVoice(name=voice)


def _settled(session: Realtime) -> Realtime:
    """The voice is an object, and PCM has the rate that the client gave beside its format."""
    audio = session.audio
    assert audio
    assert audio.input
    assert audio.output
    heard, rate = audio.input, getattr(session, "input_audio_sampling_rate", None)
    if isinstance(heard.format, events.AudioPcm):
        heard = attrs.evolve(heard, format=events.AudioPcm(rate=rate or 24_000))
    output = attrs.evolve(audio.output, voice=_voice(audio.output.voice))
    return attrs.evolve(session, audio=attrs.evolve(audio, input=heard, output=output))


VOICE_LIVE = Habits(
    dialect="azure-voicelive",
    begun=_begun,
    settled=_settled,
    whole=WHOLE | _WHOLE,
    replaced=frozenset({"turn_detection"}),
    checks=VOICE_LIVE_CHECKS,
    modalities=(["audio", "text"], ["audio"]),
    response=voice_live.RealtimeResponse,
    temperature=None,
    silent=frozenset({"rate_limits.updated"}),
    item_object="realtime.item",
    item_done=False,
    transcribes=False,
    cancels_previous=True,
    transcription_usage=False,
    reasoning_usage=True,
)
