"""A brain of rules: small, offline, and honest about what it does not know."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from rtproto import events, value

from ._engines import Call, Context, Say
from ._json_words import cut, spoken
from ._rules import Asked, answered, brief, fixed, ordered
from ._sentences import Sentences
from ._simple import demanded, echo
from ._tokens import item_text
from ._tool_match import arguments, called, ranked

_UNKNOWN = "I do not know the answer."
_WORDLESS = re.compile(r"\(\d+\.\d seconds of speech\)")
"""What is heard without a recogniser."""
_MAX_QUOTE = 300
"""Characters of what it heard that it says again: who wrote more knows it."""


class RulesResponder:
    """Answers greetings, time, date, sums and spelling; repeats; calls functions that the words are about.

    It does what simple instructions say, such as "answer with the single word yes" or "reply in one sentence". What no
    rule knows it says again, and that it does not know. `now` is its clock; the same input gives the same output.
    """

    instructions = (
        "You are the local voice server of rtproto. You answer by a few rules: time and date, sums, spelling. What you "
        "do not know you say."
    )

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now().astimezone()) -> None:
        self._now = now

    def respond(self, context: Context) -> Iterator[Say | Call | None]:
        """One piece."""
        outputs = _outputs(context.items)
        if outputs:
            yield Say(_styled(" ".join(map(spoken, outputs)), context))
            return
        last = next((item for item in reversed(context.items) if _role(item) == "user"), None)
        words = item_text(last) if last is not None else ""
        tool = demanded(context, ranked(context.tools, words))
        if tool is not None:
            yield _call(tool, words)
            return
        told = fixed(context.instructions)
        yield self._answer(context, last, words) if told is None else Say(told)

    def _answer(self, context: Context, last: events.Item | None, words: str) -> Say | Call:
        asked = Asked(text=words, now=self._now(), before=_said_before(context.items))
        if not words or _WORDLESS.fullmatch(words):
            return Say(echo(last))
        if (told := ordered(asked)) is not None:
            return Say(told)
        tool = called(context.tools, words) if context.tool_choice != "none" else None
        if tool is None:
            return Say(_styled(answered(asked) or f"{_closed(cut(echo(last), _MAX_QUOTE))} {_UNKNOWN}", context))
        unsaid = arguments(tool, words).unsaid
        if unsaid:
            return Say(_styled(f"I can call {_plain(tool.name)}, but you did not say {_listed(unsaid)}.", context))
        return _call(tool, words)


def _call(tool: events.FunctionTool, words: str) -> Call:
    return Call(name=value(tool.name, ""), arguments=json.dumps(arguments(tool, words).values, ensure_ascii=False))


def _outputs(items: Sequence[events.Item]) -> list[str]:
    """What functions gave back since anything else was said."""
    found: list[str] = []
    for item in reversed(items):
        if not isinstance(item, events.FunctionCallOutputItem):
            break
        found.insert(0, item.output)
    return found


def _said_before(items: Sequence[events.Item]) -> str:
    return next((text for item in reversed(items) if _role(item) == "assistant" and (text := item_text(item))), "")


def _role(item: events.Item) -> str | None:
    return item.role if isinstance(item, events.MessageItem) else None


def _styled(text: str, context: Context) -> str:
    """As short as the instructions want it."""
    return next(Sentences().feed(f"{text}\n")).strip() if brief(context.instructions) else text


def _closed(text: str) -> str:
    """With a full stop, where there is no other sign."""
    return f"{text}." if text[-1:].isalnum() else text


def _plain(name: object) -> str:
    return str(name).replace("_", " ")


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"the {_plain(name)}" for name in names)
