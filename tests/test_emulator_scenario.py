"""A scenario: which turn answers, what each step does, and that all of it repeats."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from emulated import (
    PUSH_TO_TALK,
    WRITTEN,
    Emulated,
    append,
    create,
    every,
    hears,
    only,
    sound,
    types,
    update,
    voice,
    wrote,
)
from rtproto_audio import write_wav
from rtproto_emulator import Faults, Policy, Scenario, Settings
from rtproto_emulator._fault_plan import FaultPlan
from rtproto_emulator._injection import Injected

from rtproto import Close, events, to_dict

WEATHER = events.FunctionTool(name="get_weather", description="", parameters={"type": "object", "properties": {}})


def playing(turns: Any, **more: Any) -> Emulated:
    """A client of a server that follows these turns."""
    return Emulated(Settings(pace=math.inf, scenario=Scenario.parse({"turns": turns, **more})))


def answer(e: Emulated, words: str) -> str:
    """What is answered to written words, in text."""
    e.say(wrote(words))
    heard = e.say(create(output_modalities=["text"])) + e.finish()
    return "".join(event.delta for event in every(heard, events.ResponseOutputTextDelta))


# ---- which turn ----


def test_the_first_turn_whose_words_are_found_answers() -> None:
    e = playing([{"match": "WEATHER|rain", "say": "Sunny."}, {"match": "^bye", "say": "Bye."}])
    assert answer(e, "What is the weather like?") == "Sunny."
    assert answer(e, "bye now") == "Bye."
    assert answer(e, "Will it rain?") == "Sunny."
    assert answer(e, "so, bye") == "You wrote: so, bye"


def test_a_turn_without_words_answers_once_and_in_order() -> None:
    e = playing([{"say": "One."}, {"say": "Two.", "times": 2}], default={"say": "Enough."})
    assert [answer(e, "go on") for _ in range(5)] == ["One.", "Two.", "Two.", "Enough.", "Enough."]


def test_times_are_of_a_session() -> None:
    scenario = Scenario.parse({"turns": [{"match": "hi", "times": 1, "say": "Hello."}]})
    for _ in range(2):
        e = Emulated(Settings(pace=math.inf, scenario=scenario))
        assert answer(e, "hi") == "Hello."
        assert answer(e, "hi") == "You wrote: hi"


def test_a_function_is_called_and_its_output_answered() -> None:
    turns = [
        {
            "match": "weather",
            "steps": [{"say": "Let me see."}, {"call": {"name": "get_weather", "arguments": {"a": 1}}}],
        },
        {"tool": "get_weather", "say": "It rains."},
        {"tool": "get_time", "say": "It is late."},
    ]
    e = playing(turns)
    e.say(update(output_modalities=["text"], tools=[WEATHER]))
    e.say(wrote("the weather?"))
    done = only(e.say(events.ResponseCreate()) + e.finish(), events.ResponseDone).response
    said, called = done.output
    assert said.content[0].text == "Let me see."
    assert (called.name, called.arguments) == ("get_weather", '{"a": 1}')
    output = events.FunctionCallOutputItem(call_id=called.call_id, output="weather")
    e.say(events.ConversationItemCreate(item=output))
    assert only(e.say(events.ResponseCreate()), events.ResponseOutputTextDone).text == "It rains."


def test_arguments_may_be_broken_on_purpose() -> None:
    e = playing([{"call": {"name": "f", "arguments": "{broken"}}])
    (called,) = only(e.say(events.ResponseCreate()), events.ResponseDone).response.output
    assert called.arguments == "{broken"


# ---- what is heard ----


def test_a_turn_that_is_not_understood_answers_no_written_words() -> None:
    e = playing([{"heard": {"error": "noise"}, "say": "Pardon?"}, {"match": "hi", "say": "Hello."}])
    assert answer(e, "hi") == "Hello."
    e.say(PUSH_TO_TALK, hears(transcription=events.AudioTranscription(model="whisper-1")))
    e.say(append(voice(0.5)), events.InputAudioBufferCommit())
    heard = e.say(create(output_modalities=["text"])) + e.finish()
    assert only(heard, events.ResponseOutputTextDone).text == "Pardon?"


def test_what_is_heard_is_written_down_too() -> None:
    turns = [
        {"heard": "what is the weather", "say": "Sunny."},
        {"heard": {"error": "the line was bad"}, "match": "^$", "say": "Say that again."},
        {"match": "thanks", "heard": "many thanks", "say": "You are welcome."},
    ]
    e = playing(turns)
    e.say(WRITTEN, hears(turn_detection=None, transcription=events.AudioTranscription(model="whisper-1")))
    transcripts: list[str] = []
    answers = []
    for _ in range(4):
        heard = e.say(append(voice(0.5)), events.InputAudioBufferCommit(), events.ResponseCreate()) + e.finish()
        completed = every(heard, events.ConversationItemInputAudioTranscriptionCompleted)
        failed = every(heard, events.ConversationItemInputAudioTranscriptionFailed)
        transcripts += [event.transcript for event in completed] + [event.error.message for event in failed]
        answers.append(only(heard, events.ResponseOutputTextDone).text)
    assert transcripts[:3] == ["what is the weather", "the line was bad", "many thanks"]
    assert answers[:3] == ["Sunny.", "Say that again.", "You are welcome."]
    assert "seconds of speech" in transcripts[3]


# ---- steps ----


def test_a_file_is_played(tmp_path: Path) -> None:
    with write_wav(tmp_path / "hello.wav", 24_000) as wav:
        wav.write(voice(0.5))
    steps = [{"play": {"file": "hello.wav", "transcript": "Hello there."}}]
    scenario = Scenario.parse({"turns": [{"steps": steps}]}, tmp_path)
    e = Emulated(Settings(pace=math.inf, scenario=scenario))
    heard = e.say(events.ResponseCreate()) + e.finish()
    assert sound(heard) == voice(0.5)
    assert only(heard, events.ResponseOutputAudioTranscriptDone).transcript == "Hello there."


def test_waiting_takes_its_time_on_the_servers_clock() -> None:
    e = playing([{"steps": [{"say": "One."}, {"wait": "1.5s"}, {"say": " Two."}]}])
    e.say(WRITTEN)
    assert types(e.say(events.ResponseCreate()))[-1] == "response.output_text.delta"
    assert e.wait(1.4) == []
    assert only(e.wait(0.2), events.ResponseOutputTextDone).text == "One. Two."


@pytest.mark.parametrize(
    ("step", "status", "details"),
    [
        (
            {"fail": {"code": "rate_limit_exceeded", "message": "Slow down."}},
            "failed",
            {
                "type": "failed",
                "error": {"type": "server_error", "code": "rate_limit_exceeded", "message": "Slow down."},
            },
        ),
        ({"incomplete": "content_filter"}, "incomplete", {"type": "incomplete", "reason": "content_filter"}),
    ],
)
def test_a_response_ends_early(step: Any, status: str, details: Any) -> None:
    e = playing([{"steps": [{"say": "Well"}, step, {"say": "never said"}]}])
    heard = e.say(WRITTEN, events.ResponseCreate()) + e.finish()
    response = to_dict(only(heard, events.ResponseDone))["response"]
    assert (response["status"], response["status_details"]) == (status, details)
    assert (response["output"][0]["status"], response["output"][0]["content"][0]["text"]) == ("incomplete", "Well")


def test_an_error_between_two_sentences() -> None:
    e = playing(
        [{"steps": [{"say": "One."}, {"error": {"code": "odd", "type": "invalid_request_error"}}, {"say": "Two."}]}]
    )
    heard = e.say(WRITTEN, events.ResponseCreate()) + e.finish()
    error = only(heard, events.ErrorEvent).error
    assert (error.code, error.type, error.message) == ("odd", "invalid_request_error", "A failure on demand.")
    assert only(heard, events.ResponseDone).response.status == "completed"


# ---- faults, and that all repeats ----


def run(mapping: Any, session: int = 1) -> list[tuple[float, Any]]:
    """One session of three questions: when what was said or done, with every id in it."""
    settings = Settings(scenario=Scenario.parse(mapping)).for_session(session)
    injected = Injected(Policy(settings), FaultPlan(Faults(seed=settings.run_seed), session))
    now, told = 0.0, list[tuple[float, Any]]()

    def take() -> None:
        while (said := injected.next_event()) is not None:
            event = getattr(said, "event", said)
            what = to_dict(event) if isinstance(event, events.ServerEvent) else event
            told.append((now, (getattr(said, "how", None), what)))

    injected.start(now)
    take()
    for _ in range(3):
        for event in (PUSH_TO_TALK, append(voice(0.3)), events.InputAudioBufferCommit(), events.ResponseCreate()):
            injected.receive(event, now)
            take()
        end = now + 20
        while (moment := injected.deadline()) is not None and moment <= end:
            now = moment
            injected.tick(now)
            take()
        now = end
    return told


REPEATED = {
    "seed": 7,
    "turns": [
        {"heard": "hi", "steps": [{"say": "Hello there."}, {"fault": "duplicate@response.output_audio.delta%0.5"}]},
        {"steps": [{"say": "Well."}, {"wait": 0.5}, {"fault": "stall:2"}, {"say": "Well."}]},
        {"steps": [{"say": "Bye."}, {"fault": "close:4001"}, {"say": "never heard"}]},
    ],
}


def test_a_run_repeats_to_the_last_byte_and_id() -> None:
    first = run(REPEATED)
    assert run(REPEATED) == first
    assert run(REPEATED, session=2) != first
    assert run({**REPEATED, "seed": 8}) != first
    assert first[0][1][1]["session"]["id"].startswith("sess_")


def test_faults_happen_where_they_stand() -> None:
    told = run(REPEATED)
    assert told[-1][1] == (None, Close(4001, "fault on demand"))
    words = [(moment, what["delta"]) for moment, (_, what) in told[:-1] if what["type"].endswith("transcript.delta")]
    second = [moment for moment, word in words if word == "Well."]
    assert second[1] - second[0] >= 2.5  # the pause, and the stall before it
    assert "never" not in [word for _, word in words]
    doubled = [how for _, (how, what) in told if isinstance(what, dict) and what["type"].endswith("audio.delta")]
    assert "plain" in doubled
