"""The benchmarks run, and their contenders do the same work. How fast they are is nobody's business here."""

from __future__ import annotations

import base64
import importlib
import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from websockets.frames import Frame
from websockets.protocol import State
from websockets.server import ServerProtocol

ROOT = Path(__file__).parents[1]

if not (ROOT / "bench").is_dir():
    pytest.skip("bench/ is in the checkout, not in the installed package", allow_module_level=True)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The package of the benchmarks, which is not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    for name in ("__main__", "contenders", "decode", "encode", "traffic"):
        importlib.import_module(f"bench.{name}")
    return importlib.import_module("bench")


def ready(contenders: dict[str, Any]) -> dict[str, Any]:
    """Those that are installed: at least the ones that need nothing but what these tests need."""
    found: dict[str, Any] = {}
    for name, prepare in contenders.items():
        try:
            found[name] = prepare()
        except ImportError:
            continue
    assert {"reference", "wsproto + orjson + pybase64"} < found.keys()
    return found


def sound_of(frame: bytes) -> bytes:
    """The audio of an append event, as a WebSocket server reads it; one that refuses unmasked frames."""
    server = ServerProtocol(state=State.OPEN)
    server.receive_data(frame)
    (message,) = server.events_received()
    assert isinstance(message, Frame)
    event = json.loads(bytes(message.data))
    assert event.pop("type") == "input_audio_buffer.append"
    assert event.keys() == {"audio"}
    return base64.b64decode(event["audio"], validate=True)


def test_every_decoder_gives_the_payloads_that_were_sent(bench: Any) -> None:
    traffic = bench.traffic.mix(12)
    reads = traffic.reads()
    assert len(reads) > 1
    for name, run in ready(bench.decode.CONTENDERS).items():
        for _ in range(2):
            seen: list[bytes | str] = []
            run(reads, seen.append)
            assert seen == traffic.payloads, name


def test_every_encoder_makes_a_frame_of_each_chunk(bench: Any) -> None:
    chunks = bench.traffic.speech(5)
    for name, run in ready(bench.encode.CONTENDERS).items():
        frames: list[bytes] = []
        run(chunks, frames.append)
        assert [sound_of(frame) for frame in frames] == chunks, name


def test_the_mix_is_what_it_says(bench: Any) -> None:
    traffic = bench.traffic.mix(4)
    assert [len(text) for text in traffic.texts[1::2]] == [250] * 4
    assert all(8000 < len(text) < 8300 for text in traffic.texts[::2])
    ids = [json.loads(text)["event_id"] for text in traffic.texts]
    assert len(set(ids)) == 8
    assert bench.traffic.mix(4) == traffic


def test_work_left_undone_is_no_result(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def lazy(data: list[bytes], take: Any) -> None:
        pass

    for benchmark in (bench.decode, bench.encode):
        monkeypatch.setitem(benchmark.CONTENDERS, "lazy", lambda: lazy)
        with pytest.raises(bench.contenders.Unequal, match=r"^lazy "):
            benchmark.measure(turns=1)


def test_the_program_reports_every_contender(
    bench: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = sys.modules["bench.__main__"]
    for name in ("decode", "encode"):
        monkeypatch.setitem(program.QUICK, name, partial(getattr(bench, name).measure, turns=1))
    file = tmp_path / "results.json"
    assert program.main(["--quick", "--json", str(file), "decode", "encode"]) == 0
    said = capsys.readouterr().out
    benchmarks = json.loads(file.read_text(encoding="utf-8"))["benchmarks"]
    assert list(benchmarks) == ["decode", "encode"]
    for result in benchmarks.values():
        assert "reference" in result["times"]
        for name in (*result["times"], *result["skipped"]):
            assert name in said
        assert all(figure > 0 for figures in result["times"].values() for figure in figures)


def test_a_name_that_is_none_gets_one_clear_line() -> None:
    done = subprocess.run([sys.executable, "-m", "bench", "fly"], cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert done.returncode == 2
    assert "there is no benchmark 'fly'; choose from decode, encode" in done.stderr


def test_visitors_are_answered_and_the_server_weighed_between_them(bench: Any) -> None:
    load = importlib.import_module("bench.load")
    figures = load.measure_memory(sessions=4, steps=2).figures
    assert list(figures) == ["before the first session", "after 2 sessions", "after 4 sessions"]
    assert all(unit == "MiB" and size > 1 for size, unit in figures.values())


def test_the_relay_is_measured_beside_no_relay(bench: Any) -> None:
    relay = importlib.import_module("bench.relay")
    found = relay.measure(seconds=0.6, turns=1)
    assert list(found.times) == ["direct, p99", "relayed, p99", "direct, median", "relayed, median"]
    assert all(times[0] > 0 for times in found.times.values())
