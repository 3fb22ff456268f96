"""Everything that the emulator says, judged by the official Python client's own models of the events."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from emulated import PUSH_TO_TALK, Emulated, append, create, hears, silence, update, voice, wrote
from rtproto_emulator import EchoResponder, Engines, Settings, Speech

from rtproto import events, to_dict

pytest.importorskip("openai", reason="the official client is not installed: pip install 'openai[realtime]'")
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

ADAPTER: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
AT_ONCE = Settings(pace=math.inf, obfuscation=True)
TOOL = events.FunctionTool(name="f", description="A function.", parameters={"type": "object", "properties": {}})
TURN = silence(0.5) + voice(1.0) + silence(0.6)
WHISPER = events.AudioTranscription(model="whisper-1")


def text_and_voice() -> Emulated:
    e = Emulated(AT_ONCE)
    e.say(wrote("hello"), events.ResponseCreate(), create(output_modalities=["text"], metadata={"a": "b"}))
    e.say(events.ConversationItemTruncate(item_id="item_2", content_index=0, audio_end_ms=100))
    e.say(*(events.ConversationItemRetrieve(item_id=item_id) for item_id in ("item_1", "item_2", "item_3")))
    e.say(events.ConversationItemDelete(item_id="item_1"), create(conversation="none", max_output_tokens=2))
    return e


def spoken_turns() -> Emulated:
    e = Emulated(AT_ONCE)
    e.say(hears(transcription=WHISPER, turn_detection=events.ServerVad(idle_timeout_ms=5000)))
    e.speak(TURN)
    e.wait(20)
    e.say(hears(turn_detection=events.SemanticVad(), noise_reduction=events.NoiseReduction(type="near_field")))
    e.say(PUSH_TO_TALK, append(voice(1.0)), events.InputAudioBufferCommit(), append(voice(1.0)))
    e.say(events.InputAudioBufferClear())
    return e


def interruptions() -> Emulated:
    e = Emulated(Settings(pace=1.0))
    e.say(wrote("hello"), events.ResponseCreate())
    e.speak(silence(0.2) + voice(0.3))
    e.say(events.ResponseCreate(), events.ResponseCancel(), events.ResponseCancel())
    return e


def functions() -> Emulated:
    e = Emulated(AT_ONCE)
    e.say(update(tools=[TOOL], tool_choice="required", tracing="auto"), events.ResponseCreate())
    e.say(events.ConversationItemCreate(item=events.FunctionCallOutputItem(call_id="call_1", output="done")))
    e.say(events.ResponseCreate())
    return e


def failures() -> Emulated:
    class Deaf:
        def transcribe(self, speech: Speech) -> Iterator[str | None]:
            raise RuntimeError("deaf")

    class Mute(EchoResponder):
        def respond(self, context: Any) -> Iterator[Any]:
            raise RuntimeError("mute")

    e = Emulated(Settings(engines=Engines(transcriber=Deaf(), responder=Mute())))
    e.say(hears(transcription=WHISPER), append(TURN), events.OutputAudioBufferClear())
    e.raw("{")
    e.wait(4000)
    return e


def transcription() -> Emulated:
    e = Emulated(AT_ONCE, transcription=True)
    e.speak(TURN)
    return e


STORIES = [text_and_voice, spoken_turns, interruptions, functions, failures, transcription]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_official_client_knows_every_event(story: Any) -> None:
    for event in story().seen:
        wire = to_dict(event)
        parsed = ADAPTER.validate_python(wire)
        assert parsed.type == event.type
        strange = {name for name in parsed.model_extra or {} if name != "obfuscation"}
        assert not strange, f"{event.type} has fields that the official client does not know: {strange}"


def test_the_stories_tell_everything_that_the_emulator_can_say() -> None:
    said = {type(event) for story in STORIES for event in story().seen}
    never = {
        events.ConversationCreated,
        events.ConversationItemCreated,
        events.ConversationItemInputAudioTranscriptionSegment,
        events.InputAudioBufferDtmfEventReceived,
        events.OutputAudioBufferStarted,
        events.OutputAudioBufferStopped,
        events.OutputAudioBufferCleared,
    }
    every_event = {
        cls
        for cls in vars(events).values()
        if isinstance(cls, type)
        and issubclass(cls, events.ServerEvent)
        and getattr(cls, "type", None)
        and isinstance(cls.type, str)
        and "mcp" not in cls.type
    }
    assert every_event - said == never
