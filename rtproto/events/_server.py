"""What a server says of the session, and errors."""

from typing import ClassVar

import attrs

from rtproto.events._base import ServerEvent
from rtproto.events._response import Conversation, RealtimeError
from rtproto.events._session import AnySession


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionCreated(ServerEvent):
    """The session is there: the first event of a WebSocket (but not of a sideband)."""

    type: ClassVar[str] = "session.created"

    session: AnySession


@attrs.define(kw_only=True, repr=False, eq=False)
class SessionUpdated(ServerEvent):
    """The whole effective configuration after a `SessionUpdate`."""

    type: ClassVar[str] = "session.updated"

    session: AnySession


@attrs.define(kw_only=True, repr=False, eq=False)
class ConversationCreated(ServerEvent):
    """The default conversation; declared, but OpenAI does not send it."""

    type: ClassVar[str] = "conversation.created"

    conversation: Conversation


@attrs.define(kw_only=True, repr=False, eq=False)
class ErrorEvent(ServerEvent):
    """Something went wrong; the session nearly always goes on. It belongs to the call that ``error.event_id`` names."""

    type: ClassVar[str] = "error"

    error: RealtimeError
