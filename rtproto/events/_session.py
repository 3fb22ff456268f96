"""The session's configuration."""

from typing import Any, ClassVar, TypeAlias

import attrs

from rtproto._unset import UNSET, Opt
from rtproto.events._base import UnknownObject, VendorObject, WireObject


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioPcm(WireObject):
    """PCM16, little-endian, mono; `rate` in Hz (24000 at OpenAI)."""

    type: ClassVar[str] = "audio/pcm"

    rate: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioPcmu(WireObject):
    """G.711 mu-law, 8000 Hz, mono."""

    type: ClassVar[str] = "audio/pcmu"


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioPcma(WireObject):
    """G.711 A-law, 8000 Hz, mono."""

    type: ClassVar[str] = "audio/pcma"


AudioFormat: TypeAlias = AudioPcm | AudioPcmu | AudioPcma | str | UnknownObject
"""How sound is coded; some servers still give it the name that it had in the beta."""


@attrs.define(kw_only=True, repr=False, eq=False)
class NoiseReduction(WireObject):
    """Filters the input audio: `type` is near_field or far_field, `strength` from 0 to 1."""

    type: Opt[str] = UNSET
    strength: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioTranscription(WireObject):
    """How the input audio is transcribed. `language` is an ISO 639-1 code; `delay` trades accuracy for latency."""

    model: Opt[str] = UNSET
    language: Opt[str] = UNSET
    languages: Opt[list[str]] = UNSET
    prompt: Opt[str] = UNSET
    keywords: Opt[list[str]] = UNSET
    delay: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ServerVad(WireObject):
    """Turns end after a silence. Durations in ms; `threshold` from 0 to 1; `idle_timeout_ms` from 5000 to 30000."""

    type: ClassVar[str] = "server_vad"

    threshold: Opt[float] = UNSET
    prefix_padding_ms: Opt[int] = UNSET
    silence_duration_ms: Opt[int] = UNSET
    idle_timeout_ms: Opt[int] = UNSET
    create_response: Opt[bool] = UNSET
    interrupt_response: Opt[bool] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class SemanticVad(WireObject):
    """Turns end where the words do; `eagerness` is low (waits 8 s at most), medium (4 s), high (2 s) or auto."""

    type: ClassVar[str] = "semantic_vad"

    eagerness: Opt[str] = UNSET
    create_response: Opt[bool] = UNSET
    interrupt_response: Opt[bool] = UNSET


TurnDetection: TypeAlias = ServerVad | SemanticVad | VendorObject | UnknownObject


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioInput(WireObject):
    """What the server hears. ``turn_detection=None`` is push-to-talk: the client commits and asks for responses."""

    format: Opt[AudioFormat] = UNSET
    transcription: Opt[AudioTranscription] = UNSET
    noise_reduction: Opt[NoiseReduction] = UNSET
    turn_detection: Opt[TurnDetection] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class VoiceId(WireObject):
    """A voice that is not one of the built-in names."""

    id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioOutput(WireObject):
    """How the server speaks; `speed` from 0.25 to 1.5."""

    format: Opt[AudioFormat] = UNSET
    voice: Opt[str | VoiceId | VendorObject] = UNSET
    speed: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioConfig(WireObject):
    """Both directions of sound."""

    input: Opt[AudioInput] = UNSET
    output: Opt[AudioOutput] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class FunctionTool(WireObject):
    """A function that the model may call; `parameters` is a JSON schema."""

    type: ClassVar[str] = "function"

    name: Opt[str] = UNSET
    description: Opt[str] = UNSET
    parameters: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class McpToolFilter(WireObject):
    """Some tools of an MCP server, by name or because they only read."""

    tool_names: Opt[list[str]] = UNSET
    read_only: Opt[bool] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class McpApprovalFilter(WireObject):
    """Which tools always need an approval, and which never (at Azure Voice Live a list of their names)."""

    always: Opt[McpToolFilter | list[str]] = UNSET
    never: Opt[McpToolFilter | list[str]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class McpTool(WireObject):
    """An MCP server that the model may use: by `server_url`, `connector_id` or `tunnel_id`."""

    type: ClassVar[str] = "mcp"

    server_label: str
    server_url: Opt[str] = UNSET
    server_description: Opt[str] = UNSET
    connector_id: Opt[str] = UNSET
    tunnel_id: Opt[str] = UNSET
    authorization: Opt[str] = attrs.field(default=UNSET, repr=False)
    headers: Opt[dict[str, Any]] = attrs.field(default=UNSET, repr=False)
    allowed_tools: Opt[list[str] | McpToolFilter] = UNSET
    allowed_callers: Opt[list[str]] = UNSET
    require_approval: Opt[str | McpApprovalFilter] = UNSET
    defer_loading: Opt[bool] = UNSET


Tool: TypeAlias = FunctionTool | McpTool | VendorObject | UnknownObject


@attrs.define(kw_only=True, repr=False, eq=False)
class ToolChoiceFunction(WireObject):
    """The model must call this function."""

    type: ClassVar[str] = "function"

    name: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ToolChoiceMcp(WireObject):
    """The model must use this MCP server, or this tool of it."""

    type: ClassVar[str] = "mcp"

    server_label: str
    name: Opt[str] = UNSET


ToolChoice: TypeAlias = str | ToolChoiceFunction | ToolChoiceMcp | UnknownObject
"""auto, none, required, or an object that names what must be called."""


@attrs.define(kw_only=True, repr=False, eq=False)
class PromptCacheBreakpoint(WireObject):
    """Up to here the prompt may be cached; `ttl` is 30m or 12h."""

    mode: str
    ttl: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseInputText(WireObject):
    """Text for a variable of a stored prompt."""

    type: ClassVar[str] = "input_text"

    text: str
    prompt_cache_breakpoint: Opt[PromptCacheBreakpoint] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseInputImage(WireObject):
    """A picture for a variable of a stored prompt."""

    type: ClassVar[str] = "input_image"

    detail: Opt[str] = UNSET
    file_id: Opt[str] = UNSET
    image_url: Opt[str] = UNSET
    prompt_cache_breakpoint: Opt[PromptCacheBreakpoint] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseInputFile(WireObject):
    """A file for a variable of a stored prompt."""

    type: ClassVar[str] = "input_file"

    detail: Opt[str] = UNSET
    file_data: Opt[str] = UNSET
    file_id: Opt[str] = UNSET
    file_url: Opt[str] = UNSET
    filename: Opt[str] = UNSET
    prompt_cache_breakpoint: Opt[PromptCacheBreakpoint] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class Prompt(WireObject):
    """A stored prompt with its variables."""

    id: str
    version: Opt[str] = UNSET
    variables: Opt[dict[str, str | ResponseInputText | ResponseInputImage | ResponseInputFile | UnknownObject]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class Reasoning(WireObject):
    """How much a reasoning model thinks: `effort` is minimal, low, medium, high or xhigh."""

    effort: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class TracingConfiguration(WireObject):
    """Names the trace of this session."""

    workflow_name: Opt[str] = UNSET
    group_id: Opt[str] = UNSET
    metadata: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class TokenLimits(WireObject):
    """How many tokens may follow the instructions."""

    post_instructions: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class TruncationRetentionRatio(WireObject):
    """When the context is full, keep this share of it (0 to 1)."""

    type: ClassVar[str] = "retention_ratio"

    retention_ratio: float
    token_limits: Opt[TokenLimits] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeSession(WireObject):
    """A conversation session. `session.updated` brings it whole; in `SessionUpdate` give only what changes.

    `expires_at` is in seconds since 1970. `output_modalities` is ["audio"] or ["text"]; `max_output_tokens` an int
    from 1 to 4096 or "inf".
    """

    type: ClassVar[str] = "realtime"

    id: Opt[str] = UNSET
    object: Opt[str] = UNSET
    expires_at: Opt[int] = UNSET
    model: Opt[str] = UNSET
    instructions: Opt[str] = UNSET
    output_modalities: Opt[list[str]] = UNSET
    audio: Opt[AudioConfig] = UNSET
    tools: Opt[list[Tool]] = UNSET
    tool_choice: Opt[ToolChoice] = UNSET
    parallel_tool_calls: Opt[bool] = UNSET
    max_output_tokens: Opt[int | str] = UNSET
    reasoning: Opt[Reasoning] = UNSET
    prompt: Opt[Prompt] = UNSET
    tracing: Opt[str | TracingConfiguration] = UNSET
    truncation: Opt[str | TruncationRetentionRatio | UnknownObject] = UNSET
    include: Opt[list[str]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class TranscriptionSession(WireObject):
    """A session that only transcribes (``intent=transcription``)."""

    type: ClassVar[str] = "transcription"

    id: Opt[str] = UNSET
    object: Opt[str] = UNSET
    expires_at: Opt[int] = UNSET
    audio: Opt[AudioConfig] = UNSET
    include: Opt[list[str]] = UNSET


AnySession: TypeAlias = RealtimeSession | TranscriptionSession | VendorObject | UnknownObject
