"""A brain elsewhere (rtproto_emulator), against a small chat server of the test's own."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest
from emulated import Emulated, create, every, only, update, wrote
from rtproto_emulator import Call, ChatResponder, Context, Engines, Say, Settings
from rtproto_emulator._chat_answer import Answer, EventStream, NoAnswer
from rtproto_emulator._chat_request import request
from rtproto_emulator._sentences import Sentences

from rtproto import events

KEY = "sk-very-secret"
WEATHER = events.FunctionTool(
    name="get_weather",
    description="The weather in a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}},
)


def chunk(**delta: Any) -> bytes:
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}).encode() + b"\n\n"


def say(*words: str) -> list[bytes]:
    return [chunk(role="assistant", content=""), *(chunk(content=word) for word in words)]


STOP = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\n'
COSTS = b'data: {"choices": [], "usage": {"total_tokens": 7}}\n\n'
DONE = b"data: [DONE]\n\n"
HELLO = [*say("Hello", " there. How", " are", " you?"), STOP, COSTS, DONE]


@attrs.define
class Server:
    """Answers every request alike, part by part, and keeps what it was asked."""

    url: str
    parts: Sequence[bytes] = attrs.field(factory=lambda: HELLO)
    status: int = 200
    content_type: str = "text/event-stream"
    headers: dict[str, str] = attrs.field(factory=dict)
    delay: float = 0.0
    go_on: threading.Event = attrs.field(factory=threading.Event)
    """Waited for after the parts where `holds`."""
    holds: bool = False
    asked: list[tuple[str, Message, Any]] = attrs.field(factory=list)
    left: threading.Event = attrs.field(factory=threading.Event)
    """Set when the client has closed the connection before the end."""


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.asked.append((self.path, self.headers, json.loads(body)))
            time.sleep(told.delay)
            self.send_response(told.status)
            self.send_header("Content-Type", told.content_type)
            for name, text in told.headers.items():
                self.send_header(name, text)
            self.end_headers()
            for part in told.parts:
                self.wfile.write(part)
                self.wfile.flush()
            if told.holds:
                self.connection.settimeout(10)
                if self.rfile.read(1) == b"":
                    told.left.set()

        def log_message(self, format: str, *args: Any) -> None: ...

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Server(f"http://127.0.0.1:{http.server_port}/v1")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield told
    http.shutdown()
    http.server_close()
    thread.join()


@pytest.fixture
def brain(server: Server) -> Iterator[ChatResponder]:
    responder = ChatResponder(server.url, "tiny", key=KEY, timeout=5.0)
    yield responder
    responder.close()


def said(*items: events.Item, **fields: Any) -> Context:
    return Context(items=items, **fields)


def user(text: str) -> events.MessageItem:
    return events.MessageItem(role="user", content=[events.InputText(text=text)])


def assistant(text: str) -> events.MessageItem:
    return events.MessageItem(role="assistant", content=[events.OutputAudio(transcript=text)])


def answers(brain: ChatResponder, context: Context | None = None) -> list[Say | Call]:
    found: list[Say | Call] = []
    for piece in brain.respond(context or said(user("hello"))):
        if piece is None:
            time.sleep(0.002)
        else:
            found.append(piece)
    return found


# ---- what is asked ----


def test_what_is_asked_and_answered(server: Server, brain: ChatResponder) -> None:
    assert answers(brain, said(user("hello"), instructions="Be brief.")) == [Say("Hello there."), Say(" How are you?")]
    ((path, headers, body),) = server.asked
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body == {
        "model": "tiny",
        "stream": True,
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}],
    }


def test_no_key_is_no_header(server: Server) -> None:
    brain = ChatResponder(server.url + "/", "tiny")
    assert answers(brain)
    brain.close()
    ((path, headers, _),) = server.asked
    assert path == "/v1/chat/completions"
    assert "Authorization" not in headers


def called(call_id: str, name: str = "f") -> events.FunctionCallItem:
    return events.FunctionCallItem(name=name, call_id=call_id, arguments='{"a":1}')


def gave(call_id: str, output: str) -> events.FunctionCallOutputItem:
    return events.FunctionCallOutputItem(call_id=call_id, output=output)


def test_every_kind_of_item() -> None:
    picture = events.InputImage(image_url="data:image/png;base64,AA", detail="low")
    heard = events.InputAudio(transcript="what is this")
    context = said(
        events.MessageItem(role="system", content=[events.InputText(text="It is late.")]),
        events.MessageItem(role="user", content=[heard, picture]),
        assistant("A cat."),
        events.MessageItem(role="user", content=[events.InputAudio(transcript=None)]),
        assistant(""),
    )
    assert request(context, "m")["messages"] == [
        {"role": "system", "content": "It is late."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what is this"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
            ],
        },
        {"role": "assistant", "content": "A cat."},
        {"role": "user", "content": "(no words were understood)"},
    ]


def tool_messages(*items: events.Item) -> list[tuple[str, Any]]:
    """The role of each message, and the calls that it makes or answers."""
    told = request(said(*items), "m")["messages"]
    return [
        (message["role"], [call["id"] for call in message.get("tool_calls", ())] or message.get("tool_call_id"))
        for message in told
    ]


def test_calls_and_their_outputs() -> None:
    told = request(said(user("q"), assistant("Let me see."), called("1"), called("2"), gave("1", "x")), "m")["messages"]
    assert told[1:] == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {"id": call_id, "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
                for call_id in ("1", "2")
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": "x"},
        {"role": "tool", "tool_call_id": "2", "content": "(there is no output yet)"},
    ]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (
            [called("1"), gave("1", "x"), called("2"), gave("2", "y")],
            [("assistant", ["1"]), ("tool", "1"), ("assistant", ["2"]), ("tool", "2")],
        ),
        # The user went on before the output was there.
        ([called("1"), user("hm"), gave("1", "x")], [("assistant", ["1"]), ("tool", "1"), ("user", None)]),
        # The conversation has forgotten the call.
        ([gave("0", "x"), user("hm")], [("user", None)]),
    ],
)
def test_an_output_stands_right_after_its_call(items: list[events.Item], expected: list[tuple[str, Any]]) -> None:
    assert tool_messages(*items) == expected


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        (events.ToolChoiceFunction(name="get_weather"), {"type": "function", "function": {"name": "get_weather"}}),
    ],
)
def test_tools_are_offered(choice: Any, told: Any) -> None:
    body = request(said(user("hi"), tools=[WEATHER, events.FunctionTool(name="stop")], tool_choice=choice), "m")
    assert body["tool_choice"] == told
    assert body["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "The weather in a city.",
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
            },
        },
        {"type": "function", "function": {"name": "stop"}},
    ]


# ---- what is answered ----


def pieces(*data: bytes) -> list[Say | Call]:
    stream, answer = EventStream(), Answer()
    found: list[Say | Call] = []
    for part in data:
        for event in stream.feed(part):
            found += answer.take(event)
    return [*found, *answer.end()]


def call_chunk(*calls: dict[str, Any]) -> bytes:
    return chunk(tool_calls=list(calls))


CALLS = [
    *say("Let me", " see."),
    call_chunk({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}),
    call_chunk({"index": 0, "function": {"arguments": '{"city":'}}),
    call_chunk({"index": 1, "id": "b", "function": {"name": "g"}}),
    call_chunk({"index": 0, "function": {"arguments": '"Paris"}'}}),
    STOP,
    DONE,
]
CALLED = [Say("Let me see."), Call(name="f", arguments='{"city":"Paris"}'), Call(name="g", arguments="{}")]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_a_stream_cut_anywhere(ending: bytes) -> None:
    whole = b": a comment\n\nevent: x\n" + b"".join(say("Gr\u00fc\u00df dich.")) + b"".join(CALLS)
    whole = whole.replace(b"\n", ending)
    expected = [Say("Gr\u00fc\u00df dich.Let me see."), *CALLED[1:]]
    assert pieces(whole, b"\n") == expected
    assert pieces(*(whole[at : at + 1] for at in range(len(whole))), b"\n") == expected
    for cut in range(0, len(whole), 7):
        assert pieces(whole[:cut], whole[cut:], b"\n") == expected


def test_calls_that_all_have_the_same_index() -> None:
    one = call_chunk({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}})
    two = call_chunk({"index": 0, "id": "b", "function": {"name": "g", "arguments": "{}"}})
    assert pieces(one, two, STOP) == [Call(name="f", arguments="{}"), Call(name="g", arguments="{}")]


def test_calls_without_an_index() -> None:
    both = call_chunk({"id": "a", "function": {"name": "f"}}, {"id": "b", "function": {"name": "g"}})
    assert pieces(both, STOP) == [Call(name="f", arguments="{}"), Call(name="g", arguments="{}")]


def test_a_refusal_is_said() -> None:
    assert pieces(chunk(content=None, refusal="I must not."), STOP) == [Say("I must not.")]


def test_blank_lines_before_the_answer_are_not_said() -> None:
    assert pieces(*say("\n\n", " Yes."), STOP) == [Say("Yes.")]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"data: hello\n\n", "answered what is no chat completion"),
        (b"data: []\n\n", "answered what is no chat completion"),
        (b"data: {}\n\n", "answered what is no chat completion"),
        (b'data: {"choices": [7]}\n\n', "answered what is no chat completion"),
        (b'data: {"choices": [{"delta": {"content": 7}}]}\n\n', "answered what is no chat completion"),
        (b'data: {"choices": [{"delta": {"tool_calls": [{"index": []}]}}]}\n\n', "answered what is no chat completion"),
        (b"data: " + b"[" * 100_000 + b"\n\n", "answered what is no chat completion"),
        (b"x" * 2_000_000 + b"\n\n", "answered what is no chat completion"),
        (call_chunk({"index": 0}) + STOP, "answered what is no chat completion"),
        (b'data: {"error": {"message": "out of\\nmemory"}}\n\n', "answered with an error: out of memory"),
        (b'data: {"error": "overloaded"}\n\n', "answered with an error: overloaded"),
        (chunk(content="Hello"), "broke off in the middle of its answer"),
        (b"", "broke off in the middle of its answer"),
        (STOP + DONE, "answered nothing"),
        (
            b"".join(call_chunk({"index": i, "function": {"name": "f"}}) for i in range(65)),
            "calls more than 64 functions at once",
        ),
    ],
)
def test_what_is_no_answer(data: bytes, line: str) -> None:
    with pytest.raises(NoAnswer) as failure:
        pieces(*(data[at : at + 65536] for at in range(0, len(data), 65536)))
    assert str(failure.value) == line


# ---- sentences ----

TEXT = 'Hi! I am Dr. Who, e.g. a man.\n1. First.\n2. It costs 3.5 euros\n\nReally?! "Yes." he said... Plan B. Ends'
SENTENCES = [
    "Hi!",
    " I am Dr. Who, e.g. a man.",
    "\n1. First.",
    "\n2. It costs 3.5 euros\n",
    "\nReally?!",
    ' "Yes."',
    " he said...",
    " Plan B. Ends",
]


@pytest.mark.parametrize("step", [1, 2, 5, 1000])
def test_sentences(step: int) -> None:
    sentences = Sentences()
    found = [said for at in range(0, len(TEXT), step) for said in sentences.feed(TEXT[at : at + step])]
    assert [*found, *sentences.end()] == SENTENCES


def test_sentences_of_other_scripts() -> None:
    assert list(Sentences().feed("\u4f60\u597d\u3002\u518d\u89c1\uff01")) == [
        "\u4f60\u597d\u3002",
        "\u518d\u89c1\uff01",
    ]


@pytest.mark.parametrize("flood", ["a", ".", "a. ", "\n", ")", ".) ", "word "])
def test_text_without_an_end_is_cut(flood: str) -> None:
    sentences = Sentences()
    begun = time.process_time()
    found = list(sentences.feed(flood * 100_000))
    assert time.process_time() - begun < 2
    assert max(map(len, found), default=0) <= 300
    assert "".join([*found, *sentences.end()]).strip() == (flood * 100_000).strip()


# ---- over the wire ----


def test_a_server_that_does_not_stream(server: Server, brain: ChatResponder) -> None:
    message = {"role": "assistant", "content": "Hello. Bye.", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}
    server.parts = [json.dumps({"choices": [{"message": message}]}).encode()]
    server.content_type = "application/json"
    assert answers(brain) == [Say("Hello."), Say(" Bye."), Call(name="f", arguments="{}")]


def error(message: str) -> list[bytes]:
    return [json.dumps({"error": {"message": message}}).encode()]


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ({"status": 401, "parts": error(f"no such key: {KEY}")}, "answered HTTP 401: no such key: ***"),
        ({"status": 404, "parts": error("no model 'tiny'")}, "answered HTTP 404: no model 'tiny'"),
        ({"status": 500, "parts": [b"<p>\n broken"]}, "answered HTTP 500: <p> broken"),
        ({"status": 503, "parts": [b"x" * 1_000_000]}, "answered HTTP 503: " + "x" * 200),
        ({"status": 307, "parts": [], "headers": {"Location": "http://127.0.0.1:1/"}}, "answered HTTP 307"),
        ({"parts": [b"<p>Hello</p>"], "content_type": "text/html"}, "broke off in the middle of its answer"),
        ({"parts": [b"{"], "content_type": "application/json"}, "answered what is no chat completion"),
        ({"parts": HELLO[:3]}, "broke off in the middle of its answer"),
        ({"parts": HELLO[:3], "headers": {"Content-Length": "9999"}}, "broke off in the middle of its answer"),
        ({"parts": [chunk(content="a" * 1_000_000)] * 17}, "answered more than 16777216 bytes"),
    ],
)
def test_failures_are_one_line(server: Server, brain: ChatResponder, fault: dict[str, Any], line: str) -> None:
    for name, value in fault.items():
        setattr(server, name, value)
    with pytest.raises(RuntimeError) as failure:
        answers(brain)
    assert str(failure.value) == f"the chat server at {brain.host} {line}"
    assert len(server.asked) == 1


def test_one_that_is_silent_for_too_long(server: Server) -> None:
    server.holds, server.parts = True, HELLO[:3]
    brain = ChatResponder(server.url, "tiny", timeout=0.1)
    with pytest.raises(RuntimeError, match=r"did not answer in 0\.1 s"):
        answers(brain)
    brain.close()


def test_one_that_is_not_there() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as http:
        url = f"http://127.0.0.1:{http.server_port}/v1"
    brain = ChatResponder(url, "tiny")
    with pytest.raises(
        RuntimeError, match=r"^the chat server at 127\.0\.0\.1:\d+ cannot be reached: connection refused$"
    ):
        answers(brain)
    brain.close()


def first(pieces: Iterator[Any]) -> Any:
    """The first piece that is there; a test's own end of patience."""
    for piece in pieces:
        if piece is not None:
            return piece
        time.sleep(0.002)
    raise AssertionError("it ended")


def test_a_sentence_is_there_before_the_answer_is(server: Server, brain: ChatResponder) -> None:
    server.holds, server.parts = True, HELLO[:3]
    pieces = brain.respond(said(user("hello")))
    assert first(pieces) == Say("Hello there.")
    assert next(pieces) is None


def test_what_is_dropped_closes_the_connection(server: Server, brain: ChatResponder) -> None:
    server.holds, server.parts = True, HELLO[:3]
    pieces = brain.respond(said(user("hello")))
    first(pieces)
    begun = time.perf_counter()
    del pieces
    dropped = time.perf_counter() - begun
    assert server.left.wait(5)
    assert dropped < 0.05


def test_what_is_dropped_before_the_server_answers(server: Server, brain: ChatResponder) -> None:
    server.holds, server.parts, server.delay = True, [], 0.1
    pieces: Any = brain.respond(said(user("hello")))
    assert next(pieces) is None
    while not server.asked:
        time.sleep(0.002)
    pieces.close()
    assert server.left.wait(5)


def test_closing_ends_what_goes_on_and_it_may_be_used_again(server: Server, brain: ChatResponder) -> None:
    server.holds, server.parts = True, HELLO[:3]
    pieces = brain.respond(said(user("hello")))
    first(pieces)
    brain.close()
    assert server.left.wait(5)
    with pytest.raises(RuntimeError, match="was not asked any further"):
        list(pieces)
    server.holds, server.parts = False, HELLO
    assert answers(brain)[0] == Say("Hello there.")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000", "ftp://host/v1", "http:///v1", "http://me:you@host/v1", "http://h:x/"]
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ValueError, match="the URL of a chat server must be like"):
        ChatResponder(url, "tiny")


def test_what_is_no_key() -> None:
    with pytest.raises(ValueError, match="the chat server's key has characters") as failure:
        ChatResponder("http://host/v1", "tiny", key=KEY + "\n")
    assert KEY not in str(failure.value)


# ---- in a session ----


def until(e: Emulated, there: Callable[[], bool]) -> None:
    """The engines are asked again and again, as a host does, until it is `there`."""
    patience = time.monotonic() + 10
    while not there():
        assert time.monotonic() < patience
        time.sleep(0.002)
        e.wait(0.02)


def session(brain: ChatResponder) -> Emulated:
    e = Emulated(Settings(pace=math.inf, engines=Engines(responder=brain)))
    e.say(update(output_modalities=["text"], tools=[WEATHER]))
    return e


def done(e: Emulated) -> Any:
    until(e, lambda: bool(every(e.seen, events.ResponseDone)))
    response = only(e.seen, events.ResponseDone).response
    e.seen.clear()
    return response


def test_a_turn_with_a_tool(server: Server, brain: ChatResponder) -> None:
    e = session(brain)
    server.parts = CALLS[3:]
    e.say(wrote("weather in paris"), events.ResponseCreate())
    item = done(e).output[0]
    assert (item.name, item.arguments) == ("f", '{"city":"Paris"}')
    server.parts = [*say("It is", " sunny."), DONE]
    e.say(events.ConversationItemCreate(item=gave(item.call_id, '{"sky": "blue"}')), events.ResponseCreate())
    assert done(e).output[0].content[0].text == "It is sunny."
    asked = server.asked[-1][2]["messages"]
    assert [message["role"] for message in asked] == ["system", "user", "assistant", "tool", "tool"]
    assert asked[3]["content"] == '{"sky": "blue"}'


def test_a_turn_that_is_interrupted(server: Server, brain: ChatResponder) -> None:
    server.holds, server.parts = True, HELLO[:3]
    e = session(brain)
    e.say(wrote("hello"), events.ResponseCreate())
    until(e, lambda: bool(every(e.seen, events.ResponseOutputTextDelta)))
    e.say(events.ResponseCancel())
    assert server.left.wait(5)
    assert done(e).status == "cancelled"


def test_a_client_that_is_gone(server: Server, brain: ChatResponder) -> None:
    server.holds, server.parts = True, HELLO[:3]
    e = session(brain)
    e.say(wrote("hello"), events.ResponseCreate())
    until(e, lambda: bool(every(e.seen, events.ResponseOutputTextDelta)))
    e.policy.stop()
    assert server.left.wait(5)
    assert e.policy.deadline() is None
    assert e.finish() == []


def test_the_session_begins_with_its_instructions(brain: ChatResponder) -> None:
    assert session(brain).begin[0].session.instructions == ChatResponder.instructions


def test_a_turn_that_fails(server: Server, brain: ChatResponder) -> None:
    server.status, server.parts = 401, error(f"bad key {KEY}")
    e = session(brain)
    e.say(wrote("hello"), create(output_modalities=["text"]))
    failed = done(e)
    assert failed.status == "failed"
    assert failed.status_details.error.message == f"the chat server at {brain.host} answered HTTP 401: bad key ***"
