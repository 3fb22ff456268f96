"""The core alone in Qt: asks something in text and prints the answer as it comes.

    python examples/embed_qt.py "What is the weather in Paris?" [--url ws://127.0.0.1:8080/v1/realtime]

Without --url it talks to the server that the environment or .env configures (see development.env), else to the
embedded one. Every signal ends in `step()`, which obeys the law: mutate, then drain `next_event()` and `outgoing()`,
then wait until `deadline()`; repeat. Needs `pip install PySide6-Essentials`.
"""

import argparse
import math
import os
import signal
import time
from contextlib import ExitStack, suppress

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
from PySide6.QtNetwork import QAbstractSocket, QSslSocket

import rtproto
from rtproto import Connection, Endpoint, events

clock = time.monotonic


class TextTurn(QObject):
    """Says `words` and prints the answer; `ended` is emitted at the end. `trouble` is what went wrong, if anything."""

    ended = Signal()

    def __init__(self, endpoint: Endpoint, words: str) -> None:
        super().__init__()
        self.trouble = ""
        self.conn = Connection.client(endpoint, now=clock())
        item = events.MessageItem(role="user", content=[events.InputText(text=words)])
        params = events.ResponseCreateParams(output_modalities=["text"])
        self.conn.send(events.ConversationItemCreate(item=item), clock())
        self.conn.send(events.ResponseCreate(response=params), clock())
        self.timer = QTimer(self, singleShot=True)
        self.timer.timeout.connect(self.ring)
        self.socket = QSslSocket(self)
        self.socket.readyRead.connect(self.read)
        self.socket.errorOccurred.connect(self.failed)
        self.socket.stateChanged.connect(self.moved)
        # Qt keeps what is written before the connection stands.
        connect = self.socket.connectToHostEncrypted if endpoint.secure else self.socket.connectToHost
        connect(endpoint.host, endpoint.port)
        self.step()

    def read(self) -> None:
        self.conn.receive(bytes(self.socket.readAll().data()), clock())
        self.step()

    def failed(self, error: QAbstractSocket.SocketError) -> None:
        if error != QAbstractSocket.SocketError.RemoteHostClosedError:
            self.trouble = self.socket.errorString()

    def moved(self, state: QAbstractSocket.SocketState) -> None:
        if state == QAbstractSocket.SocketState.UnconnectedState:
            self.conn.receive_eof(clock())
            self.step()
            self.ended.emit()

    def ring(self) -> None:
        self.conn.tick(clock())
        self.step()

    def step(self) -> None:
        """Drains the machine and sets the timer anew."""
        conn = self.conn
        while (event := conn.next_event()) is not None:
            self.see(event)
        for data in conn.outgoing():
            self.socket.write(data)
        self.timer.stop()
        if conn.closed is not None:
            self.socket.disconnectFromHost()
        elif (deadline := conn.deadline()) is not None:
            self.timer.start(max(0, math.ceil((deadline - clock()) * 1000)))

    def see(self, event: object) -> None:
        match event:
            case events.ResponseOutputTextDelta(delta=text):
                print(text, end="", flush=True)
            case events.ErrorEvent(error=error):
                self.trouble = error.message
                self.conn.close(clock())
            case events.ResponseDone():
                print()
                self.conn.close(clock())
            case events.Closed(clean=False, error=failure, reason=reason) if not self.trouble:
                self.trouble = str(failure or reason)


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
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Qt's loop would never let Python see Ctrl-C
    app = QCoreApplication()  # QApplication for a program with windows; the rest stays the same
    with ExitStack() as stack:
        if endpoint is None:
            from rtproto_emulator import start

            endpoint = rtproto.endpoint(stack.enter_context(start()).url)
        turn = TextTurn(endpoint, given.words)
        turn.ended.connect(app.quit)
        app.exec()
    if turn.trouble:
        parser.exit(1, f"{endpoint}: {turn.trouble}\n")


if __name__ == "__main__":
    main()
