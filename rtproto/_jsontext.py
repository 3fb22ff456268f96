"""JSON text <-> Python values: orjson, and the standard library where orjson refuses."""

import json
import math
from typing import Any

import orjson


def loads(text: str) -> Any:
    """The value of `text`. Raises ValueError (also where it is nested beyond what Python can hold).

    orjson refuses a lone surrogate (half an emoji, cut by a JavaScript server); the standard library keeps it.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as refusal:
        try:
            return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        except ValueError:
            raise ValueError(str(refusal)) from None


def cut_out(text: str, opening: str) -> "tuple[str, str] | None":
    """The object `text` with nothing in the string that `opening` (``"key":"``) begins, and what was there, both raw.

    None unless all is plain: a backslash may hide a key or a quote, a brace make the key that of an inner object, and
    of two equal keys the last one counts.
    """
    start = text.find(opening)
    end = text.find('"', start + len(opening))
    if start < 0 or end < 0:
        return None
    start += len(opening)
    head, tail = text[:start], text[end:]
    around = head + tail
    if "\\" in around or "{" in head[1:] or opening[:-2] in tail:
        return None
    return around, text[start:end]


def _finite(number: str) -> float:
    """1e400 would become infinity, and then null on the way out."""
    found = float(number)
    if math.isinf(found):
        raise ValueError(number)
    return found


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def dumps(value: Any) -> bytes:
    """`value` as UTF-8 JSON. Raises TypeError for what JSON cannot hold."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as refusal:
        try:
            return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
        except (TypeError, ValueError, RecursionError):
            raise TypeError(str(refusal)) from None


def is_deeper_than(value: Any, limit: int) -> bool:
    """Whether `value` nests objects and arrays more than `limit` levels deep. Never recurses."""
    path = [iter((value,))]
    while path:
        for node in path[-1]:
            if isinstance(node, (dict, list)) and node:
                path.append(iter(node.values() if isinstance(node, dict) else node))
                break
            if isinstance(node, (dict, list)) and len(path) > limit:
                return True
        else:
            path.pop()
        if len(path) > limit + 1:
            return True
    return False
