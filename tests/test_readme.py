"""Every Python block of the README and of the docs is run: rtproto_aio and rtproto_audio must be there for that.

Those of docs/clients.md need other packages: tests/e2e/clients runs them. Those of docs/testing.md belong together:
test_pytest_plugin.py runs them.

A block is driven by what it defines. One that defines something else fails here, until it is told how to drive it.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import attrs
import pytest
import rtproto_emulator

import rtproto

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted({*(ROOT / "docs").glob("**/*.md")} - {ROOT / "docs" / "clients.md", ROOT / "docs" / "testing.md"}),
]
FENCED = re.compile(r"^(?P<indent> *)```(?P<language>\w*).*\n(?P<code>(?:.*\n)*?)(?P=indent)```$", re.MULTILINE)


@attrs.frozen
class Block:
    """A piece of Python in a page; `place` is its page and line."""

    place: str
    code: str

    def load(self, directory: Path) -> ModuleType:
        """Runs it as a module of its own."""
        path = directory / "test_block.py"
        path.write_text(self.code, encoding="utf-8")
        spec = importlib.util.spec_from_file_location("test_block", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def python_blocks(page: str, name: str) -> Iterator[Block]:
    """The blocks of a page that say they are Python, in any of the ways to say so."""
    for found in FENCED.finditer(page):
        if found["language"].lower() in ("py", "py3", "python", "python3", "pycon"):
            line = page.count("\n", 0, found.start()) + 1
            yield Block(f"{name}:{line}", textwrap.dedent(found["code"]))


BLOCKS = [
    block
    for page in PAGES
    for block in python_blocks(page.read_text(encoding="utf-8"), page.relative_to(ROOT).as_posix())
]


def drive_main(module: ModuleType, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`main(url, path)` streams a file over asyncio and prints the transcript of the answer."""
    asyncio.run(asyncio.wait_for(module.main(url, str(ROOT / "test_data" / "question.wav")), 30))
    assert re.fullmatch(r"I heard \d\.\d seconds of speech\.", capsys.readouterr().out)


def drive_text_turn(module: ModuleType, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`text_turn(endpoint, words)` returns the answer."""
    assert module.text_turn(rtproto.endpoint(url), "What time is it?") == "You wrote: What time is it?"


def drive_tests(module: ModuleType, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Functions that begin with `test_` are run by pytest."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pytest.ini", str(module.__file__)]
    directory = Path(str(module.__file__)).parent
    (directory / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")
    run = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=50, check=False)
    assert re.search(r"^\d+ passed in ", run.stdout, re.MULTILINE), run.stdout + run.stderr
    assert run.returncode == 0


Driver = Callable[[ModuleType, str, "pytest.CaptureFixture[str]"], None]
DRIVERS: dict[str, Driver] = {"main": drive_main, "text_turn": drive_text_turn, "test_": drive_tests}
"""By the names, or the beginnings of names, that a block defines."""


def defined(module: ModuleType) -> set[str]:
    """The functions and classes that a module itself defines, tests as "test_"."""
    own = {name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    return {"test_" if name.startswith("test_") else name for name in own}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with rtproto_emulator.start() as emulator:
        yield emulator.url


def drivers_of(module: ModuleType, place: str) -> list[Driver]:
    names = defined(module)
    if not names:
        pytest.fail(f"{place} defines nothing to call: make it a function, and tell DRIVERS how to call it")
    if unknown := names - DRIVERS.keys():
        pytest.fail(f"{place} defines {', '.join(sorted(unknown))}: tell DRIVERS how to call it")
    return [DRIVERS[name] for name in names]


@pytest.mark.parametrize("block", BLOCKS, ids=[block.place for block in BLOCKS])
def test_block(block: Block, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = block.load(tmp_path)
    for drive in drivers_of(module, block.place):
        drive(module, url, capsys)


@pytest.mark.parametrize("code", ["print('hello')\n", "def unheard_of() -> None: ...\n"])
def test_a_block_that_nobody_drives_is_refused(code: str, tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"^docs/new\.md:7 defines"):
        drivers_of(Block("docs/new.md:7", code).load(tmp_path), "docs/new.md:7")


def test_the_readme_shows_asyncio_any_loop_and_a_test(tmp_path: Path) -> None:
    """So that the blocks are found at all."""
    readme = [block for block in BLOCKS if block.place.startswith("README.md:")]
    assert set[str]().union(*(defined(block.load(tmp_path)) for block in readme)) >= DRIVERS.keys()


def test_blocks_are_found_however_they_are_fenced() -> None:
    page = "```python title='a.py'\na\n```\n\n=== tab\n\n    ```py\n    b\n    ```\n\n```console\nc\n```\n"
    assert list(python_blocks(page, "page.md")) == [Block("page.md:1", "a\n"), Block("page.md:7", "b\n")]
