"""How a session and a response of Azure Voice Live are set: what it alone has."""

from typing import Any, ClassVar, TypeAlias

import attrs

from rtproto import events
from rtproto._unset import UNSET, Opt
from rtproto.events._base import WireObject

# ---- voices ----


@attrs.define(kw_only=True, repr=False, eq=False)
class OpenAIVoice(events.VendorObject):
    """A voice of OpenAI's, by its name."""

    type: ClassVar[str] = "openai"

    name: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AzureVoice(events.VendorObject):
    """What Azure's voices have in common: `style`, `pitch`, `rate` and `volume` are values of SSML."""

    temperature: Opt[float] = UNSET
    custom_lexicon_url: Opt[str] = UNSET
    custom_text_normalization_url: Opt[str] = UNSET
    prefer_locales: Opt[list[str]] = UNSET
    locale: Opt[str] = UNSET
    style: Opt[str] = UNSET
    pitch: Opt[str] = UNSET
    rate: Opt[str] = UNSET
    volume: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AzureStandardVoice(AzureVoice):
    """A voice of Azure's catalogue, by its name."""

    type: ClassVar[str] = "azure-standard"

    name: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AzureCustomVoice(AzureVoice):
    """A voice that was trained for the customer and deployed at `endpoint_id`."""

    type: ClassVar[str] = "azure-custom"

    name: Opt[str] = UNSET
    endpoint_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AzurePersonalVoice(AzureVoice):
    """A voice made from a sample of somebody's, spoken by `model`."""

    type: ClassVar[str] = "azure-personal"

    name: Opt[str] = UNSET
    model: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AzureAvatarVoiceSyncVoice(AzureVoice):
    """The voice that belongs to the avatar, spoken by `model`."""

    type: ClassVar[str] = "avatar-voice-sync"

    model: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AzureRealtimeNativeVoice(events.VendorObject):
    """A voice of Azure's own realtime models, by its name."""

    type: ClassVar[str] = "azure-realtime-native"

    name: Opt[str] = UNSET


# ---- how the server hears ----


@attrs.define(kw_only=True, repr=False, eq=False)
class EndOfUtteranceDetection(WireObject):
    """Hears from the words whether the user has finished. `threshold_level` is low, medium, high or default."""

    model: Opt[str] = UNSET
    threshold_level: Opt[str] = UNSET
    timeout_ms: Opt[int] = UNSET
    threshold: Opt[float] = UNSET
    timeout: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ServerVad(events.ServerVad):
    """Turns end after a silence; with `auto_truncate` an interrupted answer is truncated without being asked."""

    speech_duration_ms: Opt[int] = UNSET
    end_of_utterance_detection: Opt[EndOfUtteranceDetection] = UNSET
    auto_truncate: Opt[bool] = UNSET
    appended_text_after_truncation: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class _AzureSemanticVad(events.VendorObject):
    threshold: Opt[float] = UNSET
    prefix_padding_ms: Opt[int] = UNSET
    silence_duration_ms: Opt[int] = UNSET
    speech_duration_ms: Opt[int] = UNSET
    end_of_utterance_detection: Opt[EndOfUtteranceDetection] = UNSET
    remove_filler_words: Opt[bool] = UNSET
    auto_truncate: Opt[bool] = UNSET
    create_response: Opt[bool] = UNSET
    interrupt_response: Opt[bool] = UNSET
    idle_timeout_ms: Opt[int] = UNSET
    appended_text_after_truncation: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AzureSemanticVad(_AzureSemanticVad):
    """Turns end where the words do, in any of `languages`. Durations in ms."""

    type: ClassVar[str] = "azure_semantic_vad"

    languages: Opt[list[str]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AzureSemanticVadEn(_AzureSemanticVad):
    """As `AzureSemanticVad`, for English alone."""

    type: ClassVar[str] = "azure_semantic_vad_en"


@attrs.define(kw_only=True, repr=False, eq=False)
class AzureSemanticVadMultilingual(_AzureSemanticVad):
    """As `AzureSemanticVad`, for several languages at once."""

    type: ClassVar[str] = "azure_semantic_vad_multilingual"

    languages: Opt[list[str]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioTranscription(events.AudioTranscription):
    """How the input audio is transcribed: `custom_speech` maps locales to models, `phrase_list` names rare words."""

    custom_speech: Opt[dict[str, str]] = UNSET
    phrase_list: Opt[list[str]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioEchoCancellation(events.VendorObject):
    """The server takes its own voice out of what it hears; `reference_source` is server or client."""

    type: ClassVar[str] = "server_echo_cancellation"

    reference_source: Opt[str] = UNSET
    channels: Opt[int] = UNSET


# ---- how the server shows itself ----


@attrs.define(kw_only=True, repr=False, eq=False)
class Animation(WireObject):
    """What moves the face: `outputs` are blendshapes and viseme_id."""

    model_name: Opt[str] = UNSET
    outputs: Opt[list[str]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class IceServer(WireObject):
    """A server that helps WebRTC through firewalls."""

    urls: Opt[list[str]] = UNSET
    username: Opt[str] = UNSET
    credential: Opt[str] = attrs.field(default=UNSET, repr=False)


@attrs.define(kw_only=True, repr=False, eq=False)
class VideoCrop(WireObject):
    """The part of the picture that is kept: two corners, each [x, y] in pixels."""

    top_left: Opt[list[int]] = UNSET
    bottom_right: Opt[list[int]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class VideoResolution(WireObject):
    """Pixels."""

    width: Opt[int] = UNSET
    height: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class Background(WireObject):
    """What is behind the avatar."""

    color: Opt[str] = UNSET
    image_url: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class VideoParams(WireObject):
    """How the avatar is filmed; `bitrate` in bit/s."""

    bitrate: Opt[int] = UNSET
    codec: Opt[str] = UNSET
    crop: Opt[VideoCrop] = UNSET
    resolution: Opt[VideoResolution] = UNSET
    background: Opt[Background] = UNSET
    gop_size: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class Scene(WireObject):
    """Where the avatar stands in the picture."""

    zoom: Opt[float] = UNSET
    position_x: Opt[float] = UNSET
    position_y: Opt[float] = UNSET
    rotation_x: Opt[float] = UNSET
    rotation_y: Opt[float] = UNSET
    rotation_z: Opt[float] = UNSET
    amplitude: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AvatarConfig(WireObject):
    """The avatar: `type` is video-avatar or photo-avatar, `output_protocol` webrtc or websocket."""

    type: Opt[str] = UNSET
    ice_servers: Opt[list[IceServer]] = UNSET
    character: Opt[str] = UNSET
    style: Opt[str] = UNSET
    model: Opt[str] = UNSET
    customized: Opt[bool] = UNSET
    video: Opt[VideoParams] = UNSET
    scene: Opt[Scene] = UNSET
    output_protocol: Opt[str] = UNSET
    output_audit_audio: Opt[bool] = UNSET


# ---- how the server answers ----


@attrs.define(kw_only=True, repr=False, eq=False)
class StaticInterimResponse(events.VendorObject):
    """Bridges a wait with one of `texts`. `triggers` are latency (after `latency_threshold_ms`) and tool."""

    type: ClassVar[str] = "static_interim_response"

    triggers: Opt[list[str]] = UNSET
    latency_threshold_ms: Opt[int] = UNSET
    texts: Opt[list[str]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class LlmInterimResponse(events.VendorObject):
    """Bridges a wait with what `model` says. `triggers` as in `StaticInterimResponse`."""

    type: ClassVar[str] = "llm_interim_response"

    triggers: Opt[list[str]] = UNSET
    latency_threshold_ms: Opt[int] = UNSET
    model: Opt[str] = UNSET
    instructions: Opt[str] = UNSET
    max_completion_tokens: Opt[int] = UNSET


InterimResponse: TypeAlias = StaticInterimResponse | LlmInterimResponse | events.UnknownObject


@attrs.define(kw_only=True, repr=False, eq=False)
class AgentConfig(events.VendorObject):
    """The agent that answers."""

    type: ClassVar[str] = "agent"

    name: Opt[str] = UNSET
    description: Opt[str] = UNSET
    agent_id: Opt[str] = UNSET
    thread_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeSession(events.RealtimeSession):
    """A conversation session. `input_audio_sampling_rate` is in Hz; the rate of ``audio.input.format`` is the same.

    `expires_at` is in seconds since 1970; Azure's own SDK writes it as ISO 8601 text.
    """

    expires_at: Any = UNSET
    animation: Opt[Animation] = UNSET
    avatar: Opt[AvatarConfig] = UNSET
    agent: Opt[AgentConfig | events.UnknownObject] = UNSET
    input_audio_sampling_rate: Opt[int] = UNSET
    input_audio_echo_cancellation: Opt[AudioEchoCancellation | events.UnknownObject] = UNSET
    output_audio_timestamp_types: Opt[list[str]] = UNSET
    interim_response: Opt[InterimResponse] = UNSET
    temperature: Opt[float] = UNSET
    metadata: Opt[dict[str, Any]] = UNSET
    truncation_strategy: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeResponse(events.RealtimeResponse):
    """A response, with the temperature that it was sampled at."""

    temperature: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseCreateParams(events.ResponseCreateParams):
    """What one response shall be. `pre_generated_assistant_message` is spoken as it is; `commit` and `cancel_previous`
    say what becomes of the buffered sound and of an active response; `append_input_items` come after the context."""

    commit: Opt[bool] = UNSET
    cancel_previous: Opt[bool] = UNSET
    append_input_items: Opt[list[events.Item]] = UNSET
    pre_generated_assistant_message: Opt[events.MessageItem | events.UnknownObject] = UNSET
    interim_response: Opt[InterimResponse] = UNSET
    invoke_input: Opt[dict[str, Any]] = UNSET
    temperature: Opt[float] = UNSET
