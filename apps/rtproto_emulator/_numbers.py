"""Numbers in words, as a recogniser writes them ("twenty two", "three point one four"), and in digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_SMALL = {word: number for number, word in enumerate(_UNITS.split())}
_ROUND = {word: 10 * number for number, word in enumerate(_TENS.split(), 2)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}

_TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)?|\*\*|[^\w\s]")
_MAX_DIGITS = 40
"""Of one number; nobody says a longer one, and sums of any length stay cheap."""

Token = str | Fraction


def tokens(text: str) -> list[Token]:
    """The words and signs of `text` in lower case, with its numbers as numbers: "two hundred and one" is one token."""
    plain = re.sub(r"(?<=[^\W\d_])-(?=[^\W\d_])", " ", text.lower())
    words = _TOKEN.findall(plain)
    found: list[Token] = []
    at = 0
    while at < len(words):
        number, after = _number(words, at)
        found.append(words[at] if number is None else number)
        at = after
    return found


def _number(words: Sequence[str], at: int) -> tuple[Fraction | None, int]:
    """The number that begins at `at`, and where it ends; None and the next word where there is none."""
    word = words[at]
    if word[0].isdecimal():
        return _digits(words, at)
    if word in ("a", "an") and at + 1 < len(words) and (words[at + 1] == "hundred" or words[at + 1] in _SCALES):
        whole, end = _whole(words, at + 1, 1)
    elif word in _SMALL or word in _ROUND:
        whole, end = _whole(words, at, 0)
    else:
        return None, at + 1
    return _fraction(words, whole, end)


def _digits(words: Sequence[str], at: int) -> tuple[Fraction | None, int]:
    word = words[at].replace(",", "")
    if len(word) > _MAX_DIGITS or not word.isascii():
        return None, at + 1
    scale = _SCALES.get(words[at + 1]) if at + 1 < len(words) else None
    return (Fraction(word) * scale, at + 2) if scale else (Fraction(word), at + 1)


def _whole(words: Sequence[str], at: int, current: int) -> tuple[int, int]:
    """Adds up words as long as they make one number: "two three" are two."""
    begun = at
    total, below = 0, 10**15
    while at < len(words):
        word = words[at]
        if word in _SMALL and (
            at == begun or (_SMALL[word] and (current % 100 == 0 or (_SMALL[word] < 10 and _open_tens(current))))
        ):
            current += _SMALL[word]
        elif word in _ROUND and current % 100 == 0:
            current += _ROUND[word]
        elif word == "hundred" and 0 < current < 100:
            current *= 100
        elif word in _SCALES and current and _SCALES[word] < below:
            below = _SCALES[word]
            total, current = total + current * below, 0
        elif word == "and" and at > begun and _joins(words, at):
            pass
        else:
            break
        at += 1
    return total + current, at


def _open_tens(current: int) -> bool:
    return current % 10 == 0 and current % 100 >= 20


def _joins(words: Sequence[str], at: int) -> bool:
    """Whether an "and" stands inside a number, as in "two hundred and one"."""
    before = words[at - 1]
    after = words[at + 1] if at + 1 < len(words) else ""
    return (before == "hundred" or before in _SCALES) and (after in _SMALL or after in _ROUND)


def _fraction(words: Sequence[str], whole: int, at: int) -> tuple[Fraction, int]:
    """What "point" and the digits after it add."""
    end = at + 1
    digits = ""
    while words[at : at + 1] == ["point"] and end < len(words) and _SMALL.get(words[end], 10) < 10:
        digits += str(_SMALL[words[end]])
        end += 1
    if not digits or len(digits) > _MAX_DIGITS:
        return Fraction(whole), at
    return whole + Fraction(int(digits), 10 ** len(digits)), end
