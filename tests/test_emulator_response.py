"""One response of the emulator: several items, the limit of its tokens, a cancel at each moment."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from emulated import WRITTEN, Emulated, create, every, only, refusal, types, update, wrote
from rtproto_emulator import Call, Context, Engines, Say, Settings

from rtproto import events


class Script:
    """Says the same pieces, whatever it is asked."""

    def __init__(self, *pieces: Say | Call | None) -> None:
        self.pieces = pieces

    def respond(self, context: Context) -> Iterator[Say | Call | None]:
        yield from self.pieces


CALL = Call(name="f", arguments='{"city": "a rather long name"}')


def scripted(*pieces: Say | Call | None, **settings: Any) -> Emulated:
    return Emulated(Settings(**{"pace": math.inf, "engines": Engines(responder=Script(*pieces)), **settings}))


# ---- several items ----


def test_a_text_and_a_call_are_open_at_the_same_time() -> None:
    """Recorded of gpt-realtime-2: the call begins while the text is open, and ends after it."""
    e = scripted(Say("One moment."), CALL)
    e.say(WRITTEN, wrote("weather?"))
    heard = e.say(events.ResponseCreate())
    assert types(heard) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_item.added",
        "conversation.item.added",
        "response.function_call_arguments.delta",
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.function_call_arguments.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "rate_limits.updated",
    ]
    assert [event.output_index for event in every(heard, events.ResponseOutputItemDone)] == [0, 1]
    message, call = only(heard, events.ResponseDone).response.output
    assert message.content == [events.OutputText(text="One moment.")]
    assert (call.name, call.arguments, call.status) == ("f", CALL.arguments, "completed")


def test_many_items_in_one_response() -> None:
    e = scripted(CALL, CALL, Say("First."), None, Say(" Second."), CALL, Say("Third."))
    e.say(WRITTEN, wrote("x"), events.ResponseCreate())
    heard = e.wait(1)
    done = only(e.seen, events.ResponseDone).response
    assert [item.type for item in done.output] == [
        "function_call",
        "function_call",
        "message",
        "function_call",
        "message",
    ]
    assert [item.content[0].text for item in done.output if item.type == "message"] == ["First. Second.", "Third."]
    added = every(e.seen, events.ResponseOutputItemAdded)
    assert [event.output_index for event in added] == [0, 1, 2, 3, 4]
    assert [event.item.id for event in added] == [item.id for item in done.output]
    assert len({item.call_id for item in done.output if item.type == "function_call"}) == 3
    assert heard


# ---- the limit of output tokens ----


def test_sound_counts_too() -> None:
    e = Emulated(Settings(pace=math.inf))
    e.say(wrote("a story of many words that takes some time to tell"))
    heard = e.say(create(max_output_tokens=20))
    done = only(heard, events.ResponseDone).response
    assert done.status_details == events.ResponseStatusDetails(type="incomplete", reason="max_output_tokens")
    assert 10 < done.usage.output_tokens <= 20
    assert done.usage.output_token_details.audio_tokens > 0
    assert done.output[0].status == "incomplete"


@pytest.mark.parametrize("limit", [1, 3, 5])
def test_a_call_is_cut(limit: int) -> None:
    e = scripted(CALL)
    e.say(wrote("x"))
    heard = e.say(create(max_output_tokens=limit))
    done = only(heard, events.ResponseDone).response
    (call,) = done.output
    assert (done.status, call.status) == ("incomplete", "incomplete")
    assert call.arguments == CALL.arguments[: 4 * (limit - 1)]
    assert only(heard, events.ResponseFunctionCallArgumentsDone).arguments == call.arguments
    assert done.usage.output_tokens <= limit


def test_a_call_that_fits_is_whole() -> None:
    e = scripted(CALL)
    e.say(wrote("x"))
    done = only(e.say(create(max_output_tokens=9)), events.ResponseDone).response
    assert (done.status, done.output[0].arguments) == ("completed", CALL.arguments)


# ---- cancel ----


def test_cancel_at_each_moment() -> None:
    """Whenever it comes: everything that was opened is closed, and the next response may begin."""
    moments = 0
    while True:
        e = Emulated(Settings(pace=1.0))
        e.say(wrote("a story"), events.ResponseCreate())
        e.wait(0.1 * moments)
        if every(e.seen, events.ResponseDone):
            break
        heard = e.say(events.ResponseCancel(event_id="c"))
        done = only(heard, events.ResponseDone).response
        assert (done.status, done.status_details.reason) == ("cancelled", "client_cancelled")
        assert e.finish() == []
        assert refusal(e.say(events.ResponseCancel(event_id="c"))).code == "response_cancel_not_active"
        assert types(e.say(events.ResponseCreate()))[0] == "response.created"
        moments += 1
    assert moments > 5
    assert refusal(e.say(events.ResponseCancel(response_id="resp_1"))).code == "response_cancel_not_active"


def test_cancel_before_there_is_anything() -> None:
    e = scripted(*[None] * 10, Say("x"))
    e.say(wrote("x"), events.ResponseCreate())
    done = only(e.say(events.ResponseCancel()), events.ResponseDone).response
    assert (done.status, done.output, done.usage.total_tokens) == ("cancelled", [], 0)


def test_what_was_finished_stays_so_in_a_cancelled_response() -> None:
    e = scripted(CALL, *[None] * 10, Say("x"))
    e.say(wrote("x"), events.ResponseCreate())
    done = only(e.say(events.ResponseCancel()), events.ResponseDone).response
    assert (done.status, done.output[0].status) == ("cancelled", "completed")


# ---- what may not change meanwhile ----


def speed(to: float) -> events.SessionUpdate:
    return update(audio=events.AudioConfig(output=events.AudioOutput(speed=to)))


def test_the_speed_changes_between_responses_only() -> None:
    e = Emulated(Settings(pace=1.0))
    assert only(e.say(speed(1.2)), events.SessionUpdated).session.audio.output.speed == 1.2
    e.say(wrote("a story"), events.ResponseCreate())
    error = refusal(e.say(speed(0.9)))
    assert (error.code, error.param) == ("invalid_value", "session.audio.output.speed")
    assert types(e.say(speed(1.2))) == ["session.updated"]
    e.finish()
    assert types(e.say(speed(0.9))) == ["session.updated"]


def test_the_voice_stays_from_the_first_sound_on() -> None:
    e = Emulated(Settings(pace=1.0))
    e.say(wrote("a story"), events.ResponseCreate())
    e.wait(0.5)
    other = update(audio=events.AudioConfig(output=events.AudioOutput(voice="ash")))
    assert refusal(e.say(other)).code == "cannot_update_voice"
