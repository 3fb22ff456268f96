"""The events that Azure Voice Live alone has."""

from typing import Any, ClassVar

import attrs

from rtproto import events
from rtproto._unset import UNSET, Opt
from rtproto.events.voice_live._items import TranscriptionPhrase, WarningDetails

# ---- what a client says ----


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseCreate(events.ResponseCreate):
    """Asks for a response; `additional_instructions` are added to the session's, for this one alone."""

    additional_instructions: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionAvatarConnect(events.ClientEvent):
    """Offers WebRTC for the avatar's picture. Answered by `SessionAvatarConnecting`."""

    type: ClassVar[str] = "session.avatar.connect"

    client_sdp: str


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioTurnStart(events.ClientEvent):
    """Begins a turn that the client bounds itself."""

    type: ClassVar[str] = "input_audio.turn.start"

    turn_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioTurnAppend(events.ClientEvent):
    """Sends sound of a turn, in the session's input format."""

    type: ClassVar[str] = "input_audio.turn.append"

    turn_id: str
    audio: bytes


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioTurnEnd(events.ClientEvent):
    """Ends a turn."""

    type: ClassVar[str] = "input_audio.turn.end"

    turn_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioTurnCancel(events.ClientEvent):
    """Drops a turn."""

    type: ClassVar[str] = "input_audio.turn.cancel"

    turn_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioClear(events.ClientEvent):
    """Drops all sound that was sent in turns."""

    type: ClassVar[str] = "input_audio.clear"


@attrs.define(kw_only=True, repr=False, eq=False)
class InputTextDelta(events.ClientEvent):
    """Sends more of a text, as it comes into being."""

    type: ClassVar[str] = "input_text.delta"

    id: str
    delta: str
    content_index: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InputTextDone(events.ClientEvent):
    """Ends a text."""

    type: ClassVar[str] = "input_text.done"

    id: str
    content_index: Opt[int] = UNSET


# ---- what the server says ----


@attrs.define(kw_only=True, repr=False, eq=False)
class WarningEvent(events.ServerEvent):
    """Something is not as it should be, and the session goes on."""

    type: ClassVar[str] = "warning"

    warning: WarningDetails


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionCompleted(events.ConversationItemInputAudioTranscriptionCompleted):
    """All that the user said; `phrases` with their times where the session includes them."""

    phrases: Opt[list[TranscriptionPhrase]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class OutputAudioBufferCleared(events.ServerEvent):
    """The sound that the server plays was stopped; it does not say which response."""

    type: ClassVar[str] = "output_audio_buffer.cleared"

    response_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionAvatarConnecting(events.ServerEvent):
    """The answer to `SessionAvatarConnect`."""

    type: ClassVar[str] = "session.avatar.connecting"

    server_sdp: str


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionAvatarSwitchToIdle(events.ServerEvent):
    """The avatar falls silent."""

    type: ClassVar[str] = "session.avatar.switch_to_idle"

    turn_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionAvatarSwitchToSpeaking(events.ServerEvent):
    """The avatar begins to speak."""

    type: ClassVar[str] = "session.avatar.switch_to_speaking"

    turn_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseAnimationBlendshapesDelta(events.ContentEvent):
    """Frames of the face, from `frame_index` on: a list of weights each, or base64."""

    type: ClassVar[str] = "response.animation_blendshapes.delta"

    frames: str | list[list[float]]
    frame_index: int


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseAnimationBlendshapesDone(events.ServerEvent):
    """The frames of the face are complete."""

    type: ClassVar[str] = "response.animation_blendshapes.done"

    response_id: str
    item_id: str
    output_index: int


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseAnimationVisemeDelta(events.ContentEvent):
    """The shape of the mouth from `audio_offset_ms` on."""

    type: ClassVar[str] = "response.animation_viseme.delta"

    audio_offset_ms: int
    viseme_id: int


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseAnimationVisemeDone(events.ContentEvent):
    """The shapes of the mouth are complete."""

    type: ClassVar[str] = "response.animation_viseme.done"


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseAudioTimestampDelta(events.ContentEvent):
    """When a word is spoken: `text` from `audio_offset_ms` on, for `audio_duration_ms`. `timestamp_type` is word."""

    type: ClassVar[str] = "response.audio_timestamp.delta"

    audio_offset_ms: int
    audio_duration_ms: int
    text: str
    timestamp_type: str


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseAudioTimestampDone(events.ContentEvent):
    """The times of the words are complete."""

    type: ClassVar[str] = "response.audio_timestamp.done"


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseAudioTranscriptAnnotationAdded(events.ContentEvent):
    """Where something that is spoken comes from."""

    type: ClassVar[str] = "response.audio_transcript.annotation.added"

    annotation_index: int
    annotation: Any


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseVideoDelta(events.ServerEvent):
    """More of the avatar's picture, in `codec`."""

    type: ClassVar[str] = "response.video.delta"

    output_index: int
    codec: str
    delta: bytes


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseInvocationDelta(events.ServerEvent):
    """More of what an agent says that was invoked directly."""

    type: ClassVar[str] = "response.invocation.delta"

    delta: dict[str, Any]


@attrs.define(kw_only=True, repr=False, eq=False)
class SearchCallEvent(events.ServerEvent):
    """How far a search has come."""

    response_id: str
    item_id: str
    output_index: int
    sequence_number: int


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseFileSearchCallInProgress(SearchCallEvent):
    """A search in files begins."""

    type: ClassVar[str] = "response.file_search_call.in_progress"


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseFileSearchCallSearching(SearchCallEvent):
    """A search in files goes on."""

    type: ClassVar[str] = "response.file_search_call.searching"


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseFileSearchCallCompleted(SearchCallEvent):
    """A search in files ended."""

    type: ClassVar[str] = "response.file_search_call.completed"


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseWebSearchCallInProgress(SearchCallEvent):
    """A search of the web begins."""

    type: ClassVar[str] = "response.web_search_call.in_progress"


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseWebSearchCallSearching(SearchCallEvent):
    """A search of the web goes on."""

    type: ClassVar[str] = "response.web_search_call.searching"


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseWebSearchCallCompleted(SearchCallEvent):
    """A search of the web ended."""

    type: ClassVar[str] = "response.web_search_call.completed"
