"""Engines of other kinds: late ones, failing ones, streaming ones; and the simple ones by themselves."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from emulated import Emulated, append, create, every, hears, only, silence, sound, types, update, voice, wrote
from rtproto_emulator import Call, Context, Engines, Say, Settings, Speech

from rtproto import events


class Late:
    """An engine of every kind, whose answers are put in from outside."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.answers: deque[Any] = deque()
        self.dropped = False

    def _answer(self) -> Iterator[Any]:
        try:
            while True:
                if not self.answers:
                    yield None
                elif (answer := self.answers.popleft()) is StopIteration:
                    return
                elif isinstance(answer, Exception):
                    raise answer
                else:
                    yield answer
        except GeneratorExit:
            self.dropped = True
            raise

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        self.heard.append(speech)
        return self._answer()

    def respond(self, context: Context) -> Iterator[Say | Call | None]:
        self.heard.append(context)
        return self._answer()

    def speak(self, text: str, context: Context) -> Iterator[bytes | None]:
        self.heard.append(text)
        return self._answer()


def with_engines(**engines: Any) -> Emulated:
    return Emulated(Settings(pace=math.inf, engines=Engines(**engines)))


TURN = silence(0.5) + voice(1.0) + silence(0.6)


def test_the_brain_waits_for_the_words() -> None:
    ears, brain = Late(), Late()
    e = with_engines(transcriber=ears, responder=brain)
    e.say(hears(transcription=events.AudioTranscription(model="m", language="en", prompt="names")), append(TURN))
    assert types(e.seen)[-1] == "response.created"
    assert (ears.heard[0].language, ears.heard[0].prompt, len(ears.heard[0].pcm)) == ("en", "names", 1800 * 48)
    ears.answers += ["what is", " the weather"]
    assert types(e.wait(0.0)) == ["conversation.item.input_audio_transcription.delta"]
    assert brain.heard == []
    ears.answers.append(StopIteration)
    assert types(e.wait(0.0)) == ["conversation.item.input_audio_transcription.completed"]
    (context,) = brain.heard
    assert context.items[0].content == [events.InputAudio(transcript="what is the weather")]


def test_an_engine_that_had_nothing_is_asked_again() -> None:
    brain = Late()
    e = with_engines(responder=brain)
    e.say(wrote("hello"), create(output_modalities=["text"]))
    assert e.policy.deadline() == e.now + 0.02
    brain.answers += [Say("Here I am."), StopIteration]
    assert only(e.wait(0.02), events.ResponseOutputTextDone).text == "Here I am."
    assert e.policy.deadline() == e.begin[0].session.expires_at - 1_000_000 + 100


def test_sentence_by_sentence() -> None:
    brain, mouth = Late(), Late()
    e = with_engines(responder=brain, speaker=mouth)
    e.say(wrote("hello"), events.ResponseCreate())
    assert e.wait(1.0) == []
    brain.answers.append(Say("One."))
    assert types(e.wait(0.0))[-1] == "response.content_part.added"
    mouth.answers += [voice(0.15), StopIteration]
    heard = e.wait(0.0)
    assert types(heard) == ["response.output_audio_transcript.delta", "response.output_audio.delta"]
    assert [len(delta.delta) for delta in every(heard, events.ResponseOutputAudioDelta)] == [4800, 2400]
    mouth.answers += [voice(0.05), StopIteration]
    brain.answers += [Say(" Two."), StopIteration]
    heard = e.wait(0.0)
    assert only(heard, events.ResponseOutputAudioTranscriptDone).transcript == "One. Two."
    assert len(sound(e.seen)) == 200 * 48


def test_text_before_and_after_a_call_are_two_messages() -> None:
    brain = Late()
    brain.answers += [Say("Let me see."), Call(name="f", arguments="{}"), Say("Done."), StopIteration]
    e = with_engines(responder=brain)
    heard = e.say(update(output_modalities=["text"]), events.ResponseCreate())
    done = only(heard, events.ResponseDone).response
    assert [item.type for item in done.output] == ["message", "function_call", "message"]
    assert [event.output_index for event in every(heard, events.ResponseOutputItemDone)] == [0, 1, 2]
    added = [event.previous_item_id for event in every(heard, events.ConversationItemAdded)]
    assert added == [None, done.output[0].id, done.output[1].id]


def test_what_is_cancelled_is_dropped() -> None:
    brain = Late()
    e = with_engines(responder=brain)
    e.say(wrote("hello"), events.ResponseCreate())
    e.wait(0.0)
    heard = e.say(events.ResponseCancel())
    assert types(heard) == ["response.done", "rate_limits.updated"]
    assert only(heard, events.ResponseDone).response.output == []
    assert brain.dropped
    brain.answers.append(Say("too late"))
    assert e.finish() == []


def test_a_brain_that_fails() -> None:
    brain = Late()
    brain.answers += [Say("Well, "), RuntimeError("out of memory")]
    e = with_engines(responder=brain)
    e.say(update(output_modalities=["text"]))
    heard = e.say(events.ResponseCreate())
    done = only(heard, events.ResponseDone).response
    assert done.status == "failed"
    assert done.status_details.error.message == "out of memory"
    assert done.output[0].status == "incomplete"
    assert types(e.say(wrote("still alive"))) == ["conversation.item.added", "conversation.item.done"]


def test_ears_that_fail() -> None:
    ears = Late()
    ears.answers.append(RuntimeError("deaf"))
    e = with_engines(transcriber=ears)
    e.say(hears(transcription=events.AudioTranscription(model="m")), append(TURN))
    failed = only(e.seen, events.ConversationItemInputAudioTranscriptionFailed)
    assert (failed.error.type, failed.error.message) == ("transcription_error", "deaf")
    assert only(e.seen, events.ResponseDone).response.status == "completed"


def test_engines_that_fail_at_once() -> None:
    class Broken:
        def respond(self, context: Context) -> Iterator[Any]:
            raise ValueError

        def transcribe(self, speech: Speech) -> Iterator[Any]:
            raise ValueError("no model")

    e = with_engines(responder=Broken(), transcriber=Broken())
    e.say(hears(transcription=events.AudioTranscription(model="m")), append(TURN))
    assert only(e.seen, events.ConversationItemInputAudioTranscriptionFailed).error.message == "no model"
    assert only(e.seen, events.ResponseDone).response.status_details.error.message == "ValueError()"


def test_other_voice_activity() -> None:
    class Always:
        hop_ms = 100

        def __init__(self, rate: int) -> None:
            self._bytes = rate * 2 // 10
            self._held = 0

        def feed(self, pcm: bytes) -> Sequence[float]:
            self._held += len(pcm)
            hops, self._held = divmod(self._held, self._bytes)
            return [1.0] * hops

    e = with_engines(activity=Always)
    assert types(e.say(append(silence(0.5)))) == ["input_audio_buffer.speech_started"]


# ---- the simple ones ----


@pytest.mark.parametrize(
    ("parameters", "arguments"),
    [
        (None, {}),
        ({}, {}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {}),
        ({"required": ["a"]}, {"a": "words"}),
        ({"required": "a"}, {}),
        ({"properties": {"a": {"const": 7}}, "required": ["a"]}, {"a": 7}),
        ({"properties": {"a": {"default": "x", "type": "string"}}, "required": ["a"]}, {"a": "x"}),
        ({"properties": {"a": {"type": ["number", "null"]}}, "required": ["a"]}, {"a": 0}),
        ({"properties": {"a": {"type": "array"}, "b": {"type": "null"}}, "required": ["a", "b"]}, {"a": [], "b": None}),
        ({"properties": {"a": {"anyOf": [{"type": "boolean"}, {"type": "null"}]}}, "required": ["a"]}, {"a": False}),
        ({"properties": {"a": True}, "required": ["a"]}, {"a": None}),
        ({"properties": {"a": {"enum": "x", "anyOf": 1}}, "required": ["a", 7]}, {"a": {}}),
    ],
)
def test_the_emptiest_arguments(parameters: Any, arguments: Any) -> None:
    e = with_engines()
    tool = events.FunctionTool(name="f", parameters=parameters)
    e.say(wrote("words"))
    heard = e.say(create(tools=[tool], tool_choice="required"))
    assert json.loads(only(heard, events.ResponseFunctionCallArgumentsDone).arguments) == arguments


def test_a_schema_that_contains_itself() -> None:
    schema: dict[str, Any] = {"type": "object", "required": ["next"]}
    for _ in range(50):
        schema = {"type": "object", "properties": {"next": schema}, "required": ["next"]}
    e = with_engines()
    heard = e.say(create(tools=[events.FunctionTool(name="f", parameters=schema)], tool_choice="required"))
    assert only(heard, events.ResponseDone).response.status == "completed"


def test_a_call_that_nothing_can_answer() -> None:
    e = with_engines()
    heard = e.say(wrote("hello"), create(tool_choice="required", output_modalities=["text"]))
    assert only(heard, events.ResponseOutputTextDone).text == "You wrote: hello"


def test_a_function_that_gave_nothing_back() -> None:
    e = with_engines()
    e.say(events.ConversationItemCreate(item=events.FunctionCallItem(name="f", call_id="c", arguments="{}")))
    e.say(events.ConversationItemCreate(item=events.FunctionCallOutputItem(call_id="c", output="")))
    heard = e.say(create(output_modalities=["text"]))
    assert only(heard, events.ResponseOutputTextDone).text == "The function returned nothing."
