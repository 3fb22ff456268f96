"""Writes the pages on the dialects from what the code knows of them: `python docs/dialects.py`."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rtproto_cli._vocabulary import Entry, entries, fields, own_classes, own_fields, qualified, summary

from rtproto._dialects import DIALECTS, Dialect, dialect
from rtproto._dialects._dialect import Move
from rtproto._dialects._reshape import TRANSCRIPTION
from rtproto._unset import UNSET
from rtproto._wiretypes import loosened
from rtproto.events._base import WireEvent

HERE = Path(__file__).parent / "dialects"

INTRO = """\
rtproto has one vocabulary, that of OpenAI's GA protocol. A **dialect** says how a server speaks otherwise; it is mapped
onto the vocabulary on the way in and back on the way out, so that a program reads and says the same classes whichever
server it talks to. `event.type` is the GA name, `event.wire_type` the one that travelled.

An endpoint knows its dialect by its address; `rtproto.endpoint(url, dialect="beta")` names it. The command
`rtproto events --dialect beta` lists the events of one, and `rtproto validate --dialect beta FILE.jsonl` judges a
recorded session by it.
"""
LACKING = "One that does is of a class that derives from GA's, so that one `match` reads both; the fields are `UNSET`."
FOOT = "*This page is written by `docs/dialects.py` from the data that the code uses.*\n"


def pages() -> dict[str, str]:
    """File name -> text, of every page."""
    found = {f"{name}.md": _page(dialect(name)) for name in DIALECTS}
    return {"index.md": _index(), **found}


SAME_EVENTS = ("conversation.item.added", "response.output_audio.delta", "response.output_text.delta")
SAME_FIELDS = ("output_modalities", "audio.output.voice", "audio.input.format", "audio.input.turn_detection")
"""Of a session, in GA."""
SAME_CONTENTS = ("output_audio", "output_text")


def _index() -> str:
    head = ("dialect", "what it is", "client events", "server events", "renamed", "its own", "lacking")
    of_conversations = [which for which in map(dialect, DIALECTS) if which.declares("response.create")]
    return "\n".join(
        (
            "# Dialects\n",
            INTRO,
            *_table(head, map(_numbers, map(dialect, DIALECTS))),
            "\n## The same, said by each\n",
            "Those that hold conversations; fields are those of a session.\n",
            *_table(("", *(which.name for which in of_conversations)), _same(of_conversations)),
            "",
            FOOT,
        )
    )


def _numbers(which: Dialect) -> Sequence[str]:
    sides = [entry.side for entry in entries(which)]
    counts = (
        sides.count("client"),
        sides.count("server"),
        len(which.names),
        len(_own_events(which)),
        len(_absent(which)),
    )
    return (f"[{which.name}]({which.name}.md)", which.title, *map(str, counts))


def _same(dialects: "list[Dialect]") -> Iterator[Sequence[str]]:
    for ga in SAME_EVENTS:
        yield ("event", *(_code(which.written_name(ga)) for which in dialects))
    for path in SAME_FIELDS:
        yield ("field", *(_code(_place(which, path)) for which in dialects))
    for content in SAME_CONTENTS:
        yield ("content", *(_code(_content(which, content)) for which in dialects))


def _place(which: Dialect, path: str) -> str:
    return next((move.name for move in which.session if ".".join(move.path) == path), path)


def _content(which: Dialect, ga: str) -> str:
    return next((name for name, of in which.contents.items() if of == ga), ga)


def _page(which: Dialect) -> str:
    sections = [f"# {which.title}\n", f"{which.about}\n", f"Its name in rtproto: `{which.name}`.\n"]
    for title, words, lines in _sections(which):
        body = list(lines)
        if body:
            sections += [f"## {title}\n", *([f"{words}\n"] if words else ()), *body, ""]
    return "\n".join((*sections, FOOT))


def _sections(which: Dialect) -> "Iterator[tuple[str, str, Iterable[str]]]":
    if which.name == DIALECTS[0]:
        yield "What a client says", "", _events(entry for entry in entries(which) if entry.side == "client")
        yield "What a server says", "", _events(entry for entry in entries(which) if entry.side == "server")
    yield "Events of another name", "", _renamed(which)
    yield "Events of its own", "", _events(_own_events(which), said_by=True)
    yield "GA events it lacks", "", _lacking(which)
    yield "Events that may lack what they always have in GA", LACKING, _loosened(which)
    yield "Fields that stand elsewhere", "", _moved(which)
    yield "Content of an assistant's items", "", _contents(which)
    yield "Also", "", _also(which)
    yield "Events with more fields than in GA", "", _own_fields(which, events=True)
    yield "Objects of its own, or with more fields than in GA", "", _own_fields(which, events=False)


# ---- events ----


def _events(found: Iterable[Entry], said_by: bool = False) -> Iterator[str]:
    head = ("type", *(("said by",) if said_by else ()), "class", "meaning")
    rows = [
        (_code(each.type), *((each.side,) if said_by else ()), _code(qualified(each.cls)), summary(each.cls))
        for each in found
    ]
    yield from _table(head, rows)


def _own_events(which: Dialect) -> list[Entry]:
    """Those that GA does not have in any form."""
    ga = {entry.type for entry in entries(dialect(DIALECTS[0]))}
    return [entry for entry in entries(which) if entry.cls.type not in ga]


def _renamed(which: Dialect) -> Iterator[str]:
    rows = [(_code(name), _code(ga), _use(which, name, ga)) for name, ga in which.names.items()]
    yield from _table(("here", "GA", "use"), rows)


def _use(which: Dialect, name: str, ga: str) -> str:
    if name == TRANSCRIPTION + ga:
        return "read, and written for a session that only transcribes"
    return "only read, and sent on as it came" if name in which.aliases else "read and written"


def _absent(which: Dialect) -> list[str]:
    """The GA types that a dialect does not have, neither under another name nor for something else."""
    here = {name for entry in entries(which) for name in (entry.type, entry.cls.type)}
    return sorted({entry.type for entry in entries(dialect(DIALECTS[0]))} - here)


def _lacking(which: Dialect) -> Iterator[str]:
    for name in _absent(which):
        yield f"- {_code(name)}" + (": left out when a program says it" if name in which.unsaid else "")


def _loosened(which: Dialect) -> Iterator[str]:
    rows = [
        (
            _code(qualified(cls)),
            ", ".join(_code(field.name) for field in fields(cls) if field.name in lacking),
            summary(cls),
        )
        for cls in sorted(own_classes(which), key=qualified)
        if (lacking := loosened(cls))
    ]
    yield from _table(("class", "may lack", "meaning"), rows)


# ---- objects ----


def _moves(which: Dialect) -> "list[tuple[Move, list[str]]]":
    """The fields that stand elsewhere, each with the parts of events in which it does."""
    parts = {
        "event": which.event,
        "session": which.session,
        "response": which.response,
        "response.create": which.params,
    }
    found: list[tuple[Move, list[str]]] = []
    for part, moves in parts.items():
        for move in moves:
            places = next((places for known, places in found if known == move), None)
            if places is None:
                found.append((move, [part]))
            else:
                places.append(part)
    return found


def _moved(which: Dialect) -> Iterator[str]:
    rows = [
        (", ".join(places), _code(move.name), _code(".".join(move.path)), "<br>".join(_values(move)))
        for move, places in _moves(which)
    ]
    yield from _table(("in", "here", "GA", "values that differ (here = GA)"), rows)


def _values(move: Move) -> Iterator[str]:
    for own, ga in move.pairs:
        yield f"{_json(own)} = {_json(ga)}"
    if move.rate is not None:
        yield f"the sample rate stands in {_code(move.rate)}"
    if move.hollow is not UNSET:
        yield f"meanwhile there is {_json(move.hollow)} in GA's place"


def _contents(which: Dialect) -> Iterator[str]:
    yield from _table(("here", "GA"), [(_code(name), _code(ga)) for name, ga in which.contents.items()])


def _also(which: Dialect) -> Iterator[str]:
    if which.session_type:
        typed = ", ".join(map(_code, sorted(which.typed_sessions)))
        but = f", except in {typed}" if typed else ""
        yield f"- A session has no `type`{but}; it is taken to be `{which.session_type}`."
    for box in which.boxed:
        whole = {**box.rest, box.field: "..."}
        yield f"- A session's {_code(box.name)} is the object {_json(whole)}: a text in GA."
    for box in which.unboxed:
        yield f"- {_code(box.name)} is a text: the {_code(box.field)} of an object in GA."
    for name, default in which.session_needs.items():
        yield f"- A session must have {_code(name)}; where a program does not say it, it is {_json(default)}."
    if which.nests_tools:
        yield "- The fields of a function tool stand in an object `function` of the tool."
    for name, lacking in which.may_lack.items():
        told = " or ".join(map(_code, lacking))
        yield f"- {_code(which.written_name(name))} may lack its {told}; it is then kept whole, as unknown."


def _own_fields(which: Dialect, *, events: bool) -> Iterator[str]:
    own = {entry.cls for entry in _own_events(which)}
    rows = []
    for cls in sorted(own_classes(which), key=qualified):
        added = set(own_fields(cls))
        if issubclass(cls, WireEvent) == events and cls not in own and added:
            told = ", ".join(f"{_code(field.name)} ({field.type})" for field in fields(cls) if field.name in added)
            rows.append((_code(qualified(cls)), told, summary(cls)))
    yield from _table(("class", "its own fields", "meaning"), rows)


# ---- Markdown ----


def _table(head: Sequence[str], rows: "Iterable[Sequence[str]]") -> Iterator[str]:
    """A table; nothing where there are no rows."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    if cells:
        yield _row(head)
        yield "|" + "---|" * len(head)
        yield from map(_row, cells)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    return f"`{text}`"


def _json(value: Any) -> str:
    return _code(json.dumps(value))


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8", newline="\n")
