"""The session's configuration: its defaults, and what a `session.update` makes of it."""

from __future__ import annotations

from typing import Any

import attrs

from rtproto import UNSET, events
from rtproto.events import translation

from ._checks import check_client_session, check_fields, check_tool_choice
from ._engines import InstructedResponder, Responder
from ._habits import WHOLE, Habits
from ._refusal import Refusal, invalid, missing, unknown

_INPUT = events.AudioInput(
    format=events.AudioPcm(rate=24_000),
    transcription=None,
    noise_reduction=None,
    turn_detection=WHOLE[events.ServerVad],
)
_OUTPUT = events.AudioOutput(format=events.AudioPcm(rate=24_000), voice="alloy", speed=1.0)

Session = events.RealtimeSession | events.TranscriptionSession


_INSTRUCTIONS = "You are the local voice server of rtproto."
"""Where the brain has none of its own: this is all that is known of it."""


def instructions_of(responder: Responder) -> str:
    """What a session's model is told where nobody says anything else: what the brain does."""
    return responder.instructions if isinstance(responder, InstructedResponder) else _INSTRUCTIONS


def default_session(
    session_id: str, expires_at: int, habits: Habits, *, model: str, instructions: str, transcription: bool
) -> Session:
    """A new session. A transcription session has no answers, so it has no voice either."""
    if transcription:
        return events.TranscriptionSession(
            id=session_id,
            object="realtime.transcription_session",
            expires_at=expires_at,
            audio=events.AudioConfig(input=attrs.evolve(_INPUT, transcription=WHOLE[events.AudioTranscription])),
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
    return habits.begun(session)


def default_translation(session_id: str, expires_at: int, model: str) -> translation.TranslationSession:
    """A new translation session."""
    return translation.TranslationSession(
        id=session_id,
        model=model,
        expires_at=expires_at,
        audio=events.AudioConfig(
            input=events.AudioInput(transcription=None, noise_reduction=None),
            output=translation.AudioOutput(language="en"),
        ),
    )


def updated_session(
    current: Session, change: events.AnySession, default: Session, habits: Habits, *, spoke: bool, busy: bool
) -> Session:
    """`current` with what `change` says: absent leaves a field, null takes it back to `default`.

    `spoke`: the assistant was heard, so its voice stays. `busy`: it is answering, so its speed stays. Refuses what real
    servers refuse; then nothing changes.
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
    if isinstance(change, events.TranscriptionSession) and change.audio and change.audio.output:
        raise unknown("session.audio.output")
    check_fields(change, "session", habits.checks)
    new: Session = merged(current, change, default, habits)
    if change.extra or getattr(change, "output_modalities", UNSET) is not UNSET:
        # Modalities are told in the client's own spelling.
        new = attrs.evolve(new, extra=change.extra)
    if isinstance(new, events.RealtimeSession):
        new = habits.settled(new)
    _check_changes(current, new, spoke, busy)
    return new


def hearing_as(session: Session, other: Session) -> Session:
    """`session`, which hears as `other` does."""
    assert session.audio
    return attrs.evolve(session, audio=attrs.evolve(session.audio, input=audio_input(other)))


def merged(current: Any, change: Any, default: Any, habits: Habits) -> Any:
    """`current` with every field that `change` has; objects of one kind are merged in the same way."""
    fields: dict[str, Any] = {}
    for field in attrs.fields(type(change)):
        if not field.init or field.name == "extra":
            continue
        new = getattr(change, field.name)
        if new is UNSET:
            continue
        if not hasattr(current, field.name):
            # A dialect's own field, of which this server knows nothing.
            raise unknown(f"session.{field.name}")
        old, base = getattr(current, field.name), getattr(default, field.name, UNSET)
        if new is None:
            fields[field.name] = None if field.name in habits.cleared or base is UNSET else base
        elif attrs.has(type(new)) and not isinstance(new, events.UnknownObject):
            # A dialect's own class is read in place of the common one only where one of its own fields is there.
            kept = isinstance(old, type(new)) and field.name not in habits.replaced
            start = old if kept else habits.whole.get(type(new), new)
            fields[field.name] = merged(start, new, base if isinstance(base, type(new)) else start, habits)
        else:
            fields[field.name] = new
    return attrs.evolve(current, **fields)


def _check_changes(current: Session, new: Session, spoke: bool, busy: bool) -> None:
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
    if busy and audio_output(new).speed != audio_output(current).speed:
        message = "Cannot change the speed while a response is in progress: wait for its response.done."
        raise Refusal("invalid_value", message, "session.audio.output.speed")


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
