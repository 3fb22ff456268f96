"""Conversation items and their content."""

from typing import Any, ClassVar, TypeAlias

import attrs

from rtproto._unset import UNSET, Opt
from rtproto.events._base import UnknownObject, VendorObject, WireObject


@attrs.define(kw_only=True, repr=False, eq=False)
class InputText(WireObject):
    """Text of a user or system message."""

    type: ClassVar[str] = "input_text"

    text: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InputAudio(WireObject):
    """Speech of a user message: `audio` in the session's input format, `transcript` once it is recognised."""

    type: ClassVar[str] = "input_audio"

    audio: Opt[bytes] = UNSET
    transcript: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class InputImage(WireObject):
    """A picture of a user message: `image_url` is a data URI of a PNG or JPEG, `detail` auto, low or high."""

    type: ClassVar[str] = "input_image"

    image_url: Opt[str] = UNSET
    detail: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class OutputText(WireObject):
    """Text of an assistant message."""

    type: ClassVar[str] = "output_text"

    text: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class OutputAudio(WireObject):
    """Speech of an assistant message. The audio itself comes in deltas; only ``retrieve`` brings it here."""

    type: ClassVar[str] = "output_audio"

    audio: Opt[bytes] = UNSET
    transcript: Opt[str] = UNSET


Content: TypeAlias = InputText | InputAudio | InputImage | OutputText | OutputAudio | VendorObject | UnknownObject


@attrs.define(kw_only=True, repr=False, eq=False)
class TextPart(WireObject):
    """The part of ``response.content_part.added/done`` that stands for an `OutputText`."""

    type: ClassVar[str] = "text"

    text: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class AudioPart(WireObject):
    """The part of ``response.content_part.added/done`` that stands for an `OutputAudio`."""

    type: ClassVar[str] = "audio"

    audio: Opt[bytes] = UNSET
    transcript: Opt[str] = UNSET


Part: TypeAlias = TextPart | AudioPart | UnknownObject


@attrs.define(kw_only=True, repr=False, eq=False)
class MessageItem(WireObject):
    """A message: `role` is user, assistant or system; `status` completed, incomplete or in_progress."""

    type: ClassVar[str] = "message"

    id: Opt[str] = UNSET
    object: Opt[str] = UNSET
    role: str
    status: Opt[str] = UNSET
    content: Opt[list[Content]] = UNSET
    phase: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class FunctionCallItem(WireObject):
    """The model calls a function. `arguments` is JSON as the model wrote it: it may be cut off or invalid."""

    type: ClassVar[str] = "function_call"

    id: Opt[str] = UNSET
    object: Opt[str] = UNSET
    status: Opt[str] = UNSET
    name: str
    call_id: Opt[str] = UNSET
    arguments: str
    phase: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class FunctionCallOutputItem(WireObject):
    """The client's answer to the function call `call_id`."""

    type: ClassVar[str] = "function_call_output"

    id: Opt[str] = UNSET
    object: Opt[str] = UNSET
    status: Opt[str] = UNSET
    call_id: str
    output: str


@attrs.define(kw_only=True, repr=False, eq=False)
class McpListedTool(WireObject):
    """A tool that an MCP server offers; `input_schema` is its JSON schema."""

    name: str
    description: Opt[str] = UNSET
    input_schema: Any
    annotations: Any = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class McpListToolsItem(WireObject):
    """The tools of an MCP server."""

    type: ClassVar[str] = "mcp_list_tools"

    id: Opt[str] = UNSET
    server_label: str
    tools: list[McpListedTool]


@attrs.define(kw_only=True, repr=False, eq=False)
class McpProtocolError(WireObject):
    """The MCP server answered with a protocol error."""

    type: ClassVar[str] = "protocol_error"

    code: int
    message: str


@attrs.define(kw_only=True, repr=False, eq=False)
class McpToolExecutionError(WireObject):
    """The MCP tool failed."""

    type: ClassVar[str] = "tool_execution_error"

    message: str


@attrs.define(kw_only=True, repr=False, eq=False)
class McpHttpError(WireObject):
    """The MCP server answered with an HTTP error."""

    type: ClassVar[str] = "http_error"

    code: int
    message: str


McpError: TypeAlias = McpProtocolError | McpToolExecutionError | McpHttpError | UnknownObject


@attrs.define(kw_only=True, repr=False, eq=False)
class McpCallItem(WireObject):
    """The server calls a tool of an MCP server; `output` or `error` stands in the finished item."""

    type: ClassVar[str] = "mcp_call"

    id: Opt[str] = UNSET
    server_label: str
    name: str
    arguments: str
    approval_request_id: Opt[str] = UNSET
    output: Opt[str] = UNSET
    error: Opt[str | McpError] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class McpApprovalRequestItem(WireObject):
    """The server asks whether it may call an MCP tool."""

    type: ClassVar[str] = "mcp_approval_request"

    id: Opt[str] = UNSET
    server_label: str
    name: str
    arguments: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class McpApprovalResponseItem(WireObject):
    """The client's answer to an `McpApprovalRequestItem`."""

    type: ClassVar[str] = "mcp_approval_response"

    id: Opt[str] = UNSET
    approval_request_id: str
    approve: bool
    reason: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ItemReference(WireObject):
    """Names an item of the conversation in the `input` of a response."""

    type: ClassVar[str] = "item_reference"

    id: str


Item: TypeAlias = (
    MessageItem
    | FunctionCallItem
    | FunctionCallOutputItem
    | McpListToolsItem
    | McpCallItem
    | McpApprovalRequestItem
    | McpApprovalResponseItem
    | ItemReference
    | VendorObject
    | UnknownObject
)
"""Any item; an `ItemReference` stands only in the `input` of a response."""
