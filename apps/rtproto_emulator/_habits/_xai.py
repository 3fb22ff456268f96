"""xAI's Grok Voice, as recorded in 2026 and as its documentation says."""

from __future__ import annotations

import uuid
from typing import Any

import attrs

from rtproto import UNSET, events, value
from rtproto.events import beta, xai

from .._checks import XAI_CHECKS
from ._habits import PCM, WHOLE, Habits, MakeId, Realtime
from ._xai_accent import Accent


def _begun(session: Realtime) -> Realtime:
    """Push-to-talk, without instructions; what the user says is transcribed in any case."""
    return xai.RealtimeSession(
        id=session.id,
        object=session.object,
        expires_at=session.expires_at,
        model=session.model,
        output_modalities=["audio"],
        instructions="",
        tools=[],
        tool_choice="auto",
        max_output_tokens="inf",
        tracing=None,
        truncation="auto",
        prompt=None,
        audio=events.AudioConfig(
            input=xai.AudioInput(format=PCM, transport="json", transcription=_HEARD, turn_detection=None),
            output=xai.AudioOutput(format=PCM, transport="json", voice="ara"),
        ),
        temperature=-1.0,
        keep_context=False,
        enable_phonetic_spelling=False,
    )


_HEARD = xai.AudioTranscription()


def _settled(session: Realtime) -> Realtime:
    """What stands in the flat fields counts as if it stood in `audio`."""
    audio, flat = session.audio, getattr(session, "input_audio_transcription", UNSET)
    assert audio
    assert audio.input
    heard = audio.input
    if flat is not UNSET:
        heard = attrs.evolve(heard, transcription=flat or _HEARD)
    if isinstance(heard.turn_detection, events.UnknownObject):
        heard = attrs.evolve(heard, turn_detection=None)
    own: dict[str, Any] = {"input_audio_transcription": UNSET}
    return attrs.evolve(session, audio=attrs.evolve(audio, input=heard), **own)


def _understood(heard: events.AudioInput) -> events.AudioInput:
    """Whatever is set, somebody listens; and every turn is answered, even where `create_response` is false.

    Push-to-talk is a turn that ends only when it is committed.
    """
    detection = heard.turn_detection
    if not isinstance(detection, events.ServerVad):
        return attrs.evolve(heard, turn_detection=_ENDLESS)
    threshold, padding = value(detection.threshold, 0.85), value(detection.prefix_padding_ms, 333)
    own = attrs.evolve(detection, threshold=threshold, prefix_padding_ms=padding, create_response=True)
    return attrs.evolve(heard, turn_detection=own)


_ENDLESS = events.ServerVad(threshold=0.85, prefix_padding_ms=333, silence_duration_ms=3_600_000)


def _ids(make_id: MakeId) -> MakeId:
    """UUIDs, one for each of OpenAI's ids."""

    def make(prefix: str) -> str:
        made = uuid.uuid5(uuid.NAMESPACE_OID, make_id(prefix))
        return {"sess": made.hex, "call": f"call-{made}-0"}.get(prefix, str(made))

    return make


def _error(error: events.RealtimeError) -> events.RealtimeError:
    """The end of a conversation has a type of its own."""
    return attrs.evolve(error, type="max_duration") if error.code == "session_expired" else error


XAI = Habits(
    dialect="xai",
    model="grok-voice-latest",
    begun=_begun,
    settled=_settled,
    whole=WHOLE
    | {
        events.ServerVad: events.ServerVad(),
        events.AudioTranscription: _HEARD,
        xai.AudioTranscription: _HEARD,
        events.NoiseReduction: events.NoiseReduction(),
    },
    checks=XAI_CHECKS,
    response=beta.RealtimeResponse,
    item_object="realtime.item",
    transcription_usage=False,
    ids=_ids,
    accent=Accent,
    silent=frozenset({"conversation.item.done", "rate_limits.updated"}),
    heard=_understood,
    transcribes=False,
    always_speaks=True,
    lenient=True,
    error=_error,
    fixes_voice=False,
    overlaps=False,
    longest_id=64,
)
