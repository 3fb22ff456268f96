"""What a client asks for when it connects, read from its request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from rtproto import events
from rtproto._dialects import recognised

from ._auth import Access, presented, selected
from ._denied import Denied as Denied
from ._localai_policy import LocalaiPolicy
from ._machine import Machine
from ._opus import MISSING, opus_installed
from ._policy import Policy
from ._qwen_policy import QwenPolicy
from ._settings import Settings
from ._translation import Translation
from ._unmute import Unmute
from ._vllm import Vllm
from ._xai_policy import XaiPolicy

PATHS = (
    "/v1/realtime",
    "/v1/realtime/translations",
    "/openai/v1/realtime",
    "/openai/v1/realtime/translations",
    "/openai/realtime",
    "/voice-live/realtime",
    "/api-ws/v1/realtime",
    "/api/v1/realtime",
)
"""Where sessions are: OpenAI's paths, Azure's, Azure's preview, Azure Voice Live's, Qwen's, and unmute.sh's."""

_UNMUTE = "/api/v1/realtime"
"""Tells the dialect only here: other servers may have it, too."""

_OPENAI = frozenset({"ga", "ga-transcription"})
"""What a request calls for that tells nothing of its dialect."""

NO_CALL = "No session found for the provided call_id"
"""What OpenAI says where a sideband looks for a call that there is not: without WebRTC and SIP there is none here."""


@attrs.frozen(kw_only=True)
class Visit:
    """A session that is wanted. `subprotocol` is the one to select, as `selected()` says."""

    dialect: str
    subprotocol: str | None
    model: str | None
    transcription: bool
    session: events.AnySession | None = None
    """What it begins as, where the client's secret says so."""

    def policy(self, settings: Settings) -> Machine:
        """What answers it."""
        return _MACHINES.get(self.dialect, _conversation)(self, settings)


def _conversation(wanted: Visit, settings: Settings) -> Machine:
    return _POLICIES.get(wanted.dialect, Policy)(
        settings,
        model=wanted.model,
        transcription=wanted.transcription,
        dialect=wanted.dialect,
        session=wanted.session,
    )


def _translation(wanted: Visit, settings: Settings) -> Machine:
    return Translation(settings, model=wanted.model, session=wanted.session)


def _vllm(wanted: Visit, settings: Settings) -> Machine:
    return Vllm(settings)


def _unmute(wanted: Visit, settings: Settings) -> Machine:
    return Unmute(settings)


_POLICIES: dict[str, type[Policy]] = {"localai": LocalaiPolicy, "qwen": QwenPolicy, "xai": XaiPolicy}
"""Dialect -> what holds a conversation in it, where OpenAI's does not."""

_MACHINES: dict[str, Callable[[Visit, Settings], Machine]] = {
    "ga-translation": _translation,
    "unmute": _unmute,
    "vllm": _vllm,
}
"""Dialect -> what answers in it, where that is no `Policy`."""


def visit(
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    subprotocols: Sequence[str],
    access: Access,
    now: float,
    unsaid: str = "ga",
) -> Visit | Denied:
    """What a request asks for, if it may. Names of `headers` are lower-case; `now` is in seconds since 1970.

    `unsaid` is the dialect of who tells none by path, host, header or model.
    """
    if path not in PATHS:
        return Denied(404, f"There is nothing at {path}: the Realtime API is at {', '.join(PATHS)}.")
    admitted = access.admit(presented(query, headers, subprotocols), now)
    if isinstance(admitted, Denied):
        return admitted
    if "call_id" in query:
        return Denied(404, NO_CALL, "call_id_not_found")
    host = headers.get("host", "").partition(":")[0]
    found = recognised(path, tuple(query.items()), tuple(headers.items()), subprotocols, host)
    dialect = "unmute" if path == _UNMUTE else found
    if dialect in _OPENAI and unsaid != "ga":
        dialect = unsaid
    if admitted is not None and "ga-translation" in {dialect, admitted.dialect} and dialect != admitted.dialect:
        line = "Only a client secret from .../realtime/translations/client_secrets opens a translation, and no other."
        return Denied(400, line, "invalid_session_type")
    if dialect == "unmute" and not opus_installed():
        return Denied(501, f"{MISSING}.")
    return Visit(
        dialect="beta" if admitted and admitted.dialect == "beta" else dialect,
        subprotocol=selected(subprotocols),
        model=query.get("model") or query.get("deployment") or query.get("agent-name"),
        transcription=query.get("intent") == "transcription",
        session=admitted.session if admitted else None,
    )
