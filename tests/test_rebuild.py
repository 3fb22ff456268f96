"""What a new connection is told so that the conversation goes on."""

from typing import Any

import attrs
import pytest
from rule_words import about, added, audio, call, closed, created, opened, text, transcribed, truncated

from rtproto import UNSET, events
from rtproto._conversation._part import heard
from rtproto.conversation import Conversation
from rtproto.events import beta, qwen, voice_live, xai


def fed(*received: Any, **how: Any) -> Conversation:
    conversation = Conversation(**how)
    for event in received:
        assert conversation.received(event) == []
    return conversation


def put(item: Any) -> events.ConversationItemAdded:
    return events.ConversationItemAdded(item=item)


def said(role: str, *content: Any, item: str = "x", **more: Any) -> events.MessageItem:
    return events.MessageItem(id=item, role=role, content=list(content), **more)


def items(conversation: Conversation) -> list[Any]:
    told = conversation.rebuild()
    assert all(isinstance(event, events.ConversationItemCreate) for event in told)
    return [event.item for event in told if isinstance(event, events.ConversationItemCreate)]


WRITTEN = events.InputText(text="hi")


@pytest.mark.parametrize(
    ("item", "again"),
    [
        (said("user", WRITTEN, status="completed", object="realtime.item"), said("user", WRITTEN)),
        (said("system", WRITTEN), said("system", WRITTEN)),
        (
            said("assistant", events.OutputText(text="yes"), phase="final"),
            said("assistant", events.OutputText(text="yes")),
        ),
        (said("assistant", events.OutputAudio(transcript="yes")), said("assistant", events.OutputText(text="yes"))),
        (said("user", events.InputAudio(transcript="hi")), said("user", WRITTEN)),
        (said("user", events.InputAudio(transcript=None)), None),
        (said("user", events.InputAudio(audio=b"\1\2", transcript="hi")), said("user", WRITTEN)),
        (said("user", events.InputText(text="")), None),
        (said("user"), None),
        (said("narrator", WRITTEN), None),
        (said("assistant", events.OutputAudio()), None),
        (
            said("user", events.InputImage(image_url="data:x", detail="low"), events.UnknownObject(raw={}), WRITTEN),
            said("user", events.InputImage(image_url="data:x", detail="low"), WRITTEN),
        ),
        (
            said("user", events.InputImage(image_url="data:x", detail=None)),
            said("user", events.InputImage(image_url="data:x")),
        ),
        (said("user", events.InputImage(image_url=None)), None),
        (events.FunctionCallItem(id="x", name="f", call_id="c", arguments="{}", status="completed"), call("x", "c")),
        (events.FunctionCallItem(id="x", name="f", call_id="c", arguments="{", status="incomplete"), None),
        (events.FunctionCallItem(id="x", name="f", call_id="c", arguments="{", status="in_progress"), None),
        (events.FunctionCallItem(id="x", name="f", call_id=None, arguments="{}"), None),
        (events.FunctionCallOutputItem(id="x", call_id="lost", output="42"), None),
        (events.McpListToolsItem(id="x", server_label="s", tools=[]), None),
        (events.McpCallItem(id="x", server_label="s", name="f", arguments="{}"), None),
        (events.McpApprovalRequestItem(id="x", server_label="s", name="f", arguments="{}"), None),
        (events.McpApprovalResponseItem(id="x", approval_request_id="a", approve=True), None),
        (events.ItemReference(id="x"), None),
        (events.UnknownObject(raw={"id": "x", "type": "new"}), None),
        (events.UnknownObject(raw={"id": "x", "type": "function_call_output", "call_id": "lost"}), None),
    ],
)
def test_items(item: Any, again: Any) -> None:
    expected = (
        [events.FunctionCallItem(id="x", name="f", call_id="c", arguments="{}")] if again == call("x", "c") else [again]
    )
    assert items(fed(put(item))) == ([] if again is None else expected)


def test_a_call_its_output_and_the_order() -> None:
    output = events.FunctionCallOutputItem(id="o", call_id="call_1", output="42", status="completed")
    conversation = fed(put(said("user", WRITTEN, item="u")), put(call("c")), put(output), transcribed("not there"))
    assert items(conversation) == [
        said("user", WRITTEN, item="u"),
        call("c"),
        events.FunctionCallOutputItem(id="o", call_id="call_1", output="42"),
    ]


def test_audio_that_is_kept_is_sent_as_audio() -> None:
    sound = events.InputAudio(audio=b"\1\2", transcript="hi")
    conversation = fed(
        put(said("user", sound)),
        opened(),
        added(),
        audio(),
        about(events.ResponseOutputAudioTranscriptDone, transcript="yes"),
        keep_audio=True,
    )
    assert items(conversation) == [
        said("user", events.InputAudio(audio=b"\1\2")),
        said("assistant", events.OutputText(text="yes"), item="item_1"),
    ]


def test_what_is_in_progress_is_sent_as_far_as_it_came() -> None:
    conversation = fed(created("r", "conv_1"), opened(), put(said("assistant", item="item_1")), text("half a"))
    conversation.received(events.Closed(clean=False, code=1006))
    assert items(conversation) == [said("assistant", events.OutputText(text="half a"), item="item_1")]


SPOKEN = [
    opened(),
    added(),
    about(events.ResponseOutputAudioTranscriptDone, transcript="one two three four"),
    about(events.ResponseOutputAudioDelta, delta=bytes(48 * 20)),
]


def test_speech_that_was_cut_is_what_was_heard_of_it() -> None:
    conversation = fed(*SPOKEN)
    conversation.playback.played(48 * 10)
    conversation.interrupt()
    assert items(conversation) == [said("assistant", events.OutputText(text="one two"), item="item_1")]
    conversation.received(truncated())
    conversation.received(closed())
    assert items(conversation) == [said("assistant", events.OutputText(text="one two"), item="item_1")]
    conversation.received(events.ConversationItemTruncated(item_id="item_1", content_index=0, audio_end_ms=5))
    assert items(conversation) == [said("assistant", events.OutputText(text="one"), item="item_1")]


def test_speech_of_which_nothing_was_heard_is_left_out() -> None:
    conversation = fed(*SPOKEN)
    conversation.playback.played(0)
    conversation.interrupt()
    assert items(conversation) == []
    # a sideband hears no audio, so that nobody knows how long the words took
    silent = fed(*SPOKEN[:3], truncated())
    assert items(silent) == []


def test_speech_is_whole_where_nobody_tells_what_was_played() -> None:
    conversation = fed(*SPOKEN)
    conversation.interrupt()
    assert items(conversation) == [said("assistant", events.OutputText(text="one two three four"), item="item_1")]


@pytest.mark.parametrize(
    ("words", "ms", "of_ms", "expected"),
    [
        ("one two three", 0, 100, ""),
        ("one two three", 1, 100, ""),
        ("one two three", 25, 100, "one"),
        ("one two three", 50, 100, "one"),
        ("one two three", 60, 100, "one two"),
        ("one two three", 100, 100, "one two three"),
        ("one two three", 900, 100, "one two three"),
        ("one two three", 0, 0, ""),
        ("你好世界", 50, 100, "你好"),
        ("", 50, 100, ""),
    ],
)
def test_heard(words: str, ms: int, of_ms: int, expected: str) -> None:
    assert heard(words, ms, of_ms) == expected


def test_settings_without_what_the_server_alone_decides() -> None:
    told = events.RealtimeSession(
        id="sess_1",
        object="realtime.session",
        expires_at=1,
        model="gpt-realtime",
        instructions="Be brief.",
        output_modalities=["audio"],
        audio=events.AudioConfig(
            input=events.AudioInput(
                format=events.AudioPcm(rate=24000),
                transcription=events.AudioTranscription(model="whisper-1", language=None),
                noise_reduction=None,
                turn_detection=None,
            ),
            output=events.AudioOutput(voice="marin", speed=1.0, extra={"style": "calm", "odd": None}),
        ),
        tools=[
            events.FunctionTool(name="f", description=None, parameters={"type": "object", "x": None}),
            events.FunctionTool(extra={"function": {"name": "g"}}),
        ],
        tool_choice="auto",
        max_output_tokens="inf",
        tracing=None,
        prompt=None,
        include=None,
        truncation="auto",
        extra={"client_secret": "s"},
    )
    again = events.RealtimeSession(
        instructions="Be brief.",
        output_modalities=["audio"],
        audio=events.AudioConfig(
            input=events.AudioInput(
                format=events.AudioPcm(rate=24000),
                transcription=events.AudioTranscription(model="whisper-1"),
                noise_reduction=None,
                turn_detection=None,
            ),
            output=events.AudioOutput(voice="marin", speed=1.0, extra={"style": "calm"}),
        ),
        tools=[
            events.FunctionTool(name="f", parameters={"type": "object", "x": None}),
            events.FunctionTool(extra={"function": {"name": "g"}}),
        ],
        tool_choice="auto",
        max_output_tokens="inf",
        truncation="auto",
    )
    before = repr(told)
    assert fed(events.SessionCreated(session=told)).rebuild() == [events.SessionUpdate(session=again)]
    assert repr(told) == before


def test_settings_that_one_server_alone_has() -> None:
    told = qwen.RealtimeSession(id="sess_1", temperature=0.5, seed=None, enable_search=True)
    again = qwen.RealtimeSession(temperature=0.5, enable_search=True)
    assert fed(events.SessionCreated(session=told)).rebuild() == [events.SessionUpdate(session=again)]
    avatar = voice_live.AvatarConfig(character="lisa", customized=False)
    given = attrs.evolve(avatar, ice_servers=[voice_live.IceServer(urls=["turn:x"], credential="secret")])
    agent = voice_live.AgentConfig(agent_id="a", thread_id="t", name="n")
    azure = voice_live.RealtimeSession(avatar=given, agent=agent, output_audio_timestamp_types=["word"])
    likewise = voice_live.RealtimeSession(avatar=avatar, output_audio_timestamp_types=["word"])
    assert fed(events.SessionUpdated(session=azure)).rebuild() == [events.SessionUpdate(session=likewise)]
    early = beta.RealtimeSession(temperature=0.8, client_secret={"value": "secret"})
    assert fed(events.SessionUpdated(session=early)).rebuild() == [
        events.SessionUpdate(session=beta.RealtimeSession(temperature=0.8))
    ]
    grok = xai.RealtimeSession(keep_context=True, input_audio_format="pcm16")
    assert fed(events.SessionUpdated(session=grok)).rebuild() == [
        events.SessionUpdate(session=xai.RealtimeSession(keep_context=True))
    ]


def test_nothing_odd_is_left_of_extra_that_holds_nothing() -> None:
    told = events.RealtimeSession(audio=events.AudioConfig(extra={"odd": None}, output=UNSET))
    again = events.RealtimeSession(audio=events.AudioConfig())
    assert fed(events.SessionUpdated(session=told)).rebuild() == [events.SessionUpdate(session=again)]


def test_settings_of_other_kinds_of_sessions() -> None:
    detection = events.UnknownObject(raw={"type": None})
    settings = events.AudioConfig(input=events.AudioInput(turn_detection=detection))
    told = events.TranscriptionSession(id="sess_1", audio=settings, include=["logprobs"])
    again = events.TranscriptionSession(audio=settings, include=["logprobs"])
    assert fed(events.SessionUpdated(session=told)).rebuild() == [events.SessionUpdate(session=again)]
    assert fed(events.SessionUpdated(session=events.UnknownObject(raw={"type": "new"}))).rebuild() == []
    assert Conversation().rebuild() == []
