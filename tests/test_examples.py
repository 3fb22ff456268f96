"""Every example, run as a user runs it, in an empty directory, with what it is told in one table.

Each is run in a process of its own at least once; those that can be run more than once in a process do the rest here.

What they need beyond the core is checked to be there: rtproto_aio, rtproto_trio, rtproto_sync, rtproto_audio and
rtproto_emulator with `rtproto[demo]`; Twisted and Qt, which have no wheels for every system, may be absent.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import runpy
import signal
import socket
import ssl
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import attrs
import pytest
import rtproto_emulator
import rtproto_sync
import trustme
from programs import Ended, run_here, run_process

import rtproto
from rtproto import events

ROOT = Path(__file__).parents[1]
QUESTION = str(ROOT / "test_data" / "question.wav")
WORDS = "What is the weather in Paris?"


@attrs.frozen
class Example:
    """What a program takes, what it then says (a pattern of its whole output), and which module it needs."""

    argument: str
    says: str
    needs: str = "rtproto"

    @property
    def hears(self) -> bool:
        """Whether it takes a sound file."""
        return self.argument == QUESTION


HEARD = r"I heard \d\.\d seconds of speech\.\n"
READ = rf"You wrote: {re.escape(WORDS)}\n"
EVENTS = (
    r"session\.created .*\nsession\.updated .*\n(.*\n)*response\.done response\.id=.* response\.status='completed'\n"
)
EXAMPLES = {
    "stream_asyncio": Example(QUESTION, HEARD),
    "stream_trio": Example(QUESTION, HEARD),
    "stream_sync": Example(QUESTION, HEARD),
    "low_level_sample": Example(QUESTION, EVENTS + r"(.*\n)*"),
    "embed_selectors": Example(WORDS, READ),
    "embed_twisted": Example(WORDS, READ, needs="twisted.internet.task"),
    "embed_qt": Example(WORDS, READ, needs="PySide6.QtNetwork"),
}


@attrs.frozen
class Places:
    """Where servers are, and where none is."""

    answering: str
    locked: str
    nobody: str


@attrs.frozen
class Case:
    """How an example is run, and how it ends: with what it says, or with a status and a complaint."""

    url: str = ""
    dotenv: str = ""
    argument: str = ""
    status: int = 0
    complains: str = ""


CASES = {
    "url": Case(url="{answering}"),
    "embedded": Case(),
    "refused": Case(url="{nobody}", status=1, complains="refused"),
    "key": Case(dotenv="OPENAI_API_KEY=wrong\nOPENAI_BASE_URL={locked}\n", status=1, complains="HTTP 401"),
    "address": Case(url="nowhere", status=2, complains="'nowhere'"),
    "file": Case(argument="missing.wav", status=2, complains="cannot read missing.wav: there is no such file"),
}
# One complaint of status 2 each: whose argument is a file complains of that.
TABLE = [
    (name, case)
    for name, example in EXAMPLES.items()
    for case in CASES
    if case != ("address" if example.hears else "file")
]


class Locked(BaseHTTPRequestHandler):
    """A server for which every key is wrong."""

    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def places() -> Iterator[Places]:
    with (
        rtproto_emulator.start() as emulator,
        ThreadingHTTPServer(("127.0.0.1", 0), Locked) as locked,
        socket.socket() as nobody,
    ):
        nobody.bind(("127.0.0.1", 0))  # bound, but it does not listen
        thread = threading.Thread(target=locked.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        refusing = f"ws://127.0.0.1:{nobody.getsockname()[1]}/v1/realtime"
        yield Places(emulator.url, f"http://127.0.0.1:{locked.server_port}/v1", refusing)
        locked.shutdown()
        thread.join()


@functools.lru_cache
def missing(module: str) -> str:
    """Why `module` cannot be imported; asked in a process of its own, as Qt may lack libraries of the system."""
    command = [sys.executable, "-c", f"import {module}"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return run.stderr.strip().rpartition("\n")[2]


def clean_environment(**more: str) -> dict[str, str]:
    """Ours, without what configures a server."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "AZURE_OPENAI_"))}
    return {**ours, "QT_QPA_PLATFORM": "offscreen", **more}


def program(name: str, *args: str) -> list[str]:
    return [str(ROOT / "examples" / f"{name}.py"), *args]


def run(name: str, *args: str, cwd: Path, **environment: str) -> Ended:
    """Runs an example in a process of its own."""
    return run_process([sys.executable, *program(name, *args)], cwd=cwd, environ=clean_environment(**environment))


def run_example_here(name: str, *args: str, cwd: Path, **environment: str) -> Ended:
    command = program(name, *args)
    # runpy gives it a module of its own, which is gone afterwards.
    main = functools.partial(runpy.run_path, command[0], run_name="__main__")
    return run_here(main, command, cwd=cwd, environ=clean_environment(**environment))


@pytest.mark.parametrize(("name", "case"), TABLE)
def test_example(name: str, case: str, places: Places, tmp_path: Path) -> None:
    example, how = EXAMPLES[name], CASES[case]
    known = attrs.asdict(places)
    if how.dotenv:
        (tmp_path / ".env").write_text(how.dotenv.format(**known), encoding="utf-8")
    options = ["--url", how.url.format(**known)] if how.url else []
    # A process has one reactor of Twisted and one application of Qt.
    outside = case == "url" or example.needs != "rtproto"
    ended = (run if outside else run_example_here)(name, how.argument or example.argument, *options, cwd=tmp_path)
    if "Traceback" in ended.stderr and (why := missing(example.needs)):
        pytest.skip(f"{name} needs {example.needs}, which is not to be had here: {why}")
    assert ended.returncode == how.status, ended.stderr
    if how.complains:
        assert ended.stdout == ""
        assert re.fullmatch(rf".*{re.escape(how.complains)}.*\n", ended.stderr), ended.stderr
        assert not (tmp_path / "reply.wav").exists()
    else:
        assert ended.stderr == ""
        assert re.fullmatch(example.says, ended.stdout), ended.stdout
        if name.startswith("stream_"):
            with wave.open(str(tmp_path / "reply.wav")) as reply:
                seconds = reply.getnframes() / reply.getframerate()
            assert seconds > 1


@pytest.mark.parametrize(("provider", "variable"), [("azure", "AZURE_OPENAI_ENDPOINT"), ("openai", "OPENAI_API_KEY")])
def test_the_low_level_sample_says_which_variable_its_provider_needs(
    provider: str, variable: str, tmp_path: Path
) -> None:
    ended = run_example_here("low_level_sample", QUESTION, provider, cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(rf"{variable} is not set: .*\n", ended.stderr)


def test_the_low_level_sample_talks_to_the_azure_resource_that_the_environment_names(
    places: Places, tmp_path: Path
) -> None:
    address = places.answering.replace("ws:", "http:").partition("/v1/")[0]
    azure = {"ENDPOINT": address, "DEPLOYMENT": "gpt-realtime", "API_KEY": "any"}
    variables = {f"AZURE_OPENAI_{name}": value for name, value in azure.items()}
    ended = run_example_here("low_level_sample", QUESTION, "azure", cwd=tmp_path, **variables)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.fullmatch(EXAMPLES["low_level_sample"].says, ended.stdout)


@pytest.fixture
def played(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server example, and where it listens."""
    command = [sys.executable, str(ROOT / "examples" / "play_server.py"), "--port", "0"]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server, server.stdout.readline().removeprefix("listening on ").strip()
    finally:
        server.kill()
        server.communicate(timeout=20)


def example_module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_server_answers_clients_and_stops_without_a_traceback(
    played: tuple[subprocess.Popen[str], str], tmp_path: Path
) -> None:
    server, url = played
    for name in ("embed_selectors", "embed_twisted", "embed_qt"):
        ended = run(name, WORDS, "--url", url, cwd=tmp_path)
        if not ("Traceback" in ended.stderr and missing(EXAMPLES[name].needs)):
            assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{WORDS}\n", "")
    if sys.platform != "win32":
        server.send_signal(signal.SIGINT)
        assert (*server.communicate(timeout=20), server.returncode) == ("", "", 0)


def test_the_server_says_in_one_line_that_its_port_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run_example_here("play_server", "--port", str(port), cwd=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert re.fullmatch(rf"cannot listen on 127\.0\.0\.1:{port}: .*\n", ended.stderr)


def test_the_selectors_loop_writes_in_parts_what_the_socket_does_not_take_at_once(
    played: tuple[subprocess.Popen[str], str],
) -> None:
    words = "word after word, " * 500_000
    answer = example_module("embed_selectors").text_turn(rtproto.endpoint(played[1]), words)
    assert "".join(answer) == words


def test_the_selectors_loop_speaks_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    reply = example_module("play_server").reply

    def answer(rt: rtproto_sync.ServerStream) -> None:
        rt.accept()
        rt.send(events.SessionCreated(session=events.RealtimeSession()))
        for event in rt:
            if isinstance(event, events.ResponseCreate):
                for said in reply(WORDS):
                    rt.send(said)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with rtproto_sync.serve(answer, "localhost", 0, ssl_context=context) as server:
        url = f"wss://localhost:{server.port}/"
        trusted = run("embed_selectors", WORDS, "--url", url, cwd=tmp_path, SSL_CERT_FILE="authority.pem")
        distrusted = run_example_here("embed_selectors", WORDS, "--url", url, cwd=tmp_path)
    assert (trusted.returncode, trusted.stdout, trusted.stderr) == (0, f"{WORDS}\n", "")
    assert (distrusted.returncode, distrusted.stdout) == (1, "")
    assert re.fullmatch(r".*certificate verify failed.*\n", distrusted.stderr)


def test_every_example_is_run_here_and_named_in_the_readme() -> None:
    programs = {path.stem for path in (ROOT / "examples").glob("*.py")}
    assert programs == {*EXAMPLES, "play_server"}
    named = set(re.findall(r"`(\w+)\.py`", (ROOT / "examples" / "README.md").read_text(encoding="utf-8")))
    assert named == programs


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name.startswith("stream_")])
def test_streaming_takes_a_page(name: str) -> None:
    assert len((ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 60
