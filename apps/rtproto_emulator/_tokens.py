"""What a response costs, in tokens: estimates by the rules of thumb that the real bills follow."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rtproto import events, value

CHARACTERS_PER_TOKEN = 4
INPUT_MS_PER_TOKEN = 100
OUTPUT_MS_PER_TOKEN = 50
_WORD = re.compile(r"\s*\S+|\s+")
TOKENS_PER_MINUTE = 15_000_000
"""The limit of a large account."""


def text_tokens(text: str) -> int:
    """About one for four characters."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


def audio_tokens(ms: int) -> int:
    """Of speech that the server puts out."""
    return -(-ms // OUTPUT_MS_PER_TOKEN)


def spoken_words(text: str) -> list[str]:
    """The words of a text, each with the spaces before it; joined they are the text."""
    found: list[str] = _WORD.findall(text)
    return found


def item_text(item: events.Item) -> str:
    """The words of an item, as the brain reads them; speech by its transcript."""
    if isinstance(item, events.MessageItem):
        return " ".join(text for part in item.content or [] if (text := part_text(part)))
    if isinstance(item, (events.FunctionCallItem, events.McpCallItem)):
        return f"{item.name}({item.arguments})"
    if isinstance(item, events.McpApprovalResponseItem):
        return value(item.reason, "")
    return item.output if isinstance(item, events.FunctionCallOutputItem) else ""


def part_text(part: events.Content) -> str:
    """The words of one content part; empty where it has none."""
    if isinstance(part, (events.InputText, events.OutputText)):
        return value(part.text, "")
    return value(part.transcript, "") if isinstance(part, (events.InputAudio, events.OutputAudio)) else ""


def length(item: events.Item) -> int:
    """How many characters an item holds, pictures included."""
    parts = item.content or [] if isinstance(item, events.MessageItem) else []
    pictures = sum(len(value(part.image_url, "")) for part in parts if isinstance(part, events.InputImage))
    return len(item_text(item)) + pictures


def _part_tokens(item: events.Item) -> int:
    spoken = isinstance(item, events.MessageItem) and any(isinstance(p, events.InputAudio) for p in item.content or [])
    return 0 if spoken else text_tokens(item_text(item))


def usage(
    *, instructions: str, items: Iterable[events.Item], input_ms: int, text_out: int, audio_out_ms: int
) -> events.ResponseUsage:
    """The bill: the input's words and `input_ms` of heard audio, `text_out` tokens and `audio_out_ms` of speech."""
    text_in = text_tokens(instructions) + sum(_part_tokens(item) for item in items)
    audio_in = -(-input_ms // INPUT_MS_PER_TOKEN)
    audio_out = audio_tokens(audio_out_ms)
    return _usage(text_in, audio_in, text_out, audio_out)


def no_usage() -> events.ResponseUsage:
    """The bill of a response that ended before it began."""
    return _usage(0, 0, 0, 0)


def _usage(text_in: int, audio_in: int, text_out: int, audio_out: int) -> events.ResponseUsage:
    nothing_cached = events.CachedTokensDetails(text_tokens=0, audio_tokens=0, image_tokens=0)
    return events.ResponseUsage(
        total_tokens=text_in + audio_in + text_out + audio_out,
        input_tokens=text_in + audio_in,
        output_tokens=text_out + audio_out,
        input_token_details=events.InputTokenDetails(
            text_tokens=text_in,
            audio_tokens=audio_in,
            image_tokens=0,
            cached_tokens=0,
            cached_tokens_details=nothing_cached,
        ),
        output_token_details=events.OutputTokenDetails(text_tokens=text_out, audio_tokens=audio_out),
    )


def rate_limits(used: int) -> events.RateLimitsUpdated:
    """What is left after `used` tokens; nobody is ever refused."""
    limit = events.RateLimit(
        name="tokens",
        limit=TOKENS_PER_MINUTE,
        remaining=TOKENS_PER_MINUTE - used,
        reset_seconds=round(60 * used / TOKENS_PER_MINUTE, 3),
    )
    return events.RateLimitsUpdated(rate_limits=[limit])
