"""LocalAI: GA as Go writes it, where what is empty or zero is left out, with a few events more."""

from rtproto._dialects._dialect import Dialect

LOCALAI = Dialect(
    name="localai",
    title="LocalAI",
    about=(
        "LocalAI's endpoint `/v1/realtime?model=...`. It speaks as GA does but leaves out what is empty or zero: the "
        "arguments of a call that has none, the start of what was said first. Nothing in its address tells, so name "
        "the dialect. An error may come instead of `session.created`, and many events have the `event_id` event_TODO."
    ),
    absent=(
        "conversation.created",
        "conversation.item.created",
        "input_audio_buffer.dtmf_event_received",
        "output_audio_buffer.*",
    ),
    may_lack={
        "mcp": ("server_label",),
        "mcp_approval_request": ("server_label", "name"),
        "mcp_approval_response": ("approval_request_id", "approve"),
        "mcp_call": ("server_label", "name", "arguments"),
        "mcp_list_tools": ("server_label", "tools"),
    },
    event_ids=False,
    refusals={
        "input_audio_buffer.append.audio": {
            "type": "invalid_request_error",
            "code": "invalid_audio_data",
            "message": "Failed to decode audio data",
        },
        "": {"type": "invalid_request_error", "code": "invalid_json", "message": "Invalid JSON format"},
    },
    module="rtproto.events.localai",
)
