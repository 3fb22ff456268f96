"""What one line of a recording holds."""

import json

import pytest

from rtproto._recording import MAX_LINE, End, Mark, NoRecord, Odd, Record, read_line


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ('{"type": "response.create"}', None),
        ('{"dir": "sent", "kind": "message", "event": {"type": "response.create"}}', "client"),
        ('{"dir": null, "kind": null, "event": {"type": "response.create"}}', None),
        ('{"t": 1.5, "dir": "received", "event": {"type": "response.create"}}', "server"),
        ('{"source": "s", "type": "response.create", "payload": {"type": "response.create"}}', None),
        ('{"type": "send", "time": 1, "opcode": 1, "data": "{\\"type\\": \\"response.create\\"}"}', "client"),
        ('{"direction": "in", "message": {"type": "response.create"}}', "server"),
        ('\ufeff  {"type": "response.create"}\r', None),
    ],
)
def test_every_form_of_a_recording_is_read(text: str, side: "str | None") -> None:
    record = read_line(text.encode())
    assert isinstance(record, Record)
    assert (record.type, record.side) == ("response.create", side)


def test_an_event_may_have_fields_that_look_like_a_recorders() -> None:
    tone = {"type": "input_audio_buffer.dtmf_event_received", "event": "5", "received_at": 1}
    assert read_line(json.dumps(tone).encode()) == Record(tone)
    own = {"type": "x", "kind": "close", "dir": "sent", "message": {"text": "hi"}}
    assert read_line(json.dumps(own).encode()) == Record(own, "client")


def test_lines_that_are_no_events() -> None:
    assert read_line(b" \r\n") is Mark.BLANK
    assert read_line(b'{"dir": "received", "kind": "close", "event": {"code": 1000}}') == End(1000, "", "server")
    assert read_line(b'{"kind": "ping"}') is Mark.OTHER


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'{"type": "response.cre', "the line is not JSON: unexpected end of data"),
        (b"[1]", "the line is JSON, but no object"),
        (b'{"x": 1}', "the line holds no event"),
        (b'{"dir": "sent", "event": null}', "the line holds no event"),
        (b'{"dir": "sent", "data": "{oops"}', "the line is not JSON"),
        (b"\xff\xfe", "the line is not UTF-8"),
        (b"[" * 100_000, "the line is not JSON"),
        (b" " * (MAX_LINE + 1), "the line is longer than 64 MiB"),
    ],
    ids=lambda text: str(text[:12]),
)
def test_what_is_no_line_of_a_recording(text: bytes, why: str) -> None:
    with pytest.raises(NoRecord, match=why):
        read_line(text)


def test_what_passed_beside_the_events_is_read() -> None:
    assert read_line(b'{"t": 0, "dir": "sent", "kind": "open", "event": {"url": "ws://h"}}') is Mark.OTHER
    assert read_line(b'{"dir": "received", "kind": "text", "data": "{oops"}') == Odd("{oops", "server")
    assert read_line(b'{"dir": "sent", "kind": "binary", "data": "AP8="}') == Odd(b"\x00\xff", "client")
    assert read_line(b'{"kind": "text"}') is Mark.OTHER
    assert read_line(b'{"dir": "sent", "kind": "close", "event": {"code": 1001, "reason": "x"}}') == End(
        1001, "x", "client"
    )
    assert read_line(b'{"kind": "close"}') == End()
    assert read_line(b'{"kind": "close", "event": {"code": null}}') == End()
    with pytest.raises(NoRecord, match="not base64"):
        read_line(b'{"kind": "binary", "data": "*"}')


def test_a_line_says_when_its_event_passed() -> None:
    timed, untimed = read_line(b'{"t": 2, "event": {"type": "x"}}'), read_line(b'{"t": "x", "event": {"type": "x"}}')
    assert isinstance(timed, Record)
    assert isinstance(untimed, Record)
    assert (timed.t, untimed.t) == (2.0, None)
