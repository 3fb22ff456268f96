"""Playbooks of a test."""

from __future__ import annotations

from collections import Counter

from rtproto import Config, Role, Session
from rtproto.testing import Playbook


class Playbooks:
    """Makes playbooks, and ends them with the test: nothing more was seen, and nothing more is on the wire."""

    def __init__(self) -> None:
        self._made: list[Playbook] = []

    def __call__(self, role: Role = Role.CLIENT, config: Config | None = None, now: float = 0.0) -> Playbook:
        """A playbook of a new session. Without a `config` its ids are event_1, event_2, ..."""
        playbook = Playbook(Session(role, config or Config(make_id=_Numbered())), now)
        self._made.append(playbook)
        return playbook

    def end(self) -> None:
        """Ends all. Raises AssertionError."""
        __tracebackhide__ = True
        for playbook in self._made:
            playbook.end()


class _Numbered:
    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def __call__(self, prefix: str) -> str:
        self._counts[prefix] += 1
        return f"{prefix}_{self._counts[prefix]}"
