"""What a server does otherwise in another dialect than OpenAI's of today: one value for each dialect."""

from __future__ import annotations

from functools import cache

from ._beta import BETA
from ._habits import WHOLE, Accent, Habits
from ._localai import LOCALAI
from ._qwen import QWEN
from ._unmute import UNMUTE
from ._vllm import VLLM
from ._voice_live import VOICE_LIVE
from ._xai import XAI

__all__ = ["WHOLE", "Accent", "Habits", "habits_of"]

_TRANSLATION = Habits(dialect="ga-translation", model="gpt-realtime-translate")

_OTHERS = {habits.dialect: habits for habits in (BETA, LOCALAI, QWEN, UNMUTE, VLLM, VOICE_LIVE, XAI, _TRANSLATION)}


@cache
def habits_of(name: str) -> Habits:
    """The habits of a server that speaks the dialect called `name`."""
    return _OTHERS.get(name) or Habits(dialect=name)
