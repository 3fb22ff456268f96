"""What a server says of the sound it hears and plays."""

from typing import ClassVar

import attrs

from rtproto._unset import UNSET, Opt
from rtproto.events._base import ServerEvent


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferCommitted(ServerEvent):
    """The buffered sound became the user message `item_id`."""

    type: ClassVar[str] = "input_audio_buffer.committed"

    previous_item_id: Opt[str] = UNSET
    item_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferCleared(ServerEvent):
    """The buffered sound is dropped."""

    type: ClassVar[str] = "input_audio_buffer.cleared"


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferSpeechStarted(ServerEvent):
    """Someone speaks: since `audio_start_ms` of all appended sound, prefix padding included."""

    type: ClassVar[str] = "input_audio_buffer.speech_started"

    audio_start_ms: int
    item_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferSpeechStopped(ServerEvent):
    """The turn ended at `audio_end_ms` of all appended sound."""

    type: ClassVar[str] = "input_audio_buffer.speech_stopped"

    audio_end_ms: int
    item_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferTimeoutTriggered(ServerEvent):
    """Nobody spoke for `idle_timeout_ms`; that silence becomes the user message `item_id`."""

    type: ClassVar[str] = "input_audio_buffer.timeout_triggered"

    audio_start_ms: int
    audio_end_ms: int
    item_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferDtmfEventReceived(ServerEvent):
    """A caller pressed the key `event` (SIP only), at `received_at` seconds since 1970. Has no event_id."""

    type: ClassVar[str] = "input_audio_buffer.dtmf_event_received"

    event: str
    received_at: int


@attrs.define(kw_only=True, repr=False, eq=False)
class OutputAudioBufferStarted(ServerEvent):
    """The server begins to play a response (WebRTC and SIP only)."""

    type: ClassVar[str] = "output_audio_buffer.started"

    response_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class OutputAudioBufferStopped(ServerEvent):
    """The server has played a response (WebRTC and SIP only)."""

    type: ClassVar[str] = "output_audio_buffer.stopped"

    response_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class OutputAudioBufferCleared(ServerEvent):
    """The server stopped playing a response (WebRTC and SIP only)."""

    type: ClassVar[str] = "output_audio_buffer.cleared"

    response_id: str
