"""What one response shall be: the session's settings, and what its `response.create` changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from rtproto import UNSET, UnsetType, events, value

from ._checks import check_fields, check_tool_choice
from ._habits import Habits
from ._refusal import Refusal
from ._session import audio_output, merged, voice_of, voice_refusal
from ._sound import Encoding, encoding_of
from ._tokens import item_text


@attrs.frozen(kw_only=True)
class Asked:
    """The effective settings of one response. `input` is None where it answers the conversation.

    What only some servers know: `appended` comes after its input, `text` is what it says whatever it reads, and where
    it `cancels_previous` the active response ends first.
    """

    out_of_band: bool
    input: Sequence[events.Item] | None
    appended: Sequence[events.Item]
    text: str | None
    cancels_previous: bool
    modality: str
    output: events.AudioOutput
    instructions: str
    tools: Sequence[events.FunctionTool]
    mcp: Sequence[events.McpTool]
    tool_choice: events.ToolChoice
    max_output_tokens: int | str
    metadata: dict[str, Any] | None
    temperature: float | UnsetType | None
    """UNSET where the client's protocol has none."""
    spelling: dict[str, Any] | None
    """The modalities as the client spelt them, where that is not the usual way."""
    habits: Habits

    @property
    def encoding(self) -> Encoding:
        """Of the audio it speaks."""
        return encoding_of(self.output.format)

    @property
    def voice(self) -> str:
        """The name or id of its voice."""
        voice = self.output.voice
        named = voice if isinstance(voice, str) else getattr(voice, "id", None) or getattr(voice, "name", None)
        return named or ""

    @property
    def token_limit(self) -> float:
        """How many tokens it may put out."""
        return float(self.max_output_tokens)

    def said(self, response_id: str, conversation_id: str) -> events.RealtimeResponse:
        """The response object at its birth. What is not there yet is null, as clients of real servers expect."""
        own = {} if self.temperature is UNSET else {"temperature": self.temperature}
        return self.habits.response(
            id=response_id,
            object="realtime.response",
            status="in_progress",
            status_details=None,
            output=[],
            conversation_id=None if self.out_of_band else conversation_id,
            output_modalities=[self.modality],
            max_output_tokens=self.max_output_tokens,
            audio=events.AudioConfig(
                output=events.AudioOutput(format=self.output.format or events.AudioPcm(), voice=self.output.voice)
            ),
            usage=None,
            metadata=self.metadata,
            extra=self.spelling,
            **own,
        )


def asked(session: events.RealtimeSession, create: events.ResponseCreate, habits: Habits, *, spoke: bool) -> Asked:
    """What a `response.create` asks for in `session`. Refuses what real servers refuse."""
    params = create.response or events.ResponseCreateParams()
    check_fields(params, "response", habits.checks)
    out_of_band = params.conversation == "none" or getattr(params, "commit", UNSET) is False
    tools = value(params.tools, session.tools) or []
    choice = params.tool_choice or session.tool_choice or "auto"
    check_tool_choice(choice, tools, "response.tool_choice")
    output = audio_output(session)
    if params.audio and params.audio.output:
        output = merged(output, params.audio.output, output, habits)
        if spoke and not out_of_band and output.voice != voice_of(session):
            raise voice_refusal()
    modalities = value(params.output_modalities, value(session.output_modalities, ["audio"]))
    modality = "audio" if habits.always_speaks else modalities[0]
    instructions = value(params.instructions, value(session.instructions, ""))
    return Asked(
        out_of_band=out_of_band,
        input=value(params.input, None),
        appended=getattr(params, "append_input_items", None) or (),
        text=item_text(message) if (message := getattr(params, "pre_generated_assistant_message", None)) else None,
        cancels_previous=value(getattr(params, "cancel_previous", None), habits.cancels_previous),
        modality=modality,
        output=output,
        instructions="\n".join(filter(None, (instructions, value(getattr(create, "additional_instructions", ""), "")))),
        tools=[tool for tool in tools if isinstance(tool, events.FunctionTool)],
        mcp=[tool for tool in tools if isinstance(tool, events.McpTool)],
        tool_choice=choice,
        max_output_tokens=params.max_output_tokens
        or session.max_output_tokens
        or getattr(session, "max_tokens", None)
        or "inf",
        metadata=None if params.metadata is UNSET else params.metadata,
        temperature=getattr(params, "temperature", UNSET)
        or getattr(session, "temperature", UNSET)
        or habits.temperature,
        spelling=session.extra if params.output_modalities is UNSET else params.extra,
        habits=habits,
    )


def refuse_transcription(session: object) -> events.RealtimeSession:
    """The session, if it is one that answers."""
    if isinstance(session, events.RealtimeSession):
        return session
    raise Refusal("invalid_value", "A transcription session does not create responses.", "type")
