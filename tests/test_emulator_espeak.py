"""espeak's voice (rtproto_emulator)."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import espeakng_loader
import pytest
import rtproto_audio
from emulated import Emulated, create, sound, wrote
from rtproto_emulator import Context, Engines, Settings, _espeak
from rtproto_emulator._espeak import QWENS_VOICES, VOICES, XAIS_VOICES, EspeakSpeaker

from rtproto import events

WORDS = "What is the weather in Paris?"


@pytest.fixture(scope="module")
def speaker() -> EspeakSpeaker:
    return EspeakSpeaker()


def pieces(spoken: Iterator[bytes | None]) -> Iterator[bytes]:
    """The sound, waited for as the policy does."""
    for piece in spoken:
        if piece is None:
            time.sleep(0.001)
        elif piece:
            yield piece


def said(speaker: EspeakSpeaker, text: str = WORDS, **context: Any) -> bytes:
    return b"".join(pieces(speaker.speak(text, Context(**context))))


def seconds(pcm: bytes) -> float:
    return len(pcm) / 48_000


def test_a_sentence(speaker: EspeakSpeaker) -> None:
    pcm = said(speaker)
    assert 1.2 < seconds(pcm) < 2.4
    assert 0.03 < rtproto_audio.rms(pcm) < 0.3


@pytest.mark.parametrize(("speed", "factor"), [(1.5, 1.5), (0.5, 0.5), (0.25, 0.25)])
def test_speed(speaker: EspeakSpeaker, speed: float, factor: float) -> None:
    assert seconds(said(speaker)) / seconds(said(speaker, speed=speed)) == pytest.approx(factor, rel=0.15)


def test_the_same_words_give_the_same_bytes_whatever_was_said_between(speaker: EspeakSpeaker) -> None:
    first = said(speaker)
    said(speaker, "Something else.", voice="echo", speed=0.3)
    broken_off = speaker.speak("This goes on and on, " * 100, Context(voice="sage"))
    next(pieces(broken_off))
    del broken_off
    assert said(speaker) == first == said(EspeakSpeaker())


@pytest.mark.parametrize("voices", [VOICES, QWENS_VOICES, XAIS_VOICES])
def test_every_voice_is_another_one(speaker: EspeakSpeaker, voices: dict[str, str]) -> None:
    assert len({said(speaker, "Hello.", voice=voice.title()) for voice in voices}) == len(voices)


@pytest.mark.parametrize("voice", [*VOICES, "Cherry", "nobody", ""])
def test_every_voice_speaks(speaker: EspeakSpeaker, voice: str) -> None:
    pcm = said(speaker, voice=voice)
    assert 1.2 < seconds(pcm) < 2.4
    assert rtproto_audio.rms(pcm) > 0.03


def test_every_voice_is_one_that_espeak_has() -> None:
    variants = {path.name for path in (Path(espeakng_loader.get_data_path()) / "voices" / "!v").iterdir()}
    assert {voice.partition("+")[2] for voice in (VOICES | QWENS_VOICES).values()} - {""} <= variants


def test_sentences_are_kept_apart(speaker: EspeakSpeaker) -> None:
    one, two, both = (seconds(said(speaker, text)) for text in ("One.", "Two.", "One. Two."))
    assert both == pytest.approx(one + two, rel=0.1)


@pytest.mark.parametrize("text", ["", " \n ", "\0"])
def test_nothing_to_say(speaker: EspeakSpeaker, text: str) -> None:
    assert seconds(said(speaker, text)) < 0.5


@pytest.mark.parametrize(
    "text", ["word " * 500, "x" * 700, "\u4f60\u597d\u3002" * 50, "3.14 is not two sentences. This is"]
)
def test_any_text_is_said_to_its_end(speaker: EspeakSpeaker, text: str) -> None:
    assert seconds(said(speaker, text, speed=1.5)) > len(text) / 100


def test_the_sound_comes_in_pieces_and_early(speaker: EspeakSpeaker) -> None:
    spoken = pieces(speaker.speak("One more sentence, and then the next one. " * 100, Context()))
    begun = time.perf_counter()
    first = next(spoken)
    assert time.perf_counter() - begun < 0.3
    assert seconds(first) < 0.2


def test_what_is_dropped_is_not_said(speaker: EspeakSpeaker) -> None:
    long = speaker.speak("This goes on and on, " * 1000, Context())
    next(pieces(long))
    del long
    begun = time.perf_counter()
    next(pieces(speaker.speak("Next.", Context())))
    assert time.perf_counter() - begun < 0.2


def test_a_sentence_that_was_dropped_before_its_turn(speaker: EspeakSpeaker) -> None:
    for _ in range(200):
        waiting = speaker.speak("Nobody wants to hear this any more. " * 10, Context())
        next(waiting)
    begun = time.perf_counter()
    next(pieces(speaker.speak("Next.", Context())))
    assert time.perf_counter() - begun < 1.0


def test_many_speak_at_once(speaker: EspeakSpeaker) -> None:
    heard: list[bytes] = []
    threads = [threading.Thread(target=lambda: heard.append(said(speaker))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(heard) == 8
    assert len(set(heard)) == 1


def test_an_answer_in_a_session(speaker: EspeakSpeaker) -> None:
    e = Emulated(Settings(engines=Engines(speaker=speaker)))
    e.say(wrote("hello"), create(audio=events.AudioConfig(output=events.AudioOutput(format=events.AudioPcmu()))))
    while not isinstance(e.seen[-1], events.RateLimitsUpdated):
        e.wait(0.02)
        time.sleep(0.001)
    assert 0.8 < len(sound(e.seen)) / 8000 < 2.5


def test_a_library_that_cannot_be_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Mock()
    broken.espeak_Initialize.return_value = -1
    monkeypatch.setattr(ctypes, "CDLL", lambda path: broken)
    with pytest.raises(OSError, match="could not be set up"):
        _espeak._Library()
