"""The items, transcripts and details in events that Azure Voice Live alone has."""

from typing import Any, ClassVar

import attrs

from rtproto import events
from rtproto._unset import UNSET, Opt
from rtproto.events._base import WireObject


@attrs.define(kw_only=True, repr=False, eq=False)
class TranscriptionWord(WireObject):
    """A word and when it was said, in ms."""

    text: str
    offset_milliseconds: int
    duration_milliseconds: int


@attrs.define(kw_only=True, repr=False, eq=False)
class TranscriptionPhrase(WireObject):
    """A phrase and when it was said, in ms."""

    text: str
    offset_milliseconds: int
    duration_milliseconds: int
    words: Opt[list[TranscriptionWord]] = UNSET
    locale: Opt[str] = UNSET
    confidence: Opt[float] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ErrorDetails(events.ErrorDetails):
    """Why a response or a transcription failed; `event_id` is that of the client event at fault."""

    event_id: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class McpListToolsItem(events.McpListToolsItem):
    """The tools of an MCP server."""

    object: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class McpCallItem(events.McpCallItem):
    """The server calls a tool of an MCP server."""

    object: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class McpApprovalRequestItem(events.McpApprovalRequestItem):
    """The server asks whether it may call an MCP tool."""

    object: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class McpApprovalResponseItem(events.McpApprovalResponseItem):
    """The client's answer to a `McpApprovalRequestItem`."""

    object: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class WebSearchCallItem(events.VendorObject):
    """The server searches the web."""

    type: ClassVar[str] = "web_search_call"

    id: Opt[str] = UNSET
    object: Opt[str] = UNSET
    status: Opt[str] = UNSET
    action: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class FileSearchResult(WireObject):
    """A place in a file, and how well it fits."""

    file_id: Opt[str] = UNSET
    filename: Opt[str] = UNSET
    score: Opt[float] = UNSET
    text: Opt[str] = UNSET
    attributes: Opt[dict[str, Any]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class FileSearchCallItem(events.VendorObject):
    """The server searches the files that it was given."""

    type: ClassVar[str] = "file_search_call"

    id: Opt[str] = UNSET
    object: Opt[str] = UNSET
    status: Opt[str] = UNSET
    queries: Opt[list[str]] = UNSET
    results: Opt[list[FileSearchResult]] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class WarningDetails(WireObject):
    """What the server did not like, though it goes on."""

    message: str
    code: Opt[str] = UNSET
    param: Opt[str] = UNSET
