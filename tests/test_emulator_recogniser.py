"""Recognition by pocketsphinx in its own process (rtproto_emulator), and the team that all sessions share."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

import pocketsphinx
import pytest
import rtproto_audio
from emulated import silence, voice
from rtproto_emulator import PocketsphinxTranscriber, SileroActivity, Speech, _recogniser, _team
from rtproto_emulator._recogniser import RecogniserProcess
from rtproto_emulator._recogniser_worker import clean
from rtproto_emulator._team import Job, Team
from rtproto_emulator._voiced import voiced

TEST_DATA = Path(__file__).parents[1] / "test_data"
QUESTION = "what is the weather in paris"
assert pocketsphinx, "what these tests need"


def speech(name: str, language: str | None = None) -> Speech:
    return Speech(pcm=b"".join(rtproto_audio.read_audio(TEST_DATA / name)), language=language)


def words(pieces: Iterable[str | None], seconds: float = 30.0) -> list[str]:
    """The pieces, waited for as the policy does."""
    limit = time.monotonic() + seconds
    found: list[str] = []
    for piece in pieces:
        assert time.monotonic() < limit, "nothing came"
        if piece is None:
            time.sleep(0.005)
        else:
            found.append(piece)
    return found


@pytest.fixture(scope="module")
def sphinx() -> Iterator[PocketsphinxTranscriber]:
    """With a process that was started once."""
    transcriber = PocketsphinxTranscriber(SileroActivity)
    transcriber.prepare()
    yield transcriber
    transcriber.close()


def test_a_question(sphinx: PocketsphinxTranscriber) -> None:
    assert words(sphinx.transcribe(speech("question.wav"))) == [QUESTION]


def test_a_part_for_each_voiced_one(sphinx: PocketsphinxTranscriber) -> None:
    assert words(sphinx.transcribe(speech("two_turns.wav", "en-GB"))) == [QUESTION, " what time is it in berlin"]


@pytest.mark.parametrize("name", ["silence.wav", "noise.wav"])
def test_no_words_where_nobody_speaks(sphinx: PocketsphinxTranscriber, name: str) -> None:
    assert words(sphinx.transcribe(speech(name))) == []


def test_no_audio(sphinx: PocketsphinxTranscriber) -> None:
    assert words(sphinx.transcribe(Speech(pcm=b""))) == []


def test_it_says_that_it_knows_english_only(sphinx: PocketsphinxTranscriber) -> None:
    with pytest.raises(RuntimeError, match="English only, and not 'de'"):
        words(sphinx.transcribe(Speech(pcm=voice(1.0), language="de")))


def test_closed_it_fails_and_comes_again(sphinx: PocketsphinxTranscriber) -> None:
    pieces = sphinx.transcribe(speech("question.wav"))
    assert next(pieces) is None
    sphinx.close()
    with pytest.raises(RuntimeError, match="was stopped"):
        words(pieces)
    sphinx.close()
    assert words(sphinx.transcribe(speech("question.wav"))) == [QUESTION]


def test_hypotheses_are_cleaned() -> None:
    assert clean("<s> and(2) [NOISE] now ++BREATH++ then </s>") == "and now then"


# ---- the process ----


@pytest.fixture
def process() -> Iterator[RecogniserProcess]:
    started = RecogniserProcess()
    yield started
    started.stop()


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Puts another program in the worker's place."""

    def replace(program: str) -> None:
        path = tmp_path / "worker.py"
        path.write_text(program)
        monkeypatch.setattr(_recogniser, "_WORKER", path)

    return replace


def kill(process: RecogniserProcess) -> int:
    pid = process.pid
    assert pid is not None
    os.kill(pid, 9)
    return pid


def test_one_that_was_killed_is_started_again(process: RecogniserProcess) -> None:
    process.prepare()
    pid = kill(process)
    assert process.decode(speech("question.wav")) == QUESTION
    assert process.pid != pid


def test_one_that_is_killed_at_work_is_asked_again(process: RecogniserProcess) -> None:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(process.decode(speech("question.wav"))))
    thread.start()
    while process.pid is None:
        time.sleep(0.005)
    time.sleep(0.3)
    kill(process)
    thread.join(30)
    assert found == [QUESTION]


def test_one_that_dies_whenever_it_is_asked(process: RecogniserProcess, worker: Callable[[str], None]) -> None:
    worker("import sys; sys.exit(3)")
    with pytest.raises(RuntimeError, match="ended 2 times while it listened to this, the last time with exit status 3"):
        process.decode(Speech(pcm=voice(1.0)))


def test_one_that_hangs(
    process: RecogniserProcess, worker: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker("import time; time.sleep(60)")
    monkeypatch.setattr(_recogniser, "_PATIENCE", 0.1)
    with pytest.raises(RuntimeError, match="ended 2 times"):
        process.decode(Speech(pcm=voice(1.0)))


def test_what_cannot_be_decoded(process: RecogniserProcess) -> None:
    with pytest.raises(RuntimeError, match="could not decode this"):
        process.decode(Speech(pcm=b""))


def test_a_process_that_cannot_be_started(process: RecogniserProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(TEST_DATA / "nothing"))
    process.prepare()
    with pytest.raises(OSError, match="nothing"):
        process.decode(Speech(pcm=voice(1.0)))


def test_stopped_is_stopped(process: RecogniserProcess) -> None:
    process.prepare()
    process.stop()
    process.stop()
    with pytest.raises(RuntimeError, match="was stopped"):
        process.decode(Speech(pcm=voice(1.0)))


def test_it_does_not_outlive_its_parent() -> None:
    program = "from rtproto_emulator._recogniser import RecogniserProcess as P; import time; P().prepare(); "
    command = [sys.executable, "-c", program + "print('started', flush=True); time.sleep(60)"]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline().strip() == b"started"
    parent.kill()
    # Both write to this pipe, which ends when both have ended.
    _, err = parent.communicate(timeout=20)
    assert err == b""


# ---- the team ----


class Slow:
    """A decoder that is told when it may go on."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.go = threading.Semaphore(0)

    def prepare(self) -> None: ...

    def decode(self, speech: Speech) -> str:
        self.go.acquire(timeout=10)
        self.heard.append(speech.pcm)
        return speech.pcm.decode()

    def stop(self) -> None: ...


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def team(slow: Slow) -> Iterator[Team]:
    made = Team(lambda: slow, 1)
    yield made
    made.close()
    slow.go.release()


def letters(speech: Speech) -> Sequence[Speech]:
    """A part for each letter."""
    return [Speech(pcm=speech.pcm[at : at + 1]) for at in range(len(speech.pcm))]


def job(text: str, asker: object) -> Job:
    return Job(Speech(pcm=text.encode(), asker=asker), letters)


def begun(team: Team) -> None:
    """Waits until the first job is at work, so that the order of the others is sure."""
    while team._waiting:
        time.sleep(0.001)


def test_every_asker_has_its_turn(team: Team, slow: Slow) -> None:
    jobs = [job("a", 1)]
    team.add(jobs[0])
    begun(team)
    jobs += [job("bc", 1), job("d", 1), job("x", 2), job("yz", 3)]
    for added in jobs[1:]:
        team.add(added)
    slow.go.release(10)
    assert [words(added.pieces()) for added in jobs] == [["a"], ["b", " c"], ["d"], ["x"], ["y", " z"]]
    assert b"".join(slow.heard) == b"abxyczd"


def test_what_is_dropped_is_not_done(team: Team, slow: Slow) -> None:
    jobs = [job("a", 1), job("bc", 1), job("d", 1)]
    team.add(jobs[0])
    begun(team)
    for added in jobs[1:]:
        team.add(added)
    jobs[1].dropped = True
    slow.go.release(10)
    assert words(jobs[2].pieces()) == ["d"]
    assert slow.heard == [b"a", b"d"]


def test_what_is_dropped_makes_room(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_team, "_MAX_WAITING", 2)
    team.add(job("a", 1))
    begun(team)
    waiting = [job("b", 1), job("c", 1)]
    for added in waiting:
        team.add(added)
    with pytest.raises(RuntimeError, match="busy: 2 utterances wait;"):
        team.add(job("d", 2))
    waiting[0].dropped = True
    team.add(job("d", 1))
    with pytest.raises(RuntimeError, match="busy"):
        team.add(job("e", 2))


def test_closed_it_fails_what_waits_and_what_is_half_done(team: Team, slow: Slow) -> None:
    half, whole = job("ab", 1), job("c", 1)
    team.add(half)
    begun(team)
    team.add(whole)
    team.close()
    slow.go.release(10)
    for left in (half, whole):
        with pytest.raises(RuntimeError, match="was stopped"):
            words(left.pieces())


# ---- what is voiced ----


class Marked:
    """A detector for which every sample that is not 0 is speech."""

    hop_ms = 20

    def __init__(self, rate: int) -> None:
        self._hop = rate * 2 * self.hop_ms // 1000

    def feed(self, pcm: bytes) -> Sequence[float]:
        return [float(any(pcm[at : at + self._hop])) for at in range(0, len(pcm) - self._hop + 1, self._hop)]


def said(*seconds: float, longest_ms: int = 15_000) -> list[int]:
    """The lengths in ms of the voiced parts of silence and speech by turns."""
    pcm = b"".join(made(length) for made, length in zip(map(_or_silence, count()), seconds, strict=False))
    return [len(part.pcm) // 48 for part in voiced(Speech(pcm=pcm), Marked, longest_ms)]


def _or_silence(number: int) -> Callable[[float], bytes]:
    return (lambda seconds: b"\1" * int(seconds * 48_000)) if number % 2 else silence


def test_silence_around_it_is_left_out() -> None:
    assert said(2.0, 1.0, 2.0) == [250 + 1000 + 250]


def test_a_short_pause_is_no_cut_and_a_long_one_is() -> None:
    assert said(1.0, 1.0, 0.3, 1.0, 1.0) == [2800]
    assert said(1.0, 1.0, 2.0, 1.0, 1.0) == [1500, 1500]


def test_parts_are_cut_in_pauses_where_they_can_be() -> None:
    assert said(1.0, 2.0, 0.6, 2.0, 1.0) == [2000 + 600 + 2000 + 500]
    assert said(1.0, 2.0, 0.6, 2.0, 1.0, longest_ms=3000) == [2500, 2500]
    assert said(1.0, 5.0, 1.0, longest_ms=2000) == [2000, 2000, 1500]
