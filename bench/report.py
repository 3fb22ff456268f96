"""Results, for people and for programs."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from bench.contenders import Result

LIBRARIES = ("rtproto", "orjson", "pybase64", "wsproto", "websockets", "aiohttp", "trio", "picows", "openai")
HEAD = ("median", "least", "ratio")


def rows(result: Result) -> Iterator[tuple[str, str, str, str]]:
    """Name, median, least and ratio of each contender; the first one is what the ratios are of."""
    first = result.median(next(iter(result.times)))
    for name, times in result.times.items():
        median = result.median(name)
        yield name, f"{median:.2f}", f"{min(times):.2f}", f"{median / first:.2f}"


def show(result: Result) -> None:
    """Prints a table, with rich where that is installed."""
    head = (result.unit, *HEAD)
    try:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table
    except ImportError:
        print(f"\n{result.title}")
        for row in (head, *rows(result)):
            print("{:32}{:>10}{:>10}{:>8}".format(*row))
    else:
        table = Table(title=escape(result.title), title_justify="left", min_width=72)
        for column, text in enumerate(head):
            table.add_column(text, justify="right" if column else "left", ratio=0 if column else 1)
        for row in rows(result):
            table.add_row(*row)
        Console().print("", table)
    for name, reason in result.skipped.items():
        print(f"skipped: {name}: {reason}")


def versions() -> dict[str, str]:
    """Of Python and of the libraries that are here."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def as_json(results: Mapping[str, Result]) -> dict[str, Any]:
    """Everything that was measured."""
    return {
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "versions": versions(),
        "benchmarks": {
            name: {
                "title": result.title,
                "unit": result.unit,
                "median": {contender: result.median(contender) for contender in result.times},
                "times": dict(result.times),
                "skipped": dict(result.skipped),
            }
            for name, result in results.items()
        },
    }
