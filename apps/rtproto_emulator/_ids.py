"""Ids that are the same on every run."""

from __future__ import annotations

import string
from collections.abc import Callable
from random import Random

_ALPHABET = string.digits + string.ascii_letters


def seeded_ids(seed: int, session: int) -> Callable[[str], str]:
    """Makes the ids of the `session`-th session under a seed; they look like a server's."""
    return random_ids(Random(f"ids/{seed}/{session}"))


def random_ids(random: Random) -> Callable[[str], str]:
    """Makes ids of what `random` gives."""
    return lambda prefix: f"{prefix}_{''.join(random.choices(_ALPHABET, k=21))}"
