"""Responses: what is asked for, what came out, what it cost; and errors."""

from typing import Any, ClassVar, TypeAlias

import attrs

from rtproto._unset import UNSET, Opt
from rtproto.events._base import UnknownObject, WireObject
from rtproto.events._items import Item
from rtproto.events._session import AudioConfig, Prompt, Reasoning, Tool, ToolChoice


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeError(WireObject):
    """What went wrong. `event_id` is the id of the client event at fault, where there is one."""

    type: Opt[str] = UNSET
    code: Opt[str | int] = UNSET
    message: str
    param: Opt[str] = UNSET
    event_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ErrorDetails(WireObject):
    """Why a response or a transcription failed."""

    type: Opt[str] = UNSET
    code: Opt[str | int] = UNSET
    message: Opt[str] = UNSET
    param: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseStatusDetails(WireObject):
    """Why a response ended as it did: `reason` is turn_detected, client_cancelled, max_output_tokens or
    content_filter."""

    type: Opt[str] = UNSET
    reason: Opt[str] = UNSET
    error: Opt[ErrorDetails] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class CachedTokensDetails(WireObject):
    """Cached input tokens by kind."""

    text_tokens: Opt[int] = UNSET
    audio_tokens: Opt[int] = UNSET
    image_tokens: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InputTokenDetails(WireObject):
    """Input tokens by kind."""

    text_tokens: Opt[int] = UNSET
    audio_tokens: Opt[int] = UNSET
    image_tokens: Opt[int] = UNSET
    cached_tokens: Opt[int] = UNSET
    cached_tokens_details: Opt[CachedTokensDetails] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class OutputTokenDetails(WireObject):
    """Output tokens by kind."""

    text_tokens: Opt[int] = UNSET
    audio_tokens: Opt[int] = UNSET
    reasoning_tokens: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseUsage(WireObject):
    """What a response cost."""

    total_tokens: Opt[int] = UNSET
    input_tokens: Opt[int] = UNSET
    output_tokens: Opt[int] = UNSET
    input_token_details: Opt[InputTokenDetails] = UNSET
    output_token_details: Opt[OutputTokenDetails] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeResponse(WireObject):
    """A response: `status` is in_progress, completed, cancelled, failed or incomplete.

    `conversation_id` is None for an out-of-band response. `output` holds every item, without audio bytes.
    """

    id: Opt[str] = UNSET
    object: Opt[str] = UNSET
    status: Opt[str] = UNSET
    status_details: Opt[str | ResponseStatusDetails] = UNSET
    output: Opt[list[Item]] = UNSET
    conversation_id: Opt[str] = UNSET
    output_modalities: Opt[list[str]] = UNSET
    max_output_tokens: Opt[int | str] = UNSET
    audio: Opt[AudioConfig] = UNSET
    usage: Opt[ResponseUsage] = UNSET
    metadata: Opt[dict[str, Any]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseCreateParams(WireObject):
    """What one response shall be; what is not given is the session's.

    ``conversation="none"`` makes it out-of-band; ``input=[]`` clears the context; `metadata` comes back in the
    response and so tells which answer belongs to which request.
    """

    conversation: Opt[str] = UNSET
    input: Opt[list[Item]] = UNSET
    instructions: Opt[str] = UNSET
    output_modalities: Opt[list[str]] = UNSET
    audio: Opt[AudioConfig] = UNSET
    tools: Opt[list[Tool]] = UNSET
    tool_choice: Opt[ToolChoice] = UNSET
    parallel_tool_calls: Opt[bool] = UNSET
    max_output_tokens: Opt[int | str] = UNSET
    reasoning: Opt[Reasoning] = UNSET
    prompt: Opt[Prompt] = UNSET
    metadata: Opt[dict[str, Any]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class UsageTokens(WireObject):
    """A transcription that is billed by tokens."""

    type: ClassVar[str] = "tokens"

    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_token_details: Opt[InputTokenDetails] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class UsageDuration(WireObject):
    """A transcription that is billed by time, in seconds of audio."""

    type: ClassVar[str] = "duration"

    seconds: float


TranscriptionUsage: TypeAlias = UsageTokens | UsageDuration | UnknownObject


@attrs.define(kw_only=True, repr=False, eq=False)
class Logprob(WireObject):
    """How sure the recogniser was of a token; `bytes` are the token's UTF-8 bytes as numbers."""

    token: str
    logprob: float
    bytes: Opt[list[int]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class TranscriptionLanguage(WireObject):
    """A language that was heard."""

    code: str


@attrs.define(kw_only=True, repr=False, eq=False)
class RateLimit(WireObject):
    """How much of a limit is left; `reset_seconds` until it is whole again."""

    name: Opt[str] = UNSET
    limit: Opt[int] = UNSET
    remaining: Opt[int] = UNSET
    reset_seconds: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class Conversation(WireObject):
    """The default conversation."""

    id: Opt[str] = UNSET
    object: Opt[str] = UNSET
