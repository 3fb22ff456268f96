"""The core alone in a bare `selectors` loop: asks something in text and prints the answer as it comes.

    python examples/embed_selectors.py "What is the weather in Paris?" [--url ws://127.0.0.1:8080/v1/realtime]

Without --url it talks to the server that the environment or .env configures (see development.env), else to the
embedded one. The socket never blocks: what it does not take at once waits in `unsent`. The loop obeys the law: mutate,
then drain `next_event()` and `outgoing()`, then wait until `deadline()`; repeat.
"""

import argparse
import os
import selectors
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import rtproto
from rtproto import Connection, Endpoint, events

NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
clock = time.monotonic


def connected(endpoint: Endpoint) -> socket.socket:
    """A non-blocking socket, TCP or TLS; connecting itself blocks here."""
    sock = socket.create_connection((endpoint.host, endpoint.port), timeout=30)
    if endpoint.secure:
        sock = ssl.create_default_context().wrap_socket(sock, server_hostname=endpoint.host)
    sock.setblocking(False)
    return sock


def text_turn(endpoint: Endpoint, words: str) -> Iterator[str]:
    """The pieces of the server's answer to `words`. Raises OSError and rtproto.errors.RtprotoError."""
    conn = Connection.client(endpoint, now=clock())
    item = events.MessageItem(role="user", content=[events.InputText(text=words)])
    conn.send(events.ConversationItemCreate(item=item), clock())
    conn.send(events.ResponseCreate(response=events.ResponseCreateParams(output_modalities=["text"])), clock())
    unsent = bytearray()
    with connected(endpoint) as sock, selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        while True:
            # Events first: what they make us say goes out before we wait.
            while (event := conn.next_event()) is not None:
                match event:
                    case events.ResponseOutputTextDelta(delta=text):
                        yield text
                    case events.ErrorEvent(error=error):
                        raise rtproto.errors.ServerError(error)
                    case events.ResponseDone():
                        conn.close(clock())
            unsent += b"".join(conn.outgoing())
            with suppress(*NOT_NOW):
                del unsent[: sock.send(unsent) if unsent else 0]
            if conn.closed is not None:
                return conn.closed.raise_for_error()
            selector.modify(sock, selectors.EVENT_READ | (selectors.EVENT_WRITE if unsent else 0))
            deadline = conn.deadline()
            selector.select(None if deadline is None else max(0.0, deadline - clock()))
            with suppress(*NOT_NOW):
                data = sock.recv(65536)
                conn.receive(data, clock()) if data else conn.receive_eof(clock())
            conn.tick(clock())


def main() -> None:
    """The command line: errors are one line; exit status 2 for what was given, 1 for what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words")
    parser.add_argument("--url", help="any server: ws://… or wss://…")
    given = parser.parse_args()
    with suppress(ImportError):
        from dotenv import load_dotenv

        load_dotenv(".env")
    try:
        endpoint = rtproto.endpoint(given.url) if given.url else rtproto.from_env(os.environ)
    except ValueError as error:
        parser.exit(2, f"{error}\n")
    with ExitStack() as stack:
        if endpoint is None:
            from rtproto_emulator import start

            endpoint = rtproto.endpoint(stack.enter_context(start()).url)
        try:
            for text in text_turn(endpoint, given.words):
                print(text, end="", flush=True)
            print()
        except (OSError, rtproto.errors.RtprotoError) as error:
            parser.exit(1, f"{endpoint}: {error}\n")


if __name__ == "__main__":
    main()
