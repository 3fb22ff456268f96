"""`rtproto events`: what there is to say in each dialect."""

import difflib
import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from rtproto._dialects import DIALECTS, Dialect, dialect
from rtproto_cli._fatal import Fatal, fail, known_dialect
from rtproto_cli._table import show_table, show_text
from rtproto_cli._vocabulary import all_classes, entries, fields, qualified, summary, unions_in


def events(
    name: Annotated[str | None, typer.Argument(help="An event's type, or the class of an event or object.")] = None,
    in_dialect: Annotated[str | None, typer.Option("--dialect", help="One dialect only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the vocabulary: the dialects, the events of one, or the fields of an event or object.

    `rtproto events --dialect beta` lists the events of one dialect. With a name, as in `rtproto events
    response.audio.delta` or `rtproto events MessageItem`, the fields of that event or object are listed, whichever
    dialect has it.
    """
    try:
        chosen = known_dialect(in_dialect) if in_dialect is not None else None
        if name is not None:
            _tell_classes(name, chosen, as_json)
        elif chosen is not None:
            _tell_events(chosen, as_json)
        else:
            _tell_dialects(as_json)
    except Fatal as fatal:
        fail(fatal)


# ---- the dialects ----


def _tell_dialects(as_json: bool) -> None:
    found = [_dialect(dialect(name)) for name in DIALECTS]
    if as_json:
        print(json.dumps({"dialects": found}, indent=2))
        return
    show_table(
        ("dialect", "client", "server", "what it is"),
        [(each["name"], str(each["client"]), str(each["server"]), each["title"]) for each in found],
    )


def _dialect(which: Dialect) -> dict[str, Any]:
    sides = [entry.side for entry in entries(which)]
    return {
        "name": which.name,
        "title": which.title,
        "about": which.about,
        "client": sides.count("client"),
        "server": sides.count("server"),
    }


# ---- the events of one ----


def _tell_events(which: Dialect, as_json: bool) -> None:
    found = [
        {
            "said_by": entry.side,
            "type": entry.type,
            "ga_type": entry.ga_type,
            "class": qualified(entry.cls),
            "summary": summary(entry.cls),
        }
        for entry in entries(which)
    ]
    if as_json:
        print(json.dumps({"dialect": which.name, "events": found}, indent=2))
        return
    renamed = any(each["ga_type"] for each in found)
    columns = {"type": "type", "said by": "said_by", "GA type": "ga_type", "class": "class", "meaning": "summary"}
    kept = {head: key for head, key in columns.items() if renamed or key != "ga_type"}
    show_table(tuple(kept), [[each[key] or "" for key in kept.values()] for each in found])


# ---- the fields of a class ----


def _tell_classes(name: str, chosen: "Dialect | None", as_json: bool) -> None:
    dialects = [chosen] if chosen else [dialect(each) for each in DIALECTS]
    found = list(dict.fromkeys(cls for which in dialects for cls in _named(name, which)))
    if not found:
        where = f"the dialect {chosen.name}" if chosen else "any dialect"
        raise Fatal(f"no event or object of {where} is called {name!r}{_similar(name, dialects)}", 2)
    described = [_described(cls, dialects) for cls in found]
    if as_json:
        print(json.dumps({"found": described}, indent=2))
        return
    for number, each in enumerate(described):
        print("\n" if number else "", end="")
        _tell_class(each)


def _named(name: str, which: Dialect) -> Iterator[Any]:
    """The classes of a dialect that are called `name`, or that have it as their type."""
    yield from (entry.cls for entry in entries(which) if name == entry.type)
    yield from (cls for cls in all_classes(which) if name in (cls.__name__, qualified(cls), getattr(cls, "type", None)))


def _similar(name: str, dialects: "list[Dialect]") -> str:
    names = {entry.type for which in dialects for entry in entries(which)}
    names |= {cls.__name__ for which in dialects for cls in all_classes(which)}
    near = difflib.get_close_matches(name, sorted(names), n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else "; `rtproto events --dialect ga` lists them"


def _described(cls: Any, dialects: "list[Dialect]") -> dict[str, Any]:
    """What there is to know of a class; `types` are its names on the wire, each with the dialects that say so."""
    types: dict[str, list[str]] = {}
    for which in dialects:
        for entry in entries(which):
            if entry.cls is cls:
                types.setdefault(entry.type, []).append(which.name)
    tag = getattr(cls, "type", None)
    return {
        "class": qualified(cls),
        "about": " ".join((cls.__doc__ or "").split()),
        "type": tag if isinstance(tag, str) else None,
        "types": types,
        "fields": [{"name": each.name, "type": each.type, "optional": each.optional} for each in fields(cls)],
        "unions": unions_in(cls),
    }


def _tell_class(found: dict[str, Any]) -> None:
    show_text(found["class"], "bold")
    show_text(found["about"])
    for name, dialects in found["types"].items():
        show_text(f"type: {name} ({', '.join(dialects)})")
    if found["type"] and not found["types"]:
        show_text(f"type: {found['type']}")
    print()
    rows = [(each["name"], each["type"], _PRESENCE[each["optional"]]) for each in found["fields"]]
    show_table(("field", "type", "presence"), rows)
    for name, members in found["unions"].items():
        show_text(f"{name}: {', '.join(members)}")


_PRESENCE = {True: "may be absent or null", False: "always there"}
