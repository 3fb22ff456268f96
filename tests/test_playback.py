"""How much of the speech was played, and what an interruption asks for."""

from typing import Any

import attrs
import pytest
from rule_words import (
    AUDIO_DONE,
    about,
    added,
    audio,
    call,
    closed,
    created,
    done,
    message,
    opened,
    silent,
    speaks,
    truncated,
)

from rtproto import UNSET, events
from rtproto._conversation._playback import MAX_WAITING
from rtproto.conversation import Conversation

SPEAKING: list[Any] = [created("resp_1", "conv_1"), opened(), added()]
CANCEL = events.ResponseCancel(response_id="resp_1")


def ms(length: int, item: str = "item_1", part: int = 0) -> Any:
    """`length` ms of PCM16 at 24 kHz."""
    return about(events.ResponseOutputAudioDelta, item, part, delta=bytes(48 * length))


def cut(at: int, item: str = "item_1", part: int = 0) -> events.ConversationItemTruncate:
    return events.ConversationItemTruncate(item_id=item, content_index=part, audio_end_ms=at)


def fed(*received: Any, **how: Any) -> Conversation:
    conversation = Conversation(**how)
    for event in received:
        assert conversation.received(event) == []
    return conversation


def session(**detection: Any) -> events.SessionUpdated:
    audio_input = events.AudioInput(turn_detection=events.ServerVad(**detection))
    return events.SessionUpdated(session=events.RealtimeSession(audio=events.AudioConfig(input=audio_input)))


# ---- three ways to tell ----


def test_a_player_that_tells_bytes() -> None:
    conversation = fed(*SPEAKING, ms(100), ms(100))
    conversation.playback.played(48 * 50)
    conversation.playback.played(48 * 70 + 47)
    assert conversation.interrupt() == [CANCEL, cut(120)]


def test_bytes_run_on_from_one_item_into_the_next() -> None:
    conversation = fed(*SPEAKING, ms(100), AUDIO_DONE, opened("b", index=1), added("b"), ms(100, "b"), ms(100, "c"))
    conversation.playback.played(48 * 130)
    assert conversation.interrupt() == [CANCEL, cut(30, "b")]


def test_a_player_that_tells_positions() -> None:
    conversation = fed(*SPEAKING, ms(100), ms(100, part=1), opened("b", index=1), added("b"), ms(100, "b"))
    conversation.playback.played_ms("item_1", 70)
    conversation.playback.played_ms("item_1", 60)
    conversation.playback.played_ms("item_1", 30, content_index=1)
    conversation.playback.played_ms("b", 5000)
    conversation.playback.played_ms("lost", 10)
    assert conversation.interrupt() == [CANCEL, cut(70), cut(30, part=1), cut(100, "b")]


def test_a_player_by_the_clock() -> None:
    conversation = Conversation()
    for now, event in ((10.0, SPEAKING[0]), (10.0, opened()), (10.0, added()), (11.0, ms(200)), (11.1, ms(300))):
        conversation.received(event, now)
    assert conversation.interrupt(11.35) == [CANCEL, cut(350)]


def test_the_clock_stands_while_nothing_is_there_to_play() -> None:
    conversation = Conversation()
    for now, event in ((0.0, SPEAKING[0]), (0.0, opened()), (1.0, ms(100)), (5.0, ms(100))):
        conversation.received(event, now)
    assert conversation.interrupt(5.05) == [CANCEL, cut(150)]


def test_the_clock_does_not_drift_however_often_it_is_read() -> None:
    conversation = fed(*SPEAKING)
    conversation.received(ms(2000), 0.0)
    for n in range(1, 10_001):
        conversation.received(events.RateLimitsUpdated(rate_limits=[]), n * 0.0001)
    (_, truncate) = conversation.interrupt(1.0)
    assert isinstance(truncate, events.ConversationItemTruncate)
    assert 999 <= truncate.audio_end_ms <= 1000


def test_a_clock_that_goes_back_stands() -> None:
    conversation = fed(*SPEAKING)
    conversation.received(ms(2000), 5.0)
    assert conversation.interrupt(4.0) == [CANCEL]


def test_a_format_without_time_runs_on_and_is_not_cut() -> None:
    opus = events.AudioConfig(output=events.AudioOutput(format=events.UnknownObject(raw={"type": "audio/opus"})))
    conversation = fed(events.SessionUpdated(session=events.RealtimeSession(audio=opus)), *SPEAKING)
    conversation.received(ms(2000), 0.0)
    conversation.playback.played_ms("item_1", 10)
    conversation.playback.played(10)
    assert conversation.interrupt(1.0) == [CANCEL]
    by_the_clock = fed(events.SessionUpdated(session=events.RealtimeSession(audio=opus)), *SPEAKING)
    by_the_clock.received(ms(2000), 0.0)
    assert by_the_clock.interrupt(1.0) == [CANCEL]


def test_who_tells_knows_better_than_the_clock() -> None:
    conversation = fed(*SPEAKING)
    conversation.received(ms(2000), 0.0)
    conversation.playback.played(48 * 20)
    assert conversation.interrupt(1.0) == [CANCEL, cut(20)]


# ---- what is cut ----


def test_nothing_at_0_ms() -> None:
    conversation = fed(*SPEAKING, ms(100))
    conversation.playback.played(0)
    assert conversation.interrupt() == [CANCEL]
    item = conversation.item("item_1")
    assert item is not None
    assert item.interrupted


def test_nothing_is_cut_where_nobody_tells_what_is_played() -> None:
    assert fed(*SPEAKING, ms(100)).interrupt() == [CANCEL]


@pytest.mark.parametrize("end", [AUDIO_DONE, closed(), done("item_1"), about(events.ResponseContentPartDone)])
def test_nothing_is_cut_that_was_played_to_its_end(end: Any) -> None:
    conversation = fed(*SPEAKING, ms(100), end)
    conversation.playback.played(48 * 100)
    assert cut(100) not in conversation.interrupt()


def test_what_was_played_as_far_as_it_came_is_cut_there() -> None:
    conversation = fed(*SPEAKING, ms(100))
    conversation.playback.played(48 * 500)
    assert conversation.interrupt() == [CANCEL, cut(100)]


def test_a_response_that_is_done_is_cut_and_not_cancelled() -> None:
    conversation = fed(*SPEAKING, ms(100), AUDIO_DONE, closed(), done("item_1"))
    conversation.playback.played(48 * 40)
    assert conversation.interrupt() == [cut(40)]


def test_only_the_assistant_in_the_conversation_is_cut() -> None:
    aside = fed(created("resp_1", None), opened(), ms(100))
    aside.playback.played(48 * 40)
    assert aside.interrupt() == []
    user = fed(*SPEAKING[:1], opened(events.MessageItem(id="item_1", role="user")), ms(100))
    user.playback.played(48 * 40)
    assert user.interrupt() == [CANCEL]


def test_a_call_is_cancelled_and_not_cut() -> None:
    conversation = fed(*SPEAKING[:1], opened(call()))
    assert conversation.interrupt(1.0) == [CANCEL]


def test_asked_twice_it_asks_once() -> None:
    conversation = fed(*SPEAKING, ms(100))
    conversation.playback.played(48 * 40)
    assert conversation.interrupt() == [CANCEL, cut(40)]
    assert conversation.interrupt() == []


def test_what_comes_after_an_interruption_is_not_played() -> None:
    conversation = fed(*SPEAKING, ms(100))
    conversation.playback.played(48 * 40)
    conversation.interrupt()
    for event in (ms(100), opened("b", index=1), ms(100, "b")):
        conversation.received(event)
    conversation.playback.played(48 * 500)
    assert conversation.interrupt() == []
    late = conversation.item("b")
    assert late is not None
    assert late.interrupted


@pytest.mark.parametrize("played", [5, 40])
@pytest.mark.parametrize("gone", [truncated(), events.ConversationItemDeleted(item_id="item_1")])
def test_what_the_server_cut_or_removed_is_not_cut_again(gone: Any, played: int) -> None:
    conversation = fed(*SPEAKING, ms(100), ms(100, "b"))
    conversation.playback.played(48 * played)
    conversation.received(gone)
    assert conversation.interrupt() == [CANCEL]


def test_what_the_client_cut_is_not_cut_again() -> None:
    conversation = fed(*SPEAKING, ms(100))
    conversation.playback.played(48 * 40)
    conversation.sent(cut(30))
    conversation.sent(cut(30, "lost"))
    conversation.received(ms(100))
    conversation.playback.played(48 * 100)
    assert conversation.interrupt() == [CANCEL]


def test_what_waits_to_be_played_is_bounded() -> None:
    conversation = fed(*(ms(1, f"i{n}") for n in range(MAX_WAITING + 5)))
    conversation.playback.played(48 * MAX_WAITING)
    assert len(conversation.interrupt()) == MAX_WAITING
    finished = Conversation()
    for n in range(MAX_WAITING + 5):
        finished.received(ms(1, f"i{n}"))
        finished.received(about(events.ResponseOutputAudioDone, f"i{n}"))
        finished.playback.played(48)
    assert finished.interrupt() == []
    silently = fed(*(ms(1, f"i{n}") for n in range(MAX_WAITING)))
    for n in range(MAX_WAITING):
        part = silently.item(f"i{n}")
        assert part is not None
        silently.playback.played_ms(part.id, 1)
        silently.received(about(events.ResponseOutputAudioDone, part.id))
    silently.received(ms(1, "last"))
    silently.playback.played(48)
    assert silently.interrupt() == [cut(1, "last")]


# ---- what is cancelled ----


def test_nothing_is_active() -> None:
    assert Conversation().interrupt() == []
    assert fed(*SPEAKING, done("item_1")).interrupt() == []


def test_a_cancel_that_came_too_late_breaks_nothing() -> None:
    conversation = fed(*SPEAKING)
    conversation.sent(conversation.interrupt()[0])
    error = events.RealtimeError(message="no active response found", code="response_cancel_not_active")
    for event in (done("item_1"), events.ErrorEvent(error=error), created("resp_2", "conv_1")):
        assert conversation.received(event) == []
    assert conversation.interrupt() == [events.ResponseCancel(response_id="resp_2")]


@pytest.mark.parametrize("cancel", [events.ResponseCancel(), events.ResponseCancel(response_id="resp_1")])
def test_the_client_cancelled_by_itself(cancel: Any) -> None:
    conversation = fed(*SPEAKING)
    conversation.sent(cancel)
    assert conversation.interrupt() == []


def test_a_cancel_of_a_response_that_is_not_known() -> None:
    conversation = fed(*SPEAKING)
    conversation.sent(events.ResponseCancel(response_id="lost"))
    assert conversation.interrupt() == [CANCEL]


@pytest.mark.parametrize("by", ["interrupt", "cancel"])
def test_a_cancel_before_the_response_is_created_is_remembered(by: str) -> None:
    conversation = Conversation()
    conversation.sent(events.ResponseCreate())
    conversation.sent(events.ResponseCreate(response=events.ResponseCreateParams(conversation="none")))
    if by == "interrupt":
        assert conversation.interrupt() == []
    else:
        conversation.sent(events.ResponseCancel())
    assert conversation.received(created("aside", None)) == []
    assert conversation.received(created("resp_1", "conv_1")) == [CANCEL]
    assert conversation.received(created("resp_2", "conv_1")) == []
    late = conversation.response("resp_1")
    assert late is not None
    assert late.interrupted


@pytest.mark.parametrize(
    ("event_id", "error_id", "code", "param", "remembered"),
    [
        ("e1", "e1", "conversation_already_has_active_response", None, False),
        ("e1", "e1", None, UNSET, False),
        ("e1", "e2", None, "response.tools", True),
        (None, None, "conversation_already_has_active_response", None, False),
        ("e1", None, "conversation_already_has_active_response", None, True),
        (None, None, "response_cancel_not_active", UNSET, True),
        (None, None, "bad_response_create", None, False),
        (None, UNSET, "invalid_value", "response.tools[2].name", False),
        (None, None, "invalid_value", "session.tools[2].name", True),
    ],
)
def test_a_refused_response_is_not_waited_for(
    event_id: Any, error_id: Any, code: Any, param: Any, remembered: bool
) -> None:
    conversation = Conversation()
    conversation.sent(events.ResponseCreate(event_id=event_id))
    conversation.interrupt()
    error = events.RealtimeError(message="no", code=code, param=param, event_id=error_id)
    conversation.received(events.ErrorEvent(error=error))
    assert conversation.received(created("resp_1", "conv_1")) == ([CANCEL] if remembered else [])


def test_a_remembered_cancel_asks_once() -> None:
    conversation = Conversation()
    conversation.sent(events.ResponseCreate())
    conversation.interrupt()
    conversation.sent(CANCEL)
    conversation.received(opened())
    conversation.sent(CANCEL)
    assert conversation.received(created("resp_1", "conv_1")) == []


@pytest.mark.parametrize(
    ("detection", "cancels"),
    [({"interrupt_response": True}, []), ({"interrupt_response": False}, [CANCEL]), ({}, [CANCEL])],
)
def test_a_cancel_is_left_to_the_server_where_it_cancels_by_itself(detection: Any, cancels: Any) -> None:
    conversation = fed(session(**detection), *SPEAKING, ms(100), speaks())
    conversation.playback.played(48 * 40)
    assert conversation.interrupt() == [*cancels, cut(40)]


def test_the_server_interrupted_and_what_was_played_is_still_to_be_told() -> None:
    story = [session(interrupt_response=True), *SPEAKING, ms(100), speaks(), AUDIO_DONE, closed()]
    conversation = fed(*story, done("item_1", status="cancelled"), silent())
    conversation.playback.played(48 * 40)
    assert conversation.interrupt() == [cut(40)]


def test_a_server_that_did_not_cancel_is_told_when_asked_again() -> None:
    conversation = fed(session(interrupt_response=True), *SPEAKING, speaks())
    assert conversation.interrupt() == []
    assert conversation.interrupt() == [CANCEL]


def test_a_response_that_began_after_the_user_is_cancelled() -> None:
    conversation = fed(session(interrupt_response=True), speaks(), *SPEAKING)
    assert conversation.interrupt() == [CANCEL]


def test_turn_detection_that_is_not_known() -> None:
    conversation = fed(session(), *SPEAKING)
    raw = {"type": "azure_semantic_vad", "interrupt_response": True}
    detection = events.AudioInput(turn_detection=events.UnknownObject(raw=raw))
    settings = events.RealtimeSession(audio=events.AudioConfig(input=detection))
    conversation.received(events.SessionUpdated(session=settings))
    conversation.received(speaks())
    assert conversation.interrupt() == []
    assert attrs.asdict(settings)["audio"]["input"]["turn_detection"]["raw"] == raw


def test_the_shown_message_is_not_changed() -> None:
    shown = message()
    conversation = fed(*SPEAKING[:1], opened(shown), audio())
    conversation.interrupt()
    assert shown == message()
