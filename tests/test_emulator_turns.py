"""The emulator's turns: which events come, in which order, with what in them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from emulated import (
    PUSH_TO_TALK,
    WRITTEN,
    Emulated,
    append,
    chunks,
    create,
    every,
    hears,
    only,
    refusal,
    silence,
    sound,
    types,
    update,
    voice,
    wrote,
)
from rtproto_emulator import Settings

from rtproto import events, to_dict

AT_ONCE = Settings(pace=math.inf)
SPOKEN_ITEM = [
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


def once(told: list[str]) -> list[str]:
    """Each type at its first place: transcript and audio deltas are interleaved freely."""
    return list(dict.fromkeys(told))


def test_a_session_begins_with_itself() -> None:
    e = Emulated(model="gpt-realtime-mini")
    (created,) = e.begin
    session = created.session
    assert isinstance(created, events.SessionCreated)
    assert (session.type, session.object, session.model) == ("realtime", "realtime.session", "gpt-realtime-mini")
    assert session.expires_at == 1_003_600
    assert to_dict(created)["session"]["audio"] == {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "transcription": None,
            "noise_reduction": None,
            "turn_detection": {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 500,
                "idle_timeout_ms": None,
                "create_response": True,
                "interrupt_response": True,
            },
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy", "speed": 1.0},
    }


def test_text_in_audio_out() -> None:
    e = Emulated()
    heard = e.say(wrote("hello there")) + e.say(events.ResponseCreate()) + e.finish()
    told = types(heard)
    assert told[:3] == ["conversation.item.added", "conversation.item.done", "response.created"]
    assert once(told[3:]) == [*SPOKEN_ITEM[:1], "conversation.item.added", *SPOKEN_ITEM[2:]]
    done = only(heard, events.ResponseDone).response
    assert done.status == "completed"
    assert done.output == [only(heard, events.ResponseOutputItemDone).item]
    transcript = only(heard, events.ResponseOutputAudioTranscriptDone).transcript
    assert transcript == "You wrote: hello there"
    assert "".join(d.delta for d in every(heard, events.ResponseOutputAudioTranscriptDelta)) == transcript


def test_a_hum_is_as_long_as_the_answer() -> None:
    e = Emulated()
    e.say(wrote("hello there"))
    e.say(events.ResponseCreate())
    e.finish()
    four_words = len(sound(e.seen))
    e.say(update(audio=events.AudioConfig(output=events.AudioOutput(speed=0.5))))
    e.say(events.ResponseCreate())
    e.finish()
    assert four_words == 4 * 300 * 48
    assert len(sound(e.seen)) == four_words * 3


def test_text_in_text_out() -> None:
    e = Emulated()
    e.say(WRITTEN, wrote("hello"))
    heard = e.say(events.ResponseCreate()) + e.finish()
    assert types(heard) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert only(heard, events.ResponseOutputTextDone).text == "You wrote: hello"
    assert only(heard, events.ResponseContentPartDone).part == events.TextPart(text="You wrote: hello")
    assert only(heard, events.ResponseOutputItemDone).item == events.MessageItem(
        id="item_2", status="completed", role="assistant", content=[events.OutputText(text="You wrote: hello")]
    )


def test_a_response_says_all_that_strict_clients_need() -> None:
    e = Emulated()
    e.say(WRITTEN)
    heard = e.say(create(metadata={"topic": "x"})) + e.finish()
    created = to_dict(only(heard, events.ResponseCreated))["response"]
    done = to_dict(only(heard, events.ResponseDone))["response"]
    assert created == {
        "id": "resp_1",
        "object": "realtime.response",
        "status": "in_progress",
        "status_details": None,
        "output": [],
        "conversation_id": "conv_1",
        "output_modalities": ["text"],
        "max_output_tokens": "inf",
        "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy"}},
        "usage": None,
        "metadata": {"topic": "x"},
    }
    assert {**done, "usage": None, "output": [], "status": "in_progress"} == created
    usage = done["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_tokens"] == sum(usage["input_token_details"][kind] for kind in ("text_tokens", "audio_tokens"))
    assert usage["output_tokens"] == sum(usage["output_token_details"].values()) > 0
    limit = only(heard, events.RateLimitsUpdated).rate_limits[0]
    assert limit.limit == limit.remaining + usage["total_tokens"]


def test_a_spoken_turn() -> None:
    e = Emulated()
    e.say(hears(transcription=events.AudioTranscription(model="whisper-1", language="en")))
    heard = e.speak(silence(0.5) + voice(1.0) + silence(0.6))
    assert types(heard)[:6] == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "response.created",
    ]
    heard += e.finish()
    started, stopped = (
        only(heard, events.InputAudioBufferSpeechStarted),
        only(heard, events.InputAudioBufferSpeechStopped),
    )
    assert (started.audio_start_ms, stopped.audio_end_ms) == (200, 2000)
    committed, added = only(heard, events.InputAudioBufferCommitted), every(heard, events.ConversationItemAdded)[0]
    assert to_dict(added)["item"] == {
        "id": started.item_id,
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    assert started.item_id == stopped.item_id == committed.item_id
    transcribed = only(heard, events.ConversationItemInputAudioTranscriptionCompleted)
    assert transcribed.transcript == "(1.0 seconds of speech)"
    assert transcribed.usage == events.UsageDuration(seconds=2)
    assert only(heard, events.ResponseOutputAudioTranscriptDone).transcript == "I heard 1.0 seconds of speech."
    assert sound(heard) == (silence(0.3) + voice(1.0) + silence(0.5))


def test_without_transcription_no_transcript_is_sent() -> None:
    e = Emulated()
    heard = e.speak(silence(0.5) + voice(1.0) + silence(0.6)) + e.finish()
    assert not [event for event in heard if "input_audio_transcription" in event.type]
    retrieved = e.say(events.ConversationItemRetrieve(item_id=only(heard, events.InputAudioBufferCommitted).item_id))
    assert retrieved[0].item.content[0].transcript == "(1.0 seconds of speech)"


def test_a_turn_without_an_answer() -> None:
    e = Emulated()
    e.say(hears(turn_detection=events.ServerVad(create_response=False)))
    heard = e.speak(silence(0.5) + voice(1.0) + silence(0.6)) + e.finish()
    assert types(heard)[-3:] == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]


def test_push_to_talk() -> None:
    e = Emulated()
    e.say(PUSH_TO_TALK)
    assert e.speak(voice(1.0)) == []
    heard = e.say(events.InputAudioBufferCommit())
    assert types(heard) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert e.finish() == []
    heard = e.say(events.ResponseCreate()) + e.finish()
    assert only(heard, events.ResponseDone).response.status == "completed"
    assert sound(heard) == voice(1.0)


def test_push_to_talk_without_speech() -> None:
    e = Emulated()
    e.say(PUSH_TO_TALK, hears(transcription=events.AudioTranscription(model="whisper-1")), append(silence(0.5)))
    heard = e.say(events.InputAudioBufferCommit())
    transcribed = only(heard, events.ConversationItemInputAudioTranscriptionCompleted)
    assert (transcribed.transcript, transcribed.usage) == ("", events.UsageDuration(seconds=0))
    heard = e.say(events.ResponseCreate()) + e.finish()
    assert only(heard, events.ResponseOutputAudioTranscriptDone).transcript == "I heard no speech."


def test_a_commit_in_the_middle_of_a_turn_takes_its_item_id() -> None:
    e = Emulated()
    started = only(e.speak(silence(0.2) + voice(0.5)), events.InputAudioBufferSpeechStarted)
    assert only(e.say(events.InputAudioBufferCommit()), events.InputAudioBufferCommitted).item_id == started.item_id
    assert "input_audio_buffer.speech_stopped" not in types(e.speak(silence(1.0)))


def test_a_cleared_buffer_is_empty_and_time_goes_on() -> None:
    e = Emulated()
    e.say(PUSH_TO_TALK, append(voice(1.0)))
    assert types(e.say(events.InputAudioBufferClear())) == ["input_audio_buffer.cleared"]
    assert e.say(events.InputAudioBufferCommit())[0].error.code == "input_audio_buffer_commit_empty"
    e.say(hears(turn_detection=events.ServerVad()))
    heard = e.speak(silence(0.5) + voice(0.5))
    assert only(heard, events.InputAudioBufferSpeechStarted).audio_start_ms == 1200


def test_clearing_in_the_middle_of_a_turn_ends_it() -> None:
    e = Emulated()
    assert types(e.speak(silence(0.2) + voice(0.5))) == ["input_audio_buffer.speech_started"]
    e.say(events.InputAudioBufferClear())
    assert e.speak(silence(1.0)) == []


def test_audio_is_paced_and_the_words_come_first() -> None:
    e = Emulated(Settings(pace=4.0, delta_ms=200))
    e.say(wrote("one two three four"), events.ResponseCreate())
    assert types(e.seen)[-2:] == ["response.output_audio_transcript.delta", "response.output_audio.delta"]
    assert e.policy.deadline() == e.now + 0.05
    assert len(every(e.wait(0.1), events.ResponseOutputAudioDelta)) == 2
    assert len(every(e.seen, events.ResponseOutputAudioDelta)) == 3


def test_a_late_clock_loses_nothing() -> None:
    early, late = Emulated(), Emulated()
    for e in (early, late):
        e.say(wrote("one two three four"), events.ResponseCreate())
    for _ in range(100):
        early.wait(0.01)
    late.wait(1.0)
    assert early.seen == late.seen


def test_everything_at_once() -> None:
    e = Emulated(AT_ONCE)
    e.say(wrote("hello"), events.ResponseCreate())
    assert types(e.seen)[-2:] == ["response.done", "rate_limits.updated"]


# ---- in the middle ----

CLOSERS = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


@pytest.mark.parametrize("by_id", [True, False])
def test_cancel(by_id: bool) -> None:
    e = Emulated()
    e.say(wrote("a long story that is never told to its end"), events.ResponseCreate())
    spoken = e.wait(0.05)
    heard = e.say(events.ResponseCancel(response_id="resp_1") if by_id else events.ResponseCancel())
    assert types(heard) == CLOSERS
    done = only(heard, events.ResponseDone).response
    assert done.status == "cancelled"
    assert done.status_details == events.ResponseStatusDetails(type="cancelled", reason="client_cancelled")
    (item,) = done.output
    words = "".join(d.delta for d in every(e.seen, events.ResponseOutputAudioTranscriptDelta))
    assert (item.status, item.content) == ("incomplete", [events.OutputAudio(transcript=words)])
    assert spoken
    assert e.finish() == []
    assert types(e.say(events.ResponseCreate()))[0] == "response.created"


def test_an_interruption_cancels_what_is_said() -> None:
    e = Emulated(Settings(pace=1.0))
    e.say(wrote("a long story that is never told to its end"), events.ResponseCreate())
    heard = e.speak(silence(0.2) + voice(0.5))
    at = [event.type for event in heard].index("input_audio_buffer.speech_started")
    assert types(heard[at:]) == ["input_audio_buffer.speech_started", *CLOSERS]
    done = only(heard, events.ResponseDone).response
    assert done.status_details == events.ResponseStatusDetails(type="cancelled", reason="turn_detected")
    heard = e.speak(silence(0.6)) + e.finish()
    assert only(heard, events.ResponseDone).response.status == "completed"
    assert only(heard, events.InputAudioBufferCommitted).previous_item_id == done.output[0].id


def test_two_turns_at_once_cancel_an_answer_that_has_not_begun() -> None:
    e = Emulated()
    turn = silence(0.5) + voice(0.5) + silence(0.6)
    heard = e.say(append(turn * 2)) + e.finish()
    first, second = (done.response for done in every(heard, events.ResponseDone))
    assert (first.status, first.output) == ("cancelled", [])
    assert first.usage.total_tokens == 0
    assert second.status == "completed"


def test_no_interruption_where_the_session_forbids_it() -> None:
    e = Emulated(Settings(pace=1.0))
    e.say(hears(turn_detection=events.ServerVad(interrupt_response=False)))
    e.say(wrote("a long story that is told to its end, whoever speaks"), events.ResponseCreate())
    heard = e.speak(silence(0.2) + voice(0.5) + silence(0.6))
    error = only(heard, events.ErrorEvent).error
    assert (error.code, error.event_id) == ("conversation_already_has_active_response", None)
    assert only(heard + e.finish(), events.ResponseDone).response.status == "completed"


# ---- what a response may ask for ----


def test_out_of_band() -> None:
    e = Emulated()
    e.say(wrote("in the conversation"))
    ask = create(
        conversation="none",
        output_modalities=["text"],
        metadata={"purpose": "classify"},
        input=[
            events.ItemReference(id="item_1"),
            events.MessageItem(role="user", content=[events.InputText(text="beside it")]),
        ],
    )
    heard = e.say(ask) + e.finish()
    assert not [event for event in heard if event.type.startswith("conversation.")]
    done = only(heard, events.ResponseDone).response
    assert (done.conversation_id, done.metadata) == (None, {"purpose": "classify"})
    assert done.output[0].content == [events.OutputText(text="You wrote: beside it")]
    assert e.say(events.ConversationItemRetrieve(item_id=done.output[0].id))[0].error.code == (
        "item_retrieve_invalid_item_id"
    )


def test_out_of_band_runs_beside_the_conversation() -> None:
    e = Emulated()
    e.say(wrote("aloud"), events.ResponseCreate())
    aside = create(conversation="none", input=[], output_modalities=["text"])
    heard = e.say(aside, aside) + e.finish()
    done = [event.response for event in every(heard, events.ResponseDone)]
    assert sorted(response.id for response in done) == ["resp_1", "resp_2", "resp_3"]
    assert done[0].output[0].content == [events.OutputText(text="Nobody has said anything to me yet.")]


def test_cancel_leaves_out_of_band_responses_alone() -> None:
    e = Emulated()
    e.say(wrote("aloud"))
    e.say(create(conversation="none"))
    assert e.say(events.ResponseCancel())[0].error.code == "response_cancel_not_active"
    assert only(e.say(events.ResponseCancel(response_id="resp_1")), events.ResponseDone).response.status == "cancelled"


def test_an_answer_to_audio_that_came_with_the_question() -> None:
    e = Emulated()
    question = events.MessageItem(role="user", content=[events.InputAudio(audio=voice(1.0))])
    heard = e.say(create(conversation="none", input=[question])) + e.finish()
    assert only(heard, events.ResponseOutputAudioTranscriptDone).transcript == "I heard 1.0 seconds of speech."
    assert sound(heard) == voice(1.0)


def test_an_item_with_audio_is_heard() -> None:
    e = Emulated()
    item = events.MessageItem(role="user", content=[events.InputAudio(audio=voice(0.5))])
    added = e.say(events.ConversationItemCreate(item=item))
    assert added[0].item.content == [events.InputAudio(transcript=None)]
    heard = e.say(events.ResponseCreate()) + e.finish()
    assert sound(heard) == voice(0.5)


def test_the_limit_of_output_tokens() -> None:
    e = Emulated()
    e.say(WRITTEN, wrote("a rather long sentence"))
    heard = e.say(create(max_output_tokens=3)) + e.finish()
    done = only(heard, events.ResponseDone).response
    assert done.status == "incomplete"
    assert done.status_details == events.ResponseStatusDetails(type="incomplete", reason="max_output_tokens")
    assert done.output[0].content == [events.OutputText(text="You wrote:")]
    assert only(heard, events.ResponseOutputTextDone).text == "You wrote:"


def test_a_response_of_its_own_modality_and_voice() -> None:
    e = Emulated()
    e.say(wrote("hello"))
    heard = e.say(create(audio=events.AudioConfig(output=events.AudioOutput(voice="marin"))))
    assert to_dict(heard[0])["response"]["audio"]["output"]["voice"] == "marin"
    e.finish()
    assert "response.output_text.delta" in types(e.say(create(output_modalities=["text"])) + e.finish())


# ---- functions ----

WEATHER = events.FunctionTool(
    name="get_weather",
    description="Look up the weather for a city.",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 1},
            "unit": {"enum": ["celsius", "kelvin"]},
            "where": {"type": "object", "properties": {"near": {"type": "boolean"}}, "required": ["near"]},
            "note": {"type": "string"},
        },
        "required": ["city", "days", "unit", "where"],
    },
)


@pytest.mark.parametrize("choice", ["required", events.ToolChoiceFunction(name="get_weather")])
def test_a_function_call_and_its_answer(choice: Any) -> None:
    e = Emulated()
    e.say(update(tools=[WEATHER], tool_choice=choice, output_modalities=["text"]), wrote("London"))
    heard = e.say(events.ResponseCreate()) + e.finish()
    assert types(heard) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    opened = only(heard, events.ResponseOutputItemAdded).item
    assert opened == events.FunctionCallItem(
        id="item_2", status="in_progress", name="get_weather", call_id="call_1", arguments=""
    )
    arguments = only(heard, events.ResponseFunctionCallArgumentsDone)
    assert arguments.name == "get_weather"
    assert arguments.arguments == ('{"city": "London", "days": 1, "unit": "celsius", "where": {"near": false}}')
    (call,) = only(heard, events.ResponseDone).response.output
    assert (call.status, call.arguments) == ("completed", arguments.arguments)

    output = events.FunctionCallOutputItem(call_id="call_1", output="It is foggy in London.")
    heard = e.say(events.ConversationItemCreate(item=output))
    assert to_dict(heard[0])["item"] == {
        "id": "item_3",
        "type": "function_call_output",
        "call_id": "call_1",
        "output": "It is foggy in London.",
    }
    heard = e.say(events.ResponseCreate()) + e.finish()
    assert only(heard, events.ResponseOutputTextDone).text == "It is foggy in London."


def test_no_function_is_called_unless_it_must_be() -> None:
    e = Emulated()
    e.say(update(tools=[WEATHER]), wrote("London"))
    assert "response.function_call_arguments.done" not in types(e.say(events.ResponseCreate()) + e.finish())


# ---- time ----


def test_an_hour_is_the_end() -> None:
    e = Emulated(Settings(duration=3600))
    assert e.wait(3599) == []
    (error,) = e.wait(1)
    assert error.error.code == "session_expired"
    assert error.error.message == "Your session hit the maximum duration of 60 minutes."
    assert e.closed is not None
    assert e.closed.code == 1001
    assert e.policy.deadline() is None
    assert e.say(events.ResponseCreate()) == []


def test_nobody_speaks_for_a_while() -> None:
    e = Emulated(AT_ONCE)
    e.say(
        hears(
            turn_detection=events.ServerVad(idle_timeout_ms=5000),
            transcription=events.AudioTranscription(model="whisper-1"),
        )
    )
    e.say(wrote("one"), events.ResponseCreate())
    speech_ms = len(sound(e.seen)) / 48
    assert e.speak(silence(speech_ms / 1000 + 4.9)) == []
    heard = e.speak(silence(0.2))
    assert once(types(heard))[:6] == [
        "input_audio_buffer.timeout_triggered",
        "conversation.item.added",
        "conversation.item.done",
        "input_audio_buffer.committed",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
    ]
    triggered = only(heard, events.InputAudioBufferTimeoutTriggered)
    assert triggered.audio_end_ms - triggered.audio_start_ms == 5000
    note, silent = (event.item for event in every(heard, events.ConversationItemAdded)[:2])
    assert note.role == "system"
    assert (silent.role, silent.id) == ("user", triggered.item_id)
    assert only(heard, events.InputAudioBufferCommitted).previous_item_id == note.id
    transcribed = only(heard, events.ConversationItemInputAudioTranscriptionCompleted)
    assert (transcribed.transcript, transcribed.usage) == ("", events.UsageDuration(seconds=0))
    assert e.policy.deadline() is not None


def test_who_speaks_is_not_idle() -> None:
    e = Emulated(AT_ONCE)
    e.say(hears(turn_detection=events.ServerVad(idle_timeout_ms=5000)), wrote("one"), events.ResponseCreate())
    assert "input_audio_buffer.timeout_triggered" not in types(e.speak(silence(1.0) + voice(7.0)))


# ---- other sessions ----


def test_a_session_that_only_transcribes() -> None:
    e = Emulated(transcription=True)
    session = e.begin[0].session
    assert isinstance(session, events.TranscriptionSession)
    assert session.object == "realtime.transcription_session"
    heard = e.speak(silence(0.5) + voice(1.0) + silence(0.6)) + e.finish()
    assert types(heard)[-2:] == [
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    error = e.say(events.ResponseCreate())[0].error
    assert "transcription session" in error.message
    german = events.AudioInput(transcription=events.AudioTranscription(language="de"))
    change = events.TranscriptionSession(audio=events.AudioConfig(input=german))
    (updated,) = e.say(events.SessionUpdate(session=change))
    assert updated.session.audio.input.transcription.language == "de"
    assert e.say(update(instructions="Answer."))[0].error.param == "session.type"


def test_the_beta_dialect() -> None:
    e = Emulated(dialect="beta")
    e.say(wrote("hello"))
    heard = e.say(events.ResponseCreate()) + e.finish()
    assert once([event.wire_type for event in heard]) == [
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.created",
        "response.content_part.added",
        "response.audio_transcript.delta",
        "response.audio.delta",
        "response.audio.done",
        "response.audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    updated = e.raw('{"type": "session.update", "session": {"temperature": 0.7, "modalities": ["text"]}}')
    assert updated[0].session.output_modalities == ["text"]
    assert updated[0].session.temperature == 0.7
    assert heard[0].response.temperature == heard[-1].response.temperature == 0.8


def test_obfuscation_hides_the_length_of_a_word() -> None:
    e = Emulated(Settings(obfuscation=True))
    e.say(WRITTEN, wrote("some words"))
    deltas = every(e.say(events.ResponseCreate()) + e.finish(), events.ResponseOutputTextDelta)
    assert deltas
    assert all((len(delta.delta) + len(delta.obfuscation or "")) % 16 == 0 for delta in deltas)


def test_chunks_of_any_size_make_the_same_turns() -> None:
    pcm = silence(0.5) + voice(1.0) + silence(0.6)
    told = []
    for size in (960, 1001, 7, len(pcm)):
        e = Emulated(AT_ONCE)
        for event in chunks(pcm, size):
            e.say(event)
        told.append(e.seen)
    assert all(other == told[0] for other in told[1:])


def test_the_beta_dialect_takes_its_two_modalities_in_either_order() -> None:
    e = Emulated(dialect="beta")
    (updated,) = e.raw('{"type": "session.update", "session": {"modalities": ["audio", "text"]}}')
    assert updated.session.output_modalities == ["audio"]
    heard = e.raw('{"type": "response.create", "response": {"modalities": ["audio", "text"]}}')
    assert heard[0].response.output_modalities == ["audio"]
    e.finish()
    (updated,) = e.raw('{"type": "session.update", "session": {"modalities": ["text"]}}')
    assert updated.session.output_modalities == ["text"]
    for name, said in (("session", "session.update"), ("response", "response.create")):
        error = refusal(e.raw(f'{{"type": "{said}", "{name}": {{"modalities": ["audio"]}}}}'))
        assert (error.code, error.param) == ("invalid_value", f"{name}.modalities")
        assert "['text'] and ['audio', 'text']" in error.message


def test_ga_knows_no_modalities() -> None:
    e = Emulated()
    said = '{"type": "session.update", "session": {"type": "realtime", "modalities": ["audio", "text"]}}'
    error = refusal(e.raw(said))
    assert (error.code, error.param) == ("unknown_parameter", "session.modalities")
