"""Results, for people and for programs."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

from bench.contenders import Figures, Result

LIBRARIES = ("rtproto", "orjson", "pybase64", "wsproto", "websockets", "aiohttp", "trio", "picows", "openai")
HEAD = ("median", "least", "ratio")


def rows(result: Result | Figures) -> Iterator[tuple[str, ...]]:
    """Name, median, least and ratio of each contender; the first one is what the ratios are of.

    Of `Figures`: name, figure, unit.
    """
    if isinstance(result, Figures):
        for name, (figure, unit) in result.figures.items():
            yield name, f"{figure:.4g}", unit
        return
    first = result.median(next(iter(result.times)))
    for name, times in result.times.items():
        median = result.median(name)
        yield name, f"{median:.2f}", f"{min(times):.2f}", f"{median / first:.2f}"


def show(result: Result | Figures) -> None:
    """Prints a table, with rich where that is installed."""
    head = ("", "figure", "unit") if isinstance(result, Figures) else (result.unit, *HEAD)
    try:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table
    except ImportError:
        print(f"\n{result.title}")
        for row in (head, *rows(result)):
            print(f"{row[0]:32}" + "".join(f"{text:>10}" for text in row[1:]))
    else:
        table = Table(title=escape(result.title), title_justify="left", min_width=72)
        for column, text in enumerate(head):
            table.add_column(text, justify="right" if column else "left", ratio=0 if column else 1)
        for row in rows(result):
            table.add_row(*row)
        Console().print("", table)
    skipped = {} if isinstance(result, Figures) else result.skipped
    for name, reason in skipped.items():
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


def as_json(results: Mapping[str, Result | Figures]) -> dict[str, Any]:
    """Everything that was measured."""
    return {
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "versions": versions(),
        "benchmarks": {name: _one_as_json(result) for name, result in results.items()},
    }


def _one_as_json(result: Result | Figures) -> dict[str, Any]:
    if isinstance(result, Figures):
        return {"title": result.title, "figures": {name: list(figure) for name, figure in result.figures.items()}}
    return {
        "title": result.title,
        "unit": result.unit,
        "median": {contender: result.median(contender) for contender in result.times},
        "times": dict(result.times),
        "skipped": dict(result.skipped),
    }
