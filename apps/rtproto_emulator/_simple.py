"""The simplest honest engines: they understand nothing, and say so. The same input always gives the same output."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np

from rtproto import events, value

from ._engines import Call, Context, Say, Speech
from ._sound import ENGINE_RATE
from ._tokens import item_text
from ._vad import EnergyActivity

_TONE_HZ = 220
_TONE_LEVEL = 0.03
"""-30 dBFS: there, but no fright."""
_WORD_MS = 300
_CHUNK_MS = 200
_MAX_DEPTH = 8
"""Of objects within objects in a function's parameters: a schema may contain itself."""


class SpeechMeter:
    """Transcribes no words; says how long someone spoke, such as "(1.3 seconds of speech)"."""

    def transcribe(self, speech: Speech) -> Iterator[str | None]:
        """One piece, or none for silence."""
        activity = EnergyActivity(ENGINE_RATE)
        loud = [index for index, probability in enumerate(activity.feed(speech.pcm)) if probability >= 0.5]
        if loud:
            seconds = (loud[-1] - loud[0] + 1) * activity.hop_ms / 1000
            yield f"({seconds:.1f} seconds of speech)"


class EchoResponder:
    """Says what it got: how much it heard, what was written, what a function gave back.

    Where a function must be called, it calls it, with arguments as empty as its JSON schema allows; required strings
    are the user's words.
    """

    instructions = (
        "You are the local voice server of rtproto. You repeat what you heard and what was written; where you know no "
        "words you say how long someone spoke, and play it back."
    )

    def respond(self, context: Context) -> Iterator[Say | Call | None]:
        """One piece."""
        last = next((item for item in reversed(context.items) if not _by_assistant(item)), None)
        called = isinstance(last, events.FunctionCallOutputItem)
        tool = None if called else demanded(context, context.tools)
        if tool is not None:
            words = item_text(last) if last is not None else ""
            yield Call(name=value(tool.name, ""), arguments=json.dumps(_fill(tool.parameters, words)))
        elif isinstance(last, events.FunctionCallOutputItem):
            yield Say(last.output or "The function returned nothing.")
        else:
            yield Say(echo(last))


class HumSpeaker:
    """Cannot speak: hums, as long as the answer is."""

    def speak(self, text: str, context: Context) -> Iterator[bytes | None]:
        """Pieces of 200 ms."""
        return _cut(_hum(len(text.split()) * _WORD_MS / 1000 / context.speed))


class EchoSpeaker(HumSpeaker):
    """Cannot speak: plays the user's own words back, or hums where they were written."""

    def speak(self, text: str, context: Context) -> Iterator[bytes | None]:
        """Pieces of 200 ms."""
        return _cut(context.heard) if context.heard else super().speak(text, context)


def _by_assistant(item: events.Item) -> bool:
    return getattr(item, "role", None) == "assistant" or isinstance(item, events.FunctionCallItem)


def echo(last: events.Item | None) -> str:
    """What the user's last message was, in sentences."""
    if not isinstance(last, events.MessageItem) or last.role != "user":
        return "Nobody has said anything to me yet."
    sentences: list[str] = []
    for part in last.content or []:
        if isinstance(part, events.InputText):
            sentences.append(f"You wrote: {value(part.text, '')}")
        elif isinstance(part, events.InputAudio):
            words = value(part.transcript, "").strip("()")
            sentences.append(f"I heard {words}." if words else "I heard no speech.")
        elif isinstance(part, events.InputImage):
            sentences.append("You showed me a picture, but I cannot see.")
    return " ".join(sentences) or "You sent me an empty message."


def demanded(context: Context, ranked: Iterable[events.FunctionTool]) -> events.FunctionTool | None:
    """The function that must be called; where it may be any, the first of `ranked`."""
    choice = context.tool_choice
    if choice == "required":
        return next(iter(ranked), None)
    if isinstance(choice, events.ToolChoiceFunction):
        return next((tool for tool in context.tools if tool.name == choice.name), None)
    return None


def _fill(schema: Any, words: str, depth: int = 0) -> Any:
    """The emptiest value that `schema` (a JSON schema) allows; strings are `words`."""
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return {} if depth == 0 else None
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    if choices := _list(schema, "enum"):
        return choices[0]
    if alternatives := _list(schema, "anyOf") or _list(schema, "oneOf"):
        return _fill(alternatives[0], words, depth + 1)
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        properties = schema.get("properties")
        properties = properties if isinstance(properties, Mapping) else {}
        required = [name for name in _list(schema, "required") if isinstance(name, str)]
        return {name: _fill(properties.get(name, {"type": "string"}), words, depth + 1) for name in required}
    number = schema.get("minimum", 0)
    empty = {"string": words, "integer": number, "number": number, "boolean": False, "array": []}
    return empty.get(kind) if isinstance(kind, str) else None


def _list(schema: Mapping[str, Any], name: str) -> list[Any]:
    found = schema.get(name)
    return found if isinstance(found, list) else []


def _cut(sound: bytes) -> Iterator[bytes]:
    step = ENGINE_RATE * 2 * _CHUNK_MS // 1000
    return (sound[at : at + step] for at in range(0, len(sound), step))


def _hum(seconds: float) -> bytes:
    """A quiet tone that swells and fades with every word's length."""
    word, size = _word(), int(ENGINE_RATE * seconds) * 2
    return (word * (size // len(word) + 1))[:size]


@cache
def _word() -> bytes:
    # A whole number of the tone's periods, so that one can follow another. Made once: a sentence of them would stop
    # every other session for 10 ms.
    time = np.arange(ENGINE_RATE * _WORD_MS // 1000) / ENGINE_RATE
    swell = np.sin(np.pi * time * 1000 / _WORD_MS) ** 2
    tone = np.sin(2 * np.pi * _TONE_HZ * time) * swell * _TONE_LEVEL
    word: bytes = np.rint(tone * 32767).astype("<i2").tobytes()
    return word
