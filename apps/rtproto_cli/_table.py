"""Tables, as wide as they are read: on a terminal, on a narrow one, and by another program."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_LAST = 40
"""Characters that the last column, the words, needs at least: it may wrap, and the others are names."""


def show_table(headers: Sequence[str], rows: "Iterable[Sequence[str]]") -> None:
    """Prints a table whose last column is words. Piped: a line a row, aligned. Where a terminal is too narrow for the
    names: a paragraph a row, headed by its first cell."""
    console = Console(highlight=False)
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    if not console.is_terminal:
        for row in (headers, *cells):
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    elif sum(widths[:-1]) + min(widths[-1], _LAST) + 3 * len(widths) <= console.width:
        table = Table(*headers, box=box.SIMPLE_HEAD, pad_edge=False)
        for name in table.columns[:-1]:
            name.no_wrap = True
        for row in cells:
            table.add_row(*map(Text, row))
        console.print(table)
    else:
        for row in cells:
            console.print(Text(row[0], "bold"), Padding(_labelled(headers[1:], row[1:]), (0, 0, 0, 4)))


def _labelled(headers: Sequence[str], cells: Sequence[str]) -> "Text | Table":
    """Cells below each other; one that stands alone needs no label."""
    if len(cells) == 1:
        return Text(cells[0])
    grid = Table.grid(padding=(0, 2))
    for header, cell in zip(headers, cells, strict=True):
        if cell:
            grid.add_row(Text(header, "dim"), Text(cell))
    return grid


def show_text(text: str, style: str = "") -> None:
    """Prints a paragraph: wrapped between words on a terminal, else as one line."""
    console = Console(highlight=False)
    console.print(Text(text, style), soft_wrap=not console.is_terminal)
