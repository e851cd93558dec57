"""A connection within the server's loop: what is held until it is sent, and when that is."""

import select
import socket
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from waitress.adjustments import Adjustments

from acare.cli.connection import Channel
from acare.cli.dispatcher import TOGETHER, Dispatcher

REQUEST = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"


@pytest.fixture
def dispatcher():
    made = Dispatcher(threads=0)
    yield made
    made.shutdown()


@pytest.fixture
def connect(dispatcher):
    """Makes a connection to an app; returns the server's end of it and the caller's."""
    with ExitStack() as stack:

        def make(app=None):
            ours, theirs = (stack.enter_context(end) for end in socket.socketpair())
            server = SimpleNamespace(
                task_dispatcher=dispatcher,
                add_task=dispatcher.add_task,
                pull_trigger=lambda: None,
                active_channels={},
                adj=Adjustments(),
                application=app,
                effective_host="a.example",
                effective_port=80,
                server_name="a.example",
            )
            connection = Channel(server, ours, ("127.0.0.1", 1), server.adj, map={})
            stack.callback(connection.handle_close)
            return connection, theirs

        yield make


def has_news(caller):
    return bool(select.select([caller], [], [], 0)[0])


def test_answers_to_reads_leave_together_but_not_too_many_at_a_time(connect, dispatcher):
    callers, gone = [], []

    def app(environ, start_response):
        gone.append(sum(map(has_news, callers)))
        start_response("200 OK", [("content-length", "2")])
        return [b"{}"]

    for _ in range(TOGETHER + 1):
        connection, caller = connect(app)
        callers.append(caller)
        connection.received(REQUEST)
    dispatcher.answer()
    assert gone == [0] * TOGETHER + [TOGETHER]
    assert all(map(has_news, callers))


def test_what_is_held_is_sent_whole_and_in_order(connect, dispatcher):
    connection, caller = connect()
    for piece in (b"one ", b"two ", b"three"):
        connection.write_soon(piece)
    assert not has_news(caller)
    dispatcher.answer()
    assert caller.recv(100) == b"one two three"


def test_what_the_socket_does_not_take_is_sent_later_and_before_what_follows(connect, dispatcher):
    connection, caller = connect()
    large = b"x" * 10_000_000
    connection.write_soon(large)
    dispatcher.answer()
    received = caller.recv(1_000_000)  # so that the socket would take more
    connection.write_soon(b"y")
    dispatcher.answer()
    while len(received) <= len(large):
        connection.handle_write()
        received += caller.recv(1_000_000)
    assert received == large + b"y"


def test_the_last_answer_is_not_cut_off_by_the_close_after_it(connect, dispatcher):
    connection, caller = connect()
    connection.write_soon(b"the last")
    connection.close_when_flushed = True
    assert not connection.writable()  # or waitress would close it now
    dispatcher.answer()
    assert connection.writable()
    connection.handle_write()
    assert (caller.recv(100), caller.recv(100)) == (b"the last", b"")


def test_a_connection_is_not_idle_while_something_is_held(connect, dispatcher):
    connection, _ = connect()
    assert connection.is_idle()
    connection.write_soon(b"not yet sent")
    assert not connection.is_idle()
    dispatcher.answer()
    assert connection.is_idle()


def test_what_is_held_for_a_caller_who_has_gone_is_dropped(connect, dispatcher):
    connection, _ = connect()
    connection.write_soon(b"too late")
    connection.handle_close()
    dispatcher.answer()
    assert not connection.held


def test_the_next_request_of_a_caller_waits_until_the_answer_before_is_sent(connect, dispatcher):
    calls = []

    def app(environ, start_response):
        calls.append(environ)
        start_response("200 OK", [("content-length", "10000000")])
        return [b"x" * 10_000_000]

    connection, caller = connect(app)
    connection.received(REQUEST * 2)
    dispatcher.answer()
    assert len(calls) == 1
    while connection.total_outbufs_len:
        caller.recv(1_000_000)
        connection.handle_write()
    dispatcher.answer()
    assert len(calls) == 2
