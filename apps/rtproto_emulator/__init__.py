"""A local voice server: the OpenAI Realtime protocol, offline, for developing and testing voice applications.

::

    with rtproto_emulator.start() as emulator:
        ...  # connect any Realtime client to emulator.url

By itself it hears when someone speaks, says how much it heard, and plays the user's own words back: the same on every
run. With ``Settings(engines=real_engines())`` it understands words, answers by a few rules and speaks, as far as what
is installed can.
"""

try:
    from ._certificate import CertificateError, SelfSigned, self_signed, tls_from_files
    from ._chat_brain import ChatResponder
    from ._checked import ScenarioError
    from ._choice import Choice, EngineMissing, choose, real_engines
    from ._comparison import Comparison
    from ._emulator import Emulator, ReplayServer, replay, serve, serve_replay, start
    from ._engines import (
        Call,
        Context,
        EarlyTranscriber,
        Fail,
        Incomplete,
        Inject,
        McpApproval,
        McpCall,
        Piece,
        Play,
        Responder,
        Say,
        Speaker,
        Speech,
        Tell,
        Transcriber,
        VoiceActivity,
        Wait,
    )
    from ._fault_plan import Faults
    from ._faults import Fault, parse_fault
    from ._faults import grammar as fault_grammar
    from ._policy import Policy
    from ._recorded import Recording
    from ._replay_host import replay_to
    from ._rules_brain import RulesResponder
    from ._scenario import Scenario
    from ._scenario_file import read_scenario
    from ._server import Server
    from ._settings import Engines, Settings
    from ._silero import SileroActivity
    from ._simple import EchoResponder, EchoSpeaker, HumSpeaker, SpeechMeter
    from ._transcribers import PocketsphinxTranscriber, RemoteTranscriber
    from ._translation import Translation
    from ._vad import EnergyActivity
    from ._vllm import Vllm
except ImportError as error:
    missing = error.name or getattr(error.__cause__, "name", None)
    if missing is None:
        raise
    raise ImportError(f"rtproto_emulator needs {missing}: pip install 'rtproto[emulator]'") from error

__all__ = [
    "Call",
    "CertificateError",
    "ChatResponder",
    "Choice",
    "Comparison",
    "Context",
    "EarlyTranscriber",
    "EchoResponder",
    "EchoSpeaker",
    "Emulator",
    "EnergyActivity",
    "EngineMissing",
    "Engines",
    "Fail",
    "Fault",
    "Faults",
    "HumSpeaker",
    "Incomplete",
    "Inject",
    "McpApproval",
    "McpCall",
    "Piece",
    "Play",
    "PocketsphinxTranscriber",
    "Policy",
    "Recording",
    "RemoteTranscriber",
    "ReplayServer",
    "Responder",
    "RulesResponder",
    "Say",
    "Scenario",
    "ScenarioError",
    "SelfSigned",
    "Server",
    "Settings",
    "SileroActivity",
    "Speaker",
    "Speech",
    "SpeechMeter",
    "Tell",
    "Transcriber",
    "Translation",
    "Vllm",
    "VoiceActivity",
    "Wait",
    "choose",
    "fault_grammar",
    "parse_fault",
    "read_scenario",
    "real_engines",
    "replay",
    "replay_to",
    "self_signed",
    "serve",
    "serve_replay",
    "start",
    "tls_from_files",
]
