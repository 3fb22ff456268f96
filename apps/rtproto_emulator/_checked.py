"""How values from a file are checked, so that a mistake is one line: where it is, and what is allowed there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

Place = tuple[str | int, ...]


class ScenarioError(ValueError):
    """A mistake in a scenario, in one line: where it is (the file's line `at`, if known), and what is allowed there."""

    def __init__(self, place: Place, message: str, at: str = "") -> None:
        super().__init__(": ".join(filter(None, [at, place_shown(place), message])))
        self.place = place
        self.message = message


def place_shown(place: Place) -> str:
    """Such as "turn 3, step 1: say"."""
    names = {"turns": "turn", "steps": "step", "tools": "tool"}
    parts: list[str] = []
    fields: list[str] = []
    for at, key in enumerate(place):
        if isinstance(key, int):
            continue
        following = place[at + 1] if at + 1 < len(place) else None
        if isinstance(following, int):
            parts.append(f"{names.get(key, key)} {following + 1}")
        elif key != "steps":
            (parts if key == "default" else fields).append(key)
    return ": ".join(filter(None, [", ".join(parts), ".".join(fields)]))


def shown(held: Any) -> str:
    """A value as YAML has it, short."""
    text = json.dumps(held, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."


def as_fields(held: Any, place: Place, known: Sequence[str], needed: Sequence[str] = ()) -> dict[str, Any]:
    if not isinstance(held, Mapping):
        raise ScenarioError(place, f"{shown(held)} is no mapping; possible fields: {', '.join(known)}")
    for name in held:
        if name not in known:
            close = get_close_matches(str(name), known, 1)
            hint = f" (did you mean {close[0]}?)" if close else ""
            raise ScenarioError((*place, str(name)), f"there is no such field{hint}; possible: {', '.join(known)}")
    for name in needed:
        if name not in held:
            raise ScenarioError((*place, name), "it is missing")
    return dict(held)


def as_list(held: Any, place: Place) -> list[Any]:
    if not isinstance(held, list):
        raise ScenarioError(place, f"{shown(held)} is no list; begin each of its entries with '-'")
    return held


def as_text(held: Any, place: Place, *, empty: bool = False) -> str:
    if not isinstance(held, str):
        raise ScenarioError(place, f"{shown(held)} is no text; put it in quotes")
    if not held.strip() and not empty:
        raise ScenarioError(place, "it is empty; write some text")
    return held


def as_whole(held: Any, place: Place, least: int) -> int:
    if not isinstance(held, int) or isinstance(held, bool) or held < least:
        raise ScenarioError(place, f"{shown(held)} is not possible; write a whole number from {least}")
    return held


def as_flag(held: Any, place: Place) -> bool:
    if not isinstance(held, bool):
        raise ScenarioError(place, f"{shown(held)} is not possible; write true or false")
    return held


def as_arguments(held: Any, place: Place) -> str:
    """JSON text; a text is taken as it is, so that it may be broken."""
    if isinstance(held, str):
        return held
    if isinstance(held, Mapping):
        try:
            return json.dumps(held, ensure_ascii=False)
        except (TypeError, ValueError):
            raise ScenarioError(place, "it holds what JSON has not, such as a date; put that in quotes") from None
    raise ScenarioError(place, f"{shown(held)} is not possible; write a mapping, or JSON as text")
