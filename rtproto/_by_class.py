"""Tables from classes of events to what belongs to them."""

from collections.abc import Iterable
from typing import Any, TypeVar, get_args

T = TypeVar("T")


def found_for(table: "dict[type, T]", cls: type, otherwise: T) -> T:
    """What `table` has for `cls`, or for the class that it derives from: a dialect has its own. It is kept there."""
    try:
        return table[cls]
    except KeyError:
        found = table[cls] = next((table[base] for base in cls.__mro__ if base in table), otherwise)
        return found


def by_class(pairs: "Iterable[tuple[Any, T]]") -> "dict[type, tuple[T, ...]]":
    """A table from each class to its values in order; `pairs`: a class, tuple or union of classes, and a value."""
    table: dict[type, tuple[T, ...]] = {}
    for classes, found in pairs:
        for cls in get_args(classes) or (classes if isinstance(classes, tuple) else (classes,)):
            table[cls] = (*table.get(cls, ()), found)
    return table
