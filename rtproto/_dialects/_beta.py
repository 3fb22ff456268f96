"""The beta protocol: OpenAI's until 2026, Azure OpenAI's preview versions, and many compatible servers."""

from rtproto._dialects._dialect import Dialect, Move

NAMES = {
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
    "response.audio.delta": "response.output_audio.delta",
    "response.audio.done": "response.output_audio.done",
    "response.audio_transcript.delta": "response.output_audio_transcript.delta",
    "response.audio_transcript.done": "response.output_audio_transcript.done",
    "conversation.item.created": "conversation.item.added",
}
_TRANSCRIPTION_NAMES = {
    "transcription_session.update": "session.update",
    "transcription_session.updated": "session.updated",
    "transcription_session.created": "session.created",
}
_EARLY_NAMES = {
    "output_audio_buffer.audio_started": "output_audio_buffer.started",
    "output_audio_buffer.audio_stopped": "output_audio_buffer.stopped",
    "output_audio_buffer.audio_cleared": "output_audio_buffer.cleared",
}
"""Of January 2025."""

FORMATS = (
    ("pcm16", {"type": "audio/pcm", "rate": 24000}),
    ("pcm16", {"type": "audio/pcm"}),
    ("g711_ulaw", {"type": "audio/pcmu"}),
    ("g711_alaw", {"type": "audio/pcma"}),
)
MODALITIES = ((["text", "audio"], ["audio"]), (["audio", "text"], ["audio"]))
CONTENTS = {"text": "output_text", "audio": "output_audio"}

OUTPUT = (
    Move("modalities", ("output_modalities",), MODALITIES),
    Move("voice", ("audio", "output", "voice")),
    Move("output_audio_format", ("audio", "output", "format"), FORMATS),
)
SESSION = (
    *OUTPUT,
    Move("speed", ("audio", "output", "speed")),
    Move("input_audio_format", ("audio", "input", "format"), FORMATS),
    Move("input_audio_transcription", ("audio", "input", "transcription")),
    Move("input_audio_noise_reduction", ("audio", "input", "noise_reduction")),
    Move("turn_detection", ("audio", "input", "turn_detection")),
    Move("max_response_output_tokens", ("max_output_tokens",)),
)

BETA = Dialect(
    name="beta",
    title="Beta: Azure OpenAI preview, and many compatible servers",
    about=(
        "The protocol before 2025. OpenAI switched it off in May 2026; Azure's preview versions and most servers that "
        "imitate OpenAI still speak it. A client asks for it with the header `OpenAI-Beta: realtime=v1`."
    ),
    names={**NAMES, **_TRANSCRIPTION_NAMES, **_EARLY_NAMES},
    aliases=frozenset((*_TRANSCRIPTION_NAMES, *_EARLY_NAMES)),
    absent=(
        "conversation.item.done",
        "conversation.item.created",
        "conversation.item.input_audio_transcription.segment",
        "input_audio_buffer.dtmf_event_received",
        "input_audio_buffer.timeout_triggered",
        "mcp_list_tools.*",
        "response.mcp_call*",
    ),
    unsaid=frozenset({"conversation.item.done"}),
    session=SESSION,
    response=OUTPUT,
    params=(*OUTPUT, Move("max_response_output_tokens", ("max_output_tokens",))),
    contents=CONTENTS,
    session_type="realtime",
    may_lack={
        "message": ("role",),
        "function_call": ("name", "arguments"),
        "function_call_output": ("call_id", "output"),
    },
    module="rtproto.events.beta",
)
