"""`rtproto stream` as a user runs it, against servers that answer, refuse, fall silent and leave (rtproto_cli).

Each kind of end is seen at least once from outside, in a process (`run_outside()`, `command()`); the rest runs here.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import rtproto_emulator
import rtproto_sync
from programs import Ended, run_here, run_process
from rtproto_cli.__main__ import main
from rtproto_emulator import Settings

from rtproto import events

QUESTION = Path(__file__).resolve().parents[2] / "test_data" / "question.wav"
TRANSPORTS = ["asyncio", "trio", "sync"]
SESSION = events.RealtimeSession(id="sess_1")
PLACE: Any = {"response_id": "resp_1", "item_id": "item_2", "output_index": 0, "content_index": 0}
Script = Callable[["rtproto_sync.ServerStream"], None]


@contextmanager
def server(script: Script) -> Iterator[str]:
    """A realtime server that does what `script` says, until the client leaves; gives its URL."""

    def handle(rt: rtproto_sync.ServerStream) -> None:
        script(rt)
        for _ in rt:
            pass

    with rtproto_sync.serve(handle, "127.0.0.1", 0) as running:
        yield f"ws://127.0.0.1:{running.port}/v1/realtime?model=m"


def start_session(rt: rtproto_sync.ServerStream) -> None:
    rt.accept()
    rt.send(events.SessionCreated(event_id="event_1", session=SESSION))
    until(rt, events.SessionUpdate)
    rt.send(events.SessionUpdated(event_id="event_2", session=SESSION))


def until(rt: rtproto_sync.ServerStream, cls: type) -> None:
    for event in rt:
        if isinstance(event, cls):
            return


def answer(rt: rtproto_sync.ServerStream, *, done: bool = True) -> None:
    rt.send(events.ResponseCreated(event_id="event_3", response=events.RealtimeResponse(id="resp_1")))
    for n, word in enumerate(["It", " is", " sunny."]):
        rt.send(events.ResponseOutputAudioTranscriptDelta(event_id=f"event_4{n}", delta=word, **PLACE))
        rt.send(events.ResponseOutputAudioDelta(event_id=f"event_5{n}", delta=bytes(24_000), **PLACE))
    if done:
        response = events.RealtimeResponse(id="resp_1", status="completed")
        rt.send(events.ResponseDone(event_id="event_6", response=response))


def push_to_talk(rt: rtproto_sync.ServerStream) -> None:
    start_session(rt)
    until(rt, events.ResponseCreate)
    answer(rt)


def environ(**more: str) -> "dict[str, str]":
    """Ours, without what configures a server."""
    clean = {name: value for name, value in os.environ.items() if "OPENAI" not in name}
    return {**clean, "COLUMNS": "200", **more}


def command(*arguments: str) -> "list[str]":
    return [sys.executable, "-m", "rtproto_cli", "stream", *arguments]


def start(*arguments: str, cwd: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command(*arguments), cwd=cwd, env=environ(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(*arguments: str, cwd: Path, **variables: str) -> Ended:
    return run_here(main, ["rtproto", "stream", *arguments], cwd=cwd, environ=environ(**variables))


def run_outside(*arguments: str, cwd: Path, **variables: str) -> Ended:
    ended = run_process(command(*arguments), cwd=cwd, environ=environ(**variables))
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended


def seconds_of(path: Path) -> float:
    with wave.open(str(path), "rb") as wav:
        return float(wav.getnframes() / wav.getframerate())


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_reply_is_shown_and_kept(tmp_path: Path, transport: str) -> None:
    with server(push_to_talk) as url:
        ended = run_outside(
            str(QUESTION), "--url", url, "--no-vad", "--no-pace", "--transport", transport, cwd=tmp_path
        )
    assert ended.returncode == 0
    assert ended.stdout == "It is sunny.\n"
    assert "question-reply" in ended.stderr
    directory = tmp_path / "question-reply"
    assert seconds_of(directory / "reply.wav") == 1.5
    assert (directory / "transcript.txt").read_text() == "It is sunny.\n"
    log = [json.loads(line) for line in (directory / "events.jsonl").read_text().splitlines()]
    assert [line["event"]["type"] for line in log if line["dir"] == "sent"][-2:] == [
        "input_audio_buffer.commit",
        "response.create",
    ]
    appended = [line["event"]["audio"] for line in log if line["event"]["type"] == "input_audio_buffer.append"]
    assert set(appended[:-1]) == {"<960 bytes>"}
    assert log[-1]["event"]["type"] == "response.done"
    assert [line["t"] for line in log] == sorted(line["t"] for line in log)


def test_qwen_hears_16_khz(tmp_path: Path) -> None:
    with rtproto_emulator.start(settings=Settings(pace=20.0)) as emulator:
        url = emulator.url.replace("/v1/realtime", "/api-ws/v1/realtime")
        ended = run(str(QUESTION), "--url", url, "--no-vad", "--no-pace", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "I heard 1.5 seconds of speech.\n"
    log = (tmp_path / "question-reply" / "events.jsonl").read_text()
    assert '"<640 bytes>"' in log
    assert seconds_of(tmp_path / "question-reply" / "reply.wav") == pytest.approx(2.8, abs=0.1)


def test_one_json_object_tells_the_result(tmp_path: Path) -> None:
    with server(push_to_talk) as url:
        ended = run(str(QUESTION), "--url", url, "--no-vad", "--no-pace", "--json", "--to", "here/there", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    result = json.loads(ended.stdout)
    assert (result["status"], result["text"], result["audio_ms"]) == ("completed", "It is sunny.", 1500)
    assert result["sent_ms"] == pytest.approx(2843, abs=5)
    assert result["responses"] == [{"id": "resp_1", "status": "completed", "text": "It is sunny."}]
    assert (tmp_path / result["files"]["reply.wav"]).is_file()
    assert Path(result["files"]["reply.wav"]).parent == Path("here/there")


def test_two_at_once_keep_apart(tmp_path: Path) -> None:
    with server(push_to_talk) as url:
        both = [start(str(QUESTION), "--url", url, "--no-vad", "--no-pace", cwd=tmp_path) for _ in range(2)]
        outs = [process.communicate(timeout=40) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert [out for out, _ in outs] == ["It is sunny.\n"] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["question-reply", "question-reply-2"]
    assert [seconds_of(path / "reply.wav") for path in tmp_path.iterdir()] == [1.5, 1.5]


@pytest.mark.parametrize(
    ("transport", "status", "hint"),
    [
        *((transport, 401, "the key is wrong") for transport in TRANSPORTS),
        ("asyncio", 404, "the address is wrong"),
        ("trio", 429, "wait 7 s"),
        ("sync", 500, "is this a realtime server?"),
    ],
)
def test_a_refusal_gets_one_line(tmp_path: Path, transport: str, status: int, hint: str) -> None:
    def refuse(rt: rtproto_sync.ServerStream) -> None:
        rt.reject(status, [("Retry-After", "7")] if status == 429 else [], b"sk-secret is wrong")

    with server(refuse) as url:
        ended = run(str(QUESTION), "--url", url, "--transport", transport, cwd=tmp_path, OPENAI_API_KEY="sk-secret")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.strip().splitlines()) == 1
    assert f"HTTP {status}" in ended.stderr
    assert hint in ended.stderr
    assert "secret" not in ended.stderr
    assert list(tmp_path.iterdir()) == []


@contextmanager
def plain_socket(reply: "bytes | None") -> Iterator[str]:
    """A server that is none: it says `reply` to anything, or nothing at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []

        def serve() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                held.append(peer)
                if reply is not None:
                    peer.recv(65536)
                    peer.sendall(reply)
                    peer.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/realtime"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for peer in held:
                peer.close()


@pytest.mark.parametrize(
    ("transport", "reply"),
    [
        ("asyncio", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        ("trio", b"SSH-2.0-OpenSSH_9.2\r\n"),
        ("sync", b""),
        *((transport, None) for transport in TRANSPORTS),
    ],
    ids=["a web page", "ssh", "nothing but an end", *(f"nothing over {transport}" for transport in TRANSPORTS)],
)
def test_what_is_no_websocket_gets_one_line(tmp_path: Path, transport: str, reply: "bytes | None") -> None:
    with plain_socket(reply) as url:
        ended = run(str(QUESTION), "--url", url, "--transport", transport, "--timeout", "0.5", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "127.0.0.1" in ended.stderr


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_port_where_nobody_listens_gets_one_line(tmp_path: Path, transport: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    started = run_outside if transport == "asyncio" else run
    ended = started(str(QUESTION), "--url", f"ws://127.0.0.1:{port}", "--transport", transport, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.strip().splitlines()) == 1
    assert f"127.0.0.1:{port}" in ended.stderr


def silent(rt: rtproto_sync.ServerStream) -> None:
    rt.accept()


def silent_after_the_upload(rt: rtproto_sync.ServerStream) -> None:
    start_session(rt)
    until(rt, events.ResponseCreate)


def leaves(rt: rtproto_sync.ServerStream) -> None:
    start_session(rt)
    until(rt, events.ResponseCreate)
    answer(rt, done=False)
    rt.close(1001, "maximum duration")


def refuses_the_session(rt: rtproto_sync.ServerStream) -> None:
    rt.accept()
    rt.send(events.SessionCreated(event_id="event_1", session=SESSION))
    until(rt, events.SessionUpdate)
    error = events.RealtimeError(message="Invalid voice 'x'.", param="session.audio.output.voice")
    rt.send(events.ErrorEvent(event_id="event_2", error=error))


@pytest.mark.parametrize(
    ("transport", "script", "line"),
    [
        ("asyncio", silent, "said nothing for 1 s while we waited for the server's session.created"),
        ("sync", silent_after_the_upload, "said nothing for 1 s while we waited for the reply"),
        ("trio", refuses_the_session, "refused the session: Invalid voice 'x'. (session.audio.output.voice)"),
        *(
            (transport, leaves, "ended the session (code 1001: maximum duration) while we waited for the reply")
            for transport in TRANSPORTS
        ),
    ],
)
def test_a_session_that_goes_wrong_gets_one_line(tmp_path: Path, transport: str, script: Script, line: str) -> None:
    with server(script) as url:
        how = ["--url", url, "--transport", transport, "--timeout", "1", "--no-vad", "--no-pace", "--json"]
        ended = run(str(QUESTION), *how, cwd=tmp_path)
    assert ended.returncode == 1
    assert len(ended.stderr.strip().splitlines()) == 1
    assert line in ended.stderr
    assert json.loads(ended.stdout) == {"status": "failed", "error": ended.stderr.strip().removeprefix("rtproto: ")}


def test_a_file_in_which_the_server_hears_no_speech(tmp_path: Path) -> None:
    def deaf(rt: rtproto_sync.ServerStream) -> None:
        start_session(rt)

    with server(deaf) as url:
        ended = run(str(QUESTION), "--url", url, "--no-pace", "--timeout", "1", cwd=tmp_path)
    assert ended.returncode == 1
    assert "heard no speech" in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send to one process")
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_ctrl_c_keeps_what_arrived(tmp_path: Path, transport: str) -> None:
    answered = threading.Event()

    def never_done(rt: rtproto_sync.ServerStream) -> None:
        start_session(rt)
        until(rt, events.ResponseCreate)
        answer(rt, done=False)
        answered.set()

    with server(never_done) as url:
        arguments = [str(QUESTION), "--url", url, "--no-vad", "--no-pace", "--transport", transport]
        with start(*arguments, cwd=tmp_path) as process:
            try:
                assert answered.wait(30)
                wait_for(lambda: "sunny." in (tmp_path / "question-reply" / "events.jsonl").read_text())
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=20)
            finally:
                process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "stopped; 1.5 s of speech" in err
    assert seconds_of(tmp_path / "question-reply" / "reply.wav") == 1.5
    assert (tmp_path / "question-reply" / "transcript.txt").read_text() == "It is sunny.\n"
    assert out == "It is sunny.\n"


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere.wav"], "nowhere.wav"),
        (["."], "folder"),
        (["text.wav"], "text.wav"),
        (["empty.wav"], "empty.wav"),
        ([str(QUESTION), "--provider", "azure"], "AZURE_OPENAI_ENDPOINT is not set"),
        ([str(QUESTION), "--provider", "openai"], "OPENAI_API_KEY is not set"),
        ([str(QUESTION), "--url", "http//x"], "http//x"),
        ([str(QUESTION), "--url", "ws://localhost", "--provider", "local"], "give one of them"),
        ([str(QUESTION), "--timeout", "0"], "timeout"),
    ],
)
def test_what_is_given_wrong_gets_status_2(tmp_path: Path, arguments: list[str], line: str) -> None:
    (tmp_path / "text.wav").write_text("not audio")
    (tmp_path / "empty.wav").write_bytes(b"")
    ended = run(*arguments, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert line in ended.stderr


def test_what_is_given_wrong_gets_status_2_outside(tmp_path: Path) -> None:
    ended = run_outside("nowhere.wav", cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "nowhere.wav" in ended.stderr


def test_a_place_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with server(push_to_talk) as url:
        ended = run(str(QUESTION), "--url", url, "--to", "taken", "--timeout", "5", cwd=tmp_path)
    assert ended.returncode == 2
    assert "cannot write to taken" in ended.stderr
    assert (tmp_path / "taken").read_text() == "a file"


def test_a_dot_env_file_configures_and_the_environment_wins(tmp_path: Path) -> None:
    seen: list[str] = []

    def note(rt: rtproto_sync.ServerStream) -> None:
        seen.extend(value for name, value in rt.requested.headers if name.lower() == "authorization")
        rt.reject(401)

    with server(note) as url:
        base = url.split("/realtime")[0]
        (tmp_path / ".env").write_text(f"OPENAI_API_KEY=sk-file\nOPENAI_BASE_URL={base}\n")
        assert run_outside(str(QUESTION), cwd=tmp_path).returncode == 1
        assert run(str(QUESTION), cwd=tmp_path, OPENAI_API_KEY="sk-env").returncode == 1
    assert seen == ["Bearer sk-file", "Bearer sk-env"]
