"""The core does no I/O and reads no clock: what its files import, call and load shows it."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rtproto

CORE = Path(rtproto.__file__).parent
FILES = sorted(CORE.rglob("*.py"))
PURE_STDLIB = {
    "__future__",
    "abc",
    "base64",
    "binascii",
    "collections",
    "collections.abc",
    "contextlib",
    "dataclasses",
    "difflib",
    "enum",
    "functools",
    "importlib",
    "http.HTTPStatus",
    "itertools",
    "json",
    "keyword",
    "math",
    "operator",
    "pprint",
    "re",
    "secrets",
    "struct",
    "sys",
    "textwrap",
    "types",
    "typing",
    "urllib.parse",
    "zlib",
}
HALF_PURE = {"http", "urllib"}
PURE_PACKAGES = {"rtproto", "attr", "attrs", "cattrs", "h11", "wsproto", "orjson", "pybase64", "typing_extensions"}
IMPURE_CALLS = {"open", "input", "print", "__import__", "breakpoint"}
IMPURE_MODULES = {"asyncio", "socket", "ssl", "selectors", "trio", "aiohttp"}


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module in HALF_PURE:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)


def is_pure(module: str) -> bool:
    return module in PURE_STDLIB or module.partition(".")[0] in PURE_PACKAGES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(CORE).as_posix())
def test_a_file_of_the_core_imports_and_calls_nothing_impure(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert [module for module in imports(tree) if not is_pure(module)] == []
    assert calls & IMPURE_CALLS == set()


@pytest.mark.parametrize(
    "source",
    ["import time", "from os import path", "import urllib.request", "from urllib import request", "import http.client"],
)
def test_the_allow_list_refuses_what_is_impure(source: str) -> None:
    assert not all(map(is_pure, imports(ast.parse(source))))


def test_importing_the_whole_core_loads_no_network_and_no_event_loop() -> None:
    modules = [
        ".".join(("rtproto", *file.relative_to(CORE).with_suffix("").parts)).removesuffix(".__init__") for file in FILES
    ]
    program = f"""
import importlib, platform, sys  # attrs and orjson load platform, which on Python 3.10 loads selectors
before = set(sys.modules)
for module in {modules!r}:
    importlib.import_module(module)
print(*sorted({IMPURE_MODULES!r} & (set(sys.modules) - before)))
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (run.stdout.split(), run.stderr) == ([], "")
