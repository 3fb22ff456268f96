"""Qwen-Omni of Alibaba Cloud Model Studio: the beta shapes, with sound of 16 kHz in and 24 kHz out."""

from rtproto._dialects._beta import BETA, CONTENTS, MODALITIES, NAMES
from rtproto._dialects._dialect import Dialect, Move

_INPUT_FORMATS = tuple((name, {"type": "audio/pcm", "rate": 16000}) for name in ("pcm", "pcm16"))
_OUTPUT_FORMATS = tuple((name, {"type": "audio/pcm", "rate": 24000}) for name in ("pcm", "pcm24", "pcm16"))
_OUTPUT = (
    Move("modalities", ("output_modalities",), MODALITIES),
    Move("voice", ("audio", "output", "voice")),
    Move("output_audio_format", ("audio", "output", "format"), _OUTPUT_FORMATS),
)

QWEN = Dialect(
    name="qwen",
    title="Qwen-Omni",
    about=(
        "Alibaba Cloud's voice service at `/api-ws/v1/realtime`. Sound is PCM16, 16 kHz to the server and 24 kHz from "
        "it; pictures can be sent beside it, and a function's fields stand in an object of their own."
    ),
    names=NAMES,
    absent=BETA.absent,
    unsaid=BETA.unsaid,
    session=(
        *_OUTPUT,
        Move("input_audio_format", ("audio", "input", "format"), _INPUT_FORMATS),
        Move("input_audio_transcription", ("audio", "input", "transcription")),
        Move("turn_detection", ("audio", "input", "turn_detection")),
    ),
    response=_OUTPUT,
    params=_OUTPUT,
    contents=CONTENTS,
    session_type="realtime",
    nests_tools=True,
    input_rate=16_000,
    module="rtproto.events.qwen",
)
