"""The main job: `rtproto stream` on the embedded server, and `rtproto serve` (rtproto_cli, rtproto_emulator)."""

import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.request
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import rtproto_sync
from programs import run_here, run_process
from rtproto_cli.__main__ import main
from rtproto_cli._app import app
from rtproto_emulator._ids import seeded_ids
from typer.testing import CliRunner

import rtproto
from rtproto import events
from rtproto.errors import HandshakeError

TEST_DATA = Path(__file__).resolve().parents[2] / "test_data"
ENVIRON = {name: value for name, value in os.environ.items() if "OPENAI" not in name}
QUESTIONS = sorted(path.name for path in TEST_DATA.glob("question*"))


def stream(file: Path, *arguments: str, cwd: Path, outside: bool = False) -> dict[str, Any]:
    """What `rtproto stream --json` says of a file; run in a process of its own where it is to be seen from outside."""
    given = ["stream", str(file), "--json", *arguments]
    if outside:
        ended = run_process([sys.executable, "-m", "rtproto_cli", *given], cwd=cwd, environ=ENVIRON)
    else:
        ended = run_here(main, ["rtproto", *given], cwd=cwd, environ=ENVIRON)
    assert ended.stderr == ""
    assert ended.returncode == 0
    result: dict[str, Any] = json.loads(ended.stdout)
    return result


def samples(path: Path) -> bytes:
    with wave.open(str(path)) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (24_000, 1, 2)
        return bytes(wav.readframes(wav.getnframes()))


def test_there_are_files_of_every_format() -> None:
    assert {Path(name).suffix for name in QUESTIONS} == {".wav", ".flac", ".ogg", ".mp3", ".raw"}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_in_any_format_is_understood_and_answered(tmp_path: Path, name: str) -> None:
    result = stream(TEST_DATA / name, "--no-pace", cwd=tmp_path)
    assert result["status"] == "completed"
    # The recogniser's model wants 16 kHz; on a telephone it hears something like it.
    words = "I heard what is" if "8k" in name else "I heard what is the weather in paris."
    assert result["text"].startswith(words)
    assert 2000 <= result["audio_ms"] <= 5500
    reply = samples(tmp_path / result["files"]["reply.wav"])
    assert len(reply) // 48 == result["audio_ms"]
    assert max(reply) > 0


@pytest.mark.parametrize("transport", ["asyncio", "trio", "sync"])
def test_push_to_talk_over_each_transport(tmp_path: Path, transport: str) -> None:
    how = ["--no-vad", "--no-pace", "--transport", transport]
    result = stream(TEST_DATA / "question.wav", *how, cwd=tmp_path, outside=transport == "asyncio")
    assert result["status"] == "completed"
    assert len(result["responses"]) == 1
    assert result["text"].startswith("I heard ")


def test_at_the_pace_of_speech_both_turns_are_answered(tmp_path: Path) -> None:
    result = stream(TEST_DATA / "two_turns.wav", "--transcribe", "any", cwd=tmp_path)
    first, second = (response["status"] for response in result["responses"])
    # Where the recogniser is slow the second question comes into the middle of the first answer.
    assert first in ("completed", "cancelled")
    assert second == "completed"
    assert result["heard"] == ["what is the weather in paris", "what time is it in berlin"]
    assert result["first_audio_ms"] is not None


def test_text_instead_of_speech(tmp_path: Path) -> None:
    result = stream(TEST_DATA / "question.wav", "--text", "--no-pace", cwd=tmp_path)
    assert result["audio_ms"] == 0
    assert result["text"] == "I heard what is the weather in paris. I do not know the answer."


def test_silence_is_told(tmp_path: Path) -> None:
    command = ["rtproto", "stream", str(TEST_DATA / "silence.wav"), "--no-pace"]
    ended = run_here(main, command, cwd=tmp_path, environ=ENVIRON)
    assert ended.returncode == 1
    assert "heard no speech" in ended.stderr


@contextmanager
def serving(*arguments: str, **environ: str) -> Iterator["tuple[subprocess.Popen[str], str]"]:
    command = [sys.executable, "-m", "rtproto_cli", "serve", "--port", "0", *arguments]
    known = {**ENVIRON, **environ}
    with subprocess.Popen(command, env=known, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert "listening on ws" in line
            yield process, line.split("listening on ")[1].split()[0]
        finally:
            process.kill()


@pytest.mark.parametrize("engine", ["aiohttp", "stream"])
def test_serve_answers_until_it_is_stopped_and_says_goodbye(engine: str) -> None:
    with serving("--engine", engine) as (process, url):
        with rtproto_sync.connect(rtproto.endpoint(url)) as rt:
            assert isinstance(rt.next_event(10), events.SessionCreated)
            process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
            last = list(rt)[-1]
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert isinstance(last, events.Closed)
    assert (last.clean, last.code) == (True, 1001)


def test_serve_over_tls_and_for_those_with_a_key(tmp_path: Path) -> None:
    with serving("--tls", "--tls-folder", str(tmp_path), RTPROTO_API_KEY="sk-one sk-two") as (process, url):
        trusting = ssl.create_default_context(cafile=str(tmp_path / "rtproto-ca.pem"))
        with rtproto_sync.connect(rtproto.endpoint(url, api_key="sk-two"), ssl_context=trusting) as rt:
            assert isinstance(rt.next_event(10), events.SessionCreated)
        with pytest.raises(HandshakeError), rtproto_sync.connect(rtproto.endpoint(url), ssl_context=trusting):
            pass
        process.send_signal(signal.SIGINT if sys.platform != "win32" else signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert f"SSL_CERT_FILE={tmp_path / 'rtproto-ca.pem'}" in err
    assert "sk-" not in err


def test_serve_follows_a_scenario_and_fails_on_demand(tmp_path: Path) -> None:
    path = tmp_path / "hello.yaml"
    path.write_text("default:\n  say: Hello from a file.\n", encoding="utf-8")
    with serving("--scenario", str(path), "--seed", "7", "--fault", "http:503*1", "--control") as (_, url):
        with pytest.raises(HandshakeError, match="503"), rtproto_sync.connect(rtproto.endpoint(url)):
            pass
        with rtproto_sync.connect(rtproto.endpoint(url)) as rt:
            created = rt.next_event(10)
            assert isinstance(created, events.SessionCreated)
            rt.send(events.ResponseCreate(response=events.ResponseCreateParams(output_modalities=["text"])))
            texts = (event.text for event in rt if isinstance(event, events.ResponseOutputTextDone))
            assert next(texts) == "Hello from a file."
        where = url.replace("ws://", "http://").replace("/v1/realtime", "/_rtproto/faults")
        with urllib.request.urlopen(where, timeout=20) as answer:
            assert answer.read() == b'{"faults": []}'
    make_id = seeded_ids(7, 1)
    make_id("conv")
    assert getattr(created.session, "id", None) == make_id("sess")


def test_a_port_that_is_taken_gets_one_line() -> None:
    with serving() as (_, url):
        port = url.split(":")[2].split("/")[0]
        second = run_here(main, ["rtproto", "serve", "--port", port], cwd=Path(), environ=ENVIRON)
    assert second.returncode == 1
    assert len(second.stderr.strip().splitlines()) == 1
    assert f"127.0.0.1:{port}: address already in use" in second.stderr


@pytest.mark.parametrize(("command", "words"), [([], "stream"), (["stream"], "events.jsonl"), (["serve"], "8080")])
def test_help_teaches(command: list[str], words: str) -> None:
    told = CliRunner().invoke(app, [*command, "--help"])
    assert told.exit_code == 0
    assert words in told.stdout


def test_an_address_to_listen_on_that_does_not_exist(tmp_path: Path) -> None:
    ended = run_here(main, ["rtproto", "serve", "--host", "nowhere.invalid"], cwd=tmp_path, environ=ENVIRON)
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert "cannot listen on nowhere.invalid" in line
    assert "unknown error" not in line
