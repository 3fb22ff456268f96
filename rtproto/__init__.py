"""rtproto: the OpenAI Realtime protocol with no I/O in it.

A pure state machine turns bytes into typed events and events into bytes, for both ends of the wire. The law: mutate,
then drain `outgoing()` and `next_event()`, then wait until `deadline()`; repeat.
"""

import importlib
from typing import TYPE_CHECKING, Any

from rtproto import errors, events
from rtproto._codec import to_dict
from rtproto._config import Close, Config, Limits, Role, Timeouts
from rtproto._connection import Connection
from rtproto._endpoint import Endpoint, endpoint
from rtproto._environ import from_env
from rtproto._providers import azure, azure_preview, openai, openai_translation, qwen, voice_live, xai
from rtproto._session import Session
from rtproto._state import State
from rtproto._unset import UNSET, Opt, UnsetType, value

if TYPE_CHECKING:
    from rtproto import conversation, testing

__all__ = [
    "UNSET",
    "Close",
    "Config",
    "Connection",
    "Endpoint",
    "Limits",
    "Opt",
    "Role",
    "Session",
    "State",
    "Timeouts",
    "UnsetType",
    "azure",
    "azure_preview",
    "conversation",
    "endpoint",
    "errors",
    "events",
    "from_env",
    "openai",
    "openai_translation",
    "qwen",
    "testing",
    "to_dict",
    "value",
    "voice_live",
    "xai",
]


def __getattr__(name: str) -> Any:
    """These are loaded when they are first used: a program that does without does not pay for them."""
    if name in ("conversation", "testing"):
        return importlib.import_module(f"rtproto.{name}")
    raise AttributeError(f"module 'rtproto' has no attribute {name!r}")
