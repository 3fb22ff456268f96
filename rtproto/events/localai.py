"""What LocalAI alone has, by its source. The rest is in `rtproto.events`.

It leaves out what is empty or zero: an absent text is "", an absent number 0.
"""

# mypy: disable-error-code="assignment"
# pyright: reportIncompatibleVariableOverride=false
# The classes below lack what those they derive from always have: a program that reads these reads LocalAI, too.

from typing import Any, ClassVar

import attrs

from rtproto import events
from rtproto._unset import UNSET, Opt
from rtproto.events._base import WireObject

# ---- objects ----


@attrs.define(kw_only=True, repr=False, eq=False)
class Speaker(WireObject):
    """Who spoke: `confidence` is from 0 to 100, `distance` that of the voices, `matched` whether it is a known one."""

    id: Opt[str] = UNSET
    name: Opt[str] = UNSET
    labels: Opt[dict[str, Any]] = UNSET
    confidence: Opt[float] = UNSET
    distance: Opt[float] = UNSET
    matched: Opt[bool] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class SoundDetectionTag(WireObject):
    """A sound that was recognised: its AudioSet name and number, and how sure that is (0 to 1)."""

    label: Opt[str] = UNSET
    score: Opt[float] = UNSET
    index: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ClassifierScore(WireObject):
    """How likely it is (0 to 1) that the user meant the option `id`."""

    id: Opt[str] = UNSET
    score: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeSession(events.RealtimeSession):
    """A conversation session. With `localai_classifier` it chooses among answers instead of making them."""

    localai_classifier: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseCreateParams(events.ResponseCreateParams):
    """What one response shall be; `localai_classifier` as in a session."""

    localai_classifier: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class RealtimeError(events.RealtimeError):
    """What went wrong."""

    message: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class Logprob(events.Logprob):
    """How sure the recogniser was of a token; `bytes` are its UTF-8 bytes in base64."""

    token: Opt[str] = UNSET
    logprob: Opt[float] = UNSET
    bytes: Opt[list[int] | str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class MessageItem(events.MessageItem):
    """A message, and who spoke it."""

    speaker: Opt[Speaker] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class FunctionCallItem(events.FunctionCallItem):
    """The model calls a function; absent `arguments` are none."""

    name: Opt[str] = UNSET
    arguments: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class FunctionCallOutputItem(events.FunctionCallOutputItem):
    """The client's answer to a function call; absent `output` is empty."""

    call_id: Opt[str] = UNSET
    output: Opt[str] = UNSET


# ---- events ----


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionSegment(events.ConversationItemInputAudioTranscriptionSegment):
    """What one speaker said, from `start` to `end` seconds; absent `start` is 0."""

    id: Opt[str] = UNSET
    speaker: Opt[str] = UNSET
    start: Opt[float] = UNSET
    end: Opt[float] = UNSET
    text: Opt[str] = UNSET
    speaker_name: Opt[str] = UNSET
    logprobs: Opt[list[events.Logprob]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemSpeaker(events.ServerEvent):
    """Who spoke the user message `item_id`."""

    type: ClassVar[str] = "conversation.item.speaker"

    item_id: str
    speaker: Opt[Speaker] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemSoundDetection(events.ServerEvent):
    """Which sounds are in the user message `item_id`, the surest first."""

    type: ClassVar[str] = "conversation.item.sound_detection"

    item_id: str
    content_index: Opt[int] = UNSET
    detections: Opt[list[SoundDetectionTag]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ClassifierResult(events.ServerEvent):
    """Which option the response takes: `chosen_id`, or what `fallback` says where none passed the `threshold`."""

    type: ClassVar[str] = "localai.classifier.result"

    response_id: Opt[str] = UNSET
    scores: Opt[list[ClassifierScore]] = UNSET
    chosen_id: Opt[str] = UNSET
    threshold: Opt[float] = UNSET
    fallback: Opt[str] = UNSET
    latency_ms: Opt[int] = UNSET
    arguments: Opt[str] = UNSET
    fill_latency_ms: Opt[int] = UNSET
