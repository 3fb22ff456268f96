"""OpenAI's own protocol since 2025, also at Azure: conversations, and its two other kinds of session."""

from rtproto._dialects._dialect import Dialect

GA = Dialect(
    name="ga",
    title="OpenAI and Azure OpenAI",
    about=(
        "The protocol of `wss://api.openai.com/v1/realtime`, and of `/openai/v1/realtime` at Azure OpenAI: the "
        "vocabulary of rtproto itself. Every other dialect is described by how it differs from this one."
    ),
)

TRANSCRIPTION = Dialect(
    name="ga-transcription",
    title="OpenAI transcription",
    about=(
        "A session of the type `transcription`, at `?intent=transcription` without a model: it hears and writes down, "
        "and never answers. It speaks as GA does, of what has to do with that."
    ),
    absent=(
        "conversation.created",
        "conversation.item.create",
        "conversation.item.truncate",
        "conversation.item.truncated",
        "input_audio_buffer.dtmf_event_received",
        "input_audio_buffer.timeout_triggered",
        "mcp_list_tools.*",
        "output_audio_buffer.*",
        "rate_limits.updated",
        "response.*",
    ),
)

TRANSLATION = Dialect(
    name="ga-translation",
    title="OpenAI translation",
    about=(
        "A session at an endpoint of its own, `/v1/realtime/translations`: sound goes in, and comes out in another "
        "language. It has no turns, no items and no responses; `session.close` ends it once all is translated."
    ),
    names={"session.input_audio_buffer.append": "input_audio_buffer.append"},
    absent=(
        "conversation.*",
        "input_audio_buffer.*",
        "mcp_list_tools.*",
        "output_audio_buffer.*",
        "rate_limits.updated",
        "response.*",
    ),
    session_type="translation",
    typed_sessions=frozenset({"session.created", "session.updated"}),
    module="rtproto.events.translation",
)
