"""Whether words sound like all that somebody wants to say."""

from __future__ import annotations

# fmt: off
_OPEN = frozenset((
    "a", "about", "am", "an", "and", "are", "as", "at", "because", "but", "by", "can", "could", "did", "do", "does",
    "er", "erm", "for", "from", "her", "his", "hmm", "how", "i", "if", "in", "into", "is", "its", "like", "may",
    "might", "my", "of", "on", "or", "our", "should", "so", "than", "that", "the", "their", "to", "uh", "um", "was",
    "we", "were", "when", "where", "which", "while", "who", "whose", "will", "with", "would", "your",
))
# fmt: on
"""English words after which nearly always something comes."""


def sounds_finished(words: str) -> bool:
    """Whether a speaker who is silent after `words` has probably said all.

    Only the last word tells: "what is the" goes on. It is a guess for English; recognisers give no full stops.
    """
    last = words.lower().split()[-1:]
    return bool(last) and last[0].strip(".,;:!?") not in _OPEN
