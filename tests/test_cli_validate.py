"""`rtproto validate`: what it takes for a recording, which dialect it guesses, what it says is broken (rtproto_cli)."""

import io
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import commands
import pytest
from commands import Done
from hypothesis import given, settings
from hypothesis import strategies as st
from rtproto_cli._guess import SIGNS, guess
from rtproto_cli._validation import STATEMENTS, Breach, Validation
from scale import scaled
from shared import dialect_of, traces

from rtproto._codec import SERVER_EVENTS
from rtproto._dialects import DIALECTS
from rtproto._recording import Record
from rtproto._rules import RULES

PLACE = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
CREATED = {"type": "session.created", "event_id": "event_1", "session": {"type": "realtime", "id": "sess_1"}}
RESPONSE = {"type": "response.created", "event_id": "event_2", "response": {"id": "resp_1"}}
ITEM = {"id": "item_1", "type": "message", "role": "assistant", "content": []}
OPENED = {"type": "response.output_item.added", "response_id": "resp_1", "output_index": 0, "item": ITEM}


def line(event: Any, **around: Any) -> bytes:
    return json.dumps({**around, "event": event} if around else event).encode() + b"\n"


def judged(*events: Any, dialect: "str | None" = None, strict: bool = False) -> tuple[Validation, list[Breach]]:
    lines = [event if isinstance(event, bytes) else line(event) for event in events]
    validation = Validation(lines, dialect, strict=strict)
    breaches = list(validation)
    assert validation.breaches == len(breaches)
    return validation, breaches


def broken(*events: Any, **options: Any) -> list[tuple[int, str]]:
    return [(breach.line, breach.rule) for breach in judged(*events, **options)[1]]


# ---- recorded sessions ----


@pytest.mark.parametrize("trace", traces(), ids=lambda path: path.stem)
def test_a_recorded_session_breaks_nothing_and_shows_its_dialect(trace: Path) -> None:
    validation, breaches = judged(*trace.read_bytes().splitlines(keepends=True), strict=True)
    assert (validation.dialect, validation.guessed, breaches) == (dialect_of(trace), True, [])
    assert validation.events > 5


@pytest.mark.parametrize("trace", traces(), ids=lambda path: path.stem)
def test_any_longer_piece_of_a_recorded_session_breaks_nothing(trace: Path) -> None:
    lines = trace.read_bytes().splitlines()
    for start in range(0, len(lines) - 20, 20):
        assert judged(*lines[start : start + 60])[1] == []


# ---- what is no event ----


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"[1]", "the line is JSON, but no object"),
        (b'{"dir": "sent", "kind": "text", "data": "{oops"}', "the message is text that is no JSON object"),
        (b'{"dir": "sent", "kind": "binary", "data": "AAA="}', "the message is binary, which the protocol is not"),
    ],
)
def test_what_is_no_event_breaks_the_schema(text: bytes, why: str) -> None:
    (found,) = judged(CREATED, text)[1]
    assert (found.line, found.type, found.rule, found.code, found.reason) == (2, None, "schema", "invalid_json", why)


# ---- the schema ----


def test_a_breach_of_the_schema_says_where_and_why() -> None:
    _, breaches = judged(CREATED, {"type": "response.audio.delta", **PLACE}, dialect="beta")
    reason = "delta is missing"
    code = "missing_required_parameter"
    assert breaches == [Breach(2, "response.audio.delta", "schema", reason, "delta", code)]
    assert broken(CREATED, {"event": {}}, {"event": {"type": 5}}) == [(2, "schema"), (3, "schema")]


@pytest.mark.parametrize("audio", ["<960 bytes>", "[audio]", "AAAA...", "AAAA\u2026", "(cut)", "", "AAAA", "AAA"])
def test_audio_that_was_shortened_is_no_breach(audio: str) -> None:
    part = {"type": "input_audio", "audio": audio}
    item = {"type": "message", "role": "user", "content": [part, part]}
    append = {"type": "input_audio_buffer.append", "audio": audio}
    delta = {"type": "response.output_audio.delta", "delta": audio, **PLACE}
    create = {"type": "conversation.item.create", "item": item}
    assert broken(append, delta, create) == []


def test_only_audio_may_be_shortened() -> None:
    append = {"type": "input_audio_buffer.append", "audio": "data:audio/wav;base64,AAAA"}
    assert broken(append, {"type": "response.done", "response": "<response>"}) == [(1, "schema"), (2, "schema")]
    text = {"type": "response.output_text.delta", "delta": "...", **PLACE}
    whole = {"type": "response.output_text.done", "text": "", **PLACE}
    part = {"type": "response.content_part.added", "part": {"type": "text", "text": ""}, **PLACE}
    assert broken(CREATED, RESPONSE, OPENED, part, text, whole) == [(6, "deltas-joined")]


def test_half_an_emoji_and_deep_nesting() -> None:
    text = b'{"type": "response.output_text.delta", "delta": "\\ud83d", %s' % json.dumps(PLACE)[1:].encode()
    assert broken(CREATED, RESPONSE, OPENED, text) == [(4, "content-part-added-first")]
    deep: Any = {}
    for _ in range(300):
        deep = {"a": deep}
    assert broken(CREATED, {"type": "x", "deep": deep}) == [(2, "schema")]
    deepest = b'{"type": "x", "a": %s1%s}' % (b'{"a": ' * 1015, b"}" * 1015)
    assert broken(CREATED, deepest) == [(2, "schema")]


# ---- types that the dialect does not have ----


def test_unknown_types_are_counted_and_strictly_breaches() -> None:
    events = [CREATED, {"type": "session.telepathy"}, {"type": "session.telepathy"}, {"type": "ping"}]
    validation, breaches = judged(*events)
    assert breaches == []
    assert {name: (found.count, found.line) for name, found in validation.unknown.items()} == {
        "session.telepathy": (2, 2),
        "ping": (1, 4),
    }
    assert broken(*events, strict=True) == [(2, "unknown-type"), (3, "unknown-type"), (4, "unknown-type")]


def test_what_the_other_side_says_is_said_so() -> None:
    sent = [line(event, dir="sent") for event in ({"type": "session.update", "session": {}}, {"type": "error"})]
    got = [line(event, dir="received") for event in (CREATED, RESPONSE)]
    validation, _ = judged(*got, *sent)
    assert validation.unknown["error"].reason == "error is nothing that a client says"


def test_a_session_that_was_recorded_by_the_server() -> None:
    client = [line({"type": "response.create"}, dir="received")]
    server = [line(event, dir="sent") for event in (CREATED, RESPONSE, RESPONSE)]
    assert broken(*server[:1], *client, *server[1:])[0] == (4, "event-id-unique")


def test_unknown_types_without_end_are_counted_together() -> None:
    validation, _ = judged(CREATED, *({"type": f"x{n}"} for n in range(1010)))
    assert len(validation.unknown) == 1001
    assert validation.unknown[""].count == 10


def test_an_event_that_may_lack_what_it_is_about() -> None:
    added = {"type": "response.output_item.added", "response_id": "r", "output_index": 0}
    validation, breaches = judged(added, dialect="azure-voicelive", strict=True)
    assert (breaches, validation.unknown) == ([], {})


# ---- sessions ----


def test_a_close_ends_a_session() -> None:
    close = line({"code": 1000}, kind="close", dir="received")
    validation, breaches = judged(CREATED, RESPONSE, close, CREATED, RESPONSE, close, RESPONSE)
    assert validation.sessions == 3
    assert [(breach.line, breach.rule) for breach in breaches] == [(7, "session-created-first")]


def test_recordings_put_behind_each_other_are_sessions_of_their_own() -> None:
    other = {**CREATED, "session": {"id": "sess_2"}}
    validation, breaches = judged(CREATED, RESPONSE, other, RESPONSE)
    assert (validation.sessions, breaches) == (2, [])
    assert broken(CREATED, RESPONSE, CREATED) == [(3, "event-id-unique")]


@pytest.mark.parametrize("missing", [{"type": "response.output_audio.done", **PLACE}])
def test_an_excerpt_lacks_nothing(missing: dict[str, Any]) -> None:
    update = {"type": "session.update", "session": {}}
    error = {"type": "error", "error": {"message": "m"}}
    assert broken(missing) == broken(update, missing) == broken(error, missing) == []
    first = [(2, "response-created-first")]
    assert broken(CREATED, missing) == first
    assert broken(update, error, CREATED, missing) == [(4, "response-created-first")]
    assert broken({"type": "transcription_session.created", "session": {}}, missing, dialect="beta") == first


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "realtime", "<1 bytes>", "item_1"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "id", "item", "content", "session", "audio", "delta"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
ODD_EVENT = st.fixed_dictionaries(
    {"type": st.sampled_from([*SERVER_EVENTS, "response.audio.delta", "ping", ""])},
    optional=dict.fromkeys(("event_id", "session", "response", "item", "part", "delta", *PLACE), JSON),
)


@given(st.lists(ODD_EVENT | JSON, max_size=6), st.sampled_from([None, *DIALECTS]), st.booleans())
@settings(max_examples=scaled(100))
def test_nothing_in_a_recording_makes_it_fail(lines: list[Any], dialect: "str | None", strict: bool) -> None:
    for breach in judged(*lines, dialect=dialect, strict=strict)[1]:
        assert breach.rule in STATEMENTS
        assert breach.reason


def test_every_rule_has_its_statement() -> None:
    assert list(STATEMENTS) == ["schema", "unknown-type", *(rule.name for rule in RULES)]


# ---- the dialect ----

FLAT = {"modalities": ["text", "audio"], "voice": "alloy", "input_audio_format": "pcm16", "temperature": 0.8}
GUESSES: "list[tuple[str, list[dict[str, Any]]]]" = [
    ("ga", []),
    ("ga", [{"type": "input_audio_buffer.append", "audio": "AAAA"}]),
    ("ga", [CREATED]),
    ("ga", [{"type": "response.output_text.delta", "delta": "a", **PLACE}]),
    ("ga", [{"type": "conversation.item.created", "item": ITEM}, {"type": "response.output_audio.done", **PLACE}]),
    ("ga", [{"type": "session.update", "session": {"type": "realtime", "voice": "ash"}}, {"type": "response.create"}]),
    ("ga-transcription", [{"type": "session.update", "session": {"type": "transcription", "audio": {}}}]),
    ("ga-translation", [{"type": "session.created", "session": {"type": "translation"}}]),
    ("ga-translation", [{"type": "session.input_audio_buffer.append", "audio": "AAAA"}]),
    ("ga-translation", [{"type": "session.output_transcript.delta", "delta": "a"}]),
    ("beta", [{"type": "session.created", "session": FLAT}]),
    ("beta", [{"type": "response.audio.delta", "delta": "AAAA", **PLACE}]),
    ("beta", [{"type": "transcription_session.update", "session": {"input_audio_format": "pcm16"}}]),
    ("beta", [{"type": "output_audio_buffer.audio_started", "response_id": "r"}]),
    ("beta", [{"type": "response.create", "response": {"modalities": ["text"]}}]),
    ("azure-voicelive", [{"type": "session.update", "session": {**FLAT, "input_audio_sampling_rate": 16000}}]),
    ("azure-voicelive", [{"type": "session.update", "session": {**FLAT, "voice": {"type": "azure-standard"}}}]),
    ("azure-voicelive", [{"type": "session.update", "session": {"turn_detection": {"type": "azure_semantic_vad"}}}]),
    ("azure-voicelive", [{"type": "session.avatar.connect", "client_sdp": "s"}]),
    ("azure-voicelive", [{"type": "response.audio.done", **PLACE}, {"type": "warning", "warning": {}}]),
    ("xai", [{"type": "ping", "timestamp": 1}]),
    ("xai", [{"type": "session.created", "session": {"voice": "ara", "model": "grok-voice-latest"}}]),
    ("xai", [{"type": "response.done", "response": {"status_details": "unimplemented"}}]),
    ("xai", [{"type": "session.update", "session": {"voice": "ara", "audio": {"input": {}}}}]),
    ("qwen", [{"type": "session.created", "session": {**FLAT, "model": "qwen3-omni-flash-realtime"}}]),
    ("qwen", [{"type": "session.update", "session": {**FLAT, "output_audio_format": "pcm24"}}]),
    ("qwen", [{"type": "session.update", "session": {**FLAT, "smooth_output": True}}]),
    ("qwen", [{"type": "input_image_buffer.append", "image": "AAAA"}]),
    ("localai", [{"type": "conversation.item.sound_detection", "item_id": "u", "detections": []}]),
    ("localai", [{"type": "session.update", "session": {"type": "realtime", "localai_classifier": {}}}]),
    ("unmute", [{"type": "session.update", "session": {"voice": "v", "allow_recording": False}}]),
    ("unmute", [{"type": "response.audio.delta", "delta": "AAAA"}, {"type": "unmute.interrupted_by_vad"}]),
    ("unmute", [{"type": "session.updated", "session": {"instructions": {"type": "constant", "text": "x"}}}]),
    ("vllm", [{"type": "session.update", "model": "m"}]),
    ("vllm", [{"type": "transcription.delta", "delta": "a"}]),
    ("vllm", [{"type": "input_audio_buffer.commit", "final": True}]),
]


@pytest.mark.parametrize(("name", "events"), GUESSES, ids=lambda value: value if isinstance(value, str) else "")
def test_the_dialect_is_guessed(name: str, events: list[dict[str, Any]]) -> None:
    found = guess(enumerate(map(Record, events), 1))
    assert found.dialect == name
    assert (found.line is None) == (found.sign is None)


def test_every_dialect_is_guessed_from_something() -> None:
    assert {name for name, _ in GUESSES} == set(DIALECTS)
    assert all(sign.dialects <= set(DIALECTS) for sign in SIGNS)


# ---- the command ----


def run(*arguments: str, typed: bytes = b"") -> Done:
    return commands.run("validate", *arguments, typed=typed)


def written(directory: Path, lines: Iterable[bytes]) -> str:
    path = directory / "session.jsonl"
    path.write_bytes(b"".join(lines))
    return str(path)


def test_a_session_that_breaks_nothing(tmp_path: Path) -> None:
    path = written(tmp_path, [line(CREATED), b"\r\n", line({"type": "x"}), line({"type": "x"})])
    done = run(path)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "note: x is no event type of the dialect ga (2 times, first on line 3)",
        "no breaches: 3 events in 1 session, dialect ga (guessed from session.type realtime on line 1; "
        "--dialect decides otherwise)",
    ]


def test_every_breach_is_a_line(tmp_path: Path) -> None:
    path = written(tmp_path, [line(CREATED), line(RESPONSE), line(RESPONSE), b'{"type": "resp'])
    done = run(path, "--dialect", "ga")
    assert done.exit_code == 1
    first, second, cut, last = done.stdout.splitlines()
    reason = "response.created has the event_id 'event_2' of an earlier event"
    assert first == f"{path}:3: response.created: event-id-unique: {reason}"
    assert second.startswith(f"{path}:3: response.created: response-created-once: ")
    assert cut.startswith(f"{path}:4: (no type): schema: the line is not JSON: ")
    assert last == "3 breaches: 3 events in 1 session, dialect ga"


def test_one_machine_readable_object(tmp_path: Path) -> None:
    path = written(tmp_path, [line(CREATED), line({"type": "x"}), line({"type": "response.done"}), b"{\n"])
    done = run(path, "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    breaches = told.pop("breaches")
    unknown = {"x": {"count": 1, "line": 2}}
    counts = {"events": 3, "sessions": 1, "unknown": unknown}
    assert told == {"file": path, "dialect": "ga", "guessed": True, **counts}
    assert breaches[0] == {
        "line": 3,
        "type": "response.done",
        "rule": "schema",
        "reason": "response is missing",
        "param": "response",
        "code": "missing_required_parameter",
    }
    assert [breach["line"] for breach in breaches] == [3, 4]


def test_strict_and_standard_input() -> None:
    typed = b"\xef\xbb\xbf" + line(CREATED) + line({"type": "x"})
    done = run("-", "--strict", typed=typed)
    assert done.exit_code == 1
    assert done.stdout.startswith("standard input:2: x: unknown-type: x is no event type of the dialect ga\n1 breach: ")
    assert run("-", typed=typed).exit_code == 0
    nothing = run("-", typed=line({"type": "session.update", "session": {}}))
    assert nothing.stdout.startswith("no breaches: 1 event in 1 session, dialect ga (a guess, as nothing tells;")


def test_nothing_out_of_a_recording_moves_the_cursor(tmp_path: Path) -> None:
    done = run(written(tmp_path, [line({"type": "\x1b[2J" + "x" * 200})]), "--strict")
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    assert "x" * 100 not in done.stdout


@pytest.mark.parametrize(
    ("content", "line_of_error"),
    [
        (b"", "is empty: give a recording, one JSON object a line"),
        (b"\n \n", "is empty: give a recording, one JSON object a line"),
        (b"hello\nworld\n", "holds no events: a recording has one JSON object a line"),
        (b"RIFF\x00\x00", "is not text; a recording has one JSON object a line"),
        ("{}".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        (b'[{"type": "x"}]', "is one JSON array; make it one event a line: jq -c '.[]'"),
    ],
)
def test_what_is_no_recording_gets_one_line(tmp_path: Path, content: bytes, line_of_error: str) -> None:
    path = written(tmp_path, [content])
    done = run(path)
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", f"rtproto: {path} {line_of_error}\n")
    told = run(path, "--json")
    assert (told.exit_code, json.loads(told.stdout)["status"]) == (2, "failed")


def test_what_cannot_be_read_gets_one_line(tmp_path: Path) -> None:
    missing = run(str(tmp_path / "nothing.jsonl"))
    assert (missing.exit_code, missing.stderr.count("\n")) == (2, 1)
    assert missing.stderr.endswith("nothing.jsonl: no such file or directory\n")
    assert run(str(tmp_path)).stderr == f"rtproto: {tmp_path} is a directory; give a file in it\n"
    (tmp_path / "events.jsonl").touch()
    hint = f"rtproto: {tmp_path} is a directory; give {tmp_path / 'events.jsonl'}\n"
    assert (run(str(tmp_path)).stderr, run(str(tmp_path)).exit_code) == (hint, 2)


def test_a_dialect_there_is_not_gets_one_line(tmp_path: Path) -> None:
    done = run(written(tmp_path, [line(CREATED)]), "--dialect", "latin")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("rtproto: there is no dialect 'latin'; choose one of ga, ")


def test_the_rules_are_listed() -> None:
    done = run("--rules")
    assert done.exit_code == 0
    assert [row.split()[0] for row in done.stdout.splitlines()] == ["rule", *STATEMENTS]


def test_a_line_without_end_is_told_and_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("rtproto._recording", "rtproto_cli._validate"):
        monkeypatch.setattr(f"{module}.MAX_LINE", 1000)
    path = written(tmp_path, [line(CREATED), b"x" * 5000 + b"\n", line({"type": "response.done"}), b"x" * 2002])
    told = run(path).stdout.splitlines()
    assert [row.removeprefix(path).split(":")[1] for row in told[:3]] == ["2", "3", "4"]


def test_reading_that_fails_in_the_middle_ends_the_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def readline(self, size: "int | None" = -1, /) -> bytes:
            if self.tell() > 50_000:
                raise OSError(5, "")
            return super().readline(size)

    path = tmp_path / "session.jsonl"
    path.touch()
    monkeypatch.setattr(Path, "open", lambda *_: Failing(line({"type": "response.create"}) * 2000))
    done = run(str(path), "--json")
    told, failed = map(json.loads, done.stdout.splitlines())
    assert done.exit_code == 1
    assert (told["events"], failed["status"]) == (50_001 // 28 + 1, "failed")
    assert done.stderr == f"rtproto: cannot read {path}: input/output error\n"


def test_a_terminal_gets_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    done = run(written(tmp_path, [line({"type": "response.done"})]))
    assert "\x1b[31mschema\x1b[0m" in done.stdout


def test_the_command_in_a_pipe_that_closes(tmp_path: Path) -> None:
    path = written(tmp_path, [line({"type": "response.done"})] * 20_000)
    command = [sys.executable, "-m", "rtproto_cli", "validate", path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
