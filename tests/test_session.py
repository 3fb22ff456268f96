"""The life of a session over whole messages."""

import json
import re
from typing import Any

import pytest

from rtproto import Close, Config, Limits, Role, Session, State, Timeouts, events
from rtproto.errors import LocalProtocolError, RemoteProtocolError, SessionClosed
from rtproto.testing import Playbook

CREATED = events.SessionCreated(event_id="event_1", session=events.RealtimeSession(id="sess_1"))
APPEND = events.InputAudioBufferAppend(audio=b"\x01\x02" * 480)


def client(**config: Any) -> Playbook:
    return Playbook(Session(Role.CLIENT, Config(**config)))


def server(**config: Any) -> Playbook:
    return Playbook(Session(Role.SERVER, Config(**config)))


def test_both_directions() -> None:
    p = client()
    p >> CREATED << CREATED
    p.send(APPEND).wire(APPEND)
    p.end()

    q = server()
    q >> APPEND << APPEND
    q.send(CREATED).wire(CREATED)
    q.end()


def test_what_is_sent_before_the_handshakes_end_waits() -> None:
    session = Session(Role.CLIENT)
    session.send(APPEND, 0.0)
    assert session.state is State.CONNECTING
    assert session.outgoing() == []
    session.open(1.0)
    assert isinstance(session.next_event(), events.Opened)
    assert len(session.outgoing()) == 1
    assert session.outgoing() == []


def test_too_many_waiting_sends_are_refused_and_the_rest_survives() -> None:
    session = Session(Role.CLIENT, Config(limits=Limits(max_queue=2)))
    session.send(APPEND, 0.0)
    session.send(APPEND, 0.0)
    with pytest.raises(LocalProtocolError, match="max_queue"):
        session.send(APPEND, 0.0)
    session.open(0.0)
    assert len(session.outgoing()) == 2


def test_open_comes_once_and_before_receive() -> None:
    session = Session(Role.CLIENT)
    with pytest.raises(LocalProtocolError, match="open"):
        session.receive("{}", 0.0)
    session.open(0.0)
    with pytest.raises(LocalProtocolError, match="once"):
        session.open(0.0)


def test_a_server_is_opened_without_an_event() -> None:
    session = Session(Role.SERVER)
    session.open(0.0)
    assert session.next_event() is None


def test_the_peer_closes() -> None:
    p = client()
    p >> CREATED >> Close(1001, "maximum duration")
    p << CREATED << events.Closed(clean=True, code=1001, reason="maximum duration")
    p.end()
    with pytest.raises(SessionClosed, match="1001: maximum duration"):
        p.send(APPEND)


def test_we_close_and_the_peer_answers() -> None:
    p = client()
    p.close(1000, "bye").wire(Close(1000, "bye"))
    assert p.session.state is State.CLOSING
    p >> CREATED << CREATED  # what is under way still arrives
    with pytest.raises(SessionClosed, match="this side has said Close"):
        p.send(APPEND)
    p >> Close(1000, "bye")
    p << events.Closed(clean=True, code=1000, reason="bye")
    p.end()
    assert p.session.deadline() is None


def test_a_close_that_is_never_answered_is_bounded() -> None:
    p = client(timeouts=Timeouts(close=3.0))
    p.close().wire(Close(1000))
    assert p.session.deadline() == 3.0
    p @ 2.9 << None
    p @ 3.0 << events.Closed(clean=False, code=1006, reason="the peer did not answer our Close within 3 s")
    p @ 4.0
    p.end()


def test_a_close_may_wait_for_ever() -> None:
    p = client(timeouts=Timeouts(close=None))
    p.close().wire(Close(1000))
    assert p.session.deadline() is None


def test_closing_twice_says_close_once() -> None:
    p = client()
    p.close().close().wire(Close(1000))
    p.end()
    p >> Close(1000)
    p.close() << events.Closed
    p.end()


def test_closing_before_the_handshakes_end_drops_what_waited() -> None:
    session = Session(Role.CLIENT)
    session.send(APPEND, 0.0)
    session.close(0.0)
    assert session.outgoing() == []
    closed = session.next_event()
    assert isinstance(closed, events.Closed)
    assert not closed.clean


def test_the_wire_is_lost() -> None:
    p = client()
    p >> CREATED
    p.eof().eof()
    lost = "the connection was lost without a Close"
    p << CREATED << events.Closed(clean=False, code=1006, reason=lost, error=RemoteProtocolError(lost))
    p >> CREATED  # too late
    p.end()
    assert isinstance(p.session.closed, events.Closed)
    with pytest.raises(RemoteProtocolError, match="lost"):
        p.session.closed.raise_for_error()


@pytest.mark.parametrize(("code", "reason"), [(999, ""), (1005, ""), (1006, ""), (5000, ""), (1000, "é" * 62)])
def test_a_close_that_cannot_be_said(code: int, reason: str) -> None:
    p = client()
    with pytest.raises(LocalProtocolError, match="close"):
        p.close(code, reason)
    p.send(APPEND).wire(APPEND)
    p.end()


def test_a_wrong_direction_is_refused() -> None:
    p = client()
    with pytest.raises(LocalProtocolError, match="a client does not send SessionCreated") as refused:
        p.send(CREATED)
    assert refused.value.event is CREATED
    assert refused.value.state is State.OPEN
    with pytest.raises(LocalProtocolError, match="a server does not send InputAudioBufferAppend"):
        server().send(APPEND)
    with pytest.raises(LocalProtocolError, match="does not send dict"):
        p.send({"type": "response.create"})
    p.end()


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (events.InputAudioBufferAppend(audio="text"), "audio must be bytes"),  # type: ignore[arg-type]
        (events.InputAudioBufferAppend(audio=5), "audio must be bytes"),  # type: ignore[arg-type]
        (events.SessionUpdate(session={"type": "realtime"}), "session must be RealtimeSession"),  # type: ignore[arg-type]
        (events.ConversationItemDelete(item_id=None), "item_id must be str, not null"),  # type: ignore[arg-type]
        (
            events.SessionUpdate(session=events.RealtimeSession(instructions=b"x")),  # type: ignore[arg-type]
            "session.instructions must be str",
        ),
        (events.SessionUpdate(session=events.RealtimeSession(extra={"x": object()})), "what JSON cannot"),
    ],
)
def test_a_wrong_value_is_refused_by_name(event: events.ClientEvent, reason: str) -> None:
    p = client()
    with pytest.raises(LocalProtocolError, match=reason):
        p.send(event)
    p.end()


def test_too_large_a_message_is_refused() -> None:
    p = client(limits=Limits(max_message=1000))
    with pytest.raises(LocalProtocolError, match="max_message"):
        p.send(events.InputAudioBufferAppend(audio=bytes(1000)))
    with pytest.raises(LocalProtocolError, match="max_message"):
        p.session.send_raw("x" * 1001, 0.0)
    p.end()


def test_raw_text_passes_unchecked() -> None:
    p = client()
    p.session.send_raw('{"type": "what.ever"}', 0.0)
    p.session.send_raw("not even JSON", 0.0)
    p.wire('{"type": "what.ever"}').wire("not even JSON")
    with pytest.raises(LocalProtocolError, match="surrogate"):
        p.session.send_raw("\ud83d", 0.0)
    p.end()


def test_a_raw_session_decodes_judges_and_answers_nothing() -> None:
    for raw in (client(raw=True, strict=True), server(raw=True)):
        for message in ('{"type": "what.ever"}', "{", b"\x00\x01"):
            raw >> message << events.Raw(data=message)
        raw.session.send_raw(b"\x02", 0.0)
        raw.session.send_raw("{", 0.0)
        raw.session.close(0.0, 1005)
        raw.wire(b"\x02").wire("{").wire(Close(1005))
        raw.end()


def test_a_raw_message_has_its_limit() -> None:
    p = client(raw=True, limits=Limits(max_message=1000, max_backlog=1500))
    with pytest.raises(LocalProtocolError, match="max_message"):
        p.session.send_raw(bytes(1001), 0.0)
    p >> bytes(1000) >> "x" * 1000
    assert p.session.full
    assert "1000 bytes" in repr(p.session.next_event())


BAD = [
    ("{", "not JSON"),
    ("[]", "not a JSON object"),
    ('{"a": NaN}', "not JSON"),
    ("{}", "no type"),
    ('{"type": 5}', "type is not a string"),
    ('{"type": []}', "type is not a string"),
    ('{"type": "session.created"}', "session.created: session is missing"),
    ('{"type": "session.created", "session": 5}', "session must be an object, not an integer"),
    ('{"type": "input_audio_buffer.committed", "item_id": 5}', "item_id must be a string, not an integer"),
    (
        '{"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "output_index": 0,'
        ' "content_index": 0, "delta": "*"}',
        "delta must be base64 audio",
    ),
    (
        '{"type": "conversation.item.added", "item": {"type": "message", "role": "user", "content":'
        ' [{"type": "input_text", "text": 1.5}]}}',
        r"item.content\[0\].text must be a string or null, not a number",
    ),
]


@pytest.mark.parametrize(("text", "reason"), BAD)
def test_a_bad_message_is_reported_and_the_session_goes_on(text: str, reason: str) -> None:
    p = client()
    p >> text
    violation = p.session.next_event()
    assert isinstance(violation, events.Violation)
    assert violation.raw == text
    assert re.search(reason, violation.reason), violation.reason
    p >> CREATED << CREATED
    p.end()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("{}", "Missing required parameter: 'type'."),
        ('{"type": 5}', "Invalid type for 'type': expected a string, but got an integer instead."),
        ('{"type": "session.update"}', "Missing required parameter: 'session'."),
        (
            '{"type": "session.update", "session": {"type": "realtime", "tools": {}}}',
            "Invalid type for 'session.tools': expected an array or null, but got an object instead.",
        ),
    ],
)
def test_a_server_answers_a_bad_message_as_openai_does(text: str, answer: str) -> None:
    session = Session(Role.SERVER)
    session.open(0.0)
    session.receive(text, 0.0)
    (said,) = session.outgoing()
    assert isinstance(said, str)
    assert json.loads(said)["error"]["message"] == answer


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("{", "invalid_json", "Invalid JSON"),
        ('{"event_id": "e1"}', "unknown_event", "Unknown event type: None"),
        ('{"type": "session.update", "event_id": "e1"}', "invalid_event", "Missing required field: model"),
        ('{"type": "input_audio_buffer.append", "audio": "!"}', "invalid_audio", "Invalid audio data"),
        (
            '{"type": "session.update", "model": 5}',
            "processing_error",
            "Invalid type for 'model': expected a string or null, but got an integer instead.",
        ),
    ],
)
def test_a_server_refuses_as_the_dialects_servers_do(text: str, code: str, line: str) -> None:
    session = Session(Role.SERVER, Config(dialect="vllm"))
    session.open(0.0)
    session.receive(text, 0.0)
    (said,) = session.outgoing()
    assert json.loads(str(said)) == {"type": "error", "error": line, "code": code}


def test_a_server_names_fields_as_the_dialect_does() -> None:
    session = Session(Role.SERVER, Config(dialect="beta"))
    session.open(0.0)
    for name, held in (("turn_detection", {"type": "server_vad", "threshold": "x"}), ("voice", 5), ("tracing", 5)):
        session.receive(json.dumps({"type": "session.update", "session": {name: held}}), 0.0)
    params = [json.loads(str(said))["error"]["param"] for said in session.outgoing()]
    assert params == ["session.turn_detection.threshold", "session.voice", "session.tracing"]


@pytest.mark.parametrize(("text", "reason"), BAD)
def test_a_strict_client_closes(text: str, reason: str) -> None:
    p = client(strict=True)
    p >> text << events.Violation << events.Closed
    p.wire(Close)
    p.end()
    assert p.session.closed is not None
    assert p.session.closed.code == 1008
    assert isinstance(p.session.closed.error, RemoteProtocolError)
    assert p.session.closed.error.raw == text
    with pytest.raises(RemoteProtocolError):
        p.session.closed.raise_for_error()


def test_a_binary_message_is_a_violation() -> None:
    p = client()
    (
        p
        >> b"\x00\x01"
        << events.Violation(reason="a binary message came, but the protocol has text messages only", raw=b"\x00\x01")
    )
    p.end()


@pytest.mark.parametrize(
    ("text", "code", "param", "event_id"),
    [
        ("{", "invalid_json", None, None),
        ("[1]", "invalid_json", None, None),
        ('{"event_id": "e1"}', "missing_required_parameter", "type", "e1"),
        ('{"type": "session.update", "event_id": "e2"}', "missing_required_parameter", "session", "e2"),
        ('{"type": "input_audio_buffer.append", "audio": 5, "event_id": null}', "invalid_type", "audio", None),
        (b"binary", "invalid_value", None, None),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_server_answers_a_bad_message_with_an_error_and_stays(
    text: "str | bytes", code: str, param: "str | None", event_id: "str | None", strict: bool
) -> None:
    p = server(make_id=lambda prefix: f"{prefix}_1", strict=strict)
    p >> text << events.Violation
    (answer,) = p.session.outgoing()
    q = client()
    q >> answer
    error = q.session.next_event()
    assert isinstance(error, events.ErrorEvent)
    assert error.event_id == "event_1"
    assert error.error.type == "invalid_request_error"
    assert (error.error.code, error.error.param, error.error.event_id) == (code, param, event_id)
    p >> APPEND << APPEND
    p.end()


def test_a_server_does_not_pile_up_errors_for_a_client_that_never_reads() -> None:
    p = server(limits=Limits(max_queue=3))
    for _ in range(10):
        p >> "{"
    assert p.session.pending == 10
    assert len(p.session.outgoing()) == 3


def test_a_message_beyond_the_limit_ends_the_session() -> None:
    p = client(limits=Limits(max_message=100))
    p >> "x" * 101 << events.Closed
    p.wire(Close)
    assert p.session.closed is not None
    assert p.session.closed.code == 1009
    p.end()


def test_strict_refuses_to_send_what_breaks_the_order() -> None:
    p = server(strict=True)
    p.send(CREATED).wire(CREATED)
    done = events.ResponseOutputTextDone(
        response_id="resp_1", item_id="item_1", output_index=0, content_index=0, text="hi", event_id="event_9"
    )
    with pytest.raises(LocalProtocolError):
        p.send(done)
    p.end()


def test_strict_ends_a_session_whose_server_breaks_the_order() -> None:
    p = client(strict=True)
    late = events.ResponseOutputTextDone(
        response_id="resp_1", item_id="item_1", output_index=0, content_index=0, text="hi", event_id="event_9"
    )
    p >> CREATED << CREATED
    p >> late << late << events.Violation << events.Closed
    p.wire(Close)
    p.end()


def test_an_event_that_the_dialect_lacks_is_not_sent() -> None:
    item = events.MessageItem(id="item_1", role="user", content=[])
    p = server(dialect="beta")
    p.send(events.ConversationItemDone(event_id="e", item=item)).wire(None)
    p.send(events.ConversationItemAdded(event_id="e", item=item))
    (wire,) = p.session.outgoing()
    assert '"conversation.item.created"' in str(wire)
    p.end()


def test_the_dialect_may_be_known_only_when_the_session_opens() -> None:
    session = Session(Role.SERVER)
    session.open(0.0, dialect="beta")
    session.receive('{"type": "session.update", "session": {"voice": "alloy"}}', 0.0)
    update = session.next_event()
    assert isinstance(update, events.SessionUpdate)
    assert isinstance(update.session, events.RealtimeSession)
    assert update.session.audio
    assert update.session.audio.output
    assert update.session.audio.output.voice == "alloy"
    with pytest.raises(ValueError, match="choose one of ga, ga-transcription"):
        Session(Role.SERVER).open(0.0, dialect="latin")


def test_a_wire_that_is_lost_while_closing_is_no_error() -> None:
    p = client()
    p.close().wire(Close(1000)).eof()
    closed = p.session.next_event()
    assert isinstance(closed, events.Closed)
    assert (closed.clean, closed.code, closed.error) == (False, 1006, None)
    closed.raise_for_error()
    p.end()


def test_a_close_that_is_never_answered_is_no_error() -> None:
    p = client()
    p.close() @ 60.0
    assert p.session.closed is not None
    p.session.closed.raise_for_error()


@pytest.mark.parametrize("code", [1008, 1011, 4000])
def test_a_close_that_tells_of_a_failure_raises(code: int) -> None:
    p = client()
    p >> Close(code, "beta_api_shape_disabled")
    assert p.session.closed is not None
    assert p.session.closed.clean
    with pytest.raises(SessionClosed, match=f"{code}: beta_api_shape_disabled"):
        p.session.closed.raise_for_error()


@pytest.mark.parametrize("code", [1000, 1001, 1005])
def test_a_normal_close_raises_nothing(code: int) -> None:
    p = client()
    p >> Close(code)
    assert p.session.closed is not None
    p.session.closed.raise_for_error()


def test_nothing_follows_the_peers_close_or_a_lost_wire() -> None:
    closed, lost = server().send(CREATED), server().send(CREATED)
    closed >> Close(1000)
    lost.eof()
    assert closed.session.outgoing() == lost.session.outgoing() == []


def test_opening_after_the_end_is_a_race_and_no_bug() -> None:
    session = Session(Role.CLIENT)
    session.close(0.0)
    with pytest.raises(SessionClosed):
        session.open(0.0)


def test_a_session_is_full_by_number_or_by_size_until_it_is_drained() -> None:
    few = client(limits=Limits(max_queue=2))
    few >> CREATED
    assert not few.session.full
    few >> CREATED
    assert few.session.full
    few << CREATED
    assert not few.session.full
    small = client(limits=Limits(max_backlog=150))
    small >> CREATED >> CREATED
    assert small.session.full
    small << CREATED << CREATED
    assert not small.session.full
    small >> CREATED
    assert not small.session.full


def test_a_surrogate_in_a_reason_hurts_nobody() -> None:
    p = client(strict=True)
    variables = '{"\\ud800": 5}'
    session = '{"type": "realtime", "prompt": {"id": "p", "variables": ' + variables + "}}"
    p >> '{"type": "session.created", "session": ' + session + "}"
    assert p.session.closed is not None
    assert p.session.closed.code == 1008
    p.wire(Close)
    q = client()
    q.close(1000, "half \ud83d").wire(Close(1000, "half ?"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_lacks_is_refused(value: float) -> None:
    vad = events.ServerVad(threshold=value)
    session = events.RealtimeSession(audio=events.AudioConfig(input=events.AudioInput(turn_detection=vad)))
    p = client()
    with pytest.raises(LocalProtocolError, match="threshold must be a finite number"):
        p.send(events.SessionUpdate(session=session))
    p.end()


def test_audio_that_is_no_row_of_bytes_is_refused() -> None:
    p = client()
    with pytest.raises(LocalProtocolError, match="audio must be bytes"):
        p.send(events.InputAudioBufferAppend(audio=memoryview(b"abcd")[::2]))  # type: ignore[arg-type]
    p.end()


@pytest.mark.parametrize("wrong", [0, -1])
def test_limits_and_timeouts_are_more_than_nothing(wrong: int) -> None:
    with pytest.raises(ValueError, match="max_queue"):
        Limits(max_queue=wrong)
    with pytest.raises(ValueError, match="pong"):
        Timeouts(pong=wrong)
