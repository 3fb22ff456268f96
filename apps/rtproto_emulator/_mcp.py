"""MCP servers, which a scenario plays: their tools are listed when a client names them, and called in a response."""

from __future__ import annotations

from collections.abc import Mapping

from rtproto import events

from ._conversation import Conversation
from ._outbox import Outbox
from ._scenario import McpServer

_MAX_LISTED = 128
"""Servers of one session; more are not listed: nobody has so many."""


class McpLists:
    """Lists the tools of each server once in a session, as soon as the client names it."""

    def __init__(self, out: Outbox, servers: Mapping[str, McpServer]) -> None:
        self._out = out
        self._servers = servers
        self._listed: set[str] = set()

    def named(self, tools: object, conversation: Conversation) -> None:
        """The client has given these tools. A server that no scenario plays does not tell its tools."""
        for tool in tools if isinstance(tools, list) else ():
            if not isinstance(tool, events.McpTool) or tool.server_label in self._listed:
                continue
            if len(self._listed) < _MAX_LISTED:
                self._listed.add(tool.server_label)
                self._list(tool, conversation)

    def _list(self, tool: events.McpTool, conversation: Conversation) -> None:
        server = self._servers.get(tool.server_label)
        item_id = self._out.make_id("mcpl")
        item = events.McpListToolsItem(id=item_id, server_label=tool.server_label, tools=[])
        before = conversation.add(item_id, item)
        self._out.send(events.ConversationItemAdded(previous_item_id=before, item=item))
        self._out.send(events.McpListToolsInProgress(item_id=item_id))
        if server is None or server.fails:
            self._out.send(events.McpListToolsFailed(item_id=item_id))
        else:
            listed = [scripted.listed for scripted in server.tools.values()]
            item = events.McpListToolsItem(id=item_id, server_label=tool.server_label, tools=listed)
            conversation.replace(item_id, item)
            self._out.send(events.McpListToolsCompleted(item_id=item_id))
        after = conversation.previous_when_done(item_id)
        self._out.send(events.ConversationItemDone(previous_item_id=after, item=item))
