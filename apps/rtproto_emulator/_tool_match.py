"""Which function someone means, and with what arguments: by the words alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import attrs

from rtproto import events, value

from ._numbers import Token, tokens

_MAX_WORDS = 500
"""Characters of what was said that are looked at: who calls a function says so soon."""
_MAX_TOOLS = 128
"""As many as OpenAI takes."""
_MAX_NAME = 100
"""Characters of a function's or a parameter's name; OpenAI takes 64."""
_MAX_DESCRIPTION = 500
"""Characters; what a function does stands at the beginning."""
_MAX_SCHEMA = 1000
"""Parts of a schema that are looked at: one may contain itself, or be as large as a message."""
_MAX_DEPTH = 8

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_SAYING_NOTHING = """
a about all am an and any are as at be been but by call can could current currently data did do does done fetch find for
from function get gets give given had has have he her here him his how i if in info information is it its know let like
look lookup make makes may me might more most must my need new next no not now of on or our out please returns right run
saying set shall she should show so some tell than that the their them then there these they this those to up us use
used using value want was we were what what's when where where's which who whom why will with without would yes you your
"""
_EMPTY_WORDS = frozenset(_SAYING_NOTHING.split())
"""They say nothing about what is meant."""
_WHERE_TO = re.compile(r"\s+(?:to|from|on|in)\s+(?:the|my)\b.*")
"""Where the things in a list shall go."""
_ENDINGS = ("ing", "ers", "es", "er", "ed", "s", "e")

_STOP = (
    r"(?=\s+(?:in|at|on|for|with|to|by|from|and|about|saying|that|today|tomorrow|tonight|yesterday|now|right|please|this"
    r"|next)\b|[,.;!?]|\s*$)"
)
_PLACES = r"(?:city|town|location|place|country|region|destination|area|where|address)"
_PEOPLE = r"(?:name|person|contact|recipient|user|who|whom|to|email)"
_MOMENTS = r"(?:date|day|time|when|datetime)"
_PHRASES: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(f"(?:.*_)?{name}(?:_name)?"), re.compile(phrase, re.IGNORECASE))
    for name, phrase in (
        (r"(?:origin|from|departure|source)(?:_city)?", rf"\bfrom\s+(?:the\s+)?(?P<found>\S.*?){_STOP}"),
        (_PLACES, rf"\b(?:in|at|near|for|to|of)\s+(?:the\s+)?(?P<found>\S.*?){_STOP}"),
        (_PEOPLE, rf"\b(?:named|called|to|for|with)\s+(?P<found>\S.*?){_STOP}"),
        (r"body|message|text|content", r"\b(?:saying|that\s+says|which\s+says)\s+(?:that\s+)?(?P<found>\S.*)"),
        (
            _MOMENTS,
            r"\b(?P<found>today|tomorrow|tonight|yesterday|(?:next\s+)?(?:mon|tues|wednes|thurs|fri|satur|sun)day"
            r"|at\s+\d\S*(?:\s*[ap]\.?m\b)?)",
        ),
    )
)
"""A parameter whose name is like the first is looked for as the second."""
_LABELS = ("is", "named", "called")
"""What may stand between a parameter's name and its value."""
_ON_OFF = (
    (re.compile(r"\b(?:off|false|disable|disabled|don't|not|never|without)\b"), False),
    (re.compile(r"\b(?:on|true|enable|enabled|with|yes)\b"), True),
)


def called(tools: Sequence[events.FunctionTool], words: str) -> events.FunctionTool | None:
    """The function that `words` are about, None where that is not clear. Of two that fit as well, the first."""
    best = max(_matches(tools, words), key=lambda match: match.score, default=None)
    return best.tool if best is not None and best.clear else None


def ranked(tools: Sequence[events.FunctionTool], words: str) -> list[events.FunctionTool]:
    """The functions, with those first that `words` are most likely about."""
    return [match.tool for match in sorted(_matches(tools, words), key=lambda match: -match.score)]


@attrs.frozen
class Arguments:
    """What a function is called with. `unsaid` are the parameters that must be there and that the words do not have."""

    values: dict[str, Any]
    unsaid: tuple[str, ...]


def arguments(tool: events.FunctionTool, words: str) -> Arguments:
    """Arguments as the function's JSON schema wants them, from the words; what is unsaid is as empty as it may be."""
    found = _Words(words[:_MAX_WORDS], tool)
    filled = found.fill(tool.parameters, "", required=True, depth=0)
    return Arguments(filled if isinstance(filled, dict) else {}, tuple(filter(None, found.unsaid)))


@attrs.frozen
class _Match:
    tool: events.FunctionTool
    score: int
    clear: bool


def _matches(tools: Sequence[events.FunctionTool], words: str) -> Iterator[_Match]:
    in_order = _stems(words[:_MAX_WORDS])
    said = set(in_order)
    for tool in tools[:_MAX_TOOLS]:
        name = _stems(_name(tool))
        in_name = said & set(name)
        in_rest = said & set(_stems(value(tool.description, "")[:_MAX_DESCRIPTION])) - in_name
        hits = len(in_name) + len(in_rest)
        # What it is about, or what it does, as an order.
        named = bool(name and said) and (name[-1] in said or name[0] == in_order[0])
        clear = hits >= 2 or named or (hits == 1 and len(said) <= 2)
        yield _Match(tool, hits + len(in_name), clear)


def _name(tool: events.FunctionTool) -> str:
    return _spaced(value(tool.name, ""))


def _spaced(name: str) -> str:
    """An identifier as words."""
    return _CAMEL.sub(" ", name[:_MAX_NAME])


def _stems(text: str) -> list[str]:
    """The words that say something, without their endings."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _EMPTY_WORDS]


def _stem(word: str) -> str:
    return next((word[: -len(end)] for end in _ENDINGS if word.endswith(end) and len(word) - len(end) >= 4), word)


class _Missing:
    """The words say nothing about it."""


_MISSING = _Missing()


class _Words:
    """Finds the arguments of one call in what was said."""

    def __init__(self, text: str, tool: events.FunctionTool) -> None:
        self._text = " ".join(text.split()).rstrip(" .?!")
        self._lower = self._text.lower()
        self._tokens = tokens(self._text)
        self._used: set[int] = set()
        self._tool_stems = {_stem(word) for word in _name(tool).lower().split()}
        self._root = tool.parameters
        self.unsaid: list[str] = []
        self._left = _MAX_SCHEMA
        self._units: set[str] = set()
        """Stems of all parameters' names, so that the ten of "ten minutes" goes to `minutes`."""

    def fill(self, schema: Any, name: str, *, required: bool, depth: int) -> Any:
        """A value for the parameter `name`, or _MISSING."""
        self._left -= 1
        schema = self._resolved(schema)
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH or self._left < 0:
            return ({} if depth == 0 else None) if required else _MISSING
        found = self._found(schema, name, depth, required)
        if not isinstance(found, _Missing) or not required:
            return found
        if "default" in schema:
            return schema["default"]
        self.unsaid.append(name)
        return _empty(schema)

    def _found(self, schema: Mapping[str, Any], name: str, depth: int, required: bool) -> Any:
        if "const" in schema:
            return schema["const"]
        if choices := _list(schema, "enum"):
            return self._choice(choices)
        for key in ("anyOf", "oneOf", "allOf"):
            alternatives = [other for other in _list(schema, key) if not _is_null(other)]
            if alternatives:
                return self.fill(alternatives[0], name, required=required, depth=depth + 1)
        kind = _kind(schema)
        if kind == "object":
            return self._object(schema, depth)
        if kind in ("integer", "number"):
            return self._number(schema, name, kind)
        if kind == "boolean":
            return next((on for pattern, on in _ON_OFF if pattern.search(self._lower)), _MISSING)
        if kind == "array":
            return self._array(schema)
        return self._string(name, required) if kind == "string" else _MISSING

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        required = dict.fromkeys(name for name in _list(schema, "required") if isinstance(name, str))
        names = list(dict.fromkeys([*required, *properties]))[: self._left + 1]
        self._units |= {stem for name in names for stem in _stems(_spaced(name))}
        held = {
            name: self.fill(properties.get(name, {"type": "string"}), name, required=name in required, depth=depth + 1)
            # First those that are found by their place: what they take is no one else's.
            for name in sorted(names, key=lambda name: not self._has_place(name))
        }
        return {name: held[name] for name in names if held[name] is not _MISSING}

    def _has_place(self, name: str) -> bool:
        phrase = _phrase(name)
        return phrase is not None and phrase.search(self._text) is not None

    def _choice(self, choices: list[Any]) -> Any:
        """The value that was named; the longest of several."""
        named = [choice for choice in choices[:_MAX_SCHEMA] if self._names(choice)]
        return max(named, key=lambda choice: len(str(choice)), default=_MISSING)

    def _names(self, choice: Any) -> bool:
        if isinstance(choice, bool) or choice is None:
            return False
        if isinstance(choice, int | float):
            return any(token == choice for token in self._tokens)
        words = " ".join(_WORD.findall(_CAMEL.sub(" ", str(choice)[:_MAX_WORDS]).lower()))
        return bool(words) and f" {words} " in f" {' '.join(_WORD.findall(self._lower))} "

    def _number(self, schema: Mapping[str, Any], name: str, kind: str) -> Any:
        own = set(_stems(_spaced(name)))
        for at, token in enumerate(self._tokens):
            if at in self._used or not isinstance(token, Fraction) or not _allowed(token, schema, kind):
                continue
            unit = _unit(self._tokens, at)
            if unit in own or unit not in self._units:
                self._used.add(at)
                return _plain(token)
        return _MISSING

    def _array(self, schema: Mapping[str, Any]) -> Any:
        items = self._resolved(schema.get("items"))
        items = items if isinstance(items, Mapping) else {}
        if choices := _list(items, "enum"):
            return [choice for choice in choices[:_MAX_SCHEMA] if self._names(choice)] or _MISSING
        kind = _kind(items)
        if kind in ("integer", "number"):
            return [_plain(token) for token in self._tokens if isinstance(token, Fraction)] or _MISSING
        if kind != "string":
            return _MISSING
        return [part for part in re.split(r",\s*|\s+and\s+", _WHERE_TO.sub("", self._rest())) if part] or _MISSING

    def _string(self, name: str, required: bool) -> Any:
        phrase = _phrase(name)
        if phrase is not None and (found := phrase.search(self._text)):
            self._text = " ".join((self._text[: found.start()] + self._text[found.end() :]).split())
            return found["found"]
        for label in _LABELS:
            _, said, rest = self._text.partition(f"{_spaced(name)} {label} ")
            if said and rest:
                return rest
        return (self._rest() or _MISSING) if required else _MISSING

    def _rest(self) -> str:
        """What was said besides the function's own words: what follows them, else all that says something."""
        words = self._text.split()
        ours = [at for at, word in enumerate(words) if self._is_tool_word(word)]
        after = words[ours[-1] + 1 :] if ours else words
        while after and _bare(after[0]) in _EMPTY_WORDS:
            after = after[1:]
        if after:
            return " ".join(after)
        return " ".join(word for word in words if _bare(word) not in _EMPTY_WORDS and not self._is_tool_word(word))

    def _is_tool_word(self, word: str) -> bool:
        return _stem(_bare(word)) in self._tool_stems

    def _resolved(self, schema: Any) -> Any:
        """What a reference within the schema points to."""
        for _ in range(_MAX_DEPTH):
            reference = schema.get("$ref") if isinstance(schema, Mapping) else None
            if not isinstance(reference, str) or not reference.startswith("#"):
                break
            schema = self._root
            for key in reference[1:].split("/")[1:_MAX_DEPTH]:
                schema = schema.get(key) if isinstance(schema, Mapping) else None
        return schema


def _phrase(name: str) -> re.Pattern[str] | None:
    """How a parameter with such a name is said."""
    plain = _CAMEL.sub("_", name[:_MAX_NAME]).lower()
    return next((phrase for wanted, phrase in _PHRASES if wanted.fullmatch(plain)), None)


def _bare(word: str) -> str:
    return word.lower().strip(",.;:!?\"'")


def _unit(found: Sequence[Token], at: int) -> str:
    """The stem of the word after a number."""
    after = found[at + 1] if at + 1 < len(found) else ""
    return _stem(after) if isinstance(after, str) else ""


def _allowed(number: Fraction, schema: Mapping[str, Any], kind: str) -> bool:
    low, high = schema.get("minimum"), schema.get("maximum")
    return (
        (kind == "number" or number.denominator == 1)
        and (not isinstance(low, int | float) or number >= low)
        and (not isinstance(high, int | float) or number <= high)
    )


def _plain(number: Fraction) -> int | float:
    return int(number) if number.denominator == 1 else float(number)


def _kind(schema: Mapping[str, Any]) -> str:
    """Its JSON type; the first that is not null."""
    kinds = schema.get("type") or ("object" if "properties" in schema else "string")
    return next((kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null"), "null")


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def _list(schema: Mapping[str, Any], name: str) -> list[Any]:
    found = schema.get(name)
    return found if isinstance(found, list) else []


def _empty(schema: Mapping[str, Any]) -> Any:
    """What stands where the words say nothing and something must."""
    if choices := _list(schema, "enum"):
        return choices[0]
    number = schema.get("minimum", 0)
    return {"string": "", "integer": number, "number": number, "boolean": False, "array": []}.get(_kind(schema))
