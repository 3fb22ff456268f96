"""What the rules brain knows: tables of what may be said and how it is answered. Pure: the time is an argument."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import attrs

from ._arithmetic import calculated

_MAX_WORDS = 2000
"""Characters that are looked at: a minute and a half of speech."""
_MAX_LETTERS = 60
"""Of a word that is spelled; the longest in a dictionary has 45."""
_MAX_POLITE = 8
"""Words of politeness before a question."""

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_AREAS = ("Europe", "America", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian")
"""Of the time zone database, whose zones are named after their largest city."""


def _in_one_line(text: str) -> str:
    return " ".join(text[:_MAX_WORDS].split())


@attrs.frozen(kw_only=True)
class Asked:
    """What was said, as it was written; the time; and what was answered before."""

    text: str = attrs.field(converter=_in_one_line)
    now: datetime
    before: str = ""


Rule = tuple[re.Pattern[str], Callable[["re.Match[str]", Asked], "str | None"]]
"""A whole sentence, and its answer; None: it is no answer to this after all."""


def ordered(asked: Asked) -> str | None:
    """The answer to an order about what to say, which goes before all else."""
    return fixed(asked.text) or _first(_ORDERS, asked)


def answered(asked: Asked) -> str | None:
    """The answer to a question, None where no rule knows one."""
    return _first(_QUESTIONS, asked)


def fixed(text: str) -> str | None:
    """What `text` orders to answer, whatever is asked: "answer with the single word yes", "always answer with ..."."""
    for sentence in re.split(r"(?<=[.!?])\s+|\n+", text[:_MAX_WORDS]):
        for pattern in _FIXED:
            if found := pattern.fullmatch(sentence.strip()):
                return found["said"].strip()
    return None


def brief(text: str) -> bool:
    """Whether `text` orders to answer in one sentence."""
    return _BRIEF.search(text[:_MAX_WORDS]) is not None


def _first(rules: tuple[Rule, ...], asked: Asked) -> str | None:
    for said in _ways(asked.text):
        for pattern, answer in rules:
            found = pattern.fullmatch(said)
            told = answer(found, asked) if found else None
            if told is not None:
                return told
    return None


def _ways(text: str) -> Iterator[str]:
    """The sentence, then without the words of politeness around it."""
    said = re.sub(r"[\u2018\u2019]", "'", text)
    said = re.sub(r"\b(what|who|how)'?s\b", r"\1 is", said, flags=re.IGNORECASE).rstrip(" .?!,")
    yield said
    said = _AFTER.sub("", said)
    yield said
    for _ in range(_MAX_POLITE):
        polite = _BEFORE.match(said)
        if not polite:
            break
        said = said[polite.end() :]
        yield said


_BEFORE = re.compile(
    r"(?:please|hello|hi|hey|okay|ok|so|well|um|uh|now|and|then|(?:can|could|would|will) you|tell me|do you know"
    r"|do you have|i (?:want|would like|need) to know|computer|server|assistant)[,.!]*\s+",
    re.IGNORECASE,
)
_AFTER = re.compile(r",?\s+(?:please|right now|now|for me|thank you|thanks)$", re.IGNORECASE)

_WHATEVER = (
    r"(?:whatever|no matter|regardless|(?:for|to) (?:every|any|each|all)|when(?:ever)? asked (?:any|some)thing)\b"
    r"[^,.]*?"
)
_LEAD = (
    rf"(?:{_WHATEVER},? )?(?:(?:(?:please|always|only|just|i want you to|you(?: must| should| will)?) ){{0,4}}"
    r"(?:answer|reply|respond|say)"
    r"|(?:your|the) (?:only )?(?:answer|reply|response)s? (?:is|are|(?:must|should|will)(?: always)? be))"
)
_ONLY = (
    r"(?: (?:only|just|exactly|always|with|using|to everything|(?:to )?(?:every|any|each|all) (?:question|message)s?))"
    r"{0,4}"
)
_NO_MORE = rf"(?:,? (?:and )?(?:nothing else|only|always|every time|to everything|{_WHATEVER}))?[.!]?"
_FIXED = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_LEAD}{_ONLY}(?: the| one| a)?(?: single| one)? word:? "
        rf"[\"'\u201c\u2018]?(?P<said>[\w'-]+?)[\"'\u201d\u2019]?{_NO_MORE}",
        rf"{_LEAD}{_ONLY}(?: the (?:exact |following )?(?:words?|phrase|sentence|text))?:? "
        rf"[\"'\u201c\u2018](?P<said>[^\"\u201d]+?)[\"'\u201d\u2019]{_NO_MORE}",
        r"(?:please )?(?:always (?:(?:answer|reply|respond)(?: (?:only|just))? with|say)(?: (?:only|just|exactly))?"
        r"|(?:always )?(?:answer|reply|respond|say)(?: with)? exactly):? "
        r"(?!(?:an?|one|your|short|brief|care|in)\b)(?P<said>[^\"\u201c]+?)[.!]?",
    )
)
_BRIEF = re.compile(
    r"\b(?:(?:in|with|use|to|be|only|at most|no more than) (?:only |just |exactly |at most |no more than )?"
    r"(?:one|a|1) (?:single |short )*sentence|one sentence (?:only|long|at most))\b",
    re.IGNORECASE,
)


# ---- what it says ----


def _time(found: re.Match[str], asked: Asked) -> str | None:
    here = f"{asked.now:%H:%M}"
    if found["place"] is None:
        return f"It is {here}."
    place = _AFTER.sub("", found["place"])
    zone = _zone(place)
    if zone is None:
        return f"I do not know what time it is in {place}. Here it is {here}."
    return f"It is {asked.now.astimezone(zone):%H:%M} in {place}."


def _zone(place: str) -> ZoneInfo | None:
    city = "_".join(word.capitalize() for word in place.split())
    for area in _AREAS:
        try:
            return ZoneInfo(f"{area}/{city}")
        except (KeyError, ValueError, OSError):
            continue
    return None


def _date(found: re.Match[str], asked: Asked) -> str:
    day = (found.groupdict().get("day") or "today").lower()
    moment = asked.now + timedelta(days={"yesterday": -1, "tomorrow": 1}.get(day, 0))
    verb = "was" if day == "yesterday" else "is"
    weekday, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day.capitalize()} {verb} {weekday}, {moment.day} {month} {moment.year}."


def _year(found: re.Match[str], asked: Asked) -> str:
    return f"It is {asked.now.year if found['what'].lower() == 'year' else _MONTHS[asked.now.month - 1]}."


def _spelled(found: re.Match[str], asked: Asked) -> str:
    word = found["word"].upper()
    return f"{', '.join(word[:_MAX_LETTERS])}{' and so on' if len(word) > _MAX_LETTERS else ''}."


def _repeated(found: re.Match[str], asked: Asked) -> str:
    return found["said"]


def _again(found: re.Match[str], asked: Asked) -> str:
    return asked.before or "I have not said anything yet."


_STILL_SILENT = ("Are you still there?", "I am still listening.", "Nobody seems to be there. Bye!")


def _nothing_said(found: re.Match[str], asked: Asked) -> str:
    """What to say to "...", as which a long silence is told: each time another thing, the last of which ends it."""
    known = _STILL_SILENT.index(asked.before) if asked.before in _STILL_SILENT else -1
    return _STILL_SILENT[(known + 1) % len(_STILL_SILENT)]


def _greeted(found: re.Match[str], asked: Asked) -> str:
    return f"{found['greeting'].capitalize()}. I am a small offline server. Ask me what I can do."


def _sum(found: re.Match[str], asked: Asked) -> str | None:
    return calculated(found["sum"].lower())


def _saying(words: str) -> Callable[[re.Match[str], Asked], str]:
    return lambda found, asked: words


def _table(*rules: tuple[str, Callable[[re.Match[str], Asked], str | None]]) -> tuple[Rule, ...]:
    return tuple((re.compile(pattern, re.IGNORECASE), answer) for pattern, answer in rules)


_ORDERS = _table(
    (r"(?:(?:repeat|say) (?:that|it)(?: again)?|repeat|what did you(?: just)? say|say again|pardon)", _again),
    (
        r"(?:repeat(?: after me| back to me)?|say)(?: after me)?(?: the (?:following|words?)\b)?[,:]* (?P<said>.+)",
        _repeated,
    ),
    (r"(?:how (?:do|would) (?:you|i) )?spell(?: out)? (?:the word )?[\"']?(?P<word>\w+)[\"']?", _spelled),
    (r"how is (?:the word )?[\"']?(?P<word>\w+)[\"']? (?:spelled|spelt)", _spelled),
)
_QUESTIONS = _table(
    (r"", _nothing_said),
    (
        r"(?P<greeting>hello|hi|hey|greetings|good (?:morning|afternoon|evening|day))"
        r"(?: (?:there|again|everyone|everybody|computer|server|assistant))?",
        _greeted,
    ),
    (r"how are you(?: doing)?(?: today)?", _saying("I am running, thank you.")),
    (r"(?:who|what) are you|what is your name", _saying("I am the local voice server of rtproto.")),
    (
        r"help(?: me)?|what (?:can|do) you (?:do|know)",
        _saying(
            "I can tell the time and the date, do sums, spell words, repeat what you say, "
            "and call the functions that a program gives me."
        ),
    ),
    (r"thanks?(?: you)?(?: very much| so much| a lot)?", _saying("You are welcome.")),
    (r"(?:good ?bye|bye|see you)(?: bye| later| soon)?", _saying("Goodbye.")),
    (
        r"(?:what (?:time (?:is it|it is)|is the (?:current )?time)|(?:what )?the time|(?:current )?time)"
        r"(?: now| here)?"
        r"(?: (?:is it )?in (?P<place>[^\W\d]+(?: [^\W\d]+){0,3}))?",
        _time,
    ),
    (
        r"(?:(?:what|which) (?:day(?: of the (?:week|month))?|date) (?:is it|it is|is today)"
        r"|what is today|(?:what is )?(?:today's|the) (?:date|day))"
        r"(?: today)?",
        _date,
    ),
    (r"what(?: (?:day|date))? (?:is|was|will)(?: it)?(?: be)? (?P<day>tomorrow|yesterday)", _date),
    (r"(?:what|which) (?P<what>year|month) (?:is it|it is|is this)(?: now)?", _year),
    (
        r"(?:what (?:is|does|are)|how much (?:is|are)|calculate|compute|work out)? ?(?P<sum>.+?)(?: equals?| make)?",
        _sum,
    ),
)
