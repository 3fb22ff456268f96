"""A voice: espeak-ng, whose library `espeakng-loader` brings. It is under GPL-3, so only who chooses it loads it."""

from __future__ import annotations

import _ctypes
import ctypes
import importlib
import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from rtproto_audio import Resampler

from ._engines import Context
from ._pieces import Pieces
from ._sound import ENGINE_RATE

VOICES = {
    "alloy": "en-us",
    "ash": "en-us+m7",
    "ballad": "en-us+m2",
    "cedar": "en-us+m4",
    "coral": "en-us+f2",
    "echo": "en-us+m3",
    "marin": "en-us+f5",
    "sage": "en-us+linda",
    "shimmer": "en-us+Annie",
    "verse": "en-us+max",
}
"""OpenAI's voice -> a variant of espeak's American English; they differ in pitch and timbre."""
QWENS_VOICES = {
    "aiden": "en-us+m4",
    "cherry": "en-us+f2",
    "chelsie": "en-us+f5",
    "dylan": "en-us+m2",
    "ethan": "en-us+m3",
    "jennifer": "en-us+Annie",
    "ryan": "en-us+m7",
    "serena": "en-us+linda",
    "tina": "en-us+f4",
}
"""The same for some of Qwen's, who has dozens."""
XAIS_VOICES = {"ara": "en-us+f2", "eve": "en-us+f5", "leo": "en-us+m4", "rex": "en-us+m7", "sal": "en-us+m3"}
"""The same for xAI's."""
_VARIANTS = VOICES | QWENS_VOICES | XAIS_VOICES
_DEFAULT_VOICE = VOICES["alloy"]

_WORDS_PER_MINUTE = 175
"""At speed 1.0."""
_SLOWEST = 80
"""Words per minute: espeak speaks no slower, so below a speed of 0.46 it pauses between words."""
_GAPS = 17
"""So many units of pause make speech at that rate last twice as long (measured: 32 ms a unit, 540 ms a word)."""

_SENTENCE = re.compile(r"\S.{0,299}?(?:[.!?]+(?=\s|$)|[\n\u3002\uff01\uff1f])|\S.{0,299}(?=\s|$)|\S.{0,299}", re.DOTALL)
"""At most 300 characters, cut between words where that can be: half a minute of sound, so that no text, however long,
fills the memory with sound that nobody may hear."""
_AHEAD = 2
"""Sentences in work at once: the next one is there when this one has been taken."""

_CHUNK_MS = 60
# The rest is from espeak-ng's speak_lib.h.
_SYNCHRONOUS, _DONT_EXIT = 2, 0x8000
_RATE_PARAMETER, _GAP_PARAMETER = 1, 7
_UTF8, _END_PAUSE = 1, 0x1000
_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)

# espeak-ng is not thread-safe: one thread does all that is asked, in order.
_thread = ThreadPoolExecutor(1, "espeak")


class EspeakSpeaker:
    """Speaks English with espeak-ng, in one of ten voices, or as xAI's and some of Qwen's; a voice that it does not
    know sounds like "alloy".

    The same words give the same bytes.

    Raises ImportError where `espeakng-loader` is missing, OSError where its library cannot be loaded here.
    """

    def __init__(self) -> None:
        self._rate = _thread.submit(_rate).result()

    def speak(self, text: str, context: Context) -> Iterator[bytes | None]:
        """Pieces of about 60 ms; the first is there a few milliseconds after it was asked for."""
        voice = _VARIANTS.get(context.voice.lower(), _DEFAULT_VOICE)
        words_per_minute = round(_WORDS_PER_MINUTE * context.speed)
        sentences = (_Sentence(found.group(), voice, words_per_minute) for found in _SENTENCE.finditer(text))
        resampler = Resampler(self._rate, ENGINE_RATE)
        begun: deque[_Sentence] = deque()
        try:
            while True:
                begun.extend(islice(sentences, _AHEAD - len(begun)))
                if not begun:
                    break
                for chunk in begun[0].sound:
                    yield None if chunk is None else resampler.feed(chunk)
                begun.popleft()
            yield resampler.flush()
        finally:
            for sentence in begun:
                sentence.cancelled = True


class _Sentence:
    """One call of the library, in its own thread; stops within a chunk once it is `cancelled`."""

    def __init__(self, text: str, voice: str, words_per_minute: int) -> None:
        self.cancelled = False
        self._text = text.replace("\0", " ")
        self._voice = voice
        self._words_per_minute = words_per_minute
        self.sound: Pieces[bytes] = Pieces()
        """At the library's rate."""
        _thread.submit(self._synthesise)

    def _synthesise(self) -> None:
        try:
            if not self.cancelled:
                library = _Library()
                try:
                    library.say(self._text, self._voice, self._words_per_minute, self._take)
                finally:
                    library.close()
        except Exception as error:
            self.sound.fail(error)
        else:
            self.sound.end()

    def _take(self, chunk: bytes) -> bool:
        self.sound.put(chunk)
        return not self.cancelled


class _Library:
    """espeak-ng, loaded and set up afresh.

    It remembers what it has spoken, and sounds otherwise by it, in ways that none of its functions undoes. Loaded anew,
    which takes a third of a millisecond, it gives the same bytes for the same words.
    """

    def __init__(self) -> None:
        loader: Any = importlib.import_module("espeakng_loader")
        library = self._library = ctypes.CDLL(loader.get_library_path())
        library.espeak_Initialize.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_int]
        library.espeak_SetVoiceByName.argtypes = [ctypes.c_char_p]
        library.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        data = loader.get_data_path().encode()
        self.rate: int = library.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MS, data, _DONT_EXIT)
        """Hz of its sound."""
        if self.rate <= 0:
            raise OSError("espeak-ng could not be set up: its data cannot be read")

    def say(self, text: str, voice: str, words_per_minute: int, take: Callable[[bytes], bool]) -> None:
        """Gives the sound to `take`, chunk by chunk, until that is False."""

        def called(samples: int | None, count: int, _events: int | None) -> int:
            if not samples or count <= 0:
                return 0
            return 0 if take(ctypes.string_at(samples, 2 * count)) else 1

        # The library keeps its address, so it must live as long.
        callback = _Callback(called)
        self._library.espeak_SetSynthCallback(callback)
        self._library.espeak_SetVoiceByName(voice.encode())
        self._library.espeak_SetParameter(_RATE_PARAMETER, max(words_per_minute, _SLOWEST), 0)
        gap = round(_GAPS * (_SLOWEST / words_per_minute - 1)) if words_per_minute < _SLOWEST else 0
        self._library.espeak_SetParameter(_GAP_PARAMETER, gap, 0)
        data = text.encode() + b"\0"
        # The pause at the end keeps sentences apart, which it would otherwise only do within one call.
        self._library.espeak_Synth(data, len(data), 0, 1, 0, _UTF8 | _END_PAUSE, None, None)

    def close(self) -> None:
        """Forgets everything."""
        self._library.espeak_Terminate()
        unload: Any = getattr(_ctypes, "dlclose" if os.name == "posix" else "FreeLibrary")
        unload(self._library._handle)


def _rate() -> int:
    library = _Library()
    library.close()
    return library.rate
