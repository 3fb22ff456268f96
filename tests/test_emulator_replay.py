"""One side of a recorded session, played on a virtual clock (rtproto_emulator)."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rtproto_emulator._recorded import Recording, Script, Step
from rtproto_emulator._replay import Replay

from rtproto._recording import End

APPEND = "input_audio_buffer.append"


def script(*said: tuple[str, str, float | None], end: End | None = None) -> Script:
    """Steps as ">type" of the client and "<type" of the server, with their times; "+n" is an append of n bytes."""
    steps = []
    for _, what, t in said:
        side: Any = "server" if what[0] == "<" else "client"
        sound = int(what[1:]) if what[0] == "+" else 0
        name = APPEND if sound else what[1:]
        steps.append(Step(side, name, message(what), t, sound))
    return Script(tuple(steps), end)


def message(what: str) -> str:
    if what[0] == "+":
        return json.dumps({"type": APPEND, "audio": "AAAA" * (int(what[1:]) // 3)})
    return json.dumps({"type": what[1:]})


def of(*said: str, gap: float | None = 1.0, end: End | None = None) -> Script:
    """Steps `gap` seconds apart."""
    return script(*(("", what, None if gap is None else n * gap) for n, what in enumerate(said)), end=end)


class Played:
    """A replay at a virtual time."""

    def __init__(self, which: Script, side: Any = "server", **how: Any) -> None:
        self.now = 100.0
        self.replay = Replay(which, side, **how)
        self.replay.start(self.now)

    def hear(self, *said: str) -> list[str]:
        """The other side says these; what is answered at once."""
        for what in said:
            self.replay.receive(message(what), self.now)
        return self.taken()

    def wait(self, seconds: float) -> list[str]:
        """What is said meanwhile, each at its time."""
        end = self.now + seconds
        told = self.taken()
        while (due := self.replay.deadline()) is not None and due <= end:
            assert due >= self.now
            self.now = due
            self.replay.tick(self.now)
            told += self.taken()
        self.now = end
        return told

    def taken(self) -> list[str]:
        told = []
        while (step := self.replay.next_event()) is not None:
            told.append(f"close {step.code}" if isinstance(step, End) else step.type)
        return told


def test_the_server_waits_for_what_its_client_had_said() -> None:
    played = Played(of("<created", ">update", "<updated", ">create", "<done", gap=None))
    assert played.taken() == ["created"]
    assert played.replay.waits_for == "update"
    assert played.wait(1000) == []
    assert played.hear(">update") == ["updated"]
    assert played.hear(">create") == ["done"]
    assert played.replay.finished
    assert played.replay.waits_for is None


def test_what_the_client_has_yet_to_say() -> None:
    played = Played(
        of("<created", ">update", "<updated", "+6", ">x.delta", "+3", ">create", "<done", ">create", gap=None)
    )
    assert played.replay.left == ["update", APPEND, "create", "create"]
    played.hear(">update", "+6")
    assert played.replay.left == [APPEND, "create", "create"]
    played.hear(">create")
    assert played.replay.left == ["create"]  # who says what followed the sound has said it
    played.hear(">create")
    assert played.replay.left == []


def test_a_client_that_is_faster_is_heard() -> None:
    played = Played(of("<created", ">update", "<updated", ">create", "<done", gap=None))
    assert played.hear(">create", ">update") == ["created", "updated", "done"]


def test_what_was_never_recorded_is_let_pass() -> None:
    played = Played(of(">a", "<b", ">a", "<c", gap=None))
    assert played.hear(">x", ">y") == []
    assert played.hear(">a") == ["b"]
    played.replay.receive("{", played.now)
    played.replay.receive(b"\x00", played.now)
    assert played.hear(">a") == ["c"]


def test_the_recorded_pace_is_kept() -> None:
    played = Played(of("<a", "<b", ">c", "<d", "<e"))
    assert played.taken() == ["a"]
    assert played.wait(0.99) == []
    assert played.wait(0.02) == ["b"]
    assert played.wait(60) == []
    assert played.hear(">c") == []  # it answered a second after it was asked
    assert played.wait(0.99) == []
    assert played.wait(0.02) == ["d"]
    assert played.wait(1.0) == ["e"]


def test_who_is_early_does_not_wait_for_the_recorded_hesitation() -> None:
    played = Played(script(("", "<a", 0.0), ("", ">c", 60.0), ("", "<d", 60.5)))
    assert played.hear(">c") == ["a"]
    assert played.wait(0.49) == []
    assert played.wait(0.02) == ["d"]


@pytest.mark.parametrize(("speed", "seconds"), [(2.0, 0.5), (0.5, 2.0), (math.inf, 0.0)])
def test_the_pace_may_be_another(speed: float, seconds: float) -> None:
    played = Played(of("<a", "<b"), speed=speed)
    assert played.wait(seconds * 0.99) == (["a"] if seconds else ["a", "b"])
    assert played.wait(seconds * 0.02) == (["b"] if seconds else [])


def test_a_late_tick_does_not_delay_the_rest() -> None:
    played = Played(of("<a", "<b", "<c"))
    played.now += 1.9
    played.replay.tick(played.now)
    assert played.taken() == ["a", "b"]
    assert played.wait(0.11) == ["c"]


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan])
def test_a_speed_there_is_not(speed: float) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Replay(of("<a"), "server", speed=speed)


def test_sound_may_be_cut_otherwise() -> None:
    recorded = of("<a", "+300", "+300", "<heard", "+300", ">commit", "<done", gap=None)
    assert Played(recorded).hear("+600") == ["a", "heard"]
    played = Played(recorded)
    assert played.hear(*["+30"] * 19) == ["a"]
    assert played.hear("+30") == ["heard"]
    assert played.hear("+300", ">commit") == ["done"]


def test_what_followed_sound_ends_it() -> None:
    played = Played(of("+300", "+300", ">commit", "<done", "+300", ">commit", "<again", gap=None))
    assert played.hear("+30", ">commit") == ["done"]
    assert played.hear(">commit") == ["again"]


def test_sound_that_streams_does_not_set_the_pace_of_the_answer() -> None:
    streamed = [("", "+30", n / 50) for n in range(1, 50)]
    played = Played(script(("", "<a", 0.0), *streamed, ("", "<b", 1.0)))
    assert played.hear(*["+30"] * 49) == ["a"]
    assert played.wait(0.99) == []
    assert played.wait(0.02) == ["b"]


def test_sound_that_comes_late_delays_the_answer() -> None:
    played = Played(script(("", "<a", 0.0), ("", "+30", 0.5), ("", "+30", 0.9), ("", "<b", 1.0)))
    assert played.hear("+30") == ["a"]
    assert played.wait(5) == []
    assert played.hear("+30") == []
    assert played.wait(0.09) == []
    assert played.wait(0.02) == ["b"]


def test_the_server_closes_as_it_did() -> None:
    played = Played(of("<a", end=End(1001, "bye", "server", 3.0)))
    assert played.wait(2.9) == ["a"]
    assert played.wait(0.2) == ["close 1001"]
    assert played.replay.deadline() is None


@pytest.mark.parametrize("end", [None, End(1000, "", "client", 3.0)])
def test_where_the_client_ended_the_server_waits_for_that(end: End | None) -> None:
    assert Played(of("<a", end=end)).wait(1000) == ["a"]


def test_the_client_waits_for_what_matters() -> None:
    played = Played(of("<created", ">create", "<x.delta", "<x.delta", "<done", ">bye", gap=None), "client")
    assert played.hear("<created") == ["create"]
    assert played.hear("<x.delta") == []
    assert played.hear("<done") == ["bye", "close 1000"]


def test_what_never_comes_is_waited_for_once() -> None:
    turn = (">create", "<done", "<limits", "<more")
    played = Played(of(*turn, *turn, ">bye", gap=None), "client", patience=5.0)
    assert played.taken() == ["create"]
    assert played.wait(4.9) == []
    assert played.hear("<done") == []
    assert played.wait(4.9) == []
    assert played.wait(0.2) == ["create"]
    assert played.hear("<done") == ["bye", "close 1000"]


def test_what_comes_after_all_counts_again() -> None:
    played = Played(of(">a", "<b", ">a", "<b", ">a", gap=None), "client", patience=5.0)
    assert played.wait(5.1) == ["a", "a", "a", "close 1000"]
    played = Played(of(">a", "<b", ">a", "<c", "<b", ">a", gap=None), "client", patience=5.0)
    assert played.wait(5.1) == ["a", "a"]
    assert played.hear("<b") == []
    assert played.hear("<c") == ["a", "close 1000"]


@given(st.lists(st.sampled_from(["<a", "<b", ">c", ">d", "+30"]), max_size=30), st.randoms())
def test_whoever_says_all_that_was_recorded_hears_all(said: Sequence[str], random: Any) -> None:
    recorded = of("<begin", *said)
    played = Played(recorded, speed=math.inf)
    client = [what for what in said if what[0] != "<"]
    random.shuffle(client)
    told = played.taken()
    for what in client:
        told += played.hear(what)
    assert told == ["begin", *(what[1:] for what in said if what[0] == "<")]
    assert played.replay.finished


def test_messages_are_played_as_they_were() -> None:
    line = b'{"dir": "received", "event": {"type": "x", "event_id": "event_1", "n": 1.50, "text": "\xc3\xa9"}}'
    (recorded,) = Recording.read([line]).sessions
    replay = Replay(recorded, "server")
    replay.start(0.0)
    step = replay.next_event()
    assert isinstance(step, Step)
    assert step.message == '{"type":"x","event_id":"event_1","n":1.5,"text":"é"}'
