"""What `rtproto stream` says and waits for, without a wire (rtproto_cli)."""

from typing import Any

import pytest
from rtproto_cli._turn import MAX_PROBLEMS, MAX_REPLIES, MAX_TEXT, Options, Phase, Refused, Turn, session_update

from rtproto import events
from rtproto.events import xai

SESSION = events.RealtimeSession(id="sess_1")


def ready(**options: Any) -> Turn:
    turn = Turn(Options(**options))
    (update,) = turn.take(events.SessionCreated(session=SESSION), 0.0)
    assert update == session_update(turn.options)
    assert not turn.uploading
    turn.take(events.SessionUpdated(session=SESSION), 0.1)
    assert turn.uploading
    return turn


def speech(turn: Turn, at: float) -> None:
    turn.take(events.InputAudioBufferSpeechStarted(audio_start_ms=0, item_id="item_1"), at)
    turn.take(events.InputAudioBufferSpeechStopped(audio_end_ms=9, item_id="item_1"), at + 0.1)
    turn.take(events.InputAudioBufferCommitted(item_id="item_1"), at + 0.1)


def reply(turn: Turn, name: str, at: float, status: str = "completed", details: Any = None) -> None:
    place: Any = {"response_id": name, "item_id": "item_2", "output_index": 0, "content_index": 0}
    usage = events.ResponseUsage(input_tokens=2, output_tokens=3, total_tokens=5)
    turn.take(events.ResponseCreated(response=events.RealtimeResponse(id=name)), at)
    turn.take(events.ResponseOutputAudioTranscriptDelta(delta="Hel", **place), at)
    turn.take(events.ResponseOutputAudioTranscriptDelta(delta=f"lo {name}", **place), at)
    turn.take(events.ResponseOutputAudioDelta(delta=bytes(4), **place), at + 0.2)
    assert not turn.done
    response = events.RealtimeResponse(id=name, status=status, status_details=details, usage=usage)
    turn.take(events.ResponseDone(response=response), at + 0.3)


def test_a_turn_with_vad() -> None:
    turn = ready()
    speech(turn, 1.0)
    assert turn.uploaded(2.0) == ()
    assert turn.phase is Phase.REPLY
    reply(turn, "resp_1", 3.0)
    assert turn.done
    assert turn.summary() == "Hello resp_1"
    assert (turn.first_audio_at, turn.speech_ended_at) == (3.2, 1.1)
    assert turn.usage == {"input_tokens": 2, "output_tokens": 3, "total_tokens": 5}


def test_a_dialects_own_classes_are_taken_as_those_of_all() -> None:
    turn = ready(transcribe="grok-transcribe")
    speech(turn, 1.0)
    turn.uploaded(2.0)
    heard = xai.ConversationItemInputAudioTranscriptionCompleted
    turn.take(heard(item_id="item_1", transcript="What is", status="in_progress"), 2.0)
    turn.take(heard(item_id="item_1", transcript="What is up?", status="completed"), 2.1)
    place: Any = {"response_id": "r", "item_id": "item_2", "output_index": 0, "content_index": 0}
    turn.take(events.ResponseCreated(response=events.RealtimeResponse(id="r")), 2.2)
    turn.take(xai.ResponseOutputAudioTranscriptDelta(delta="Hello", **place), 2.3)
    turn.take(xai.ResponseOutputAudioDelta(delta=bytes(4), **place), 2.4)
    assert not turn.done
    turn.take(xai.ResponseDone(response=events.RealtimeResponse(id="r", status="completed")), 2.5)
    assert turn.done
    assert (turn.heard, turn.summary(), turn.audio_bytes) == (["What is up?"], "Hello", 4)


def test_every_turn_of_a_file_is_waited_for() -> None:
    turn = ready()
    speech(turn, 1.0)
    reply(turn, "resp_1", 1.5)
    assert turn.uploading  # the first reply does not end the upload
    speech(turn, 3.0)
    turn.uploaded(4.0)
    assert not turn.done
    reply(turn, "resp_2", 5.0)
    assert turn.done
    assert turn.summary() == "Hello resp_1\n\nHello resp_2"
    assert turn.usage["total_tokens"] == 10


def test_the_end_of_the_speech_may_come_after_the_upload() -> None:
    turn = ready()
    turn.uploaded(1.0)
    before = turn.phase
    speech(turn, 1.2)
    assert (before, turn.phase) == (Phase.SPEECH, Phase.REPLY)
    reply(turn, "resp_1", 2.0)
    assert turn.done


def test_push_to_talk() -> None:
    turn = ready(vad=False)
    assert turn.uploaded(1.0) == (events.InputAudioBufferCommit(), events.ResponseCreate())
    turn.take(events.InputAudioBufferCommitted(item_id="item_1"), 1.1)
    assert not turn.done
    reply(turn, "resp_1", 1.2)
    assert turn.done


def test_push_to_talk_at_a_server_that_tells_of_speech_too() -> None:
    turn = ready(vad=False)
    turn.uploaded(1.0)
    speech(turn, 1.1)
    reply(turn, "resp_1", 1.2)
    assert turn.done
    assert turn.speech_ended_at == 1.0


def test_the_transcript_that_was_asked_for_is_waited_for() -> None:
    for last in ("completed", "failed"):
        turn = ready(transcribe="whisper-1")
        speech(turn, 1.0)
        turn.uploaded(2.0)
        reply(turn, "resp_1", 2.0)
        assert not turn.done
        if last == "completed":
            done: Any = events.ConversationItemInputAudioTranscriptionCompleted(item_id="item_1", transcript=" Hi ")
        else:
            error = events.ErrorDetails(message="no such model")
            done = events.ConversationItemInputAudioTranscriptionFailed(item_id="item_1", error=error)
        turn.take(done, 3.0)
        assert turn.done
        assert (turn.heard, turn.problems) == (
            (["Hi"], []) if last == "completed" else ([], ["the transcription failed: no such model"])
        )


def error(message: str, param: "str | None" = None) -> events.ErrorEvent:
    return events.ErrorEvent(error=events.RealtimeError(message=message, param=param))


def test_a_session_that_is_refused() -> None:
    turn = Turn(Options(voice="nobody"))
    turn.take(events.SessionCreated(session=SESSION), 0.0)
    with pytest.raises(Refused, match=r"refused the session: Invalid voice \(session.audio.output.voice\)"):
        turn.take(error("Invalid voice", "session.audio.output.voice"), 0.1)
    with pytest.raises(Refused, match="no such model"):
        Turn(Options()).take(error("no such model"), 0.0)


def test_a_turn_that_is_refused() -> None:
    turn = ready(vad=False)
    turn.uploaded(1.0)
    with pytest.raises(Refused, match="the buffer is empty"):
        turn.take(error("the buffer is empty"), 1.1)


def test_an_error_in_the_middle_is_a_note() -> None:
    turn = ready()
    speech(turn, 1.0)
    turn.take(error("something odd"), 1.5)
    turn.uploaded(2.0)
    reply(turn, "resp_1", 3.0)
    assert turn.done
    assert turn.problems == ["something odd"]


def test_a_response_that_fails_is_told() -> None:
    turn = ready()
    speech(turn, 1.0)
    turn.uploaded(2.0)
    details = events.ResponseStatusDetails(error=events.ErrorDetails(message="Rate limit reached"))
    reply(turn, "resp_1", 3.0, "failed", details)
    assert turn.done
    assert turn.problems == ["a response failed: Rate limit reached"]


def test_what_is_asked_of_the_session() -> None:
    session = session_update(Options(vad=False, text=True, instructions="Be brief.", voice="ash")).session
    assert isinstance(session, events.RealtimeSession)
    assert (session.output_modalities, session.instructions) == (["text"], "Be brief.")
    assert session.audio
    assert session.audio.input
    assert session.audio.output
    assert session.audio.input.turn_detection is None
    assert session.audio.output.voice == "ash"


def test_words_come_once_and_another_replys_as_another_paragraph() -> None:
    turn = ready(vad=False)
    place: Any = {"item_id": "item_2", "output_index": 0, "content_index": 0}
    said = []
    for name, words in [("resp_1", "One"), ("resp_1", "."), ("resp_2", ""), ("resp_2", "Two."), ("resp_1", "Three.")]:
        turn.take(events.ResponseOutputTextDelta(delta=words, response_id=name, **place), 1.0)
        said.append(turn.take_words())
    assert said == ["One", ".", "", "\n\nTwo.", "\n\nThree."]
    assert turn.summary() == "One.Three.\n\nTwo."


def test_problems_are_kept_up_to_a_number_and_a_length() -> None:
    turn = ready()
    for number in range(MAX_PROBLEMS + 5):
        turn.take(events.ErrorEvent(error=events.RealtimeError(message=f"{number} " + "x" * 10_000)), 1.0)
    assert (len(turn.problems), turn.more_problems) == (MAX_PROBLEMS, 5)
    assert max(map(len, turn.problems)) == 1000


def test_a_server_that_does_not_stop_is_refused() -> None:
    turn = ready()
    place: Any = {"item_id": "item_2", "output_index": 0, "content_index": 0}
    turn.take(events.ResponseOutputTextDelta(delta="x" * (MAX_TEXT - 10), response_id="resp_1", **place), 1.0)
    with pytest.raises(Refused, match="does not stop to speak"):
        turn.take(events.ResponseOutputTextDelta(delta="x" * 10, response_id="resp_1", **place), 1.0)
    turn = ready()
    begun = [events.ResponseCreated(response=events.RealtimeResponse(id=f"resp_{n}")) for n in range(MAX_REPLIES + 1)]
    for event in begun[:-1]:
        turn.take(event, 1.0)
    with pytest.raises(Refused, match="does not stop to answer"):
        turn.take(begun[-1], 1.0)
