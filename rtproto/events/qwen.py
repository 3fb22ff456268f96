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


@attrs.define(kw_only=True, repr=False, eq=False)
class InputImageBufferAppend(events.ClientEvent):
    """Sends a picture (JPEG), about one a second, after some sound; the next commit takes it along."""

    type: ClassVar[str] = "input_image_buffer.append"

    image: bytes


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
