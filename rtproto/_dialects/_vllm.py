"""vLLM's realtime endpoint: it writes down what it hears, in flat events of its own."""

from rtproto._dialects._dialect import Box, Dialect, Move

_TRANSCRIPTION = ("session", "audio", "input", "transcription")

VLLM = Dialect(
    name="vllm",
    title="vLLM",
    about=(
        "vLLM's endpoint `/v1/realtime`, which only transcribes. Nothing in its address tells, so name the dialect. "
        "Sound is PCM16 at 16 kHz. The model must be named before anything else, by a session update. A commit then "
        "begins the transcription of what is appended before and after it, and one with `final` ends it."
    ),
    names={
        "transcription.delta": "conversation.item.input_audio_transcription.delta",
        "transcription.done": "conversation.item.input_audio_transcription.completed",
    },
    absent=(
        "session.updated",
        "conversation.*",
        "input_audio_buffer.clear*",
        "input_audio_buffer.committed",
        "input_audio_buffer.dtmf_event_received",
        "input_audio_buffer.speech_*",
        "input_audio_buffer.timeout_triggered",
        "mcp_list_tools.*",
        "output_audio_buffer.*",
        "rate_limits.updated",
        "response.*",
    ),
    event=(
        Move("id", ("session", "id")),
        Move("created", ("session", "created")),
        Move("model", (*_TRANSCRIPTION, "model")),
        Move("language", (*_TRANSCRIPTION, "language")),
        Move("prompt", (*_TRANSCRIPTION, "prompt")),
        Move("text", ("transcript",)),
        Move("code", ("error", "code")),
    ),
    unboxed=(Box("error", "message"),),
    session_type="transcription",
    event_ids=False,
    input_rate=16_000,
    refusals={
        "invalid_json": {"code": "invalid_json", "message": "Invalid JSON"},
        "input_audio_buffer.append.audio": {"code": "invalid_audio", "message": "Invalid audio data"},
        "session.update.session": {"code": "invalid_event", "message": "Missing required field: model"},
        "type": {"code": "unknown_event", "message": "Unknown event type: None"},
        "": {"code": "processing_error"},
    },
    module="rtproto.events.vllm",
)
