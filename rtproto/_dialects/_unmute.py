"""Unmute of Kyutai: a few events of the beta, without ids and places, and Unmute's own."""

from rtproto._dialects._dialect import Box, Dialect, Move

_VOICE = Move("voice", ("audio", "output", "voice"))

UNMUTE = Dialect(
    name="unmute",
    title="Unmute",
    about=(
        "Kyutai's open voice server at `/v1/realtime`, with the subprotocol `realtime`. Only `unmute.sh` is known by "
        "its address: for any other, name the dialect. It listens, answers and stops by itself, from the first "
        "settings and sound on; there is nothing else to send. Sound is Opus in Ogg, 24 kHz mono, in both directions: "
        "`audio` and `delta` are the bytes of that stream as they are, which rtproto neither makes nor reads. A "
        "session must say whether it may be recorded; where a program does not, it may not."
    ),
    names={
        "response.text.delta": "response.output_text.delta",
        "response.text.done": "response.output_text.done",
        "response.audio.delta": "response.output_audio.delta",
        "response.audio.done": "response.output_audio.done",
    },
    absent=(
        "session.created",
        "conversation.created",
        "conversation.item.added",
        "conversation.item.create*",
        "conversation.item.delete*",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.failed",
        "conversation.item.input_audio_transcription.segment",
        "conversation.item.retrieve*",
        "conversation.item.truncate*",
        "input_audio_buffer.clear*",
        "input_audio_buffer.commit*",
        "input_audio_buffer.dtmf_event_received",
        "input_audio_buffer.timeout_triggered",
        "mcp_list_tools.*",
        "output_audio_buffer.*",
        "rate_limits.updated",
        "response.cancel",
        "response.content_part.*",
        "response.create",
        "response.done",
        "response.function_call_arguments.*",
        "response.mcp_call*",
        "response.output_audio_transcript.*",
        "response.output_item.*",
    ),
    unsaid=frozenset({"response.cancel"}),
    session=(_VOICE,),
    response=(_VOICE,),
    boxed=(Box("instructions", "text", {"type": "constant"}),),
    session_needs={"allow_recording": False},
    session_type="realtime",
    refusals={"": {"type": "invalid_request_error", "code": None, "message": "Invalid message", "param": None}},
    details=True,
    greets=False,
    module="rtproto.events.unmute",
)
