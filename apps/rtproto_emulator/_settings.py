"""How the local server behaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from rtproto import Config, events
from rtproto._codec import Side

from ._auth import checked_keys
from ._engines import Responder, Speaker, Transcriber, VoiceActivity
from ._faults import Fault
from ._ids import seeded_ids
from ._opus import MISSING, opus_installed
from ._scenario import Scenario
from ._simple import EchoResponder, EchoSpeaker, SpeechMeter
from ._vad import EnergyActivity

PACE = 8.0
"""How many times faster than real time it speaks where nobody says."""

_POSITIVE: Callable[[Any, Any, Any], Any] = attrs.validators.gt(0)

SERVED = ("ga", "beta", "azure-voicelive", "xai", "qwen", "localai", "unmute", "vllm")
"""The dialects that it speaks; which kind of session it is at OpenAI a client says by its URL."""


def _served(_settings: Any, _field: Any, dialect: str) -> None:
    if dialect not in SERVED:
        raise ValueError(f"no server speaks {dialect!r} here; choose one of {', '.join(SERVED)}")
    if dialect == "unmute" and not opus_installed():
        raise ValueError(MISSING)


Observe = Callable[[Side, events.ClientEvent | events.ServerEvent | events.LocalEvent], object]


@attrs.frozen(kw_only=True)
class Engines:
    """Ears, brain and voice; `activity` makes a detector for a sample rate in Hz."""

    activity: Callable[[int], VoiceActivity] = EnergyActivity
    transcriber: Transcriber = attrs.field(factory=SpeechMeter)
    responder: Responder = attrs.field(factory=EchoResponder)
    speaker: Speaker = attrs.field(factory=EchoSpeaker)

    def close(self) -> None:
        """Ends what runs for them, such as a recogniser's process. They may be used again."""
        for engine in (self.transcriber, self.responder, self.speaker):
            close = getattr(engine, "close", None)
            if close is not None:
                close()


@attrs.frozen(kw_only=True)
class Settings:
    """A value: one Settings may serve any number of sessions. Every limit has its reason beside it.

    Raises ValueError for a number that is not greater than 0, for a dialect that it does not speak, and for a key that
    cannot be sent in HTTP.
    """

    pace: float | None = attrs.field(default=None, validator=attrs.validators.optional(_POSITIVE))
    """How many times faster than real time audio is sent; `math.inf`: all at once. None: 8 times, as real servers are
    several times faster than real time, and a client must be able to interrupt in the middle; Unmute in real time."""

    delta_ms: int = attrs.field(default=100, validator=_POSITIVE)
    """Audio in one delta."""

    duration: float = attrs.field(default=3600.0, validator=_POSITIVE)
    """Seconds until a session expires: an hour, as at OpenAI."""

    obfuscation: bool = False
    """Whether text deltas carry the padding that real servers add."""

    engines: Engines = attrs.field(factory=Engines)

    make_id: Callable[[str], str] = attrs.field(factory=lambda: Config().make_id, repr=False)
    """Makes ids from a prefix such as "event"; with a deterministic one a run repeats exactly."""

    dialect: str = attrs.field(default="ga", validator=_served)
    """How clients speak that tell it neither by the path they ask for nor by a header nor by their model's name: one
    of `SERVED`."""

    beta: bool = True
    """Whether the beta protocol is spoken; where not, who asks for it is sent away, as OpenAI does since May 2026."""

    compression: bool = True
    """Whether clients that offer permessage-deflate get it: it saves 60 % of the bytes of speech, and costs a fraction
    of a millisecond for each delta of it."""

    api_keys: tuple[str, ...] = attrs.field(default=(), converter=checked_keys, repr=False)
    """Of which a client must have one; with none of them any client is let in."""

    max_sessions: int = attrs.field(default=256, validator=_POSITIVE)
    """Open at once; beyond, HTTP 503. One process on one core cannot listen to more."""

    max_input_ms: int = attrs.field(default=600_000, validator=_POSITIVE)
    """Audio in the input buffer: ten minutes of one turn are 29 MB."""

    max_items: int = attrs.field(default=4096, validator=_POSITIVE)
    """Items of a conversation, of which the oldest is forgotten: an hour with more than one item a second."""

    max_text: int = attrs.field(default=64 * 1024 * 1024, validator=_POSITIVE)
    """Characters in all items, pictures included, of which the oldest are forgotten: dozens of photographs."""

    max_audio: int = attrs.field(default=64 * 1024 * 1024, validator=_POSITIVE)
    """Bytes of audio kept with items, of which the oldest are forgotten: 23 minutes of PCM16 at 24 kHz."""

    max_responses: int = attrs.field(default=16, validator=_POSITIVE)
    """Responses of one session at once, out-of-band ones included: enough to ask many questions of one turn."""

    scenario: Scenario | None = None
    """What is heard and answered, before the engines are asked."""

    seed: int | None = None
    """With one, the ids and faults of each session are the same on every run; None: the scenario's, if it has one."""

    faults: Sequence[Fault | str] = ()
    """What goes wrong on demand, such as "close:1011@response.done"; `parse_fault()` tells what is possible."""

    control: bool = False
    """Whether HTTP under ``/_rtproto/`` may add faults: for clients on this machine, and those that have one of
    `api_keys`. Off, because it is a way to break a server."""

    farewell: float = attrs.field(default=5.0, validator=_POSITIVE)
    """Seconds that clients have to answer the Close when the server stops; then it hangs up. The drivers wait no longer
    than the default."""

    observe: Observe | None = attrs.field(default=None, repr=False)
    """Is told, in the server's thread, what the client of each session says as it comes ("client"), a `Violation` and
    at last `Closed` among it, and what the server says as it goes ("server"). It must neither raise nor wait."""

    def for_session(self, number: int) -> Settings:
        """What the `number`-th session of a server goes by."""
        seed = self.run_seed
        return self if seed is None else attrs.evolve(self, make_id=seeded_ids(seed, number))

    @property
    def run_seed(self) -> int | None:
        """The seed that counts."""
        return self.seed if self.seed is not None or self.scenario is None else self.scenario.seed
