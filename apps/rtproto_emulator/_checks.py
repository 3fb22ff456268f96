"""What the fields of a client's event may hold: one table, and the words of real servers for what they may not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from rtproto import UNSET, events
from rtproto.events import beta, qwen, voice_live, xai

from ._refusal import Refusal, invalid, missing, unknown
from ._sound import ENCODINGS

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
_INCLUDE = ("item.input_audio_transcription.logprobs",)

Check = Callable[[Any, str], None]


def _anything(got: Any, at: str) -> None:
    pass


def _one_of(*supported: str) -> Check:
    def check(got: Any, at: str) -> None:
        if got not in supported:
            raise invalid(at, got, supported)

    return check


def _between(low: float, high: float, unit: str = "") -> Check:
    def check(got: Any, at: str) -> None:
        if not low <= got <= high:
            message = f"Invalid '{at}': {got}. Expected a value between {low} and {high}{unit}."
            raise Refusal("invalid_value", message, at)

    return check


def _interval(low: float, high: float, brackets: str = "[]") -> Check:
    """As mathematics writes it: with "[)" the upper end is out."""
    ends = f"{brackets[0]}{low}, {high}{brackets[1] if high < math.inf else ')'}"

    def check(got: Any, at: str) -> None:
        outside = (got <= low if brackets[0] == "(" else got < low) or (
            got >= high if brackets[1] == ")" else got > high
        )
        if outside:
            raise Refusal("invalid_value", f"Invalid '{at}': {got}. Expected a value in {ends}.", at)

    return check


def _modalities(got: Any, at: str) -> None:
    if got not in (["text"], ["audio"]):
        message = f"Invalid modalities: {got}. Supported combinations are: ['text'] and ['audio']."
        raise Refusal("invalid_value", message, at)


def _voice(got: Any, at: str) -> None:
    if isinstance(got, str):
        _one_of(*VOICES)(got, at)


def _max_tokens(got: Any, at: str) -> None:
    if got != "inf" and (isinstance(got, str) or not 1 <= got <= 4096):
        message = f"Invalid value: {got!r}. Expected an integer from 1 to 4096, or 'inf'."
        raise Refusal("invalid_value", message, at)


def _typed(*supported: str) -> Check:
    """An object that its `type` tells apart."""

    def check(got: Any, at: str) -> None:
        if isinstance(got, str):
            message = f"Invalid type for '{at}': expected an object, but got a string instead."
            raise Refusal("invalid_type", message, at)
        kind = got.raw.get("type") if isinstance(got, events.UnknownObject) else got.type
        if kind is None:
            raise missing(f"{at}.type")
        if kind not in supported or isinstance(got, events.UnknownObject):
            raise invalid(f"{at}.type", kind, supported)

    return check


def _rate(*supported: int) -> Check:
    names = " and ".join(map(str, supported))

    def check(got: Any, at: str) -> None:
        if got not in supported:
            raise Refusal("invalid_value", f"Invalid '{at}': {got}. Only {names} Hz is supported.", at)

    return check


def _tool(got: Any, at: str) -> None:
    if isinstance(got, events.McpTool):
        if not got.server_label:
            raise missing(f"{at}.server_label")
        return
    _typed("function", "mcp")(got, at)
    if not got.name:
        raise missing(f"{at}.name")


def _tools(got: Any, at: str) -> None:
    for index, tool in enumerate(got):
        _tool(tool, f"{at}[{index}]")


def _tool_choice(got: Any, at: str) -> None:
    if isinstance(got, str):
        _one_of("none", "auto", "required")(got, at)
    else:
        _typed("function")(got, at)
        if not got.name:
            raise missing(f"{at}.name")


def _truncation(got: Any, at: str) -> None:
    if isinstance(got, str):
        _one_of("auto", "disabled")(got, at)
    else:
        _typed("retention_ratio")(got, at)


def _include(got: Any, at: str) -> None:
    for index, name in enumerate(got):
        _one_of(*_INCLUDE)(name, f"{at}[{index}]")


def _metadata(got: Any, at: str) -> None:
    for key, held in got.items():
        if not isinstance(held, str):
            message = f"Invalid type for '{at}.{key}': expected a string, but got {type(held).__name__} instead."
            raise Refusal("invalid_type", message, f"{at}.{key}")


CHECKS: dict[tuple[type, str], Check] = {
    (events.AudioPcm, "rate"): _rate(24_000),
    (events.AudioInput, "format"): _typed(*ENCODINGS),
    (events.AudioInput, "turn_detection"): _typed("server_vad", "semantic_vad"),
    (events.AudioOutput, "format"): _typed(*ENCODINGS),
    (events.AudioOutput, "speed"): _between(0.25, 1.5),
    (events.AudioOutput, "voice"): _voice,
    (events.NoiseReduction, "type"): _one_of("near_field", "far_field"),
    (events.NoiseReduction, "strength"): _between(0, 1),
    (events.ServerVad, "threshold"): _between(0, 1),
    (events.ServerVad, "prefix_padding_ms"): _between(0, 30_000, " ms"),
    (events.ServerVad, "silence_duration_ms"): _between(0, 60_000, " ms"),
    (events.ServerVad, "idle_timeout_ms"): _between(5_000, 30_000, " ms"),
    (events.SemanticVad, "eagerness"): _one_of("low", "medium", "high", "auto"),
}
for _holder in (events.RealtimeSession, events.ResponseCreateParams):
    CHECKS |= {
        (_holder, "output_modalities"): _modalities,
        (_holder, "max_output_tokens"): _max_tokens,
        (_holder, "tools"): _tools,
        (_holder, "tool_choice"): _tool_choice,
    }
CHECKS |= {
    (events.RealtimeSession, "truncation"): _truncation,
    (events.RealtimeSession, "include"): _include,
    (events.TranscriptionSession, "include"): _include,
    (events.ResponseCreateParams, "conversation"): _one_of("auto", "none"),
    (events.ResponseCreateParams, "metadata"): _metadata,
    (beta.RealtimeSession, "temperature"): _between(0.6, 1.2),
    (beta.ResponseCreateParams, "temperature"): _between(0.6, 1.2),
}

"""What every field may hold."""

_VADS = ("server_vad", "azure_semantic_vad", "azure_semantic_vad_en", "azure_semantic_vad_multilingual")
_RATES = (8_000, 16_000, 24_000)
VOICE_LIVE_CHECKS: dict[tuple[type, str], Check] = CHECKS | {
    (events.AudioPcm, "rate"): _rate(*_RATES),
    (voice_live.RealtimeSession, "input_audio_sampling_rate"): _rate(*_RATES),
    (events.AudioInput, "turn_detection"): _typed(*_VADS),
    (events.AudioOutput, "voice"): _anything,
    (events.NoiseReduction, "type"): _anything,
    (events.RealtimeSession, "include"): _anything,
    (voice_live.RealtimeSession, "temperature"): _between(0, 2),
}
"""The same at Azure Voice Live, whose voices and filters are too many to list."""


def _detection_of_xai(got: Any, at: str) -> None:
    """A type of null is push-to-talk."""
    if not (isinstance(got, events.UnknownObject) and got.raw.get("type") is None):
        _typed("server_vad")(got, at)


def _transport(got: Any, at: str) -> None:
    if got != "json":
        message = f"Invalid '{at}': {got!r}. This server takes and sends audio in JSON only."
        raise Refusal("invalid_value", message, at)


def _idle_timeout(got: Any, at: str) -> None:
    """0 is none. A shorter one than a second would be answer upon answer, and a negative one would never end."""
    if got:
        _interval(1_000, math.inf)(got, at)


XAI_CHECKS: dict[tuple[type, str], Check] = CHECKS | {
    (events.AudioPcm, "rate"): _rate(8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
    (events.AudioInput, "turn_detection"): _detection_of_xai,
    (events.AudioOutput, "voice"): _anything,
    (events.AudioOutput, "speed"): _between(0.7, 1.5),
    (events.ServerVad, "threshold"): _between(0.1, 0.9),
    (events.ServerVad, "prefix_padding_ms"): _between(0, 10_000, " ms"),
    (events.ServerVad, "silence_duration_ms"): _between(0, 10_000, " ms"),
    (events.ServerVad, "idle_timeout_ms"): _idle_timeout,
    (events.RealtimeSession, "tools"): _anything,
    (events.RealtimeSession, "truncation"): _anything,
    (events.RealtimeSession, "include"): _anything,
    (events.ResponseCreateParams, "tools"): _anything,
    (xai.AudioInput, "transport"): _transport,
    (xai.AudioOutput, "transport"): _transport,
}
"""The same at xAI: voices, and tools of its own, are not listed here."""

LOCALAI_CHECKS: dict[tuple[type, str], Check] = CHECKS | {
    (events.AudioPcm, "rate"): _rate(8_000, 16_000, 24_000, 32_000, 48_000),
    (events.AudioOutput, "voice"): _anything,
}
"""The same at LocalAI, which resamples, and whose voices are what its speech synthesis has."""
_QWENS_RATES = (8_000, 16_000, 24_000, 48_000)


def _seed(got: Any, at: str) -> None:
    if got != -1:
        _interval(0, 2**31 - 1)(got, at)


def _qwens_modalities(got: Any, at: str) -> None:
    if got not in (["text"], ["audio"]):
        message = f"Invalid modalities: {got}. Supported combinations are: ['text'] and ['audio', 'text']."
        raise Refusal("invalid_value", message, at)


def _named(got: Any, at: str) -> None:
    if not isinstance(got, str):
        raise Refusal("invalid_type", f"Invalid type for '{at}': expected the name of a voice.", at)


def _qwens_format(rate: int) -> Check:
    """PCM at `rate` by its name, or an object with the rate in it."""

    def check(got: Any, at: str) -> None:
        if isinstance(got, events.AudioPcm) and got.rate == rate:
            return
        given = got.raw if isinstance(got, events.UnknownObject) else {"type": getattr(got, "type", got)}
        if given.get("type") != "pcm":
            raise invalid(f"{at}.type", given.get("type"), ("pcm",))
        asked = given.get("sample_rate", rate)
        if not isinstance(asked, int) or asked not in _QWENS_RATES:
            raise invalid(f"{at}.sample_rate", asked, tuple(map(str, _QWENS_RATES)))

    return check


QWEN_CHECKS: dict[tuple[type, str], Check] = CHECKS | {
    (events.AudioInput, "format"): _qwens_format(16_000),
    (events.AudioOutput, "format"): _qwens_format(24_000),
    (events.AudioOutput, "voice"): _named,
    (events.AudioPcm, "rate"): _anything,
    (qwen.SemanticVad, "prefix_padding_ms"): _between(0, 30_000, " ms"),
    (qwen.RealtimeSession, "temperature"): _interval(0, 2, "[)"),
    (qwen.RealtimeSession, "top_p"): _interval(0, 1, "(]"),
    (qwen.RealtimeSession, "top_k"): _interval(0, math.inf),
    (qwen.RealtimeSession, "max_tokens"): _interval(1, math.inf),
    (qwen.RealtimeSession, "repetition_penalty"): _interval(0, math.inf, "(]"),
    (qwen.RealtimeSession, "presence_penalty"): _interval(-2.0, 2.0),
    (qwen.RealtimeSession, "seed"): _seed,
}
for _vad in (events.ServerVad, qwen.SemanticVad):
    QWEN_CHECKS |= {
        (_vad, "threshold"): _interval(-1.0, 1.0),
        (_vad, "silence_duration_ms"): _between(200, 6_000, " ms"),
    }
for _holder in (events.RealtimeSession, events.ResponseCreateParams):
    QWEN_CHECKS |= {(_holder, "output_modalities"): _qwens_modalities}
"""The same at Qwen, by its documentation; voices are whatever the models have."""

_SERVERS_OWN = ("id", "object", "expires_at")
"""Fields of a session that only a server sets: real servers know no such parameter."""


def walk(thing: Any, at: str) -> Iterator[tuple[Any, str]]:
    """`thing` and every object inside it, each with its dotted path (`session.tools[2]`)."""
    if isinstance(thing, list):
        for index, item in enumerate(thing):
            yield from walk(item, f"{at}[{index}]")
    elif attrs.has(type(thing)) and not isinstance(thing, events.UnknownObject):
        yield thing, at
        for field in attrs.fields(type(thing)):
            if field.name != "extra":
                yield from walk(getattr(thing, field.name), f"{at}.{field.name}".lstrip("."))


def check_fields(thing: Any, at: str, checks: Mapping[tuple[type, str], Check] = CHECKS) -> None:
    """Refuses a value that its field may not hold, at any depth. Absent and null are always fine here."""
    for holder, path in walk(thing, at):
        for (cls, name), check in checks.items():
            if isinstance(holder, cls):
                held = getattr(holder, name)
                if held is not UNSET and held is not None:
                    check(held, f"{path}.{name}")


def check_tool_choice(choice: Any, tools: Any, at: str) -> None:
    """Refuses the choice of a function that is not among `tools`."""
    names = tuple(tool.name for tool in tools if isinstance(tool, events.FunctionTool))
    if isinstance(choice, events.ToolChoiceFunction) and choice.name not in names:
        message = f"Tool choice '{choice.name}' not found in the tools of the session."
        raise Refusal("invalid_value", message, f"{at}.name")


def check_client_session(session: Any) -> None:
    """Refuses what a client may not say of its session: `id`, `object` and `expires_at` are the server's."""
    for name in _SERVERS_OWN:
        if getattr(session, name, UNSET) is not UNSET:
            raise unknown(f"session.{name}")
