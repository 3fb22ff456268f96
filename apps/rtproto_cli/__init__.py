"""The command `rtproto`."""
