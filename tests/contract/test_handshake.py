"""How a session begins, or why it does not."""

from __future__ import annotations

import re
import socket
import ssl
import time
import traceback
from base64 import b64encode
from hashlib import sha1

import pytest
from contract.conftest import Bench, numbers
from contract.driver import PATIENCE, Answer, Server
from contract.peers import Background, Buffers, Listener, Peer, PeerServer, http_answer, raw_connect, read_header
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, TextMessage
from wsproto.events import Request as WsRequest

import rtproto
from rtproto import Config, Timeouts
from rtproto.errors import HandshakeError
from rtproto.events import Closed

KEY = "sk-very-secret"
PASSWORD = "swordfish"


def refused(client: Bench, port: int, config: Config | None = None) -> HandshakeError:
    """How connecting with a key fails; no text of the failure may hold the key."""
    with pytest.raises(HandshakeError) as caught:
        client.connect(port, config, api_key=KEY)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert KEY not in shown
    return caught.value


def answering(client: Bench, answer: bytes, asked: list[str] | None = None) -> int:
    """The port of a server that answers each request with these bytes."""

    def script(sock: socket.socket) -> None:
        with sock:
            header = read_header(sock)
            if asked is not None:
                asked.append(header)
            sock.sendall(answer)

    port: int = client.listen(script).port
    return port


# ---- clients ----


def test_what_the_server_answered_is_seen(client: Bench) -> None:
    listener = client.keep(PeerServer(client.server_tls))
    offered = ("realtime", "openai-insecure-api-key.sk-1")
    link = client.connect(listener.port, subprotocols=offered, headers={"X-Mine": "1"})
    peer = client.keep(listener.peer())
    assert link.look("opened").subprotocol == "realtime"
    assert link.look("opened").status == 101
    assert ("upgrade", "websocket") in [(name, value.lower()) for name, value in link.look("opened").headers]
    assert peer.requested.target == "/v1/realtime?model=m"
    assert peer.requested.subprotocols == list(offered)
    headers = {name.lower(): value for name, value in peer.requested.extra_headers}
    assert headers[b"x-mine"] == b"1"
    assert b"user-agent" in headers
    peer.say(client.text(1))
    assert numbers(link.take(1)) == [1], "Opened is no event of the iteration"


@pytest.mark.parametrize(
    ("status", "headers", "hint"),
    [
        ("401 Unauthorized", [], "key"),
        ("404 Not Found", [], "address"),
        ("429 Too Many Requests", ["Retry-After: 7"], "7 s"),
        ("503 Service Unavailable", [], "later"),
        ("200 OK", [], "WebSocket"),
    ],
)
def test_a_refusal_is_told_with_its_body(client: Bench, status: str, headers: list[str], hint: str) -> None:
    body = b'{"error": {"message": "no"}}'
    port = answering(client, http_answer(status, headers, body))
    error = refused(client, port)
    assert error.status == int(status[:3])
    assert error.body == body
    assert hint in str(error)
    assert ("content-length", str(len(body))) in error.headers
    if headers:
        assert ("retry-after", "7") in error.headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.plain
def test_a_redirect_to_another_origin_never_gets_the_key(client: Bench, status: int) -> None:
    asked: list[str] = []
    elsewhere = client.listen(lambda sock: sock.close())
    target = f"http://127.0.0.1:{elsewhere.port}/v1/realtime"
    port = answering(client, http_answer(f"{status} Elsewhere", [f"Location: {target}"]), asked)
    error = refused(client, port)
    assert error.status == status
    assert f"127.0.0.1:{elsewhere.port}" in str(error)
    assert elsewhere.connections == 0
    assert len(asked) == 1


def test_a_redirect_to_the_same_origin_is_not_followed_either(client: Bench) -> None:
    asked: list[str] = []
    port = answering(client, http_answer("307 Elsewhere", ["Location: /v2/realtime"]), asked)
    assert refused(client, port).status == 307
    assert len(asked) == 1


def test_a_server_that_does_not_speak_http(client: Bench) -> None:
    error = refused(client, answering(client, b"SSH-2.0-OpenSSH_9.6\r\n\r\n\r\n\r\n"))
    assert error.status is None
    assert "HTTP" in str(error)


def test_a_server_that_switches_wrongly(client: Bench) -> None:
    refused(client, answering(client, switch("Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")))


def test_a_subprotocol_that_was_not_offered(client: Bench) -> None:
    def script(sock: socket.socket) -> None:
        with sock:
            sock.sendall(switch(read_header(sock), "Sec-WebSocket-Protocol: chat"))

    assert "offered" in str(refused(client, client.listen(script).port))


def switch(header: str, *more: str) -> bytes:
    """The answer that opens the WebSocket of a request."""
    found = re.search(r"(?i)^sec-websocket-key: *(\S+)", header, re.MULTILINE)
    assert found is not None
    accept = b64encode(sha1((found[1] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    return "\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept}", *more, "", ""]).encode()


def test_frames_that_come_with_the_answer_are_not_lost(client: Bench) -> None:
    def script(sock: socket.socket) -> None:
        with sock:
            ws = WSConnection(ConnectionType.SERVER)
            ws.receive_data(read_header(sock).encode())
            assert isinstance(next(ws.events()), WsRequest)
            frames = [TextMessage(data=client.text(n)) for n in range(3)]
            sock.sendall(
                b"".join(ws.send(event) for event in (AcceptConnection(), *frames, CloseConnection(code=1001)))
            )
            while sock.recv(1000):
                pass

    *events, closed = client.connect(client.listen(script).port).take()
    assert numbers(events) == [0, 1, 2]
    assert closed == Closed(clean=True, code=1001)


def test_nobody_listens_there(client: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(ConnectionRefusedError, match=rf"127\.0\.0\.1:{port}: Connection refused") as caught:
        client.connect(port, api_key=KEY)
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.plain
def test_a_name_without_an_address(client: Bench) -> None:
    with pytest.raises(ConnectionError, match="no-such-host"):
        client.driver.connect(rtproto.endpoint("ws://no-such-host.invalid:1234/"))


def test_a_server_that_hangs_up(client: Bench) -> None:
    def script(sock: socket.socket) -> None:
        read_header(sock)
        sock.close()

    error = refused(client, client.listen(script).port)
    assert error.status is None
    assert "closed the connection" in str(error)


def _say_nothing(sock: socket.socket) -> None:
    with sock:
        while sock.recv(1000):
            pass


def test_a_server_that_says_nothing(client: Bench) -> None:
    begun = time.monotonic()
    error = refused(client, client.listen(_say_nothing).port, Config(timeouts=Timeouts(open=0.15)))
    assert error.status is None
    assert "0.15 s" in str(error)
    assert 0.14 < time.monotonic() - begun < 3


@pytest.mark.tls
def test_a_server_that_says_nothing_below_tls(client: Bench) -> None:
    error = refused(client, client.listen(_say_nothing, tls=False).port, Config(timeouts=Timeouts(open=0.15)))
    assert "0.15 s" in str(error)


@pytest.mark.tls
def test_a_certificate_of_an_unknown_authority(client: Bench) -> None:
    def script(sock: socket.socket) -> None:
        sock.close()

    listener = Listener(script, client.server_tls)
    strict = ssl.create_default_context()
    with pytest.raises(ConnectionError, match=r"TLS with 127\.0\.0\.1:\d+ failed: .*certificate"):
        client.driver.connect(client.endpoint(listener.port), ssl_context=strict)
    with pytest.raises(ssl.SSLError):
        listener.close()


@pytest.mark.tls
@pytest.mark.parametrize("answer", [http_answer("400 Bad Request"), bytes(9), b"SSH-2.0-OpenSSH_9.6\r\n", b""])
def test_a_server_that_does_not_speak_tls(client: Bench, answer: bytes) -> None:
    def script(sock: socket.socket) -> None:
        with sock:
            sock.recv(1000)
            sock.sendall(answer)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(1000):
                pass

    port = client.listen(script, tls=False).port
    with pytest.raises((ConnectionError, HandshakeError)) as caught:
        client.connect(port, api_key=KEY)
    assert f"TLS with 127.0.0.1:{port} failed" in str(caught.value) or not answer
    assert "ws://" in str(caught.value) or not answer
    assert KEY not in "".join(traceback.format_exception(caught.value))


# ---- through a proxy ----


class TunnelProxy(Listener):
    """An HTTP proxy that knows CONNECT; it keeps the headers it was sent."""

    def __init__(self, refusal: bytes = b"") -> None:
        self.asked: list[str] = []
        self._refusal = refusal
        super().__init__(self._serve)

    def _serve(self, sock: socket.socket) -> None:
        with sock:
            self.asked.append(read_header(sock))
            if self._refusal:
                sock.sendall(self._refusal)
                return
            host, port = self.asked[-1].split()[1].rsplit(":", 1)
            with socket.create_connection((host, int(port)), PATIENCE) as server:
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                backwards = Background(lambda: _pass_on(server, sock))
                _pass_on(sock, server)
                backwards.result()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # One side has gone: so must the other.
        for sock in (source, sink):
            sock.close()


@pytest.mark.proxies
def test_through_a_proxy(client: Bench) -> None:
    proxy = client.keep(TunnelProxy())
    listener = client.keep(PeerServer(client.server_tls))
    link = client.connect(listener.port, proxy=f"http://me:pass%20word@127.0.0.1:{proxy.port}", api_key=KEY)
    peer = client.keep(listener.peer())
    (header,) = proxy.asked
    assert header.startswith(f"CONNECT 127.0.0.1:{listener.port} HTTP/1.1\r\n")
    assert f"Proxy-Authorization: Basic {b64encode(b'me:pass word').decode()}".lower() in header.lower()
    assert KEY not in header
    assert b"proxy-authorization" not in [name.lower() for name, _ in peer.requested.extra_headers]
    link.send(client.event(1))
    assert numbers(peer.texts(1)) == [1]
    peer.say(client.text(2))
    assert numbers(link.take(1)) == [2]
    closing = link.begin("close", 1000, "")
    peer.until(CloseConnection)
    peer.say_close()
    peer.close()
    closing.result()


@pytest.mark.proxies
def test_a_proxy_that_refuses(client: Bench) -> None:
    proxy = client.keep(TunnelProxy(http_answer("407 Proxy Authentication Required")))
    with pytest.raises(HandshakeError, match="proxy") as caught:
        client.connect(1, proxy=f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}", api_key=KEY)
    assert caught.value.status == 407
    shown = "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert PASSWORD not in shown


@pytest.mark.proxies
def test_a_proxy_that_is_not_there(client: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(ConnectionRefusedError, match=rf"127\.0\.0\.1:{port}") as caught:
        client.connect(1, proxy=f"http://me:{PASSWORD}@127.0.0.1:{port}", api_key=KEY)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


@pytest.mark.proxies
def test_a_bad_proxy_url(client: Bench) -> None:
    with pytest.raises(ValueError, match="proxy") as caught:
        client.connect(1, proxy=f"socks5://me:{PASSWORD}@127.0.0.1:1")
    assert PASSWORD not in str(caught.value)


# ---- servers ----


def lives_on(server: Bench, listening: Server) -> None:
    """What went wrong with one client is no harm to the next."""
    listening.answer = Answer()
    peer = server.keep(Peer.connect(listening.port, server.client_tls))
    link = server.keep_link(listening.link())
    link.send(server.event(1))
    assert numbers(peer.texts(1)) == [1]


def request(server: Bench, port: int, data: bytes) -> str:
    """The whole answer to these bytes."""
    with raw_connect(port, server.client_tls) as sock:
        sock.sendall(data)
        answer = read_header(sock)
        length = re.search(r"(?i)\r\ncontent-length: *(\d+)", answer)
        end = answer.find("\r\n\r\n") + 4 + (int(length[1]) if length else 0)
        while len(answer) < end and (piece := sock.recv(65536)):
            answer += piece.decode("latin-1")
    return answer


UPGRADE = (
    b"GET /v1/realtime HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def test_what_the_client_asked_for_is_seen(server: Bench) -> None:
    listening = server.serve(answer=Answer(subprotocol="realtime", headers=[("X-Mine", "1")]))
    target = "/v1/real%20time?model=a%2Fb&x=1&x=2"
    offered = ("openai-insecure-api-key.sk-1", "realtime")
    peer = server.keep(Peer.connect(listening.port, server.client_tls, target=target, subprotocols=offered))
    asked = server.keep_link(listening.link()).look("requested")
    assert asked.path == "/v1/real time"
    assert tuple(asked.query) == (("model", "a/b"), ("x", "1"), ("x", "2"))
    assert tuple(asked.subprotocols) == offered
    assert ("upgrade", "websocket") in [(name, value.lower()) for name, value in asked.headers]
    assert peer.accepted.subprotocol == "realtime"
    assert (b"x-mine", b"1") in [(name.lower(), value) for name, value in peer.accepted.extra_headers]


def test_the_dialect_is_the_servers_choice(server: Bench) -> None:
    listening = server.serve(answer=Answer(dialect="beta"))
    peer = server.keep(Peer.connect(listening.port, server.client_tls))
    server.keep_link(listening.link()).send(server.event(1))
    assert '"response.audio.delta"' in peer.texts(1)[0]


def test_a_request_that_is_rejected(server: Bench) -> None:
    listening = server.serve(answer=Answer(status=429, headers=[("Retry-After", "7")], body=b"later"))
    answer = request(server, listening.port, UPGRADE)
    assert answer.startswith("HTTP/1.1 429 ")
    assert "\r\nretry-after: 7\r\n" in answer.lower()
    assert answer.endswith("\r\n\r\nlater")
    lives_on(server, listening)


@pytest.mark.streams
def test_a_rejection_arrives_whole_although_the_client_has_said_more(server: Bench) -> None:
    """A socket that is closed with bytes unread makes TCP throw away what is on its way."""
    listening = server.serve(answer=Answer(status=403, body=bytes(1_000_000)))
    with raw_connect(listening.port, server.client_tls, Buffers(32_768)) as sock:
        sock.sendall(UPGRADE)
        answer = sock.recv(1000)
        sock.sendall(bytes(10_000))
        while piece := sock.recv(65536):
            answer += piece
    header, _, body = answer.partition(b"\r\n\r\n")
    assert header.startswith(b"HTTP/1.1 403 ")
    assert len(body) == 1_000_000


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/1.1\r\nHost"],
    ids=["no upgrade", "no HTTP", "half a header"],
)
def test_a_request_for_something_else(server: Bench, data: bytes) -> None:
    listening = server.serve(Config(timeouts=Timeouts(open=0.3)))
    if data.endswith(b"\r\n\r\n"):
        assert re.match(r"HTTP/1\.[01] 4\d\d ", request(server, listening.port, data))
    elif server.driver.streams:
        assert request(server, listening.port, data) == ""
    lives_on(server, listening)


def test_a_handler_that_fails_before_it_answers(server: Bench) -> None:
    listening = server.serve(answer=Answer(error=ZeroDivisionError("in the handler")))
    answer = request(server, listening.port, UPGRADE)
    assert answer.startswith("HTTP/1.1 500 ")
    if server.driver.streams:
        # aiohttp's debug mode shows tracebacks.
        assert "in the handler" not in answer
    lives_on(server, listening)


@pytest.mark.streams
def test_a_handler_that_forgets_to_answer(server: Bench) -> None:
    listening = server.serve(answer=Answer(silent=True))
    assert request(server, listening.port, UPGRADE).startswith("HTTP/1.1 500 ")
    lives_on(server, listening)


def test_a_handler_that_fails_later(server: Bench) -> None:
    listening = server.serve()
    peer = server.keep(Peer.connect(listening.port, server.client_tls))
    link = server.keep_link(listening.link())
    leaving = Background(lambda: link.leave(ZeroDivisionError("in the handler")))
    close = peer.until(CloseConnection)
    assert close.code == 1011
    assert "in the handler" not in (close.reason or "")
    peer.say_close(1011)
    leaving.result()
    lives_on(server, listening)


def test_a_subprotocol_that_nobody_offered_is_a_bug_of_the_handler(server: Bench) -> None:
    listening = server.serve(answer=Answer(subprotocol="realtime"))
    assert request(server, listening.port, UPGRADE).startswith("HTTP/1.1 500 ")
    lives_on(server, listening)


def test_a_client_that_leaves_before_it_is_answered(server: Bench) -> None:
    listening = server.serve()
    for _ in range(5):
        raw_connect(listening.port, server.client_tls).close()
    lives_on(server, listening)


def test_many_clients_at_once(server: Bench) -> None:
    listening = server.serve()
    peers = [server.keep(Peer.connect(listening.port, server.client_tls)) for _ in range(5)]
    links = [server.keep_link(listening.link()) for _ in peers]
    for number, link in enumerate(links):
        link.send(server.event(number))
    assert sorted(numbers([peer.texts(1)[0] for peer in peers])) == [0, 1, 2, 3, 4]


@pytest.mark.streams
def test_a_server_that_stops_says_goodbye(server: Bench) -> None:
    listening = server.serve(Config(timeouts=Timeouts(close=0.2)))
    peer = server.keep(Peer.connect(listening.port, server.client_tls))
    server.keep_link(listening.link())

    def answer() -> int:
        close = peer.until(CloseConnection)
        peer.say_close(close.code)
        peer.close()
        return int(close.code)

    answering_close = Background(answer)
    listening.close()
    assert answering_close.result() == 1001
    with pytest.raises(ConnectionError):
        raw_connect(listening.port)
