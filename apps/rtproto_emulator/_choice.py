"""Which engines to take: the ones asked for, or the best of those that are installed."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from importlib.util import find_spec

import attrs

from ._chat_brain import ChatResponder
from ._engines import Responder, Speaker, Transcriber, VoiceActivity
from ._rules_brain import RulesResponder
from ._settings import Engines
from ._silero import SileroActivity, nets
from ._simple import EchoResponder, EchoSpeaker, HumSpeaker, SpeechMeter
from ._transcribers import PocketsphinxTranscriber, RemoteTranscriber
from ._vad import EnergyActivity

EARS = ("auto", "silero", "energy")
RECOGNISERS = ("auto", "pocketsphinx", "none")
"""Or the URL of one, up to the part before ``/audio/transcriptions``."""
BRAINS = ("auto", "rules", "echo", "chat")
VOICES = ("auto", "espeak", "tone")

KEY_VARIABLE = "RTPROTO_RECOGNISER_KEY"
"""Where the key of a recogniser elsewhere is looked for: one of its own, so that no other key goes to a wrong host."""
CHAT_KEY_VARIABLE = "RTPROTO_CHAT_KEY"
"""The same for a chat server."""

Activity = Callable[[int], VoiceActivity]


class EngineMissing(ImportError):
    """An engine that was asked for is not installed; `str()` is a line that names its extra."""


@attrs.frozen
class Choice:
    """Engines, and what they are called. `str()` tells all of it in one line, and how to get what is missing."""

    engines: Engines
    ears: str
    recogniser: str
    brain: str
    voice: str
    missing: tuple[str, ...] = ()
    """Extras that would bring better ones."""

    def __str__(self) -> str:
        line = f"ears {self.ears}, recogniser {self.recogniser}, brain {self.brain}, voice {self.voice}"
        extras = " ".join(f"'rtproto[{extra}]'" for extra in self.missing)
        return f"{line} (for more: pip install {extras})" if extras else line


def choose(
    ears: str = "auto",
    recogniser: str = "auto",
    voice: str = "auto",
    brain: str = "auto",
    *,
    model: str = "whisper-1",
    processes: int = 1,
    chat_url: str | None = None,
    chat_model: str = "gpt-4o-mini",
) -> Choice:
    """Takes the engines named, or with "auto" the best of those installed; what is missing then is done more simply.

    `ears` is "silero" or "energy"; `recogniser` "pocketsphinx", which runs in so many `processes`, "none", or the URL
    of one, which is asked for `model` with the key in the environment's RTPROTO_RECOGNISER_KEY, if any; `voice`
    "espeak" or "tone"; `brain` "rules", "echo", or "chat", which asks the server at `chat_url` for `chat_model` with
    the key in RTPROTO_CHAT_KEY, if any. With "auto" the brain is "chat" where a URL is given, "rules" where words are
    understood, else "echo".

    Raises EngineMissing, which names the extra, and ValueError for a name that there is not.
    """
    missing: dict[str, None] = {}
    ears, activity = _ears(ears, missing)
    recogniser, transcriber = _recogniser(recogniser, activity, model, processes, missing)
    wordless = isinstance(transcriber, SpeechMeter)
    brain, responder = _brain(brain, wordless, chat_url, chat_model)
    voice, speaker = _voice(voice, wordless, missing)
    engines = Engines(activity=activity, transcriber=transcriber, responder=responder, speaker=speaker)
    return Choice(engines, ears, recogniser, brain, voice, tuple(missing))


def real_engines(ears: str = "auto", recogniser: str = "auto", voice: str = "auto", brain: str = "auto") -> Engines:
    """The engines that `choose` takes: `Settings(engines=real_engines())` hears, understands and speaks."""
    return choose(ears, recogniser, voice, brain).engines


def _ears(name: str, missing: dict[str, None]) -> tuple[str, Activity]:
    _check("ears", name, EARS)
    if name == "energy":
        return name, EnergyActivity
    try:
        # Also a rehearsal: the first net takes longest.
        nets.give_back(nets.take())
    except (ImportError, OSError) as error:
        if name != "auto":
            raise EngineMissing(_line("silero", error, "speech")) from error
        missing["speech"] = None
        return "energy", EnergyActivity
    return "silero", SileroActivity


def _recogniser(
    name: str, activity: Activity, model: str, processes: int, missing: dict[str, None]
) -> tuple[str, Transcriber]:
    if "://" in name:
        transcriber = RemoteTranscriber(name, activity, model=model, key=os.environ.get(KEY_VARIABLE) or None)
        return transcriber.host, transcriber
    _check("recogniser", name, (*RECOGNISERS, "a URL"))
    if name == "none":
        return name, SpeechMeter()
    if find_spec("pocketsphinx") is not None:
        return "pocketsphinx", PocketsphinxTranscriber(activity, processes=processes)
    if name != "auto":
        raise EngineMissing(_line("pocketsphinx", None, "speech"))
    missing["speech"] = None
    return "none", SpeechMeter()


def _brain(name: str, wordless: bool, url: str | None, model: str) -> tuple[str, Responder]:
    _check("brain", name, BRAINS)
    if name == "auto":
        # Where no words are known there is nothing to apply a rule to.
        name = "chat" if url else "echo" if wordless else "rules"
    if name == "chat":
        if not url:
            raise ValueError("the brain 'chat' asks a server: say which, such as --chat-url http://127.0.0.1:8000/v1")
        responder = ChatResponder(url, model, key=os.environ.get(CHAT_KEY_VARIABLE) or None)
        return f"{model} at {responder.host}", responder
    if url:
        raise ValueError(f"a chat server answers only with the brain 'chat', not {name!r}: leave one of the two out")
    return (name, EchoResponder()) if name == "echo" else (name, RulesResponder())


def _voice(name: str, wordless: bool, missing: dict[str, None]) -> tuple[str, Speaker]:
    _check("voice", name, VOICES)
    # Where no words are known, the user's own sound is the best answer to it.
    tone: Speaker = EchoSpeaker() if wordless else HumSpeaker()
    if name == "tone":
        return name, tone
    try:
        # Only here, because its library is under GPL-3.
        speaker: Speaker = importlib.import_module("._espeak", __package__).EspeakSpeaker()
    except (ImportError, OSError) as error:
        if name != "auto":
            raise EngineMissing(_line("espeak", error, "espeak")) from error
        missing["espeak"] = None
        return "tone", tone
    return "espeak", speaker


def _check(what: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise ValueError(f"there is no {what} {name!r}; choose one of {', '.join(names)}")


def _line(engine: str, error: Exception | None, extra: str) -> str:
    why = f"cannot be used here ({error})" if isinstance(error, OSError) else "is not installed"
    return f"{engine} {why}: pip install 'rtproto[{extra}]'"
