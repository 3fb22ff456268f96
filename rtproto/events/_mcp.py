"""What a server says of MCP servers (remote tools)."""

from typing import ClassVar

import attrs

from rtproto._unset import UNSET, Opt
from rtproto.events._base import ServerEvent


@attrs.define(kw_only=True, repr=False, eq=False)
class McpListToolsInProgress(ServerEvent):
    """The server asks an MCP server for its tools."""

    type: ClassVar[str] = "mcp_list_tools.in_progress"

    item_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class McpListToolsCompleted(ServerEvent):
    """The tools are known; wait for this before a turn that needs them."""

    type: ClassVar[str] = "mcp_list_tools.completed"

    item_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class McpListToolsFailed(ServerEvent):
    """The MCP server did not tell its tools."""

    type: ClassVar[str] = "mcp_list_tools.failed"

    item_id: str


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseMcpCallArgumentsDelta(ServerEvent):
    """More of an MCP call's arguments (JSON text)."""

    type: ClassVar[str] = "response.mcp_call_arguments.delta"

    response_id: str
    item_id: str
    output_index: int
    delta: str
    obfuscation: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseMcpCallArgumentsDone(ServerEvent):
    """An MCP call's arguments are complete."""

    type: ClassVar[str] = "response.mcp_call_arguments.done"

    response_id: str
    item_id: str
    output_index: int
    arguments: Opt[str] = UNSET


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseMcpCallInProgress(ServerEvent):
    """The MCP server is called."""

    type: ClassVar[str] = "response.mcp_call.in_progress"

    item_id: str
    output_index: int


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseMcpCallCompleted(ServerEvent):
    """The MCP server answered."""

    type: ClassVar[str] = "response.mcp_call.completed"

    item_id: str
    output_index: int


@attrs.define(kw_only=True, repr=False, eq=False)
class ResponseMcpCallFailed(ServerEvent):
    """The MCP call failed."""

    type: ClassVar[str] = "response.mcp_call.failed"

    item_id: str
    output_index: int
