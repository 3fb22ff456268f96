"""Sums, said or written: "two plus three", "20 percent of 50", "(1 + 2) * 3". What is too large is not computed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from ._numbers import Token, tokens

_MAX_TEXT = 300
"""Characters; longer ones are no sums that anyone says."""
_MAX_TOKENS = 100
"""They bound how deep brackets can nest."""
_MAX_BITS = 4096
"""Of a power: 1200 digits."""
_DECIMALS = 6
_PLAIN = 10**15
"""From here on numbers are told by their power of ten."""

_PAIRS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), form)
    for pattern, form in (
        (r"(?:add|the sum of|sum of) (.+?) (?:and|to) (.+)", r"( \1 ) + ( \2 )"),
        (r"(?:subtract|take) (.+?) from (.+)", r"( \2 ) - ( \1 )"),
        (r"(?:the )?difference (?:of|between) (.+?) and (.+)", r"( \1 ) - ( \2 )"),
        (r"multiply (.+?) (?:by|and|with) (.+)", r"( \1 ) * ( \2 )"),
        (r"(?:the )?product of (.+?) and (.+)", r"( \1 ) * ( \2 )"),
        (r"divide (.+?) by (.+)", r"( \1 ) / ( \2 )"),
    )
)
_SIGNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), sign)
    for pattern, sign in (
        (r"\bto the (?:power of|power)\b|\*\*", " ^ "),
        (r"\b(?:times|multiplied by|x)\b|\u00d7", " * "),
        (r"\b(?:divided by|over)\b|\u00f7", " / "),
        (r"(?:\bpercent|%) of\b", " / 100 * "),
        (r"\bpercent\b|%", " / 100 "),
        (r"\b(?:plus|added to)\b", " + "),
        (r"\b(?:minus|less|negative)\b|\u2212", " - "),
        (r"\bsquared\b", " ^ 2 "),
        (r"\bcubed\b", " ^ 3 "),
        (r"\b(?:the )?square root of\b", " root "),
        (r"\b(?:modulo|mod)\b", " mod "),
    )
)


class _NoSumError(Exception):
    """It is not arithmetic at all."""


class _TooLargeError(Exception):
    """It is, but nobody wants to hear it."""


def calculated(text: str) -> str | None:
    """The answer to a sum, in a sentence; None for what is no sum."""
    if len(text) > _MAX_TEXT:
        return None
    said = text
    for pattern, form in _PAIRS:
        if found := pattern.fullmatch(said):
            said = found.expand(form)
            break
    for pattern, sign in _SIGNS:
        said = pattern.sub(sign, said)
    reader = _Reader(tokens(said))
    try:
        result = reader.all()
    except _NoSumError:
        return None
    except ZeroDivisionError:
        return "Nothing can be divided by zero."
    except (_TooLargeError, OverflowError):
        return "That is too large for me."
    except ValueError:
        return "That has no answer among the real numbers."
    return f"That is {_told(result, reader.exact)}."


class _Reader:
    """Reads a sum from its tokens, with the usual precedence."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._at = 0
        self._signs = 0
        self.exact = True
        """Whether the result is more than near."""

    def all(self) -> Fraction:
        if len(self._tokens) > _MAX_TOKENS:
            raise _NoSumError
        result = self._sum()
        # A number alone is no question.
        if self._at < len(self._tokens) or not self._signs:
            raise _NoSumError
        return result

    def _taken(self, *signs: str) -> str | None:
        """The next token, if it is one of these signs."""
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if not isinstance(token, str) or token not in signs:
            return None
        self._at += 1
        self._signs += token not in "()"
        return token

    def _sum(self) -> Fraction:
        result = self._product()
        while sign := self._taken("+", "-"):
            result = _OPERATIONS[sign](result, self._product())
        return result

    def _product(self) -> Fraction:
        result = self._signed()
        while sign := self._taken("*", "/", "mod"):
            result = _OPERATIONS[sign](result, self._signed())
        return result

    def _signed(self) -> Fraction:
        if self._taken("-"):
            return -self._signed()
        if self._taken("root"):
            return self._root(self._signed())
        base = self._single()
        return self._power(base, self._signed()) if self._taken("^") else base

    def _single(self) -> Fraction:
        if self._taken("("):
            result = self._sum()
            if not self._taken(")"):
                raise _NoSumError
            return result
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if not isinstance(token, Fraction):
            raise _NoSumError
        self._at += 1
        return token

    def _power(self, base: Fraction, exponent: Fraction) -> Fraction:
        if exponent.denominator != 1:
            if base < 0:
                raise ValueError
            self.exact = False
            return Fraction(float(base) ** float(exponent))
        bits = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(base) not in (0, 1) and bits * abs(exponent) > _MAX_BITS:
            raise _TooLargeError
        return Fraction(base ** int(exponent))

    def _root(self, square: Fraction) -> Fraction:
        above, below = math.isqrt(max(square.numerator, 0)), math.isqrt(square.denominator)
        if square >= 0 and (above**2, below**2) == (square.numerator, square.denominator):
            return Fraction(above, below)
        self.exact = False
        return Fraction(math.sqrt(square))


_OPERATIONS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "mod": lambda a, b: a % b,
}


def _told(number: Fraction, exact: bool) -> str:
    if abs(number) >= _PLAIN or 0 < abs(number) < Fraction(1, 10**_DECIMALS):
        mantissa, _, power = f"{Decimal(number.numerator) / Decimal(number.denominator):.3e}".partition("e")
        return f"about {_short(mantissa)} times 10 to the power of {int(power)}"
    scaled = round(number * 10**_DECIMALS)
    about = "" if exact and Fraction(scaled, 10**_DECIMALS) == number else "about "
    return about + _short(f"{Decimal(scaled).scaleb(-_DECIMALS):f}")


def _short(digits: str) -> str:
    """Without zeros at the end."""
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
