"""The value of a field that is absent from the wire."""

from enum import Enum
from typing import Final, Literal, TypeAlias, TypeVar


class UnsetType(Enum):
    """The type of `UNSET`; an Enum so that ``is not UNSET`` narrows in type checkers."""

    UNSET = "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = UnsetType.UNSET
"""The field is absent: the peer leaves the setting as it is. ``None`` is an explicit null: it clears the setting."""

T = TypeVar("T")
D = TypeVar("D")

Opt: TypeAlias = T | UnsetType | None
"""A field that may be absent (`UNSET`), null (``None``) or a ``T``."""


def value(x: T | UnsetType | None, default: D) -> T | D:
    """`x`, or `default` where `x` is absent or null. Unlike ``x or default`` it keeps 0, "" and False."""
    return default if x is UNSET or x is None else x
