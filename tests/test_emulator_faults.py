"""Faults on demand: their grammar, which are due, and what they make of a session, on a virtual clock."""

from __future__ import annotations

import gc
import math
import re
import weakref
from typing import Any

import pytest
from emulated import WRITTEN, append, hears, numbered, silence, voice, wrote
from rtproto_emulator import Faults, Policy, Settings, _injection, parse_fault
from rtproto_emulator._fault_plan import FaultPlan
from rtproto_emulator._faults import KINDS, grammar
from rtproto_emulator._injection import Deed, Injected

from rtproto import Close, events, to_dict

# ---- the grammar ----

EXAMPLES = [
    "down:2*3",
    "refuse",
    "refuse:silent*2",
    "http:401",
    "http:429:2#3",
    "latency:0.2:0.1",
    "latency:200ms@response.output_audio.delta",
    "stall:2@response.created",
    "stall",
    "abort@response.output_audio.delta#3",
    "close",
    "close:1001@session.update",
    "close:4000:go away@response.done*1%0.5",
    "no-close",
    "half-frame@response.done",
    "bad-utf8#2",
    "bad-json@session.updated",
    "unknown-event:a.b@response.create",
    "duplicate@response.done",
    "reorder@response.output_audio.delta%0.1",
    "drop@response.done",
    "slow-reader:5@input_audio_buffer.append",
    "error:rate_limit_exceeded@response.create#2",
    "transcription-failed@conversation.item.input_audio_transcription.completed",
    "response-failed:rate_limit_exceeded:slow down@response.output_audio.delta#2",
    "response-incomplete:max_output_tokens@response.created",
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_fault_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_fault(f" {text} ")) == text


def test_every_kind_has_an_example_and_a_line_of_help() -> None:
    assert {parse_fault(text).kind for text in EXAMPLES} == set(KINDS)
    for name, kind in KINDS.items():
        assert f"  {name}{kind.form} " in grammar()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no fault: write KIND[:ARGUMENTS][@EVENT][#NTH][*TIMES][%CHANCE]"),
        ("close@", "is no fault: write KIND"),
        ("clse", "there is no fault 'clse' (did you mean close?); choose one of down, refuse, http, latency"),
        ("http", "write http:STATUS[:RETRY_AFTER]"),
        ("abort:1", "write abort"),
        ("http:200", "'200' is no HTTP status of an error: 400-599"),
        ("http:429:soon", "'soon' is no duration: write 2, 0.5s or 200ms, at most a day"),
        ("http:503@response.done", "http happens before a session: leave out @response.done"),
        (
            "close:1006",
            "'1006' is no code that a Close may carry: 1000-1003, 1007-1014 or 3000-4999; for 1006 use abort",
        ),
        ("close:1000:" + "x" * 101, "the reason has 101 characters: at most 100"),
        ("refuse:loudly", "'loudly' is not possible: reset or silent"),
        ("response-incomplete:tired", "'tired' is no reason: content_filter or max_output_tokens"),
        ("response-failed@response.done", "response-failed cannot be due at response.done: only at response.created,"),
        (
            "close@response.output_audio.dleta",
            "is no server or client event (did you mean response.output_audio.delta?)",
        ),
        ("error@session.updated", "session.updated is no client event (did you mean session.update?)"),
        ("drop@session.update", "session.update is no server event (did you mean session.updated?)"),
        ("abort#0", "#0 is not possible: begin with 1"),
        ("abort*0", "*0 is not possible: begin with 1"),
        ("abort%0", "%0 is not possible: more than 0, at most 1"),
        ("abort%1.5", "%1.5 is not possible: more than 0, at most 1"),
        ("latency:90000", "at most a day"),
    ],
)
def test_a_mistake_is_told_in_one_line(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)) as mistake:
        parse_fault(text)
    assert "\n" not in str(mistake.value)


# ---- which are due ----


def due(faults: Faults, place: str = "response.done", count: int = 10, session: int = 1) -> list[int]:
    """At which of ten events anything happens."""
    plan = FaultPlan(faults, session)
    return [number for number in range(1, count + 1) if plan.due("server", place)]


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("drop", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("drop@response.done", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("drop@response.created", []),
        ("drop#3", [3]),
        ("drop*2", [1, 2]),
        ("close@response.create", []),
    ],
)
def test_when_a_fault_is_due(text: str, when: list[int]) -> None:
    assert due(Faults([text])) == when


def test_chance_repeats_under_its_seed() -> None:
    runs = [due(Faults(["drop%0.3"], seed), count=200) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert 30 < len(runs[0]) < 90
    assert due(Faults(["drop%0.3"], 1), count=200, session=2) != runs[0]


def test_the_nth_is_of_a_session_and_times_of_the_server() -> None:
    faults = Faults(["drop#2*3"])
    assert [due(faults, session=number) for number in range(1, 6)] == [[2], [2], [2], [], []]
    assert faults.list() == []


def test_faults_come_and_go_while_a_session_is_open() -> None:
    faults = Faults()
    plan = FaultPlan(faults, 1)
    assert not plan.any
    faults.add("drop#2")
    assert not plan.due("server", "error")
    faults.add("duplicate")
    assert [fault.kind for fault in plan.due("server", "error")] == ["drop", "duplicate"]
    assert [str(fault) for fault in faults.list()] == ["drop#2", "duplicate"]
    faults.clear()
    assert not plan.any


def test_faults_have_a_limit() -> None:
    faults = Faults(["drop"] * 1000)
    with pytest.raises(ValueError, match="1000 faults are enough: clear some"):
        faults.add("drop")


def test_handshakes_are_counted_over_the_server() -> None:
    faults = Faults(["http:503#2", "refuse#4"])
    assert [getattr(faults.at_handshake(), "kind", None) for _ in range(4)] == [None, "http", None, "refuse"]


# ---- what they make of a session ----


class Broken:
    """A client of a policy in which faults happen; `told` is when what was done to the wire."""

    def __init__(self, *faults: str, seed: int | None = None, pace: float = math.inf) -> None:
        self.faults = Faults(faults, seed)
        self.injected = Injected(Policy(Settings(pace=pace, make_id=numbered())), FaultPlan(self.faults, 1))
        self.now = 100.0
        self.told: list[tuple[float, Any]] = []
        self.injected.start(self.now)
        self._take()

    def say(self, *said: events.ClientEvent) -> list[Any]:
        before = len(self.told)
        for event in said:
            self.injected.receive(event, self.now)
            self._take()
        return [done for _, done in self.told[before:]]

    def wait(self, seconds: float) -> list[Any]:
        """Time passes, from one deadline to the next."""
        before, end = len(self.told), self.now + seconds
        while (moment := self.injected.deadline()) is not None and moment <= end:
            self.now = max(self.now, moment)
            self.injected.tick(self.now)
            self._take()
        self.now = end
        return [done for _, done in self.told[before:]]

    def _take(self) -> None:
        while (done := self.injected.next_event()) is not None:
            self.told.append((round(self.now - 100, 3), done))


def told(done: list[Any]) -> list[str]:
    """Each event by its type, each deed by its name."""
    return [
        one.wire_type
        if isinstance(one, events.ServerEvent)
        else f"{one.how} {one.event.wire_type if one.event else ''}".strip()
        if isinstance(one, Deed)
        else f"close {one.code}"
        for one in done
    ]


ANSWER = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
    "rate_limits.updated",
]


def answered(*faults: str, **more: Any) -> list[str]:
    """What happens to a written answer of three words; repeated deltas once."""
    broken = Broken(*faults, **more)
    done = broken.say(WRITTEN, wrote("hi"))[-1:] and broken.say(events.ResponseCreate()) + broken.wait(9)
    names = told(done)
    return [name for at, name in enumerate(names) if at == 0 or name != names[at - 1] or "text.delta" not in name]


def plain(names: list[str]) -> list[str]:
    return [f"plain {name}" for name in names]


def test_without_faults_nothing_is_touched() -> None:
    assert answered() == ANSWER


@pytest.mark.parametrize(
    ("fault", "when", "then"),
    [
        ("close:4000@response.done", 9, ["close 4000"]),
        ("close:1001@response.create", 0, ["close 1001"]),
        ("abort@response.output_text.delta", 4, ["abort response.output_text.delta"]),
        ("half-frame@response.done", 9, ["half-frame response.done"]),
        ("stall@response.content_part.added", 3, []),
        ("drop@response.done", 9, ["plain rate_limits.updated"]),
        ("duplicate@response.done", 9, ["plain response.done", "plain response.done", "plain rate_limits.updated"]),
        ("reorder@response.done", 9, ["plain rate_limits.updated", "plain response.done"]),
        ("reorder@rate_limits.updated", 10, ["plain rate_limits.updated"]),
        ("bad-json@response.done", 9, ["bad-json response.done", "plain rate_limits.updated"]),
        ("bad-utf8@response.done", 9, ["bad-utf8 response.done", "plain rate_limits.updated"]),
        ("unknown-event:odd@response.done", 9, ["plain odd", *plain(ANSWER[9:])]),
        ("no-close@response.done", 9, ["ignore-close", *plain(ANSWER[9:])]),
        ("slow-reader:2@response.done", 9, ["stop-reading", *plain(ANSWER[9:])]),
        ("error:busy@response.create", 0, ["error"]),
        ("drop@response.done%0.00001", 11, []),
    ],
)
def test_what_a_fault_makes_of_an_answer(fault: str, when: int, then: list[str]) -> None:
    assert answered(fault) == ANSWER[:when] + then


def test_the_id_of_an_unknown_event_hangs_on_no_clock() -> None:
    """Whether a host comes to tick at each delta, or late and then says several at once."""

    def ids(step: float) -> list[Any]:
        broken = Broken("unknown-event:odd@response.output_audio.delta%0.5", seed=3, pace=8)
        broken.say(wrote("Say it at length, so that it is heard for some time."), events.ResponseCreate())
        for number in range(1, round(3 / step) + 1):
            broken.injected.tick(broken.now + number * step)
            broken._take()
        said = [done.event for _, done in broken.told if isinstance(done, Deed)]
        return [event.raw["event_id"] for event in said if isinstance(event, events.Unknown)]

    assert ids(0.01) == ids(0.3)
    assert len(set(ids(0.01))) > 3


def test_two_faults_at_one_event() -> None:
    assert answered("unknown-event:odd@response.done", "close@response.done")[9:] == ["close 1011"]


def test_after_the_end_nothing_comes_and_nothing_is_due() -> None:
    broken = Broken("close@session.updated")
    assert told(broken.say(WRITTEN, wrote("hi"), events.ResponseCreate())) == ["close 1011"]
    assert broken.wait(7200) == []
    assert broken.injected.deadline() is None


def test_what_is_refused_was_not_done() -> None:
    broken = Broken("error:busy:come back later@conversation.item.create*1")
    (refused,) = broken.say(wrote("hi", id="mine"))
    assert to_dict(refused)["error"] == {
        "type": "invalid_request_error",
        "code": "busy",
        "message": "come back later",
        "param": None,
        "event_id": None,
    }
    assert told(broken.say(wrote("hi", id="mine")))[0] == "conversation.item.added"


def test_latency_keeps_the_order_and_jitter_its_bounds() -> None:
    broken = Broken("latency:0.2:0.1", seed=3)
    broken.wait(1)
    broken.say(wrote("hi"))
    broken.wait(1)
    moments = [moment for moment, _ in broken.told]
    assert told([done for _, done in broken.told]) == plain(
        ["session.created", "conversation.item.added", "conversation.item.done"]
    )
    assert moments == sorted(moments)
    assert 0.2 <= moments[0] <= 0.3
    assert 1.2 <= moments[1] <= moments[2] <= 1.3
    again = Broken("latency:0.2:0.1", seed=3)
    again.wait(1)
    assert again.told[0][0] == moments[0]


def test_a_stall_ends() -> None:
    broken = Broken("stall:2@session.updated")
    assert told(broken.say(WRITTEN, wrote("hi"))) == []
    assert told(broken.wait(1.9)) == []
    assert told(broken.wait(0.2))[0] == "plain session.updated"


def test_what_waits_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_injection, "_MAX_WAITING", 100)
    broken = Broken("stall:3600@session.updated")
    broken.say(WRITTEN, *(wrote("hi") for _ in range(60)))
    assert broken.injected.pending == 101
    assert told(broken.wait(3601))[-1] == "close 1011"
    assert Broken("stall", pace=1).injected.pending == 0


def test_a_response_fails_in_the_middle() -> None:
    names = answered("response-failed:rate_limit_exceeded:slow down@response.output_text.delta#2")
    assert names == ANSWER
    broken = Broken("response-failed:rate_limit_exceeded:slow down@response.output_text.delta#2")
    broken.say(WRITTEN, wrote("one two three"))
    done = broken.say(events.ResponseCreate())
    assert told(done).count("response.output_text.delta") == 2
    response = to_dict(next(event for event in done if isinstance(event, events.ResponseDone)))["response"]
    assert response["status"] == "failed"
    assert response["output"][0]["status"] == "incomplete"
    error = {"type": "server_error", "code": "rate_limit_exceeded", "message": "slow down"}
    assert response["status_details"] == {"type": "failed", "error": error}
    assert told(broken.say(wrote("again"), events.ResponseCreate()))[-1] == "rate_limits.updated"


def test_a_response_is_cut_at_its_birth() -> None:
    broken = Broken("response-incomplete*1")
    done = broken.say(events.ResponseCreate())
    assert told(done) == ["response.created", "response.done", "rate_limits.updated"]
    assert done[1].response.status_details.reason == "content_filter"


def test_a_transcription_fails() -> None:
    broken = Broken("transcription-failed:no_deployment")
    broken.say(hears(transcription=events.AudioTranscription(model="whisper-1"), turn_detection=None))
    done = broken.say(append(voice(1) + silence(0.1)), events.InputAudioBufferCommit())
    assert "plain conversation.item.input_audio_transcription.failed" in told(done)
    failed = next(deed.event for deed in done if "failed" in told([deed])[0])
    assert (failed.error.type, failed.error.code) == ("transcription_error", "no_deployment")


def test_no_close_watches_from_the_beginning() -> None:
    assert told([done for _, done in Broken("no-close@response.done").told]) == ["watch-close", "session.created"]


@pytest.mark.parametrize(
    ("fault", "at_once", "then"),
    [
        ("slow-reader:1", ["stop-reading"], plain(["conversation.item.added", "conversation.item.done"])),
        ("bad-json", ["bad-json rtproto.fault"], plain(["conversation.item.added", "conversation.item.done"])),
        ("close:1001", ["close 1001"], []),
        ("duplicate", [], plain(["conversation.item.added", "conversation.item.added", "conversation.item.done"])),
        ("latency:9", [], []),
        ("close@conversation.item.done", [], ["conversation.item.added", "close 1011"]),
        ("error:busy", [], ["error"]),
    ],
)
def test_a_running_session_is_struck(fault: str, at_once: list[str], then: list[str]) -> None:
    broken = Broken()
    broken.injected.strike(parse_fault(fault))
    assert told(broken.wait(0.001) + [done for done in [broken.injected.next_event()] if done]) == at_once
    assert told(broken.say(wrote("hi"))) == then


def test_a_handshake_that_is_over_cannot_fail() -> None:
    with pytest.raises(ValueError, match="http:503: the handshake is over"):
        Broken().injected.strike(parse_fault("http:503"))


def test_the_policy_still_closes_by_itself() -> None:
    broken = Broken("latency:0.1")
    assert told(broken.wait(3700))[-1] == "close 1001"
    assert isinstance(broken.told[-1][1], Close)


def test_a_session_that_is_over_is_forgotten_at_once() -> None:
    policy = Policy(Settings(pace=math.inf))
    injected = Injected(policy, FaultPlan(Faults(), 1))
    injected.start(0.0)
    injected.receive(events.InputAudioBufferAppend(audio=voice(1.0)), 0.0)
    kept = weakref.ref(policy)
    del policy
    gc.disable()
    try:
        injected.stop()
        del injected
        assert kept() is None
    finally:
        gc.enable()
