"""The pytest plugin, in test runs of its own (rtproto_pytest)."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

# Each run in our process forgets what it was the first to import, and numpy cannot be imported again.
for _module in ("rtproto_emulator", "rtproto_aio", "rtproto_sync", "rtproto_trio", "openai.resources.realtime"):
    if find_spec(_module.partition(".")[0]) is not None:
        import_module(_module)

pytest_plugins = ["pytester"]

PAGE = Path(__file__).resolve().parents[1] / "docs" / "testing.md"
TALK = """
import pytest
import rtproto_aio
import rtproto_sync
from rtproto import Close, events
from rtproto_pytest import RealtimeServer, Replays

def wrote(text):
    item = events.MessageItem(role="user", content=[events.InputText(text=text)])
    return [
        events.SessionUpdate(session=events.RealtimeSession(output_modalities=["text"])),
        events.ConversationItemCreate(item=item),
        events.ResponseCreate(),
    ]

def ask(endpoint, text):
    with rtproto_sync.connect(endpoint) as rt:
        for event in wrote(text):
            rt.send(event)
        return next(event.text for event in rt if isinstance(event, events.ResponseOutputTextDone))
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with `talk.py`, whose runs are as strict as ours."""
    pytester.makeini("[pytest]\naddopts = --strict-markers -p no:cacheprovider\nfilterwarnings = error\n")
    pytester.makepyfile(talk=TALK)
    pytester.syspathinsert()
    return pytester


def passes(run: pytest.Pytester, code: str, *args: str, count: int | None = None) -> None:
    run.makepyfile("from talk import *\n" + code)
    result = run.runpytest_inprocess(*args)
    result.assert_outcomes(passed=count or code.count("def test_"))


def fails(run: pytest.Pytester, code: str, *lines: str, **outcomes: int) -> None:
    run.makepyfile("from talk import *\n" + code)
    result = run.runpytest_inprocess()
    result.assert_outcomes(**outcomes)
    result.stdout.fnmatch_lines([line.replace("[", "[[]") for line in lines])


def test_a_server_follows_a_script_and_shows_what_passed(run: pytest.Pytester) -> None:
    passes(
        run,
        """
def test_script(realtime_server: RealtimeServer, realtime_endpoint):
    realtime_server.script({"match": "weather", "say": "Sunny."}, default={"say": "What?"})
    assert ask(realtime_endpoint, "The weather?") == "Sunny."
    assert ask(realtime_endpoint, "Who?") == "What?"
    realtime_server.script()
    assert ask(realtime_endpoint, "Who?") == "You wrote: Who?"
    with pytest.raises(ValueError, match="turn 2: sey: there is no such field"):
        realtime_server.script({"say": "a"}, {"sey": "b"})

def test_what_passed(realtime_server, realtime_endpoint):
    ask(realtime_endpoint, "one")
    ask(realtime_endpoint, "two")
    assert realtime_server.closed.wait_for(events.Closed, count=2).code == 1000
    received = realtime_server.received
    assert received.types() == ["session.update", "conversation.item.create", "response.create"] * 2
    assert received[1:2] == received.of(events.ConversationItemCreate)[:1]
    assert received[1].item.content[0].text == "one"
    assert len(realtime_server.sent.of(events.ResponseDone)) == 2

@pytest.mark.realtime_server(dialect="vllm")
def test_the_dialect_of_the_server_is_its_clients(realtime_endpoint):
    with rtproto_sync.connect(realtime_endpoint) as rt:
        assert isinstance(next(rt), events.SessionCreated)

def test_what_is_no_event(realtime_server, realtime_endpoint):
    with rtproto_sync.connect(realtime_endpoint) as rt:
        rt.send_raw('{"type": "session.update"}')
        assert realtime_server.received.wait_for(events.Violation).raw == '{"type": "session.update"}'

def test_faults(realtime_server, realtime_endpoint):
    realtime_server.faults.add("close:4000@response.created")
    with rtproto_sync.connect(realtime_endpoint) as rt:
        for event in wrote("hello"):
            rt.send(event)
        assert list(rt)[-1].code == 4000

ids = set()

@pytest.mark.parametrize("run", range(3))
def test_ids_are_the_same(realtime_server, realtime_endpoint, run):
    with rtproto_sync.connect(realtime_endpoint) as rt:
        ids.add(next(rt).session.id)
    assert len(ids) == 1
""",
        count=8,
    )


def test_the_marker_and_the_options_of_a_folder(run: pytest.Pytester) -> None:
    run.makeconftest(
        "import pytest\n@pytest.fixture\ndef realtime_options(): return {'pace': 3.0, 'scenario': [{'say': 'Hi.'}]}"
    )
    run.makefile(".yaml", turns="turns:\n  - say: From a file.\n")
    passes(
        run,
        """
pytestmark = pytest.mark.realtime_server(api_keys="sk-test", seed=1)

def test_options(realtime_server, realtime_endpoint):
    settings = realtime_server.settings
    assert (settings.pace, settings.seed, settings.api_keys) == (3.0, 1, ("sk-test",))
    assert ask(realtime_endpoint, "hello") == "Hi."

@pytest.mark.realtime_server(scenario="turns.yaml", engine="stream", seed=2, faults="http:429:0*1")
def test_marker(realtime_server, realtime_endpoint):
    assert (realtime_server.settings.pace, realtime_server.settings.seed) == (3.0, 2)
    assert [str(fault) for fault in realtime_server.faults.list()] == ["http:429:0*1"]
    realtime_server.faults.clear()
    assert ask(realtime_endpoint, "hello") == "From a file."
    assert realtime_server.base_url == realtime_server.url.replace("ws:", "http:").removesuffix("/realtime")
""",
    )


MISTAKES = {
    "pase=1": "realtime_server has no option pase (did you mean pace?)*",
    "pace=0": "*'pace' must be > 0: 0",
    "pace='fast'": "realtime_server: '>' not supported*",
    "engine='steam'": "there is no engine 'steam'; choose one of aiohttp, stream",
    "faults=['bang']": "there is no fault 'bang'*",
    "scenario='none.yaml'": "*No such file*none.yaml*",
    "scenario=[{'sey': 'a'}]": "turn 1: sey: there is no such field*",
    "1.0": "@pytest.mark.realtime_server takes keywords*",
}


def test_a_mistake_in_the_marker_is_one_line(run: pytest.Pytester) -> None:
    tests = (
        f"@pytest.mark.realtime_server({arguments})\ndef test_{number}(realtime_server): ...\n"
        for number, arguments in enumerate(MISTAKES)
    )
    fails(run, "".join(tests), *MISTAKES.values(), errors=len(MISTAKES))


def test_a_failed_test_is_told_what_passed(run: pytest.Pytester) -> None:
    fails(
        run,
        """
def test_it(realtime_server, realtime_endpoint):
    ask(realtime_endpoint, "hello")
    realtime_server.received.wait_for(events.ResponseCancel, timeout=0.01)
""",
        ">   *wait_for(*",
        "E   *no response.cancel within 0.01 s: the client has sent session.update, conversation.item.create, *",
        "*Captured realtime teardown*",
        "< session.created",
        "> session.update",
        "< response.output_text.delta (x *)",
        "> Closed 1000",
        failed=1,
    )


def test_in_coroutines(run: pytest.Pytester) -> None:
    """Of anyio, on both of its backends."""
    pytest.importorskip("anyio")
    passes(
        run,
        """
pytestmark = pytest.mark.anyio

@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param

async def test_it(realtime_server, realtime_endpoint, anyio_backend_name):
    import anyio, rtproto_trio
    connect = (rtproto_aio if anyio_backend_name == "asyncio" else rtproto_trio).connect
    async with connect(realtime_endpoint) as rt, anyio.create_task_group() as tasks:
        tasks.start_soon(rt.send, events.ResponseCreate())
        await realtime_server.received.wait_for_async(events.ResponseCreate)
        with pytest.raises(RuntimeError, match="await wait_for_async"):
            realtime_server.received.wait_for(events.ResponseCreate)
        with pytest.raises(AssertionError, match="1 of 2 response.create within 0.01 s"):
            await realtime_server.received.wait_for_async(events.ResponseCreate, count=2, timeout=0.01)
    assert (await realtime_server.closed.wait_for_async(events.Closed)).code == 1000
""",
        count=2,
    )


def test_with_pytest_trio(run: pytest.Pytester) -> None:
    pytest.importorskip("pytest_trio")
    passes(
        run,
        """
import rtproto_trio

@pytest.mark.trio
async def test_trio(realtime_server, realtime_endpoint):
    async with rtproto_trio.connect(realtime_endpoint) as rt:
        await rt.send(events.ResponseCreate())
        await realtime_server.received.wait_for_async(events.ResponseCreate)
""",
    )


def test_a_client_that_a_test_forgot_holds_nobody_up(run: pytest.Pytester) -> None:
    passes(
        run,
        """
import time

@pytest.fixture(params=["aiohttp", "stream"])
def forgotten(request):
    with RealtimeServer(engine=request.param) as server:
        rt = rtproto_sync.connect(server.endpoint)
        rt.__enter__()
        began = time.monotonic()
        yield
        server.close()
        assert time.monotonic() - began < 3  # a client has five seconds to answer a Close
        assert isinstance(list(rt)[-1], events.Closed)
        rt.__exit__(None, None, None)

from rtproto_pytest import RealtimeServer

def test_it(forgotten): ...
""",
        count=2,
    )


RECORDED = """\
{"dir": "received", "event": {"type": "session.created", "event_id": "e1", "session": {"type": "realtime", "id": "s1"}}}
{"dir": "sent", "event": {"type": "session.update", "session": {"type": "realtime"}}}
{"dir": "received", "event": {"type": "input_audio_buffer.cleared", "event_id": "e2"}}
{"dir": "sent", "event": {"type": "response.create"}}
"""


def test_a_recording_is_served_to_its_end(run: pytest.Pytester) -> None:
    (run.path / "call.jsonl").write_text(RECORDED, encoding="utf-8")
    fails(
        run,
        """
def play(replay, *said):
    with rtproto_sync.connect(replay.endpoint) as rt:
        for event in said:
            rt.send(event)
        assert isinstance(next(rt), events.SessionCreated)

UPDATE = events.SessionUpdate(session=events.RealtimeSession())

def test_whole(realtime_replay: Replays):
    play(realtime_replay("call.jsonl"), UPDATE, events.ResponseCreate())

def test_allowed(realtime_replay):
    replay = realtime_replay("call.jsonl", complete=False)
    assert replay.left == ["session.update", "response.create"]
    play(replay)

def test_left(realtime_replay):
    play(realtime_replay("call.jsonl"), UPDATE)

def test_failed(realtime_replay):
    realtime_replay("call.jsonl")
    assert False

def test_absent(realtime_replay):
    with pytest.raises(OSError, match="none.jsonl"):
        realtime_replay("none.jsonl")
""",
        "*ERROR at teardown of test_left*",
        "*call.jsonl: the client has yet to say response.create",
        "*FAILURES*",
        "*Captured realtime teardown*",
        "*call.jsonl: the client has yet to say session.update, response.create",
        passed=4,
        failed=1,
        errors=1,
    )


def test_a_playbook_is_ended_with_its_test(run: pytest.Pytester) -> None:
    fails(
        run,
        """
def test_whole(realtime_playbook):
    p = realtime_playbook()
    p.send(events.ResponseCreate()).wire(events.ResponseCreate())
    p >> Close(1001) << events.Closed

def test_left(realtime_playbook):
    realtime_playbook() >> Close(1001)

def test_failed(realtime_playbook):
    realtime_playbook() >> Close(1001)
    assert False
""",
        "*ERROR at teardown of test_left*",
        "E * the application sees something else:",
        passed=2,
        failed=1,
        errors=1,
    )


def test_it_imports_nothing_and_names_what_is_missing(tmp_path: Path) -> None:
    """In a process of its own, where the plugin is found by its entry point."""
    path = tmp_path / "test_it.py"
    path.write_text(
        "import sys\n"
        "sys.modules['aiohttp'] = None\n"
        "def test_nothing(): assert not {'rtproto', 'rtproto_emulator', 'numpy'} & {*sys.modules}\n"
        "def test_missing(realtime_server): ...\n"
        "def test_pure(realtime_playbook): realtime_playbook()\n",
        encoding="utf-8",
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False)
    assert "2 passed, 1 error" in done.stdout, done.stdout
    assert "rtproto_emulator needs aiohttp: pip install 'rtproto[emulator]'\n" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_programs_of_the_page(run: pytest.Pytester) -> None:
    pytest.importorskip("openai", reason="the official client is not installed: pip install 'openai[realtime]'")
    pytest.importorskip("websockets", reason="the official client needs websockets: pip install 'openai[realtime]'")
    program, tests = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    run.makepyfile(assistant=program, test_assistant=tests)
    # How the official client opens websockets' connections, the newest websockets warns of.
    known = r"ignore:connect\(\) must be used as a context manager:DeprecationWarning"
    run.runpytest_inprocess("-W", known).assert_outcomes(passed=tests.count("def test_"))
