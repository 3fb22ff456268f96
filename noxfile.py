"""The project's checks: `nox` runs all, `nox -l` lists them, `nox -s tests-3.12 -- -k vad` passes arguments on."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

ROOT = Path(__file__).parent
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
# Many tests wait, for programs or timers: more workers than cores keep two cores busy. Slow tests lie beside each
# other, so who has done its share takes of another's.
WORKERS = ["--numprocesses=4", "--dist=worksteal"]
# What the tests read beside the installed packages.
BESIDE_THE_WHEEL = ["tests", "test_data", "examples", "docs", "pyproject.toml", "README.md"]
# What packing may break: programs, their modules and data, and what is said of a missing extra. That every module is
# in the wheel as it is in the sources is a test of its own, and the sources have answered the rest.
OF_THE_WHEEL = ["e2e", "test_examples.py", "test_packaging.py", "test_purity.py", "test_pytest_plugin.py"]
OF_THE_WHEEL += ["test_readme.py", "test_sync_dial.py"]
# Clients of others, which the session `clients` tests: what they see is the same on every Python.
CLIENTS = "tests/e2e/clients"
# What no version of a dependency has a part in.
OF_NO_VERSION = ["test_bench.py", "test_download_wheel.py", "test_packaging.py", "test_purity.py"]
PINS_HEAD = """\
# The newest versions that `rtproto[demo]` runs with, for those who want pins:
# `python -m pip install -r requirements.txt`, or `-c requirements.txt` beside what you install.
# `nox -s pins` renews them."""

nox.needs_version = ">=2025.11.12"
nox.options.default_venv_backend = "uv"
nox.options.error_on_missing_interpreters = False
nox.options.report = ".nox-report.json"
nox.options.download_python = "never"
os.environ["UV_PYTHON_DOWNLOADS"] = "never"
# uv compiles nothing, and each of the many programs that the tests start would compile all that it imports.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def run_pytest(session: nox.Session, *args: str, profile: str = "ci-brief") -> None:
    session.run("pytest", *WORKERS, f"--hypothesis-profile={profile}", *args, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Format and lint."""
    session.install("--group", "lint")
    session.run("ruff", "format", "--check", "--diff", ".")
    session.run("ruff", "check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check the types of our code, and of a user's code against the installed package."""
    session.install(".[demo]", "--group", "test", "--group", "types", "--group", "bench")
    # Each keeps one core busy. What a tool says is shown when it has ended.
    with ThreadPoolExecutor() as pool:
        for tool, said in [(tool, pool.submit(session.run, tool, silent=True)) for tool in ("mypy", "pyright")]:
            session.log(f"{tool}: {said.result()}")
    run_pytest(session, "tests/typing")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Test everything."""
    session.install("-e", ".[demo]", "--group", "test")
    run_pytest(session, f"--ignore={CLIENTS}", profile="ci" if session.python == PYTHONS[-1] else "ci-brief")


@nox.session
def clients(session: nox.Session) -> None:
    """Test the local server with the clients of others."""
    session.install("-e", ".[emulator]", "--group", "clients")
    session.run("pytest", CLIENTS, *session.posargs)


@nox.session(python=PYTHONS[0])
def minimums(session: nox.Session) -> None:
    """Test with the oldest versions that pyproject.toml admits."""
    pins = Path(session.create_tmp()) / "minimums.txt"
    compile_lowest = ["uv", "pip", "compile", "pyproject.toml", "--extra=demo", "--extra=opus"]
    compile_lowest.append("--resolution=lowest-direct")
    session.run_install(*compile_lowest, f"--python={session.python}", "--quiet", f"--output-file={pins}")
    session.install("-e", ".[demo,opus]", "--group", "test", "--constraints", str(pins))
    run_pytest(session, f"--ignore={CLIENTS}", *(f"--ignore=tests/{name}" for name in OF_NO_VERSION))


@nox.session
def core_only(session: nox.Session) -> None:
    """Test the core where no extra is installed, and that these tests reach every branch of it."""
    session.install("-e", ".", "--group", "test-core")
    session.run("coverage", "run", "-m", "pytest", "--hypothesis-profile=ci-brief", "--core-only", *session.posargs)
    session.run("coverage", "report")


@nox.session
def wheel(session: nox.Session) -> None:
    """Test the built wheel, with the sources out of reach."""
    away = Path(session.create_tmp()) / "away"
    shutil.rmtree(away, ignore_errors=True)
    away.mkdir()
    session.run_install("uv", "build", "--wheel", "--quiet", f"--out-dir={away}")
    (built,) = away.glob("*.whl")
    session.install(f"{built}[demo]", "--group", "test")
    for name in BESIDE_THE_WHEEL:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, away / name)
    session.chdir(away)
    session.run("rtproto", "--version")
    run_pytest(session, f"--ignore={CLIENTS}", *(f"tests/{name}" for name in OF_THE_WHEEL))


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure side by side with other clients."""
    session.install(".[all]", "--group", "bench")
    session.run("python", "-m", "bench", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Write the pages on the dialects, and build the site in site/."""
    session.install("-e", ".", "--group", "docs")
    session.run("python", "docs/dialects.py")
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    session.run("mkdocs", "build", "--strict", "--config-file", "docs/site/mkdocs.yml", *session.posargs, env=quiet)


@nox.session(default=False)
def pins(session: nox.Session) -> None:
    """Renew requirements.txt."""
    compile_pins = ["uv", "pip", "compile", "pyproject.toml", "--extra=demo", "--universal", "--python-version=3.10"]
    versions_alone = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    pinned = session.run_install(*compile_pins, *versions_alone, silent=True)
    (ROOT / "requirements.txt").write_text(f"{PINS_HEAD}\n{pinned}", encoding="utf-8")
