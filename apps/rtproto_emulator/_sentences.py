"""Text that grows, cut into sentences: each can be spoken as soon as it is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LONGEST = 300
"""Characters without an end after which it is cut between words: a listener waits for no more."""
_END = re.compile(
    r"[.!?\u2026][\"'\u201d\u2019)\]]{0,3}(?=\s)"
    r"|[\u3002\uff01\uff1f](?![\u3002\uff01\uff1f])"
    r"|(?<=[^\s.!?\u2026\"'\u201d\u2019)\]])\n"
)
_NO_END = re.compile(r"(?:^\s*\d{1,3}|(?:^|\s)(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|vs|e\.g|i\.e))$")
"""What a full stop does not end a sentence after: the number in a list, an initial, a title."""


class Sentences:
    """Each has the space before it, so that all of them together are the text."""

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> Iterator[str]:
        """Takes text cut anywhere; gives the sentences that are complete now."""
        held = self._held + text
        start = 0
        for found in _END.finditer(held):
            if found.group() == "." and _NO_END.search(held[max(start, found.start() - 8) : found.start()]):
                continue
            yield from _short(held[start : found.end()])
            start = found.end()
        *long, self._held = _short(held[start:])
        yield from long

    def end(self) -> Iterator[str]:
        """There is no more: gives what is left."""
        held, self._held = self._held, ""
        if held.strip():
            yield held


def _short(text: str) -> Iterator[str]:
    """In parts of at most _LONGEST characters; there is always one."""
    start = 0
    while len(text) - start > _LONGEST:
        space = text.rfind(" ", start + 1, start + _LONGEST)
        end = space if space > 0 else start + _LONGEST
        yield text[start:end]
        start = end
    yield text[start:]
