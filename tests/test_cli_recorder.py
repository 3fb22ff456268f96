"""The files of `rtproto record` (rtproto_cli)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from rtproto_cli._fatal import Fatal
from rtproto_cli._recorder import Recordings, line_of
from rtproto_cli._redaction import Redaction

from rtproto._recording import End, Odd, Record, read_line

CREATE = '{"type": "response.create"}'


def recordings(path: Path, told: list[str] | None = None, *, force: bool = False) -> Recordings:
    return Recordings(path, (told if told is not None else []).append, force=force, audio=True)


def line(data: str | bytes, **how: Any) -> Any:
    return read_line(line_of("sent", 1.25, data, Redaction(), **how))


def test_a_line_holds_what_passed() -> None:
    found = line('{ "type": "a",\n "b": [1.5, null, "\\ud83d"] }')
    assert found == Record({"type": "a", "b": [1.5, None, "\ud83d"]}, "client")
    assert found.t == 1.25


@pytest.mark.parametrize("odd", ["", "[1]", "{oops", '{"a": ' * 300 + "1" + "}" * 300, "[" * 100_000, b"\x00\xff"])
def test_what_is_no_event_is_kept_as_it_is(odd: str | bytes) -> None:
    assert line(odd) == Odd(odd, "client")


def test_a_key_in_what_is_no_event_is_hidden() -> None:
    assert line("key=sk-0123456789") == Odd("key=***", "client")


def test_audio_may_be_left_out() -> None:
    sound = "AAAA" * 239 + "AAA="
    assert (
        line(json.dumps({"type": "response.output_audio.delta", "delta": sound}), audio=False).event["delta"]
        == "<719 bytes>"
    )
    assert (
        line(json.dumps({"type": "input_audio_buffer.append", "audio": sound}), audio=False).event["audio"]
        == "<719 bytes>"
    )
    item = {"type": "x", "item": {"content": [{"audio": sound, "transcript": "hi"}]}, "delta": "text"}
    kept = line(json.dumps(item), audio=False).event
    assert kept["item"]["content"] == [{"audio": "<719 bytes>", "transcript": "hi"}]
    assert kept["delta"] == "text"


def test_each_session_has_a_file_of_its_own(tmp_path: Path) -> None:
    told: list[str] = []
    files = recordings(tmp_path / "call.jsonl", told)
    (tmp_path / "call-3.jsonl").write_text("another's")
    for n in range(3):
        recording = files.begin()
        assert recording is not None
        recording.open(Redaction(), {"url": "ws://h"})
        recording.message("received", 0.5, f'{{"type": "{n}"}}')
        recording.end("received", 1.0, 1000, "bye")
        recording.end("sent", 1.0, 1001, "")
        recording.message("received", 1.5, "too late")
        assert recording.counts == {"sent": 0, "received": 1}
    files.flush()
    assert not told
    for name, n in (("call", 0), ("call-2", 1), ("call-4", 2)):
        found = [read_line(row) for row in (tmp_path / f"{name}.jsonl").read_bytes().splitlines()]
        assert found[1:] == [Record({"type": str(n)}, "server"), End(1000, "bye", "server")]
    files.close()


def test_nothing_is_written_over_unless_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "call.jsonl"
    path.write_text("mine")
    with pytest.raises(Fatal, match=r"is there already.*--force"):
        recordings(path)
    assert path.read_text() == "mine"
    recordings(path, force=True).close()
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"cannot write .*nowhere"):
        recordings(tmp_path / "nowhere" / "call.jsonl")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_disk_is_told_once() -> None:
    told: list[str] = []
    files = recordings(Path("/dev/full"), told, force=True)
    recording = files.begin()
    assert recording is not None
    for _ in range(2):
        recording.message("sent", 0.0, CREATE)
        recording.flush()
    files.finish(recording)
    assert recording.counts["sent"] == 2
    (line_told,) = told
    assert "no space left on device" in line_told


@pytest.mark.skipif(sys.platform == "win32", reason="the resource limit is POSIX's")
@pytest.mark.parametrize("at_once", [False, True])
def test_where_the_disk_is_full_the_last_line_is_whole(tmp_path: Path, at_once: bool) -> None:
    import resource
    import signal

    told: list[str] = []
    files = recordings(tmp_path / "call.jsonl", told)
    recording = files.begin()
    assert recording is not None
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        for _ in range(3):
            recording.message("sent", 0.0, CREATE)
            if not at_once:
                recording.flush()
        recording.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    files.close()
    assert (tmp_path / "call.jsonl").read_bytes() == line_of("sent", 0.0, CREATE, Redaction())
    assert len(told) == 1


def test_much_that_waits_is_written(tmp_path: Path) -> None:
    files = recordings(tmp_path / "call.jsonl")
    recording = files.begin()
    assert recording is not None
    recording.message("sent", 0.0, "x" * 300_000)
    assert (tmp_path / "call.jsonl").stat().st_size > 300_000
    files.close()
