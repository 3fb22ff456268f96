"""What Qwen-Omni (Alibaba Cloud Model Studio) alone has, by its documentation. The rest is in `rtproto.events`."""

from typing import Any, ClassVar

import attrs

from rtproto import events
from rtproto._unset import UNSET, Opt
from rtproto.events._base import WireObject


@attrs.define(kw_only=True, repr=False, eq=False)
class Translation(WireObject):
    """Into which language a translating model speaks."""

    language: Opt[str] = UNSET
    corpus: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class SemanticVad(events.SemanticVad):
    """Turns end after a silence; a sound without meaning begins none. Durations in ms; `threshold` from -1 to 1."""

    threshold: Opt[float] = UNSET
    prefix_padding_ms: Opt[int] = UNSET
    silence_duration_ms: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeSession(events.RealtimeSession):
    """A conversation session, with Qwen's sampling. Sound is PCM16: 16 kHz to the server, 24 kHz from it."""

    temperature: Opt[float] = UNSET
    top_p: Opt[float] = UNSET
    top_k: Opt[int] = UNSET
    max_tokens: Opt[int] = UNSET
    repetition_penalty: Opt[float] = UNSET
    presence_penalty: Opt[float] = UNSET
    seed: Opt[int] = UNSET
    smooth_output: Opt[bool] = UNSET
    enable_search: Opt[bool] = UNSET
    search_options: Any = UNSET
    translation: Opt[Translation] = UNSET
    video: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class TokensDetails(WireObject):
    """Tokens by kind."""

    text_tokens: Opt[int] = UNSET
    audio_tokens: Opt[int] = UNSET
    image_tokens: Opt[int] = UNSET
    video_tokens: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseUsage(events.ResponseUsage):
    """What a response cost; the details are called `...tokens_details` here."""

    input_tokens_details: Opt[TokensDetails] = UNSET
    output_tokens_details: Opt[TokensDetails] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InputImageBufferAppend(events.ClientEvent):
    """Sends a picture (JPEG), about one a second, after some sound; the next commit takes it along."""

    type: ClassVar[str] = "input_image_buffer.append"

    image: bytes


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionFinish(events.ClientEvent):
    """Nothing more will be sent: the server ends what goes on, and says `SessionFinished`."""

    type: ClassVar[str] = "session.finish"


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionFinished(events.ServerEvent):
    """All that was asked for is said."""

    type: ClassVar[str] = "session.finished"


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionDelta(events.ConversationItemInputAudioTranscriptionDelta):
    """What the user says: `text` is certain, `stash` may change; shown is ``text + stash``. Both replace what came."""

    text: Opt[str] = UNSET
    stash: Opt[str] = UNSET
    language: Opt[str] = UNSET
    emotion: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioTranscriptionText(events.ServerEvent):
    """The same from a translating model."""

    type: ClassVar[str] = "conversation.item.input_audio_transcription.text"

    item_id: str
    content_index: Opt[int] = UNSET
    text: Opt[str] = UNSET
    stash: Opt[str] = UNSET
    language: Opt[str] = UNSET
    emotion: Opt[str] = UNSET
