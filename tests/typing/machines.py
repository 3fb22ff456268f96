# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""The machines know their role: what may be said, and what is heard."""

from typing_extensions import assert_type

from rtproto import Close, Config, Connection, Endpoint, Limits, Role, Session, events
from rtproto.events import ClientEvent, LocalEvent, ServerEvent, Unknown

CREATED = events.SessionCreated(session=events.RealtimeSession())


def a_client_says_what_clients_say() -> None:
    session = Session(Role.CLIENT)
    assert_type(session, Session[ClientEvent, ServerEvent])
    session.send(events.ResponseCreate(), 0.0)
    session.send(CREATED, 0.0)  # type: ignore[arg-type]
    assert_type(session.next_event(), ServerEvent | LocalEvent | None)
    assert_type(session.outgoing(), list[str | bytes | Close])
    assert_type(session.deadline(), float | None)


def a_server_says_what_servers_say() -> None:
    session = Session(Role.SERVER, Config(strict=True))
    assert_type(session, Session[ServerEvent, ClientEvent])
    session.send(CREATED, 0.0)
    session.send(events.ResponseCreate(), 0.0)  # type: ignore[arg-type]
    assert_type(session.next_event(), ClientEvent | LocalEvent | None)


def connections_too(endpoint: Endpoint, data: bytes) -> None:
    client = Connection.client(endpoint, now=0.0)
    assert_type(client, Connection[ClientEvent, ServerEvent])
    client.send(CREATED, 0.0)  # type: ignore[arg-type]
    client.receive(data, 0.0)
    client.receive("text", 0.0)  # type: ignore[arg-type]
    assert_type(client.outgoing(), list[bytes])
    server = Connection.server(now=0.0)
    assert_type(server, Connection[ServerEvent, ClientEvent])
    server.send(CREATED, 0.0)
    server.send(events.ResponseCreate(), 0.0)  # type: ignore[arg-type]


def what_is_unknown_goes_both_ways(unknown: Unknown) -> None:
    Session(Role.CLIENT).send(unknown, 0.0)
    Session(Role.SERVER).send(unknown, 0.0)


def what_a_machine_says_itself_never_travels(closed: events.Closed) -> None:
    Session(Role.CLIENT).send(closed, 0.0)  # type: ignore[arg-type]
    assert_type(Session(Role.CLIENT).closed, events.Closed | None)


def time_is_never_forgotten(endpoint: Endpoint) -> None:
    Session(Role.CLIENT).send(events.ResponseCreate())  # type: ignore[call-arg]
    Connection.client(endpoint)  # type: ignore[call-arg]


def configurations_are_values(config: Config, limits: Limits) -> None:
    Config(limits=limits, compression=True)
    config.strict = True  # type: ignore[misc]
    Limits(max_message="24 MiB")  # type: ignore[arg-type]
