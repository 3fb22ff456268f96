"""The conversation as Unmute keeps it: messages of text, without ids. Whose turn it is shows in the last of them."""

from __future__ import annotations

from typing import Any, Literal

from rtproto import events, value
from rtproto.events import unmute

from ._refusal import Refusal, invalid, missing

INTERRUPTED = "\u2014"
"""Ends what the assistant was saying when it was interrupted."""
SILENCE = "..."
"""Stands for a user who has said nothing for long."""
_GREETING = "Hello."
"""What the brain is told that the user said where the assistant speaks first."""

_MAX_MESSAGES = 200
"""Beyond, the oldest is forgotten: all of them travel with every response, and once a second."""
_MAX_MESSAGE = 10_000
"""Characters of one message: ten minutes of speech, the longest turn."""

_ROLES = {
    "constant": "Have a conversation: answer, and ask back.",
    "smalltalk": "Make small talk: greet the user, and begin a conversation.",
    "guess_animal": "Play a game: you think of an animal, which the user has to guess by yes/no questions.",
    "quiz_show": "You are the host of a quiz show: ask the user five questions, one after the other.",
    "news": "Talk about news of technology. You know none of today: admit it.",
    "unmute_explanation": "Explain Unmute: ears, a language model and a voice, in turns with the user.",
}
"""What the types of instructions mean, in our words: those of Unmute are long."""
_LANGUAGES = {
    "en": "Speak English.",
    "fr": "Speak French.",
    "en/fr": "Speak English or French, as the user does.",
    "fr/en": "Speak French or English, as the user does.",
}
_SPOKEN = (
    "You are in a spoken conversation: write as people speak. A message of three dots means that the user has said "
    "nothing for long; after the third one say goodbye, and make Bye! your last word."
)

State = Literal["waiting_for_user", "user_speaking", "bot_speaking"]


def checked(given: Any) -> unmute.Instructions | None:
    """Instructions as the session says them again; None where there are none. Refuses what Unmute does not know."""
    if not given:
        return None
    if isinstance(given, str):
        return unmute.Instructions(type="constant", text=given, language=None)
    at = "session.instructions"
    kind = given.type if isinstance(given, unmute.Instructions) else None
    if not kind:
        raise missing(f"{at}.type")
    if kind not in _ROLES:
        raise invalid(f"{at}.type", kind, tuple(_ROLES))
    if kind == "unmute_explanation":
        return unmute.Instructions(type=kind)
    language = value(given.language, None)
    if language is not None and language not in _LANGUAGES:
        raise invalid(f"{at}.language", language, tuple(_LANGUAGES))
    if kind != "constant":
        return unmute.Instructions(type=kind, language=language)
    if given.text is None:
        raise Refusal("invalid_type", f"Invalid type for '{at}.text': expected a string, but got null.", f"{at}.text")
    return unmute.Instructions(type=kind, text=value(given.text, _ROLES[kind]), language=language)


def system_prompt(given: unmute.Instructions | None) -> str:
    """What the brain is told of its part."""
    given = given or unmute.Instructions(type="constant")
    language = _LANGUAGES.get(value(given.language, None) or "en", "")
    return "\n".join((_SPOKEN, language, value(given.text, _ROLES[value(given.type, "constant")])))


class Chat:
    """Messages, each with its `role` and `content`, the first of which is the system's."""

    def __init__(self) -> None:
        self._messages: list[dict[str, str]] = [{"role": "system", "content": system_prompt(None)}]

    @property
    def is_new(self) -> bool:
        """Whether nothing was said yet."""
        return len(self._messages) == 1

    @property
    def state(self) -> State:
        """Whose turn it is."""
        last = self._messages[-1]
        if last["role"] == "assistant":
            return "bot_speaking"
        return "user_speaking" if last["role"] == "user" and last["content"].strip() else "waiting_for_user"

    def instruct(self, instructions: unmute.Instructions) -> None:
        """The assistant's part is this from now on."""
        self._messages[0] = {"role": "system", "content": system_prompt(instructions)}

    def add(self, words: str, role: Literal["user", "assistant"]) -> bool:
        """Adds to the last message, or begins one where that is another's; returns whether its first words are these.

        No words at all begin the turn of `role`.
        """
        last = self._messages[-1]
        if last["role"] != role:
            self._messages.append({"role": role, "content": words})
            del self._messages[1:-_MAX_MESSAGES]
            return True
        before = last["content"]
        space = " " if before and words and not before[-1].isspace() and not words[0].isspace() else ""
        last["content"] = (before + space + words)[:_MAX_MESSAGE]
        return not before

    def last_said(self) -> str:
        """The assistant's last message."""
        said = (message["content"] for message in reversed(self._messages) if message["role"] == "assistant")
        return next(said, "")

    def history(self, *, system: bool = True) -> list[dict[str, str]]:
        """All messages, as they travel."""
        return [dict(message) for message in self._messages if system or message["role"] != "system"]

    @property
    def instructions(self) -> str:
        """What the brain is told of its part."""
        return self._messages[0]["content"]

    def items(self) -> list[events.Item]:
        """What the brain is told was said: nothing empty, nobody twice in a row, and the user first."""
        told: list[tuple[str, str]] = []
        for message in self._messages[1:]:
            role, words = message["role"], message["content"]
            if role == "user" and words != SILENCE:
                words = words.removeprefix(SILENCE).strip()
            if not words.replace(INTERRUPTED, "").strip():
                continue
            if told and told[-1][0] == role:
                words = f"{told.pop()[1]} {words}"
            told.append((role, words))
        if not told or told[0][0] == "assistant":
            told.insert(0, ("user", _GREETING))
        return [_item(role, words) for role, words in told]


def _item(role: str, words: str) -> events.MessageItem:
    part: events.Content = events.OutputAudio(transcript=words)
    if role == "user":
        written = words in (_GREETING, SILENCE)
        part = events.InputText(text=words) if written else events.InputAudio(transcript=words)
    return events.MessageItem(role=role, status="completed", content=[part])
