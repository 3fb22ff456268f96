"""`rtproto serve`: options that cannot be, told in one line before anything listens (rtproto_cli, rtproto_emulator)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from commands import run
from rtproto_cli._serve import Dialect
from rtproto_emulator._settings import SERVED

SIMPLE = ["serve", "--port", "0", "--ears", "energy", "--recogniser", "none", "--voice", "tone"]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--api-key", ""], "API key 1 of 1 is empty"),
        (["--api-key", "sk-one", "--api-key", "sk two"], "API key 2 of 2 has a space or a character that HTTP forbids"),
        (["--tls-cert", "c.pem"], "--tls-cert and --tls-key belong together: give both"),
        (["--tls-key", "k.pem"], "--tls-cert and --tls-key belong together: give both"),
        (["--tls-cert", "c.pem", "--tls-key", "k.pem", "--tls"], "--tls makes a certificate, --tls-cert names one: "),
        (["--tls-cert", "none/c.pem", "--tls-key", "k.pem"], f"there is no file {Path('none/c.pem')}, which should "),
        (["--tls-name", "voice.test"], "--tls-folder and --tls-name are for a certificate made on the spot: "),
        (["--tls", "--tls-name", "a..b"], "a certificate cannot be for 'a..b': "),
    ],
)
def test_an_option_that_cannot_be(options: list[str], line: str) -> None:
    done = run(*SIMPLE, *options)
    assert done.exit_code == 2
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"rtproto: {line}")
    assert "sk" not in said
    assert done.stdout == ""


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run(*SIMPLE, "--tls", "--tls-folder", str(tmp_path / "file"))
    assert done.exit_code == 2
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"rtproto: cannot write to {tmp_path / 'file'}: ")
    assert said.endswith("name another --tls-folder")


def test_without_trustme_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trustme", None)
    done = run(*SIMPLE, "--tls")
    assert done.exit_code == 2
    assert done.stderr == "rtproto: a certificate made on the spot needs trustme: pip install 'rtproto[tls]'\n"


def test_help_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTPROTO_API_KEY", "sk-hidden")
    done = run("serve", "--help")
    assert done.exit_code == 0
    assert "hidden" not in done.stdout


def test_all_faults_are_listed() -> None:
    done = run("serve", "--fault", "help")
    assert done.exit_code == 0
    assert done.stdout.startswith("KIND[:ARGUMENTS][@EVENT][#NTH][*TIMES][%CHANCE]\n")
    assert "  half-frame  " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ["--fault", "clse"],
            "--fault: there is no fault 'clse' (did you mean close?); choose one of down, refuse, http,",
        ),
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


def test_every_dialect_that_the_server_speaks_can_be_chosen() -> None:
    assert {dialect.value for dialect in Dialect} == set(SERVED)
