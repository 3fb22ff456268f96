"""How many examples hypothesis tries where a test does not ask for the default number."""

from hypothesis import settings


def scaled(examples: int) -> int:
    """`examples`, or the same share of them that the profile in force has of hypothesis' usual hundred."""
    whole: int = settings().max_examples
    return examples * whole // 100
