"""How `rtproto stream` ends when its surroundings fail: in one line that names what failed (rtproto_cli)."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import rtproto_sync
from programs import Ended, run_here, run_process
from rtproto_cli import _turn
from rtproto_cli.__main__ import main
from rtproto_cli._fatal import Fatal, system_reason
from rtproto_cli._job import Job

from rtproto import events

QUESTION = Path(__file__).resolve().parents[2] / "test_data" / "question.wav"
TRANSPORTS = ["asyncio", "trio", "sync"]
SESSION = events.RealtimeSession(id="sess_1")
PLACE: Any = {"response_id": "resp_1", "item_id": "item_2", "output_index": 0, "content_index": 0}
ENVIRON = {**{name: value for name, value in os.environ.items() if "OPENAI" not in name}, "COLUMNS": "200"}
Script = Callable[["rtproto_sync.ServerStream"], None]
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals, devices or shells")


@contextmanager
def server(script: Script) -> Iterator[str]:
    """A server that begins a session, does what `script` says, and listens until the client leaves; gives its URL."""

    def handle(rt: rtproto_sync.ServerStream) -> None:
        rt.accept()
        rt.send(events.SessionCreated(event_id="event_1", session=SESSION))
        until(rt, events.SessionUpdate)
        rt.send(events.SessionUpdated(event_id="event_2", session=SESSION))
        script(rt)
        for _ in rt:
            pass

    with rtproto_sync.serve(handle, "127.0.0.1", 0) as running:
        yield f"ws://127.0.0.1:{running.port}/v1/realtime?model=m"


def until(rt: rtproto_sync.ServerStream, cls: type) -> None:
    for event in rt:
        if isinstance(event, cls):
            return


def listen(rt: rtproto_sync.ServerStream) -> None:
    """Says nothing more."""


def answer_with(text: str) -> Script:
    def script(rt: rtproto_sync.ServerStream) -> None:
        until(rt, events.ResponseCreate)
        rt.send(events.ResponseCreated(event_id="event_3", response=events.RealtimeResponse(id="resp_1")))
        delta = {"type": "response.output_audio_transcript.delta", "event_id": "event_4", "delta": text, **PLACE}
        rt.send_raw(json.dumps(delta))
        rt.send(events.ResponseOutputAudioDelta(event_id="event_5", delta=bytes(24_000), **PLACE))
        response = events.RealtimeResponse(id="resp_1", status="completed")
        rt.send(events.ResponseDone(event_id="event_6", response=response))

    return script


def run(*arguments: str, cwd: Path) -> Ended:
    return run_here(main, ["rtproto", "stream", *arguments], cwd=cwd, environ=ENVIRON)


def program(*arguments: str) -> "list[str]":
    return [sys.executable, "-m", "rtproto_cli", "stream", *arguments]


def run_code(code: str, *arguments: str, cwd: Path) -> Ended:
    """Runs Python code, which gets Ctrl-C even where the tests were started in the background."""
    listening = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{code}"
    return run_process([sys.executable, "-c", listening, *arguments], cwd=cwd, environ=ENVIRON)


def an_hour(path: Path) -> None:
    path.write_bytes(b"")
    os.truncate(path, 48_000 * 3600)


def one_line(ended: Ended, status: int) -> str:
    assert (ended.returncode, len(ended.stderr.splitlines())) == (status, 1), ended.stderr
    assert ended.stderr.startswith("rtproto: ")
    return ended.stderr.removeprefix("rtproto: ").strip()


# ---- the file ----


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_file_that_is_cut_off(tmp_path: Path, transport: str) -> None:
    (tmp_path / "cut.wav").write_bytes(QUESTION.read_bytes()[:20_000])
    with server(listen) as url:
        how = ["--url", url, "--transport", transport, "--no-pace", "--to", "reply"]
        ended = run("cut.wav", *how, cwd=tmp_path)
    assert "cannot read cut.wav: only 0.42 s of 2.84 s are readable" in one_line(ended, 2)
    assert "session.updated" in (tmp_path / "reply" / "events.jsonl").read_text()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_whatever_fails_in_the_uploader_ends_the_run(tmp_path: Path, transport: str) -> None:
    def fail(self: Job, event: object) -> None:
        if isinstance(event, events.InputAudioBufferAppend):
            raise Fatal("the uploader failed", 1)

    with server(listen) as url, mock.patch.object(Job, "sent", fail):
        ended = run(str(QUESTION), "--url", url, "--transport", transport, cwd=tmp_path)
    assert one_line(ended, 1) == "the uploader failed"


def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "mine.wav").write_bytes(QUESTION.read_bytes())
    refused = PermissionError(13, "Permission denied")
    # The tests may run as root, who may read anything.
    with mock.patch("os.access", return_value=False), mock.patch("builtins.open", side_effect=refused):
        ended = run("mine.wav", cwd=tmp_path)
    assert one_line(ended, 2) == "cannot read mine.wav: permission denied; check who may use the file"


def test_a_turn_longer_than_the_embedded_server_takes(tmp_path: Path) -> None:
    an_hour(tmp_path / "long.raw")
    ended = run("long.raw", "--provider", "local", "--no-vad", "--no-pace", cwd=tmp_path)
    assert "the file has 3600 s, and the embedded server takes 600 s in one turn" in one_line(ended, 2)


# ---- the surroundings ----


def test_a_dot_env_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"OPENAI_API_KEY=\xff\n")
    assert "cannot read .env: it is not UTF-8" in one_line(run(str(QUESTION), cwd=tmp_path), 2)


def test_a_dot_env_file_that_may_not_be_read(tmp_path: Path) -> None:
    with mock.patch("rtproto_cli._server.dotenv_values", side_effect=PermissionError(13, "Permission denied")):
        ended = run(str(QUESTION), cwd=tmp_path)
    assert "cannot read .env: permission denied" in one_line(ended, 2)


@pytest.mark.parametrize(
    ("missing", "arguments", "advice"),
    [
        ("aiohttp", ["--url", "ws://127.0.0.1:1"], "pip install 'rtproto[aiohttp]'"),
        ("trio", ["--url", "ws://127.0.0.1:1", "--transport", "trio"], "pip install 'rtproto[trio]'"),
        ("aiohttp", ["--transport", "sync", "--provider", "local"], "pip install 'rtproto[cli,emulator]'"),
        ("soundfile", [], "pip install 'rtproto[cli,emulator]'"),
    ],
)
def test_an_extra_that_is_missing(tmp_path: Path, missing: str, arguments: "list[str]", advice: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from rtproto_cli.__main__ import main; main()"
    ended = run_code(code, "stream", str(QUESTION), *arguments, cwd=tmp_path)
    line = one_line(ended, 1 if missing == "soundfile" else 2)
    assert missing in line
    assert advice in line


@posix
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    (tmp_path / "reply").mkdir()
    (tmp_path / "reply" / "events.jsonl").symlink_to("/dev/full")
    with server(answer_with("Hello")) as url:
        ended = run(str(QUESTION), "--url", url, "--no-vad", "--no-pace", "--to", "reply", cwd=tmp_path)
    assert "cannot write reply/events.jsonl: the disk is full" in one_line(ended, 1)


@posix
@pytest.mark.parametrize(
    ("shell", "status", "line"),
    [
        ('"$@" > /dev/full', 1, "cannot write to standard output: no space left on device"),
        ('"$@" --json > /dev/full', 1, "cannot write to standard output: no space left on device"),
        ('"$@" >&-', 1, "standard output is closed"),
        ('{ "$@"; echo "status $?" >&2; } | true', 0, "status 1"),
        ('"$@" 2> /dev/full', 1, ""),
    ],
    ids=["full", "full, as JSON", "closed", "a reader that leaves", "nowhere to complain"],
)
def test_output_that_goes_nowhere(tmp_path: Path, shell: str, status: int, line: str) -> None:
    with server(answer_with("Hello")) as url:
        command = ["sh", "-c", shell, "sh", *program(str(QUESTION), "--url", url, "--no-vad", "--no-pace")]
        done = subprocess.run(command, cwd=tmp_path, env=ENVIRON, capture_output=True, timeout=50, check=False)
    err = done.stderr.decode()
    assert (done.returncode, done.stdout) == (status, b"Hello\n" if shell.endswith("2> /dev/full") else b"")
    assert len(err.splitlines()) == (1 if line else 0), err
    assert line in err


# ---- what the server says ----


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_half_a_character(tmp_path: Path, encoding: str, as_json: bool) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    with server(answer_with("caf\u00e9 \ud83d")) as url:
        how = ["--url", url, "--no-vad", "--no-pace", "--to", "r\u00e9ply", *(["--json"] if as_json else [])]
        with (
            mock.patch("programs.StringIO", side_effect=[out, io.StringIO()]),
            mock.patch.object(out, "getvalue", str, create=True),
        ):
            ended = run(str(QUESTION), *how, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    out.seek(0)
    said = out.read()
    if as_json:
        assert json.loads(said)["text"] == "caf\u00e9 \ud83d"
    else:
        assert said.splitlines() == ["caf\u00e9 \\ud83d" if encoding == "utf-8" else "caf\\xe9 \\ud83d"]
    reply = tmp_path / "r\u00e9ply"
    assert (reply / "transcript.txt").read_text("utf-8") == "caf\u00e9 \\ud83d\n"
    log = [json.loads(line) for line in (reply / "events.jsonl").read_text("utf-8").splitlines()]
    assert "caf\u00e9 \ud83d" in [line["event"].get("delta") for line in log]


def test_a_server_that_talks_without_end(tmp_path: Path) -> None:
    with server(answer_with("too long")) as url, mock.patch.object(_turn, "MAX_TEXT", 10):
        ended = run(str(QUESTION), "--url", url, "--no-vad", "--no-pace", "--to", "reply", cwd=tmp_path)
    assert "the server does not stop to speak" in ended.stderr
    assert ended.returncode == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://example.org/\r\nContent-Length: 0\r\n\r\n", "redirects are never"),
        (
            b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: A\r\n\r\n",
            "does not fit the key sent",
        ),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "HTTP 503"),
    ],
    ids=["a redirect", "another's key", "an overload"],
)
def test_why_no_websocket_was_opened(tmp_path: Path, answer: bytes, reason: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                peer.sendall(answer)
                peer.recv(65536)

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}"
        ended = run(str(QUESTION), "--url", url, "--transport", "sync", cwd=tmp_path)
        thread.join()
    assert reason in one_line(ended, 1)


# ---- the user stops it ----


@contextmanager
def started(*arguments: str, cwd: Path) -> "Iterator[subprocess.Popen[str]]":
    def wants_signals() -> None:  # what was started in the background ignores Ctrl-C
        signal.signal(signal.SIGINT, signal.default_int_handler)

    pipe = subprocess.PIPE
    with subprocess.Popen(
        program(*arguments), cwd=cwd, env=ENVIRON, stdout=pipe, stderr=pipe, text=True, preexec_fn=wants_signals
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def stopped(process: "subprocess.Popen[str]", number: int = signal.SIGINT) -> "tuple[str, float]":
    """What it says when it gets a signal, and how long it takes."""
    begin = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert "Traceback" not in err, err
    return err, time.monotonic() - begin


@posix
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_ctrl_c_where_the_server_reads_no_more(tmp_path: Path, transport: str) -> None:
    """Nor does it answer our Close; the upload is in the middle of sending."""
    full, over = threading.Event(), threading.Event()

    def deaf(rt: rtproto_sync.ServerStream) -> None:
        until(rt, events.InputAudioBufferAppend)
        full.set()
        over.wait(40)

    an_hour(tmp_path / "long.raw")
    with server(deaf) as url:
        how = ["--url", url, "--transport", transport, "--no-pace", "--to", "reply"]
        with started("long.raw", *how, cwd=tmp_path) as process:
            try:
                assert full.wait(30)
                time.sleep(0.5)  # its buffers fill; where they have not, the end must be as good
                err, seconds = stopped(process)
            finally:
                over.set()
    assert err == "rtproto: stopped; 0.0 s of speech, the text and every event are in reply\n"
    assert process.returncode == 130
    assert seconds < 8  # 1.3 on an idle machine; a Pong is waited for 20 s


@posix
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_ctrl_c_while_it_connects(tmp_path: Path, transport: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"ws://127.0.0.1:{listener.getsockname()[1]}"
        with started(str(QUESTION), "--url", url, "--transport", transport, cwd=tmp_path) as process:
            peer, _ = listener.accept()
            with peer:
                peer.recv(65536)
                err, _ = stopped(process)
    assert (err, process.returncode) == ("rtproto: stopped; nothing had arrived\n", 130)


@posix
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_ctrl_c_while_it_uploads_as_fast_as_it_can(tmp_path: Path, transport: str) -> None:
    begun = threading.Event()

    def script(rt: rtproto_sync.ServerStream) -> None:
        for number, _ in enumerate(rt):
            if number == 100:
                begun.set()

    an_hour(tmp_path / "long.raw")
    with server(script) as url:
        how = ["--url", url, "--transport", transport, "--no-pace", "--to", "reply"]
        with started("long.raw", *how, cwd=tmp_path) as process:
            assert begun.wait(30)
            err, _ = stopped(process)
    assert err == "rtproto: stopped; 0.0 s of speech, the text and every event are in reply\n"
    assert process.returncode == 130


@posix
def test_sigterm_stops_as_ctrl_c_does(tmp_path: Path) -> None:
    heard = threading.Event()

    def script(rt: rtproto_sync.ServerStream) -> None:
        until(rt, events.InputAudioBufferAppend)
        heard.set()

    with server(script) as url, started(str(QUESTION), "--url", url, "--to", "reply", cwd=tmp_path) as process:
        assert heard.wait(30)
        err, _ = stopped(process, signal.SIGTERM)
    assert "rtproto: stopped; 0.0 s of speech" in err
    assert process.returncode == 143
    assert (tmp_path / "reply" / "transcript.txt").is_file()


@posix
def test_ctrl_c_before_anything_is_loaded(tmp_path: Path) -> None:
    """From the first line of main() on it ends without a word; a signal before that is the interpreter's."""
    code = """
import os, signal, sys
from rtproto_cli.__main__ import main
class Loading:
    def find_spec(self, name, *_):
        if name == "rtproto_cli._job":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Loading())
main()
"""
    ended = run_code(code, "--version", cwd=tmp_path)
    assert ended == Ended(130, "", "")


@posix
def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    code = """
import os, signal
from rtproto_cli._interrupt import Interrupt
with Interrupt() as interrupt:
    os.kill(os.getpid(), signal.SIGINT)
    print("noted", flush=True)
    os.kill(os.getpid(), signal.SIGINT)
    print("never")
"""
    assert run_code(code, cwd=tmp_path) == Ended(130, "noted\n", "")


@pytest.mark.parametrize(
    ("text", "told"),
    [("TLS failed", "TLS failed"), ("Connection refused", "connection refused"), ("a reason", "a reason"), ("X", "x")],
)
def test_a_reason_ends_a_sentence(text: str, told: str) -> None:
    assert system_reason(OSError(text)) == told
