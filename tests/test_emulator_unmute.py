"""The emulator as Kyutai's Unmute, with a client that speaks the wire itself."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import urllib.request
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np
import pytest
import rtproto_emulator
from emulated import Emulated, silence, voice
from rtproto_emulator import Call, Context, Engines, Fail, HumSpeaker, Piece, RulesResponder, Say, Settings, Speech
from rtproto_emulator import _opus as opus_module
from rtproto_emulator._auth import Access
from rtproto_emulator._fault_plan import FaultPlan, Faults
from rtproto_emulator._injection import Deed, Injected
from rtproto_emulator._metrics import Meter, Metrics
from rtproto_emulator._visit import Denied, visit
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from rtproto import Close, events

pytest.importorskip("sphn", reason="sphn has no wheel for this system")

from rtproto_emulator._opus import OpusDecoder, OpusEncoder
from rtproto_emulator._unmute import Unmute

FRAME = 3840
"""Bytes in 80 ms."""
SMALLTALK = {"instructions": {"type": "smalltalk"}, "voice": "ash", "allow_recording": False}


class Hears:
    """A recogniser that hears the same in every turn."""

    def __init__(self, words: str) -> None:
        self.words = words

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        yield None
        yield self.words


class Answers:
    """A brain that gives the same answer every time, and keeps what it was told."""

    def __init__(self, *pieces: Piece | Exception) -> None:
        self.pieces = pieces
        self.told: list[Context] = []

    def respond(self, context: Context) -> Iterator[Piece | None]:
        self.told.append(context)
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


class Client(Emulated):
    """One client of Unmute."""

    def __init__(self, settings: Settings | None = None, **engines: Any) -> None:
        settings = settings or Settings()
        if engines:
            settings = attrs.evolve(settings, engines=Engines(**{"speaker": HumSpeaker(), **engines}))
        super().__init__(settings, "unmute")
        self._microphone = OpusEncoder()

    def tell(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        before = len(self.wire)
        self.raw(json.dumps({"type": kind, **fields}))
        return self.wire[before:]

    def begin_with(self, **session: Any) -> dict[str, Any]:
        (updated,) = self.tell("session.update", session={**SMALLTALK, **session})
        assert updated["type"] == "session.updated", updated
        found: dict[str, Any] = updated["session"]
        return found

    def send(self, pcm: bytes, size: int = FRAME) -> list[dict[str, Any]]:
        """Streams a microphone in real time; returns what the server says meanwhile."""
        before = len(self.wire)
        for at in range(0, len(pcm), size):
            data = self._microphone.feed(pcm[at : at + size])
            if data and self.closed is None:
                self.raw(json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(data).decode()}))
            self.wait(len(pcm[at : at + size]) / 48_000)
        return self.wire[before:]


def told(wire: list[dict[str, Any]]) -> list[str]:
    """The types, runs of one once, without what only shows how the server feels."""
    types: list[str] = []
    for event in wire:
        if event["type"] != "unmute.additional_outputs" and types[-1:] != [event["type"]]:
            types.append(event["type"])
    return types


def of(wire: list[dict[str, Any]], kind: str) -> list[Any]:
    return [event for event in wire if event["type"] == kind]


def heard(wire: list[dict[str, Any]]) -> bytes:
    """The sound of all deltas, from the first of the session on."""
    decoder = OpusDecoder()
    return b"".join(decoder.feed(base64.b64decode(event["delta"])) for event in of(wire, "response.audio.delta"))


# ---- a session ----


def test_nothing_is_said_before_the_client_has_said_something() -> None:
    client = Client()
    assert client.wait(60) == []


def test_a_session_is_told_again_with_what_was_left_out() -> None:
    client = Client()
    assert client.begin_with() == {
        "instructions": {"type": "smalltalk", "language": None},
        "voice": "ash",
        "allow_recording": False,
    }
    (updated,) = client.tell("session.update", session={"allow_recording": True})
    assert updated["session"] == {"instructions": None, "voice": None, "allow_recording": True}
    constant = {"type": "constant", "text": "Be kind.", "language": "fr"}
    assert client.begin_with(instructions=constant)["instructions"] == constant


def test_fields_that_unmute_does_not_know_are_nothing_to_it() -> None:
    (updated,) = Client().tell("session.update", session={**SMALLTALK, "temperature": 0.3, "turn_detection": None})
    assert set(updated["session"]) == {"instructions", "voice", "allow_recording"}


@pytest.mark.parametrize(
    ("said", "kind", "at"),
    [
        ("{no", "invalid_json", []),
        ("[1]", "invalid_json", []),
        ({"type": "response.create"}, "invalid_value", ["type"]),
        ({"kind": "x"}, "missing_required_parameter", ["type"]),
        ({"type": "session.update", "session": {}}, "missing_required_parameter", ["session", "allow_recording"]),
        (
            {"type": "session.update", "session": {"allow_recording": "yes"}},
            "invalid_type",
            ["session", "allow_recording"],
        ),
        (
            {"type": "session.update", "session": {**SMALLTALK, "instructions": {"type": "poet"}}},
            "invalid_value",
            ["session", "instructions", "type"],
        ),
        (
            {"type": "session.update", "session": {**SMALLTALK, "instructions": {"type": "news", "language": "de"}}},
            "invalid_value",
            ["session", "instructions", "language"],
        ),
        (
            {"type": "session.update", "session": {**SMALLTALK, "instructions": {"text": "Be kind."}}},
            "missing_required_parameter",
            ["session", "instructions", "type"],
        ),
        (
            {"type": "session.update", "session": {**SMALLTALK, "voice": {"id": "x"}}},
            "invalid_type",
            ["session", "voice"],
        ),
        ({"type": "input_audio_buffer.append", "audio": "?"}, "invalid_type", ["audio"]),
    ],
)
def test_what_is_no_event_is_an_error_in_unmutes_shape(said: Any, kind: str, at: list[str]) -> None:
    client = Client()
    client.raw(said if isinstance(said, str) else json.dumps(said))
    (event,) = client.wire
    (detail,) = event["error"].pop("details")
    assert event["error"] == {
        "type": "invalid_request_error",
        "code": None,
        "message": "Invalid message",
        "param": None,
    }
    assert (detail["type"], detail["loc"]) == (kind, at)
    client.begin_with()


def test_what_stands_for_an_append_in_recordings_is_taken() -> None:
    assert Client().tell("unmute.input_audio_buffer.append_anonymized", number_of_samples=480) == []


def test_what_is_no_opus_ends_the_session() -> None:
    client = Client()
    (event,) = client.tell("input_audio_buffer.append", audio=base64.b64encode(voice(0.1)).decode())
    assert (event["error"]["type"], event["error"]["details"]) == ("fatal", None)
    assert client.closed == Close(1011, event["error"]["message"])
    assert "Ogg" in event["error"]["message"]


def test_a_session_ends_at_its_limit() -> None:
    client = Client(Settings(duration=5.0))
    client.send(silence(6))
    (event,) = of(client.wire, "error")
    assert (event["error"]["type"], event["error"]["code"]) == ("fatal", "session_expired")
    assert client.closed is not None
    assert client.closed.code == 1001


# ---- turns ----


def test_the_assistant_speaks_first_once_it_has_its_instructions() -> None:
    brain = Answers(Say("Good day."))
    client = Client(responder=brain)
    assert told(client.send(silence(1))) == []
    client.begin_with()
    wire = client.send(silence(0.16))
    assert told(wire)[:3] == ["response.created", "unmute.response.text.delta.ready", "response.text.done"]
    (created,) = of(wire, "response.created")
    said = created["response"].pop("chat_history")
    assert created["response"] == {"object": "realtime.response", "status": "in_progress", "voice": "ash"}
    assert [message["role"] for message in said] == ["system", "assistant"]
    assert said[1]["content"] == ""
    (context,) = brain.told
    assert "small talk" in context.instructions
    (greeting,) = context.items
    assert isinstance(greeting, events.MessageItem)
    assert greeting.content == [events.InputText(text="Hello.")]


def test_a_turn() -> None:
    brain = Answers(Say("It is sunny "), Say("in Paris."))
    client = Client(transcriber=Hears("what is the weather"), responder=brain)
    wire = client.send(silence(0.8) + voice(1.2) + silence(4))
    assert told(wire) == [
        "conversation.item.input_audio_transcription.delta",
        "input_audio_buffer.speech_started",
        "conversation.item.input_audio_transcription.delta",
        "input_audio_buffer.speech_stopped",
        "response.created",
        "unmute.response.text.delta.ready",
        "response.text.done",
        "response.audio.delta",
        *["response.text.delta", "response.audio.delta"] * 5,
        "response.audio.done",
    ]
    words = of(wire, "conversation.item.input_audio_transcription.delta")
    assert [word["delta"] for word in words] == ["what", "is", "the", "weather"]
    starts = [word["start_time"] for word in words]
    assert starts == sorted(starts)
    assert starts[0] == pytest.approx(0.5, abs=0.1)
    assert starts[-1] < 2.0
    assert "".join(word["delta"] for word in of(wire, "unmute.response.text.delta.ready")) == "It is sunny in Paris."
    assert [word["delta"] for word in of(wire, "response.text.delta")] == ["It", "is", "sunny", "in", "Paris."]
    assert of(wire, "response.text.done")[0]["text"] == "It is sunny in Paris."
    # 300 ms a word, and the silence that brings out the last of it.
    assert len(heard(wire)) / 48_000 == pytest.approx(5 * 0.3 + 0.08, abs=0.2)
    assert [message["content"] for message in of(wire, "response.created")[0]["response"]["chat_history"][1:]] == [
        "what is the weather",
        "",
    ]


def test_words_are_told_when_they_are_heard_and_sound_a_third_of_a_second_before() -> None:
    client = Client(responder=Answers(Say("one two three four five six seven eight nine ten")))
    client.begin_with()
    times: list[tuple[float, str]] = []
    began = client.now
    for _ in range(60):
        client.wait(0.08) if times else client.send(silence(0.08))
        for event in client.wire:
            times.append((client.now - began, event["type"]))
        client.wire.clear()
    words = [at for at, kind in times if kind == "response.text.delta"]
    frames = [at for at, kind in times if kind == "response.audio.delta"]
    assert words[-1] == pytest.approx(3.0 * 46 / 50, abs=0.3)
    assert frames[-2] == pytest.approx(3.0 - 0.32, abs=0.2)
    assert sum(at <= 0.09 for at in frames) == 4 + 1


def test_at_an_infinite_pace_an_answer_comes_at_once() -> None:
    client = Client(Settings(pace=math.inf))
    client.begin_with()
    assert told(client.send(silence(0.08)))[-1] == "response.audio.done"


def test_who_says_no_words_is_not_answered() -> None:
    client = Client(transcriber=Hears(""), responder=Answers(Say("Hello?")))
    assert told(client.send(silence(0.8) + voice(1.0) + silence(2))) == []


def test_speech_interrupts() -> None:
    client = Client(transcriber=Hears("stop"), responder=Answers(Say("one two three four five six seven eight nine")))
    client.begin_with()
    client.send(silence(3.2))
    client.send(voice(0.8) + silence(1.2))
    (last,) = of(client.wire, "response.created")[1:]
    wire = client.send(voice(1.0) + silence(1.0))
    kinds = told(wire)
    at = kinds.index("unmute.interrupted_by_vad")
    assert kinds[at + 1 : at + 5] == [
        "conversation.item.input_audio_transcription.delta",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "response.created",
    ]
    assert "response.audio.done" not in kinds[:at]
    (created,) = of(wire, "response.created")
    *_, cut, said, begun = created["response"]["chat_history"]
    assert cut["content"].startswith("one two")
    assert cut["content"].endswith(" \u2014")
    assert (said, begun) == ({"role": "user", "content": "stop"}, {"role": "assistant", "content": ""})
    assert last["response"]["chat_history"][-1]["content"] == ""


def test_in_the_first_seconds_only_words_interrupt() -> None:
    client = Client(transcriber=Hears("wait"), responder=Answers(Say("one two three four five six seven eight nine")))
    client.begin_with()
    wire = client.send(silence(0.4) + voice(0.6) + silence(0.4))
    assert of(wire, "unmute.interrupted_by_vad") == []
    kinds = told(client.send(silence(0.4)))
    at = kinds.index("conversation.item.input_audio_transcription.delta")
    assert "unmute.interrupted_by_vad" in kinds[at : at + 3]
    assert kinds.index("input_audio_buffer.speech_started") > kinds.index("unmute.interrupted_by_vad")


def test_after_seven_seconds_of_silence_it_speaks_and_at_last_says_goodbye() -> None:
    client = Client(responder=RulesResponder())
    client.begin_with()
    client.send(silence(11), 24_000)
    spoken = len(of(client.wire, "response.audio.done"))
    assert spoken == 1
    wire = client.send(silence(40), 24_000)
    assert [event["text"] for event in of(wire, "response.text.done")] == [
        "Are you still there?",
        "I am still listening.",
        "Nobody seems to be there. Bye!",
    ]
    first = wire.index(of(wire, "response.created")[0])
    assert wire[first - 1]["type"] == "input_audio_buffer.speech_stopped"
    assert of(wire, "response.created")[0]["response"]["chat_history"][-2] == {"role": "user", "content": "..."}
    assert client.closed == Close(1000)


def test_silence_is_counted_in_sound_and_not_in_time() -> None:
    client = Client(responder=Answers(Say("Well?")))
    client.send(silence(6))
    assert client.wait(60) == []
    assert told(client.send(silence(1.3)))[:2] == ["input_audio_buffer.speech_stopped", "response.created"]


def test_each_second_of_sound_the_page_is_told_how_it_stands() -> None:
    client = Client(responder=Answers(Say("one two three four five six")))
    client.begin_with()
    wire = client.send(silence(5))
    outputs = [event["args"] for event in of(wire, "unmute.additional_outputs")]
    assert len(outputs) == 4
    assert outputs[0]["chat_history"][0]["content"].startswith("one two")
    assert outputs[-1]["chat_history"][-2:] == [
        {"role": "assistant", "content": "one two three four five six"},
        {"role": "user", "content": ""},
    ]
    assert outputs[-1]["debug_dict"]["conversation_state"] == "waiting_for_user"


# ---- what goes wrong ----


@pytest.mark.parametrize("piece", [Fail(code="no_model", message="It is away."), RuntimeError("It is away.")])
def test_a_brain_that_fails_ends_its_answer_and_not_the_session(piece: Any) -> None:
    client = Client(responder=Answers(Say("Well"), piece))
    client.begin_with()
    wire = client.send(silence(2))
    (event,) = of(wire, "error")
    assert (event["error"]["type"], event["error"]["message"]) == ("server_error", "It is away.")
    assert told(wire)[-1] == "response.audio.done"
    assert client.closed is None


def test_a_recogniser_that_fails_is_told_and_not_answered() -> None:
    class Deaf:
        def transcribe(self, speech: Speech) -> Iterator[str | None]:
            raise RuntimeError("the recogniser is away")

    client = Client(transcriber=Deaf())
    wire = client.send(silence(0.8) + voice(0.8) + silence(1))
    assert told(wire) == ["error"]
    assert of(wire, "error")[0]["error"]["message"] == "the recogniser is away"


def test_a_function_cannot_be_called_and_the_answer_goes_on() -> None:
    client = Client(responder=Answers(Call(name="look_up", arguments="{}"), Say("Done.")))
    client.begin_with()
    wire = client.send(silence(1))
    (event,) = of(wire, "error")
    assert event["error"]["type"] == "warning"
    assert "look_up" in event["error"]["message"]
    assert of(wire, "response.text.delta")


def test_a_text_without_end_takes_no_memory_without_end() -> None:
    class Endless:
        made = 0

        def speak(self, text: str, context: Context) -> Iterator[bytes | None]:
            while True:
                self.made += 48_000
                yield silence(1)

    speaker = Endless()
    client = Client(responder=Answers(Say("on and on")), speaker=speaker)
    client.begin_with()
    client.send(silence(2))
    assert speaker.made < 35 * 48_000


# ---- as for every session ----


def injected(fault: str) -> tuple[Injected, list[Any]]:
    settings = Settings(pace=math.inf, engines=Engines(responder=Answers(Say("one two three")), speaker=HumSpeaker()))
    session = Injected(Unmute(settings), FaultPlan(Faults([fault], 1), 1))
    session.start(0.0)
    session.receive(events.SessionUpdate(session=_session()), 0.0)
    session.receive(events.InputAudioBufferAppend(audio=OpusEncoder().feed(silence(0.4))), 0.0)
    said = []
    while (event := session.next_event()) is not None:
        said.append(event)
    return session, said


def _session() -> Any:
    from rtproto.events import unmute

    return unmute.RealtimeSession(instructions=unmute.Instructions(type="smalltalk"), allow_recording=False)


def test_a_fault_at_an_event_of_unmutes_own() -> None:
    _, said = injected("close:1011@unmute.response.text.delta.ready#2")
    assert isinstance(said[-1], Close)
    _, said = injected("bad-json@response.output_audio.delta#1")
    assert [event.how for event in said if isinstance(event, Deed)].count("bad-json") == 1


def test_a_response_that_fails_on_demand() -> None:
    _, said = injected("response-failed:overloaded:Too much.@response.output_audio.delta#1")
    events_said = [event.event if isinstance(event, Deed) else event for event in said]
    (error,) = [event for event in events_said if isinstance(event, events.ErrorEvent)]
    assert (error.error.code, error.error.message) == ("overloaded", "Too much.")
    last = events_said[-1]
    assert isinstance(last, events.ResponseOutputAudioDone)


@pytest.mark.parametrize("fault", ["response-failed", "response-incomplete"])
def test_a_response_that_fails_at_all_of_its_sound_ends_once(fault: str) -> None:
    session, said = injected(f"{fault}@response.output_audio.delta")
    told = [event.event if isinstance(event, Deed) else event for event in said]
    assert len([event for event in told if isinstance(event, events.ResponseOutputAudioDone)]) == 1
    assert len([event for event in told if isinstance(event, events.ErrorEvent)]) == (fault == "response-failed")
    session.tick(10.0)
    assert session.next_event() is None


def test_it_is_counted() -> None:
    metrics = Metrics(0.0)
    meter = Meter(metrics, "unmute")
    session = Unmute(Settings(engines=Engines(responder=Answers(Say("one two")), speaker=HumSpeaker())))
    session.tell_sound = meter.sounded
    session.start(0.0)
    encoder, now = OpusEncoder(), 0.0
    pcm = silence(0.8) + voice(0.8) + silence(3)
    for at in range(0, len(pcm), FRAME):
        append = events.InputAudioBufferAppend(audio=encoder.feed(pcm[at : at + FRAME]))
        meter.heard(append, now)
        session.receive(append, now)
        while isinstance(event := session.next_event(), events.ServerEvent):
            meter.said(event, now)
        now += 0.08
    assert metrics.seconds_received == pytest.approx(4.6, abs=0.1)
    assert metrics.seconds_sent == pytest.approx(0.6 + 0.08, abs=0.1)
    assert metrics.responses == {"completed": 1}
    assert sum(metrics.first_audio.counts) == 1


def test_the_same_seed_gives_the_same_bytes() -> None:
    def run() -> list[dict[str, Any]]:
        client = Client(Settings(seed=7))
        client.begin_with()
        client.send(silence(0.8) + voice(0.8) + silence(3))
        return client.wire

    assert run() == run()


# ---- the server ----


def test_without_opus_who_comes_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus_module, "find_spec", lambda name: None)
    denied = visit("/api/v1/realtime", {}, {}, ["realtime"], Access(), 0.0)
    assert isinstance(denied, Denied)
    assert denied.status == 501
    assert "pip install 'rtproto[opus]'" in denied.line
    with pytest.raises(ValueError, match=r"pip install 'rtproto\[opus\]'"):
        Settings(dialect="unmute")
    assert not isinstance(visit("/v1/realtime", {}, {}, [], Access(), 0.0), Denied)


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("engine", ["aiohttp", "stream"])
def test_a_client_of_unmute_finds_its_server(engine: Any, prefix: str) -> None:
    """What Unmute's load test does: health, voices, a session, and the first words of it."""
    settings = Settings(dialect="unmute", seed=1)

    async def converse(url: str, chosen: str) -> list[dict[str, Any]]:
        wire: list[dict[str, Any]] = []
        async with connect(url, subprotocols=[Subprotocol("realtime")]) as socket:
            assert socket.subprotocol == "realtime"
            session = {**SMALLTALK, "voice": chosen}
            await socket.send(json.dumps({"type": "session.update", "session": session}))
            audio = base64.b64encode(OpusEncoder().feed(silence(0.4))).decode()
            await socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            while not of(wire, "response.audio.delta"):
                wire.append(json.loads(await asyncio.wait_for(socket.recv(), 10)))
        return wire

    with rtproto_emulator.start(settings=settings, engine=engine) as emulator:
        root = emulator.url.removesuffix("/v1/realtime") + prefix
        voice_name = "ash"
        if engine == "aiohttp":
            web = root.replace("ws", "http", 1)
            with urllib.request.urlopen(f"{web}/v1/health") as answer:
                assert json.load(answer)["ok"] is True
            with urllib.request.urlopen(f"{web}/v1/voices") as answer:
                voice_name = json.load(answer)[1]["source"]["path_on_server"]
        wire = asyncio.run(converse(f"{root}/v1/realtime", voice_name))
    assert told(wire)[:2] == ["session.updated", "response.created"]
    assert of(wire, "response.created")[0]["response"]["voice"] == voice_name
    assert np.frombuffer(heard(wire), "<i2").size > 0
