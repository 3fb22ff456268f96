"""How a server's answers differ from recorded ones: pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import Any

import attrs

from rtproto._jsontext import dumps

from ._recorded import NO_EVENT, Script, heard

_ID = "id"
_MOST_EVENTS = 1_000_000
"""That are compared: a day of deltas. A server may never end."""


@attrs.frozen
class Comparison:
    """The types of a server's events: as `recorded` and as `heard`, in order.

    Deltas that follow each other are told once a type, in the order of the alphabet: how many there are, and how those
    of text and sound alternate, differs from run to run. `lines` are those of a readable diff, each with ``" "``,
    ``"-"`` (only recorded) or ``"+"`` (only heard) before it.
    """

    recorded: tuple[str, ...]
    heard: tuple[str, ...]
    notes: dict[int, str] = attrs.field(factory=dict, repr=False)
    """What errors said, by their place in `heard`."""

    @property
    def same(self) -> bool:
        """Whether they do not differ."""
        return self.recorded == self.heard

    @property
    def lines(self) -> list[str]:
        """The diff."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        matcher = SequenceMatcher(None, self.recorded, self.heard, autojunk=False)
        for how, start, end, from_, to in matcher.get_opcodes():
            if how == "equal":
                yield from (f"  {name}" for name in self.recorded[start:end])
            else:
                yield from (f"- {name}" for name in self.recorded[start:end])
                yield from (f"+ {self.heard[n]}{self.notes.get(n, '')}" for n in range(from_, to))


class Comparer:
    """Listens to a server, beside a script: what it says, and how it names what the script names otherwise."""

    def __init__(self, script: Script, ignored: Iterable[str] = ()) -> None:
        self._ignored = frozenset(ignored)
        self._recorded = [step for step in script.steps if step.side == "server"]
        self._by_type: defaultdict[str, list[str | bytes]] = defaultdict(list)
        for step in self._recorded:
            self._by_type[step.type].append(step.message)
        self._counts: Counter[str] = Counter()
        self._types: list[str] = []
        self._notes: dict[int, str] = {}
        self._names: dict[str, str] = {}

    def receive(self, message: str | bytes) -> None:
        """The server has said something."""
        name, _, event = heard(message)
        number, self._counts[name] = self._counts[name], self._counts[name] + 1
        recorded = self._by_type[name]
        if event is not None and number < len(recorded):
            self._pair(heard(recorded[number])[2], event)
        if name == "error" and event is not None:
            error = event.get("error")
            if isinstance(error, dict):
                self._notes[len(self._types)] = f": {error.get('code')}: {error.get('message')}"
        if len(self._types) < _MOST_EVENTS:
            self._types.append(name)

    def translated(self, message: str | bytes) -> str | bytes:
        """A recorded message of the client, with the ids of this session in it."""
        event = heard(message)[2] if self._names else None
        if event is None:
            return message
        translated: dict[str, Any] = self._translated(event)
        return message if translated == event else dumps(translated).decode()

    def comparison(self) -> Comparison:
        """What was found."""
        recorded, _ = _gathered([step.type for step in self._recorded], self._ignored)
        heard_types, places = _gathered(self._types, self._ignored)
        notes = {places[at]: note for at, note in self._notes.items() if at in places}
        return Comparison(tuple(recorded), tuple(heard_types), notes)

    def _pair(self, recorded: Any, found: Any) -> None:
        """Notes what is called otherwise in this session."""
        if isinstance(recorded, dict) and isinstance(found, dict):
            for key in recorded.keys() & found.keys():
                old, new = recorded[key], found[key]
                if _names_one(key) and isinstance(old, str) and isinstance(new, str):
                    self._names[old] = new
                else:
                    self._pair(old, new)
        elif isinstance(recorded, list) and isinstance(found, list):
            for old, new in zip(recorded, found, strict=False):
                self._pair(old, new)

    def _translated(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._translated(held) for held in value]
        if not isinstance(value, dict):
            return value
        return {
            key: self._names.get(held, held) if _names_one(key) and isinstance(held, str) else self._translated(held)
            for key, held in value.items()
        }


def _names_one(key: str) -> bool:
    return key == _ID or key.endswith(f"_{_ID}")


def _gathered(types: Iterable[str], ignored: frozenset[str]) -> tuple[list[str], dict[int, int]]:
    """Types with each run of deltas in order and once; and where in them each of the others stands."""
    told: list[str] = []
    places: dict[int, int] = {}
    run: set[str] = set()
    for at, name in enumerate(types):
        if name in ignored:
            continue
        if name.endswith(".delta"):
            run.add(name)
            continue
        told += sorted(run)
        run.clear()
        places[at] = len(told)
        told.append(name if name != NO_EVENT else "(no event)")
    return told + sorted(run), places
