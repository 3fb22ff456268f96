"""A recording as scripts to be played (rtproto_emulator)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rtproto_emulator import Recording
from rtproto_emulator._recorded import Script, heard

from rtproto._recording import End


def row(direction: str | None, event: Any, **more: Any) -> bytes:
    return json.dumps({"dir": direction, "event": event, **more}).encode()


def created(session_id: str) -> dict[str, Any]:
    return {"type": "session.created", "session": {"id": session_id}}


CREATE = {"type": "response.create"}
DONE = {"type": "response.done"}


def said(script: Script) -> list[tuple[str, str]]:
    return [(step.side, step.type) for step in script.steps]


def test_both_sides_their_times_and_the_end() -> None:
    rows = [
        row("sent", {"url": "ws://h"}, kind="open", t=0.0),
        row("received", created("a"), t=0.5),
        row("sent", CREATE, t=1.0),
        b'{"dir": "received", "kind": "binary", "data": "AP8=", "t": 2}',
        b'{"dir": "received", "kind": "text", "data": "{", "t": 3}',
        row("received", {"code": 1001, "reason": "bye"}, kind="close", t=4.0),
    ]
    (script,) = Recording.read(rows).sessions
    assert said(script) == [
        ("server", "session.created"),
        ("client", "response.create"),
        ("server", ""),
        ("server", ""),
    ]
    assert [step.t for step in script.steps] == [0.5, 1.0, 2.0, 3.0]
    assert [step.message for step in script.steps[2:]] == [b"\x00\xff", "{"]
    assert script.end == End(1001, "bye", "server")


def test_several_sessions() -> None:
    close = row("sent", {"code": 1000}, kind="close")
    rows = [row("received", created("a")), close, close, row("received", created("b")), row("received", created("c"))]
    assert [said(script) for script in Recording.read(rows).sessions] == [[("server", "session.created")]] * 3


def test_the_types_tell_who_spoke_where_the_line_does_not() -> None:
    rows = [row(None, created("a")), row(None, CREATE), row(None, DONE), row(None, {"type": "what.ever"})]
    (script,) = Recording.read(rows).sessions
    assert [step.side for step in script.steps] == ["server", "client", "server", "server"]


def test_a_recording_of_the_servers_end_is_turned() -> None:
    rows = [row("sent", created("a")), row("received", CREATE), row("sent", {"type": "own"})]
    (script,) = Recording.read(rows).sessions
    assert [step.side for step in script.steps] == ["server", "client", "server"]


def test_sound_that_was_left_out_is_silence() -> None:
    delta = {"type": "response.output_audio.delta", "delta": "<3 bytes>"}
    append = {"type": "input_audio_buffer.append", "audio": "<960 bytes>"}
    item = {"type": "x", "item": {"content": [{"audio": "<6 bytes>", "text": "<6 bytes>"}]}}
    (script,) = Recording.read([row("received", delta), row("sent", append), row("received", item)]).sessions
    first, second, third = (json.loads(step.message) for step in script.steps)
    assert first["delta"] == "AAAA"
    assert len(second["audio"]) == 1280
    assert third["item"]["content"] == [{"audio": "AAAAAAAA", "text": "<6 bytes>"}]
    assert [step.audio for step in script.steps] == [0, 960, 0]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "it holds no events"),
        ([b'{"kind": "ping"}', b""], "it holds no events"),
        ([row("sent", CREATE), b"{oops"], "line 2: the line is not JSON"),
    ],
)
def test_what_is_no_recording(rows: list[bytes], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Recording.read(rows)


def test_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "call.jsonl").write_text("oops")
    with pytest.raises(ValueError, match=r"call\.jsonl: line 1"):
        Recording.load(tmp_path / "call.jsonl")


@pytest.mark.parametrize("odd", ["{", "[]", "{}", '{"type": 5}', b"\x00"])
def test_what_comes_may_be_no_event(odd: str | bytes) -> None:
    assert heard(odd) == ("", 0, None)


def test_the_sound_that_comes_is_measured() -> None:
    assert heard('{"type": "input_audio_buffer.append", "audio": "AAA="}')[:2] == ("input_audio_buffer.append", 2)
    assert heard('{"type": "input_audio_buffer.append", "audio": 5}')[1] == 0
