"""What a function gave back, in words that can be spoken."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

_MAX_JSON = 100_000
"""Characters; what is longer is read out as it is, as far as _MAX_WORDS."""
_MAX_WORDS = 2000
"""Characters: two minutes of speech."""
_MAX_FACTS = 20
"""Nobody listens to more."""
_MAX_DEPTH = 6
_ANSWERS = ("result", "answer", "output", "text", "message", "content", "value", "response")
"""Keys whose value, where it is the only one, says all."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|[_\W]+")


def spoken(output: str) -> str:
    """JSON as sentences ("The temperature is 18, the sky is clear."); what is no JSON as it is."""
    text = " ".join(output[:_MAX_JSON].split())
    if not text:
        return "The function returned nothing."
    try:
        found = json.loads(output) if len(output) <= _MAX_JSON else text
    except (ValueError, RecursionError):
        found = text
    if isinstance(found, dict) and len(found) == 1:
        (key, only), *_ = found.items()
        if key.lower() == "error":
            why = ", ".join(islice(_facts(only), _MAX_FACTS)) or "it does not say why"
            return cut(_ended(f"The function failed: {why}"), _MAX_WORDS)
        found = only if key.lower() in _ANSWERS else found
    if isinstance(found, str):
        return cut(found.strip() or "The function returned nothing.", _MAX_WORDS)
    facts = list(islice(_facts(found), _MAX_FACTS + 1))
    if not facts:
        return "The function returned nothing."
    more = " and more" if len(facts) > _MAX_FACTS else ""
    told = ", ".join(facts[:_MAX_FACTS]) + more
    told = told if isinstance(found, dict) else f"the function returned {told}"
    return cut(_ended(told[:1].upper() + told[1:]), _MAX_WORDS)


def cut(text: str, most: int) -> str:
    """At most about so many characters, between words where there are any."""
    if len(text) <= most:
        return text
    end = text.rfind(" ", most // 2, most)
    return f"{text[: end if end > 0 else most]} and so on."


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _facts(value: Any, about: str = "", depth: int = 0) -> Iterator[str]:
    """One for each value that is no container, such as "the temperature is 18"."""
    if isinstance(value, dict | list) and depth == _MAX_DEPTH:
        yield f"the {about} is more than I can say".replace("  ", " ")
    elif isinstance(value, dict):
        for key, held in value.items():
            yield from _facts(held, f"{about} {_CAMEL.sub(' ', key).strip().lower()}".strip(), depth + 1)
    elif isinstance(value, list):
        plain = all(not isinstance(held, dict | list) for held in value[: _MAX_FACTS + 1])
        if plain and about:
            yield f"the {about} is {_listed(value)}"
            return
        for number, held in enumerate(value, 1):
            yield from _facts(held, f"{about} {number}".strip() if about else "", depth + 1)
    else:
        yield f"the {about} is {_word(value)}" if about else _word(value)


def _listed(values: list[Any]) -> str:
    words = [_word(value) for value in values[:_MAX_FACTS]] + ["more"] * (len(values) > _MAX_FACTS)
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:]))) or "nothing"


def _word(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "yes", False: "no"}[value]
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value) if isinstance(value, int) else " ".join(value.split()) or "empty"
