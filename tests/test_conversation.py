"""The conversation: items and their order, what is streamed into them, responses, settings, costs, and its bounds."""

from typing import Any

import attrs
import pytest
from rule_words import (
    about,
    added,
    arguments,
    arguments_done,
    audio,
    call,
    closed,
    committed,
    created,
    done,
    item_done,
    message,
    opened,
    part,
    part_done,
    speaks,
    text,
    text_done,
    timeout,
    transcribed,
    transcribes,
    truncated,
)

from rtproto import UNSET, events
from rtproto._conversation._part import MAX_PARTS
from rtproto._conversation._state import MAX_ASKED, MAX_FINISHED, MAX_OPEN
from rtproto.conversation import Conversation, TrackedItem, Usage


def fed(*received: Any, **how: Any) -> Conversation:
    conversation = Conversation(**how)
    for event in received:
        assert conversation.received(event) == []
    return conversation


def ids(conversation: Conversation) -> list[str]:
    return [item.id for item in conversation.items]


def the(conversation: Conversation, item: str = "item_1") -> TrackedItem:
    found = conversation.item(item)
    assert found is not None
    return found


def said(item: Any, role: str = "user", **more: Any) -> events.MessageItem:
    return events.MessageItem(id=item, role=role, **more)


def put(item: Any, after: Any = UNSET) -> events.ConversationItemAdded:
    return events.ConversationItemAdded(item=said(item) if isinstance(item, str) else item, previous_item_id=after)


def spoken(delta: str, **more: Any) -> Any:
    return about(events.ResponseOutputAudioTranscriptDelta, delta=delta, **more)


def spoken_done(whole: str, **more: Any) -> Any:
    return about(events.ResponseOutputAudioTranscriptDone, transcript=whole, **more)


def with_part(cls: Any, shown: Any) -> Any:
    return attrs.evolve(about(cls), part=shown)


def deleted(item: str) -> Any:
    return events.ConversationItemDeleted(item_id=item)


def failed(item: str = "item_u") -> Any:
    return events.ConversationItemInputAudioTranscriptionFailed(
        item_id=item, error=events.ErrorDetails(message="no ears")
    )


def refused(event_id: Any = None, code: Any = "conversation_already_has_active_response") -> events.ErrorEvent:
    return events.ErrorEvent(error=events.RealtimeError(message="no", code=code, event_id=event_id))


# ---- order ----


@pytest.mark.parametrize(
    ("story", "order"),
    [
        ([put("a", None), put("b", "a"), put("c", "b")], "abc"),
        ([put("a", None), put("b", "a"), put("c", "a")], "acb"),
        ([put("a"), put("b"), put("c", "lost")], "abc"),
        ([put("a", "of a former time"), put("b", ""), put("c", "0")], "abc"),
        ([put("a", None), put("b", "a"), put("c", None)], "cab"),
        ([put("a", None), put("b", "a"), put("c", "root"), put(call("d"), "root")], "dcab"),
        # xAI sends null for calls, whose place is the end; then its nulls say nothing
        ([put("a", None), put(call("b"), None), put("c", None)], "abc"),
        ([put("a", None), committed("u", None), put("u", None)], "au"),
        ([committed("u", None), put("u", None), put("a", None)], "au"),
        ([put("a", None), put("a", None), put("b", None)], "ba"),
        # xAI puts speech into the conversation before it is committed
        ([speaks("u"), put("a", None), put("u", None), transcribes("u"), committed("u", None), put("b", None)], "aub"),
        ([put("a"), put("b"), put("a", "b")], "ab"),
        ([put("a"), put("b"), deleted("a"), deleted("lost")], "b"),
        ([put("a"), put("b", "a"), deleted("a"), put("c", "a")], "bc"),
        ([put("a"), put("b"), put("a"), deleted("a"), put("a", "b")], "ba"),
        ([put("a"), put("b"), put("c", "c")], "abc"),
        ([events.ConversationItemCreated(item=said("a"), previous_item_id=None), put("b", "a")], "ab"),
        # `done` names no predecessor although there is one; `added` did
        (
            [put("a"), put("b", "a"), put("c", "a"), events.ConversationItemDone(item=said("c"), previous_item_id="b")],
            "acb",
        ),
        ([events.ConversationItemDone(item=said("a")), events.ConversationItemDone(item=said("b"))], "ab"),
        ([put("a"), put("b"), events.ConversationItemDone(item=said("c"), previous_item_id="a")], "acb"),
        ([put(said(UNSET)), put(said(None)), put(said("")), put(events.UnknownObject(raw={"id": 7}))], ""),
        ([put(events.UnknownObject(raw={"id": "a", "type": "new"}))], "a"),
        ([events.ConversationItemDone(item=said("")), events.ConversationItemRetrieved(item=said(""))], ""),
        ([speaks("u"), put("a"), committed("u"), put("u", "a")], "au"),
    ],
)
def test_items_stand_where_added_puts_them(story: list[Any], order: str) -> None:
    assert ids(fed(*story)) == list(order)


@pytest.mark.parametrize(
    ("item", "echo"), [(said("x"), "x"), (said(UNSET), "x"), (events.UnknownObject(raw={"id": "x"}), "x")]
)
def test_null_is_the_beginning_where_this_client_asked_for_it(item: Any, echo: str) -> None:
    conversation = fed(put("a", None), put(call("b"), None))
    conversation.sent(events.ConversationItemCreate(item=item, previous_item_id="root"))
    conversation.sent(events.ConversationItemCreate(item=said("last")))
    kind: Any = said(echo) if isinstance(item, events.MessageItem) else events.UnknownObject(raw={"id": echo})
    conversation.received(put(said("other", role="system"), None))
    conversation.received(put(kind, None))
    conversation.received(put("last", None))
    assert ids(conversation) == ["x", "a", "b", "other", "last"]


def test_what_this_client_appended_is_at_the_end_whatever_null_says() -> None:
    conversation = fed(put("a", None))
    conversation.sent(events.ConversationItemCreate(item=said("b")))
    conversation.received(put("b", None))
    assert ids(conversation) == ["a", "b"]


def test_a_refused_item_is_not_waited_for() -> None:
    conversation = fed(put("a", None))
    conversation.sent(events.ConversationItemCreate(event_id="e1", item=said(UNSET), previous_item_id="root"))
    conversation.sent(events.ConversationItemCreate(item=said("b")))
    conversation.received(refused("e1", code="invalid_value"))
    conversation.received(put("b", None))
    assert ids(conversation) == ["a", "b"]


# ---- what is streamed ----


def test_text() -> None:
    conversation = fed(created(), opened(), added(), part(), text("a"), text("b"))
    item = the(conversation)
    assert (item.text, item.status, item.response_id, item.type) == ("ab", "", "resp_1", "message")
    assert item.content == [events.OutputText(text="ab")]
    fed_more = [text_done("ab"), part_done(), closed(attrs.evolve(message(), status="completed"))]
    for event in fed_more:
        conversation.received(event)
    assert item.item == events.MessageItem(
        id="item_1", role="assistant", status="completed", content=[events.OutputText(text="ab")]
    )


def test_speech() -> None:
    conversation = fed(created(), opened(), spoken("Hel"), audio(bytes(4800)), spoken("lo"), audio(bytes(49)))
    item = the(conversation)
    assert (item.transcript, item.text, item.audio_ms, item.audio) == ("Hello", "", 101, b"")
    conversation.received(spoken_done("Hello!"))
    assert item.content == [events.OutputAudio(transcript="Hello!")]


def test_a_call() -> None:
    conversation = fed(created(), opened(call()), arguments("{"), arguments("}"))
    item = the(conversation)
    assert (item.type, item.role, item.name, item.call_id, item.arguments) == (
        "function_call",
        "",
        "f",
        "call_1",
        "{}",
    )
    conversation.received(arguments_done('{"a": 1}'))
    assert item.item == events.FunctionCallItem(id="item_1", name="f", call_id="call_1", arguments='{"a": 1}')
    conversation.received(closed(attrs.evolve(call(), arguments="", status="completed")))
    assert (item.arguments, item.status) == ('{"a": 1}', "completed")


def test_a_call_of_an_mcp_server() -> None:
    conversation = fed(
        events.ResponseMcpCallArgumentsDelta(response_id="r", item_id="m", output_index=0, delta="{"),
        events.ResponseMcpCallArgumentsDone(response_id="r", item_id="m", output_index=0, arguments="{}"),
    )
    assert (the(conversation, "m").item, the(conversation, "m").arguments) == (None, "{}")
    whole = events.McpCallItem(id="m", server_label="s", name="f", arguments="{}", output="done")
    conversation.received(put(whole))
    assert the(conversation, "m").item == whole


def test_what_the_server_leaves_out_was_not_taken_back() -> None:
    conversation = fed(opened(), spoken("Hi"), closed(said("item_1", "assistant", content=None)))
    assert the(conversation).transcript == "Hi"
    conversation.received(item_done())
    conversation.received(part_done())
    conversation.received(with_part(events.ResponseContentPartDone, None))
    conversation.received(with_part(events.ResponseContentPartDone, events.AudioPart(transcript="")))
    conversation.received(closed(said("item_1", "assistant", content=[events.OutputAudio(transcript=None)])))
    conversation.received(
        closed(said("item_1", "assistant", content=[events.UnknownObject(raw={"type": "audio", "transcript": ""})]))
    )
    assert the(conversation).transcript == "Hi"
    assert the(conversation).content == [events.OutputAudio(transcript="Hi")]


def test_parts_and_items_as_the_server_says_them() -> None:
    conversation = fed(
        with_part(events.ResponseContentPartAdded, events.TextPart(text="")),
        text("old"),
        with_part(events.ResponseContentPartDone, events.TextPart(text="new")),
    )
    assert the(conversation).text == "new"
    picture = events.InputImage(image_url="data:image/png;base64,AA==")
    odd = events.UnknownObject(raw={"type": "hologram", "text": "boo", "audio": "AAAA"})
    user = said("u", content=[events.InputText(text="look"), picture, odd, events.InputAudio(transcript="listen")])
    conversation.received(put(user))
    item = the(conversation, "u")
    assert (item.text, item.transcript) == ("lookboo", "listen")
    assert item.content == [
        events.InputText(text="look"),
        picture,
        events.UnknownObject(raw={"type": "hologram", "text": "boo"}),
        events.InputAudio(transcript="listen"),
    ]


def test_an_item_that_comes_back_in_writing_is_not_said_twice() -> None:
    conversation = fed(opened(), spoken("Hi"), put(said("item_1", "assistant", content=[events.OutputText(text="Hi")])))
    assert (the(conversation).text, the(conversation).transcript) == ("Hi", "")
    conversation.received(put(said("item_1", "assistant", content=[events.OutputAudio(transcript="Hi!")])))
    assert (the(conversation).text, the(conversation).transcript) == ("", "Hi!")


def test_items_at_once_and_parts_in_any_order() -> None:
    conversation = fed(
        opened(),
        opened(call("item_2"), index=1),
        text("b", part=1),
        text("x", item="item_3"),
        text("a", part=0),
        text("c", part=1),
        closed(call("item_2"), index=1),
        closed(),
    )
    assert the(conversation).text == "abc"
    assert the(conversation, "item_3").text == "x"
    assert [part.text.length for part in the(conversation).parts.values()] == [2, 1]


def test_a_character_split_between_deltas_is_whole_again() -> None:
    conversation = fed(text("I \ud83d"), text("\ude00!"))
    assert the(conversation).text == "I \N{GRINNING FACE}!"
    assert the(fed(text("a\ud83d"), text("b"))).text == "a\ud83db"


def test_very_many_deltas() -> None:
    conversation = fed(*[text("a")] * 3000)
    assert the(conversation).text == "a" * 3000


@pytest.mark.parametrize("cls", [events.ResponseOutputTextDelta, events.ResponseOutputAudioDelta])
def test_a_dialects_own_class_is_what_its_ga_class_is(cls: Any) -> None:
    own = attrs.make_class("Own", {"extra_words": attrs.field(default="")}, bases=(cls,), kw_only=True)
    conversation = fed(about(own, delta=bytes(96) if "Audio" in cls.__name__ else "ab"))
    assert (the(conversation).text, the(conversation).audio_ms) in (("ab", 0), ("", 2))


@pytest.mark.parametrize(
    "event",
    [
        events.Unknown(raw={"type": "new"}),
        events.Opened(),
        events.Violation(reason="bad", raw="{"),
        events.RateLimitsUpdated(rate_limits=[]),
        events.ConversationCreated(conversation=events.Conversation()),
        events.ConversationItemTruncated(item_id="lost", content_index=0, audio_end_ms=1),
        events.InputAudioBufferCommitted(item_id=""),
        text("x", item=""),
        about(events.ResponseOutputAudioDelta, item="", delta=b"xx"),
        transcribed(""),
        failed(""),
        events.ResponseMcpCallArgumentsDelta(response_id="r", item_id="", output_index=0, delta="{"),
        events.ResponseMcpCallArgumentsDone(response_id="r", item_id="", output_index=0, arguments="{}"),
        None,
        7,
    ],
)
def test_what_says_nothing_changes_nothing(event: Any) -> None:
    conversation = fed(event)
    conversation.sent(event)
    assert (conversation.items, conversation.responses, conversation.session) == ([], [], None)
    assert conversation.usage == Usage()


# ---- speech of the user ----


def test_a_transcript_belongs_to_its_item_and_not_to_its_time() -> None:
    conversation = fed(speaks("u"), transcribes("u"), transcribes("u"))
    item = the(conversation, "u")
    assert (item.transcript, item.role, item.in_conversation, conversation.items) == ("hihi", "user", False, [])
    spoken_item = said("u", content=[events.InputAudio(transcript=None)])
    for event in (committed("u"), put(spoken_item), put("v", "u"), item_done("v"), transcribes("v")):
        conversation.received(event)
    assert item.transcript == "hihi"
    conversation.received(events.ConversationItemInputAudioTranscriptionCompleted(item_id="u", transcript="Hi, hi."))
    assert [item.transcript for item in conversation.items] == ["Hi, hi.", "hi"]
    assert item.content == [events.InputAudio(transcript="Hi, hi.")]


def test_a_transcript_for_an_item_that_never_came() -> None:
    assert the(fed(transcribes("u")), "u").role == "user"
    assert the(fed(timeout("u")), "u").item == said("u")


def test_a_transcript_that_completes_again_and_again_costs_once() -> None:
    usage = events.UsageTokens(total_tokens=5, input_tokens=3, output_tokens=2)
    again = events.ConversationItemInputAudioTranscriptionCompleted(item_id="u", transcript="a", usage=usage)
    conversation = fed(
        again, attrs.evolve(again, transcript="ab"), attrs.evolve(again, transcript="ab", content_index=1)
    )
    assert the(conversation, "u").transcript == "abab"
    assert conversation.usage == Usage(
        transcription_tokens=10, transcription_input_tokens=6, transcription_output_tokens=4
    )


def test_a_failed_transcription() -> None:
    conversation = fed(speaks("item_u"), transcribes(), failed())
    item = the(conversation, "item_u")
    assert (item.transcript, item.transcription_error) == ("", events.ErrorDetails(message="no ears"))


def test_segments() -> None:
    first, second = (
        events.ConversationItemInputAudioTranscriptionSegment(
            item_id="u", id=f"seg_{text}", speaker="A", start=0.0, end=1.0, text=text
        )
        for text in ("one", "two")
    )
    assert the(fed(first, second), "u").segments == [first, second]
    flood = fed(*[first] * 100, put(said("u", content=[events.InputAudio()])), *[first] * 100, max_size=20_000)
    assert flood.item("u") is None or len(the(flood, "u").segments) < 100


def test_what_is_shown_of_it_is_short() -> None:
    conversation = fed(opened(), text("a"), text("b"), audio(bytes(500)), keep_audio=True)
    assert "'ab'" in repr(the(conversation))
    assert "x00" not in repr(conversation.responses + conversation.items) + repr(the(conversation))


@attrs.define(kw_only=True)
class SoFar(events.ServerEvent):
    type = "conversation.item.input_audio_transcription.updated"
    item_id: str
    transcript: Any = None


@attrs.define(kw_only=True)
class Stash(events.ConversationItemInputAudioTranscriptionDelta):
    text: Any = None
    stash: Any = None


def test_transcripts_that_come_whole_each_time() -> None:
    story = [SoFar(item_id="u", transcript="a"), SoFar(item_id="u", transcript="ab"), SoFar(item_id="u")]
    assert the(fed(*story), "u").transcript == "ab"
    stashed = [Stash(item_id="u", text="a", stash="b"), Stash(item_id="u", text="ab"), Stash(item_id="u")]
    assert the(fed(*stashed), "u").transcript == "ab"


# ---- deleted, retrieved, truncated ----


def test_retrieved() -> None:
    sound = events.InputAudio(audio=b"\1\2", transcript="hi")
    conversation = fed(put("u"), events.ConversationItemRetrieved(item=said("u", content=[sound])))
    assert (the(conversation, "u").transcript, the(conversation, "u").audio) == ("hi", b"")
    keeping = fed(put("u"), events.ConversationItemRetrieved(item=said("u", content=[sound])), keep_audio=True)
    assert the(keeping, "u").audio == b"\1\2"
    assert the(keeping, "u").content == [sound]


def test_truncated() -> None:
    conversation = fed(opened(), added(), spoken("one two three four"), audio(bytes(range(96)) * 100), keep_audio=True)
    item = the(conversation)
    assert (item.audio_ms, len(item.audio)) == (200, 9600)
    for event in (truncated(), spoken("late"), audio(bytes(96)), spoken_done("one two"), item_done()):
        conversation.received(event)
    conversation.received(closed(said("item_1", "assistant", content=[events.OutputAudio(transcript="one two")])))
    assert (item.transcript, item.audio_ms, len(item.audio)) == ("", 10, 480)


@pytest.mark.parametrize("end", [-5, 0])
def test_truncated_at_nothing(end: int) -> None:
    conversation = fed(
        opened(),
        spoken("one"),
        audio(bytes(96)),
        events.ConversationItemTruncated(item_id="item_1", content_index=0, audio_end_ms=end),
    )
    assert (the(conversation).audio_ms, the(conversation).transcript) == (0, "")


def test_audio_is_kept_where_it_is_asked_for() -> None:
    conversation = fed(opened(), audio(b"\1\2"), audio(b"\3"), audio(b""), keep_audio=True)
    assert the(conversation).audio == b"\1\2\3"
    assert the(conversation).content == [events.OutputAudio(audio=b"\1\2\3")]


@pytest.mark.parametrize(
    ("form", "ms"),
    [
        (UNSET, 100),
        (None, 100),
        (events.AudioPcm(), 100),
        (events.AudioPcm(rate=0), 100),
        (events.AudioPcm(rate=8000), 300),
        (events.AudioPcmu(), 600),
        (events.AudioPcma(), 600),
        (events.UnknownObject(raw={"type": "audio/opus"}), 0),
    ],
)
@pytest.mark.parametrize("of_response", [True, False])
def test_milliseconds_by_the_effective_format(form: Any, ms: int, of_response: bool) -> None:
    config = events.AudioConfig(output=events.AudioOutput(format=form))
    settings = events.SessionUpdated(session=events.RealtimeSession(audio=config))
    response = events.ResponseCreated(response=events.RealtimeResponse(id="resp_1", audio=config))
    conversation = fed(response if of_response else settings, opened(), audio(bytes(4800)))
    assert the(conversation).audio_ms == ms
    conversation.received(truncated())
    assert the(conversation).audio_ms == min(ms, 10)


# ---- responses ----


def test_a_response_and_its_items() -> None:
    conversation = fed(created("resp_1", "conv_1"))
    response = conversation.response("resp_1")
    assert response is not None
    assert conversation.active_response is response
    assert (response.status, response.metadata, response.usage, response.items) == ("in_progress", {}, None, [])
    conversation.received(opened("b", index=1))
    conversation.received(opened("a", index=0))
    assert [item.id for item in response.items] == ["a", "b"]
    details = events.ResponseStatusDetails(reason="turn_detected")
    ended = events.RealtimeResponse(
        id="resp_1", status="cancelled", output=[message("a")], status_details=details, metadata={"topic": "x"}
    )
    conversation.received(events.ResponseDone(response=ended))
    assert (response.status, response.is_open, response.metadata) == ("cancelled", False, {"topic": "x"})
    assert response.status_details == details
    assert [item.id for item in response.items] == ["a", "b"]
    assert conversation.active_response is None
    assert conversation.responses == [response]


def test_response_done_alone_tells_all() -> None:
    conversation = fed(done("a", ""))
    (response,) = conversation.responses
    assert ([item.id for item in response.items], response.is_open) == (["a"], False)
    assert conversation.items == []


def test_a_sideband_that_missed_the_beginning() -> None:
    conversation = fed(opened(), opened(message("")), closed(message("")))
    active = conversation.active_response
    assert active is not None
    assert (active.id, [item.id for item in active.items]) == ("resp_1", ["item_1"])


def test_out_of_band() -> None:
    conversation = fed(created("resp_1", "conv_1"), created("resp_2", None), opened("x", "resp_2"), put("x"))
    other = conversation.response("resp_2")
    assert other is not None
    assert (other.in_conversation, [item.id for item in other.items]) == (False, ["x"])
    assert conversation.items == []
    assert conversation.active_response is conversation.response("resp_1")


def test_a_response_without_ids_comes_again_and_again() -> None:
    conversation = fed(created(UNSET, UNSET), done(response=UNSET), created(UNSET, "conv_1"))
    assert [response.is_open for response in conversation.responses] == [True]
    assert conversation.interrupt() == [events.ResponseCancel()]


def test_an_item_of_two_responses_stays_with_the_first() -> None:
    conversation = fed(created("resp_1"), opened("a"), created("resp_2"), opened("a", "resp_2"))
    assert [[item.id for item in response.items] for response in conversation.responses] == [["a"], []]


def test_an_item_of_a_response_without_id_is_not_taken_by_another() -> None:
    conversation = fed(created(UNSET, "conv_1"), opened("a", ""), text("hi", item="a", response="resp_2"))
    assert [item.id for item in conversation.responses[0].items] == ["a"]
    conversation.received(deleted("a"))
    assert conversation.responses[0].items == []
    assert conversation.interrupt() == [events.ResponseCancel()]


def test_created_twice() -> None:
    conversation = fed(created("resp_1", "conv_1"), opened(), created("resp_1", "conv_1"))
    assert [item.id for response in conversation.responses for item in response.items] == ["item_1"]


ASIDE = events.ResponseCreateParams(conversation="none")


@pytest.mark.parametrize(
    ("asked", "response", "in_conversation"),
    [
        ([], created("r", "conv_1"), True),
        ([], created("r", UNSET), True),
        ([], created("r", None), False),
        ([UNSET], created("r", "conv_1"), True),
        # the server never names a conversation
        ([UNSET], created("r", None), True),
        ([UNSET, ASIDE], created("r", None), False),
        ([ASIDE], created("r", None), False),
        ([ASIDE], created("r", "conv_1"), True),
        # some servers name the conversation of what is out-of-band
        (
            [UNSET, attrs.evolve(ASIDE, metadata={"a": "b"})],
            events.ResponseCreated(
                response=events.RealtimeResponse(id="r", conversation_id="conv_1", metadata={"a": "b"})
            ),
            False,
        ),
    ],
)
def test_which_conversation(asked: list[Any], response: Any, in_conversation: bool) -> None:
    conversation = Conversation()
    for params in asked:
        conversation.sent(events.ResponseCreate(response=params))
    conversation.received(response)
    found = conversation.response("r")
    assert found is not None
    assert found.in_conversation is in_conversation


# ---- session and connection ----


def test_the_session_is_read_back() -> None:
    first, second = events.RealtimeSession(id="s"), events.RealtimeSession(id="s", instructions="brief")
    conversation = fed(events.SessionCreated(session=first))
    assert conversation.session == first
    conversation.sent(events.SessionUpdate(session=events.RealtimeSession(instructions="long")))
    assert conversation.session == first
    conversation.received(events.SessionUpdated(session=second))
    assert conversation.session == second


@pytest.mark.parametrize(
    "end", [events.Closed(clean=True, code=1000), events.SessionCreated(session=events.RealtimeSession())]
)
def test_what_was_open_ends_with_the_connection(end: Any) -> None:
    conversation = fed(created("resp_1", "conv_1"), opened(), added(), text("a"), end)
    assert conversation.active_response is None
    assert ids(conversation) == ["item_1"]
    conversation.received(put("b", None))
    assert ids(conversation) == ["item_1", "b"]


def test_what_was_asked_for_ends_with_the_connection() -> None:
    conversation = fed(put("a"))
    conversation.sent(events.ResponseCreate())
    conversation.sent(events.ConversationItemCreate(item=said(UNSET), previous_item_id="root"))
    assert conversation.interrupt() == []
    for event in (events.Closed(clean=True, code=1000), created("r", "conv_1"), put("b", None)):
        assert conversation.received(event) == []
    assert ids(conversation) == ["a", "b"]


# ---- usage ----


def test_usage_by_kind() -> None:
    usage = events.ResponseUsage(
        total_tokens=30,
        input_tokens=20,
        output_tokens=10,
        input_token_details=events.InputTokenDetails(
            text_tokens=12,
            audio_tokens=7,
            image_tokens=1,
            cached_tokens=5,
            cached_tokens_details=events.CachedTokensDetails(text_tokens=3, audio_tokens=2, image_tokens=0),
        ),
        output_token_details=events.OutputTokenDetails(text_tokens=4, audio_tokens=6, reasoning_tokens=1),
    )
    first = events.ResponseDone(response=events.RealtimeResponse(id="r1", usage=usage))
    second = events.ResponseDone(response=events.RealtimeResponse(id="r2", usage=usage))
    seconds = events.ConversationItemInputAudioTranscriptionCompleted(
        item_id="u", transcript="hi", usage=events.UsageDuration(seconds=1.5)
    )
    conversation = fed(first, first, second, seconds, attrs.evolve(seconds, item_id="v"))
    assert conversation.usage == Usage(
        responses=2,
        total_tokens=60,
        input_tokens=40,
        input_text_tokens=24,
        input_audio_tokens=14,
        input_image_tokens=2,
        cached_tokens=10,
        cached_text_tokens=6,
        cached_audio_tokens=4,
        output_tokens=20,
        output_text_tokens=8,
        output_audio_tokens=12,
        reasoning_tokens=2,
        transcription_seconds=3.0,
    )
    response = conversation.response("r1")
    assert response is not None
    assert response.usage == usage


@pytest.mark.parametrize(
    "usage",
    [UNSET, None, events.ResponseUsage(), events.ResponseUsage(total_tokens=-1, input_token_details=None)],
)
def test_usage_that_tells_nothing(usage: Any) -> None:
    conversation = fed(events.ResponseDone(response=events.RealtimeResponse(id="r", usage=usage)))
    assert conversation.usage == Usage()


# ---- bounds ----


@pytest.mark.parametrize("how", [{"max_items": 0}, {"max_size": 0}])
def test_bounds_are_positive(how: Any) -> None:
    with pytest.raises(ValueError, match="more than 0"):
        Conversation(**how)


def test_the_oldest_items_are_dropped() -> None:
    conversation = fed(*(put(f"i{n}", f"i{n - 1}") for n in range(10)), max_items=3)
    assert ids(conversation) == ["i7", "i8", "i9"]
    assert conversation.item("i6") is None


def test_items_of_an_open_response_are_dropped_last() -> None:
    conversation = fed(opened(), added(), text("a"), *(put(f"i{n}") for n in range(5)), text("b"), max_items=2)
    assert ids(conversation) == ["item_1", "i4"]
    assert the(conversation).text == "ab"
    growing = fed(*(opened(f"i{n}", index=n) for n in range(5)), max_items=2)
    assert [item.id for response in growing.responses for item in response.items] == ["i3", "i4"]


def test_large_items_are_dropped_too() -> None:
    conversation = fed(
        *(put(said(f"i{n}", content=[events.InputText(text="x" * 40_000)])) for n in range(10)), max_size=100_000
    )
    assert ids(conversation) == ["i8", "i9"]
    conversation = fed(text("x" * 200_000), max_size=100_000)
    assert conversation.item("item_1") is None
    conversation.received(put(said("small")))
    assert ids(conversation) == ["small"]
    kept = fed(audio(bytes(200_000)), max_size=100_000, keep_audio=True)
    assert kept.item("item_1") is None


def test_large_responses_are_dropped_too() -> None:
    response = events.RealtimeResponse(id="r", metadata={"a": ["x" * 200_000]})
    conversation = fed(
        put("a"), events.ResponseDone(response=attrs.evolve(response, output=[message()])), max_size=100_000
    )
    assert (conversation.items, conversation.responses) == ([], [])


def test_responses_are_bounded() -> None:
    conversation = fed(*(created(f"r{n}", "conv_1") for n in range(MAX_OPEN + 5)))
    assert [response.id for response in conversation.responses][:2] == ["r5", "r6"]
    for n in range(5, MAX_OPEN + 5):
        conversation.received(done(response=f"r{n}"))
    assert len(conversation.responses) == MAX_FINISHED


def test_the_response_that_ended_last_is_held() -> None:
    conversation = fed(created("slow"), *(done(response=f"r{n}") for n in range(MAX_FINISHED)), done(response="slow"))
    assert conversation.responses[-1].id == "slow"
    assert conversation.response("r0") is None


def test_parts_are_bounded() -> None:
    conversation = fed(*(text("a", part=n) for n in range(MAX_PARTS + 5)))
    assert len(the(conversation).parts) == MAX_PARTS
    many = said("u", content=[events.InputText(text="a")] * (MAX_PARTS + 5))
    assert len(the(fed(put(many)), "u").parts) == MAX_PARTS


def test_what_is_asked_for_is_bounded() -> None:
    conversation = Conversation()
    for n in range(MAX_ASKED + 5):
        conversation.sent(events.ResponseCreate(event_id=f"e{n}"))
    for n in range(5, MAX_ASKED + 5):
        conversation.received(refused(f"e{n}"))
    assert conversation.interrupt() == []
    assert conversation.received(created("r", "conv_1")) == []
