"""Azure Voice Live: the beta shapes, with Azure's own voices, ears, avatar and searches."""

from rtproto._dialects._beta import CONTENTS, FORMATS, MODALITIES, NAMES
from rtproto._dialects._dialect import Dialect, Move

_OUTPUT_FORMATS = (
    *FORMATS,
    ("pcm16_8000hz", {"type": "audio/pcm", "rate": 8000}),
    ("pcm16_16000hz", {"type": "audio/pcm", "rate": 16000}),
)
_OUTPUT = (
    Move("modalities", ("output_modalities",), MODALITIES),
    Move("voice", ("audio", "output", "voice")),
    Move("output_audio_format", ("audio", "output", "format"), _OUTPUT_FORMATS),
)
_REASONING = Move("reasoning_effort", ("reasoning", "effort"))

VOICE_LIVE = Dialect(
    name="azure-voicelive",
    title="Azure Voice Live",
    about=(
        "Azure's voice service at `/voice-live/realtime`, with a model or an agent behind it. An update of "
        "`turn_detection` replaces it whole: what it does not name returns to the default."
    ),
    names=NAMES,
    absent=(
        "conversation.created",
        "conversation.item.created",
        "conversation.item.input_audio_transcription.segment",
        "input_audio_buffer.dtmf_event_received",
        "input_audio_buffer.timeout_triggered",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "rate_limits.updated",
    ),
    session=(
        *_OUTPUT,
        Move(
            "input_audio_format",
            ("audio", "input", "format"),
            FORMATS,
            rate="input_audio_sampling_rate",
        ),
        Move("input_audio_transcription", ("audio", "input", "transcription")),
        Move("input_audio_noise_reduction", ("audio", "input", "noise_reduction")),
        Move("turn_detection", ("audio", "input", "turn_detection")),
        Move("max_response_output_tokens", ("max_output_tokens",)),
        _REASONING,
    ),
    response=_OUTPUT,
    params=(*_OUTPUT, Move("input_items", ("input",)), _REASONING),
    contents=CONTENTS,
    session_type="realtime",
    may_lack={
        "conversation.item.create": ("item",),
        "conversation.item.added": ("item",),
        "conversation.item.retrieved": ("item",),
        "response.output_item.added": ("item",),
        "response.output_item.done": ("item",),
    },
    module="rtproto.events.voice_live",
)
