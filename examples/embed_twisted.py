"""The core alone in Twisted: asks something in text and prints the answer as it comes.

    python examples/embed_twisted.py "What is the weather in Paris?" [--url ws://127.0.0.1:8080/v1/realtime]

Without --url it talks to the server that the environment or .env configures (see development.env), else to the
embedded one. Whatever happens ends in `step()`, which obeys the law: mutate, then drain `next_event()` and
`outgoing()`, then wait until `deadline()`; repeat. Needs `pip install twisted`, for wss:// `'twisted[tls]'`.
"""

import argparse
import os
import time
from contextlib import ExitStack, suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import react
from twisted.python.failure import Failure

import rtproto
from rtproto import Connection, Endpoint, events

clock = time.monotonic


class TextTurn(Protocol):
    """Says `words` and prints the answer; `ended` fires with the Closed event, or with the server's error."""

    transport: Any = None  # Twisted's own type for it names no methods that a checker could follow

    def __init__(self, reactor: Any, endpoint: Endpoint, words: str) -> None:
        self.reactor = reactor
        self.conn = Connection.client(endpoint, now=clock())
        self.timer: Any = None
        self.ended: Deferred[events.Closed] = Deferred()
        item = events.MessageItem(role="user", content=[events.InputText(text=words)])
        params = events.ResponseCreateParams(output_modalities=["text"])
        self.conn.send(events.ConversationItemCreate(item=item), clock())
        self.conn.send(events.ResponseCreate(response=params), clock())

    def connectionMade(self) -> None:
        self.step()

    def dataReceived(self, data: bytes) -> None:
        self.conn.receive(data, clock())
        self.step()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.ended.called and not isinstance(reason.value, ConnectionDone):
            self.ended.errback(ConnectionError(reason.getErrorMessage()))
        self.conn.receive_eof(clock())
        self.step()

    def ring(self) -> None:
        self.timer = None
        self.conn.tick(clock())
        self.step()

    def step(self) -> None:
        """Drains the machine and sets the timer anew."""
        conn = self.conn
        while (event := conn.next_event()) is not None:
            self.see(event)
        self.transport.write(b"".join(conn.outgoing()))
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if conn.closed is not None:
            self.transport.loseConnection()
        elif (deadline := conn.deadline()) is not None:
            self.timer = self.reactor.callLater(max(0.0, deadline - clock()), self.ring)

    def see(self, event: object) -> None:
        match event:
            case events.ResponseOutputTextDelta(delta=text):
                print(text, end="", flush=True)
            case events.ErrorEvent(error=error):
                self.ended.errback(rtproto.errors.ServerError(error))
            case events.ResponseDone():
                print()
                self.conn.close(clock())
            case events.Closed() if not self.ended.called:
                self.ended.callback(event)


async def ask(reactor: Any, endpoint: Endpoint, words: str) -> None:
    """One text turn. Raises ConnectError, OSError and rtproto.errors.RtprotoError."""
    where: Any = HostnameEndpoint(reactor, endpoint.host, endpoint.port)
    if endpoint.secure:
        from twisted.internet.ssl import optionsForClientTLS

        where = wrapClientTLS(optionsForClientTLS(endpoint.host), where)
    turn = TextTurn(reactor, endpoint, words)
    await connectProtocol(where, turn)  # type: ignore[no-untyped-call]  # Twisted types most of itself, not this
    (await turn.ended).raise_for_error()


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
        chosen = rtproto.endpoint(given.url) if given.url else rtproto.from_env(os.environ)
    except ValueError as error:
        parser.exit(2, f"{error}\n")

    async def run(reactor: Any) -> None:
        endpoint = chosen
        with ExitStack() as stack:
            if endpoint is None:
                from rtproto_emulator import start

                endpoint = rtproto.endpoint(stack.enter_context(start()).url)
            try:
                await ask(reactor, endpoint, given.words)
            except (ConnectError, OSError, rtproto.errors.RtprotoError) as error:
                parser.exit(1, f"{endpoint}: {error}\n")

    react(run)


if __name__ == "__main__":
    main()
