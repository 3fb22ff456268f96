"""The session's configuration: its defaults, and what a `session.update` makes of it."""

from __future__ import annotations

from typing import Any

import attrs

from rtproto import UNSET, events
from rtproto.events import beta as beta_events

from ._checks import check_client_session, check_fields, check_tool_choice
from ._refusal import Refusal, invalid, missing

_SERVER_VAD = events.ServerVad(
    threshold=0.5,
    prefix_padding_ms=300,
    silence_duration_ms=500,
    idle_timeout_ms=None,
    create_response=True,
    interrupt_response=True,
)
_SEMANTIC_VAD = events.SemanticVad(eagerness="auto", create_response=True, interrupt_response=True)
_WHOLE: dict[type, Any] = {
    events.ServerVad: _SERVER_VAD,
    events.SemanticVad: _SEMANTIC_VAD,
    events.AudioTranscription: events.AudioTranscription(model="gpt-realtime-whisper", language=None, prompt=None),
    events.NoiseReduction: events.NoiseReduction(type="near_field"),
    events.AudioPcm: events.AudioPcm(rate=24_000),
}
"""What an object begins with when a session gets one that it did not have."""

_INPUT = events.AudioInput(
    format=events.AudioPcm(rate=24_000), transcription=None, noise_reduction=None, turn_detection=_SERVER_VAD
)
_OUTPUT = events.AudioOutput(format=events.AudioPcm(rate=24_000), voice="alloy", speed=1.0)
_CLEARED = frozenset({"turn_detection"})
"""A null here is no return to the default, but nothing at all: push-to-talk."""

Session = events.RealtimeSession | events.TranscriptionSession


def default_session(
    session_id: str, expires_at: int, *, model: str, instructions: str, transcription: bool, beta: bool = False
) -> Session:
    """A new session. A transcription session has no answers, so it has no voice either."""
    if transcription:
        return events.TranscriptionSession(
            id=session_id,
            object="realtime.transcription_session",
            expires_at=expires_at,
            audio=events.AudioConfig(input=attrs.evolve(_INPUT, transcription=_WHOLE[events.AudioTranscription])),
            include=None,
        )
    session = events.RealtimeSession(
        id=session_id,
        object="realtime.session",
        expires_at=expires_at,
        model=model,
        output_modalities=["audio"],
        instructions=instructions,
        tools=[],
        tool_choice="auto",
        max_output_tokens="inf",
        tracing=None,
        truncation="auto",
        prompt=None,
        audio=events.AudioConfig(input=_INPUT, output=_OUTPUT),
        include=None,
    )
    return beta_events.RealtimeSession(**attrs.asdict(session, recurse=False), temperature=0.8) if beta else session


def updated_session(current: Session, change: events.AnySession, default: Session, *, spoke: bool) -> Session:
    """`current` with what `change` says: absent leaves a field, null or "" takes it back to `default`.

    `spoke`: the assistant was heard, so its voice stays. Refuses what real servers refuse; then nothing changes.
    """
    if isinstance(change, events.UnknownObject):
        got = change.raw.get("type")
        raise missing("session.type") if got is None else invalid("session.type", got, ("realtime", "transcription"))
    if change.type != current.type:
        message = (
            f"Passing a {change.type} session update event to a {current.type} session is not allowed: "
            "the type is chosen when connecting."
        )
        raise Refusal("invalid_value", message, "session.type")
    check_client_session(change)
    check_fields(change, "session")
    new: Session = merged(current, change, default)
    if change.extra:
        new = attrs.evolve(new, extra={**(current.extra or {}), **change.extra})
    _check_changes(current, new, spoke)
    return new


def merged(current: Any, change: Any, default: Any) -> Any:
    """`current` with every field that `change` has; objects of one class are merged in the same way."""
    fields: dict[str, Any] = {}
    for field in attrs.fields(type(change)):
        if not field.init or field.name == "extra":
            continue
        old, new = getattr(current, field.name), getattr(change, field.name)
        base = getattr(default, field.name, UNSET)
        if new is UNSET:
            continue
        if new is None or (new == "" and field.name == "instructions"):
            fields[field.name] = None if field.name in _CLEARED or base is UNSET else base
        elif attrs.has(type(new)) and not isinstance(new, events.UnknownObject):
            start = old if type(old) is type(new) else _WHOLE.get(type(new), new)
            fields[field.name] = merged(start, new, base if type(base) is type(new) else start)
        else:
            fields[field.name] = new
    return attrs.evolve(current, **fields)


def _check_changes(current: Session, new: Session, spoke: bool) -> None:
    if isinstance(current, events.TranscriptionSession) or isinstance(new, events.TranscriptionSession):
        return
    check_tool_choice(new.tool_choice, new.tools or [], "session.tool_choice")
    if new.model != current.model:
        message = f"Cannot change the model of a session: it is {current.model!r}."
        raise Refusal("invalid_value", message, "session.model")
    if current.tracing is not None and new.tracing != current.tracing:
        raise Refusal("invalid_value", "Cannot change tracing once it is set.", "session.tracing")
    if spoke and voice_of(new) != voice_of(current):
        raise voice_refusal()


def voice_of(holder: Any) -> Any:
    """The voice in the `audio.output` of a session or response; None where it says none."""
    output = holder.audio.output if holder.audio else None
    return (output.voice or None) if output else None


def voice_refusal() -> Refusal:
    """The voice cannot change once the assistant was heard."""
    return Refusal("cannot_update_voice", "Cannot update a conversation's voice if assistant audio is present.")


def audio_input(session: Session) -> events.AudioInput:
    """How a session hears; it always says."""
    assert session.audio
    assert session.audio.input
    return session.audio.input


def audio_output(session: events.RealtimeSession) -> events.AudioOutput:
    """How a session speaks; it always says."""
    assert session.audio
    assert session.audio.output
    return session.audio.output
