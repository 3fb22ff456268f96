"""A local voice server: the OpenAI Realtime protocol, offline, for developing and testing voice applications.

::

    with rtproto_emulator.start() as emulator:
        ...  # connect any Realtime client to emulator.url

It hears when someone speaks, says how much it heard, and plays the user's own words back; it understands nothing.
"""

try:
    from ._emulator import Emulator, serve, start
    from ._engines import Call, Context, Responder, Say, Speaker, Speech, Transcriber, VoiceActivity
    from ._policy import Policy
    from ._settings import Engines, Settings
    from ._simple import EchoResponder, EchoSpeaker, SpeechMeter
    from ._vad import EnergyActivity
except ImportError as error:
    missing = error.name or getattr(error.__cause__, "name", None)
    if missing is None:
        raise
    raise ImportError(f"rtproto_emulator needs {missing}: pip install 'rtproto[emulator]'") from error

__all__ = [
    "Call",
    "Context",
    "EchoResponder",
    "EchoSpeaker",
    "Emulator",
    "EnergyActivity",
    "Engines",
    "Policy",
    "Responder",
    "Say",
    "Settings",
    "Speaker",
    "Speech",
    "SpeechMeter",
    "Transcriber",
    "VoiceActivity",
    "serve",
    "start",
]
