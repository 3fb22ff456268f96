"""A brain of rules (rtproto_emulator): what it answers, what it calls, and what it does not claim to know."""

from __future__ import annotations

import json
import math
import time
from datetime import datetime, timezone
from typing import Any
from zoneinfo import available_timezones

import pytest
from emulated import Emulated, create, every, only, update, wrote
from rtproto_emulator import Call, Context, Engines, RulesResponder, Say, Settings
from rtproto_emulator._arithmetic import calculated
from rtproto_emulator._json_words import spoken
from rtproto_emulator._numbers import tokens
from rtproto_emulator._tool_match import arguments, called

from rtproto import events

NOW = datetime(2026, 3, 3, 9, 5, tzinfo=timezone.utc)
UNKNOWN = "I do not know the answer."


def heard(words: str | None) -> events.MessageItem:
    return events.MessageItem(role="user", content=[events.InputAudio(transcript=words)])


def wrote_item(text: str) -> events.MessageItem:
    return events.MessageItem(role="user", content=[events.InputText(text=text)])


def answer(*items: events.Item, **context: Any) -> Say | Call:
    (piece,) = RulesResponder(lambda: NOW).respond(Context(items=items, **context))
    assert piece is not None
    return piece


def said(words: str, **context: Any) -> str:
    piece = answer(heard(words), **context)
    assert isinstance(piece, Say)
    return piece.text


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("hello", "Hello. I am a small offline server. Ask me what I can do."),
        ("Good morning!", "Good morning. I am a small offline server. Ask me what I can do."),
        ("how are you", "I am running, thank you."),
        ("What's your name?", "I am the local voice server of rtproto."),
        ("thank you", "You are welcome."),
        ("good bye", "Goodbye."),
        ("what time is it", "It is 09:05."),
        ("please tell me what time it is", "It is 09:05."),
        ("what time is it in atlantis", "I do not know what time it is in atlantis. Here it is 09:05."),
        ("what time is it in argentina", "I do not know what time it is in argentina. Here it is 09:05."),
        ("what day is it today", "Today is Tuesday, 3 March 2026."),
        ("what is today's date", "Today is Tuesday, 3 March 2026."),
        ("what day is tomorrow", "Tomorrow is Wednesday, 4 March 2026."),
        ("what day was yesterday", "Yesterday was Monday, 2 March 2026."),
        ("what year is it", "It is 2026."),
        ("which month is it", "It is March."),
        ("hello what is two plus three", "That is 5."),
        ("what does two times three make", "That is 6."),
        ("spell banana", "B, A, N, A, N, A."),
        ("how do you spell Banana please", "B, A, N, A, N, A."),
        ("repeat after me I am Here", "I am Here"),
        ("say hello world", "hello world"),
        ("repeat that", "I have not said anything yet."),
        ("answer with the single word banana", "banana"),
        ('Answer only with the word "yes".', "yes"),
        ("do you have the time", "It is 09:05."),
        ("whats the current time", "It is 09:05."),
        ("which day of the week is it", "Today is Tuesday, 3 March 2026."),
        ("please repeat the following: I am here", "I am here"),
        ("repeat back to me the words blue sky", "blue sky"),
        ("good evening computer", "Good evening. I am a small offline server. Ask me what I can do."),
        ("", "I heard no speech."),
        ("(1.3 seconds of speech)", "I heard 1.3 seconds of speech."),
        ("(1+2)*3", "That is 9."),
    ],
)
def test_what_it_answers(words: str, expected: str) -> None:
    assert said(words) == expected


@pytest.mark.skipif(not available_timezones(), reason="this machine has no time zone database")
def test_the_time_elsewhere() -> None:
    assert said("what time is it in berlin") == "It is 10:05 in berlin."
    assert said("What is the time in New York right now?") == "It is 04:05 in New York."


@pytest.mark.parametrize(
    "words",
    [
        "what is the weather in paris",
        "who was napoleon",
        "two",
        "what is love",
        "what is",
        "time flies",
        "spelling bee",
    ],
)
def test_what_it_does_not_know_it_says(words: str) -> None:
    assert said(words) == f"I heard {words}. {UNKNOWN}"


def test_what_was_written_and_shown() -> None:
    assert answer(wrote_item("Who are you?")) == Say("I am the local voice server of rtproto.")
    picture = events.InputImage(image_url="data:image/png;base64,AA")
    item = events.MessageItem(role="user", content=[events.InputText(text="what is this"), picture])
    expected = f"You wrote: what is this You showed me a picture, but I cannot see. {UNKNOWN}"
    assert answer(item) == Say(expected)


def test_nobody_spoke() -> None:
    assert answer() == Say("Nobody has said anything to me yet.")
    assert answer(heard(None)) == Say("I heard no speech.")


def test_what_it_said_before() -> None:
    before = events.MessageItem(role="assistant", content=[events.OutputAudio(transcript="It is nine.")])
    assert answer(heard("what time is it"), before, heard("say that again")) == Say("It is nine.")


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        ("Answer with the single word pong.", "pong"),
        ("You are nice. Always answer with: I am here.", "I am here"),
        ("Respond only with 'OK'", "OK"),
        ("Answer every question with the word pong!", "pong"),
        ("Reply with exactly: All is well.", "All is well"),
        ('Please say "Well done!" to everything.', "Well done!"),
        ("Whatever the user says, answer with the single word no.", "no"),
        ("No matter what is asked, reply with 'ok'", "ok"),
        ("For every question answer with the single word blue.", "blue"),
        ("You are a bot. You answer with the single word beep and nothing else.", "beep"),
        ("Your answer must always be the single word yes, whatever is asked.", "yes"),
        ("Answer using the single word yes.", "yes"),
        ('Respond with the exact phrase "all good".', "all good"),
        ("Use at most one sentence.", "I heard what is the weather in paris."),
        ("Your replies must be one sentence long.", "I heard what is the weather in paris."),
        ("Reply in one sentence.", "I heard what is the weather in paris."),
        ("Be kind. Keep it to a single short sentence.", "I heard what is the weather in paris."),
        # What it does not understand it does not do.
        ("Never say the word banana.", None),
        ("If the user is rude, answer with the single word no.", None),
        ("If you are asked, answer with the word no.", None),
        ("Always answer with a joke.", None),
        ("Always answer in French.", None),
        (RulesResponder.instructions, None),
    ],
)
def test_instructions(instructions: str, expected: str | None) -> None:
    unchanged = f"I heard what is the weather in paris. {UNKNOWN}"
    assert said("what is the weather in paris", instructions=instructions) == (expected or unchanged)


# ---- numbers and sums ----


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("twenty-two", ["22"]),
        ("two hundred and five thousand and one", ["205001"]),
        ("one hundred twenty three thousand four hundred fifty six", ["123456"]),
        ("a hundred and six million", ["106000000"]),
        ("three point one four", ["157/50"]),
        ("1,000.5", ["2001/2"]),
        ("2 million", ["2000000"]),
        ("one two three", ["1", "2", "3"]),
        ("seven and eight", ["7", "and", "8"]),
        ("a point", ["a", "point"]),
        ("twenty twenty", ["20", "20"]),
        ("1" * 41, ["1" * 41]),
        ("\u0663 \u00b2", ["\u0663", "\u00b2"]),
    ],
)
def test_numbers(words: str, expected: list[str]) -> None:
    assert [str(token) for token in tokens(words)] == expected


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("two plus three", "5"),
        ("2+3*4", "14"),
        ("(1+2)*3", "9"),
        ("minus three times four", "-12"),
        ("ten divided by four", "2.5"),
        ("1/3", "about 0.333333"),
        ("20 percent of 50", "10"),
        ("20% of 50 + 1", "11"),
        ("the square root of sixteen", "4"),
        ("the square root of two", "about 1.414214"),
        ("five squared", "25"),
        ("seven mod three", "1"),
        ("add two and three", "5"),
        ("subtract two from ten", "8"),
        ("multiply six by seven", "42"),
        ("the difference between two and five", "-3"),
        ("2 to the power of 100", "about 1.268 times 10 to the power of 30"),
        ("2^0.5", "about 1.414214"),
        ("7 - 7", "0"),
        ("-2^2", "-4"),
    ],
)
def test_sums(text: str, result: str) -> None:
    assert calculated(text) == f"That is {result}."


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("9**9**9**9", "That is too large for me."),
        ("9^999999^9", "That is too large for me."),
        ("10^1000 ^ 0.5 * 0.5 ^ (10^400)", "That is too large for me."),
        ("1^99999999999", "That is 1."),
        ("one divided by zero", "Nothing can be divided by zero."),
        ("7 mod 0", "Nothing can be divided by zero."),
        ("0^-1", "Nothing can be divided by zero."),
        ("the square root of minus one", "That has no answer among the real numbers."),
        ("(-1)^0.5", "That has no answer among the real numbers."),
        ("1+" * 100_000, None),
        ("(" * 250, None),
        ("- " * 90 + "1", "That is 1."),
        ("-" * 290 + "1", None),
        ("1 +", None),
        ("(1 + 2", None),
        ("two", None),
        ("paris + 1", None),
    ],
)
def test_sums_that_are_none_or_too_much(text: str, answer: str | None) -> None:
    begun = time.process_time()
    assert calculated(text) == answer
    assert time.process_time() - begun < 0.5


# ---- functions ----


def tool(name: str, description: str = "", required: list[str] | None = None, **properties: Any) -> events.FunctionTool:
    parameters = {"type": "object", "properties": properties, "required": required or []}
    return events.FunctionTool(name=name, description=description, parameters=parameters)


STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
UNITS = {"type": "string", "enum": ["celsius", "fahrenheit"]}
WEATHER = tool("get_weather", "Get the weather in a city.", ["city"], city=STRING, unit=UNITS)
TOOLS = [
    WEATHER,
    tool("set_timer", "Starts a countdown.", ["minutes"], hours=INTEGER, minutes=INTEGER),
    tool("turnOnLight", "", ["on"], room={"enum": ["kitchen", "living_room"]}, on={"type": "boolean"}),
    tool("book_flight", "Books a flight.", ["origin", "destination"], origin=STRING, destination=STRING),
    tool("send_email", "Sends a message.", ["to", "body"], body=STRING, to=STRING),
    tool("create_reminder", "", ["text"], text=STRING, when=STRING),
    tool("play_music", "Plays songs.", ["genre"], genre={"enum": ["jazz", "rock"]}),
    tool("get_current_time", "The time in a place.", ["timezone"], timezone=STRING),
    tool("calculate_sum", "Adds numbers.", ["numbers"], numbers={"type": "array", "items": NUMBER}),
    tool("search_web", "", ["query"], query=STRING),
    tool("add_items", "Adds to the shopping list.", ["items"], items={"type": "array", "items": STRING}),
    tool("set_thermostat", "", ["target"], target={"type": "object", "properties": {"degrees": NUMBER}}),
    tool(
        "cancel_order",
        "",
        ["order"],
        order={"anyOf": [{"type": "null"}, {"$ref": "#/properties/number"}]},
        number=INTEGER,
    ),
]


@pytest.mark.parametrize(
    ("words", "name", "expected"),
    [
        ("what is the weather in paris", "get_weather", {"city": "paris"}),
        ("What's the weather in New York tomorrow?", "get_weather", {"city": "New York"}),
        ("weather in rome in celsius", "get_weather", {"city": "rome", "unit": "celsius"}),
        ("paris weather please", "get_weather", {"city": "paris"}),
        ("set a timer for ten minutes", "set_timer", {"minutes": 10}),
        ("set a timer for one hour and thirty minutes", "set_timer", {"hours": 1, "minutes": 30}),
        ("turn on the light in the living room", "turnOnLight", {"room": "living_room", "on": True}),
        ("turn the kitchen lights off", "turnOnLight", {"room": "kitchen", "on": False}),
        ("send an email to bob saying see you", "send_email", {"body": "see you", "to": "bob"}),
        ("send an email to bob saying that I am late", "send_email", {"body": "I am late", "to": "bob"}),
        (
            "book a flight from New York to Rome for 2 people",
            "book_flight",
            {"origin": "New York", "destination": "Rome"},
        ),
        ("remind me to buy milk tomorrow", "create_reminder", {"text": "buy milk", "when": "tomorrow"}),
        ("play some jazz", "play_music", {"genre": "jazz"}),
        ("what time is it in berlin", "get_current_time", {"timezone": "berlin"}),
        ("what is the sum of two and three and 4.5", "calculate_sum", {"numbers": [2, 3, 4.5]}),
        ("search for cats in hats", "search_web", {"query": "cats in hats"}),
        ("add eggs, milk and bread to the shopping list", "add_items", {"items": ["eggs", "milk", "bread"]}),
        ("set the thermostat to twenty one point five", "set_thermostat", {"target": {"degrees": 21.5}}),
        ("cancel order 17", "cancel_order", {"order": 17}),
        ("search with query is red shoes", "search_web", {"query": "red shoes"}),
    ],
)
def test_what_it_calls(words: str, name: str, expected: dict[str, Any]) -> None:
    piece = answer(heard(words), tools=TOOLS)
    assert isinstance(piece, Call)
    assert (piece.name, json.loads(piece.arguments)) == (name, expected)


@pytest.mark.parametrize(
    "words", ["hello", "what is two plus three", "tell me a joke", "what is the capital of france", "spell weather"]
)
def test_what_it_does_not_call(words: str) -> None:
    assert isinstance(answer(heard(words), tools=TOOLS), Say)


def test_what_was_not_said_is_not_invented() -> None:
    assert said("what is the weather", tools=TOOLS) == "I can call get weather, but you did not say the city."
    assert said("play chess", tools=TOOLS) == "I can call play music, but you did not say the genre."


@pytest.mark.parametrize(
    ("choice", "words", "expected"),
    [
        ("none", "what is the weather in paris", None),
        ("required", "what is the weather in paris", ("get_weather", {"city": "paris"})),
        ("required", "set a timer for 5 minutes", ("set_timer", {"minutes": 5})),
        ("required", "hello", ("get_weather", {"city": "hello"})),
        (events.ToolChoiceFunction(name="play_music"), "hello", ("play_music", {"genre": "jazz"})),
    ],
)
def test_tool_choice(choice: Any, words: str, expected: Any) -> None:
    piece = answer(heard(words), tools=TOOLS, tool_choice=choice)
    assert (None if isinstance(piece, Say) else (piece.name, json.loads(piece.arguments))) == expected


def test_required_without_tools_is_answered() -> None:
    assert said("what time is it", tool_choice="required") == "It is 09:05."


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ('{"temperature": 18, "condition": "sunny"}', "The temperature is 18, the condition is sunny."),
        ('{"windSpeed": {"max": 3.50}}', "The wind speed max is 3.5."),
        ('{"result": "It is done."}', "It is done."),
        ('{"error": "no such city"}', "The function failed: no such city."),
        ('{"error": {}}', "The function failed: it does not say why."),
        ('{"names": ["Ann", "Bob", "Cy"], "more": []}', "The names is Ann, Bob and Cy, the more is nothing."),
        ("[1, 2]", "The function returned 1, 2."),
        ("18", "The function returned 18."),
        ("true", "The function returned yes."),
        ("It is sunny.", "It is sunny."),
        ('"It is sunny."', "It is sunny."),
        ("", "The function returned nothing."),
        ("{}", "The function returned nothing."),
        ("NaN", "The function returned nan."),
    ],
)
def test_what_a_function_gave_is_spoken(output: str, words: str) -> None:
    call = events.FunctionCallItem(name="f", call_id="c", arguments="{}")
    gave = events.FunctionCallOutputItem(call_id="c", output=output)
    assert answer(heard("weather"), call, gave, tools=TOOLS, tool_choice="required") == Say(words)


def test_several_outputs_in_their_order() -> None:
    first, second = (events.FunctionCallOutputItem(call_id=n, output=f"{n}.") for n in ("One", "Two"))
    assert answer(heard("both"), first, second) == Say("One. Two.")


def test_a_turn_with_a_tool() -> None:
    e = Emulated(Settings(pace=math.inf, engines=Engines(responder=RulesResponder(lambda: NOW))))
    assert e.begin[0].session.instructions == RulesResponder.instructions
    e.say(update(output_modalities=["text"], tools=[WEATHER]), wrote("what is the weather in Paris?"))
    call = only(e.say(create()), events.ResponseFunctionCallArgumentsDone)
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Paris"})
    gave = events.FunctionCallOutputItem(call_id=call.call_id, output='{"temperature": 18}')
    heard = e.say(events.ConversationItemCreate(item=gave), create())
    assert only(heard, events.ResponseOutputTextDone).text == "The temperature is 18."
    heard = e.say(wrote("what is two plus three"), create())
    assert only(heard, events.ResponseOutputTextDone).text == "That is 5."
    assert all(done.response.status == "completed" for done in every(e.seen, events.ResponseDone))


# ---- what nobody should send ----


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "required": ["next"], "properties": {}}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"next": schema}, "required": ["next"]}
    return schema


def broad(count: int) -> dict[str, Any]:
    return {
        "properties": {f"p{n}": {"type": "string"} for n in range(count)},
        "required": [f"p{n}" for n in range(count)],
    }


def shared(depth: int) -> dict[str, Any]:
    """As large as 10 ** depth, were it written out."""
    schema: Any = {"type": "string"}
    for _ in range(depth):
        schema = {"properties": {f"p{n}": schema for n in range(10)}, "required": [f"p{n}" for n in range(10)]}
    found: dict[str, Any] = schema
    return found


LOOP = {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]}


@pytest.mark.parametrize(
    "schema",
    [
        nested(300),
        broad(50_000),
        shared(8),
        LOOP,
        {"$ref": "#"},
        {"$ref": "#/a/b"},
        {"properties": {"a": {"$ref": "#/properties/a"}}, "required": ["a"]},
        {"properties": {"a": {"anyOf": [{"$ref": "#/properties/a"}]}}, "required": ["a"]},
        {"properties": {"a": {"enum": list(range(100_000))}}, "required": ["a"]},
        {"properties": {"a" * 1_000_000: {"type": "string"}}, "required": ["a" * 1_000_000]},
        {"properties": {"(((": {"type": "string"}, "": {"type": "string"}}, "required": ["(((", ""]},
        {"properties": {"a": {"type": ["null"]}, "b": {"type": 7}, "c": {"type": []}}, "required": ["a", "b", "c"]},
        {"properties": {"a": {"type": "integer", "minimum": "x", "maximum": []}}, "required": ["a"]},
        {"properties": [], "required": 7},
        {"type": "string"},
        [],
        None,
        True,
        7,
    ],
)
def test_schemas_of_any_kind(schema: Any) -> None:
    found = events.FunctionTool(name="weather", parameters=schema)
    begun = time.process_time()
    piece = answer(heard("weather in paris on the 5 of may"), tools=[found], tool_choice="required")
    assert isinstance(piece, Call)
    assert isinstance(json.loads(piece.arguments), dict)
    assert time.process_time() - begun < 1


FLOODS = [
    "a ",
    "say ",
    "please ",
    "hello, ",
    "answer with the ",
    "always ",
    '"',
    "'",
    "in ",
    "weather in ",
    "five ",
    "hundred and ",
    "9",
    "1+",
    "(",
    "what is ",
    "what time is it in ",
    "add and ",
    ".",
    "\n",
    "\U0001f600",
    "\ud800",
    "\u0130",
]


@pytest.mark.parametrize("flood", FLOODS)
def test_a_megabyte_of_words(flood: str) -> None:
    words = flood * (1_000_000 // len(flood))
    begun = time.process_time()
    for context in ({}, {"tools": TOOLS}, {"tools": TOOLS, "tool_choice": "required"}, {"instructions": words}):
        piece = answer(heard(words), **context)
        assert len(piece.text if isinstance(piece, Say) else piece.arguments) < 3000
    output = events.FunctionCallOutputItem(call_id="c", output=words)
    piece = answer(output)
    assert isinstance(piece, Say)
    assert len(piece.text) < 3000
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "output", ["[" * 90_000, '{"a":' * 20_000, "1" * 5000, "[" + "1," * 40_000 + "1]", '{"a":' * 9 + "1" + "}" * 9]
)
def test_outputs_of_any_kind(output: str) -> None:
    assert 0 < len(spoken(output)) < 3000


def test_a_thousand_tools() -> None:
    many = [tool(f"tool_{n}", "word " * 10_000) for n in range(1000)]
    begun = time.process_time()
    assert called(many, "what is the weather in paris") is None
    assert time.process_time() - begun < 1
    assert arguments(many[0], "weather").values == {}
