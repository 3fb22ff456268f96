"""What vLLM's realtime endpoint alone has, by its source. The rest is in `rtproto.events`.

Its transcripts name no item: `item_id` is `UNSET` in what it says.
"""

# mypy: disable-error-code="assignment"
# pyright: reportIncompatibleVariableOverride=false
# The classes below lack what those they derive from always have: a program that reads these reads vLLM, too.

from typing import Any

import attrs

from rtproto import events
from rtproto._unset import UNSET, Opt
from rtproto.events._base import WireObject


@attrs.define(kw_only=True, repr=False, eq=False)
class TranscriptionSession(events.TranscriptionSession):
    """A session; `created` is in seconds since 1970. Of its settings only the transcription's can be changed."""

    created: Opt[int] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class Usage(WireObject):
    """What a transcription cost, in the words of vLLM."""

    total_tokens: Opt[int] = UNSET
    prompt_tokens: Opt[int] = UNSET
    completion_tokens: Opt[int] = UNSET
    prompt_tokens_details: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudioBufferCommit(events.InputAudioBufferCommit):
    """Begins the transcription; with ``final=True`` the sound ends, and so does the transcription. Not answered."""

    final: Opt[bool] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionDelta(events.ConversationItemInputAudioTranscriptionDelta):
    """More of what was heard."""

    item_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationItemInputAudioTranscriptionCompleted(events.ConversationItemInputAudioTranscriptionCompleted):
    """All that was heard."""

    item_id: Opt[str] = UNSET
    usage: Opt[events.UsageTokens | events.UsageDuration | Usage] = UNSET
