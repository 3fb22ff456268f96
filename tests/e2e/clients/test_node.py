"""The official packages for Node, unmodified: `openai` and `@openai/agents-realtime`. What they must do: node/*.mjs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import rtproto_emulator
from rtproto_emulator import Settings

filelock = pytest.importorskip("filelock", reason="filelock is not installed: pip install --group clients")

SOURCES = Path(__file__).parent / "node"
INSTALL_SECONDS = 300.0
TEST_SECONDS = 50.0


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rtproto-tests"


def run(command: list[str], cwd: Path, seconds: float, **env: str) -> None:
    """Runs to the end; what fails or hangs is shown with all that it said."""
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


@pytest.mark.parametrize("client", ["openai", "agents"])
def test_every_turn(client: str, packages: Path, url: str) -> None:
    # Node looks for packages beside a script and above it.
    with tempfile.TemporaryDirectory(dir=packages) as folder:
        here = shutil.copytree(SOURCES, Path(folder) / "node")
        node = ["node", "--experimental-websocket", "--test", f"{client}.test.mjs"]
        run(node, here, TEST_SECONDS, RTPROTO_URL=url)
