"""`rtproto validate`: which events of a recorded session break the schema or the order rules."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import attrs
import typer
from rich.console import Console
from rich.text import Text

from rtproto._recording import MAX_LINE
from rtproto_cli._fatal import Fatal, fail, known_dialect, system_reason
from rtproto_cli._table import show_table
from rtproto_cli._validation import STATEMENTS, Validation, printable, shown

_STDIN = Path("-")


def _list_rules(wanted: bool) -> None:
    if wanted:
        show_table(("rule", "what it says"), STATEMENTS.items())
        raise typer.Exit


def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="A recorded session, or - for standard input.")],
    dialect: Annotated[
        str | None, typer.Option(help="What the session speaks (see `rtproto events`); by default it is guessed.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="An event type the dialect lacks is a breach.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    rules: Annotated[
        bool, typer.Option("--rules", callback=_list_rules, is_eager=True, help="List the rules, and exit.")
    ] = False,
) -> None:
    """Tell which events of a recorded session break the schema or the order rules.

    FILE has one JSON object a line: an event, or `{"dir": "sent" | "received", "event": {...}}`, as in the
    **events.jsonl** of `rtproto stream`. Audio may be cut short. What breaks a rule is told as

        FILE:LINE: type: rule: why

    Event types that the dialect does not have are listed at the end. A recording that begins in the middle of a
    session is an excerpt, of which nothing is held to be missing.

    Exit status: 0 nothing is broken, 1 something is, 2 what you gave is wrong.
    """
    try:
        if dialect is not None:
            known_dialect(dialect)
        with _opened(file) as stream:
            broken = _validate(file, _lines(file, stream), dialect, strict, as_json)
    except Fatal as fatal:
        if as_json:
            print(json.dumps({"status": "failed", "error": fatal.line}))
        fail(fatal)
    raise typer.Exit(1 if broken else 0)


def _validate(file: Path, lines: Iterator[bytes], dialect: "str | None", strict: bool, as_json: bool) -> bool:
    validation = Validation(lines, dialect, strict=strict)
    if validation.empty:
        raise Fatal(f"{_name(file)} is empty: give a recording, one JSON object a line", 2)
    if not validation.looks_like_a_recording:
        raise Fatal(f"{_name(file)} holds no events: a recording has one JSON object a line", 2)
    (_tell_json if as_json else _tell)(file, validation)
    return validation.breaches > 0


# ---- what is read ----


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if file == _STDIN:
        yield sys.stdin.buffer
        return
    if file.is_dir():
        hint = file / "events.jsonl"
        raise Fatal(f"{_name(file)} is a directory; give {_name(hint) if hint.exists() else 'a file in it'}", 2)
    try:
        stream = file.open("rb")
    except OSError as error:
        raise Fatal(f"cannot read {_name(file)}: {system_reason(error)}", 2) from None
    with stream:
        yield stream


_NOT_LINES = {
    b"\xff\xfe": "is UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "is UTF-16 text; save it as UTF-8",
    b"[": "is one JSON array; make it one event a line: jq -c '.[]'",
}
"""How files begin that are recordings, but no lines, and what to do."""


def _lines(file: Path, stream: BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is too long only as much as shows that."""
    begun = False
    while line := _read(file, stream):
        if not begun and line.strip():
            begun = True
            _check_beginning(file, line.lstrip())
        yield line
        while len(line) > MAX_LINE and not line.endswith(b"\n"):
            line = _read(file, stream)


def _read(file: Path, stream: BinaryIO) -> bytes:
    try:
        return stream.readline(MAX_LINE + 1)
    except OSError as error:
        raise Fatal(f"cannot read {_name(file)}: {system_reason(error)}", 1) from None


def _check_beginning(file: Path, line: bytes) -> None:
    wrong = next((why for start, why in _NOT_LINES.items() if line.startswith(start)), None)
    if wrong is None and b"\0" in line:
        wrong = "is not text; a recording has one JSON object a line"
    if wrong is not None:
        raise Fatal(f"{_name(file)} {wrong}", 2)


# ---- what is told ----


def _name(file: Path) -> str:
    return "standard input" if file == _STDIN else printable(str(file))


def _tell(file: Path, validation: Validation) -> None:
    say, name = _speaker(), _name(file)
    for breach in validation:
        kind = shown(breach.type) if breach.type is not None else "(no type)"
        say(
            (f"{name}:{breach.line}: ", "dim"),
            (kind, "bold"),
            (": ", ""),
            (breach.rule, "red"),
            (": ", ""),
            (breach.reason, ""),
        )
    for found in validation.unknown.values():
        times = f"{found.count} times, first on" if found.count > 1 else "once, on"
        say(("note: ", "yellow"), (f"{found.reason} ({times} line {found.line})", ""))
    say((_summary(validation), "red" if validation.breaches else "green"))


def _speaker() -> "Callable[..., None]":
    """What prints a line of pieces, each with its style: in colour on a terminal, and fast to anything else."""
    console = Console(highlight=False, soft_wrap=True)
    if console.is_terminal:
        return lambda *pieces: console.print(Text.assemble(*pieces))
    return lambda *pieces: print("".join(text for text, _ in pieces))


def _summary(validation: Validation) -> str:
    found = _count(validation.breaches, "breach", "breaches") if validation.breaches else "no breaches"
    counts = f"{_count(validation.events, 'event')} in {_count(validation.sessions, 'session')}"
    return f"{found}: {counts}, dialect {validation.dialect}{_why(validation)}"


def _why(validation: Validation) -> str:
    if not validation.guessed:
        return ""
    sign, line = validation.guess.sign, validation.guess.line
    told = f"guessed from {sign} on line {line}" if sign else "a guess, as nothing tells"
    return f" ({told}; --dialect decides otherwise)"


def _count(number: int, one: str, many: "str | None" = None) -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _tell_json(file: Path, validation: Validation) -> None:
    """One object, written as the breaches are found: there may be as many as events."""
    head = {"file": str(file), "dialect": validation.dialect, "guessed": validation.guessed}
    print(json.dumps(head)[:-1], end=', "breaches": [')
    try:
        for number, breach in enumerate(validation):
            print(", " if number else "", json.dumps(attrs.asdict(breach)), sep="", end="")
    finally:
        tail = {
            "events": validation.events,
            "sessions": validation.sessions,
            "unknown": {name: {"count": found.count, "line": found.line} for name, found in validation.unknown.items()},
        }
        print("], " + json.dumps(tail)[1:])
