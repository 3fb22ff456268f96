"""What `rtproto.conversation` is made of."""
