"""Sessions of vLLM's realtime endpoint at the emulator, with a client that speaks the wire itself."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from emulated import Emulated, numbered, silence, voice
from hypothesis import given, settings
from hypothesis import strategies as st
from rtproto_emulator import Engines, Scenario, Settings, Speech, Vllm
from rtproto_emulator._fault_plan import FaultPlan, Faults
from rtproto_emulator._injection import Injected
from rtproto_emulator._metrics import Meter, Metrics
from scale import scaled

from rtproto import events
from rtproto.events import vllm

RATE = 16_000
SPOKEN = silence(0.3, RATE) + voice(1.0, RATE) + silence(0.6, RATE)
START: dict[str, Any] = {"type": "input_audio_buffer.commit"}
FINAL: dict[str, Any] = {"type": "input_audio_buffer.commit", "final": True}
MODEL: dict[str, Any] = {"type": "session.update", "model": "mistralai/Voxtral-Mini-4B-Realtime-2602"}


class Words:
    """Understands the same in each passage, but not while it is `busy`; an Exception means that it fails there."""

    pause_ms = 160

    def __init__(self, *pieces: str | Exception, busy: bool = False) -> None:
        self.pieces: tuple[str | Exception, ...] = pieces
        self.busy = busy
        self.prepared = 0
        self.heard: list[Speech] = []

    def prepare(self) -> None:
        self.prepared += 1

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        self.heard.append(speech)
        for piece in self.pieces:
            while self.busy:
                yield None
            if isinstance(piece, Exception):
                raise RuntimeError(str(piece))
            yield piece


def begin(words: Words | None = None, *, named: bool = True, **changes: Any) -> Emulated:
    engines = Engines(transcriber=words or Words("good", " morning"))
    e = Emulated(Settings(**{"pace": math.inf, "engines": engines, **changes}), "vllm", lawful=False)
    if named:
        say(e, MODEL)
    return e


def append(pcm: bytes) -> dict[str, Any]:
    return {"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()}


def say(e: Emulated, *said: dict[str, Any] | str) -> list[dict[str, Any]]:
    before = len(e.wire)
    for event in said:
        e.raw(event if isinstance(event, str) else json.dumps(event))
    return e.wire[before:]


def deltas(told: list[dict[str, Any]]) -> list[str]:
    return [event["delta"] for event in told if event["type"] == "transcription.delta"]


def errors(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(event["code"], event["error"]) for event in told if event["type"] == "error"]


# ---- as it is meant ----


def test_a_session_begins_with_an_id_and_the_time_and_no_more() -> None:
    assert begin(named=False).wire == [{"type": "session.created", "id": "sess_1", "created": 1_000_000}]


def test_words_come_while_sound_does_and_all_of_them_at_its_end() -> None:
    e = begin()
    assert say(e, START) == []
    assert deltas(say(e, append(SPOKEN))) == ["good", " morning"]
    assert deltas(say(e, append(SPOKEN))) == [" good", " morning"]
    (done,) = say(e, FINAL)
    assert done == {
        "type": "transcription.done",
        "text": "good morning good morning",
        "usage": {"prompt_tokens": 38, "total_tokens": 45, "completion_tokens": 7, "prompt_tokens_details": None},
    }


def test_a_transcript_comes_in_words_and_joined_they_are_it() -> None:
    told = say(begin(Words(" what is", " the weather in Paris")), START, append(SPOKEN), FINAL)
    assert deltas(told) == [" what", " is", " the", " weather", " in", " Paris"]
    assert told[-1]["text"] == "".join(deltas(told))


def test_sound_may_come_before_the_beginning() -> None:
    told = say(begin(), append(SPOKEN), append(SPOKEN), START)
    assert deltas(told) == ["good", " morning", " good", " morning"]


def test_all_of_it_may_come_before_the_beginning() -> None:
    told = say(begin(), append(SPOKEN), FINAL, START)
    assert told[-1]["text"] == "good morning"


def test_speech_that_goes_on_at_the_end_is_told_too() -> None:
    words = Words("hi")
    told = say(begin(words), START, append(voice(1.0, RATE)), FINAL)
    assert told[-1]["text"] == "hi"
    assert words.prepared == 1
    (speech,) = words.heard
    assert len(speech.pcm) == pytest.approx(48_000, rel=0.03)  # a second, at 24 kHz


def test_what_the_ears_do_not_hear_the_transcriber_may() -> None:
    told = say(begin(Words("whispered")), START, append(silence(1.0, RATE)), FINAL)
    assert told[-1]["text"] == "whispered"


def test_one_utterance_follows_another() -> None:
    e = begin()
    for _ in range(3):
        assert say(e, START, append(SPOKEN), FINAL)[-1]["text"] == "good morning"


def test_a_scenario_is_heard() -> None:
    scenario = Scenario.parse({"turns": [{"heard": "tell me a story", "say": "No."}]})
    told = say(begin(scenario=scenario), START, append(SPOKEN), FINAL)
    assert told[-1]["text"] == "tell me a story"


# ---- in another order ----


def test_a_model_must_be_named_first() -> None:
    e = begin(named=False)
    code = "model_not_validated"
    line = "Model not validated. Make sure to validate the model by sending a session.update event."
    assert errors(say(e, START, FINAL)) == [(code, line), (code, line)]
    for update in ({}, {"model": None}, {"session": {"model": "m"}}, {"session": {"type": "realtime", "model": "m"}}):
        told = say(e, {"type": "session.update", **update})
        assert errors(told) == [("invalid_event", "Missing required field: model")]
    assert say(e, {"type": "session.update", "model": "m", "language": "en", "temperature": 0.5}, START) == []


def test_a_second_beginning_is_passed_over() -> None:
    words = Words("good", busy=True)
    e = begin(words)
    assert say(e, START, append(SPOKEN), START, FINAL, START, append(SPOKEN)) == []
    words.busy = False
    e.wait(0.02)
    assert e.wire[-1]["text"] == "good"
    # What came after the end, and before the last word, is lost: vLLM clears its queue there.
    assert say(e, START, FINAL)[-1]["text"] == ""


def test_an_end_without_sound_is_an_empty_text() -> None:
    (done,) = say(begin(), START, FINAL)
    assert (done["text"], done["usage"]["total_tokens"]) == ("", 0)


def test_an_engine_that_fails_ends_the_transcription_and_the_session_goes_on() -> None:
    words = Words("good", ValueError("no model"))
    e = begin(words)
    told = say(e, START, append(SPOKEN))
    assert [event["type"] for event in told] == ["transcription.delta", "error"]
    assert errors(told) == [("processing_error", "no model")]
    words.pieces = ("again",)
    assert say(e, append(SPOKEN), FINAL) == []
    assert say(e, START)[-1]["text"] == "again"


# ---- what is no event ----


@pytest.mark.parametrize(
    ("said", "code", "line"),
    [
        ({"type": "response.create"}, "unknown_event", "Unknown event type: response.create"),
        ({"type": "input_audio_buffer.clear"}, "unknown_event", "Unknown event type: input_audio_buffer.clear"),
        ({"type": "nonsense", "event_id": "e"}, "unknown_event", "Unknown event type: nonsense"),
        ({}, "unknown_event", "Unknown event type: None"),
        ("{", "invalid_json", "Invalid JSON"),
        (append(b""), "invalid_audio", "Invalid audio data"),
        (append(b"odd"), "invalid_audio", "Invalid audio data"),
        (append(bytes(15 * 1024 * 1024 + 2)), "invalid_audio", "Invalid audio data"),
        ({"type": "input_audio_buffer.append", "audio": "!"}, "invalid_audio", "Invalid audio data"),
        (
            {"type": "session.update", "model": 5},
            "processing_error",
            "Invalid type for 'model': expected a string or null, but got an integer instead.",
        ),
    ],
)
def test_what_cannot_be_is_told_in_vllms_words(said: dict[str, Any] | str, code: str, line: str) -> None:
    e = begin()
    assert say(e, said) == [{"type": "error", "error": line, "code": code}]
    assert say(e, START, append(SPOKEN), FINAL)[-1]["text"] == "good morning"


# ---- limits ----


def test_sound_that_nobody_asks_for_does_not_pile_up() -> None:
    e = begin(max_input_ms=5000)
    told = say(e, *[append(SPOKEN)] * 4)
    ((code, line),) = errors(told)
    assert code == "input_audio_buffer_full"
    assert line.startswith("5 seconds of sound wait")
    assert say(e, START, FINAL)[-1]["text"] == "good morning good morning good morning"


def test_a_transcriber_that_does_not_keep_up_is_not_given_more() -> None:
    words = Words("late", busy=True)
    e = begin(words, max_input_ms=3000)
    told = say(e, START, *[append(SPOKEN)] * 5)
    assert [code for code, _ in errors(told)] == ["input_audio_buffer_full"] * 2
    words.busy = False
    say(e, FINAL)
    assert e.wire[-1]["text"] == "late late late"


def test_ends_do_not_pile_up() -> None:
    told = say(begin(), *[FINAL] * 150)
    assert len(told) == 50
    assert {code for code, _ in errors(told)} == {"processing_error"}


def test_who_never_pauses_hears_words_after_a_minute() -> None:
    e = begin()
    told = say(e, START, *[append(voice(1.0, RATE))] * 61)
    assert deltas(told) == ["good", " morning"]


def test_an_append_of_minutes() -> None:
    told = say(begin(), START, append(SPOKEN * 60), FINAL)
    assert deltas(told).count(" morning") == 60


def test_an_hour_is_the_end() -> None:
    e = begin()
    e.wait(3600)
    assert e.wire[-1] == {
        "type": "error",
        "error": "Your session hit the maximum duration of 60 minutes.",
        "code": "session_expired",
    }
    assert e.closed is not None
    assert e.closed.code == 1001
    assert say(e, START) == []


# ---- faults and numbers ----


def injected(*faults: str) -> tuple[Injected, list[Any]]:
    engines = Engines(transcriber=Words("good", " morning"))
    policy = Injected(Vllm(Settings(engines=engines, make_id=numbered())), FaultPlan(Faults(faults), 1))
    policy.start(0.0, 0.0)
    transcription = events.AudioTranscription(model="m")
    audio = events.AudioConfig(input=events.AudioInput(transcription=transcription))
    for heard in (
        events.SessionUpdate(session=events.TranscriptionSession(audio=audio)),
        events.InputAudioBufferCommit(),
        events.InputAudioBufferAppend(audio=SPOKEN),
        vllm.InputAudioBufferCommit(final=True),
    ):
        policy.receive(heard, 0.0)
    said: list[Any] = []
    while (event := policy.next_event()) is not None:
        said.append(getattr(event, "event", event))
    return policy, said


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("transcription-failed:broken:No.", "broken"),
        ("error:server_error:No.@input_audio_buffer.append", "server_error"),
    ],
)
def test_a_fault_is_told_as_vllm_would(fault: str, code: str) -> None:
    _, said = injected(fault)
    (error,) = [event for event in said if isinstance(event, events.ErrorEvent)]
    assert error == events.ErrorEvent(error=events.RealtimeError(code=code, message="No."))
    assert not [event for event in said if getattr(event, "transcript", "") == "good morning"]


def test_numbers() -> None:
    metrics = Metrics(0.0)
    meter = Meter(metrics, "vllm")
    meter.said(events.SessionCreated(session=vllm.TranscriptionSession(id="s", created=0)), 0.0)
    meter.heard(events.InputAudioBufferAppend(audio=bytes(32_000)), 1.0)
    meter.heard(vllm.InputAudioBufferCommit(final=True), 2.0)
    meter.said(vllm.ConversationItemInputAudioTranscriptionCompleted(transcript="hi"), 2.5)
    meter.said(vllm.ConversationItemInputAudioTranscriptionCompleted(transcript=""), 3.5)
    assert metrics.seconds_received == 1.0
    assert (metrics.transcription.total, sum(metrics.transcription.counts)) == (0.5, 1)


# ---- any client ----

STEP = st.one_of(
    st.sampled_from([START, FINAL, MODEL, append(SPOKEN), append(voice(0.3, RATE)), append(silence(0.7, RATE))]),
    st.sampled_from([append(b"\1"), {"type": "x"}, "{", {"type": "session.update"}]),
    st.floats(0.001, 2),
)


@settings(max_examples=scaled(60))
@given(st.lists(STEP, max_size=25), st.sampled_from([("hi",), ("a b", " c"), ("a", ValueError("x")), ()]))
def test_any_client_in_any_order(story: list[Any], pieces: tuple[Any, ...]) -> None:
    words = Words(*pieces)
    e = begin(words, max_input_ms=4000)
    begun = 0
    for step in story:
        if isinstance(step, float):
            words.busy = not words.busy
            e.wait(step)
        else:
            say(e, step)
    words.busy = False
    say(e, FINAL, START, FINAL)
    told = ""
    for event in e.wire:
        if event["type"] == "transcription.delta":
            told += event["delta"]
        elif event["type"] == "transcription.done":
            begun += 1
            assert event["text"] == told
            told = ""
        elif event["type"] == "error" and event["code"] == "processing_error":
            told = ""
    assert begun or any(isinstance(piece, Exception) for piece in pieces)
    assert e.closed is None
    assert e.policy.deadline() is not None
