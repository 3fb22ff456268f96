"""xAI's Grok Voice: GA's event names, with some of the settings flat as in the beta."""

from rtproto._dialects._beta import CONTENTS, MODALITIES
from rtproto._dialects._dialect import Dialect, Move

_OLDER_NAMES = {
    "response.text.delta": "response.output_text.delta",
    "response.text.done": "response.output_text.done",
    "response.audio.delta": "response.output_audio.delta",
    "conversation.item.commit": "input_audio_buffer.commit",
}
"""In its documentation: some of them were the only names, some are still said for older clients."""

_MODALITIES = Move("modalities", ("output_modalities",), ((["audio"], ["audio"]), *MODALITIES))

XAI = Dialect(
    name="xai",
    title="xAI Grok Voice",
    about=(
        "xAI's voice service at `wss://api.x.ai/v1/realtime`. Ids are UUIDs, every event names a `previous_item_id`, "
        "and what a response cost stands beside it. The transcript of what the user says comes whole each time."
    ),
    names=_OLDER_NAMES,
    aliases=frozenset(_OLDER_NAMES),
    absent=(
        "conversation.item.created",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.segment",
        "input_audio_buffer.dtmf_event_received",
        "mcp_list_tools.*",
        "output_audio_buffer.*",
        "response.mcp_call*",
    ),
    event=(Move("usage", ("response", "usage"), hollow={}),),
    session=(
        _MODALITIES,
        Move("voice", ("audio", "output", "voice")),
        Move("turn_detection", ("audio", "input", "turn_detection")),
        Move("max_response_output_tokens", ("max_output_tokens",)),
    ),
    params=(_MODALITIES,),
    contents=CONTENTS,
    session_type="realtime",
    module="rtproto.events.xai",
)
