# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""How a received event is read: `match`, absence (`UNSET`) and null (`None`), objects of several kinds."""

from typing import Any

from typing_extensions import assert_type

from rtproto import UNSET, errors, events, to_dict, value


def match_gives_each_field_its_type(event: events.ServerEvent | events.LocalEvent) -> None:
    match event:
        case events.ResponseOutputAudioDelta(delta=pcm, item_id=item_id, content_index=index):
            assert_type((pcm, item_id, index), tuple[bytes, str, int])
        case events.ResponseOutputTextDelta(delta=text) | events.ResponseOutputAudioTranscriptDelta(delta=text):
            assert_type(text, str)
        case events.SessionCreated(session=events.RealtimeSession(model=str() as model)):
            assert_type(model, str)
        case events.ErrorEvent(error=error):
            assert_type(error.message, str)
        case events.Unknown(raw=raw):
            assert_type(raw, dict[str, Any])
        case events.Closed(code=code, clean=clean):
            assert_type((code, clean), tuple[int, bool])
        case _:
            pass


def a_session_is_of_one_of_two_kinds(event: events.SessionCreated | events.SessionUpdated) -> None:
    session = event.session
    value(session.model, "none")  # type: ignore[union-attr]
    match session:
        case events.RealtimeSession():
            assert_type(value(session.model, "none"), str)
        case events.TranscriptionSession():
            assert_type(value(session.expires_at, 0), int)
        case _:
            assert_type(session, events.VendorObject | events.UnknownObject)


def absent_and_null_differ(session: events.RealtimeSession) -> None:
    session.instructions.upper()  # type: ignore[union-attr]
    if session.instructions is not UNSET:
        assert_type(session.instructions, str | None)
        if session.instructions is not None:
            assert_type(session.instructions, str)
    assert_type(value(session.instructions, "none"), str)
    assert_type(value(session.expires_at, None), int | None)


def objects_that_are_there_are_true(response: events.RealtimeResponse) -> None:
    if response.usage:
        assert_type(response.usage, events.ResponseUsage)
        assert_type(value(response.usage.total_tokens, 0), int)
    for item in response.output or ():
        if isinstance(item, events.FunctionCallItem):
            assert_type((item.name, item.arguments), tuple[str, str])


def fields_have_names_and_types() -> None:
    events.InputAudioBufferAppend(audio=bytes(960))
    events.InputAudioBufferAppend(audio="AAAA")  # type: ignore[arg-type]
    events.ConversationItemTruncate(item_id="item_1", content_index=0)  # type: ignore[call-arg]
    events.RealtimeSession(instruction="Be brief.")  # type: ignore[call-arg]
    events.RealtimeSession(audio=events.AudioConfig(input=events.AudioInput(turn_detection=None)))
    events.RealtimeSession(output_modalities="audio")  # type: ignore[arg-type]


def the_wire_is_a_dict(event: events.SessionUpdate) -> None:
    assert_type(to_dict(event), dict[str, Any])


def errors_carry_what_went_wrong(closed: events.Closed) -> None:
    assert_type(closed.error, errors.RemoteProtocolError | None)
    try:
        closed.raise_for_error()
    except errors.HandshakeError as refusal:
        assert_type(refusal.status, int | None)
        assert_type(refusal.body, bytes)
    except errors.SessionClosed as race:
        assert_type(race.closed, events.Closed)
    except errors.ServerError as refusal:
        assert_type(refusal.error, events.RealtimeError)
