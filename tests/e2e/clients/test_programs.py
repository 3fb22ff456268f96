"""The official packages for Node, unmodified, as node/*.mjs uses them, and every program in docs/clients.md."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import rtproto_emulator
from rtproto_emulator import Settings

filelock = pytest.importorskip("filelock", reason="filelock is not installed: pip install --group clients")

SOURCES = Path(__file__).parent / "node"
PAGE = Path(__file__).parents[3] / "docs" / "clients.md"
PROGRAMS = re.findall(r"^```(python|js)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
INSTALL_SECONDS = 300.0
TEST_SECONDS = 50.0
# Node 20 has a WebSocket of its own only so; newer ones take the option and ignore both it and what it warns of.
NODE = ["node", "--no-warnings", "--experimental-websocket"]
# How the official client opens websockets' connections, the newest websockets warns of.
OF_OPENAI = "ignore:connect() must be used as a context manager:DeprecationWarning"


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rtproto-tests"


def run(command: list[str], cwd: Path, seconds: float, **env: str) -> str:
    """Runs to the end; what fails or hangs is shown with all that it said. Returns that."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
        )
        end, said = f"with {done.returncode}", done.stdout
    except subprocess.TimeoutExpired as late:
        end, said = f"not within {seconds:g} seconds", late.stdout or b""
    assert end == "with 0", f"{' '.join(command)} ended {end}:\n{said.decode(errors='replace')}"
    return said.decode()


@pytest.fixture(scope="module")
def packages() -> Path:
    """A folder with the packages that package.json names: installed once a machine, and anew when that file changes."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node or npm is not installed")
    named = (SOURCES / "package.json").read_bytes()
    folder = cache() / f"node-{hashlib.sha256(named).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder / "lock", timeout=INSTALL_SECONDS):
        complete = folder / "complete"
        if not complete.exists():
            (folder / "package.json").write_bytes(named)
            quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
            run([npm, "install", *quiet], folder, INSTALL_SECONDS)
            complete.touch()
    return folder


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with rtproto_emulator.start(settings=Settings(pace=20.0)) as running:
        yield running.url


@pytest.fixture
def beside(packages: Path) -> Iterator[Path]:
    """A folder for scripts: Node looks for packages beside a script and above it."""
    with tempfile.TemporaryDirectory(dir=packages) as folder:
        yield Path(folder)


@pytest.mark.parametrize("client", ["openai", "agents"])
def test_every_turn(client: str, beside: Path, url: str) -> None:
    here = shutil.copytree(SOURCES, beside / "node")
    run([*NODE, "--test", f"{client}.test.mjs"], here, TEST_SECONDS, RTPROTO_URL=url)


def said_by(command: list[str], program: str, path: Path, url: str) -> str:
    """What a program of the page prints; the address in it is the emulator's."""
    host = url.removeprefix("ws://").removesuffix("/v1/realtime")
    path.write_text(program.replace("127.0.0.1:8080", host), encoding="utf-8")
    openai = {"OPENAI_BASE_URL": f"http://{host}/v1", "OPENAI_API_KEY": "any"}
    return run([*command, str(path)], path.parent, TEST_SECONDS, **openai).strip()


@pytest.mark.parametrize("program", [program for language, program in PROGRAMS if language == "python"])
def test_a_program_in_python(program: str, tmp_path: Path, url: str) -> None:
    for name in re.findall(r"^(?:from|import) (\w+)", program, re.MULTILINE):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install --group clients")
    command = [sys.executable, "-W", "error", "-W", OF_OPENAI]
    assert said_by(command, program, tmp_path / "program.py", url) == "You wrote: hello"


@pytest.mark.parametrize("program", [program for language, program in PROGRAMS if language == "js"])
def test_a_program_for_node(program: str, beside: Path, url: str) -> None:
    assert said_by(NODE, program, beside / "program.mjs", url) == "You wrote: hello"
