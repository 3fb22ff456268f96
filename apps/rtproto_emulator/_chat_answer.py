"""What a chat server answers: server-sent events, put together to sentences and calls. Pure: bytes in, pieces out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import attrs

from ._engines import Call, Say
from ._sentences import Sentences
from ._service import in_short

_MAX_LINE = 1024 * 1024
"""Bytes; a line has one word, or the arguments of one call."""
_MAX_CALLS = 64
"""Functions called in one answer; no model asks for as many."""
_LINE_END = re.compile(rb"\r\n|\n|\r(?=[\s\S])")


class NoAnswer(Exception):
    """`str()` goes on from "the chat server at HOST"."""


BROKE_OFF = "broke off in the middle of its answer"
_NO_COMPLETION = "answered what is no chat completion"


class EventStream:
    """Server-sent events, cut anywhere; only their data matters here."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Gives the data of each event that is complete. Raises NoAnswer for a line without an end."""
        self._held.append(chunk)
        self._size += len(chunk)
        if self._size > _MAX_LINE + len(chunk):
            raise NoAnswer(_NO_COMPLETION)
        if b"\n" not in chunk and b"\r" not in chunk:
            return
        *lines, rest = _LINE_END.split(b"".join(self._held))
        self._held, self._size = [rest], len(rest)
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                data, self._data = b"\n".join(self._data), []
                yield data


@attrs.define
class _Called:
    """A call that is still being told."""

    call_id: str = ""
    name: str = ""
    arguments: list[str] = attrs.field(factory=list)


class Answer:
    """One chat completion: gives a sentence as soon as it is complete, and the calls at the end."""

    def __init__(self) -> None:
        self.done = False
        """Whether nothing more will come."""
        self._finished = False
        """Whether the server has said that this was all."""
        self._sentences = Sentences()
        self._spoke = False
        self._calls: list[_Called] = []
        self._open: dict[int, _Called] = {}
        """By the index that the server gives them."""

    def take(self, data: bytes) -> Iterator[Say]:
        """Takes one chunk, or the whole completion at once. Raises NoAnswer for what is none."""
        if data.strip() == b"[DONE]":
            self.done = self._finished = True
            return
        try:
            chunk = json.loads(data)
            if error := chunk.get("error"):
                said = error.get("message") if isinstance(error, dict) else error
                raise NoAnswer(f"answered with an error: {in_short(said)}")
            # The last chunk may tell the costs and have no choice.
            for choice in chunk["choices"][:1]:
                whole = choice.get("message")
                self._finished = self._finished or choice.get("finish_reason") is not None or whole is not None
                yield from self._delta(whole or choice.get("delta") or {})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise NoAnswer(_NO_COMPLETION) from None

    def _delta(self, delta: dict[str, Any]) -> Iterator[Say]:
        for place, told in enumerate(delta.get("tool_calls") or []):
            function = told.get("function") or {}
            call = self._call(told.get("index", place), _text(told.get("id")))
            call.name = call.name or _text(function.get("name"))
            call.arguments.append(_text(function.get("arguments")))
        text = _text(delta.get("content")) or _text(delta.get("refusal"))
        if not self._spoke:
            text = text.lstrip()
        if text:
            self._spoke = True
            yield from map(Say, self._sentences.feed(text))

    def _call(self, index: int, call_id: str) -> _Called:
        """The one that goes on; an id of its own makes a new one, because some servers give all the same index."""
        call = self._open.get(index)
        if call is None or call_id not in ("", call.call_id):
            if len(self._calls) >= _MAX_CALLS:
                raise NoAnswer(f"calls more than {_MAX_CALLS} functions at once")
            call = self._open[index] = _Called(call_id)
            self._calls.append(call)
        return call

    def end(self) -> Iterator[Say | Call]:
        """There is no more. Raises NoAnswer where that cannot have been all."""
        if not self._finished:
            raise NoAnswer(BROKE_OFF)
        if not self._spoke and not self._calls:
            raise NoAnswer("answered nothing")
        yield from map(Say, self._sentences.end())
        for call in self._calls:
            if not call.name:
                raise NoAnswer(_NO_COMPLETION)
            yield Call(name=call.name, arguments="".join(call.arguments) or "{}")


def _text(told: Any) -> str:
    if told is None:
        return ""
    if not isinstance(told, str):
        raise TypeError
    return told
