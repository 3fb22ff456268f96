"""`rtproto serve`: what it says of options that cannot be (rtproto_cli, rtproto_emulator). That it serves: e2e/."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import run


def test_all_faults_are_listed() -> None:
    done = run("serve", "--fault", "help")
    assert done.exit_code == 0
    assert done.stdout.startswith("KIND[:ARGUMENTS][@EVENT][#NTH][*TIMES][%CHANCE]\n")
    assert "  half-frame  " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--fault", "clse"], "--fault: there is no fault 'clse' (did you mean close?); choose one of refuse, http,"),
        (
            ["--fault", "abort", "--fault", "http:200"],
            "--fault: 'http:200': '200' is no HTTP status of an error: 400-599",
        ),
        (["--scenario", "gone.yaml"], "cannot read gone.yaml: no such file or directory; check the path"),
        (["--scenario", "bad.yaml"], "bad.yaml:2: turn 1: say: 5 is no text; put it in quotes"),
        (["--control", "--engine", "stream"], "--control is plain HTTP, which --engine stream does not speak"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text("turns:\n- say: 5\n")
    done = run("serve", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"rtproto: {line}")
    assert done.stderr.count("\n") == 1
