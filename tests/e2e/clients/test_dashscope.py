"""Alibaba Cloud's Python package `dashscope`, unmodified: its client of Qwen-Omni-Realtime."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import rtproto_emulator
from emulated import silence, voice
from rtproto_emulator import Settings

omni: Any = pytest.importorskip(
    "dashscope.audio.qwen_omni", reason="dashscope is not installed: pip install --group clients"
)

SECONDS = 20.0
RATE = 16_000
BOTH = [omni.MultiModality.AUDIO, omni.MultiModality.TEXT]
WRITTEN = [omni.MultiModality.TEXT]
CALLING = "qwen3.5-omni-flash-realtime"
JPEG = b"\xff\xd8\xff\xe0" + bytes(40_000)
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}
SCENARIO = {
    "turns": [
        {"tool": "get_weather", "say": "It is sunny."},
        {"match": "seconds", "call": {"name": "get_weather", "arguments": {"city": "Paris"}}},
    ]
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[rtproto_emulator.Emulator]:
    with rtproto_emulator.start(settings=Settings(pace=20.0)) as running:
        yield running


class Talk(omni.OmniRealtimeCallback):  # type: ignore[misc]  # the package may be absent
    """A conversation, and what it has told so far."""

    def __init__(self, url: str, model: str) -> None:
        self.seen: list[Any] = []
        self._told = threading.Condition()
        place = url.replace("/v1/realtime", "/api-ws/v1/realtime")
        self.client = omni.OmniRealtimeConversation(model=model, callback=self, url=place, api_key="any")

    def on_event(self, message: Any) -> None:
        with self._told:
            self.seen.append(message)
            self._told.notify_all()

    def until(self, kind: str, times: int = 1) -> Any:
        """The event of a type, the first or a later one; an error that nobody asked for ends the test."""
        with self._told:
            there = self._told.wait_for(lambda: len(self.of(kind)) >= times or self.of("error"), SECONDS)
            assert there, f"no {kind} after {[event['type'] for event in self.seen]}"
            assert kind == "error" or not self.of("error"), self.of("error")
            return self.of(kind)[times - 1]

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.seen if event["type"] == kind]

    def feed(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), 3_200):
            self.client.append_audio(base64.b64encode(pcm[at : at + 3_200]).decode())

    def configure(self, modalities: Any = BOTH, **session: Any) -> Any:
        self.client.update_session(output_modalities=modalities, **session)
        return self.until("session.updated")["session"]

    def heard(self) -> bytes:
        return b"".join(base64.b64decode(event["delta"]) for event in self.of("response.audio.delta"))


@contextmanager
def talking(emulator: rtproto_emulator.Emulator, model: str = "qwen3-omni-flash-realtime") -> Iterator[Talk]:
    talk = Talk(emulator.url, model)
    talk.client.connect()
    try:
        talk.until("session.created")
        yield talk
    finally:
        # Its thread may look only after ten seconds whether the socket is still open: nobody waits for that.
        talk.client.close()


def test_a_spoken_turn(emulator: rtproto_emulator.Emulator) -> None:
    with talking(emulator) as talk:
        told = talk.configure(voice="Ethan", instructions="Be brief.", top_k=20, smooth_output=True)
        assert (told["voice"], told["instructions"], told["top_k"]) == ("Ethan", "Be brief.", 20)
        talk.feed(silence(0.5, RATE) + voice(1.0, RATE) + silence(1.0, RATE))
        response = talk.until("response.done")["response"]
        assert talk.client.get_session_id() == told["id"]
        assert talk.client.get_last_response_id() == response["id"]
        assert talk.client.get_last_first_audio_delay() is not None
        assert talk.until("input_audio_buffer.speech_started")["audio_start_ms"] == pytest.approx(200, abs=40)
        assert talk.until("input_audio_buffer.speech_stopped")["audio_end_ms"] == pytest.approx(2_300, abs=40)
        words = talk.until("conversation.item.input_audio_transcription.completed")["transcript"]
        assert words == "(1.0 seconds of speech)"
        assert len(talk.heard()) == pytest.approx((0.3 + 1.0 + 0.8) * 24_000 * 2, rel=0.02)
        talk.client.end_session()
        assert talk.of("session.finished")


def test_push_to_talk_and_text(emulator: rtproto_emulator.Emulator) -> None:
    with talking(emulator) as talk:
        assert talk.configure(enable_turn_detection=False)["turn_detection"] is None
        talk.feed(voice(1.0, RATE))
        talk.client.commit()
        talk.client.create_response(output_modalities=WRITTEN)
        assert talk.until("response.text.done")["text"] == "I heard 1.0 seconds of speech."
        talk.client.create_response()
        assert talk.until("response.done", 2)["response"]["usage"]["output_tokens_details"]["audio_tokens"] == 20
        talk.client.clear_appended_audio()
        talk.until("input_audio_buffer.cleared")


def test_an_interruption_and_a_cancel(emulator: rtproto_emulator.Emulator) -> None:
    with talking(emulator) as talk:
        talk.configure()
        talk.feed(voice(30.0, RATE) + silence(1.0, RATE))
        talk.until("response.audio.delta")
        talk.feed(voice(30.0, RATE))
        assert talk.until("response.done")["response"]["status_details"]["reason"] == "turn_detected"
        talk.feed(silence(1.0, RATE))
        talk.until("response.created", 2)
        talk.client.cancel_response()
        assert talk.until("response.done", 2)["response"]["status"] == "cancelled"
        talk.client.cancel_response()
        assert talk.until("error")["error"]["message"] == "Conversation has none active response"


@pytest.mark.parametrize("detected", [True, False])
def test_a_tool(detected: bool) -> None:
    settings = Settings(pace=20.0, scenario=rtproto_emulator.Scenario.parse(SCENARIO))
    with rtproto_emulator.start(settings=settings) as emulator, talking(emulator, CALLING) as talk:
        assert talk.configure(tools=[WEATHER], enable_turn_detection=detected)["tools"] == [WEATHER]
        talk.feed(voice(1.0, RATE) + silence(1.0, RATE))
        if not detected:
            talk.client.commit()
            talk.client.create_response()
        call = talk.until("response.function_call_arguments.done")
        talk.until("response.done")
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
        talk.client.create_item(output)
        if not detected:
            talk.client.create_response()
        talk.until("response.done", 2)
        assert talk.until("response.audio_transcript.done")["transcript"] == "It is sunny."


def test_a_picture(emulator: rtproto_emulator.Emulator) -> None:
    with talking(emulator) as talk:
        talk.configure(enable_turn_detection=False)
        talk.feed(voice(1.0, RATE))
        talk.client.append_video(base64.b64encode(JPEG).decode())
        talk.client.commit()
        content = talk.until("conversation.item.created")["item"]["content"]
        assert [part["type"] for part in content] == ["input_audio", "input_image"]
        talk.client.append_video(base64.b64encode(JPEG).decode())
        assert talk.until("error")["error"]["message"] == "Error append image before append audio."
