"""What every test shares: the hypothesis profiles, Ctrl-C, the rule of a core-only run, and what is asked again."""

from __future__ import annotations

import ast
import gc
import importlib.util
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
# The examples of "ci" are the same on every Python: where one of them has tried all, some do for the others.
settings.register_profile("ci-brief", settings.get_profile("ci"), max_examples=25)
settings.load_profile("dev")


def pytest_configure(config: pytest.Config) -> None:
    # A shell that starts us in the background has Ctrl-C ignored, and so would be what the tests send to themselves and
    # to the programs that they start: they would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.version_info < (3, 11):
        # asyncio of 3.10 calls a TLS transport unclosed that was closed by its peer.
        config.addinivalue_line("filterwarnings", "ignore:unclosed transport <asyncio.sslproto:ResourceWarning")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--core-only",
        action="store_true",
        help="leave out the test files that name one of our rtproto_* packages or import what is not installed",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if not config.getoption("--core-only") or collection_path == HERE:
        return None
    source = collection_path / "conftest.py" if collection_path.is_dir() else collection_path
    return True if source.suffix == ".py" and source.is_file() and _needs_an_extra(source) else None


def _needs_an_extra(source: Path) -> bool:
    """Whether a test file is about more than the core; one that runs programs names the packages they need."""
    text = source.read_text(encoding="utf-8")
    return "rtproto_" in text or any(importlib.util.find_spec(name) is None for name in _imported(text))


def _imported(text: str) -> set[str]:
    """The top-level names of the absolute imports anywhere in a file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


ON_THE_CLOCK = ("contract", "e2e", "test_aio", "test_bench", "test_examples", "test_readme", "test_sync", "test_trio")
"""Tests of real sockets, processes and deadlines, which a machine that is busy elsewhere can make late."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What fails on the clock is asked again; what is wrong fails again."""
    if config.pluginmanager.hasplugin("rerunfailures"):
        for item in items:
            if item.path.relative_to(HERE).as_posix().startswith(ON_THE_CLOCK):
                item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture
def tls_of_asyncio() -> Iterator[None]:
    """For tests of TLS outside of contract/: what asyncio of 3.10 says of its transports is overheard in time."""
    yield
    if sys.version_info < (3, 11):
        gc.collect()
