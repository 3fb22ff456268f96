"""What a dialect alone has: typed where it is spoken, kept where it is not; and GA's words wherever they mean it."""

import json
import subprocess
import sys
from typing import Any

import pytest
from spoken import PLACE, codecs, heard, said

from rtproto import Config, Role, Session, events
from rtproto._codec import vocabulary
from rtproto._dialects import DIALECTS, dialect
from rtproto._rules import OrderRules
from rtproto.conversation import Conversation
from rtproto.errors import LocalProtocolError
from rtproto.events import qwen, translation, voice_live, xai

SOUND = events.AudioConfig(
    input=events.AudioInput(format=events.AudioPcm(rate=16000), turn_detection=events.ServerVad(threshold=0.5)),
    output=events.AudioOutput(format=events.AudioPcm(rate=24000), voice="ara"),
)
UPDATE = events.SessionUpdate(
    session=events.RealtimeSession(
        output_modalities=["audio"],
        audio=SOUND,
        tools=[events.FunctionTool(name="f", parameters={"type": "object"})],
    )
)


# ---- one program, every server ----


@pytest.mark.parametrize(
    ("name", "session"),
    [
        (
            "azure-voicelive",
            {
                "modalities": ["text", "audio"],
                "voice": "ara",
                "output_audio_format": "pcm16",
                "input_audio_format": "pcm16",
                "input_audio_sampling_rate": 16000,
                "turn_detection": {"type": "server_vad", "threshold": 0.5},
                "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
            },
        ),
        (
            "xai",
            {
                "modalities": ["audio"],
                "voice": "ara",
                "turn_detection": {"type": "server_vad", "threshold": 0.5},
                "audio": {
                    "input": {"format": {"type": "audio/pcm", "rate": 16000}},
                    "output": {"format": {"type": "audio/pcm", "rate": 24000}},
                },
                "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
            },
        ),
        (
            "qwen",
            {
                "modalities": ["text", "audio"],
                "voice": "ara",
                "input_audio_format": "pcm",
                "output_audio_format": "pcm",
                "turn_detection": {"type": "server_vad", "threshold": 0.5},
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            },
        ),
    ],
)
def test_one_program_configures_every_server(name: str, session: dict[str, Any]) -> None:
    wire = said(name, UPDATE)
    assert wire == {"type": "session.update", "session": session}
    assert codecs(name)[1].decode(json.dumps(wire)).session.audio == SOUND


def test_a_translation_session() -> None:
    session = {"id": "s", "type": "translation", "model": "m", "expires_at": 1, "audio": {"output": {"language": "es"}}}
    created = heard("ga-translation", type="session.created", event_id="e", session=session)
    assert isinstance(created, events.SessionCreated)
    assert created.session == translation.TranslationSession(
        id="s",
        model="m",
        expires_at=1,
        audio=events.AudioConfig(output=translation.AudioOutput(language="es")),
    )
    update = heard(
        "ga-translation", sent=True, type="session.update", session={"audio": {"output": {"language": "fr"}}}
    )
    assert isinstance(update.session, translation.TranslationSession)
    assert said("ga-translation", events.InputAudioBufferAppend(audio=b"\0\0\0")) == {
        "type": "session.input_audio_buffer.append",
        "audio": "AAAA",
    }
    assert heard("ga-translation", sent=True, type="session.close") == translation.SessionClose()
    delta = heard("ga-translation", type="session.output_audio.delta", event_id="e", delta="AAAA", sample_rate=24000)
    assert isinstance(delta, translation.SessionOutputAudioDelta)
    assert delta.delta == b"\0\0\0"


def test_voice_live() -> None:
    session = {
        "modalities": ["text", "audio", "avatar"],
        "voice": {"type": "azure-standard", "name": "en-US-Ava:DragonHDLatestNeural", "rate": "1.1"},
        "input_audio_format": "pcm16",
        "input_audio_sampling_rate": 16000,
        "output_audio_format": "pcm16_8000hz",
        "turn_detection": {
            "type": "azure_semantic_vad",
            "end_of_utterance_detection": {"model": "semantic_detection_v1", "threshold_level": "high"},
        },
        "reasoning_effort": "low",
        "avatar": {"character": "lisa", "customized": False, "ice_servers": [{"urls": ["u"], "credential": "secret"}]},
        "expires_at": "2026-11-01T00:00:00Z",
    }
    found = heard("azure-voicelive", type="session.updated", event_id="e", session=session).session
    assert isinstance(found, voice_live.RealtimeSession)
    assert isinstance(found, events.RealtimeSession)
    assert found.output_modalities == ["text", "audio", "avatar"]
    assert found.audio == events.AudioConfig(
        input=events.AudioInput(
            format=events.AudioPcm(rate=16000),
            turn_detection=voice_live.AzureSemanticVad(
                end_of_utterance_detection=voice_live.EndOfUtteranceDetection(
                    model="semantic_detection_v1", threshold_level="high"
                )
            ),
        ),
        output=events.AudioOutput(
            format=events.AudioPcm(rate=8000),
            voice=voice_live.AzureStandardVoice(name="en-US-Ava:DragonHDLatestNeural", rate="1.1"),
        ),
    )
    assert found.reasoning == events.Reasoning(effort="low")
    assert "secret" not in repr(found)
    assert heard("azure-voicelive", type="warning", warning={"message": "m"}) == voice_live.WarningEvent(
        warning=voice_live.WarningDetails(message="m")
    )
    assert heard("azure-voicelive", type="output_audio_buffer.cleared", event_id="e").event_id == "e"
    lacking: dict[str, Any] = {"type": "conversation.item.created", "event_id": "e", "item": None}
    assert heard("azure-voicelive", **lacking) == events.Unknown(raw=lacking)


def test_xai() -> None:
    usage = {"input_tokens": 5, "total_tokens": 5, "input_token_details": {"grok_tokens": 0}}
    response: dict[str, Any] = {"id": "r", "status": "completed", "status_details": "unimplemented", "usage": {}}
    done = heard("xai", type="response.done", event_id="e", response=response, usage=usage, response_id="r")
    assert isinstance(done, xai.ResponseDone)
    assert done.response.usage == events.ResponseUsage(
        input_tokens=5, total_tokens=5, input_token_details=xai.InputTokenDetails(grok_tokens=0)
    )
    delta = heard("xai", type="response.output_audio.delta", delta="AAAA", rid="x", audio_duration_ms=31, **PLACE)
    assert isinstance(delta, xai.ResponseOutputAudioDelta)
    assert (delta.delta, delta.audio_duration_ms) == (b"\0\0\0", 31)
    nested = {"type": "function", "function": {"name": "f", "description": "d", "strict": True}}
    updated = heard("xai", type="session.updated", session={"tools": [nested, {"type": "function", "function": {}}]})
    assert (updated.session.tools[0].name, updated.session.tools[0].description) == ("f", "d")
    updated.session.tools[0].name = "g"
    again = json.loads(codecs("xai")[1].encode(updated) or b"")
    assert again["session"]["tools"][0] == {
        "type": "function",
        "function": {"name": "g", "description": "d", "strict": True},
    }
    both = {"voice": "ara", "audio": {"output": {"voice": "eve", "transport": "json"}}}
    assert heard("xai", type="session.updated", session=both).session.audio.output.voice == "eve"


def test_qwen() -> None:
    assert said("qwen", qwen.InputImageBufferAppend(image=b"\0\0\0")) == {
        "type": "input_image_buffer.append",
        "image": "AAAA",
    }
    kind = "conversation.item.input_audio_transcription.delta"
    delta = heard("qwen", type=kind, item_id="i", content_index=0, text="What is", stash=" the")
    assert isinstance(delta, qwen.ConversationItemInputAudioTranscriptionDelta)
    assert (delta.text, delta.stash) == ("What is", " the")
    names = {"input_audio_format": "pcm16", "output_audio_format": "pcm24", "top_k": 20}
    session = heard("qwen", type="session.updated", session=names).session
    assert isinstance(session, qwen.RealtimeSession)
    assert session.audio == events.AudioConfig(
        input=events.AudioInput(format=events.AudioPcm(rate=16000)),
        output=events.AudioOutput(format=events.AudioPcm(rate=24000)),
    )
    vad = {"type": "semantic_vad", "threshold": 0.2, "silence_duration_ms": 900}
    session = heard("qwen", type="session.updated", session={"turn_detection": vad}).session
    assert session.audio.input.turn_detection == qwen.SemanticVad(threshold=0.2, silence_duration_ms=900)
    assert isinstance(heard("qwen", type="session.finished"), qwen.SessionFinished)
    assert said("qwen", qwen.SessionFinish()) == {"type": "session.finish"}


def test_what_a_response_of_qwen_cost() -> None:
    kinds = {"input_tokens_details": {"text_tokens": 5, "audio_tokens": 3}, "output_tokens_details": {"text_tokens": 2}}
    usage = {"total_tokens": 10, "input_tokens": 8, "output_tokens": 2, **kinds}
    done = heard("qwen", type="response.done", response={"id": "r", "object": "realtime.response", "usage": usage})
    assert isinstance(done.response.usage, qwen.ResponseUsage)
    conversation = Conversation()
    conversation.received(done)
    found = conversation.usage
    assert (found.input_text_tokens, found.input_audio_tokens, found.output_text_tokens) == (5, 3, 2)


def test_sound_with_settings_beside_it_and_no_event_id_goes_out_whole() -> None:
    event = translation.SessionOutputAudioDelta(delta=b"\0\0\0", sample_rate=24000)
    sent = json.loads(codecs("ga-translation")[1].encode(event) or b"")
    assert sent == {"type": "session.output_audio.delta", "delta": "AAAA", "sample_rate": 24000}


def test_a_session_that_has_a_type_all_the_same_keeps_it() -> None:
    for name in ("beta", "azure-voicelive", "xai", "qwen"):
        typed = heard(name, type="session.updated", session={"type": "realtime", "voice": "v"})
        assert isinstance(typed.session, events.RealtimeSession)
        assert typed.session.extra == {"type": "realtime"}
        odd = heard(name, type="session.updated", session={"type": "odd", "id": "s"})
        assert odd.session == events.UnknownObject(raw={"type": "odd", "id": "s"})
    transcription = heard("beta", type="session.updated", session={"type": "transcription"})
    assert isinstance(transcription.session, events.TranscriptionSession)


def test_a_program_changes_what_came_in_a_form_that_ga_does_not_have() -> None:
    event = heard("beta", type="session.updated", session={"modalities": ["audio", "text"], "voice": "ash"})
    event.session.output_modalities = ["text"]
    wire = json.loads(codecs("beta")[1].encode(event) or b"")
    assert wire["session"] == {"modalities": ["text"], "voice": "ash"}


def test_a_beta_program_asks_for_a_transcription() -> None:
    session = events.TranscriptionSession(
        audio=events.AudioConfig(input=events.AudioInput(transcription=events.AudioTranscription(model="whisper-1")))
    )
    assert said("beta", events.SessionUpdate(session=session)) == {
        "type": "transcription_session.update",
        "session": {"input_audio_transcription": {"model": "whisper-1"}},
    }


def test_an_object_that_lacks_what_it_must_have_is_kept_whole() -> None:
    item = {"type": "message", "content": [{"type": "text", "text": "a"}], "role": None}
    added = heard("beta", type="conversation.item.created", item=item)
    assert added.item == events.UnknownObject(raw=item)


# ---- one server for another ----


OWN = [
    ("azure-voicelive", {"type": "warning", "event_id": "e", "warning": {"message": "m"}}),
    ("azure-voicelive", {"type": "session.avatar.connecting", "event_id": "e", "server_sdp": "v=0"}),
    ("xai", {"type": "ping", "event_id": "e", "timestamp": 1}),
    ("ga-translation", {"type": "session.input_transcript.delta", "event_id": "e", "delta": "a"}),
]


@pytest.mark.parametrize("other", DIALECTS)
@pytest.mark.parametrize(("name", "wire"), OWN)
def test_a_relay_passes_on_what_the_other_side_does_not_know(name: str, wire: dict[str, Any], other: str) -> None:
    event = codecs(name)[0].decode(json.dumps(wire))
    passed_on = json.loads(codecs(other)[1].encode(event) or b"")
    assert passed_on == wire
    assert codecs(other)[0].decode(json.dumps(passed_on)).wire_type == wire["type"]


def test_what_has_no_counterpart_survives_in_extra() -> None:
    session: dict[str, Any] = {
        "voice": {"type": "azure-standard", "name": "n"},
        "avatar": {"character": "lisa"},
        "turn_detection": {"type": "azure_semantic_vad", "languages": ["de"]},
        "future": 1,
    }
    event = heard("azure-voicelive", type="session.updated", event_id="e", session=session)
    wire = json.loads(codecs("ga")[1].encode(event) or b"")
    arrived = codecs("ga")[0].decode(json.dumps(wire))
    assert arrived.session.extra == {"avatar": {"character": "lisa"}, "future": 1}
    assert arrived.session.audio.input.turn_detection == events.UnknownObject(raw=session["turn_detection"])
    back = json.loads(codecs("azure-voicelive")[1].encode(arrived) or b"")
    assert back == {"type": "session.updated", "event_id": "e", "session": session}


def test_an_event_goes_under_the_name_that_the_other_side_knows() -> None:
    delta = heard("azure-voicelive", type="response.audio.delta", delta="AAAA", **PLACE)
    assert json.loads(codecs("ga")[1].encode(delta) or b"")["type"] == "response.output_audio.delta"
    vendor = heard("xai", type="response.output_audio.delta", delta="AAAA", rid="x", **PLACE)
    assert json.loads(codecs("beta")[1].encode(vendor) or b"") == {
        "type": "response.audio.delta",
        "delta": "AAAA",
        "rid": "x",
        **PLACE,
    }


def test_the_wrong_side_says_nothing_of_a_dialect_either() -> None:
    session = Session(Role.CLIENT, Config(dialect="xai"))
    session.open(0.0)
    with pytest.raises(LocalProtocolError, match="a client does not send Ping"):
        session.send(xai.Ping(), 0.0)  # type: ignore[arg-type]


def test_the_rules_know_the_classes_of_a_dialect() -> None:
    rules = OrderRules()
    assert rules.feed(xai.ResponseOutputAudioDelta(**PLACE, delta=b"", rid="x"))[0].rule == "session-created-first"


def test_the_rules_demand_no_beginning_of_a_server_without_one() -> None:
    session = Session(Role.CLIENT, Config(dialect="unmute", strict=True))
    session.open(0.0)
    session.receive('{"type": "response.created", "response": {"status": "in_progress"}}', 0.0)
    heard = [session.next_event() for _ in range(3)]
    assert isinstance(heard[1], events.ResponseCreated)
    assert heard[2] is None


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (
            {"type": "session.update", "session": {"allow_recording": 1}},
            {
                "type": "invalid_type",
                "loc": ["session", "allow_recording"],
                "msg": "Invalid type for 'session.allow_recording': expected a boolean or null, but got an integer "
                "instead.",
            },
        ),
        ([], {"type": "invalid_json", "loc": [], "msg": "the message is not a JSON object"}),
    ],
)
def test_a_server_of_unmute_says_in_details_what_is_wrong(said: Any, detail: Any) -> None:
    server = Session(Role.SERVER, Config(dialect="unmute"))
    server.open(0.0)
    server.receive(json.dumps(said), 0.0)
    assert json.loads(str(server.outgoing()[0]))["error"] == {
        "type": "invalid_request_error",
        "code": None,
        "message": "Invalid message",
        "param": None,
        "details": [detail],
    }


# ---- what it costs ----


def test_a_dialect_is_loaded_when_it_is_used() -> None:
    program = """
import sys, rtproto
from rtproto import Config, Role, Session
Session(Role.CLIENT)
own = ("voice_live", "xai", "qwen", "translation", "beta", "localai", "unmute", "vllm")
loaded = [name for name in sys.modules if name.startswith(("rtproto.events.", "rtproto._dialects."))]
print(*[name for name in loaded if name.split(".")[-1].lstrip("_") in own])
Session(Role.CLIENT, Config(dialect="xai"))
print("rtproto.events.xai" in sys.modules, "rtproto.events.qwen" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.splitlines() == ["", "True False"]


def test_at_which_rate_a_server_hears() -> None:
    assert {name: dialect(name).input_rate for name in ("ga", "beta", "qwen", "vllm")} == {
        "ga": 24_000,
        "beta": 24_000,
        "qwen": 16_000,
        "vllm": 16_000,
    }


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_says_what_it_is(name: str) -> None:
    which = dialect(name)
    assert which.title
    assert which.about.endswith(".")


def test_xai_tells_of_an_item_once() -> None:
    assert "conversation.item.done" not in vocabulary("server", dialect("xai"))
    event = heard("xai", type="conversation.item.done", item={"type": "message", "id": "i", "role": "user"})
    assert isinstance(event, events.ConversationItemDone)
