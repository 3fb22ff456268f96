"""What a session cost, summed by kind."""

from typing import Any

import attrs

from rtproto._conversation._dig import dig


@attrs.define(kw_only=True)
class Usage:
    """Tokens of all responses that ended, and of all transcriptions; what a server does not tell counts as 0.

    The kinds of input are parts of `input_tokens`, and so are the cached ones; the kinds of output are parts of
    `output_tokens`. A transcription is billed by tokens or by seconds of audio, apart from the responses.
    """

    responses: int = 0
    """How many responses told what they cost."""
    total_tokens: int = 0
    input_tokens: int = 0
    input_text_tokens: int = 0
    input_audio_tokens: int = 0
    input_image_tokens: int = 0
    cached_tokens: int = 0
    cached_text_tokens: int = 0
    cached_audio_tokens: int = 0
    cached_image_tokens: int = 0
    output_tokens: int = 0
    output_text_tokens: int = 0
    output_audio_tokens: int = 0
    reasoning_tokens: int = 0
    transcription_tokens: int = 0
    transcription_input_tokens: int = 0
    transcription_output_tokens: int = 0
    transcription_seconds: float = 0

    def add_response(self, usage: object) -> None:
        """Adds the `usage` of a response, where it has one."""
        self.responses += self._add(usage, _RESPONSE)

    def add_transcription(self, usage: object) -> None:
        """Adds the `usage` of a transcription, where it has one."""
        self._add(usage, _TRANSCRIPTION)

    def _add(self, usage: object, fields: "dict[str, tuple[str, ...]]") -> bool:
        found = {name: number for name, path in fields.items() if (number := _found(usage, path))}
        for name, number in found.items():
            setattr(self, name, getattr(self, name) + number)
        return bool(found)


def _found(usage: object, path: "tuple[str, ...]") -> "int | float":
    first, *rest = path
    return _number(dig(usage, *path)) or _number(dig(usage, _QWENS.get(first, first), *rest))


def _number(found: Any) -> "int | float":
    return found if isinstance(found, (int, float)) and found > 0 else 0


_QWENS = {"input_token_details": "input_tokens_details", "output_token_details": "output_tokens_details"}
"""How Qwen spells them."""
_CACHED = ("input_token_details", "cached_tokens_details")
_RESPONSE: dict[str, tuple[str, ...]] = {
    "total_tokens": ("total_tokens",),
    "input_tokens": ("input_tokens",),
    "input_text_tokens": ("input_token_details", "text_tokens"),
    "input_audio_tokens": ("input_token_details", "audio_tokens"),
    "input_image_tokens": ("input_token_details", "image_tokens"),
    "cached_tokens": ("input_token_details", "cached_tokens"),
    "cached_text_tokens": (*_CACHED, "text_tokens"),
    "cached_audio_tokens": (*_CACHED, "audio_tokens"),
    "cached_image_tokens": (*_CACHED, "image_tokens"),
    "output_tokens": ("output_tokens",),
    "output_text_tokens": ("output_token_details", "text_tokens"),
    "output_audio_tokens": ("output_token_details", "audio_tokens"),
    "reasoning_tokens": ("output_token_details", "reasoning_tokens"),
}
_TRANSCRIPTION: dict[str, tuple[str, ...]] = {
    "transcription_tokens": ("total_tokens",),
    "transcription_input_tokens": ("input_tokens",),
    "transcription_output_tokens": ("output_tokens",),
    "transcription_seconds": ("seconds",),
}
"""Where each total finds its share."""
